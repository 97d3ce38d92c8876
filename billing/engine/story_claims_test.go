package engine_test

import (
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// provider appends what the payment provider was found to have.
func (w *world) provider(visit string, ps ...ledger.Payload) {
	for _, p := range ps {
		d, err := ledger.NewDraft(ledger.Meta{
			ID: ledger.DeriveID(w.id("provider"), visit, string(p.Kind()), w.now.String()), Occurred: w.now, Actor: "provider",
		}, p)
		if err != nil {
			w.t.Fatal(err)
		}
		if _, err := w.log.Append(w.t.Context(), ledger.PaymentStream(ledger.VisitID(visit)), ledger.Exists(), d); err != nil {
			w.t.Fatal(err)
		}
	}
	w.settle()
}

// TestClaimedMoneyIsNotGivenBackTwice: anna is right about one of her two
// colas, and her bank has taken the money already. While the bank claims it
// nothing is refunded; when we win the claim she gets her refund, and when we
// lose it she has the money and gets none. A bank that only asks stops nothing.
func TestClaimedMoneyIsNotGivenBackTwice(t *testing.T) {
	const dp = "dp_1"
	taken := ledger.ChargebackFundsMoved{
		Chargeback: dp, Transaction: "txn_1", Withdrawn: true, Amount: eur(300), Fee: eur(1500),
	}
	given := taken
	given.Transaction, given.Withdrawn, given.Fee = "txn_2", false, eur(0)
	for _, tt := range []struct {
		name         string
		inquiry      bool
		end          []ledger.Payload
		during, done int64 // refunded
	}{
		{
			"won", false,
			[]ledger.Payload{ledger.ChargebackClosed{Chargeback: dp, Outcome: ledger.ChargebackWon, Amount: eur(300)}, given},
			0, 150,
		},
		{
			"lost", false,
			[]ledger.Payload{ledger.ChargebackClosed{Chargeback: dp, Outcome: ledger.ChargebackLost, Amount: eur(300)}},
			0, 0,
		},
		{
			"accepted", false,
			[]ledger.Payload{ledger.ChargebackClosed{Chargeback: dp, Outcome: ledger.ChargebackAccepted, Amount: eur(300)}},
			0, 0,
		},
		{
			"asked", true,
			[]ledger.Payload{ledger.ChargebackClosed{Chargeback: dp, Outcome: ledger.ChargebackInquiry, Amount: eur(300)}},
			150, 150,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t).open(house)
			w.enter("anna")
			w.sees("a", sight{sku: cola, n: 2})
			w.exit("anna")
			w.pass(time.Minute)
			w.wantEnd("anna", ledger.SettledCharged, 300, 0, 0)
			w.provider("anna", ledger.ChargebackOpened{
				Chargeback: dp, Object: "pi_anna", Amount: eur(300), Reason: "fraudulent", Inquiry: tt.inquiry,
				DueBy: w.now.Add(7 * 24 * time.Hour),
			})
			if !tt.inquiry {
				w.provider("anna", taken)
			}
			w.dispute("wrong", "anna", 1, 1)
			w.uphold("wrong", "")
			w.pass(48 * time.Hour)
			if v := w.visit("anna"); v.Payment.Refunded != eur(tt.during) {
				t.Errorf("while the claim is open %s was refunded, want %s", v.Payment.Refunded, eur(tt.during))
			}
			w.provider("anna", tt.end...)
			w.pass(48 * time.Hour)
			w.start()
			w.pass(time.Hour)
			if v := w.visit("anna"); v.Payment.Refunded != eur(tt.done) || v.Owed.Minor != 0 || len(v.Payment.Odd) > 0 {
				t.Errorf("at the end %s was refunded, %s is owed, want %s and nothing (odd: %v)",
					v.Payment.Refunded, v.Owed, eur(tt.done), v.Payment.Odd)
			}
		})
	}
}
