package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
)

// openCarts opens the market with smart carts: what a cola and a water weigh
// is known, what a gift weighs is not. One shopper pushes a cart.
func (w *world) openCarts() *world {
	w.t.Helper()
	w.openMarket()
	for _, p := range []ledger.ProductListed{{SKU: cola, Grams: 350}, {SKU: water, Grams: 520}} {
		sku := p.SKU
		w.seed("weight of "+string(sku), func(ctx context.Context, m ledger.Meta) (engine.Recorded, error) {
			return w.desk.ListProduct(ctx, m, main, ledger.ProductListed{
				SKU: sku, Name: string(sku), Category: "Drinks", TaxCategory: "food", Grams: p.Grams,
			})
		})
	}
	w.push("trip", "anna")
	return w
}

// push shows a credential at a cart.
func (w *world) push(visit, shopper string) {
	w.t.Helper()
	a := w.present(engine.PresentCommand{
		Gate: "cart-7", Place: ledger.PlaceCart, Credential: ledger.CredentialQR, Ticket: visit,
		Shopper: ledger.ShopperID(shopper), Customer: "cus_" + shopper, PaymentMethod: "pm_" + shopper,
	})
	if a.Decision != engine.GateEntered {
		w.t.Fatalf("Present at the cart = %+v, want entered", a)
	}
}

// weighCart records what the cart of a visit weighs. The name makes its id, the
// same as that of a detection, so that it can be reviewed like one.
func (w *world) weighCart(name, visit string, grams int) (rec engine.Recorded, p ledger.CartWeighed, err error) {
	w.t.Helper()
	w.survive(func() {
		rec, err = w.desk.WeighCart(w.t.Context(), engine.WeighCommand{
			ID: w.id("detection " + name), Occurred: w.now, Actor: "device:cart-7", Visit: ledger.VisitID(visit),
			Device: "cart-7", Grams: grams,
		})
	})
	w.settle()
	if err == nil {
		ev, decodeErr := ledger.Decode(rec.Record)
		if decodeErr != nil {
			w.t.Fatal(decodeErr)
		}
		p, _ = ev.Payload.(ledger.CartWeighed)
	}
	return rec, p, err
}

func (w *world) wantWeighing(name, visit string, grams, expected int, passed bool) {
	w.t.Helper()
	_, p, err := w.weighCart(name, visit, grams)
	if err != nil || p.Expected != expected || p.Passed != passed {
		w.t.Errorf("weighing %s is %+v, %v, want %d g due and passed %t", name, p, err, expected, passed)
	}
}

// TestWeightsAgreeAfterAll: a bottle was put in and not scanned. The cart says
// so, its shopper scans it, and the next weighing answers the question of the
// first: nobody is asked in vain, and the receipt does not wait.
func TestWeightsAgreeAfterAll(t *testing.T) {
	w := newWorld(t).openCarts()
	w.sees("cola", sight{sku: cola, n: 2, persons: who("trip", 1000)})
	w.weighs("apples", "trip", apples, 735)
	w.wantWeighing("first", "trip", 735+2*350+515, 735+2*350, false)
	if v := w.visit("trip"); v.Cart.OpenCount != 1 || v.Cart.Questions[0].Weighed == nil || !v.Cart.Questions[0].Requested {
		t.Fatalf("the questions are %+v, want one about the weight", v.Cart.Questions)
	}
	w.sees("water", sight{sku: water, persons: who("trip", 1000)})
	w.wantWeighing("second", "trip", 735+2*350+515, 735+2*350+520, true)
	q := w.visit("trip").Cart.Questions[0]
	if q.Open() || q.Decided.Reviewer != projections.PolicyReviewer || q.Decided.Verdict != ledger.VerdictDismissed {
		t.Errorf("the first weighing is answered with %+v, want dismissed by the second", q.Decided)
	}
	w.exit("trip")
	w.pass(time.Minute)
	w.wantEnd("trip", ledger.SettledCharged, 300+100+361, 0, 0)
	w.audit()
}

