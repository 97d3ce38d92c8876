package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/billing/simulate"
	"github.com/vouchledger/vouch/ledger"
)

// TestHoldIsRaisedWithTheCart: a cart above the hold raises it, inside the
// shop, by whole holds. Where the bank says no the old hold stands, and the
// rest is charged. (Sequence 16.)
func TestHoldIsRaisedWithTheCart(t *testing.T) {
	for _, tt := range []struct {
		name                        string
		declined                    bool
		held, captured, charged     int64
		increments, charges, refuse int
	}{
		{"the bank agrees", false, 600, 450, 0, 1, 0, 0},
		{"the bank declines", true, 200, 200, 250, 1, 1, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newShop(t, func(p *ledger.Policy) { small(p); p.AdjustHold = true })
			if tt.declined {
				w.refuses("card_declined", func(o billing.Order) bool { return o.Op == billing.OpIncrement })
			}
			w.enter("anna")
			w.sees("a", sight{sku: cola})
			if n := count(w.kinds("payment-anna"), ledger.KindIncrementIntended); n != 0 {
				t.Errorf("a cart below the hold raised it %d times", n)
			}
			w.sees("b", sight{sku: cola, n: 2})
			if held := w.visit("anna").Payment.Held; held != eur(tt.held) {
				t.Errorf("with 4.50 in the cart %s is held, want %s", held, eur(tt.held))
			}
			w.exit("anna")
			w.pass(time.Minute)
			w.wantEnd("anna", ledger.SettledCharged, 450, 0, 0)
			ks := w.kinds("payment-anna")
			if i, c := count(ks, ledger.KindIncrementIntended), count(ks, ledger.KindChargeIntended); i != tt.increments || c != tt.charges {
				t.Errorf("%d increments and %d charges, want %d and %d", i, c, tt.increments, tt.charges)
			}
			w.audit()
		})
	}
}

// TestHoldIsRaisedTenTimes, and not once more: the provider would refuse.
func TestHoldIsRaisedTenTimes(t *testing.T) {
	w := newShop(t, func(p *ledger.Policy) { p.Hold = eur(100); p.AdjustHold = true })
	w.enter("anna")
	for i := range 14 {
		w.sees(string(rune('a'+i)), sight{sku: water})
	}
	w.exit("anna")
	w.pass(time.Minute)
	if n := count(w.kinds("payment-anna"), ledger.KindIncrementIntended); n != billing.MaxIncrements {
		t.Errorf("the hold was raised %d times, want %d", n, billing.MaxIncrements)
	}
	w.wantEnd("anna", ledger.SettledCharged, 1400, 0, 0) // 11 held, the rest charged
	w.audit()
}

// TestCartAboveTheHoldIsChargedInTwo: where holds are not raised the hold is
// captured whole and the rest charged. What is given back comes from whichever
// payment has it, and from both if it takes both. (Sequence 16.)
func TestCartAboveTheHoldIsChargedInTwo(t *testing.T) {
	w := newShop(t, small)
	w.buys("anna", 3)
	w.wantEnd("anna", ledger.SettledCharged, 450, 0, 0)
	got := w.charged("anna")
	if len(got) != 1 || got[0].Amount != eur(250) || got[0].Purpose != ledger.ChargeRemainder || got[0].OnSession {
		t.Errorf("charged %+v, want 2.50 as the remainder, off session", got)
	}
	w.dispute("all", "anna", 1, 3)
	w.uphold("all", "")
	w.pass(time.Minute)
	w.wantEnd("anna", ledger.SettledCharged, 450, 450, 0)
	if n := count(w.kinds("payment-anna"), ledger.KindRefundIntended); n != 2 {
		t.Errorf("4.50 were given back in %d refunds, want one for each payment", n)
	}
	w.audit()
}

// lapsing is a shop with reviews that take longer than holds stand.
func lapsing(t *testing.T) *world {
	w := newShop(t, func(p *ledger.Policy) { p.ReviewSeconds = 20 * 24 * 3600 })
	w.bank.Window = 114 * time.Hour
	return w
}

