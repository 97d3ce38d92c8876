package engine

import (
	"fmt"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger"
)

// answerWarning acts on an early fraud warning: up to the shop's limit all is
// given back, for that prevents the chargeback and its fee; above it a person
// is asked, once. When the network claims the money already it is too late.
func (v *visit) answerWarning(st *step) (Append, bool) {
	pay, p := &v.payment, v.cart.Presented
	have := pay.Kept()
	have.Minor -= pay.ChargedBack().Minor
	if pay.Open != nil || pay.RefundsBlocked() || have.Minor <= 0 {
		return Append{}, false
	}
	for _, w := range pay.Warnings {
		if w.Answered || !w.Actionable {
			continue
		}
		t, known := pay.Taking(w.Object)
		if known {
			have.Minor = min(have.Minor, t.Left())
		}
		if have.Minor == 0 {
			continue // all of that payment was given back before
		}
		// The label keeps these apart from what follows from the stream's last
		// event, which the warning may be.
		if limit := p.Policy.FraudRefundLimit; !known || have.Currency != limit.Currency || have.Minor > limit.Minor {
			return v.toPayment(st, ledger.DeriveID(w.Event, string(ledger.KindPaymentEscalated), "warning"), ledger.PaymentEscalated{
				Intent: w.Event,
				Reason: fmt.Sprintf("the card network warns of fraud, and %s is above what is given back by rule", have),
			}), true
		}
		number := v.number()
		return v.toPayment(st, ledger.DeriveID(w.Event, string(ledger.KindRefundIntended), "warning"), ledger.RefundIntended{
			Visit: v.id, Store: p.Store, Amount: have, Object: w.Object, Receipt: number,
			Key:     billing.RefundKey(p.Store, v.id, number, pay.Tries(billing.OpRefund, number)+1),
			Purpose: ledger.RefundFraudWarning, Case: w.Event,
		}), true
	}
	return Append{}, false
}
