package engine_test

import (
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/billing/simulate"
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

// TestFraudWarningIsAnsweredByRule: up to the shop's limit all is given back
// once and anna owes nothing; above it a person is asked, once; and when the
// network claims the money already, nothing is given.
func TestFraudWarningIsAnsweredByRule(t *testing.T) {
	warning := ledger.FraudWarningReceived{Warning: "issfr_1", Type: "made_with_stolen_card", Actionable: true}
	for _, tt := range []struct {
		name     string
		limit    int64
		claimed  bool
		mild     bool
		refunded int64
		asked    int
	}{
		{"below the limit", 1000, false, false, 300, 0},
		{"at the limit", 300, false, false, 300, 0},
		{"above the limit", 299, false, false, 0, 1},
		{"no limit is set", 0, false, false, 0, 1},
		{"claimed already", 1000, true, false, 0, 0},
		{"nothing to be done", 1000, false, true, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rules := house
			if tt.limit > 0 {
				rules.FraudRefundLimit = eur(tt.limit)
			}
			w := newWorld(t).open(rules)
			w.enter("anna")
			w.sees("a", sight{sku: cola, n: 2})
			w.exit("anna")
			w.pass(time.Minute)
			object := w.visit("anna").Payment.CaptureObject
			if tt.claimed {
				w.provider("anna", ledger.ChargebackOpened{
					Chargeback: "dp_1", Object: object, Amount: eur(300), Reason: "fraudulent", DueBy: w.now.Add(time.Hour),
				})
			}
			warning.Object, warning.Actionable = object, !tt.mild
			w.provider("anna", warning)
			w.pass(48 * time.Hour)
			w.start()
			w.pass(48 * time.Hour)
			w.wantEnd("anna", ledger.SettledCharged, 300, tt.refunded, 0)
			if n := count(w.kinds("payment-anna"), ledger.KindPaymentEscalated); n != tt.asked {
				t.Errorf("a person was asked %d times, want %d", n, tt.asked)
			}
			if got := w.presentAs("anna", "again"); got.Decision != engine.GateEntered {
				t.Errorf("anna is %s the next time (%s), want in", got.Decision, got.Reason)
			}
		})
	}
}

// TestDashboardRefundIsNeitherDebtNorPaidTwice: somebody gave 1.00 back on the
// provider's own page. Anna does not owe it, and when one of her colas is
// corrected away she gets what is missing.
func TestDashboardRefundIsNeitherDebtNorPaidTwice(t *testing.T) {
	w := newWorld(t).open(house)
	w.enter("anna")
	w.sees("a", sight{sku: cola, n: 2})
	w.exit("anna")
	w.pass(time.Minute)
	w.provider("anna", ledger.ExternalObserved{Object: "re_dashboard", What: ledger.ExternalRefund, Amount: eur(100)})
	w.pass(time.Hour)
	if v := w.visit("anna"); v.Owed.Minor != 0 || v.Overdue.Minor != 0 {
		t.Errorf("anna owes %s and is owed %s, want nothing", v.Owed, v.Overdue)
	}
	w.dispute("wrong", "anna", 1, 1)
	w.uphold("wrong", "")
	w.pass(time.Hour)
	w.wantEnd("anna", ledger.SettledCharged, 300, 50, 0) // 50 at the bank, 100 before
	if v := w.visit("anna"); v.Payment.Refunded != eur(150) {
		t.Errorf("%s was given back in all, want 1.50", v.Payment.Refunded)
	}
}

// TestLostOrdersAreNotGivenAgain: the log was restored to before anna's
// orders, and the provider has what they did. What the sweep found counts as
// done, and the next order takes a key that was not used.
func TestLostOrdersAreNotGivenAgain(t *testing.T) {
	w := newWorld(t).open(house)
	w.bank.Script = func(o billing.Order, _ int) simulate.Fault {
		if o.Op == billing.OpCapture {
			return simulate.Lost
		}
		return simulate.NoFault
	}
	w.enter("anna")
	w.provider("anna", ledger.ExternalObserved{
		Object: w.visit("anna").Payment.HoldObject, What: ledger.ExternalCapture, Amount: eur(300),
		Intent: w.id("lost"), Key: "v1/corner/anna/capture/1",
	})
	w.sees("a", sight{sku: cola, n: 2})
	w.exit("anna")
	w.pass(time.Minute)
	v := w.visit("anna")
	if n := count(w.kinds("payment-anna"), ledger.KindCaptureIntended); n != 0 || v.Payment.Captured != eur(300) || v.Owed.Minor != 0 {
		t.Errorf("%d captures were ordered, %s captured, %s owed; want none, 3.00, nothing", n, v.Payment.Captured, v.Owed)
	}
	if n := v.Payment.Tries(billing.OpCapture, ""); n != 1 {
		t.Errorf("the next capture would be number %d, want 2", n+1)
	}
}
