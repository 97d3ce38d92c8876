package api

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
)

// buys lets a shopper take a cola and leave, and waits for the money.
func (s *shop) buys(who string) visitView {
	s.t.Helper()
	visit := s.enter(who)
	s.send("gate", "POST", "/v1/detections", s.takes(visit)).want(201)
	s.exit(visit)
	return s.settled(visit)
}

// takes is a cola taken by a visit, for sure.
func (s *shop) takes(visit string) map[string]any {
	take := s.see("take", "cola", "A1", 990)
	take["detection"].(map[string]any)["persons"] = []any{map[string]any{"visit": visit, "confidence": 990}}
	return take
}

// eventually repeats a look until it is as ok says.
func eventually[T any](s *shop, who, path, what string, ok func(T) bool) T {
	s.t.Helper()
	var v T
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		s.api.limits = newLimiters() // a test is faster than any person
		v = *new(T)
		s.send(who, "GET", path, nil).want(200, &v)
		if ok(v) {
			return v
		}
	}
	s.t.Fatalf("GET %s as %s never said %s: %+v", path, who, what, v)
	return v
}

func one(v list[debtView]) bool  { return len(v.Items) == 1 }
func none(v list[debtView]) bool { return len(v.Items) == 0 }

// TestAShopperPaysADebtInTheApp: the card was declined at the exit. She reads
// why in words, her page offers to pay, she pays, and the gate opens again.
func TestAShopperPaysADebtInTheApp(t *testing.T) {
	s := openShop(t)
	s.bank.fail(func(o billing.Order) billing.Outcome {
		if o.Op == billing.OpCapture {
			return billing.Outcome{Status: billing.Declined, Code: "insufficient_funds"}
		}
		return billing.Outcome{}
	})
	v := s.buys("lea")
	visit := string(v.Visit)
	d := eventually(s, "lea", "/v1/debts", "one debt", one).Items[0]
	if d.Owed.Minor != 189 || d.State != "owed" || d.Code != "" || d.Reason != billing.DeclineOf("insufficient_funds").Words {
		t.Errorf("lea's debt = %+v, want 1.89 owed, in words", d)
	}
	if d := eventually(s, "finn", "/v1/debts?store=berlin-1", "one debt", one).Items[0]; d.Code != "insufficient_funds" {
		t.Errorf("finance reads the code %q, want the provider's", d.Code)
	}
	var tk ticketAnswer
	var ans entryAnswer
	s.send("lea", "POST", "/v1/tickets", map[string]any{"store": berlin}).want(201, &tk)
	s.send("gate", "POST", "/v1/gate/entries", s.entry(tk.Code)).want(200, &ans)
	if ans.Reason != ledger.RefusedDebt {
		t.Errorf("with a debt the gate says %+v, want refused: debt", ans)
	}
	s.until(visit, "free of its hold", func(v visitView) bool { return v.Payment.State == "released" })
	page := s.send("lea", "GET", "/visits/"+visit, nil, "Accept", "text/html").want(200).Body.String()
	if !strings.Contains(page, "/visits/"+visit+"/payment") || !strings.Contains(page, "€1.89 is owed") &&
		!strings.Contains(page, "<b>€1.89</b> is owed") {
		t.Error("lea's page does not offer to pay what she owes")
	}
	pay := map[string]any{}
	s.send("lea", "POST", "/v1/debts/"+visit+"/payment", pay, "Idempotency-Key", "pay-1").want(202)
	s.send("lea", "POST", "/v1/debts/"+visit+"/payment", pay, "Idempotency-Key", "pay-1").want(202)
	eventually(s, "lea", "/v1/debts", "none", none)
	if c := s.send("lea", "POST", "/v1/debts/"+visit+"/payment", pay).want(409).code(); c != "refused" {
		t.Errorf("paying again answers %s, want refused", c)
	}
	if n := strings.Count(s.stream("payment-"+visit), `"payment.charge_intended.v1"`); n != 1 {
		t.Errorf("%d charges were ordered, want 1", n)
	}
	s.enter("lea")
}

