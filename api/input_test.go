package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
)

// TestBadInputIsRefusedWithWhatIsWrong: nothing of it reaches the log.
func TestBadInputIsRefusedWithWhatIsWrong(t *testing.T) {
	s := openShop(t)
	visit := s.enter("lea")
	head := must(s.log.Head(t.Context()))(t)
	with := func(change func(req, detection map[string]any)) map[string]any {
		e := s.see("take", "cola", "A1", 990)
		change(e, e["detection"].(map[string]any))
		return e
	}
	for _, c := range []struct {
		name, who, path string
		body            any
		status          int
		says            string
	}{
		{"not JSON", "gate", "/v1/detections", "{", 400, "not JSON"},
		{"two values", "gate", "/v1/detections", "{} {}", 400, "more than one"},
		{"nothing", "gate", "/v1/detections", "", 400, ""},
		{"no id", "gate", "/v1/detections", with(func(r, _ map[string]any) { delete(r, "id") }), 400, "id"},
		{
			"an id that is none", "gate", "/v1/detections", with(func(r, _ map[string]any) { r["id"] = "7" }),
			400, "body.id",
		},
		{
			"an unknown field", "gate", "/v1/detections", with(func(r, _ map[string]any) { r["price"] = 1 }),
			400, "price",
		},
		{"a confidence above all", "gate", "/v1/detections", with(func(_, d map[string]any) {
			d["actions"] = []any{map[string]any{"action": "take", "confidence": 1001}}
		}), 400, "body.detection.actions.0.confidence"},
		{"readings out of order", "gate", "/v1/detections", with(func(_, d map[string]any) {
			d["items"] = []any{map[string]any{"sku": "a", "confidence": 1}, map[string]any{
				"sku":        "b",
				"confidence": 2,
			}}
		}), 422, "best first"},
		{
			"no readings", "gate", "/v1/detections", with(func(_, d map[string]any) { d["items"] = []any{} }),
			400, "items",
		},
		{"an action that is none", "gate", "/v1/detections", with(func(_, d map[string]any) {
			d["actions"] = []any{map[string]any{"action": "steal", "confidence": 1}}
		}), 400, "action"},
		{"presence from outside", "gate", "/v1/detections", with(func(_, d map[string]any) {
			d["presence"] = []any{map[string]any{"visit": visit, "confidence": 990}}
		}), 422, "server fills"},
		{"a device that speaks for a reviewer", "gate", "/v1/detections", with(func(r,
			_ map[string]any,
		) {
			r["actor"] = "reviewer:anna"
		}), 422, "device"},
		{"a party of none", "gate", "/v1/gate/entries", map[string]any{
			"id": s.id(), "occurred_at": s.now(),
			"store": berlin, "gate": "g", "code": "x", "party": 0,
		}, 400, "party"},
		{"an exit without a visit", "gate", "/v1/gate/exits", map[string]any{
			"id":          s.id(),
			"occurred_at": s.now(), "gate": "g",
		}, 422, "visit or code"},
		{
			"a verdict that is none", "anna", "/v1/reviews/" + s.id().String() + "/decision",
			map[string]any{"verdict": "maybe"},
			400, "verdict",
		},
		{"a claim that is none", "lea", "/v1/receipts/x/disputes", map[string]any{
			"line":  1,
			"claim": "rude", "quantity": 1,
		}, 400, "claim"},
		{
			"a ticket for a name too long", "olga", "/v1/tickets",
			map[string]any{"shopper": strings.Repeat("s", 70)},
			422, "",
		},
		{"a body too large", "gate", "/v1/gate/entries", strings.Repeat(" ", maxBody+1), 413, ""},
		{"a batch too large", "gate", "/v1/detections", "[" + strings.Repeat("{},", 500) + "{}]", 422, "500"},
		{"an empty batch", "gate", "/v1/detections", "[]", 422, "500"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := s.send(c.who, "POST", c.path, c.body).want(c.status)
			if !strings.Contains(got.Body.String(), c.says) ||
				got.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("answer %s as %s, want a problem that says %q", got.Body,
					got.Header().Get("Content-Type"), c.says)
			}
		})
	}
	for _, path := range []string{
		"/v1/visits?limit=0", "/v1/visits?limit=201", "/v1/visits?cursor=!",
		"/v1/visits?status=lost", "/v1/journal?cursor=AAAA",
	} {
		who := "otto"
		if c := s.send(who, "GET", path, nil); c.Code != 400 && c.Code != 422 {
			t.Errorf("GET %s answers %d %s, want a refusal", path, c.Code, c.Body.String())
		}
	}
	if now := must(s.log.Head(t.Context()))(t); now != head {
		t.Errorf("bad input moved the log from %d to %d", head, now)
	}
}

