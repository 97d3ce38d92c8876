package live

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vouchledger/vouch/ledger"
)

// TestAShopThatWasMeasuredIsLessSureOfItself: the same can is taken in a shop without a
// calibration and in one with that of a trial, in which persons were named too surely.
func TestAShopThatWasMeasuredIsLessSureOfItself(t *testing.T) {
	take := func(file string) sent {
		c := shopFile()
		k := open(t, c)
		if file != "" {
			if err := os.WriteFile(filepath.Join(k.dir, "calibration.json"), []byte(file), 0o600); err != nil {
				t.Fatal(err)
			}
			c.Calibration = "calibration.json"
			k.start(c)
		}
		k.annaTakesACola()
		if len(k.sent) != 1 || len(k.sent[0].Persons) == 0 {
			t.Fatalf("sent %+v, want one detection with a person", k.sent)
		}
		return k.sent[0]
	}
	raw := take("")
	text := `{"person": {"a": 0.5, "b": 0}}`
	measured := take(text)
	if measured.Persons[0].Confidence >= raw.Persons[0].Confidence || measured.Persons[0].Visit != raw.Persons[0].Visit {
		t.Errorf("measured it names %v, raw %v; want the same person, less surely", measured.Persons, raw.Persons)
	}
	if measured.Items[0] != raw.Items[0] {
		t.Errorf("the item became %v from %v, and its confidences were right", measured.Items, raw.Items)
	}
	if digest := string(ledger.DigestOf([]byte(text))); !strings.Contains(measured.Model, digest) || strings.Contains(raw.Model, "calibrated") {
		t.Errorf("models %q and %q, want the digest of the calibration in the one that had it", measured.Model, raw.Model)
	}
}