// TestAShopperIsAskedBeforeMoreIsTaken: a reviewer finds an item after the
// receipt. Her page asks her; she agrees, and only then is it charged.
func TestAShopperIsAskedBeforeMoreIsTaken(t *testing.T) {
	s := openShop(t)
	v := s.buys("lea")
	visit := string(v.Visit)
	other := s.enter("tom")
	proposal := s.supplement("lea", visit)
	if v := s.until(visit, "corrected", func(v visitView) bool { return len(v.Receipts) == 2 }); v.Payment.Captured.Minor != 189 {
		t.Errorf("before she agrees %s was taken, want 1.89", v.Payment.Captured)
	}
	page := s.send("lea", "GET", "/visits/"+visit, nil, "Accept", "text/html").want(200).Body.String()
	if !strings.Contains(page, "/supplements/"+proposal) || !strings.Contains(page, "Nothing is taken for it unless you agree") {
		t.Error("lea's page does not ask her")
	}
	answer := map[string]any{"answer": "consented"}
	s.send("tom", "POST", "/v1/supplements/"+proposal+"/answer", answer).want(404)
	s.send("olga", "POST", "/v1/supplements/"+proposal+"/answer", answer).want(422)
	s.send("lea", "POST", "/v1/supplements/"+proposal+"/answer", answer).want(200)
	s.send("lea", "POST", "/v1/supplements/"+proposal+"/answer", map[string]any{"answer": "refused"}).want(409)
	v = s.until(visit, "charged", func(v visitView) bool { return v.Payment.Captured.Minor == 189+119 })
	if len(v.Payment.Steps) == 0 {
		t.Error("the payment has no steps")
	}
	s.exit(other)
}

// TestGoodwillAboveTheCaptureIsRefused: and nothing is written. What was paid
// is given back whole when no amount is said.
func TestGoodwillAboveTheCaptureIsRefused(t *testing.T) {
	s := openShop(t)
	v := s.buys("lea")
	number := v.Receipts[0].Document.Number
	before := must(s.log.Head(t.Context()))(t)
	path, why := "/v1/receipts/"+number+"/goodwill", map[string]any{"reason": "The gate was slow."}
	s.send("olga", "POST", path, map[string]any{
		"reason": "oops", "amount": map[string]any{"amount_minor": 190, "currency": "EUR"},
	}).want(422)
	s.send("finn", "POST", path, why).want(404)
	if after := must(s.log.Head(t.Context()))(t); after != before {
		t.Errorf("refused goodwill wrote %d events", after-before)
	}
	s.send("olga", "POST", path, why).want(201)
	s.until(string(v.Visit), "given back", func(v visitView) bool { return v.Payment.Refunded.Minor == 189 })
	s.send("olga", "POST", path, why).want(422) // nothing is left to give
}

// TestAVisitorWithoutAPayerIsMatched: the shop lets them in without a code.
// They owe; an operator says who they were, and that shopper has the receipt.
func TestAVisitorWithoutAPayerIsMatched(t *testing.T) {
	s := openShop(t)
	entry := s.entry("")
	delete(entry, "code")
	s.send("gate", "POST", "/v1/gate/entries", entry).want(422)
	entry["credential"] = "none"
	s.send("gate", "POST", "/v1/gate/entries", entry).want(409)
	open := policy()
	open.Unknown = true
	m := ledger.Meta{ID: s.id(), Occurred: ledger.Instant(s.now())}
	must(s.desk.SetPolicy(context.Background(), m, ledger.PolicySet{Store: berlin, Policy: open}))(t)
	var ans entryAnswer
	s.send("gate", "POST", "/v1/gate/entries", entry).want(200, &ans)
	if ans.Decision != engine.GateEntered {
		t.Fatalf("the gate says %+v, want entered", ans)
	}
	visit := string(ans.Visit)
	s.send("gate", "POST", "/v1/detections", s.takes(visit)).want(201)
	s.exit(visit)
	if v := s.settled(visit); v.Settled != ledger.SettledOwed {
		t.Errorf("a visitor without a payer settles as %s, want owed", v.Settled)
	}
	s.send("lea", "GET", "/v1/visits/"+visit, nil).want(404)
	match := map[string]any{"shopper": "lea", "reason": "She came back and said so."}
	s.send("olga", "POST", "/v1/visits/"+visit+"/match", map[string]any{"shopper": "stranger", "reason": "?"}).want(404)
	s.send("olga", "POST", "/v1/visits/"+visit+"/match", match).want(201)
	s.send("olga", "POST", "/v1/visits/"+visit+"/match", match).want(409)
	v := s.until(visit, "charged", func(v visitView) bool { return v.Payment.Captured != nil && v.Payment.Captured.Minor == 189 })
	s.send("lea", "GET", "/v1/receipts/"+v.Receipts[0].Document.Number, nil).want(200)
	s.send("tom", "GET", "/v1/receipts/"+v.Receipts[0].Document.Number, nil).want(404)
}

