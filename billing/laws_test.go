package billing_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// nonsense draws any event of a payment: in any order, about orders that were
// given, were not, or have ended, in two currencies.
func nonsense(t *rapid.T, ids []ledger.ID) ledger.Payload {
	id := rapid.SampledFrom(ids).Draw(t, "about")
	m := money.Money{
		Minor:    rapid.Int64Range(1, 500).Draw(t, "amount"),
		Currency: rapid.SampledFrom([]money.Currency{"EUR", "EUR", "EUR", "USD"}).Draw(t, "currency"),
	}
	object := rapid.SampledFrom([]string{"pi_1", "pi_2", "re_1", "re_2"}).Draw(t, "object")
	const v, s = ledger.VisitID("v"), ledger.StoreID("s")
	return rapid.SampledFrom([]ledger.Payload{
		ledger.HoldIntended{Visit: v, Store: s, Amount: m, PaymentMethod: "pm", Key: "k"},
		ledger.IncrementIntended{Visit: v, Store: s, Amount: m, Object: object, Key: "k"},
		ledger.CaptureIntended{Visit: v, Store: s, Amount: m, Object: object, Receipt: "r", Key: "k"},
		ledger.ReleaseIntended{Visit: v, Store: s, Amount: m, Object: object, Key: "k"},
		ledger.ChargeIntended{Visit: v, Store: s, Amount: m, PaymentMethod: "pm", Purpose: ledger.ChargeDebt, Receipt: "r", Key: "k", Case: id},
		ledger.RefundIntended{Visit: v, Store: s, Amount: m, Object: object, Receipt: "r", Key: "k"},
		ledger.Held{Intent: id, Object: object, Amount: m},
		ledger.Incremented{Intent: id, Object: object, Amount: m},
		ledger.Captured{Intent: id, Object: object, Amount: m},
		ledger.Released{Intent: id, Object: object},
		ledger.Charged{Intent: id, Object: object, Amount: m},
		ledger.Refunded{Intent: id, Object: object, Amount: m},
		ledger.PaymentDeclined{Intent: id, Code: "do_not_honor"},
		ledger.PaymentDeclined{Intent: id, Code: billing.CodeNeverArrived},
		ledger.PaymentUnclear{Intent: id, Attempt: 1},
		ledger.PaymentNotified{Event: "e", Type: "t", Object: object},
		ledger.HoldLapsed{Object: object, Amount: m},
		ledger.RefundFailed{Refund: object, Amount: m, Code: "c"},
		ledger.ExternalObserved{Object: object, What: ledger.ExternalHold, Amount: m},
		ledger.ExternalObserved{Object: object, What: ledger.ExternalCapture, Amount: m, Key: "v1/s/v/charge/3"},
		ledger.ExternalObserved{Object: object, What: ledger.ExternalRefund, Amount: m},
		ledger.ExternalObserved{Object: object, What: ledger.ExternalRelease, Amount: m},
		ledger.PaymentEscalated{Intent: id, Reason: "r"},
		ledger.PaymentResolved{Intent: id, Done: true, Object: object, Amount: m, By: "finn", Reason: "r"},
		ledger.PaymentResolved{Intent: id, By: "finn", Reason: "r"},
		ledger.DebtWrittenOff{Visit: v, Amount: m, By: "finn", Reason: "r", Case: id},
		ledger.CashTaken{Visit: v, Receipt: "r", Amount: m, Till: "t", By: "cleo"},
	}).Draw(t, "event")
}

// TestNoStreamBreaksThePayment: whatever a stream says, in whatever order, the
// fold goes on, no sum falls below zero, no order follows an open one, no
// counter goes back, and what was taken is what its payments took.
func TestNoStreamBreaksThePayment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p billing.Payment
		h := &history{stream: "payment-v", at: noon}
		ids := []ledger.ID{{9}}
		tries := 0
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			e := h.event(nonsense(t, ids))
			ids = append(ids, e.ID)
			if err := p.Apply(e); err != nil {
				t.Fatalf("Apply(%s) = %v, want nil", e.Kind, err)
			}
			var taken int64
			for _, x := range p.Takings {
				taken += x.Taken
				if x.Refunded < 0 {
					t.Fatalf("%d were given back of %s", x.Refunded, x.Object)
				}
			}
			if taken != p.Captured.Minor {
				t.Fatalf("%d were taken, and %s count as captured", taken, p.Captured)
			}
			if n := p.Tries(billing.OpCharge, ""); n < tries {
				t.Fatalf("the counter of charges went from %d to %d", tries, n)
			} else {
				tries = n
			}
			if in := p.Open; in != nil && in.State == billing.OrderNone {
				t.Fatalf("an open order is in no state: %+v", in)
			}
			p.Needs()
			p.Repayable(100)
		}
	})
}
