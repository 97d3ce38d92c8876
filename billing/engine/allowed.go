package engine

import (
	"fmt"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger"
)

// checkActions finds our own bugs before they cost money: it holds what was
// decided against what may never be.
func (e *Engine) checkActions(actions []Action) {
	for _, a := range actions {
		ap, ok := a.(Append)
		if !ok {
			continue
		}
		v, _ := e.subject(ap.Subject).(*visit)
		if category, _ := ap.Stream.Split(); v == nil || category != ledger.CategoryPayment {
			continue
		}
		p, err := ledger.Unmarshal(ap.Drafts[0].Kind, ap.Drafts[0].Body)
		if err == nil {
			err = v.allowed(p)
		}
		if err != nil {
			panic(fmt.Sprintf("engine: visit %s: %v", v.id, err))
		}
	}
}

// allowed refuses an order that would break an invariant:
//
//   - one order is open at a time;
//   - there is one hold, raised at most [billing.MaxIncrements] times;
//   - it is captured once, for at most what is held and is in the cart;
//   - nothing is charged beyond what is owed, nor while the hold stands;
//   - nothing is given back beyond what a payment took.
func (v *visit) allowed(p ledger.Payload) error {
	pay := &v.payment
	switch p := p.(type) { // observations are not ours to refuse
	case ledger.HoldIntended:
		if pay.Hold != billing.HoldNone {
			return fmt.Errorf("a second hold of %s", p.Amount)
		}
	case ledger.IncrementIntended:
		if n := pay.Tries(billing.OpIncrement, ""); pay.Hold != billing.HoldStands || pay.CaptureAsked ||
			p.Amount.Minor <= pay.Held.Minor || n >= billing.MaxIncrements {
			return fmt.Errorf("increment %d to %s of a hold of %s that is %q", n+1, p.Amount, pay.Held, string(pay.Hold))
		}
	case ledger.CaptureIntended:
		limit := v.gross()
		if v.cart.Latest == nil {
			_, _, limit, _ = v.cart.Totals()
		}
		if pay.Hold != billing.HoldStands || p.Amount.Minor > pay.Held.Minor || p.Amount.Minor > limit.Minor ||
			pay.Captured.Minor > 0 {
			return fmt.Errorf("capture of %s with %s held (%q), %s captured and a receipt of %s",
				p.Amount, pay.Held, string(pay.Hold), pay.Captured, limit)
		}
	case ledger.ChargeIntended:
		if due := v.due(); p.Amount.Minor > due.Minor || pay.Hold == billing.HoldStands && !pay.ReleaseFailed {
			return fmt.Errorf("charge of %s with %s due and a hold that is %q", p.Amount, due, string(pay.Hold))
		}
	case ledger.RefundIntended:
		t, _ := pay.Taking(p.Object)
		if p.Amount.Minor > pay.Kept().Minor || p.Amount.Minor > t.Left() || pay.RefundsBlocked() {
			return fmt.Errorf("refund of %s of %s, which has %d, with %s captured and %s refunded",
				p.Amount, p.Object, t.Left(), pay.Captured, pay.Refunded)
		}
	case ledger.ReleaseIntended:
		if pay.Hold != billing.HoldStands {
			return fmt.Errorf("release of a hold that is %q", string(pay.Hold))
		}
	default:
		return nil
	}
	if pay.Open != nil {
		return fmt.Errorf("%s while %s is open", p.Kind(), pay.Open.Op)
	}
	return nil
}

// orders reports whether a is an intention: what must be known at the provider
// is known before it is written.
func orders(a Append) bool {
	if len(a.Drafts) == 0 {
		return false
	}
	switch a.Drafts[0].Kind { //nolint:exhaustive // all others move nothing
	case ledger.KindHoldIntended, ledger.KindIncrementIntended, ledger.KindCaptureIntended, ledger.KindReleaseIntended,
		ledger.KindChargeIntended, ledger.KindRefundIntended:
		return true
	}
	return false
}