// TestStaffAreLetInWithoutAHold: with their own code; nothing is sold to them.
func TestStaffAreLetInWithoutAHold(t *testing.T) {
	s := openShop(t)
	var tk ticketAnswer
	var ans entryAnswer
	s.send("olga", "POST", "/v1/tickets", map[string]any{"store": berlin, "shopper": "cleo"}).want(201, &tk)
	s.send("gate", "POST", "/v1/gate/entries", s.entry(tk.Code)).want(200, &ans)
	if ans.Decision != engine.GateEntered {
		t.Fatalf("the gate says %+v, want entered", ans)
	}
	visit := string(ans.Visit)
	s.send("gate", "POST", "/v1/detections", s.takes(visit)).want(201)
	s.exit(visit)
	v := s.settled(visit)
	if len(v.Receipts) != 0 || len(v.Payment.Steps) != 0 || v.Settled != ledger.SettledNothing {
		t.Errorf("staff have %d receipts and %d steps of money, settled as %s; want none, none, nothing_owed",
			len(v.Receipts), len(v.Payment.Steps), v.Settled)
	}
	s.send("olga", "GET", "/v1/visits/"+visit+"/receipt", nil).want(404)
}

// TestAnEmptyVisitHasAReceiptOfNothing: computed, without a number.
func TestAnEmptyVisitHasAReceiptOfNothing(t *testing.T) {
	s := openShop(t)
	visit := s.enter("lea")
	s.send("lea", "GET", "/v1/visits/"+visit+"/receipt", nil).want(404)
	s.exit(visit)
	s.settled(visit)
	var r receiptView
	s.send("lea", "GET", "/v1/visits/"+visit+"/receipt", nil).want(200, &r)
	if r.Kind != "nothing" || r.Document.Number != "" || r.Document.Gross.Minor != 0 || r.Event.IsZero() {
		t.Errorf("the receipt of an empty visit = %+v, want one of nothing", r)
	}
	s.send("tom", "GET", "/v1/visits/"+visit+"/receipt", nil).want(404)
}

// TestAnOrderNobodyKnowsAboutIsFoundOut: an operator sees it, says what became
// of it, and it is off the list.
func TestAnOrderNobodyKnowsAboutIsFoundOut(t *testing.T) {
	s := openShop(t)
	v := s.buys("lea")
	id := s.escalation(string(v.Visit))
	all := eventually(s, "finn", "/v1/escalations", "one", func(l list[escalationView]) bool { return len(l.Items) == 1 })
	if x := all.Items[0]; x.Escalation.String() != id || x.Visit != v.Visit {
		t.Errorf("finance reads %+v, want the order of visit %s", x, v.Visit)
	}
	page := s.send("finn", "GET", "/money", nil, "Accept", "text/html").want(200).Body.String()
	if !strings.Contains(page, "no answer after five days") || strings.Contains(page, "It was done") {
		t.Error("finance does not read of the order, or is asked to decide")
	}
	if page := s.send("olga", "GET", "/money", nil, "Accept", "text/html").want(200).Body.String(); !strings.Contains(page, "It was done") {
		t.Error("the operator is not asked")
	}
	path := "/v1/escalations/" + id + "/resolution"
	s.send("olga", "POST", path, map[string]any{"done": true, "reason": "seen"}).want(422)
	s.send("olga", "POST", path, map[string]any{"done": false, "reason": "It never was."}).want(200)
	s.send("olga", "POST", path, map[string]any{"done": false, "reason": "It never was."}).want(404)
	eventually(s, "olga", "/v1/escalations", "none", func(l list[escalationView]) bool { return len(l.Items) == 0 })
}