// TestOneBadDetectionHoldsNoOtherUp: each item of a list has its own answer,
// and sending the list again changes nothing.
func TestOneBadDetectionHoldsNoOtherUp(t *testing.T) {
	s := openShop(t)
	visit := s.enter("lea")
	bad, foreign := s.see("take", "cola", "A1", 990), s.see("take", "cola", "A1", 990)
	bad["detection"].(map[string]any)["quantity"] = 0
	foreign["detection"].(map[string]any)["store"] = munich
	batch := []any{s.see("take", "cola", "A1", 990), bad, foreign, s.see("take", "water", "A2", 990)}
	var first, again []struct {
		recordedView
		Problem *problem `json:"problem"`
	}
	s.send("gate", "POST", "/v1/detections", batch).want(200, &first)
	s.send("gate", "POST", "/v1/detections", batch).want(200, &again)
	for i, want := range []string{"", "bad_request", "not_found", ""} {
		code := ""
		if first[i].Problem != nil {
			code = first[i].Problem.Code
		}
		if code != want || first[i].Position != again[i].Position || want == "" && (first[i].Duplicate ||
			!again[i].Duplicate) {
			t.Errorf("item %d answers %+v, then %+v, want code %q and the same place", i, first[i],
				again[i], want)
		}
	}
	v := s.until(visit, "priced", func(v visitView) bool { return v.Cart.Gross.Minor == 189+119 })
	if len(v.Cart.Lines) != 2 {
		t.Errorf("cart = %+v, want cola and water", v.Cart.Lines)
	}
}

// TestEvidenceIsWhatItsDigestSays: other bytes are refused and leave nothing.
func TestEvidenceIsWhatItsDigestSays(t *testing.T) {
	s := openShop(t)
	clip := append([]byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"), bytes.Repeat([]byte("frame"),
		500)...)
	path := "/v1/evidence/" + string(ledger.DigestOf(clip))
	if c := s.send("gate", "PUT", path, append(bytes.Clone(clip),
		'x')).want(422); c.code() != "digest_mismatch" {
		t.Errorf("altered bytes answer %s, want digest_mismatch", c.code())
	}
	s.send("gate", "HEAD", path, nil).want(404)
	s.send("gate", "PUT", path, []byte{}).want(422)
	s.send("gate", "PUT", "/v1/evidence/"+string(ledger.DigestOf([]byte("big"))), make([]byte,
		1<<20+1)).want(413)
	s.send("gate", "PUT", "/v1/evidence/md5:00", clip).want(400)
	s.send("gate", "PUT", path, clip).want(201)
	s.send("gate", "PUT", path, clip).want(200)
	s.send("gate", "HEAD", path, nil).want(200)
	got := s.send("anna", "GET", path, nil, "Range", "bytes=4-11").want(206)
	if got.Body.String() != "ftypmp42" || got.Header().Get("Content-Type") != "video/mp4" ||
		got.Header().Get("Content-Range") != fmt.Sprintf("bytes 4-11/%d", len(clip)) {
		t.Errorf("range = %q %v, want ftypmp42 of a clip", got.Body, got.Header())
	}
	s.send("anna", "GET", path, nil, "Range", "bytes=99999-").want(416)
	page := []byte("<html><script>alert(1)</script>")
	page = append(page, bytes.Repeat([]byte(" "), 9)...)
	s.keep("after", "image/png", page)
	got = s.send("anna", "GET", "/v1/evidence/"+string(ledger.DigestOf(page)), nil).want(200)
	if got.Header().Get("Content-Type") != "application/octet-stream" ||
		got.Header().Get("Content-Disposition") != "attachment" {
		t.Errorf("a page that calls itself a picture is served as %v, want an attachment", got.Header())
	}
}

