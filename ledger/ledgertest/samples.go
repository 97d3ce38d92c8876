package ledgertest

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/vouchledger/vouch/ledger"
)

// Samples returns one payload of every kind, as the golden files of package
// ledger hold them; dir is where those are, ledger/testdata/kinds. What has to
// know every kind there is need not list them again.
func Samples(t testing.TB, dir string) []ledger.Payload {
	t.Helper()
	kinds := ledger.Kinds()
	slices.Sort(kinds)
	var all []ledger.Payload
	for _, k := range kinds {
		b, err := os.ReadFile(filepath.Join(dir, string(k)+".json"))
		if err != nil {
			t.Fatal(err)
		}
		p, err := ledger.Unmarshal(k, bytes.TrimSuffix(b, []byte("\n")))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}