// TestHoldIsTakenBeforeItLapsesInReview: twelve hours before a hold lapses the
// sure lines are captured. What the review adds is charged, what it takes off
// is given back. (Sequence 14.)
func TestHoldIsTakenBeforeItLapsesInReview(t *testing.T) {
	for _, tt := range []struct {
		name               string
		verdict            ledger.Verdict
		action             ledger.Action
		captured, refunded int64
	}{
		{"the review adds nothing", ledger.VerdictDismissed, ledger.ActionTake, 150, 0},
		{"the review adds a water", ledger.VerdictConfirmed, ledger.ActionTake, 250, 0},
		{"the cola went back", ledger.VerdictConfirmed, ledger.ActionReturn, 150, 150},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := lapsing(t)
			w.enter("anna")
			w.sees("sure", sight{sku: cola})
			doubt := sight{sku: water, item: 500}
			if tt.action == ledger.ActionReturn {
				doubt = sight{sku: cola, action: tt.action, act: 500}
			}
			w.sees("doubt", doubt)
			w.exit("anna")
			w.pass(101 * time.Hour)
			if s := w.bank.Statement("anna"); s.Captured != 0 {
				t.Errorf("thirteen hours before the hold lapses %d were captured, want nothing", s.Captured)
			}
			w.pass(2 * time.Hour)
			if s := w.bank.Statement("anna"); s.Captured != 150 {
				t.Errorf("eleven hours before the hold lapses %d were captured, want 150", s.Captured)
			}
			w.pass(5 * day)
			w.review("doubt", engine.ReviewCommand{Verdict: tt.verdict})
			w.pass(time.Minute)
			as := ledger.SettledCharged
			if tt.refunded == tt.captured {
				as = ledger.SettledNothing
			}
			w.wantEnd("anna", as, tt.captured, tt.refunded, 0)
			w.audit()
		})
	}
}

// TestHoldThatLapsedIsReplacedByACharge: nothing was sure in time. When the
// review is done the provider says that the hold is gone, and the card is
// charged, once; when it is declined the visit owes. (Sequences 14, 15.)
func TestHoldThatLapsedIsReplacedByACharge(t *testing.T) {
	for _, tt := range []struct {
		name     string
		declined bool
		as       ledger.SettledAs
		captured int64
		owed     int64
	}{
		{"charged", false, ledger.SettledCharged, 150, 0},
		{"declined", true, ledger.SettledOwed, 0, 150},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := lapsing(t)
			if tt.declined {
				w.refuses("lost_card", charges)
			}
			w.enter("anna")
			w.sees("doubt", sight{sku: cola, item: 500})
			w.exit("anna")
			w.pass(6 * day)
			w.review("doubt", engine.ReviewCommand{Verdict: ledger.VerdictConfirmed})
			w.pass(time.Minute)
			w.wantEnd("anna", tt.as, tt.captured, 0, tt.owed)
			if h := w.visit("anna").Payment.Hold; h != billing.HoldLapsed {
				t.Errorf("the hold is %s, want lapsed", h)
			}
			if s := w.bank.Statement("anna"); s.Holds != 1 || s.Captures+s.Charges > 1 {
				t.Errorf("the bank says %+v, want one hold and at most one movement", s)
			}
			w.audit()
		})
	}
}

// TestCaptureRacesTheLapse: the capture is on its way when the hold lapses,
// and its answer is lost. Whatever the provider did, one of the two took the
// money and not both. (Sequences 8, 15.)
func TestCaptureRacesTheLapse(t *testing.T) {
	for _, tt := range []struct {
		name    string
		first   simulate.Fault
		capture bool
	}{
		{"it arrived in time", simulate.Lost, true},
		{"it arrived too late", simulate.Unreached, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newShop(t, func(*ledger.Policy) {})
			w.bank.Window = 10 * time.Minute
			w.bank.Script = func(o billing.Order, n int) simulate.Fault {
				if o.Op == billing.OpCapture && n <= 4 {
					return tt.first
				}
				return simulate.NoFault
			}
			w.enter("anna")
			w.sees("a", sight{sku: cola})
			w.pass(9 * time.Minute)
			w.exit("anna")
			w.pass(time.Hour)
			w.wantEnd("anna", ledger.SettledCharged, 150, 0, 0)
			s := w.bank.Statement("anna")
			if s.Captures+s.Charges != 1 || s.Captured != 150 {
				t.Errorf("the bank says %+v, want 1.50 once", s)
			}
			if got := len(w.charged("anna")) == 0; got != tt.capture {
				t.Errorf("no charge was ordered: %v, want %v", got, tt.capture)
			}
			w.audit()
		})
	}
}

