package engine

import (
	"fmt"
	"strings"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

// keyLife is how long the provider is trusted to know a key. It promises 24
// hours; after 23 an order is looked up, never sent again.
const keyLife = 23 * time.Hour

// backoff is how long an order of unknown outcome rests before it is asked
// for again, by attempts made; the last entry repeats.
var backoff = []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 5 * time.Minute, time.Hour}

// send returns the open order if it is time to ask for it (again).
func (v *visit) send(st *step) (Send, bool) {
	in := v.payment.Open
	if in == nil || v.sending || v.answer != nil {
		return Send{}, false
	}
	if in.Attempts > 0 && !in.Notified &&
		!st.due(in.Unclear.Add(backoff[min(in.Attempts, len(backoff))-1])) {
		return Send{}, false
	}
	v.sending = true
	return Send{Order: in.Order, Find: in.Pending || st.now.Sub(in.First) > keyLife}, true
}

// outcome returns the observation that the answer to the open order is, or nil
// when there is none to write down.
func (v *visit) outcome() ledger.Payload {
	in, a := v.payment.Open, v.answer
	if in == nil || a == nil {
		return nil
	}
	intent, err := ledger.ParseID(in.ID)
	if err != nil {
		panic(fmt.Sprintf("engine: open order %q of visit %s is no event id", in.ID, v.id))
	}
	unclear := ledger.PaymentUnclear{Intent: intent, Attempt: in.Attempts + 1}
	switch {
	case a.err != nil:
		unclear.Detail = shorten(a.err.Error())
		return unclear
	case a.Status == billing.Done:
		return done(*in, *a, intent)
	case a.Status == billing.Declined:
		return ledger.PaymentDeclined{Intent: intent, Code: orElse(shorten(a.Code), "declined")}
	case a.Status == billing.NotFound && a.find && !in.Pending:
		return ledger.PaymentDeclined{Intent: intent, Code: billing.CodeNeverArrived}
	case a.Status == billing.Pending:
		unclear.Detail = billing.DetailPending
	default:
		unclear.Detail = shorten("the provider answered " + string(a.Status))
	}
	return unclear
}

// done is the observation that an order was carried out. What the provider
// does not say is as ordered.
func done(in billing.Intent, a answer, intent ledger.ID) ledger.Payload {
	amount, object := a.Amount, orElse(a.Object, orElse(in.Object, in.ID))
	if amount.Minor == 0 {
		amount = in.Amount
	}
	switch in.Op {
	case billing.OpHold:
		before := a.CaptureBefore
		if !before.IsZero() {
			before = ledger.Instant(before)
		}
		return ledger.Held{Intent: intent, Object: object, Amount: amount, CaptureBefore: before}
	case billing.OpCapture:
		return ledger.Captured{Intent: intent, Object: object, Amount: amount}
	case billing.OpRelease:
		return ledger.Released{Intent: intent, Object: object}
	case billing.OpRefund:
		return ledger.Refunded{Intent: intent, Object: object, Amount: amount}
	}
	panic(fmt.Sprintf("engine: order %s to %q", in.ID, in.Op))
}

// outcomeID names the observation after its order: a definite one once, an
// unclear one once for each attempt.
func (v *visit) outcomeID(p ledger.Payload) ledger.ID {
	if u, ok := p.(ledger.PaymentUnclear); ok {
		return ledger.DeriveID(u.Intent, "unclear", fmt.Sprint(u.Attempt))
	}
	intent, err := ledger.ParseID(v.payment.Open.ID)
	if err != nil {
		panic(fmt.Sprintf("engine: open order %q of visit %s is no event id", v.payment.Open.ID, v.id))
	}
	return ledger.DeriveID(intent, "outcome")
}

