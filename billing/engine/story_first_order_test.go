package engine_test

import (
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
)

// TestTwoVisitsWithoutAHoldHaveOrdersOfTheirOwn: two visitors whose payers are
// found afterwards are both charged without any hold before. Their first
// orders are two, with two names.
func TestTwoVisitsWithoutAHoldHaveOrdersOfTheirOwn(t *testing.T) {
	w := newShop(t, func(p *ledger.Policy) { p.Unknown = true })
	for _, visit := range []string{"one", "two"} {
		a := w.present(engine.PresentCommand{
			Gate: "gate", Place: ledger.PlaceGate, Credential: ledger.CredentialNone, Ticket: visit,
		})
		if a.Decision != engine.GateEntered {
			t.Fatalf("Present(%s) = %+v, want entered", visit, a)
		}
		w.sees(visit, sight{sku: cola, persons: who(visit, 970)})
		w.exit(visit)
		w.pass(time.Hour)
	}
	for _, visit := range []string{"one", "two"} {
		if _, err := w.desk.MatchVisit(t.Context(), engine.MatchCommand{
			Meta: w.meta("match " + visit), Visit: ledger.VisitID(visit), Shopper: ledger.ShopperID("shopper-" + visit),
			Customer: "cus_" + visit, PaymentMethod: "pm_" + visit, By: "operator:finn", Reason: "came back and said so",
		}); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.wantEnd(visit, ledger.SettledOwed, 150, 0, 0)
	}
	w.audit()
}
