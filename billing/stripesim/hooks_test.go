package stripesim_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	stripego "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/vouchledger/vouch/billing/stripesim"
)

// An ear is an endpoint for webhooks that may be deaf.
type ear struct {
	mu    sync.Mutex
	deaf  bool
	heard []letter
}

type letter struct {
	kind, id, signature string
	body                []byte
	object              map[string]any
}

func (e *ear) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var in stripego.Event
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	status := http.StatusOK
	if e.deaf {
		status = http.StatusServiceUnavailable
	}
	e.heard = append(e.heard, letter{
		string(in.Type), in.ID, r.Header.Get("Stripe-Signature"), body, in.Data.Object,
	})
	return &http.Response{StatusCode: status, Body: http.NoBody}, nil
}

func (e *ear) set(deaf bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.deaf = deaf
}

// take returns what was heard since the last call, once all is delivered.
func (e *ear) take(b *bank) []letter {
	b.Helper()
	b.ok(b.sim.Flush(b.Context()))
	e.mu.Lock()
	defer e.mu.Unlock()
	heard := e.heard
	e.heard = nil
	return heard
}

func listening(t *testing.T) (*bank, *ear) {
	t.Helper()
	e := &ear{}
	return openBank(t, stripesim.Config{
		WebhookURL: "http://shop.invalid", WebhookSecret: "whsec_old", WebhookRetries: []time.Duration{}, Transport: e,
	}), e
}

// A shop that is deaf for a day hears everything in the end; one that is deaf
// for three days hears nothing, and finds it in the list.
func TestWebhooksComeAgainForThreeDays(t *testing.T) {
	b, e := listening(t)
	e.set(true)
	must[*stripego.Customer](b)(b.customers.New(&stripego.CustomerParams{}))
	if n := len(e.take(b)); n != 1 {
		t.Fatalf("%d deliveries at once, want 1", n)
	}
	var hours []int
	for hour := 1; hour <= 100; hour++ {
		b.advance(time.Hour)
		if len(e.take(b)) > 0 {
			hours = append(hours, hour)
		}
	}
	if want := []int{1, 3, 7, 15, 31, 55}; !slices.Equal(hours, want) {
		t.Errorf("sent again after hours %v, want %v", hours, want)
	}
	e.set(false)
	b.advance(100 * time.Hour)
	if n := len(e.take(b)); n != 0 {
		t.Errorf("%d deliveries after it was given up", n)
	}
	p := &stripego.EventListParams{DeliverySuccess: stripego.Bool(false)}
	if list := b.events.List(p); !list.Next() || list.Event().PendingWebhooks != 0 {
		t.Error("the event that nobody heard is not listed as undelivered")
	}

	e.set(true)
	must[*stripego.Customer](b)(b.customers.New(&stripego.CustomerParams{}))
	missed := e.take(b)
	e.set(false)
	b.advance(time.Hour)
	if heard := e.take(b); len(heard) != 1 || heard[0].id != missed[0].id {
		t.Errorf("an hour later %d deliveries, want the one that was missed", len(heard))
	}
	b.advance(72 * time.Hour)
	if n := len(e.take(b)); n != 0 {
		t.Errorf("%d deliveries of what was heard", n)
	}
}

// For a day after the secret is changed both secrets sign.
func TestSecretIsRotated(t *testing.T) {
	b, e := listening(t)
	check := func(when string, signatures int, secrets map[string]bool) {
		t.Helper()
		must[*stripego.Customer](b)(b.customers.New(&stripego.CustomerParams{}))
		heard := e.take(b)[0]
		if n := strings.Count(heard.signature, "v1="); n != signatures {
			t.Errorf("%s: %d signatures, want %d", when, n, signatures)
		}
		for secret, good := range secrets {
			// The simulator's clock stands in the past of the checker's.
			_, err := webhook.ConstructEventWithOptions(heard.body, heard.signature, secret,
				webhook.ConstructEventOptions{IgnoreTolerance: true})
			if (err == nil) != good {
				t.Errorf("%s: checked with %s = %v, want good %t", when, secret, err, good)
			}
		}
	}
	check("before", 1, map[string]bool{"whsec_old": true, "whsec_new": false})
	b.ok(b.sim.RotateWebhookSecret("whsec_new"))
	check("after", 2, map[string]bool{"whsec_old": true, "whsec_new": true})
	b.advance(24 * time.Hour)
	check("a day later", 1, map[string]bool{"whsec_old": false, "whsec_new": true})
	if err := b.sim.RotateWebhookSecret(""); err == nil {
		t.Error("an empty secret was taken")
	}
}

// A stale webhook shows the object as it was before.
func TestStaleWebhook(t *testing.T) {
	b, e := listening(t)
	if _, err := b.sim.Fault(stripesim.Fault{Op: "payment_intent.succeeded", Kind: stripesim.Stale}); err != nil {
		t.Fatal(err)
	}
	pi := b.bought("pm_card_visa")
	for _, heard := range e.take(b) {
		if heard.kind == "payment_intent.succeeded" && heard.object["status"] != "requires_capture" {
			t.Errorf("stale webhook says %v, want what it was before", heard.object["status"])
		}
	}
	if pi = must[*stripego.PaymentIntent](b)(b.intents.Get(pi.ID, nil)); pi.Status != "succeeded" {
		t.Errorf("asked again = %s, want succeeded", pi.Status)
	}
}

