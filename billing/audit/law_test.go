package audit_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing/audit"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/memlog"
	"github.com/vouchledger/vouch/ledger/money"
)

// lawless returns what an audit finds against the law in a log with one visit
// whose document is d, and what came after it.
func lawless(t *testing.T, d ledger.ReceiptDocument, after ...ledger.Payload) []string {
	t.Helper()
	log := memlog.New(func() time.Time { return d.Issued })
	for i, p := range append([]ledger.Payload{ledger.ReceiptIssued{Document: d}}, after...) {
		draft, err := ledger.NewDraft(ledger.Meta{ID: ledger.DeriveID(ledger.ID{1}, fmt.Sprint(i)), Occurred: d.Issued, Actor: "test"}, p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := log.Append(t.Context(), ledger.VisitStream(d.Visit), ledger.Any(), draft); err != nil {
			t.Fatal(err)
		}
	}
	r, err := audit.Run(t.Context(), log, false)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, f := range r.Findings {
		if f.Check == "law" {
			found = append(found, f.What)
		}
	}
	return found
}

// TestAuditHoldsReceiptsAgainstTheLaw: a German receipt without a signature, or
// without the seller's tax number, is found.
func TestAuditHoldsReceiptsAgainstTheLaw(t *testing.T) {
	noon := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	eur := func(n int64) money.Money { return money.Money{Minor: n, Currency: "EUR"} }
	rule := ledger.TaxRule{Category: "full", Jurisdiction: "DE", Rate: "0.19", Inclusive: true, Rounding: money.HalfUp}
	d := ledger.ReceiptDocument{
		Number: "s1-2026-000001", Visit: "v", Store: "s1", Entered: noon, Exited: noon, Issued: noon,
		Seller: ledger.Seller{
			Name: "Späti", Address: "Weg 1, Berlin", TaxID: "DE1", Currency: "EUR", Timezone: "Europe/Berlin", Country: "DE", Fiscal: ledger.FiscalDE,
		},
		Lines: []ledger.ReceiptLine{{
			No: 1, SKU: "cola", Name: "Cola", Category: "x", Quantity: 1, Unit: eur(119), Net: eur(100), Tax: eur(19), Gross: eur(119),
			TaxRule: rule, Check: ledger.CheckMachine, Causes: []ledger.ID{{1}},
		}},
		Taxes: []ledger.TaxTotal{{Rule: rule, Net: eur(100), Tax: eur(19)}}, Net: eur(100), Tax: eur(19), Gross: eur(119),
	}
	failed := ledger.FiscalFailed{Visit: "v", Receipt: d.Number, Regime: ledger.FiscalDE, Detail: "no answer"}
	if got := lawless(t, d, failed); len(got) != 0 {
		t.Errorf("a receipt that says that it is not signed: found %q, want nothing", got)
	}
	if got := lawless(t, d); len(got) != 1 || !strings.Contains(got[0], "signature counter") {
		t.Errorf("a receipt that nobody signed: found %q, want the signature", got)
	}
	d.Seller.TaxID = ""
	if got := lawless(t, d, failed); len(got) != 1 || !strings.Contains(got[0], "tax number") {
		t.Errorf("a receipt without a tax number: found %q, want it", got)
	}
	d.Seller.Country = ""
	if got := lawless(t, d); len(got) != 0 {
		t.Errorf("a seller of no named country: found %q, want nothing", got)
	}
}
