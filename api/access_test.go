package api

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/ledger"
)

// who stands for each role in the matrix, and the one of its role to whom
// nothing of the visit belongs.
var (
	roleNames = map[keys.Role]string{
		keys.Device: "gate", keys.Shopper: "lea", keys.Reviewer: "anna", keys.Finance: "finn",
		keys.Auditor: "otto", keys.Operator: "olga", keys.Program: "till",
	}
	foreignNames = map[keys.Role]string{keys.Device: "munich", keys.Shopper: "tom"}
)

// A sample is a request to a route, for a thing that is there and for one that
// is not.
type sample struct {
	there, missing string // address
	body           func(there bool) any
	list           bool // no thing is named: strangers get an empty list
}

// samples has one request for each route. A route without one fails the test,
// so a new route has to be placed here.
func (s *shop) samples() map[string]sample {
	visit := s.enter("lea")
	frame := s.keep("before", "image/png", []byte("\x89PNG\r\n\x1a\nshelf"))
	var took recordedView
	s.send("gate", "POST", "/v1/detections", s.see("take", "cola", "A1", 990, frame, s.copyOf(frame, ledger.RoleBlurred, []byte("\x89PNG\r\n\x1a\nshelf")))).want(201, &took)
	s.exit(visit)
	number := s.settled(visit).Receipts[0].Document.Number
	var d disputeView
	s.send("lea", "POST", "/v1/receipts/"+number+"/disputes", map[string]any{
		"line": 1, "claim": "price",
		"quantity": 1,
	}).want(201, &d)
	other := s.enter("lea")
	var q recordedView
	s.send("gate", "POST", "/v1/detections", s.see("take", "mate", "A3", 500)).want(201, &q)
	proposal, escalation := s.supplement("lea", visit), s.escalation(visit)
	dp, reply := s.claimed(visit, "dp_there"), map[string]any{"reply": "contest", "reason": "seen on two cameras"}
	s.exit(other)
	confirms := s.confirming("lea")
	no := s.id().String()
	exception := s.differ("amount_diff-pi_sample")
	pick := func(there bool, yes, not any) any {
		if there {
			return yes
		}
		return not
	}
	digest, lost := string(frame.Digest), string(ledger.DigestOf([]byte("nobody")))
	in := "?visit=" + visit
	form := func(fields string) func(bool) any {
		return func(bool) any { return "form:" + fields + "&nonce=" + s.id().String() }
	}
	decision := func(bool) any { return map[string]any{"outcome": "denied", "reason": "It was taken."} }
	verdict := func(bool) any { return map[string]any{"verdict": "confirmed"} }
	return map[string]sample{
		"POST /v1/gate/entries": {
			there: "/v1/gate/entries", missing: "/v1/gate/entries",
			body: func(there bool) any {
				e := s.entry("4006381333931")
				e["store"] = pick(there, berlin, "nowhere")
				return e
			},
		},
		"GET /v1/gate/entries/:visit": {there: "/v1/gate/entries/" + visit, missing: "/v1/gate/entries/" + no},
		"POST /v1/gate/exits": {there: "/v1/gate/exits", missing: "/v1/gate/exits", body: func(there bool) any {
			return map[string]any{
				"id": s.id(), "occurred_at": s.now(), "gate": "gate-1",
				"visit": pick(there, other, no),
			}
		}},
		"POST /v1/gate/tailgates": {there: "/v1/gate/tailgates", missing: "/v1/gate/tailgates", body: func(there bool) any {
			return map[string]any{
				"id": s.id(), "occurred_at": s.now(), "gate": "gate-1", "visit": pick(there, visit, no), "persons": 2,
			}
		}},
		"GET /v1/gate/keys": {there: "/v1/gate/keys", list: true},
		"GET /code":         {there: "/code", list: true},
		"POST /v1/tickets": {there: "/v1/tickets", missing: "/v1/tickets", body: func(there bool) any {
			return map[string]any{"shopper": pick(there, "lea", "nobody")}
		}},
		"POST /v1/detections": {there: "/v1/detections", missing: "/v1/detections", body: func(there bool) any {
			e := s.see("take", "water", "A2", 990)
			e["detection"].(map[string]any)["store"] = pick(there, berlin, "nowhere")
			return e
		}},
		"PUT /v1/evidence/:digest": {
			there: "/v1/evidence/" + digest, list: true,
			body: func(bool) any { return []byte("\x89PNG\r\n\x1a\nshelf") },
		},
		"HEAD /v1/evidence/:digest": {
			there:   "/v1/evidence/" + digest + in,
			missing: "/v1/evidence/" + lost + in,
		},
		"GET /v1/evidence/:digest": {
			there:   "/v1/evidence/" + digest + in,
			missing: "/v1/evidence/" + lost + in,
		},
		"GET /v1/visits":        {there: "/v1/visits", list: true},
		"GET /v1/visits/:visit": {there: "/v1/visits/" + visit, missing: "/v1/visits/" + no},
		"GET /v1/visits/:visit/paper/:form": {
			there:   "/v1/visits/" + visit + "/paper/html",
			missing: "/v1/visits/" + no + "/paper/html",
		},
		"GET /v1/visits/:visit/cart": {
			there:   "/v1/visits/" + visit + "/cart",
			missing: "/v1/visits/" + no + "/cart",
		},
		"GET /v1/visits/:visit/live": {
			there:   "/v1/visits/" + visit + "/live",
			missing: "/v1/visits/" + no + "/live",
		},
		"GET /v1/visits/:visit/replay": {
			there:   "/v1/visits/" + visit + "/replay",
			missing: "/v1/visits/" + no + "/replay",
		},
		"POST /v1/visits/:visit/coupons": {
			there: "/v1/visits/" + visit + "/coupons", missing: "/v1/visits/" + no + "/coupons",
			body: func(bool) any { return map[string]any{"coupon": "spring.1.x"} },
		},
		"GET /v1/visits/:visit/detections": {
			there: "/v1/visits/" + visit + "/detections", missing: "/v1/visits/" + no + "/detections",
		},
		"POST /v1/visits/:visit/reverifications": {
			there: "/v1/visits/" + visit + "/reverifications", missing: "/v1/visits/" + no + "/reverifications",
			body: func(bool) any { return s.lookAgain(took.ID, "cola", frame) },
		},
		"POST /v1/visits/:visit/what-if": {
			there: "/v1/visits/" + visit + "/what-if", missing: "/v1/visits/" + no + "/what-if",
			body: func(bool) any { return map[string]any{} },
		},
		"POST /v1/visits/:visit/weighings": {
			there: "/v1/visits/" + visit + "/weighings", missing: "/v1/visits/" + no + "/weighings",
			body: func(bool) any { return s.weighing(500) },
		},
		"POST /v1/visits/:visit/age": {
			there: "/v1/visits/" + visit + "/age", missing: "/v1/visits/" + no + "/age",
			body: func(bool) any { return map[string]any{"min_age": 18, "method": "document", "verified": true} },
		},
		"GET /v1/streams/:stream": {
			there:   "/v1/streams/visit-" + visit,
			missing: "/v1/streams/visit-" + no,
		},
		"GET /v1/receipts": {there: "/v1/receipts", list: true},
		"GET /v1/receipts/:number/forms/:form": {
			there:   "/v1/receipts/" + number + "/forms/pdf",
			missing: "/v1/receipts/berlin-1-2026-999999/forms/pdf",
		},
		"GET /v1/receipts/:number": {
			there:   "/v1/receipts/" + number,
			missing: "/v1/receipts/berlin-1-2026-999999",
		},
		"POST /v1/receipts/:number/disputes": {
			there:   "/v1/receipts/" + number + "/disputes",
			missing: "/v1/receipts/berlin-1-2026-999999/disputes",
			body:    func(bool) any { return map[string]any{"line": 1, "claim": "price", "quantity": 1} },
		},
		"GET /v1/disputes": {there: "/v1/disputes", list: true},
		"POST /v1/disputes/:dispute/decision": {
			there:   "/v1/disputes/" + d.Dispute.String() + "/decision",
			missing: "/v1/disputes/" + no + "/decision", body: decision,
		},
		"GET /v1/reviews": {there: "/v1/reviews", list: true},
		"POST /v1/reviews/:detection/decision": {
			there:   "/v1/reviews/" + q.ID.String() + "/decision",
			missing: "/v1/reviews/" + no + "/decision", body: verdict,
		},
		"GET /v1/debts": {there: "/v1/debts", list: true},
		"POST /v1/debts/:visit/payment": {
			there: "/v1/debts/" + visit + "/payment", missing: "/v1/debts/" + no + "/payment", body: fields(),
		},
		"GET /v1/debts/:visit/confirmation": {
			there: "/v1/debts/" + confirms + "/confirmation", missing: "/v1/debts/" + visit + "/confirmation",
		},
		"GET /v1/supplements": {there: "/v1/supplements", list: true},
		"POST /v1/supplements/:proposal/answer": {
			there: "/v1/supplements/" + proposal + "/answer", missing: "/v1/supplements/" + no + "/answer",
			body: fields("answer", "refused"),
		},
		"GET /v1/escalations": {there: "/v1/escalations", list: true},
		"POST /v1/escalations/:escalation/resolution": {
			there: "/v1/escalations/" + escalation + "/resolution", missing: "/v1/escalations/" + no + "/resolution",
			body: fields("done", false, "reason", "looked it up"),
		},
		"POST /v1/receipts/:number/goodwill": {
			there: "/v1/receipts/" + number + "/goodwill", missing: "/v1/receipts/none/goodwill", body: fields("reason", "slow gate"),
		},
		"POST /v1/receipts/:number/cash": {
			there: "/v1/receipts/" + number + "/cash", missing: "/v1/receipts/none/cash", body: fields("till", "till-1"),
		},
		"POST /v1/visits/:visit/write-off": {
			there: "/v1/visits/" + visit + "/write-off", missing: "/v1/visits/" + no + "/write-off", body: fields("reason", "small"),
		},
		"GET /v1/visits/:visit/evidence-holds": {
			there: "/v1/visits/" + visit + "/evidence-holds", missing: "/v1/visits/" + no + "/evidence-holds",
		},
		"POST /v1/visits/:visit/evidence-holds": {
			there: "/v1/visits/" + visit + "/evidence-holds", missing: "/v1/visits/" + no + "/evidence-holds",
			body: fields("reason", "a letter of the court"),
		},
		"POST /v1/visits/:visit/evidence-holds/:hold/release": {
			there:   "/v1/visits/" + visit + "/evidence-holds/" + s.hold(visit) + "/release",
			missing: "/v1/visits/" + visit + "/evidence-holds/" + no + "/release",
			body:    fields("reason", "the case is closed"),
		},
		"POST /v1/visits/:visit/match": {
			there: "/v1/visits/" + visit + "/match", missing: "/v1/visits/" + no + "/match",
			body: fields("shopper", "lea", "reason", "she said so"),
		},
		"GET /v1/visits/:visit/receipt": {
			there: "/v1/visits/" + visit + "/receipt", missing: "/v1/visits/" + no + "/receipt",
		},
		"GET /v1/chargebacks": {there: "/v1/chargebacks", list: true},
		"GET /v1/chargebacks/:chargeback": {
			there: "/v1/chargebacks/" + dp, missing: "/v1/chargebacks/dp_none",
		},
		"GET /v1/chargebacks/:chargeback/evidence": {
			there: "/v1/chargebacks/" + dp + "/evidence", missing: "/v1/chargebacks/dp_none/evidence",
		},
		"POST /v1/chargebacks/:chargeback/answer": {
			there: "/v1/chargebacks/" + dp + "/answer", missing: "/v1/chargebacks/dp_none/answer",
			body: func(bool) any { return reply },
		},
		"GET /money": {there: "/money", list: true},
		"POST /escalations/:escalation/resolution": {
			there: "/escalations/" + s.escalation(visit) + "/resolution", missing: "/escalations/" + no + "/resolution",
			body: form("done=false&reason=looked"),
		},
		"GET /chargebacks": {there: "/chargebacks", list: true},
		"POST /chargebacks/:chargeback/answer": {
			there: "/chargebacks/" + dp + "/answer", missing: "/chargebacks/dp_none/answer",
			body: form("reply=contest&reason=so"),
		},
		"GET /v1/exceptions": {there: "/v1/exceptions", list: true},
		"POST /v1/exceptions/:exception/owner": {
			there: "/v1/exceptions/" + exception + "/owner", missing: "/v1/exceptions/nothing/owner",
			body: func(bool) any { return map[string]any{"owner": "gwen"} },
		},
		"POST /v1/exceptions/:exception/explanation": {
			there: "/v1/exceptions/" + exception + "/explanation", missing: "/v1/exceptions/nothing/explanation",
			body: func(bool) any { return map[string]any{"reason": "it was a test"} },
		},
		"POST /v1/bank-statements": {
			there: "/v1/bank-statements", list: true,
			body: func(bool) any {
				return map[string]any{"format": "csv", "text": "d,a,t\n2026-11-23,1.00,x\n", "mapping": map[string]any{
					"account": "main", "date": "d", "amount": "a", "in": "EUR", "reference": []string{"t"},
				}}
			},
		},
		"GET /exceptions": {there: "/exceptions", list: true},
		"POST /exceptions/:exception": {
			there: "/exceptions/" + exception, missing: "/exceptions/nothing", body: form("owner=gwen"),
		},
		"GET /v1/journal":          {there: "/v1/journal", list: true},
		"GET /v1/journal/balances": {there: "/v1/journal/balances", list: true},
		"GET /metrics":             {there: "/metrics", list: true},
		"PUT /v1/shops/:store": {
			there: "/v1/shops/berlin-2", list: true,
			body: func(bool) any { return shopFile("berlin-2", "2026-11-01T00:00:00Z", "2.19") },
		},
		"GET /tlog/tile/entries/*":      {there: "/tlog/tile/entries/000.p/3", missing: "/tlog/tile/entries/001"},
		"GET /v1/reports/trial-balance": {there: "/v1/reports/trial-balance", list: true},
		"GET /v1/reports/sales":         {there: "/v1/reports/sales", list: true},
		"GET /v1/reports/tax":           {there: "/v1/reports/tax", list: true},
		"GET /v1/reports/exposure":      {there: "/v1/reports/exposure?shopper=lea", list: true},
		"GET /v1/shops/:store/days":     {there: "/v1/shops/berlin-1/days", missing: "/v1/shops/nowhere/days"},
		"POST /v1/shops/:store/days/:day/close": {
			there: "/v1/shops/berlin-1/days/2026-11-22/close", missing: "/v1/shops/nowhere/days/2026-11-22/close",
		},
		"GET /v1/shops/:store/price-list":     {there: "/v1/shops/berlin-1/price-list", missing: "/v1/shops/nowhere/price-list"},
		"GET /v1/shops/:store/price-accuracy": {there: "/v1/shops/berlin-1/price-accuracy", missing: "/v1/shops/nowhere/price-accuracy"},
		"POST /v1/shops/:store/price-checks": {
			there: "/v1/shops/berlin-1/price-checks", missing: "/v1/shops/nowhere/price-checks", body: func(bool) any {
				return map[string]any{"items": []any{map[string]any{"sku": "cola", "shelf": map[string]any{"amount_minor": 189, "currency": "EUR"}}}}
			},
		},
		"GET /books": {there: "/books", list: true},
		"POST /books/:store/days/:day/close": {
			there: "/books/berlin-1/days/2026-11-21/close", missing: "/books/nowhere/days/2026-11-21/close", body: form(""),
		},
		"GET /visits":        {there: "/visits", list: true},
		"GET /visits/:visit": {there: "/visits/" + visit, missing: "/visits/" + no},
		"POST /visits/:visit/disputes/:number": {
			there:   "/visits/" + visit + "/disputes/" + number,
			missing: "/visits/" + no + "/disputes/berlin-1-2026-999999",
			body:    form("line=1&claim=price&quantity=1"),
		},
		"POST /visits/:visit/supplements/:proposal": {
			there:   "/visits/" + visit + "/supplements/" + proposal,
			missing: "/visits/" + visit + "/supplements/" + no, body: form("answer=refused"),
		},
		"POST /visits/:visit/payment": {
			there: "/visits/" + visit + "/payment", missing: "/visits/" + no + "/payment", body: form(""),
		},
		"POST /disputes/:dispute/decision": {
			there:   "/disputes/" + d.Dispute.String() + "/decision",
			missing: "/disputes/" + no + "/decision", body: form("outcome=denied&reason=so"),
		},
		"GET /v1/time":    {there: "/v1/time", list: true},
		"GET /v1/devices": {there: "/v1/devices", list: true},
		"GET /devices":    {there: "/devices", list: true},
		"GET /v1/shops/:store/devices/:device/settings": {
			there: "/v1/shops/berlin-1/devices/edge-1/settings", missing: "/v1/shops/nowhere/devices/edge-1/settings",
		},
		"PUT /v1/shops/:store/devices/:device/settings": {
			there: "/v1/shops/berlin-1/devices/edge-1/settings", missing: "/v1/shops/nowhere/devices/edge-1/settings",
			body: fields("settings", map[string]any{"cameras": []any{}}),
		},
		"POST /v1/shops/:store/devices/:device/reports": {
			there: "/v1/shops/berlin-1/devices/edge-1/reports", missing: "/v1/shops/nowhere/devices/edge-1/reports",
			body: func(bool) any { return s.report(0) },
		},
		"GET /reviews": {there: "/reviews", list: true},
		"POST /reviews/:detection/decision": {
			there:   "/reviews/" + q.ID.String() + "/decision",
			missing: "/reviews/" + no + "/decision", body: form("verdict=confirmed"),
		},
	}
}

