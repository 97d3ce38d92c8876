package ledger_test

import (
	"testing"

	"github.com/vouchledger/vouch/ledger"
)

// TestALineNamesAPayoutByItsWholeName: what only begins like it is another one.
func TestALineNamesAPayoutByItsWholeName(t *testing.T) {
	for reference, want := range map[string]bool{
		"po_2": true, "STRIPE po_2": true, "po_2 STRIPE": true, "po_20": false, "xpo_2": false, "po_20 po_2": true, "po_2/po_20": true,
		"": false, "po_2ü": false, "PO_2": false,
	} {
		if got := (ledger.BankLine{Reference: reference}).Names("po_2"); got != want {
			t.Errorf("a line %q names po_2: %v, want %v", reference, got, want)
		}
	}
	if (ledger.BankLine{Reference: "x"}).Names("") {
		t.Error("a line names the empty word")
	}
}
