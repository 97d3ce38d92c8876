package export_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vouchledger/vouch/billing/export"
	"github.com/vouchledger/vouch/ledger"
)

var formats = []string{"csv", "parquet"}

// grown returns a set of three files: after four events, after seven, and
// after all.
func grown(t *testing.T, format string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "set")
	for i, n := range []int{4, 7, len(history())} {
		f, added, err := openSet(t, dir, format).Add(bookOf(t, history()[:n]))
		if err != nil || !added || f.Number != i+1 || f.Position != uint64(2*n) {
			t.Fatalf("Add(%d events) = %+v, %v, %v, want file %d", n, f, added, err, i+1)
		}
	}
	return dir
}

func openSet(t *testing.T, dir, format string) *export.Set {
	t.Helper()
	s, err := export.OpenSet(dir, format)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestASetOnlyGrows: a second export adds the new entries alone, one without
// news adds nothing, and the files before stay as they are.
func TestASetOnlyGrows(t *testing.T) {
	for _, format := range formats {
		t.Run(format, func(t *testing.T) {
			dir := grown(t, format)
			before := contents(t, dir)
			s := openSet(t, dir, format)
			if f, added, err := s.Add(bookOf(t, history())); err != nil || added {
				t.Errorf("Add(nothing new) = %+v, %v, %v, want nothing", f, added, err)
			}
			if after := contents(t, dir); !slices.Equal(before, after) {
				t.Error("an export without news changed the folder")
			}
			rows := 0
			for _, f := range s.Files() {
				rows += f.Rows
			}
			if want := len(bookOf(t, history()).Rows()); rows != want || len(s.Files()) != 3 {
				t.Errorf("%d files with %d rows, want 3 with %d", len(s.Files()), rows, want)
			}
			if _, err := export.OpenSet(dir, formats[1-slices.Index(formats, format)]); !errors.Is(err, export.ErrOtherFormat) {
				t.Errorf("OpenSet(the other format) = %v, want ErrOtherFormat", err)
			}
			if err := os.WriteFile(filepath.Join(dir, "journal-000004."+format), []byte("left by a crash"), 0o600); err != nil {
				t.Fatal(err)
			}
			more := append(history(), step{"payment-v3", ledger.Captured{Intent: ledger.ID{6}, Object: "pi_3", Amount: in("KWD", 735)}})
			if f, added, err := openSet(t, dir, format).Add(bookOf(t, more)); err != nil || !added || f.Rows != 2 {
				t.Errorf("Add() over what a crash left = %+v, %v, %v, want two rows", f, added, err)
			}
		})
	}
	if _, err := export.OpenSet(t.TempDir(), "xml"); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("OpenSet(xml) = %v, want ErrInvalid", err)
	}
}

// contents returns the names and bytes of a folder.
func contents(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e.Name(), string(b))
	}
	return all
}

// TestATamperedSetIsFound alters a file, its record, or the ledger beneath it.
// Each is found and named, and nothing is added.
func TestATamperedSetIsFound(t *testing.T) {
	manifest := func(change func(m *export.Manifest)) func(t *testing.T, dir, _ string) {
		return func(t *testing.T, dir, _ string) {
			name := filepath.Join(dir, "manifest.json")
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var m export.Manifest
			if err := json.Unmarshal(b, &m); err != nil {
				t.Fatal(err)
			}
			change(&m)
			b, err = json.Marshal(m)
			if err := errors.Join(err, os.WriteFile(name, b, 0o600)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for what, tamper := range map[string]func(t *testing.T, dir, format string){
		"a byte of a file": func(t *testing.T, dir, format string) {
			name := filepath.Join(dir, "journal-000002."+format)
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			b[len(b)/2] ^= 1
			if err := os.WriteFile(name, b, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"a file that is gone": func(t *testing.T, dir, format string) {
			if err := os.Remove(filepath.Join(dir, "journal-000001."+format)); err != nil {
				t.Fatal(err)
			}
		},
		"a record that is gone":    manifest(func(m *export.Manifest) { m.Files = slices.Delete(m.Files, 1, 2) }),
		"the first record":         manifest(func(m *export.Manifest) { m.Files[0].Rows++ }),
		"a total":                  manifest(func(m *export.Manifest) { m.Files[2].Totals[0].AmountMinor++ }),
		"a digest":                 manifest(func(m *export.Manifest) { m.Files[2].Digest = strings.Repeat("0", 64) }),
		"a position":               manifest(func(m *export.Manifest) { m.Files[2].Position -= 2 }),
		"a position far away":      manifest(func(m *export.Manifest) { m.Files[2].Position += 200 }),
		"another form of manifest": manifest(func(m *export.Manifest) { m.Form = "vouch-export.v9" }),
	} {
		for _, format := range formats {
			t.Run(format+"/"+what, func(t *testing.T) {
				dir := grown(t, format)
				tamper(t, dir, format)
				before := contents(t, dir)
				s, err := export.OpenSet(dir, format)
				if err == nil {
					_, _, err = s.Add(bookOf(t, history()))
				}
				if !errors.Is(err, export.ErrTampered) {
					t.Errorf("Add() to a set with %s altered = %v, want ErrTampered", what, err)
				}
				if !slices.Equal(before, contents(t, dir)) {
					t.Error("the folder was changed")
				}
			})
		}
	}
}

// TestASetOfAnotherLedgerIsFound: a whole set, file and manifest, made of other
// events does not pass for ours.
func TestASetOfAnotherLedgerIsFound(t *testing.T) {
	for _, format := range formats {
		dir := grown(t, format)
		other := history()
		other[1].payload = ledger.Captured{Intent: ledger.ID{2}, Object: "pi_1", Amount: in("USD", 489)}
		if err := openSet(t, dir, format).Check(bookOf(t, other)); !errors.Is(err, export.ErrTampered) || !strings.Contains(err.Error(), "journal-000001") {
			t.Errorf("%s: Check(another ledger) = %v, want ErrTampered in the first file", format, err)
		}
		if err := openSet(t, dir, format).Check(bookOf(t, history()[:6])); !errors.Is(err, export.ErrTampered) {
			t.Errorf("%s: Check(a ledger that lost its end) = %v, want ErrTampered", format, err)
		}
	}
}
