package api

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/coupon"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/vision"
)

// The stories here are the kinds of visits of docs/reference/visits.md, each
// over HTTP to its end: the receipt, what the bank did, and the books.

// ops returns what was done with money for a visit, in order.
func (s *shop) ops(visit string) string {
	s.t.Helper()
	var steps []string
	v := s.until(visit, "there", func(visitView) bool { return true })
	for _, st := range v.Payment.Steps {
		switch ledger.Kind(st.Kind) {
		case ledger.KindHeld, ledger.KindCaptured, ledger.KindCharged, ledger.KindRefunded, ledger.KindCashTaken:
			steps = append(steps, fmt.Sprintf("%s %d", strings.Split(st.Kind, ".")[1], st.Amount.Minor))
		case ledger.KindReleased:
			steps = append(steps, "released")
		}
	}
	return strings.Join(steps, ", ")
}

// posted returns what the books have for a visit, by account, in minor units.
// Accounts that come to nothing are left out.
func (s *shop) posted(visit string) string {
	s.t.Helper()
	var l list[journalEntry]
	s.send("finn", "GET", "/v1/journal?limit=200", nil).want(200, &l)
	sums, total := map[string]int64{}, int64(0)
	for _, e := range l.Items {
		for _, p := range e.Postings {
			if string(e.Visit) == visit {
				sums[p.Account] += p.Amount.Minor
				total += p.Amount.Minor
			}
		}
	}
	if total != 0 {
		s.t.Errorf("the books of visit %s do not balance: %v", visit, sums)
	}
	var out []string
	for _, account := range slices.Sorted(maps.Keys(sums)) {
		if sums[account] != 0 {
			out = append(out, fmt.Sprintf("%s %d", account, sums[account]))
		}
	}
	return strings.Join(out, ", ")
}

// wantEnd checks the end of a visit. The journal is a read model, and is asked
// when the visit is settled: the list waits for what the log holds.
func (s *shop) wantEnd(visit, ops, posted string) {
	s.t.Helper()
	if got := s.ops(visit); got != ops {
		s.t.Errorf("for visit %s the bank has %q, want %q", visit, got, ops)
	}
	if got := s.posted(visit); got != posted {
		s.t.Errorf("the books of visit %s have %q, want %q", visit, got, posted)
	}
}

// comesIn presents an entry and returns its visit.
func (s *shop) comesIn(who string, entry map[string]any) string {
	s.t.Helper()
	var ans entryAnswer
	s.send(who, "POST", "/v1/gate/entries", entry).want(200, &ans)
	if ans.Decision != engine.GateEntered {
		s.t.Fatalf("the gate says %+v, want entered", ans)
	}
	return string(ans.Visit)
}

// code makes a shopper's one-use code.
func (s *shop) code(shopper string) string {
	s.t.Helper()
	var tk ticketAnswer
	s.send("olga", "POST", "/v1/tickets", map[string]any{"store": berlin, "shopper": shopper}).want(201, &tk)
	return tk.Code
}

// TestAGroupOnOnePayer: three come in on one code, two of them take something,
// and one pays once for all.
func TestAGroupOnOnePayer(t *testing.T) {
	s := openShop(t)
	entry := s.entry(s.code("lea"))
	entry["party"] = 3
	visit := s.comesIn("gate", entry)
	s.send("gate", "POST", "/v1/detections", s.takes(visit)).want(201)
	s.send("gate", "POST", "/v1/detections", s.takes(visit)).want(201)
	s.exit(visit)
	v := s.settled(visit)
	if d := v.Receipts[0].Document; d.Party != 3 || d.Gross.Minor != 378 || len(v.Receipts) != 1 {
		t.Errorf("the receipt is over %s for %d persons, want one over 3.78 for 3", d.Gross, d.Party)
	}
	s.wantEnd(visit, "held 5000, captured 378",
		"Assets:Clearing:Provider 378, Income:Sales:Drinks -318, Liabilities:Tax:DE:19 -60")
	page := s.send("lea", "GET", "/v1/receipts/"+v.Receipts[0].Document.Number+"/forms/html", nil, "Accept", "text/html").want(200).Body.String()
	if !strings.Contains(page, "Persons") {
		t.Error("the paper does not say how many persons it is for")
	}
}

