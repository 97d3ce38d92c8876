package stripesim

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Each fault does to the connection and to the money what it says.
func TestFaultsOverHTTP(t *testing.T) {
	for _, c := range []struct {
		kind   FaultKind
		status int // 0: no answer
		holds  int
	}{
		{DropBefore, 0, 0},
		{DropAfter, 0, 1},
		{Half, 0, 1},
		{Error500, 500, 0},
		{Error500After, 500, 1},
		{Error503, 503, 0},
		{Error429, 429, 0},
		{Error409, 409, 0},
		{Slow, 200, 1},
		{Late, 200, 1},
		{Decline, 402, 0},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			for name, inProcess := range map[string]bool{"socket": false, "in process": true} {
				a := openSim(t, Config{})
				if inProcess {
					a.c = &http.Client{Transport: a.sim.Transport()}
				}
				a.fault(Fault{Op: "payment_intents.create", Kind: c.kind, Times: 1, DelayMS: 20})
				r, err := a.try(http.MethodPost, "/v1/payment_intents", "", hold)
				if (err != nil) != (c.status == 0) || (err == nil && r.status != c.status) {
					t.Errorf("%s: hold = %d, %v, want %d", name, r.status, err, c.status)
				}
				if got := a.sim.Audit().Visits["v1"].Holds; got != c.holds {
					t.Errorf("%s: %d holds, want %d", name, got, c.holds)
				}
				last := a.sim.Requests()[0]
				if last.Fault != c.kind || last.Visit != "v1" || last.OpID != "op1" {
					t.Errorf("%s: logged %+v, want the fault and the order", name, last)
				}
			}
		})
	}
}

// A hanging request ends when its caller leaves, and when the simulator closes.
func TestHang(t *testing.T) {
	a := openSim(t, Config{})
	a.fault(Fault{Kind: Hang})
	hangs := func(n int) {
		for len(a.sim.Requests()) < n {
			<-time.After(time.Millisecond)
		}
	}
	n := 0
	for name, c := range map[string]*http.Client{"socket": a.c, "in process": {Transport: a.sim.Transport()}} {
		n++
		ctx, cancel := context.WithCancel(t.Context())
		go func() { hangs(n); cancel() }()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url+"/v1/customers", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := c.Do(req)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: hanging request = %v, want that its caller left", name, err)
		}
		if err == nil {
			res.Body.Close()
		}
	}
	ended := make(chan error)
	go func() {
		_, err := a.try(http.MethodGet, "/v1/customers", "", "")
		ended <- err
	}()
	hangs(3)
	a.close()
	if err := <-ended; err == nil {
		t.Error("the hanging request was answered by Close, want a dropped connection")
	}
}

// Another process drives the simulator over HTTP.
func TestControls(t *testing.T) {
	a := openSim(t, Config{})
	r := a.post("/sim/faults", "", `{"op":"payment_intents.create","kind":"error_503","times":1}`)
	if r.body["id"] != 1.0 {
		t.Errorf("POST /sim/faults = %s, want id 1", r.raw)
	}
	if r := a.post("/v1/payment_intents", "k", hold); r.status != 503 {
		t.Errorf("hold = %d, want 503", r.status)
	}
	pi := a.post("/v1/payment_intents", "k", hold).id()
	if r := a.post("/sim/clock", "", `{"advance":"114h"}`); r.body["now"] != "2026-11-28T06:00:00Z" {
		t.Errorf("POST /sim/clock = %s", r.raw)
	}
	if r := a.post("/sim/clock", "", `{"to":"2026-11-28T07:00:00Z"}`); r.body["now"] != "2026-11-28T07:00:00Z" {
		t.Errorf("POST /sim/clock = %s", r.raw)
	}
	r = a.get("/v1/payment_intents/" + pi)
	if r.body["status"] != "canceled" || r.body["cancellation_reason"] != "automatic" {
		t.Errorf("hold after 114 h = %s, want canceled automatically", r.raw)
	}
	if r := a.get("/sim/audit"); !strings.Contains(r.raw, `"holds":1`) || !strings.Contains(r.raw, `"lapses":1`) {
		t.Errorf("GET /sim/audit = %s, want one hold that lapsed", r.raw)
	}
	for path, body := range map[string]string{
		"/sim/faults":  `{"kind":"explode"}`,
		"/sim/clock":   `{"advance":"-1h"}`,
		"/sim/webhook": `{"url":"http://127.0.0.1:1"}`,
	} {
		if r := a.post(path, "", body); r.status != 400 || r.body["error"] == nil {
			t.Errorf("POST %s %s = %d %s, want 400 and why", path, body, r.status, r.raw)
		}
	}
	if r := a.post("/sim/clock", "", `{"tomorrow":true}`); r.status != 400 {
		t.Errorf("an unknown field = %d, want 400", r.status)
	}
	r, err := a.try(http.MethodDelete, "/sim/faults", "", "")
	if err == nil || r.raw != "[]\n" { // a list, not an object
		t.Errorf("DELETE /sim/faults = %s, %v, want []", r.raw, err)
	}
}

// The events of a lost webhook can still be listed, and one that was not
// delivered before the simulator stopped is sent by the next.
func TestEventsAreKept(t *testing.T) {
	file := t.TempDir() + "/stripe.jsonl"
	a := openSim(t, Config{Data: file})
	a.post("/v1/customers", "c", "") // nobody listens yet, and nobody will hear of it
	if err := a.sim.SetWebhook("http://127.0.0.1:1", "whsec_1"); err != nil {
		t.Fatal(err)
	}
	a.fault(Fault{Op: "charge.succeeded", Kind: Lose})
	a.post("/v1/payment_intents", "k", hold)
	lost := "/v1/events/" + a.sim.eventOf("charge.succeeded")
	for !strings.Contains(a.get(lost).raw, `"pending_webhooks":0`) {
		<-time.After(time.Millisecond)
	}
	a.close()

	got := make(chan string, 10)
	in := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		got <- r.Header.Get("Stripe-Signature")
		return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
	})}
	b := openSim(t, Config{
		Data: file, WebhookURL: "http://shop.invalid", WebhookSecret: "whsec_1", Transport: in.Transport,
	})
	if err := b.sim.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 { // created and capturable; not the lost one
		t.Errorf("%d webhooks after the restart, want 2", len(got))
	}
	r := b.get("/v1/events?delivery_success=false&type=charge.succeeded")
	if data := r.body["data"].([]any); len(data) != 1 || data[0].(map[string]any)["type"] != "charge.succeeded" {
		t.Errorf("undelivered events = %s, want charge.succeeded", r.raw)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (s *Sim) eventOf(kind string) string {
	for _, e := range s.Look("events", 100) {
		if e["type"] == kind {
			return e["id"].(string)
		}
	}
	return ""
}
