package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/billing/simulate"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
)

// TestShopperIsCharged: two colas taken, one put back, out, charged for one.
func TestShopperIsCharged(t *testing.T) {
	w := newWorld(t).open(house)
	w.enter("anna")
	w.sees("a", sight{sku: cola, n: 2})
	w.pass(3 * time.Second)
	w.sees("b", sight{sku: cola, action: ledger.ActionReturn})
	w.exit("anna")
	if s := w.visit("anna").Cart.Status; s != projections.StatusExited {
		t.Errorf("within the grace the visit is %s, want exited", s)
	}
	w.pass(time.Minute)
	w.wantEnd("anna", ledger.SettledCharged, 150, 0, 0)
	if n := w.visit("anna").Cart.Issued.Number; n != "corner-2026-000001" {
		t.Errorf("receipt number = %q, want corner-2026-000001", n)
	}
	w.audit()
}

func TestShopperWhoTakesNothingOwesNothing(t *testing.T) {
	w := newWorld(t).open(house)
	w.enter("anna")
	w.enter("ben")
	w.sees("free", sight{sku: gift, persons: who("ben", 990)})
	w.exit("anna")
	w.exit("ben")
	w.pass(time.Minute)
	w.wantEnd("anna", ledger.SettledNothing, 0, 0, 0)
	w.wantEnd("ben", ledger.SettledNothing, 0, 0, 0)
	if w.visit("ben").Cart.Issued == nil {
		t.Error("ben took a gift and got no receipt for it")
	}
	w.audit()
}

// TestDoubtIsReviewed: a doubtful take blocks the receipt, a provisional one
// is out, and the answer ends it either way.
func TestDoubtIsReviewed(t *testing.T) {
	for _, tt := range []struct {
		name     string
		answer   engine.ReviewCommand
		captured int64
	}{
		{"confirmed", engine.ReviewCommand{Verdict: ledger.VerdictConfirmed}, 250},
		{"it was water", engine.ReviewCommand{Verdict: ledger.VerdictCorrected, SKU: water}, 200},
		{"it was put back", engine.ReviewCommand{
			Verdict: ledger.VerdictCorrected, SKU: water,
			Action: ledger.ActionReturn,
		}, 0},
		{"dismissed", engine.ReviewCommand{Verdict: ledger.VerdictDismissed}, 100},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t).open(house)
			w.enter("anna")
			w.sees("sure", sight{sku: water})
			w.sees("doubt", sight{sku: cola, item: 500})
			w.exit("anna")
			w.pass(time.Minute)
			v := w.visit("anna")
			if v.Cart.Status != projections.StatusExited || v.Cart.Provisional == nil {
				t.Fatalf("before the review the visit is %s, provisional %v; want exited with one",
					v.Cart.Status, v.Cart.Provisional)
			}
			if p := v.Cart.Provisional; len(p.Pending) != 1 || p.Pending[0].AtRisk != eur(150) || p.Gross != eur(100) {
				t.Errorf("provisional receipt = %+v, want 1.00 sure and 1.50 at risk", p)
			}
			w.review("doubt", tt.answer)
			w.pass(time.Minute)
			as := ledger.SettledCharged
			if tt.captured == 0 {
				as = ledger.SettledNothing
			}
			w.wantEnd("anna", as, tt.captured, 0, 0)
			w.audit()
		})
	}
}

func TestDeadlineAnswersForTheShopper(t *testing.T) {
	asSensed := house
	asSensed.OnDeadline = ledger.AsSensed
	for _, tt := range []struct {
		name     string
		policy   ledger.Policy
		captured int64
	}{
		// Sure: two waters. Doubtful: a cola taken, a water put back.
		{"for the shopper", house, 100},
		{"as sensed", asSensed, 250},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t).open(tt.policy)
			w.enter("anna")
			w.sees("two waters", sight{sku: water, n: 2})
			w.sees("cola?", sight{sku: cola, item: 500})
			w.sees("back?", sight{sku: water, action: ledger.ActionReturn, act: 500})
			w.exit("anna")
			w.pass(59 * time.Minute)
			if s := w.visit("anna").Cart.Status; s != projections.StatusExited {
				t.Fatalf("before the deadline the visit is %s, want exited", s)
			}
			w.pass(2 * time.Minute)
			w.wantEnd("anna", ledger.SettledCharged, tt.captured, 0, 0)
			w.audit()
		})
	}
}