// trip is two carts: one that does not agree until its shopper has scanned what
// was forgotten, and one that a person looks into.
func trip(w *world) {
	w.openCarts()
	w.push("other", "ben")
	w.sees("cola", sight{sku: cola, n: 2, persons: who("trip", 1000)})
	w.sees("ben's", sight{sku: cola, persons: who("other", 1000)})
	w.wantWeighing("first", "trip", 2*350+515, 2*350, false)
	w.wantWeighing("lane", "other", 350+520, 350, false)
	w.sees("water", sight{sku: water, persons: who("trip", 1000)})
	w.wantWeighing("second", "trip", 2*350+515, 2*350+520, true)
	w.exit("trip")
	w.exit("other")
	w.pass(time.Minute)
	w.review("lane", engine.ReviewCommand{Verdict: ledger.VerdictCorrected, SKU: water, Action: ledger.ActionTake, Quantity: 1})
	w.pass(time.Minute)
}

// TestTripWithACartThatCrashes kills the process at every boundary of a trip.
// Each time every weighing is there once, and the receipts are the same.
func TestTripWithACartThatCrashes(t *testing.T) {
	whole := newWorld(t)
	trip(whole)
	want := streams(whole)
	for at := 0; at <= whole.boundary && !t.Failed(); at++ { // 0 lives
		w := newWorld(t)
		w.killAt = at
		trip(w)
		w.wantEnd("trip", ledger.SettledCharged, 400, 0, 0)
		w.wantEnd("other", ledger.SettledCharged, 250, 0, 0)
		w.audit()
		if diff := cmp.Diff(want, streams(w)); diff != "" {
			t.Errorf("killed at boundary %d the streams differ from those of a process that lived (-want +got):\n%s", at, diff)
		}
	}
}

// TestPersonFindsWhatWasNotScanned: the weights do not agree at the exit. The
// receipt waits until somebody has looked into the cart, and only what that
// person saw is added.
func TestPersonFindsWhatWasNotScanned(t *testing.T) {
	w := newWorld(t).openCarts()
	w.sees("cola", sight{sku: cola, persons: who("trip", 1000)})
	w.wantWeighing("exit lane", "trip", 350+520, 350, false)
	w.exit("trip")
	w.pass(time.Minute)
	v := w.visit("trip").Cart
	if v.Issued != nil || v.Provisional == nil || v.Provisional.Gross != eur(150) || len(v.Provisional.Pending) != 1 {
		t.Fatalf("before anybody looked the visit is %s with %+v, want a provisional receipt over 1.50", v.Status, v.Provisional)
	}
	w.review("exit lane", engine.ReviewCommand{
		Verdict: ledger.VerdictCorrected, SKU: water, Action: ledger.ActionTake, Quantity: 1, Reason: "a bottle under the coat",
	})
	w.pass(time.Minute)
	w.wantEnd("trip", ledger.SettledCharged, 250, 0, 0)
	if l := w.visit("trip").Cart.Latest.Lines[1]; l.SKU != water || l.Check != ledger.CheckReviewed {
		t.Errorf("the line is %+v, want a water that a person vouches for", l)
	}
	w.push("other", "ben")
	w.dispute("d", "trip", 2, 1)
	w.uphold("d", "other") // it was put into the wrong cart
	w.pass(time.Minute)
	w.wantEnd("trip", ledger.SettledCharged, 250, 100, 0)
	w.exit("other")
	w.pass(time.Minute)
	w.wantEnd("other", ledger.SettledCharged, 100, 0, 0)
	w.audit()
}

// TestPersonFindsLessThanWasScanned: a can was scanned twice and put in once.
func TestPersonFindsLessThanWasScanned(t *testing.T) {
	w := newWorld(t).openCarts()
	w.sees("cola", sight{sku: cola, n: 2, persons: who("trip", 1000)})
	w.wantWeighing("lighter", "trip", 352, 700, false)
	w.exit("trip")
	w.review("lighter", engine.ReviewCommand{Verdict: ledger.VerdictCorrected, SKU: cola, Action: ledger.ActionReturn, Quantity: 1})
	w.pass(time.Minute)
	w.wantEnd("trip", ledger.SettledCharged, 150, 0, 0)
	w.audit()
}

