package engine_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger"
)

// TestAForeignProgramChangesNoReceipt writes another program's events at every
// boundary of the script, under kinds that look like Vouch's. All of Vouch's
// streams must be what they are without it, to the byte.
func TestAForeignProgramChangesNoReceipt(t *testing.T) {
	alone, w := newWorld(t), newWorld(t)
	script(alone)
	n := 0
	w.beside = func() {
		n++
		_, err := w.log.Append(t.Context(), "till-4", ledger.Any(), ledger.Draft{
			ID: ledger.DeriveID(ledger.ID{7}, fmt.Sprint(n)), Kind: ledger.KindReceiptIssued,
			Occurred: w.now, Body: []byte("not a receipt"), Metadata: []byte("notes"), Binary: true,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	script(w)
	wantScript(w)
	got := streams(w)
	if delete(got, "till-4"); n == 0 {
		t.Error("the other program wrote nothing")
	}
	if diff := cmp.Diff(streams(alone), got); diff != "" {
		t.Errorf("streams beside another program (-without +with):\n%s", diff)
	}
}