// TestAnEmptyVisitReleasesItsHold: nothing was taken, so nothing is charged or
// booked, and the shopper can have a receipt that says so.
func TestAnEmptyVisitReleasesItsHold(t *testing.T) {
	s := openShop(t)
	visit := s.enter("lea")
	s.exit(visit)
	s.until(visit, "released", func(v visitView) bool {
		return v.Settled == ledger.SettledNothing && v.Payment.State == string(billing.HoldReleased)
	})
	var r receiptView
	s.send("lea", "GET", "/v1/visits/"+visit+"/receipt", nil).want(200, &r)
	if r.Kind != "nothing" || r.Document.Gross.Minor != 0 || r.Document.Number != "" {
		t.Errorf("the receipt is %+v, want one of nothing", r)
	}
	s.wantEnd(visit, "held 5000, released", "")
}

// TestStaffAreInTheLogAndNotInRevenue: what they take is recorded, no money
// moves, and no report of sales has it.
func TestStaffAreInTheLogAndNotInRevenue(t *testing.T) {
	s := openShop(t)
	visit := s.comesIn("gate", s.entry(s.code("cleo")))
	s.send("gate", "POST", "/v1/detections", s.takes(visit)).want(201)
	s.exit(visit)
	v := s.settled(visit)
	if len(v.Receipts) != 0 || len(v.Cart.Lines) != 1 {
		t.Errorf("staff have %d receipts and %d lines, want none, and what they took", len(v.Receipts), len(v.Cart.Lines))
	}
	s.wantEnd(visit, "", "")
	var b balancesView
	s.send("finn", "GET", "/v1/journal/balances", nil).want(200, &b)
	if len(b.Items) != 0 {
		t.Errorf("the balances are %+v, want none", b.Items)
	}
}

// TestAVisitorNobodyKnowsPaysAtATill: then it turns out who it was. The
// receipt is theirs, and nothing is charged again.
func TestAVisitorNobodyKnowsPaysAtATill(t *testing.T) {
	s := openShop(t)
	open := policy()
	open.Unknown = true
	must(s.desk.SetPolicy(t.Context(), ledger.Meta{ID: s.id(), Occurred: s.base}, ledger.PolicySet{Store: berlin, Policy: open}))(t)
	walkIn := func() string {
		entry := s.entry("")
		delete(entry, "code")
		entry["credential"] = "none"
		visit := s.comesIn("gate", entry)
		s.send("gate", "POST", "/v1/detections", s.takes(visit)).want(201)
		s.exit(visit)
		if v := s.settled(visit); v.Settled != ledger.SettledOwed {
			t.Fatalf("a visitor without a payer settles as %s, want owed", v.Settled)
		}
		return visit
	}
	const sold = "Income:Sales:Drinks -159, Liabilities:Tax:DE:19 -30"
	match := func(visit string) {
		t.Helper()
		s.send("olga", "POST", "/v1/visits/"+visit+"/match", map[string]any{"shopper": "lea", "reason": "She came back."}).want(201)
	}

	paid := walkIn()
	s.wantEnd(paid, "", "Assets:Receivable:Visits 189, "+sold)
	number := s.until(paid, "settled", func(visitView) bool { return true }).Receipts[0].Document.Number
	s.send("olga", "POST", "/v1/receipts/"+number+"/cash", map[string]any{
		"till": "till-1", "amount": map[string]any{"amount_minor": 189, "currency": "EUR"},
	}).want(201)
	match(paid)
	s.send("lea", "GET", "/v1/receipts/"+number, nil).want(200)
	s.wantEnd(paid, "taken 189", "Assets:Cash 189, "+sold)

	later := walkIn()
	match(later)
	s.until(later, "charged", func(v visitView) bool { return v.Payment.Captured != nil && v.Payment.Captured.Minor == 189 })
	s.wantEnd(later, "charged 189", "Assets:Clearing:Provider 189, "+sold)
	if got := s.ops(paid); got != "taken 189" {
		t.Errorf("the first visit has %q in the end, want cash alone", got)
	}
}

