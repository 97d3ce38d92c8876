package engine_test

import (
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/billing/simulate"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
)

// TestFinishedVisitIsNotHeldUp: a late take that might be of either of two
// visits asks the one it was recorded in, and leaves alone the one that has
// settled.
func TestFinishedVisitIsNotHeldUp(t *testing.T) {
	w := newWorld(t).open(house)
	w.enter("anna")
	w.enter("ben")
	seen := w.now
	w.exit("ben")
	w.pass(time.Minute)
	w.sees("late", sight{sku: cola, persons: who("anna", 500, "ben", 450), occurred: seen})
	if n := count(w.kinds("visit-ben"), ledger.KindDetectionImplicated); n != 0 {
		t.Errorf("ben had settled and was implicated %d times", n)
	}
	w.exit("anna")
	w.review("late", engine.ReviewCommand{Verdict: ledger.VerdictConfirmed, Visit: "ben"})
	w.pass(time.Minute)
	w.wantEnd("anna", ledger.SettledNothing, 0, 0, 0)
	w.wantEnd("ben", ledger.SettledNothing, 0, 0, 0) // his hold is gone, and he is asked first
	if n := count(w.kinds("visit-ben"), ledger.KindSupplementProposed); n != 1 {
		t.Errorf("ben was asked %d times to pay for the cola, want once", n)
	}
	w.audit()
}

// TestOldOrderIsLookedUpFirst: the provider forgets keys after a day, so an
// order that is older is looked up, and sent under the next key only if the
// provider never saw it.
func TestOldOrderIsLookedUpFirst(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault simulate.Fault
		key   string // of the order that moved the money
	}{
		{"the answer was lost", simulate.Lost, "v1/corner/anna/capture/1"},
		{"the order never arrived", simulate.Unreached, "v1/corner/anna/capture/2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t).open(house)
			var finds, captured []string
			cutOff := w.now.Add(30 * time.Hour)
			w.bank.Script = func(o billing.Order, _ int) simulate.Fault {
				if o.Op != billing.OpCapture {
					return simulate.NoFault
				}
				if w.now.Before(cutOff) {
					return tt.fault
				}
				finds = append(finds, o.Key)
				return simulate.NoFault
			}
			w.enter("anna")
			w.sees("a", sight{sku: cola})
			w.exit("anna")
			w.pass(22 * time.Hour)
			w.start() // and a restart over the weekend
			w.pass(48 * time.Hour)
			w.wantEnd("anna", ledger.SettledCharged, 150, 0, 0)
			for e, err := range projections.Decoded(w.log.Read(t.Context(), ledger.Query{Stream: "payment-anna"})) {
				if err != nil {
					t.Fatal(err)
				}
				if p, ok := e.Payload.(ledger.CaptureIntended); ok {
					captured = append(captured, p.Key)
				}
			}
			if last := captured[len(captured)-1]; last != tt.key {
				t.Errorf("captured under %s, want %s (all: %v, calls after the cut: %v)", last, tt.key,
					captured, finds)
			}
			w.audit()
		})
	}
}

// TestRefundThatIsDeclinedIsTriedAgain: a day later, under its next key, and
// not for ever.
func TestRefundThatIsDeclinedIsTriedAgain(t *testing.T) {
	w := newWorld(t).open(house)
	declines := 2
	w.bank.Script = func(o billing.Order, _ int) simulate.Fault {
		if o.Op == billing.OpRefund && declines > 0 {
			declines--
			return simulate.Refused
		}
		return simulate.NoFault
	}
	w.enter("anna")
	w.sees("a", sight{sku: cola})
	w.exit("anna")
	w.pass(time.Minute)
	w.dispute("d", "anna", 1, 1)
	w.uphold("d", "")
	w.pass(time.Hour)
	if v := w.visit("anna"); v.Overdue != eur(150) || v.Payment.RefundsFailed != 1 {
		t.Errorf("after the first decline %s is overdue and %d refunds failed, want 1.50 and 1", v.Overdue,
			v.Payment.RefundsFailed)
	}
	w.pass(72 * time.Hour)
	w.wantEnd("anna", ledger.SettledCharged, 150, 150, 0)
	pay := w.visit("anna").Payment
	if n := pay.Tries(billing.OpRefund, "corner-2026-000002"); n != 3 {
		t.Errorf("%d refunds had an outcome, want 3", n)
	}
	w.audit()
}

// TestNumbersHaveNoGaps: many leave at the same moment, at the turn of the
// seller's year, and are corrected; each series runs without a gap.
func TestNumbersHaveNoGaps(t *testing.T) {
	w := newWorld(t)
	w.now = time.Date(2026, 12, 31, 22, 58, 0, 0, time.UTC) // 23:58 in Berlin
	w.open(house)
	visits := []string{"a", "b", "c", "d", "e", "f"}
	for _, v := range visits {
		w.enter(v)
		w.sees(v, sight{sku: water, persons: who(v, 990)})
	}
	for _, v := range visits[:3] {
		w.exit(v)
	}
	w.pass(5 * time.Minute)
	for _, v := range visits[3:] {
		w.exit(v)
	}
	w.pass(time.Minute)
	w.dispute("x", "a", 1, 1)
	w.uphold("x", "")
	w.pass(time.Minute)
	want := map[string]string{
		"a": "corner-2027-000004", "b": "corner-2026-000002", "c": "corner-2026-000003", "d": "corner-2027-000001",
		"e": "corner-2027-000002", "f": "corner-2027-000003",
	}
	for v, number := range want {
		if got := w.visit(v).Cart.Latest.Number; got != number {
			t.Errorf("last document of %s = %s, want %s", v, got, number)
		}
	}
	w.audit()
}