// afterReceipt moves the money that a receipt asks for, and says how it ended.
func (v *visit) afterReceipt(store *store, st *step) (Append, bool) {
	pay, p := &v.payment, v.cart.Presented
	if v.cart.Latest == nil { // settled with nothing owed, and given an item since
		lines, err := v.cart.Lines()
		if err != nil {
			return v.stop(err)
		}
		if len(lines) > 0 && !v.cart.Blocked() {
			return v.issue(store, st)
		}
		return Append{}, false
	}
	if pay.Open != nil {
		return Append{}, false
	}
	amount := v.gross()
	amount.Minor = min(amount.Minor, pay.Held.Minor)
	if pay.Hold == billing.HoldStands && !pay.CaptureAsked && amount.Minor > 0 && v.cart.Settled == nil {
		return v.toPayment(st, v.intentID(ledger.KindCaptureIntended), ledger.CaptureIntended{
			Visit: v.id, Store: p.Store, Amount: amount, Object: pay.HoldObject, Receipt: v.cart.Latest.Number,
			Key: billing.CaptureKey(p.Store, v.id, pay.Tries(billing.OpCapture, "")+1),
		}), true
	}
	if a, ok := v.refund(st); ok {
		return a, true
	}
	if a, ok := v.answerWarning(st); ok {
		return a, true
	}
	if v.cart.Status == projections.StatusIssued {
		return v.settle(st), true
	}
	return Append{}, false
}

// refund gives back what was captured beyond the last receipt.
func (v *visit) refund(st *step) (Append, bool) {
	pay, over := &v.payment, v.overpaid()
	if over.Minor == 0 || pay.Open != nil || pay.RefundsFailed >= refundTries || pay.RefundsBlocked() {
		return Append{}, false
	}
	if pay.RefundsFailed > 0 && !st.due(pay.RefundFailed.Add(refundRetry)) {
		return Append{}, false
	}
	number, p := v.cart.Latest.Number, v.cart.Presented
	return v.toPayment(st, v.intentID(ledger.KindRefundIntended), ledger.RefundIntended{
		Visit: v.id, Store: p.Store, Amount: over, Object: pay.CaptureObject, Receipt: number,
		Key: billing.RefundKey(p.Store, v.id, number, pay.Tries(billing.OpRefund, number)+1),
	}), true
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

// intentID names an intention after the payment's last event.
func (v *visit) intentID(k ledger.Kind) ledger.ID {
	return ledger.DeriveID(v.payment.Last(), string(k))
}

// settle says how the visit's money ended. What is not charged is owed.
func (v *visit) settle(st *step) Append {
	gross, zero := v.gross(), money.Zero(v.cart.Currency())
	charged := atLeastZero(min(gross.Minor, v.payment.Kept().Minor), zero)
	owed := atLeastZero(gross.Minor-charged.Minor, zero)
	p := ledger.VisitSettled{Outcome: ledger.SettledCharged, Charged: charged, Owed: owed}
	switch {
	case owed.Minor > 0:
		p.Outcome = ledger.SettledOwed
	case charged.Minor == 0:
		p.Outcome = ledger.SettledNothing
	}
	return v.toVisit(v.fact(st, p))
}

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

// allowed refuses an order that would break an invariant.
func (v *visit) allowed(p ledger.Payload) error {
	pay := &v.payment
	switch p := p.(type) { // observations are not ours to refuse
	case ledger.HoldIntended:
		if pay.Hold == billing.HoldStands || pay.Hold == billing.HoldCaptured {
			return fmt.Errorf("a second hold of %s", p.Amount)
		}
	case ledger.CaptureIntended:
		if p.Amount.Minor > pay.Held.Minor || p.Amount.Minor > v.gross().Minor || pay.Captured.Minor > 0 {
			return fmt.Errorf("capture of %s with %s held, %s captured and a receipt of %s",
				p.Amount, pay.Held, pay.Captured, v.gross())
		}
	case ledger.RefundIntended:
		if p.Amount.Minor > pay.Kept().Minor {
			return fmt.Errorf("refund of %s with %s captured and %s refunded", p.Amount, pay.Captured, pay.Refunded)
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

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// shorten keeps a provider's words to one line that fits an event.
func shorten(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.ToValidUTF8(s[:min(len(s), 300)], "?")
}