func TestDeclinedAtTheGate(t *testing.T) {
	w := newWorld(t).open(house)
	w.bank.Script = func(billing.Order, int) simulate.Fault { return simulate.Refused }
	a := w.presentAs("ben", "t1")
	if a.Decision != engine.GateRefused || a.Reason != ledger.RefusedDeclined {
		t.Errorf("Present = %+v, want refused: declined", a)
	}
	w.pass(time.Hour)
	w.audit()
}

func TestDeclinedAtTheExitIsADebt(t *testing.T) {
	w := newWorld(t).open(house)
	w.bank.Script = func(o billing.Order, _ int) simulate.Fault {
		if o.Op == billing.OpCapture {
			return simulate.Refused
		}
		return simulate.NoFault
	}
	if a := w.presentAs("ben", "t1"); a.Decision != engine.GateEntered {
		t.Fatalf("Present = %+v, want entered", a)
	}
	w.sees("a", sight{sku: cola})
	w.exit("t1")
	w.pass(time.Minute)
	w.wantEnd("t1", ledger.SettledOwed, 0, 0, 150)
	if a := w.presentAs("ben", "t2"); a.Reason != ledger.RefusedDebt {
		t.Errorf("Present with a debt = %+v, want refused: debt", a)
	}
	w.audit()
}

func TestCodeIsUsedOnce(t *testing.T) {
	w := newWorld(t).open(house)
	w.enter("t1")
	w.start() // the process forgets, the log does not
	other := engine.PresentCommand{
		ID: w.id("another gate"), Occurred: w.now, Store: corner, Gate: "gate-2", Place: ledger.PlaceGate,
		Credential: ledger.CredentialQR, Ticket: "t1", Shopper: "thief", PaymentMethod: "pm_thief",
	}
	for range 2 { // and again: the device repeats itself
		a := do(w, "second use", func(ctx context.Context) (engine.GateAnswer,
			error,
		) {
			return w.desk.Present(ctx, other)
		})
		if a.Decision != engine.GateRefused || a.Reason != ledger.RefusedReplayed {
			t.Errorf("second use of a code = %+v, want refused: replayed", a)
		}
	}
	if n := count(w.kinds(ledger.StoreStream(corner)), ledger.KindGateRefused); n != 1 {
		t.Errorf("%d refusals were recorded, want 1", n)
	}
	if a := w.presentAs("shopper-t1", "t1"); a.Decision != engine.GateEntered {
		t.Errorf("the first gate's retry = %+v, want entered", a)
	}
	if a := w.presentAs("shopper-t1", "t2"); a.Reason != ledger.RefusedInside {
		t.Errorf("a second code of a shopper inside = %+v, want refused: inside", a)
	}
	w.exit("t1")
	w.pass(time.Minute)
	w.audit()
}

func TestHoldThatComesTooLateIsReleased(t *testing.T) {
	w := newWorld(t).open(house)
	w.bank.Script = func(o billing.Order, n int) simulate.Fault {
		if o.Op == billing.OpHold && n <= 4 {
			return simulate.Lost
		}
		return simulate.NoFault
	}
	if a := w.presentAs("ben", "t1"); a.Decision != engine.GatePending {
		t.Errorf("Present = %+v, want pending", a)
	}
	w.pass(11 * time.Second)
	if a, err := w.desk.Entry("t1"); err != nil || a.Reason != ledger.RefusedTimeout {
		t.Errorf("Entry = %+v, %v, want refused: timeout", a, err)
	}
	w.pass(time.Hour)
	if s := w.bank.Statement("t1"); s != (simulate.Statement{Holds: 1}) {
		t.Errorf("the bank says %+v, want one hold, released", s)
	}
	w.audit()
}