// fields is a body that is the same for what is there and what is not.
func fields(pairs ...any) func(bool) any {
	body := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		body[pairs[i].(string)] = pairs[i+1]
	}
	return func(bool) any { return body }
}

// supplement has a reviewer add an item to a visit that has settled, and
// returns what its shopper is asked.
func (s *shop) supplement(who, visit string) string {
	s.t.Helper()
	var q recordedView
	s.send("gate", "POST", "/v1/detections", s.see("take", "water", "A2", 500)).want(201, &q)
	s.send("anna", "POST", "/v1/reviews/"+q.ID.String()+"/decision", map[string]any{
		"verdict": "corrected", "sku": "water", "action": "take", "quantity": 1, "visit": visit,
	}).want(200)
	s.until(visit, "corrected", func(v visitView) bool { return len(v.Receipts) == 2 })
	var asked list[supplementView]
	for deadline := time.Now().Add(10 * time.Second); len(asked.Items) == 0 && time.Now().Before(deadline); {
		s.api.limits = newLimiters() // a test is faster than any person
		s.send(who, "GET", "/v1/supplements", nil).want(200, &asked)
	}
	if len(asked.Items) != 1 || asked.Items[0].Visit != ledger.VisitID(visit) {
		s.t.Fatalf("%s is asked %+v, want about visit %s", who, asked.Items, visit)
	}
	return asked.Items[0].Proposal.String()
}

