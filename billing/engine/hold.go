package engine

import (
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

// atGate opens the gate when the hold stands, and keeps it shut when it is
// declined or not known in time. Whoever waited longer is gone, so an answer
// that comes later opens nothing: the hold is released. For staff, and for a
// visitor whose payer is not known, nothing is held.
func (v *visit) atGate(st *step) (Append, bool) {
	p := v.cart.Presented
	if p.Credential == ledger.CredentialStaff || p.Credential == ledger.CredentialNone {
		return v.toVisit(v.fact(st, ledger.GateEntered{Visit: v.id, Gate: p.Gate, Hold: money.Zero(v.cart.Currency())})), true
	}
	if v.payment.Hold == billing.HoldNone {
		id := ledger.DeriveID(v.presented, string(ledger.KindHoldIntended))
		return v.toPayment(st, id, ledger.HoldIntended{
			Visit: v.id, Store: p.Store, Amount: p.Policy.Hold, Customer: p.Customer, PaymentMethod: p.PaymentMethod,
			Key: billing.HoldKey(p.Store, v.id, v.payment.Tries(billing.OpHold, "")+1), Adjustable: p.Policy.AdjustHold,
		}), true
	}
	if p.Offline {
		return v.insideAlready(st)
	}
	refused := ledger.GateRefused{Visit: v.id, Store: p.Store, Gate: p.Gate, Ticket: p.Ticket}
	if st.due(v.payment.HoldIntended.Add(seconds(p.Policy.GateSeconds))) {
		refused.Reason, refused.Detail = ledger.RefusedTimeout, "the hold was not decided in time"
		return v.toVisit(v.fact(st, refused)), true
	}
	switch v.payment.Hold {
	case billing.HoldStands:
		return v.toVisit(v.fact(st, ledger.GateEntered{Visit: v.id, Gate: p.Gate, Hold: v.payment.Held})), true
	case billing.HoldDeclined:
		refused.Reason, refused.Detail = ledger.RefusedDeclined, v.payment.HoldCode
		return v.toVisit(v.fact(st, refused)), true
	case billing.HoldNone, billing.HoldOpen, billing.HoldCaptured, billing.HoldReleased, billing.HoldLapsed:
	}
	return Append{}, false
}

// onHold reports whether the hold may be given orders now.
func (v *visit) onHold() bool {
	pay := &v.payment
	return pay.Hold == billing.HoldStands && !pay.CaptureAsked && pay.Open == nil
}

// increment raises the hold to what is in the cart, where the shop's policy
// says so: by whole holds, so that a slow shopper does not use up the
// provider's patience. A decline leaves the hold as it was, and is the last
// word.
func (v *visit) increment(st *step) (Append, bool) {
	pay, p := &v.payment, v.cart.Presented
	if !p.Policy.AdjustHold || !v.onHold() || pay.IncrementCode != "" ||
		pay.Tries(billing.OpIncrement, "") >= billing.MaxIncrements {
		return Append{}, false
	}
	gross := v.gross()
	if v.cart.Latest == nil {
		var err error
		if _, _, gross, err = v.cart.Totals(); err != nil {
			return v.stop(err)
		}
	}
	if gross.Minor <= pay.Held.Minor {
		return Append{}, false
	}
	one := p.Policy.Hold.Minor
	amount, err := p.Policy.Hold.Mul((gross.Minor + one - 1) / one)
	if err != nil {
		return v.stop(err)
	}
	return v.toPayment(st, v.intentID(ledger.KindIncrementIntended), ledger.IncrementIntended{
		Visit: v.id, Store: p.Store, Amount: amount, Object: pay.HoldObject,
		Key: billing.IncrementKey(p.Store, v.id, pay.Tries(billing.OpIncrement, "")+1),
	}), true
}

// secure takes the sure lines of a visit in review before its hold lapses.
// What the receipt asks for beyond them is charged then, what it does not ask
// for is given back.
//
// It goes by our clock, which may be wrong: too early costs nothing, and too
// late is found out by the provider, which declines.
func (v *visit) secure(st *step) (Append, bool) {
	pay, p := &v.payment, v.cart.Presented
	if !v.onHold() || pay.CaptureBefore.IsZero() || v.cart.InConflict() {
		return Append{}, false
	}
	margin := billing.CaptureMargin
	if n := p.Policy.CaptureMarginSeconds; n > 0 {
		margin = seconds(n)
	}
	if !st.due(pay.CaptureBefore.Add(-margin)) {
		return Append{}, false
	}
	_, _, sure, err := v.cart.Totals()
	if err != nil {
		return v.stop(err)
	}
	if sure.Minor <= 0 {
		return Append{}, false
	}
	return v.captureOf(st, sure, billing.Provisional), true
}

// capture takes what the receipt asks for, at most what is held.
func (v *visit) capture(st *step) (Append, bool) {
	due := v.due()
	if !v.onHold() || due.Minor == 0 || v.cart.Settled != nil {
		return Append{}, false
	}
	return v.captureOf(st, due, v.number()), true
}

func (v *visit) captureOf(st *step, amount money.Money, receipt string) Append {
	pay, p := &v.payment, v.cart.Presented
	amount.Minor = min(amount.Minor, pay.Held.Minor)
	return v.toPayment(st, v.intentID(ledger.KindCaptureIntended), ledger.CaptureIntended{
		Visit: v.id, Store: p.Store, Amount: amount, Object: pay.HoldObject, Receipt: receipt,
		Key: billing.CaptureKey(p.Store, v.id, pay.Tries(billing.OpCapture, "")+1),
	})
}

// release frees a hold that nothing will be captured from any more.
func (v *visit) release(st *step) (Append, bool) {
	pay, p := &v.payment, v.cart.Presented
	if pay.Hold != billing.HoldStands || pay.Open != nil || pay.ReleaseFailed {
		return Append{}, false
	}
	if v.cart.Status != projections.StatusRefused && v.cart.Settled == nil {
		return Append{}, false
	}
	return v.toPayment(st, v.intentID(ledger.KindReleaseIntended), ledger.ReleaseIntended{
		Visit: v.id, Store: p.Store, Amount: pay.Held, Object: pay.HoldObject,
		Key: billing.ReleaseKey(p.Store, v.id, pay.Tries(billing.OpRelease, "")+1),
	}), true
}

// ask writes down what the provider's answers come to beside an outcome: that
// the hold is gone, or that a person must be asked.
func (v *visit) ask(st *step) (Append, bool) {
	pay := &v.payment
	if in := pay.Open; in != nil {
		if in.State != billing.OrderUnclear || !asked(in, st) {
			return Append{}, false
		}
		id, _ := ledger.ParseID(in.ID) // the id of an event
		return v.toPayment(st, v.intentID(ledger.KindPaymentEscalated), ledger.PaymentEscalated{
			Intent: id, Reason: "the outcome of a " + string(in.Op) + " is not known after " + rested(in),
		}), true
	}
	if pay.Hold == billing.HoldStands && pay.CaptureAsked && billing.DeclineOf(pay.CaptureCode).Class == billing.Gone {
		return v.toPayment(st, v.intentID(ledger.KindHoldLapsed), ledger.HoldLapsed{
			Object: pay.HoldObject, Amount: pay.Held,
		}), true
	}
	if need, ok := pay.Needs(); ok {
		return v.toPayment(st, v.intentID(ledger.KindPaymentEscalated), ledger.PaymentEscalated{
			Intent: need.Intent, Reason: shorten(need.Reason),
		}), true
	}
	return Append{}, false
}

// asked reports whether an order was asked about for long enough. The times
// count and not the asking: every webhook makes us ask at once, and a busy
// hour of them must not use up the days in which the provider can be asked.
func asked(in *billing.Intent, st *step) bool {
	return in.Attempts > len(billing.AskAgain) && st.due(in.First.Add(billing.AskFor()))
}

// rested says for how long an order has been asked about.
func rested(in *billing.Intent) string { return in.Unclear.Sub(in.First).Round(time.Hour).String() }

// intentID names an intention after the payment's last event, and the first
// one after the event that began the visit: two visits that begin without a
// hold must not have one name for both their first orders.
func (v *visit) intentID(k ledger.Kind) ledger.ID {
	if v.payment.Events() == 0 {
		return ledger.DeriveID(v.presented, string(k))
	}
	return ledger.DeriveID(v.payment.Last(), string(k))
}