// TestNothingIsAddedForAWeightAlone: nobody looks in time, and the shop's rule
// is to go by its sensors. A weight names no product, so even then the receipt
// has what was scanned.
func TestNothingIsAddedForAWeightAlone(t *testing.T) {
	w := newWorld(t).open(with(func(p *ledger.Policy) { p.OnDeadline = ledger.AsSensed }))
	w.push("trip", "anna")
	w.sees("cola", sight{sku: cola, persons: who("trip", 1000)})
	_, p, err := w.weighCart("w", "trip", 350)
	if err != nil || p.Passed || p.Unknown != 1 || p.Expected != 0 {
		t.Errorf("a cart whose goods have no known weight is %+v, %v, want one piece unknown, and not passed", p, err)
	}
	w.exit("trip")
	w.pass(50 * time.Minute)
	if v := w.visit("trip"); v.Cart.Issued != nil || v.Payment.Captured.Minor != 0 {
		t.Errorf("before the deadline the visit is %s, want no receipt and no charge", v.Cart.Status)
	}
	w.pass(time.Hour)
	w.wantEnd("trip", ledger.SettledCharged, 150, 0, 0)
	w.audit()
}

// TestWeighingsThatAreRefused checks what no weighing may do, and that a retry
// is answered as the first time whatever the cart holds by then.
func TestWeighingsThatAreRefused(t *testing.T) {
	w := newWorld(t).openCarts()
	w.sees("cola", sight{sku: cola, persons: who("trip", 1000)})
	w.wantWeighing("w", "trip", 350, 350, true)
	w.sees("water", sight{sku: water, persons: who("trip", 1000)})
	rec, p, err := w.weighCart("w", "trip", 350)
	if err != nil || !rec.Duplicate || p.Expected != 350 || !p.Passed {
		t.Errorf("a retry is %+v, %v, want the first answer", p, err)
	}
	if _, _, err := w.weighCart("w", "trip", 900); !errors.Is(err, ledger.ErrIDReused) {
		t.Errorf("another weight under the same id is %v, want ErrIDReused", err)
	}
	if _, _, err := w.weighCart("x", "nobody", 900); !errors.Is(err, engine.ErrUnknownVisit) {
		t.Errorf("a cart of no visit is %v, want ErrUnknownVisit", err)
	}
	for _, grams := range []int{-1, ledger.MaxCartGrams + 1} {
		if _, _, err := w.weighCart("y", "trip", grams); !errors.Is(err, ledger.ErrInvalid) {
			t.Errorf("a cart of %d g is %v, want ErrInvalid", grams, err)
		}
	}
	w.wantWeighing("off", "trip", 900, 870, true) // within 30 g
	w.wantWeighing("far off", "trip", 901, 870, false)
	w.push("other", "ben")
	for _, c := range []engine.ReviewCommand{
		{Verdict: ledger.VerdictConfirmed},
		{Verdict: ledger.VerdictConfirmed, SKU: cola, Action: ledger.ActionTake, Quantity: 1},
		{Verdict: ledger.VerdictCorrected},
		{Verdict: ledger.VerdictCorrected, SKU: cola, Action: ledger.ActionTake, Quantity: 1, Visit: "other"},
	} {
		c.ID, c.Detection, c.Reviewer = w.id("answer"), w.id("detection far off"), "reviewer:anna"
		if _, err := w.desk.DecideReview(t.Context(), c); !errors.Is(err, ledger.ErrInvalid) && !errors.Is(err, engine.ErrUnknownVisit) {
			t.Errorf("the answer %+v is %v, want a refusal", c, err)
		}
	}
	w.review("far off", engine.ReviewCommand{Verdict: ledger.VerdictDismissed, Reason: "a wet umbrella"})
	w.exit("trip")
	w.exit("other")
	w.pass(time.Minute)
	w.wantEnd("trip", ledger.SettledCharged, 250, 0, 0)
	w.wantWeighing("late", "trip", 2000, 870, false)
	if v := w.visit("trip").Cart; v.OpenCount != 0 {
		t.Errorf("a weighing after the receipt asks %+v, want nothing", v.OpenQuestions())
	}
	w.audit()
}