// stockCarts lists what smart carts of the shop know: the weight of a cola and
// of a water, apples by the kilogram, and a coupon.
func (s *shop) stockCarts() (couponText string) {
	t := s.t
	leaflet := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	public, _ := leaflet.Public().(ed25519.PublicKey)
	m := func() ledger.Meta { return ledger.Meta{ID: s.id(), Occurred: s.base} }
	from, until := ledger.Instant(s.base.Add(-48*time.Hour)), ledger.Instant(s.base.Add(48*time.Hour))
	for sku, grams := range map[ledger.SKU]int{"cola": 540, "water": 780} {
		must(s.desk.ListProduct(t.Context(), m(), menu, ledger.ProductListed{
			SKU: sku, Name: string(sku), Category: "Drinks", TaxCategory: "standard", Grams: grams,
		}))(t)
	}
	must(s.desk.ListProduct(t.Context(), m(), menu, ledger.ProductListed{
		SKU: "4131", Name: "Apples Fuji", Category: "Fruit", TaxCategory: "standard", TareGrams: 10, // by its PLU
	}))(t)
	must(s.desk.SetPrice(t.Context(), m(), menu, ledger.PriceSet{
		SKU: "4131", Price: money.Money{Minor: 400, Currency: "EUR"}, From: from, Per: ledger.PerKilogram,
	}))(t)
	must(s.desk.SetPromotion(t.Context(), m(), menu, ledger.PromotionSet{Promotion: ledger.Promotion{
		Promotion: "fruit", Name: "Fruit week", Kind: ledger.PromotionPercent, PerMille: 250, SKUs: []ledger.SKU{"4131"}, Coupon: true,
		CouponKey: hex.EncodeToString(public), From: from, Until: until,
	}}))(t)
	return must(coupon.New(leaflet, "fruit", "0815"))(t)
}

// push shows a code at a cart.
func (s *shop) push(shopper string) string {
	s.t.Helper()
	entry := s.entry(s.code(shopper))
	entry["gate"], entry["place"] = "cart-7", "cart"
	return s.comesIn("cart", entry)
}

// scan is what the scanner of a cart saw.
func (s *shop) scan(visit, sku string, grams int) {
	s.t.Helper()
	d := s.takes(visit)
	claim := d["detection"].(map[string]any)
	claim["sensor"], claim["source"], claim["slot"], claim["model"] = "cart-7", "cart", "basket", "scanner 2"
	claim["items"], claim["grams"] = []any{map[string]any{"sku": sku, "confidence": 1000}}, grams
	s.send("cart", "POST", "/v1/detections", d).want(201)
}

func (s *shop) weigh(visit string, grams int) (v weighingView) {
	s.t.Helper()
	s.send("cart", "POST", "/v1/visits/"+visit+"/weighings", s.weighing(grams)).want(201, &v)
	return v
}

// weighing is what a cart says it weighs.
func (s *shop) weighing(grams int) map[string]any {
	return map[string]any{"id": s.id(), "occurred_at": s.now(), "device": "cart-7", "grams": grams}
}

// leave says that a cart, or a lane, saw its shopper go.
func (s *shop) leave(visit, by string) call {
	return s.send("cart", "POST", "/v1/gate/exits", map[string]any{
		"id": s.id(), "occurred_at": s.now(), "gate": by, "visit": visit,
	}).want(200)
}