// TestLateReturnIsPaidBack: the shelf was cut off; the put-back arrives after
// the charge.
func TestLateReturnIsPaidBack(t *testing.T) {
	w := newWorld(t).open(house)
	w.enter("anna")
	w.sees("a", sight{sku: cola, n: 2})
	w.pass(time.Second)
	seen := w.now
	w.pass(time.Second)
	w.exit("anna")
	w.pass(time.Minute)
	w.wantEnd("anna", ledger.SettledCharged, 300, 0, 0)
	w.sees("back", sight{sku: cola, action: ledger.ActionReturn, occurred: seen})
	w.sees("more", sight{sku: water, occurred: seen})
	w.review("back", engine.ReviewCommand{Verdict: ledger.VerdictConfirmed})
	w.review("more", engine.ReviewCommand{Verdict: ledger.VerdictConfirmed})
	w.pass(time.Minute)
	w.wantEnd("anna", ledger.SettledCharged, 300, 150, 0) // and the late water is not billed
	w.audit()
}

func TestDuplicateAndDisorderChangeNothing(t *testing.T) {
	w := newWorld(t).open(house)
	w.enter("anna")
	start := w.now
	w.pass(10 * time.Second)
	first := w.sees("a", sight{sku: cola})
	w.exit("anna")
	again := w.sees("a", sight{sku: cola, occurred: start.Add(10 * time.Second)})
	if !again.Duplicate || again.Position != first.Position {
		t.Errorf("the same detection again = position %d, duplicate %v; want %d, true", again.Position,
			again.Duplicate, first.Position)
	}
	_, err := w.desk.Record(t.Context(), engine.RecordCommand{
		ID: w.id("detection a"), Occurred: w.now,
		Detection: ledger.DetectionRecorded{
			Store: corner, Sensor: "cam", Source: ledger.SensorCamera, Slot: "A1", Quantity: 5, Model: "m",
			Items: []ledger.ItemHypothesis{{SKU: cola}}, Actions: []ledger.ActionHypothesis{{Action: ledger.ActionTake}},
		},
	})
	if !errors.Is(err, ledger.ErrIDReused) {
		t.Errorf("other content under the same id: %v, want %v", err, ledger.ErrIDReused)
	}
	w.sees("early", sight{sku: water, occurred: start.Add(time.Second)}) // arrives after the exit
	if r := w.exit("anna"); !r.Duplicate {
		t.Error("a second exit was recorded")
	}
	w.pass(time.Minute)
	w.wantEnd("anna", ledger.SettledCharged, 250, 0, 0)
	w.audit()
}

// TestDetectionOfNobodyIsAskedAbout: for a visit that does not exist, one of
// another shop, one that left, and an empty shop.
func TestDetectionOfNobodyIsAskedAbout(t *testing.T) {
	w := newWorld(t).open(house)
	w.openStore("other", house)
	w.enter("anna")
	w.sees("ghost", sight{sku: cola, persons: who("nobody", 990)})
	w.sees("elsewhere", sight{sku: cola, persons: who("anna", 990), store: "other"})
	w.sees("empty", sight{sku: cola, store: "other"})
	w.exit("anna")
	w.pass(time.Minute)
	w.sees("gone", sight{sku: water, persons: who("anna", 990)})
	w.wantEnd("anna", ledger.SettledNothing, 0, 0, 0)
	for name, stream := range map[string]ledger.StreamID{
		"ghost": "store-corner", "gone": "store-corner", "elsewhere": "store-other", "empty": "store-other",
	} {
		var q engine.QuestionView
		w.live.View(func(e *engine.Engine) { q, _ = e.Question(w.id("detection " + name)) })
		if q.Stream != stream || q.Decided != nil {
			t.Errorf("question %s is in %q, decided %v; want open in %s", name, q.Stream, q.Decided, stream)
		}
	}
	_, err := w.desk.DecideReview(t.Context(), engine.ReviewCommand{
		Detection: w.id("detection empty"), Verdict: ledger.VerdictConfirmed, Visit: "anna", Reviewer: "reviewer:anna",
	})
	if !errors.Is(err, engine.ErrUnknownVisit) {
		t.Errorf("a review that names a visit of another shop: %v, want %v", err, engine.ErrUnknownVisit)
	}
	w.pass(2 * time.Hour) // nobody answers: nobody is billed
	w.wantEnd("anna", ledger.SettledNothing, 0, 0, 0)
	w.audit()
}

func TestReviewerNamesTheVisitOfAnUnknownDetection(t *testing.T) {
	w := newWorld(t).open(house)
	w.enter("anna")
	w.sees("ghost", sight{sku: cola, persons: who("nobody", 990)})
	w.review("ghost", engine.ReviewCommand{Verdict: ledger.VerdictConfirmed, Visit: "anna"})
	w.exit("anna")
	w.pass(time.Minute)
	w.wantEnd("anna", ledger.SettledCharged, 150, 0, 0)
	w.audit()
}