func (s *shop) ask(who, method string, p sample, there bool) call {
	s.t.Helper()
	path := p.there
	if !there {
		path = p.missing
	}
	s.api.limits = newLimiters()
	var body any
	if p.body != nil {
		body = p.body(there)
	}
	headers := []string{}
	if text, ok := body.(string); ok && strings.HasPrefix(text, "form:") {
		body, headers = strings.TrimPrefix(text, "form:"), []string{
			"Content-Type",
			"application/x-www-form-urlencoded",
		}
	}
	return s.send(who, method, path, body, headers...)
}

// TestWhoMaySeeWhat asks every route as every role: for what is theirs, for
// what is another's and for what does not exist.
func TestWhoMaySeeWhat(t *testing.T) {
	s := openShop(t)
	samples := s.samples()
	maps.Copy(samples, s.palmSamples())
	maps.Copy(samples, s.shelfSamples())
	s.api.Close() // so that a live stream ends at once
	for _, r := range append(s.api.routes(), s.api.pageRoutes()...) {
		if r.open {
			continue
		}
		name := r.method + " " + r.path
		p, ok := samples[name]
		if !ok {
			t.Errorf("route %s has no sample", name)
			continue
		}
		if c := s.ask("", r.method, p, true); c.Code != http.StatusUnauthorized {
			t.Errorf("%s without a key answers %d, want 401", name, c.Code)
		}
		for _, role := range keys.Roles() {
			s.askAs(name, r, role, p)
		}
	}
}

