package audit_test

import (
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing/audit"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/memlog"
	"github.com/vouchledger/vouch/ledger/money"
)

// TestAuditComputesClosingsAgain: a day that was closed with what it was passes;
// one closed with a cent that nobody moved is found.
func TestAuditComputesClosingsAgain(t *testing.T) {
	noon := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	eur := func(n int64) money.Money { return money.Money{Minor: n, Currency: "EUR"} }
	for _, cents := range []int64{0, 1} {
		log := memlog.New(func() time.Time { return noon })
		for i, e := range []struct {
			stream  ledger.StreamID
			payload ledger.Payload
		}{
			{"store-s1", ledger.StoreOpened{Store: "s1", Catalogue: "c1", Seller: ledger.Seller{
				Name: "Corner", Address: "1 Main St", TaxID: "1", Currency: "EUR", Timezone: "Europe/Berlin",
			}}},
			{"day-s1", ledger.DayClosed{
				Store: "s1", Day: "2026-11-29", Number: 1, Position: 1, By: "finn",
				Totals: map[int64][]ledger.DayTotal{0: nil, 1: {{Account: "Assets:Cash", Amount: eur(1)}}}[cents],
			}},
		} {
			d, err := ledger.NewDraft(ledger.Meta{ID: ledger.ID{1, byte(i)}, Occurred: noon, Actor: "test"}, e.payload)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := log.Append(t.Context(), e.stream, ledger.Any(), d); err != nil {
				t.Fatal(err)
			}
		}
		r, err := audit.Run(t.Context(), log, false)
		if err != nil {
			t.Fatal(err)
		}
		found := ""
		for _, f := range r.Findings {
			found += f.String() + "\n"
		}
		if (cents == 0) != (found == "") || cents > 0 && !strings.Contains(found, "closing: shop s1") {
			t.Errorf("a closing that is %d cents off: found %q", cents, found)
		}
	}
}
