package engine

import (
	"slices"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

// afterReceipt moves the money that a receipt asks for, and says how it ended.
func (v *visit) afterReceipt(e *Engine, store *store, st *step) (Append, bool) {
	if v.cart.Latest == nil { // settled with nothing owed
		lines, err := v.cart.Lines()
		if err != nil {
			return v.stop(err)
		}
		if len(lines) > 0 && !v.cart.Blocked() && v.cart.Presented.Credential != ledger.CredentialStaff {
			return v.issue(store, st) // and given an item since
		}
		return v.refund(st) // what was captured before the review said so
	}
	if a, ok := v.increment(st); ok {
		return a, true
	}
	if a, ok := v.capture(st); ok {
		return a, true
	}
	if a, ok := v.charge(e, st); ok {
		return a, true
	}
	if a, ok := v.refund(st); ok {
		return a, true
	}
	if a, ok := v.answerWarning(st); ok {
		return a, true
	}
	if v.cart.Status == projections.StatusIssued {
		return v.settle(st), v.payment.Open == nil
	}
	if a, ok := v.supplement(st); ok {
		return a, true
	}
	return v.dun(e, st)
}

// number returns the number of the last final receipt.
func (v *visit) number() string {
	if v.cart.Latest == nil {
		return billing.Provisional
	}
	return v.cart.Latest.Number
}

// payer returns who pays: whoever was matched, else whoever came in.
func (v *visit) payer() (customer, method string) {
	if v.matched != nil {
		return v.matched.Customer, v.matched.PaymentMethod
	}
	return v.cart.Presented.Customer, v.cart.Presented.PaymentMethod
}

// chargeOf asks for amount without a hold.
func (v *visit) chargeOf(st *step, amount money.Money, purpose ledger.ChargePurpose, about ledger.ID) Append {
	customer, method := v.payer()
	p := v.cart.Presented
	return v.toPayment(st, v.intentID(ledger.KindChargeIntended), ledger.ChargeIntended{
		Visit: v.id, Store: p.Store, Amount: amount, Customer: customer, PaymentMethod: method, Purpose: purpose,
		Receipt: v.number(), Case: about, Key: billing.ChargeKey(p.Store, v.id, v.payment.Tries(billing.OpCharge, "")+1),
	})
}

// charge asks, once, for what no hold covers: the remainder above the hold,
// the whole when there is none, or a supplement that was agreed to. What is
// declined becomes a debt.
func (v *visit) charge(e *Engine, st *step) (Append, bool) {
	pay, due := &v.payment, v.due()
	_, method := v.payer()
	if due.Minor == 0 || method == "" || pay.Open != nil || pay.Hold == billing.HoldStands ||
		st.now.Before(e.card(method).Rests()) {
		return Append{}, false
	}
	for _, s := range v.supplements {
		if s.answer == ledger.SupplementConsented && s.counts > 0 && !slices.Contains(pay.Supplements, s.id) {
			due.Minor = min(due.Minor, s.counts)
			return v.chargeOf(st, due, ledger.ChargeSupplement, s.id), true
		}
	}
	purpose := ledger.ChargeVisit
	if pay.Hold == billing.HoldCaptured {
		purpose = ledger.ChargeRemainder
	}
	if v.cart.Status != projections.StatusIssued && v.matched == nil {
		return Append{}, false
	}
	if len(pay.Refused(func(r billing.Refusal) bool { return r.Purpose == purpose && r.Method == method })) > 0 {
		return Append{}, false
	}
	return v.chargeOf(st, due, purpose, ledger.ID{}), true
}

// dun asks again for what a settled visit owes, by schedule and with an end.
// A card that can never pay, or that wants its owner there, is left alone: the
// shopper pays in the app, or owes.
func (v *visit) dun(e *Engine, st *step) (Append, bool) {
	pay, owed := &v.payment, v.owed()
	_, method := v.payer()
	if owed.Minor == 0 || method == "" || pay.Open != nil || pay.Hold == billing.HoldStands && !pay.ReleaseFailed {
		return Append{}, false
	}
	tries, rest := 0, v.settledAt
	for _, r := range pay.Refusals {
		if r.Method != method || r.Op == billing.OpIncrement || r.Op == billing.OpRelease || r.Op == billing.OpRefund {
			continue
		}
		switch r.Class() {
		case billing.Hard, billing.Fraud, billing.ActionRequired:
			return Append{}, false
		case billing.Soft, billing.Gone:
		}
		if r.At.After(rest) {
			rest = r.At
		}
		if r.Purpose == ledger.ChargeDebt && r.Alone {
			tries++
		}
	}
	if tries >= billing.Retries(v.cart.Presented.Policy.Retries) {
		return Append{}, false
	}
	at := rest.Add(billing.DebtRest(tries))
	if r := e.card(method).Rests(); r.After(at) {
		at = r
	}
	if !st.due(at) || !e.card(method).claim(v) {
		return Append{}, false
	}
	return v.chargeOf(st, owed, ledger.ChargeDebt, ledger.ID{}), true
}

// refund gives back what was taken beyond the last receipt, and what was
// granted as goodwill: from one payment after the other, if it takes several.
func (v *visit) refund(st *step) (Append, bool) {
	pay, over := &v.payment, v.overpaid()
	if over.Minor == 0 || pay.Open != nil || pay.RefundsWait() || pay.RefundsBlocked() {
		return Append{}, false
	}
	if pay.RefundsFailed > 0 && !st.due(pay.RefundFailed.Add(billing.RefundRetry)) {
		return Append{}, false
	}
	p := ledger.RefundIntended{Visit: v.id, Store: v.cart.Presented.Store, Amount: over, Receipt: v.number()}
	switch grace := v.goodwill - pay.Repaid(ledger.RefundGoodwill); {
	case grace >= over.Minor:
		p.Purpose, p.Case = ledger.RefundGoodwill, v.granted
	case grace > 0:
		p.Amount.Minor -= grace
	}
	from, amount, ok := pay.Repayable(p.Amount.Minor)
	if !ok {
		return Append{}, false // it was paid at a till, and is given back there
	}
	p.Object, p.Amount.Minor = from.Object, amount
	p.Key = billing.RefundKey(p.Store, v.id, p.Receipt, pay.Tries(billing.OpRefund, p.Receipt)+1)
	return v.toPayment(st, v.intentID(ledger.KindRefundIntended), p), true
}

// settle says how the visit's money ended. What is not charged is owed.
func (v *visit) settle(st *step) Append {
	zero, owed := money.Zero(v.cart.Currency()), v.due()
	charged := atLeastZero(min(v.gross().Minor, v.payment.Paid().Minor), zero)
	p := ledger.VisitSettled{Outcome: ledger.SettledCharged, Charged: charged, Owed: owed}
	switch {
	case owed.Minor > 0:
		p.Outcome = ledger.SettledOwed
	case charged.Minor == 0:
		p.Outcome = ledger.SettledNothing
	}
	return v.toVisit(v.fact(st, p))
}

// A supplement is an item found after the receipt, for which the shopper is
// asked.
type supplement struct {
	id       ledger.ID
	amount   int64 // minor units
	deadline time.Time
	answer   ledger.SupplementAnswer // empty while it is open
	by       string
	counts   int64 // what of it was still on the receipt when it was answered
}

// supplement asks the shopper for what the receipt has more than they agreed
// to when it was issued, and gives it up when they do not agree.
func (v *visit) supplement(st *step) (Append, bool) {
	more := v.gross().Minor - v.agreed
	for _, s := range v.supplements {
		switch {
		case s.answer == "":
			if more > 0 && !st.due(s.deadline) {
				return Append{}, false
			}
			return v.toVisit(v.fact(st, ledger.SupplementAnswered{
				Visit: v.id, Proposal: s.id, Answer: ledger.SupplementWaived, By: projections.PolicyReviewer,
			})), true
		case s.answer != ledger.SupplementConsented && s.counts > 0 && v.payment.Open == nil &&
			!slices.Contains(v.payment.Waived, s.id):
			return v.toPayment(st, v.intentID(ledger.KindDebtWrittenOff), ledger.DebtWrittenOff{
				Visit: v.id, Amount: money.Money{Minor: s.counts, Currency: v.cart.Currency()}, By: s.by,
				Reason: "supplement " + string(s.answer), Case: s.id,
			}), true
		}
	}
	if more <= 0 {
		return Append{}, false
	}
	wait := billing.SupplementTime
	if n := v.cart.Presented.Policy.SupplementSeconds; n > 0 {
		wait = seconds(n)
	}
	return v.toVisit(v.fact(st, ledger.SupplementProposed{
		Visit: v.id, Receipt: v.number(), Amount: money.Money{Minor: more, Currency: v.cart.Currency()},
		Deadline: st.now.Add(wait),
	})), true
}