// Events are found by type, by a group of types, and by time; after thirty
// days they are gone from the list.
func TestEventsAreListed(t *testing.T) {
	b := openBank(t, stripesim.Config{})
	b.bought("pm_card_visa")
	b.advance(time.Hour)
	b.bought("pm_card_visa")
	count := func(set func(*stripego.EventListParams)) (n int) {
		p := &stripego.EventListParams{}
		p.Limit = stripego.Int64(2) // so that there are pages
		set(p)
		list := b.events.List(p)
		for ; list.Next(); n++ {
		}
		b.ok(list.Err())
		return n
	}
	since := noon.Add(time.Hour).Unix()
	for name, c := range map[string]struct {
		want int
		set  func(*stripego.EventListParams)
	}{
		"all":       {10, func(*stripego.EventListParams) {}},
		"of a type": {2, func(p *stripego.EventListParams) { p.Type = stripego.String("charge.captured") }},
		"of a group": {6, func(p *stripego.EventListParams) {
			p.Type = stripego.String("payment_intent.*")
		}},
		"of two types": {4, func(p *stripego.EventListParams) {
			p.Types = stripego.StringSlice([]string{"charge.captured", "charge.succeeded"})
		}},
		"since": {5, func(p *stripego.EventListParams) {
			p.CreatedRange = &stripego.RangeQueryParams{GreaterThanOrEqual: since}
		}},
		"before": {5, func(p *stripego.EventListParams) {
			p.CreatedRange = &stripego.RangeQueryParams{LesserThan: since}
		}},
	} {
		if got := count(c.set); got != c.want {
			t.Errorf("events %s = %d, want %d", name, got, c.want)
		}
	}
	many := strings.Split(strings.Repeat("x,", 20), ",")
	list := b.events.List(&stripego.EventListParams{Types: stripego.StringSlice(many)})
	list.Next()
	b.refuses(list.Err(), "invalid_request_error")
	b.advance(30*24*time.Hour - 30*time.Minute) // half of them are older
	if got := count(func(p *stripego.EventListParams) { p.Type = stripego.String("charge.captured") }); got != 1 {
		t.Errorf("events after 30 days = %d, want the later one", got)
	}
}

// Another process drives all of it over HTTP, with the same effects.
func TestActsOverHTTP(t *testing.T) {
	b := openBank(t, stripesim.Config{WebhookURL: "http://127.0.0.1:1", WebhookSecret: "whsec_1"})
	do := func(path, body string) string {
		t.Helper()
		res, err := http.Post(b.url+"/sim/"+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		answer, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(res.StatusCode, " ", strings.TrimSpace(string(answer)))
	}
	wants := func(path, body, part string) string {
		t.Helper()
		got := do(path, body)
		if !strings.Contains(got, part) {
			t.Errorf("POST /sim/%s %s = %s, want %s", path, body, got, part)
		}
		return got
	}
	asked := must[*stripego.PaymentIntent](b)(b.hold("pm_card_authenticationRequired"))
	wants("authentication", `{"object":"`+asked.ID+`","result":"success"}`, "200 ")
	sold := b.bought("pm_card_visa")
	wants("warning", `{"object":"`+sold.ID+`"}`, `"id":"issfr_`)
	wants("dispute", `{"object":"`+sold.ID+`","inquiry":true,"amount":100}`, `"id":"du_`)
	d := b.disputeOf(sold)
	wants("escalate", `{"object":"`+d.ID+`"}`, "200 ")
	wants("decision", `{"object":"`+d.ID+`","result":"won"}`, "200 ")
	if got := b.now(d); got.Status != "won" || got.Amount != 100 {
		t.Errorf("dispute = %s of %d, want it won", got.Status, got.Amount)
	}
	r := must[*stripego.Refund](b)(b.refunds.New(&stripego.RefundParams{PaymentIntent: &sold.ID}))
	wants("refund", `{"object":"`+r.ID+`","result":"failed","reason":"lost_or_stolen_card"}`, "200 ")
	b.advance(40 * time.Hour)
	b.bought("pm_card_visa")
	b.advance(48 * time.Hour)
	paid := wants("payout", `{"currency":"usd"}`, `"id":"po_`)
	id := paid[strings.Index(paid, "po_") : len(paid)-2]
	wants("payout_failure", `{"object":"`+id+`"}`, "200 ")
	wants("webhook/secret", `{"secret":"whsec_2"}`, "200 ")
	f := must[*stripego.File](b)(b.upload("packet.pdf", evidenceFile()))
	res, err := http.Get(f.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err != nil || !strings.HasPrefix(string(body), "%PDF-") {
		t.Errorf("GET %s = %q, %v, want the file", f.URL, body, err)
	}
	for path, body := range map[string]string{
		"authentication": `{"object":"` + asked.ID + `","result":"success"}`, "dispute": `{"object":"ch_none"}`,
		"escalate": `{"object":"` + d.ID + `"}`, "decision": `{"object":"` + d.ID + `","result":"draw"}`,
		"warning": `{"object":"` + sold.ID + `","reason":"mood"}`, "refund": `{"object":"` + r.ID + `","result":"failed"}`,
		"payout": `{"currency":"eur"}`, "payout_failure": `{"object":"po_none"}`, "webhook/secret": `{"secret":""}`,
	} {
		wants(path, body, `400 {"error":`)
	}
	wants("decision", `{"objekt":"x"}`, `400 {"error":`)
}
