package export

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/vouchledger/vouch/ledger"
)

var (
	// ErrTampered means that a set's files are not what its manifest says, or
	// not what the ledger says. Stop and find out who changed what; nothing was
	// written.
	ErrTampered = errors.New("export was altered")

	// ErrOtherFormat means that a folder holds a set in another format. Use a
	// folder of its own for each.
	ErrOtherFormat = errors.New("folder holds another format")
)

const (
	manifestName = "manifest.json"
	manifestForm = "vouch-export.v1"
)

// A Set is a folder of numbered files with the rows of the journal. It only
// grows: each export adds a file with what is new. The manifest has the totals
// and the digest of every file, and each record holds the digest of the one
// before, so that no file can be changed, taken away or put between.
type Set struct {
	dir      string
	manifest Manifest
}

// A Manifest says what a set holds.
type Manifest struct {
	Form   string     `json:"form"`
	Format string     `json:"format"` // csv or parquet
	Files  []FileInfo `json:"files"`
}

// A FileInfo is what a manifest says of one file.
type FileInfo struct {
	Number   int         `json:"number"`
	Name     string      `json:"name"`
	Digest   string      `json:"sha256"` // of the file, hex
	Bytes    int64       `json:"bytes"`
	Rows     int         `json:"rows"`
	Position uint64      `json:"position"` // events up to it are in this file or an earlier one
	Totals   []FileTotal `json:"totals"`   // what this file's rows sum to, by account and currency
	Before   string      `json:"before"`   // of the record before; empty for the first
}

// A FileTotal is the sum of an account's rows in one currency.
type FileTotal struct {
	Account     string `json:"account"`
	AmountMinor int64  `json:"amount_minor"`
	Currency    string `json:"currency"`
}

// digest names a record: SHA-256 over its canonical JSON.
func (f FileInfo) digest() (string, error) {
	b, err := ledger.MarshalCanonical(f)
	if err != nil {
		return "", err
	}
	return hexOf(b), nil
}

func hexOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// OpenSet opens the set in dir, or begins one. It checks the manifest's chain;
// Check looks into the files.
func OpenSet(dir, format string) (*Set, error) {
	if format != "csv" && format != "parquet" {
		return nil, fmt.Errorf("export to %s: %w: format %q: use csv or parquet", dir, ledger.ErrInvalid, format)
	}
	s := &Set{dir: dir, manifest: Manifest{Form: manifestForm, Format: format, Files: []FileInfo{}}}
	b, err := os.ReadFile(filepath.Join(dir, manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("export to %s: %w", dir, err)
	}
	var m Manifest
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil || m.Form != manifestForm {
		return nil, fmt.Errorf("export in %s: %w: the manifest is no %s", dir, ErrTampered, manifestForm)
	}
	if m.Format != format {
		return nil, fmt.Errorf("export to %s: %w: %s", dir, ErrOtherFormat, m.Format)
	}
	s.manifest = m
	return s, s.chained()
}

// chained checks that the records follow each other.
func (s *Set) chained() error {
	before, position := "", uint64(0)
	for i, f := range s.manifest.Files {
		if f.Number != i+1 || f.Name != s.name(i+1) || f.Before != before || f.Position < position {
			return fmt.Errorf("export in %s: %w: record %d does not follow record %d", s.dir, ErrTampered, f.Number, i)
		}
		var err error
		if before, err = f.digest(); err != nil {
			return err
		}
		position = f.Position
	}
	return nil
}

func (s *Set) name(number int) string {
	return fmt.Sprintf("journal-%06d.%s", number, s.manifest.Format)
}

// Files returns what the manifest says, in order.
func (s *Set) Files() []FileInfo { return slices.Clone(s.manifest.Files) }

// position returns how far the set goes.
func (s *Set) position() uint64 {
	if n := len(s.manifest.Files); n > 0 {
		return s.manifest.Files[n-1].Position
	}
	return 0
}

// Add writes a file with what b has beyond the set, and the manifest after it.
// It checks first that the set is whole, and that what it holds is what b
// says: a set is never continued from a lie. It reports false if nothing is
// new.
func (s *Set) Add(b Book) (FileInfo, bool, error) {
	if err := s.Check(b); err != nil {
		return FileInfo{}, false, err
	}
	done := s.position()
	rows := b.Rows()
	rows = rows[slices.IndexFunc(append(rows, Row{Position: int64(b.Position) + 1}), func(r Row) bool { //nolint:gosec // positions
		return uint64(r.Position) > done //nolint:gosec // not negative
	}):]
	if len(rows) == 0 {
		return FileInfo{}, false, nil
	}
	if err := os.MkdirAll(s.dir, 0o750); err != nil {
		return FileInfo{}, false, fmt.Errorf("export: %w", err)
	}
	text, err := s.encode(rows)
	if err != nil {
		return FileInfo{}, false, err
	}
	f := FileInfo{
		Number: len(s.manifest.Files) + 1, Digest: hexOf(text), Bytes: int64(len(text)), Rows: len(rows), Position: b.Position,
		Totals: totals(rows),
	}
	f.Name = s.name(f.Number)
	if n := len(s.manifest.Files); n > 0 {
		if f.Before, err = s.manifest.Files[n-1].digest(); err != nil {
			return FileInfo{}, false, err
		}
	}
	next := s.manifest
	next.Files = append(slices.Clip(next.Files), f)
	manifest, err := json.MarshalIndent(next, "", "  ")
	if err != nil {
		return FileInfo{}, false, err
	}
	// A file without its record, left by a crash, is written again.
	if err := errors.Join(s.write(f.Name, text), s.write(manifestName, append(manifest, '\n'))); err != nil {
		return FileInfo{}, false, fmt.Errorf("export: %w", err)
	}
	s.manifest = next
	return f, true, nil
}

// write puts a file in place whole, or not at all.
func (s *Set) write(name string, b []byte) (err error) {
	f, err := os.CreateTemp(s.dir, ".writing-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if _, err := f.Write(b); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Chmod(0o640), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), filepath.Join(s.dir, name)); err != nil {
		return err
	}
	d, err := os.Open(s.dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (s *Set) encode(rows []Row) ([]byte, error) {
	var b bytes.Buffer
	write := writeCSV
	if s.manifest.Format == "parquet" {
		write = writeParquet
	}
	err := write(&b, rows)
	return b.Bytes(), err
}

func (s *Set) decode(b []byte) ([]Row, error) {
	if s.manifest.Format == "parquet" {
		return readParquet(bytes.NewReader(b), int64(len(b)))
	}
	return readCSV(io.Reader(bytes.NewReader(b)))
}

func totals(rows []Row) []FileTotal {
	type key struct{ account, currency string }
	sums := map[key]int64{}
	for _, r := range rows {
		sums[key{r.Account, r.Currency}] += r.AmountMinor
	}
	ts := make([]FileTotal, 0, len(sums))
	keys := slices.SortedFunc(maps.Keys(sums), func(a, b key) int {
		return slices.Compare([]string{a.account, a.currency}, []string{b.account, b.currency})
	})
	for _, k := range keys {
		ts = append(ts, FileTotal{k.account, sums[k], k.currency})
	}
	return ts
}

// Check reads every file and compares it with its record, and with b: the
// digest, the rows, the totals, and that the rows are what the ledger says.
// What is not so is an [ErrTampered] that names the file. The booked day is
// left out: it is as it was known when the file was written.
func (s *Set) Check(b Book) error {
	rows := b.Rows()
	for _, f := range s.manifest.Files {
		bad := func(format string, args ...any) error {
			return fmt.Errorf("%s: %w: %s", filepath.Join(s.dir, f.Name), ErrTampered, fmt.Sprintf(format, args...))
		}
		text, err := os.ReadFile(filepath.Join(s.dir, f.Name))
		if errors.Is(err, fs.ErrNotExist) {
			return bad("it is missing")
		} else if err != nil {
			return fmt.Errorf("check export: %w", err)
		}
		if int64(len(text)) != f.Bytes || hexOf(text) != f.Digest {
			return bad("its digest is not that of the manifest")
		}
		have, err := s.decode(text)
		if err != nil {
			return bad("%v", err)
		}
		if len(have) != f.Rows || !slices.Equal(totals(have), f.Totals) {
			return bad("its rows do not sum to the totals of the manifest")
		}
		if len(rows) < len(have) || f.Position > b.Position {
			return bad("the ledger has fewer entries")
		}
		for i, r := range have {
			want := rows[i]
			want.Booked = r.Booked
			if r != want || r.Position > int64(f.Position) { //nolint:gosec // a position
				return bad("row %d, of event %s, is not what the ledger says", i+1, r.Event)
			}
		}
		if rows = rows[len(have):]; len(rows) > 0 && uint64(rows[0].Position) <= f.Position { //nolint:gosec // not negative
			return bad("the ledger has more entries up to position %d", f.Position)
		}
	}
	return nil
}