// TestASmartCart is a whole trip with one: scan, fruit by the kilogram, a
// coupon, a bottle that was not scanned, a weighing that says so and one that
// agrees, and an exit without a gate that the cart reports and the lane too.
func TestASmartCart(t *testing.T) {
	s := openShop(t)
	text := s.stockCarts()
	visit := s.push("lea")
	s.scan(visit, "cola", 0)
	s.scan(visit, "4131", 760)
	s.send("cart", "POST", "/v1/visits/"+visit+"/coupons", map[string]any{"coupon": text}).want(201)

	w := s.weigh(visit, 540+760+785)
	if w.Expected != 540+760 || w.Unknown != 0 || w.Tolerance != 30 || w.Passed {
		t.Errorf("the first weighing is %+v, want 1300 g due and not passed", w)
	}
	l := eventually(s, "anna", "/v1/reviews", "the cart", func(l list[reviewItem]) bool { return len(l.Items) == 1 })
	if it := l.Items[0]; it.Detection != w.Event || it.Weighed == nil || it.Weighed.Measured != 2085 || it.Store != berlin {
		t.Errorf("the question is %+v, want the weighing %s", it, w.Event)
	}
	page := s.send("anna", "GET", "/reviews", nil, "Accept", "text/html").want(200).Body.String()
	for _, words := range []string{"The cart is 0.785 kg too heavy?", "The cart is as scanned", "there and not scanned"} {
		if !strings.Contains(page, words) {
			t.Errorf("the page of reviews does not say %q", words)
		}
	}

	s.scan(visit, "water", 0)
	if w = s.weigh(visit, 540+760+785); w.Expected != 540+760+780 || !w.Passed {
		t.Errorf("the second weighing is %+v, want passed", w)
	}
	eventually(s, "anna", "/v1/reviews", "nothing", func(l list[reviewItem]) bool { return len(l.Items) == 0 })
	var cart cartView
	s.send("cart", "GET", "/v1/visits/"+visit+"/cart", nil).want(200, &cart)
	if cart.Weighed == nil || *cart.Weighed != w {
		t.Errorf("the cart's screen has %+v, want the last weighing", cart.Weighed)
	}
	s.send("munich", "GET", "/v1/visits/"+visit+"/cart", nil).want(404)

	again := s.weighing(2085)
	at := "/v1/visits/" + visit + "/weighings"
	s.send("cart", "POST", at, again).want(201)
	s.send("cart", "POST", at, again).want(200)
	again["grams"] = 2084
	if c := s.send("cart", "POST", at, again).want(422); c.code() != "id_reused" {
		t.Errorf("another weight under the same id answers %s, want id_reused", c.Body.String())
	}
	again["grams"] = -1
	s.send("cart", "POST", at, again).want(400)
	s.send("munich", "POST", at, s.weighing(2085)).want(404)

	s.leave(visit, "cart-7")
	s.leave(visit, "lane-2") // behind the till line, a second later
	v := s.settled(visit)
	if n := len(v.Receipts); n != 1 {
		t.Fatalf("two reports of one exit made %d receipts, want one", n)
	}
	// 0.750 kg at 4.00 less a quarter, a cola and a water.
	d := v.Receipts[0].Document
	if d.Gross.Minor != 225+189+119 || len(d.Lines) != 3 || d.Lines[1].Grams != 750 || d.Lines[1].Scale != "cart-7" ||
		len(d.Lines[1].Discounts) != 1 || d.Lines[1].Discounts[0].Coupon != "0815" {
		t.Errorf("the receipt is %+v, want 5.33 with weighed apples and their coupon", d)
	}
	s.wantEnd(visit, "held 5000, captured 533",
		"Assets:Clearing:Provider 533, Income:Sales:Drinks -259, Income:Sales:Fruit -189, Liabilities:Tax:DE:19 -85")
	page = s.send("lea", "GET", "/visits/"+visit, nil, "Accept", "text/html").want(200).Body.String()
	for _, words := range []string{"Cart weighed", "2.085 kg, agrees", "The cart weighs what it should", "The cart is 0.785 kg too heavy"} {
		if !strings.Contains(page, words) {
			t.Errorf("the page of the visit does not say %q", words)
		}
	}
	exits := 0
	for _, e := range eventually(s, "otto", "/v1/streams/visit-"+visit, "the stream", func(l list[eventView]) bool { return true }).Items {
		if e.Kind == ledger.KindGateExited {
			exits++
		}
	}
	if exits != 1 {
		t.Errorf("the stream has %d exits, want one", exits)
	}
}