// TestARepeatedTicketIsTheSameTicket: and the key is of use for nothing else.
func TestARepeatedTicketIsTheSameTicket(t *testing.T) {
	s := openShop(t)
	ask := func(who string, life int) call {
		return s.send(who, "POST", "/v1/tickets", map[string]any{"shopper": "lea", "life_seconds": life},
			"Idempotency-Key", "once")
	}
	one, two := ask("lea", 60).want(201), ask("lea", 60).want(201)
	if one.Body.String() != two.Body.String() {
		t.Errorf("a repeat answers %s, want %s", two.Body, one.Body)
	}
	if c := ask("lea", 61).want(422); c.code() != "id_reused" {
		t.Errorf("another body answers %s, want id_reused", c.code())
	}
	if c := ask("olga", 60).want(201); c.Body.String() == one.Body.String() {
		t.Error("another caller's key gives this caller's answer")
	}
}

// TestTheProviderTellsUs: a signed webhook is taken, any other is not, and one
// about nothing we know is left with the provider.
func TestTheProviderTellsUs(t *testing.T) {
	s := openShop(t)
	visit := s.enter("lea")
	e := must(json.Marshal(engine.ProviderEvent{
		ID: "evt_1", Type: "payment_intent.amount_capturable_updated", Object: "pi_3QKd0fT1" +
			visit[len(visit)-6:],
		Visit: ledger.VisitID(visit), Occurred: ledger.Instant(s.now()),
	}))(t)
	s.send("", "POST", "/webhooks/stripe", e, "Stripe-Signature", "bad").want(400)
	s.send("", "POST", "/webhooks/stripe", e, "Stripe-Signature", "good").want(204)
	s.send("", "POST", "/webhooks/stripe", e, "Stripe-Signature", "good").want(204)
	if n := strings.Count(s.stream("payment-"+visit), "payment.notified.v1"); n != 1 {
		t.Errorf("the payment's stream holds %d notices, want 1", n)
	}
	unknown := must(json.Marshal(engine.ProviderEvent{
		ID: "evt_2", Type: "x", Object: "pi_0",
		Occurred: ledger.Instant(s.now()),
	}))(t)
	if c := s.send("", "POST", "/webhooks/stripe", unknown, "Stripe-Signature", "good"); c.Code < 400 ||
		c.Code >= 500 {
		t.Errorf("an unknown object answers %d, want a refusal that is tried again", c.Code)
	}
}

// TestTheServerSaysHowItIs: alive, ready, and in figures for the operator.
func TestTheServerSaysHowItIs(t *testing.T) {
	s := openShop(t)
	s.send("", "GET", "/healthz", nil).want(200)
	s.send("", "GET", "/readyz", nil).want(200)
	c := s.send("olga", "GET", "/metrics", nil).want(200)
	if !strings.Contains(c.Body.String(), `route="/healthz",status="200"`) {
		t.Errorf("metrics do not count the request before: %.300s", c.Body)
	}
	s.api.Close()
	s.send("", "GET", "/readyz", nil).want(503)
}

// TestListsGoOnWhereTheyEnded: pages show every row once, also when rows are
// added in between.
func TestListsGoOnWhereTheyEnded(t *testing.T) {
	s := openShop(t)
	var want []string
	for _, who := range []string{"lea", "tom"} {
		v := s.enter(who)
		s.exit(v)
		s.settled(v)
		want = append(want, v)
	}
	third := s.enter("lea")
	var page list[visitRow]
	s.send("otto", "GET", "/v1/visits?limit=1", nil).want(200, &page)
	got := []string{string(page.Items[0].Visit)}
	s.enter("tom") // newer than where the reader is
	for page.Next != "" {
		next := page.Next
		page = list[visitRow]{}
		s.send("otto", "GET", "/v1/visits?limit=1&cursor="+next, nil).want(200, &page)
		got = append(got, string(page.Items[0].Visit))
	}
	if fmt.Sprint(got) != fmt.Sprint([]string{third, want[1], want[0]}) {
		t.Errorf("pages show %v, want %v", got, []string{third, want[1], want[0]})
	}
}

// TestOurFaultSaysNothing: what is not in the error table is a 500 without
// detail.
func TestOurFaultSaysNothing(t *testing.T) {
	for _, err := range []error{fmt.Errorf("dial tcp 10.0.0.1: refused"), fmt.Errorf("visit: %w", ledger.ErrCorrupt)} {
		if p := problemOf(err); p.Status != http.StatusInternalServerError || p.Detail != "" {
			t.Errorf("problemOf(%v) = %+v, want a bare 500", err, p)
		}
	}
}