// TestDebtsInABrowser: on her phone lea agrees to pay for an item that was
// found later, her card is declined, and she pays with one tap. The operator
// answers an order that nobody knows about.
func TestDebtsInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes seconds")
	}
	s := openShop(t)
	b := openBrowser(t, s)
	visit := string(s.buys("lea").Visit)
	s.enter("tom")
	s.supplement("lea", visit)
	s.bank.fail(func(o billing.Order) billing.Outcome {
		if o.Op == billing.OpCharge && !o.OnSession {
			return billing.Outcome{Status: billing.Declined, Code: "insufficient_funds"}
		}
		return billing.Outcome{}
	})
	b.signIn(s, "lea")
	b.do(chromedp.Navigate(b.url + "/visits/" + visit))
	b.wide(390, 844)
	b.do(chromedp.ScrollIntoView(chromedp.CSS("#money")))
	b.shot("supplement-phone")
	b.do(chromedp.Click(chromedp.CSS("button[value=consented]")))
	b.wait(`location.hash === "#money" && document.querySelector("button[value=consented]") === null`)
	eventually(s, "lea", "/v1/debts", "one debt", func(l list[debtView]) bool { return one(l) && l.Items[0].State == "owed" })
	b.do(chromedp.Navigate(b.url+"/visits/"+visit), chromedp.ScrollIntoView(chromedp.CSS("#money")))
	b.shot("debt-phone")
	b.do(chromedp.Click(chromedp.CSS("form.asked button.main")))
	b.wait(`document.querySelector("form.asked button.main") === null`)
	eventually(s, "lea", "/v1/debts", "none", none)
	s.escalation(visit)
	b.signIn(s, "olga")
	b.do(chromedp.Navigate(b.url + "/money"))
	b.wide(390, 844)
	b.shot("money-phone")
	b.wide(1280, 900)
	b.shot("money")
	b.do(chromedp.SendKeys(chromedp.CSS("input[name=reason]"), "Not at the provider."), chromedp.Click(chromedp.CSS("button[value=false]")))
	b.wait(`document.body.textContent.includes("Nothing waits for a person")`)
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.errors) > 0 {
		t.Errorf("the console complains: %v", b.errors)
	}
}

// confirming is a visit of who whose debt waits for their answer to the bank.
func (s *shop) confirming(who string) string {
	s.t.Helper()
	visit := s.enter(who)
	s.bank.fail(func(o billing.Order) billing.Outcome {
		switch {
		case o.Visit != visit:
		case o.Op == billing.OpCapture:
			return billing.Outcome{Status: billing.Declined, Code: "do_not_honor"}
		case o.Op == billing.OpCharge && o.OnSession:
			return billing.Outcome{Status: billing.Pending}
		}
		return billing.Outcome{}
	})
	s.send("gate", "POST", "/v1/detections", s.takes(visit)).want(201)
	s.exit(visit)
	s.settled(visit)
	s.until(visit, "free of its hold", func(v visitView) bool { return v.Payment.State == "released" })
	s.send(who, "POST", "/v1/debts/"+visit+"/payment", map[string]any{}).want(202)
	var debts list[debtView]
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		s.api.limits = newLimiters() // a test is faster than any person
		s.send(who, "GET", "/v1/debts", nil).want(200, &debts)
		if len(debts.Items) == 1 && debts.Items[0].State == "confirm" {
			return visit
		}
	}
	s.t.Fatalf("the debts of %s are %+v, want one to confirm", who, debts.Items)
	return ""
}

// escalation makes an order of a visit one that a person is asked about.
func (s *shop) escalation(visit string) string {
	s.t.Helper()
	id := s.id()
	d := must(ledger.NewDraft(ledger.Meta{ID: id, Occurred: ledger.Instant(s.now()), Actor: "engine"},
		ledger.PaymentEscalated{Intent: s.id(), Reason: "no answer after five days"}))(s.t)
	must(s.log.Append(s.t.Context(), ledger.PaymentStream(ledger.VisitID(visit)), ledger.Exists(), d))(s.t)
	return id.String()
}
