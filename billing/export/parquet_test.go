package export_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/billing/export"
	"github.com/vouchledger/vouch/internal/npmtest"
)

// TestAnotherProgramReadsTheParquet reads the file with hyparquet, which shares
// no line with the library that wrote it.
func TestAnotherProgramReadsTheParquet(t *testing.T) {
	modules := npmtest.Modules(t, filepath.Join("testdata", "npm"))
	b := bookOf(t, history())
	name := filepath.Join(t.TempDir(), "journal.parquet")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := export.Parquet(f, b); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	read := func() ([]byte, error) {
		return exec.CommandContext(t.Context(), "node", filepath.Join(modules, "read.mjs"), name).CombinedOutput()
	}
	out, err := read()
	if err != nil {
		t.Fatalf("hyparquet = %v\n%s", err, out)
	}
	var got [][]string
	for line := range bytes.Lines(out) {
		var r map[string]any
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if len(r) != 20 {
			t.Errorf("a row has %d columns, want 20", len(r))
		}
		var cells []string
		for _, c := range []string{"event", "leaf", "booked", "visit", "account", "amount_minor", "currency", "memo"} {
			s, ok := r[c].(string)
			if !ok {
				t.Fatalf("column %s is %v", c, r[c])
			}
			cells = append(cells, s)
		}
		got = append(got, cells)
	}
	var want [][]string
	for _, r := range b.Rows() {
		i := func(n int64) string { return strconv.FormatInt(n, 10) }
		want = append(want, []string{
			r.Event, i(r.Leaf), r.Booked, r.Visit, r.Account, i(r.AmountMinor), r.Currency, r.Memo,
		})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-written +read)\n%s", diff)
	}
	// A reader that reads anything shows nothing.
	if err := os.WriteFile(name, []byte("PAR1 no"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := read(); err == nil {
		t.Errorf("hyparquet reads what is no Parquet: %s", out)
	}
}