// TestACartReadsWhatTheShopSells: prices, weights and packing, of its own shop
// alone.
func TestACartReadsWhatTheShopSells(t *testing.T) {
	s := openShop(t)
	s.stockCarts()
	var l vision.PriceList
	s.send("cart", "GET", "/v1/shops/berlin-1/price-list", nil).want(200, &l)
	got := map[ledger.SKU]vision.Product{}
	for _, p := range l.Products {
		got[p.SKU] = p
	}
	if len(got) != 6 || got["cola"].Unit.Minor != 189 || got["cola"].Grams != 540 || got["cola"].TaxAdded ||
		got["4131"].Per != ledger.PerKilogram || got["4131"].TareGrams != 10 || l.WeighGrams != 30 || l.Currency != "EUR" {
		t.Errorf("the price list is %+v, want six products with the cola and the apples", l)
	}
	s.send("munich", "GET", "/v1/shops/berlin-1/price-list", nil).want(404)
	s.send("lea", "GET", "/v1/shops/berlin-1/price-list", nil).want(404)
}

// TestACartThatStaysInQuestion: the shopper leaves all the same. The receipt
// waits for whoever looks at the lane, and has what that person found; another
// cart's waits in vain and is billed as it was scanned.
func TestACartThatStaysInQuestion(t *testing.T) {
	s := openShop(t)
	s.stockCarts()
	looked, alone := s.push("lea"), s.push("tom")
	for _, visit := range []string{looked, alone} {
		s.scan(visit, "cola", 0)
	}
	first, second := s.weigh(looked, 1320), s.weigh(alone, 1320)
	s.leave(looked, "lane-2")
	s.leave(alone, "lane-2")
	if first.Passed || second.Passed {
		t.Fatalf("the weighings are %+v and %+v, want neither passed", first, second)
	}
	v := s.until(looked, "provisional", func(v visitView) bool { return v.Provisional != nil })
	if len(v.Receipts) != 0 || v.Provisional.Document.Pending[0].Doubts[0] != ledger.DoubtWeight {
		t.Errorf("before anybody looked there are %d receipts and %+v, want none, and the weight pending", len(v.Receipts), v.Provisional)
	}
	path := "/v1/reviews/" + first.Event.String() + "/decision"
	if c := s.send("anna", "POST", path, map[string]any{"verdict": "confirmed"}).want(422); !strings.Contains(c.Body.String(), "a weight names no product") {
		t.Errorf("a confirmed weight answers %s, want why not", c.Body.String())
	}
	s.send("anna", "POST", path, map[string]any{
		"verdict": "corrected", "sku": "water", "action": "take", "quantity": 1, "reason": "a bottle under the bag",
	}).want(200)
	s.settled(looked)
	s.wantEnd(looked, "held 5000, captured 308",
		"Assets:Clearing:Provider 308, Income:Sales:Drinks -259, Liabilities:Tax:DE:19 -49")

	s.jump(2 * time.Hour)
	s.enter("lea") // what happens anywhere makes the engine look at the clock
	v = s.settled(alone)
	if d := v.Receipts[0].Document; len(d.Lines) != 1 || d.Gross.Minor != 189 {
		t.Errorf("the cart that nobody looked into is billed %+v, want what was scanned", d)
	}
	s.wantEnd(alone, "held 5000, captured 189",
		"Assets:Clearing:Provider 189, Income:Sales:Drinks -159, Liabilities:Tax:DE:19 -30")
}