func (s *shop) askAs(name string, r route, role keys.Role, p sample) {
	t, may := s.t, slices.Contains(r.roles, role)
	nothing := s.send("otto", "GET", "/v1/streams/visit-nobody", nil).want(404).Body.String()
	hidden := func(what string, c call) {
		if c.Code != 404 || c.Body.String() != nothing && r.method != http.MethodHead {
			t.Errorf("%s as %s, %s, answers %d %s, want 404 %s", name, role, what, c.Code, c.Body.String(),
				nothing)
		}
	}
	if !may {
		hidden("whose role may not", s.ask(roleNames[role], r.method, p, true))
		if !p.list {
			hidden("whose role may not, for nothing", s.ask(roleNames[role], r.method, p, false))
		}
		return
	}
	if own := s.ask(roleNames[role], r.method, p, true); own.Code == 404 || own.Code == 401 || own.Code >= 500 {
		t.Errorf("%s as %s answers %d %s, want an answer", name, role, own.Code, own.Body.String())
	}
	anybody := name == "POST /v1/tickets" && role == keys.Operator // may get a ticket from an operator
	if !p.list && !anybody {
		hidden("for what is not there", s.ask(roleNames[role], r.method, p, false))
	}
	foreign, ok := foreignNames[role]
	if !ok {
		return
	}
	if !p.list && r.path != "/v1/evidence/:digest" || role == keys.Shopper && !p.list {
		hidden("for another's", s.ask(foreign, r.method, p, true))
	}
	if p.list && role == keys.Shopper {
		if c := s.ask(foreign, r.method, p, true); strings.Contains(c.Body.String(), "berlin") {
			t.Errorf("%s shows %s what is another's: %s", name, foreign, c.Body.String())
		}
	}
}

