package embedded_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/faultdisk"
	"github.com/vouchledger/vouch/ledger/ledgertest"
)

// A shelf is the files of a closed log, to be damaged.
type shelf map[string][]byte

// on returns a disk with the files.
func (s shelf) on(t *testing.T) *faultdisk.Disk {
	t.Helper()
	return s.onDisk(t, faultdisk.New(rand.New(rand.NewPCG(1, 1)), nil))
}

// onDisk puts the files on d, durably.
func (s shelf) onDisk(t *testing.T, d *faultdisk.Disk) *faultdisk.Disk {
	t.Helper()
	for name, b := range s {
		f, err := d.Open(name, disk.Create)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(b, 0); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Sync(), f.Close(), d.Sync()); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func (s shelf) clone() shelf {
	c := make(shelf)
	for name, b := range s {
		c[name] = bytes.Clone(b)
	}
	return c
}

// segments returns the names of the open segment files in order.
func (s shelf) segments() []string { return s.named(".seg") }

// named returns the names with an ending in order.
func (s shelf) named(ending string) []string {
	var names []string
	for name := range s {
		if strings.HasSuffix(name, ending) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

const (
	tiny   = 4096 + 2048 // a segment for a few commits
	header = 4096        // of a segment
)

// shelve makes n appends of 1 to 3 events, one commit each, and returns the
// files.
func shelve(t *testing.T, n int, segment int64) (shelf, []ledger.Record) {
	t.Helper()
	return shelveWith(t, n, config(segment))
}

// shelveWith is shelve with another configuration. After each append it waits
// until what is full is sealed.
func shelveWith(t *testing.T, n int, cfg embedded.Config) (shelf, []ledger.Record) {
	t.Helper()
	d := faultdisk.New(rand.New(rand.NewPCG(1, 1)), nil)
	l := openWith(t, d, cfg)
	var all []ledger.Record
	for i := range uint64(n) { // small
		rs, err := l.Append(t.Context(), "visit-anna", ledger.Any(), []ledger.Draft{
			ledgertest.Draft(3 * i), ledgertest.Draft(3*i + 1), ledgertest.Draft(3*i + 2),
		}[:1+i%3]...)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rs...)
		if err := l.Sealed(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return filesOf(t, d), all
}

// filesOf returns what is on a disk.
func filesOf(t *testing.T, d *faultdisk.Disk) shelf {
	t.Helper()
	s := make(shelf)
	names, err := d.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		seen, _ := d.Bytes(name)
		s[name] = bytes.Clone(seen)
	}
	return s
}

// config is a log whose id and times are always the same, and that seals
// nothing.
func config(segment int64) embedded.Config {
	return embedded.Config{
		Now: ledgertest.JumpingClock(), SegmentBytes: segment, Random: bytes.NewReader([]byte("0123456789abcdef")),
		KeepFull: 1 << 20,
	}
}

// sealing is the same log, and seals each full segment at once.
func sealing(segment int64) embedded.Config {
	c := config(segment)
	c.KeepFull = 0
	return c
}

func openOn(t *testing.T, d disk.Folder, segment int64) *embedded.Log {
	t.Helper()
	return openWith(t, d, config(segment))
}

func openWith(t *testing.T, d disk.Folder, cfg embedded.Config) *embedded.Log {
	t.Helper()
	l, err := embedded.OpenFolder(t.Context(), d, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// read opens what is on a shelf, for writing, and reads it all.
func (s shelf) read(t *testing.T) ([]ledger.Record, error) {
	t.Helper()
	l, err := embedded.OpenFolder(t.Context(), s.on(t), sealing(tiny))
	if err != nil {
		return nil, err
	}
	defer l.Close()
	return all(t.Context(), l)
}

func all(ctx context.Context, l ledger.Log) ([]ledger.Record, error) {
	var rs []ledger.Record
	for r, err := range l.Read(ctx, ledger.Query{}) {
		if err != nil {
			return nil, err
		}
		rs = append(rs, r)
	}
	return rs, nil
}

// damaged fails the test unless err is a DamageError that names file.
func damaged(t *testing.T, what string, err error, file string) *embedded.DamageError {
	t.Helper()
	var d *embedded.DamageError
	if !errors.As(err, &d) || !errors.Is(err, ledger.ErrCorrupt) || d.File != file {
		t.Errorf("%s: open = %v, want damage in %s", what, err, file)
		return &embedded.DamageError{}
	}
	return d
}

// namesStream reports of each byte of an open segment whether it lies in a frame
// behind the stream's name, so that the frame still says whose it is.
func namesStream(segment []byte) []bool {
	le, in := binary.LittleEndian, make([]bool, len(segment))
	for at := header; at < len(segment) && string(segment[at:at+4]) == "VCMT"; {
		f, end := at+32, at+32+int(le.Uint32(segment[at+4:]))
		for ; f < end; f += int(le.Uint32(segment[f:])) {
			for o := f + 88 + int(le.Uint16(segment[f+76:])); o < f+int(le.Uint32(segment[f:])); o++ {
				in[o] = true
			}
		}
		at = (end + 511) / 512 * 512
	}
	return in
}

// TestEveryFlippedByte checks that each byte of a log that is altered is found
// and named with its file, position and stream, or lies in the zeros behind the end,
// where nothing is stored.
func TestEveryFlippedByte(t *testing.T) {
	s, want := shelve(t, 6, tiny)
	d := s.on(t)
	for i, name := range s.segments() {
		last := i == len(s.segments())-1
		seen, platter := d.Bytes(name)
		named := namesStream(seen)
		end := len(bytes.TrimRight(seen, "\x00"))
		end = (end + 511) / 512 * 512 // the last commit is filled up to a sector
		for at := range seen {
			seen[at] ^= 1 << (at % 8)
			platter[at] = seen[at]
			_, err := embedded.VerifyFolder(t.Context(), d)
			var damage *embedded.DamageError
			switch {
			case errors.As(err, &damage) && damage.File == name:
				if at >= header && (damage.Position == 0 || damage.Offset > int64(at)) {
					t.Errorf("%s, byte %d: %v names neither position nor place", name, at, err)
				}
				if named[at] && damage.Stream != "visit-anna" {
					t.Errorf("%s, byte %d: %v does not name the stream", name, at, err)
				}
			case err != nil || !last || at < end:
				t.Errorf("%s: byte %d of %d was changed, Verify = %v", name, at, end, err)
			}
			seen[at] ^= 1 << (at % 8)
			platter[at] = seen[at]
		}
	}
	// The zeros behind the end: what was stored is read as it was.
	name := s.segments()[len(s.segments())-1]
	s[name][len(s[name])-1] = 1
	got, err := s.read(t)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("a byte behind the end: %v (-want +got):\n%s", err, diff)
	}
}

// TestTornTail cuts a log at each byte of its last three commits. As far as the
// witness says that they were not acknowledged, it opens with exactly the
// commits that are whole, each append all or none. If they were acknowledged,
// or there is no witness to tell, a commit in part is damage.
func TestTornTail(t *testing.T) {
	const appends = 6
	var records [appends + 1][]ledger.Record
	var ends [appends + 1]int // behind the last byte of each commit
	var shelves [appends + 1]shelf
	name := "00000000000000000001.seg"
	for k := range shelves {
		shelves[k], records[k] = shelve(t, k, 8<<10)
		ends[k] = max(header, len(bytes.TrimRight(shelves[k][name], "\x00")))
	}
	whole := shelves[appends]
	for cut, k := ends[3], 3; cut <= ends[appends]; cut++ {
		if k < appends && cut >= ends[k+1] {
			k++
		}
		torn := shelf{name: bytes.Clone(whole[name]), "acknowledged": shelves[3]["acknowledged"]}
		clear(torn[name][cut:])
		got, err := torn.read(t)
		if diff := cmp.Diff(records[k], got); diff != "" || err != nil {
			t.Fatalf("cut at byte %d, within commit %d: %v (-want +got):\n%s", cut, k+1, err, diff)
		}
		inPart := len(bytes.TrimRight(torn[name], "\x00")) > ends[k]
		delete(torn, "acknowledged")
		if _, err := torn.read(t); inPart {
			damaged(t, fmt.Sprintf("without a witness, cut at byte %d", cut), err, name)
		} else if err != nil {
			t.Errorf("without a witness, cut between commits at byte %d: %v", cut, err)
		}
		torn["acknowledged"] = whole["acknowledged"]
		if _, err := torn.read(t); k < appends {
			d := damaged(t, fmt.Sprintf("acknowledged and cut at byte %d", cut), err, name)
			if want := uint64(len(records[k])) + 1; d.Position < want {
				t.Errorf("cut at byte %d: damage at position %d, want %d or later", cut, d.Position, want)
			}
		} else if err != nil {
			t.Errorf("nothing was cut: %v", err)
		}
	}
}

// TestSegmentFiles checks that files that were swapped, doubled, removed, cut
// or taken from another log are found and named.
func TestSegmentFiles(t *testing.T) {
	s, _ := shelve(t, 20, tiny)
	names := s.segments()
	if len(names) < 5 {
		t.Fatalf("%d segments, the test wants 5", len(names))
	}
	n := len(names) - 1
	other := embeddedOther(t)
	const stray, witness = "00000000000000009999.seg", "acknowledged"
	for what, c := range map[string]struct {
		spoil func(s shelf)
		file  string
	}{
		"two swapped":             {func(s shelf) { s[names[1]], s[names[2]] = s[names[2]], s[names[1]] }, names[1]},
		"one doubled":             {func(s shelf) { s[stray] = s[names[1]] }, stray},
		"one copied over":         {func(s shelf) { s[names[2]] = s[names[1]] }, names[2]},
		"the first gone":          {func(s shelf) { delete(s, names[0]) }, names[1]},
		"one gone":                {func(s shelf) { delete(s, names[2]) }, names[3]},
		"the last gone":           {func(s shelf) { delete(s, names[n]) }, names[n-1]},
		"all gone":                {func(s shelf) { clear(s); s[witness] = witnessOf(t) }, names[0]},
		"one cut":                 {func(s shelf) { s[names[1]] = s[names[1]][:5000] }, names[1]},
		"one cut to a bit":        {func(s shelf) { s[names[1]] = s[names[1]][:100] }, names[1]},
		"one longer":              {func(s shelf) { s[names[1]] = append(s[names[1]], make([]byte, 512)...) }, names[1]},
		"one emptied":             {func(s shelf) { clear(s[names[1]][header:]) }, names[2]},
		"the last emptied":        {func(s shelf) { clear(s[names[n]][header:]) }, names[n]},
		"one of another log":      {func(s shelf) { s[names[0]] = other }, names[1]},
		"a witness that is noise": {func(s shelf) { copy(s[witness], bytes.Repeat([]byte{7}, 3*4096)) }, witness},
	} {
		t.Run(what, func(t *testing.T) {
			s := s.clone()
			c.spoil(s)
			before := s.clone()
			_, err := s.read(t)
			damaged(t, what, err, c.file)
			d := s.on(t)
			if _, err := embedded.VerifyFolder(t.Context(), d); err == nil {
				t.Error("Verify finds nothing")
			}
			_, _ = embedded.OpenFolder(t.Context(), d, config(tiny))
			for name := range before {
				if seen, _ := d.Bytes(name); !bytes.Equal(seen, before[name]) {
					t.Errorf("%s was changed by opening a damaged log", name)
				}
			}
		})
	}
}

// embeddedOther returns the first segment of a log with another id.
func embeddedOther(t *testing.T) []byte {
	t.Helper()
	d := faultdisk.New(rand.New(rand.NewPCG(1, 1)), nil)
	c := config(tiny)
	c.Random = bytes.NewReader([]byte("another log's id"))
	l, err := embedded.OpenFolder(t.Context(), d, c)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	seen, _ := d.Bytes("00000000000000000001.seg")
	return seen
}

// witnessOf returns the witness of a log with events.
func witnessOf(t *testing.T) []byte {
	t.Helper()
	s, _ := shelve(t, 3, tiny)
	return s["acknowledged"]
}

// TestLostWitness checks that a log whose end is clean opens without a witness
// and gets a new one, and that one torn page does no harm.
func TestLostWitness(t *testing.T) {
	s, want := shelve(t, 6, tiny)
	for what, spoil := range map[string]func(shelf){
		"missing":     func(s shelf) { delete(s, "acknowledged") },
		"empty":       func(s shelf) { s["acknowledged"] = nil },
		"first page":  func(s shelf) { s["acknowledged"][9] ^= 1 },
		"second page": func(s shelf) { s["acknowledged"][4096+9] ^= 1 },
		"third page":  func(s shelf) { s["acknowledged"][2*4096+9] ^= 1 },
	} {
		s := s.clone()
		spoil(s)
		got, err := s.read(t)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", what, err, diff)
		}
	}
}

// TestReadFindsRot checks that a byte that rots while the log is open is not
// handed out.
func TestReadFindsRot(t *testing.T) {
	s, _ := shelve(t, 6, tiny)
	d := s.on(t)
	l := openOn(t, d, tiny)
	defer l.Close()
	seen, _ := d.Bytes(s.segments()[0])
	seen[header+32+100] ^= 4
	_, err := all(t.Context(), l)
	if got := damaged(t, "rot while open", err, s.segments()[0]); got.Position != 1 {
		t.Errorf("damage at position %d, want 1", got.Position)
	}
}

// TestDamageMessage checks that damage is named with its place and what to do.
func TestDamageMessage(t *testing.T) {
	err := &embedded.DamageError{File: "1.seg", Offset: 5, Position: 7, Stream: "visit-anna", Reason: "why"}
	want := "1.seg, byte 5, position 7, stream visit-anna: stored data is corrupt: why; " +
		"nothing was changed: keep the folder and restore this file from a backup"
	if err.Error() != want {
		t.Errorf("Error() = %q, want %q", err.Error(), want)
	}
}

// TestDamageOnDisk checks on real files that the message names the path.
func TestDamageOnDisk(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	if _, err := l.Append(t.Context(), "visit-anna", ledger.Any(), ledgertest.Draft(1)); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "00000000000000000001.seg")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[header+150] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = embedded.Open(t.Context(), dir, embedded.Config{Now: ledgertest.JumpingClock()})
	if err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "stream visit-anna") {
		t.Errorf("Open = %v, want the folder and the stream named", err)
	}
	_, err = embedded.Verify(t.Context(), dir, nil)
	damaged(t, "Verify", err, "00000000000000000001.seg")
}