// TestOurClockIsWrong: ours is days ahead, so the hold looks lapsed. It is not
// replaced for that: the capture is tried, and the provider, whose clock
// counts, carries it out. (Sequence 30.)
func TestOurClockIsWrong(t *testing.T) {
	w := lapsing(t)
	w.enter("anna")
	theirs := w.now
	w.bank.Now = func() time.Time { return theirs }
	w.sees("doubt", sight{sku: cola, item: 500})
	w.exit("anna")
	w.pass(6 * day)
	w.review("doubt", engine.ReviewCommand{Verdict: ledger.VerdictConfirmed})
	w.pass(time.Minute)
	w.wantEnd("anna", ledger.SettledCharged, 150, 0, 0)
	if s := w.bank.Statement("anna"); s.Captures != 1 || s.Charges != 0 || s.Holds != 1 {
		t.Errorf("the bank says %+v, want the one hold captured", s)
	}
	w.audit()
}

// TestCardReplacedAfterTheHold: the shopper has another card on file by the
// time of the exit. The capture is of the hold, and so on the old one; only
// what the shopper asks for goes to the new one. (Sequence 29.)
func TestCardReplacedAfterTheHold(t *testing.T) {
	w := newShop(t, small)
	w.refuses("expired_card", func(o billing.Order) bool {
		return o.Op == billing.OpCharge && o.PaymentMethod == "pm_shopper-anna"
	})
	w.buys("anna", 2)
	w.wantEnd("anna", ledger.SettledOwed, 200, 0, 100)
	w.pass(60 * day)
	if n := len(w.charged("anna")); n != 1 {
		t.Errorf("an expired card was charged %d times, want once", n)
	}
	w.pays("anna", "pm_new")
	w.wantEnd("anna", ledger.SettledOwed, 300, 0, 0)
	w.audit()
}

// TestHoldThatCannotBeFreedIsAskedAbout: the shopper's money is blocked, and
// only a person can find out why.
func TestHoldThatCannotBeFreedIsAskedAbout(t *testing.T) {
	w := newShop(t, func(*ledger.Policy) {})
	free := false
	w.refuses("processing_error", func(o billing.Order) bool { return o.Op == billing.OpRelease && !free })
	w.enter("anna")
	w.exit("anna")
	w.pass(time.Minute)
	if asked := w.asked(); len(asked) != 1 || asked[0].Op != billing.OpRelease {
		t.Fatalf("asked about %+v, want the hold", asked)
	}
	free = true
	w.resolve("anna", false) // try again
	w.wantEnd("anna", ledger.SettledNothing, 0, 0, 0)
	w.audit()
}

// TestSecondExitChargesNothing: the gate's sensor fires twice, with an id of
// its own each time. (Sequence 17.)
func TestSecondExitChargesNothing(t *testing.T) {
	w := newShop(t, func(*ledger.Policy) {})
	w.enter("anna")
	w.sees("a", sight{sku: cola})
	w.exit("anna")
	again := do(w, "second exit", func(ctx context.Context) (engine.Recorded, error) {
		return w.desk.Exit(ctx, engine.ExitCommand{ID: w.id("another"), Occurred: w.now, Visit: "anna", Gate: "gate-2"})
	})
	if !again.Duplicate {
		t.Error("a second exit was recorded")
	}
	w.pass(time.Hour)
	w.wantEnd("anna", ledger.SettledCharged, 150, 0, 0)
	if s := w.bank.Statement("anna"); s.Captures != 1 {
		t.Errorf("the bank captured %d times, want once", s.Captures)
	}
	w.audit()
}