// TestAShopperSeesNobodyElse: two are inside, the camera cannot tell them
// apart, a reviewer decides. Neither story names the other or the reviewer.
func TestAShopperSeesNobodyElse(t *testing.T) {
	s := openShop(t)
	lea, tom := s.enter("lea"), s.enter("tom")
	var q recordedView
	s.send("gate", "POST", "/v1/detections", s.see("take", "mate", "A3", 990)).want(201, &q)
	s.until(lea, "asked about", func(v visitView) bool { return len(v.Cart.Open) == 1 })
	s.until(tom, "asked about", func(v visitView) bool { return len(v.Cart.Open) == 1 })
	s.send("anna", "POST", "/v1/reviews/"+q.ID.String()+"/decision",
		map[string]any{
			"verdict": "corrected", "sku": "mate", "action": "take", "quantity": 1,
			"visit": tom,
		}).want(200)
	s.exit(lea)
	s.exit(tom)
	s.settled(lea)
	v := s.settled(tom)
	var d disputeView
	s.send("tom", "POST", "/v1/receipts/"+v.Receipts[0].Document.Number+"/disputes",
		map[string]any{"line": 1, "claim": "not_me", "quantity": 1}).want(201, &d)
	s.send("anna", "POST", "/v1/disputes/"+d.Dispute.String()+"/decision",
		map[string]any{"outcome": "upheld", "reason": "The jacket is red.", "move_to": lea}).want(200)
	s.until(lea, "billed", func(v visitView) bool {
		return len(v.Receipts) > 0 && v.Receipts[len(v.Receipts)-1].Document.Gross.Minor == 219
	})
	staffSees := s.send("otto", "GET", "/v1/visits/"+tom+"/replay", nil).want(200).Body.String()
	if !strings.Contains(staffSees, lea) || !strings.Contains(staffSees, "reviewer:anna") {
		t.Fatalf("the auditor's replay does not name the other visit and the reviewer: the test shows nothing")
	}
	for _, c := range []struct{ who, mine, other string }{{"lea", lea, tom}, {"tom", tom, lea}} {
		for _, path := range []string{
			"/v1/visits/", "/v1/visits/" + c.mine, "/v1/visits/" + c.mine + "/replay",
			"/v1/disputes", "/v1/receipts", "/visits/" + c.mine,
		} {
			got := s.send(c.who, "GET", strings.TrimSuffix(path, "/"), nil, "Accept",
				"text/html").want(200).Body.String()
			for _, secret := range []string{c.other, "anna"} {
				if strings.Contains(got, secret) {
					t.Errorf("GET %s shows %s the text %q", path, c.who, secret)
				}
			}
		}
	}
}