// TestTwoInsideAndOneTakes: the shelf knows no persons, so both visits wait
// until a reviewer says whose it was.
func TestTwoInsideAndOneTakes(t *testing.T) {
	w := newWorld(t).open(house)
	w.enter("anna")
	w.enter("ben")
	w.sees("whose", sight{sku: cola})
	w.exit("anna")
	w.exit("ben")
	w.pass(time.Minute)
	for _, v := range []string{"anna", "ben"} {
		c := w.visit(v).Cart
		if c.Status != projections.StatusExited || c.Provisional == nil || c.Provisional.Deadline.IsZero() {
			t.Errorf("visit %s is %s with provisional receipt %+v, want exited, waiting until a deadline",
				v, c.Status, c.Provisional)
		}
	}
	w.review("whose", engine.ReviewCommand{Verdict: ledger.VerdictConfirmed, Visit: "ben"})
	w.pass(time.Minute)
	w.wantEnd("anna", ledger.SettledNothing, 0, 0, 0)
	w.wantEnd("ben", ledger.SettledCharged, 150, 0, 0)
	w.audit()
}

func TestWrongShopperMovesTheLine(t *testing.T) {
	w := newWorld(t).open(house)
	w.enter("anna")
	w.enter("ben")
	w.sees("a", sight{sku: cola, n: 2, persons: who("anna", 990)})
	w.sees("b", sight{sku: water, persons: who("ben", 990)})
	w.exit("anna")
	w.exit("ben")
	w.pass(time.Minute)
	w.dispute("d", "anna", 1, 1)
	w.uphold("d", "ben")
	w.pass(time.Minute)
	w.wantEnd("anna", ledger.SettledCharged, 300, 150, 0)
	w.wantEnd("ben", ledger.SettledCharged, 100, 0, 0) // never captured without consent: asked for
	if c := w.visit("ben").Cart; c.Latest.Gross != eur(250) || c.Latest.Corrects != c.Issued.Number {
		t.Errorf("ben's last receipt = %s correcting %q, want 2.50 correcting his first", c.Latest.Gross,
			c.Latest.Corrects)
	}
	w.audit()
}

func TestPriceThatComesLater(t *testing.T) {
	w := newWorld(t).open(house)
	w.list("tea")
	w.enter("anna")
	picked := w.now
	w.sees("a", sight{sku: "tea", n: 2})
	w.pass(time.Second)
	w.exit("anna")
	w.pass(time.Hour)
	c := w.visit("anna").Cart
	if c.Status != projections.StatusExited || c.Picks[0].Missing != billing.MissingPrice || c.Provisional == nil {
		t.Fatalf("without a price the visit is %s, missing %q; want exited, price, provisional receipt",
			c.Status, c.Picks[0].Missing)
	}
	set := func(minor int64, from time.Time) {
		do(w, "price", func(ctx context.Context) (engine.Recorded, error) {
			return w.desk.SetPrice(ctx, ledger.Meta{}, main, ledger.PriceSet{
				SKU: "tea", Price: eur(minor),
				From: from,
			})
		})
	}
	set(300, w.now) // in force too late for this pick
	w.pass(time.Minute)
	if c := w.visit("anna").Cart; c.Status != projections.StatusExited {
		t.Fatalf("with a price from the future the visit is %s, want exited", c.Status)
	}
	set(200, picked)
	w.pass(time.Minute)
	w.wantEnd("anna", ledger.SettledCharged, 400, 0, 0)
	if n := count(w.kinds("visit-anna"), ledger.KindPricingFailed); n != 1 {
		t.Errorf("pricing failed %d times, want to be told once", n)
	}
	w.audit()
}

