package engine

import (
	"fmt"
	"strings"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger"
)

// send returns the open order if it is time to ask for it (again).
func (v *visit) send(st *step) (Send, bool) {
	in := v.payment.Open
	if in == nil || v.sending || v.answer != nil || in.State == billing.OrderEscalated && !in.Notified {
		return Send{}, false
	}
	if n := len(billing.AskAgain); in.Attempts > 0 && !in.Notified &&
		(asked(in, st) || !st.due(in.Unclear.Add(billing.AskAgain[min(in.Attempts, n)-1]))) {
		return Send{}, false
	}
	s := Send{Order: in.Order, Find: in.Pending || st.now.Sub(in.First) > billing.KeyLife}
	if v.onHold() {
		s.Before = v.payment.CaptureBefore
	}
	return s, true
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
	before := a.CaptureBefore
	if !before.IsZero() {
		before = ledger.Instant(before)
	}
	switch in.Op {
	case billing.OpHold:
		return ledger.Held{Intent: intent, Object: object, Amount: amount, CaptureBefore: before}
	case billing.OpIncrement:
		return ledger.Incremented{Intent: intent, Object: object, Amount: amount, CaptureBefore: before}
	case billing.OpCharge:
		return ledger.Charged{Intent: intent, Object: object, Amount: amount}
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