func TestGroupIsOnePayer(t *testing.T) {
	w := newWorld(t).open(house)
	answer := do(w, "present", func(ctx context.Context) (engine.GateAnswer, error) {
		return w.desk.Present(ctx, engine.PresentCommand{
			ID: w.id("p"), Occurred: w.now, Store: corner, Gate: "gate", Place: ledger.PlaceGate,
			Credential: ledger.CredentialQR, Ticket: "family", Shopper: "mum", PaymentMethod: "pm", Party: 3,
		})
	})
	if answer.Visit != "family" {
		t.Fatalf("Present = %+v, want visit family", answer)
	}
	for _, name := range []string{"a", "b", "c"} {
		w.sees(name, sight{sku: water})
	}
	w.exit("family")
	w.pass(time.Minute)
	w.wantEnd("family", ledger.SettledCharged, 300, 0, 0)
	if p := w.visit("family").Cart.Presented.Party; p != 3 {
		t.Errorf("party = %d, want 3", p)
	}
	w.audit()
}

func TestDisputeIsRefusedWithItsReason(t *testing.T) {
	w := newWorld(t).open(house)
	w.enter("anna")
	w.sees("a", sight{sku: cola, n: 2})
	w.exit("anna")
	w.pass(time.Minute)
	number := w.visit("anna").Cart.Issued.Number
	try := func(c engine.DisputeCommand, want error) {
		t.Helper()
		c.Claim, c.Actor, c.Occurred = ledger.ClaimNotTaken, "shopper", w.now
		if _, err := w.desk.OpenDispute(t.Context(), c); !errors.Is(err, want) {
			t.Errorf("OpenDispute(%s line %d, %d) = %v, want %v", c.Receipt, c.Line, c.Quantity, err, want)
		}
	}
	try(engine.DisputeCommand{Receipt: "corner-2026-000009", Line: 1}, engine.ErrUnknownReceipt)
	try(engine.DisputeCommand{Receipt: number, Line: 2}, engine.ErrUnknownLine)
	try(engine.DisputeCommand{Receipt: number, Line: 1, Quantity: 3}, engine.ErrTooMany)
	w.dispute("d", "anna", 1, 1)
	try(engine.DisputeCommand{Receipt: number, Line: 1}, engine.ErrDisputed)
	w.uphold("d", "")
	if _, err := w.desk.DecideDispute(t.Context(), engine.DisputeDecision{
		Dispute: w.id("dispute d"), Outcome: ledger.DisputeDenied, Reviewer: "reviewer:ben", Reason: "no",
	}); !errors.Is(err, engine.ErrDecided) {
		t.Errorf("a second decision = %v, want %v", err, engine.ErrDecided)
	}
	w.pass(15 * 24 * time.Hour)
	try(engine.DisputeCommand{Receipt: number, Line: 1}, engine.ErrTooLate)
	w.wantEnd("anna", ledger.SettledCharged, 300, 150, 0)
	w.audit()
}

func TestWebhookMakesUsAskAgain(t *testing.T) {
	w := newWorld(t).open(house)
	w.bank.Script = func(o billing.Order, n int) simulate.Fault {
		if o.Op == billing.OpCapture && n == 1 {
			return simulate.Lost
		}
		return simulate.NoFault
	}
	w.enter("anna")
	w.sees("a", sight{sku: cola})
	w.exit("anna")
	w.now = w.now.Add(5 * time.Second)
	w.settle()
	if v := w.visit("anna"); v.Payment.Open == nil || v.Payment.Open.Attempts != 1 {
		t.Fatalf("payment = %+v, want a capture of unknown outcome", v.Payment)
	}
	object := w.visit("anna").Payment.HoldObject
	for range 3 { // webhooks come more than once
		w.now = w.now.Add(time.Millisecond)
		do(w, "webhook", func(ctx context.Context) (engine.Recorded, error) {
			return w.desk.Notify(ctx, engine.ProviderEvent{
				ID: "evt_1", Type: "payment_intent.succeeded", Object: object, Occurred: opening, // its clock is not ours
			})
		})
	}
	w.wantEnd("anna", ledger.SettledCharged, 150, 0, 0) // without waiting for the back-off
	if n := count(w.kinds("payment-anna"), ledger.KindPaymentNotified); n != 1 {
		t.Errorf("the webhook is recorded %d times, want once", n)
	}
	_, err := w.desk.Notify(t.Context(), engine.ProviderEvent{
		ID: "evt_2", Type: "x", Object: "pi_other",
		Occurred: w.now,
	})
	if !errors.Is(err, engine.ErrUnknownObject) {
		t.Errorf("Notify of an unknown object = %v, want %v", err, engine.ErrUnknownObject)
	}
	w.audit()
}
