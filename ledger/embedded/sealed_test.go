package embedded_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/internal/faultdisk"
	"github.com/vouchledger/vouch/ledger/ledgertest"
)

const witnessFile = "acknowledged"

// shelveSealed is shelve for a log that seals whatever is full.
func shelveSealed(t *testing.T, n int) (shelf, []ledger.Record) {
	t.Helper()
	s, rs := shelveWith(t, n, sealing(tiny))
	if len(s.named(".sealed")) < n/6 || len(s.named(".index")) == 0 || len(s.segments()) != 1 {
		t.Fatalf("%d appends have left %q", n, s.named(""))
	}
	return s, rs
}

// TestEveryFlippedByteSealed checks that each altered byte of a log that seals
// is found and named: in sealed segments, with position and, in a block, stream, in
// lookups, and up to its end in a segment file that was used before. Behind its end,
// and in spares, is nothing.
func TestEveryFlippedByteSealed(t *testing.T) {
	s, want, open, end := halfFull(t)
	d := s.on(t)
	report, err := embedded.VerifyFolder(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{s.named(".sealed")[1], s.named(".index")[0], open} {
		seen, platter := d.Bytes(name)
		behind, sealed, blocks := 0, strings.HasSuffix(name, ".sealed"), 0
		if sealed { // its sections start at 4096, and the first of them says where the only block ends
			blocks = 64 + int(binary.LittleEndian.Uint32(seen[4096+8:]))
		}
		for at := range seen {
			if at%4096 > 700 && at%7 != 0 && at < len(seen)-400 && sealed {
				continue // zeros between blocks and tables: a sample is enough
			}
			seen[at] ^= 1 << (at % 8)
			platter[at] = seen[at]
			got, err := embedded.VerifyFolder(t.Context(), d)
			var damage *embedded.DamageError
			switch {
			case errors.As(err, &damage) && damage.File == name:
				if sealed && (name != fmt.Sprintf("%020d.sealed", damage.Position) || damage.Offset > int64(at)) {
					t.Errorf("%s, byte %d: %v names neither position nor place", name, at, err)
				}
				if at >= 64 && at < blocks && damage.Stream != "visit-anna" {
					t.Errorf("%s, byte %d: %v does not name the stream", name, at, err)
				}
			case err == nil && name == open && at >= end && got.SHA256 == report.SHA256:
				behind++
			default:
				t.Fatalf("%s: byte %d of %d was changed, Verify = %v", name, at, len(seen), err)
			}
			seen[at] ^= 1 << (at % 8)
			platter[at] = seen[at]
		}
		if name == open && behind == 0 {
			t.Error("nothing lies behind the end of the open segment")
		}
	}
	for _, name := range s.named(".spare") {
		s[name] = bytes.Repeat([]byte{0xff}, len(s[name]))
	}
	got, err := s.read(t)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("noise in spares: %v (-want +got):\n%s", err, diff)
	}
}

// halfFull shelves a log whose open segment is in its second life and not full.
func halfFull(t *testing.T) (s shelf, rs []ledger.Record, open string, end int) {
	t.Helper()
	for n := 14; n < 20; n++ {
		s, rs = shelveSealed(t, n)
		open = s.segments()[0]
		report, err := embedded.VerifyFolder(t.Context(), s.on(t))
		if err != nil {
			t.Fatal(err)
		}
		end = header
		for range report.Commits {
			end += (32 + int(binary.LittleEndian.Uint32(s[open][end+4:])) + 511) / 512 * 512
		}
		if s[open][12] == 1 && end > header && end < len(s[open]) {
			return s, rs, open, end
		}
	}
	t.Fatal("no open segment is in its second life and half full")
	return nil, nil, "", 0
}

// TestSealedFiles checks that sealed segments that were swapped, doubled,
// removed, cut, taken from another log or put back from an older day are found
// and named, and that nothing is changed by opening.
func TestSealedFiles(t *testing.T) {
	s, _ := shelveSealed(t, 24)
	names, open := s.named(".sealed"), s.segments()[0]
	n := len(names) - 1
	if n < 4 {
		t.Fatalf("%d sealed segments, the test wants 5", n+1)
	}
	cfg := sealing(tiny)
	cfg.Random = bytes.NewReader([]byte("another log's id"))
	other, _ := shelveWith(t, 24, cfg)
	older, _ := shelveWith(t, 23, config(tiny))
	const stray = "00000000000000009999.sealed"
	for what, c := range map[string]struct {
		spoil func(s shelf)
		file  string
	}{
		"two swapped":          {func(s shelf) { s[names[1]], s[names[2]] = s[names[2]], s[names[1]] }, names[1]},
		"one doubled":          {func(s shelf) { s[stray] = s[names[1]] }, stray},
		"one copied over":      {func(s shelf) { s[names[2]] = s[names[1]] }, names[2]},
		"the first gone":       {func(s shelf) { delete(s, names[0]) }, names[1]},
		"one gone":             {func(s shelf) { delete(s, names[2]) }, names[3]},
		"the last gone":        {func(s shelf) { delete(s, names[n]) }, open},
		"all sealed gone":      {func(s shelf) { s.drop(names...) }, open},
		"the open one gone":    {func(s shelf) { delete(s, open) }, open},
		"everything gone":      {func(s shelf) { w := s[witnessFile]; clear(s); s[witnessFile] = w }, "00000000000000000001.seg"},
		"one cut":              {func(s shelf) { s[names[1]] = s[names[1]][:4500] }, names[1]},
		"one cut to a bit":     {func(s shelf) { s[names[1]] = s[names[1]][:100] }, names[1]},
		"one emptied":          {func(s shelf) { s[names[1]] = nil }, names[1]},
		"one longer":           {func(s shelf) { s[names[1]] = append(s[names[1]], make([]byte, 256)...) }, names[1]},
		"one of another log":   {func(s shelf) { s[names[1]] = other[names[1]] }, names[1]},
		"the first of another": {func(s shelf) { s[names[0]] = other[names[0]] }, names[1]},
		"the open of another":  {func(s shelf) { s[open] = other[open] }, open},
		"the open one older":   {func(s shelf) { s[open] = older[older.segments()[n]] }, open},
		"a witness of another": {func(s shelf) { s[witnessFile] = other[witnessFile] }, witnessFile},
	} {
		t.Run(what, func(t *testing.T) {
			s := s.clone()
			c.spoil(s)
			d := s.on(t)
			_, err := embedded.OpenFolder(t.Context(), d, sealing(tiny))
			damaged(t, what, err, c.file)
			for name, before := range s {
				if now, _ := d.Bytes(name); !bytes.Equal(now, before) {
					t.Errorf("%s was changed by opening a damaged log", name)
				}
			}
			_, err = embedded.VerifyFolder(t.Context(), d)
			if what != "everything gone" {
				damaged(t, "Verify: "+what, err, c.file)
			} else if err == nil {
				t.Error("Verify finds nothing")
			}
		})
	}
}

// drop removes files.
func (s shelf) drop(names ...string) {
	for _, name := range names {
		delete(s, name)
	}
}

// TestRotInSealed checks that opening a log does not read its sealed segments,
// and that who touches one that has rotted is told, and gets nothing of it.
func TestRotInSealed(t *testing.T) {
	s, want := shelveSealed(t, 24)
	name := s.named(".sealed")[2]
	s[name][100] ^= 1 // in its only block
	l := openWith(t, s.on(t), sealing(tiny))
	defer l.Close()
	got, err := l.Find(t.Context(), want[0].ID)
	if diff := cmp.Diff(want[0], got); diff != "" || err != nil {
		t.Errorf("an event beside the rot: %v (-want +got):\n%s", err, diff)
	}
	var rs []ledger.Record
	for r, e := range l.Read(t.Context(), ledger.Query{}) {
		if err = e; err == nil {
			rs = append(rs, r)
		}
	}
	d := damaged(t, "reading", err, name)
	if d.Stream != "visit-anna" || d.Position != uint64(len(rs))+1 || d.Offset != 64 {
		t.Errorf("stream %q, position %d, byte %d are named after %d events", d.Stream, d.Position, d.Offset, len(rs))
	}
	if diff := cmp.Diff(want[:len(rs)], rs); diff != "" {
		t.Errorf("before the rot (-want +got):\n%s", diff)
	}
	_, err = l.Find(t.Context(), want[d.Position-1].ID)
	damaged(t, "Find", err, name)
	_, err = l.Append(t.Context(), "visit-anna", ledger.Any(), ledgertest.Draft(6)) // a retry of a lost event
	if err != nil && !errors.Is(err, ledger.ErrCorrupt) {
		t.Errorf("Append = %v", err)
	}
}

// TestLeftovers checks what an opening makes of what a crash has left: segment
// files whose events are sealed, files that were not finished, spares of any
// length.
func TestLeftovers(t *testing.T) {
	s, want := shelveSealed(t, 24)
	asOpen, _ := shelveWith(t, 24, config(tiny)) // the same events, nothing sealed
	names := s.named(".sealed")
	last := names[len(names)-1]
	seg := strings.TrimSuffix(last, "sealed") + "seg"
	if asOpen[seg] == nil {
		t.Fatalf("no open twin of %s", last)
	}
	s[seg] = asOpen[seg]
	s[last+".tmp"], s["x.index.tmp"] = s[last][:300], []byte("half")
	s["77.spare"], s["78.spare"], s["x.spare"] = make([]byte, 1000), bytes.Repeat([]byte{1}, tiny), nil
	got, _, after, err := s.opened(t, sealing(tiny))
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, name := range []string{seg, last + ".tmp", "x.index.tmp", "77.spare", "x.spare"} {
		if _, ok := after[name]; ok {
			t.Errorf("%s is still there", name)
		}
	}
	if after["78.spare"] == nil {
		t.Error("a whole spare was thrown away")
	}
	// A segment is given up only for a sealed one that was read whole.
	for what, spoil := range map[string]func(b []byte){
		"block": func(b []byte) { b[80] ^= 1 }, "zeros": func(b []byte) { b[4000] ^= 1 }, "table": func(b []byte) { b[4100] ^= 1 },
	} {
		s := s.clone()
		spoil(s[last])
		d := s.on(t)
		_, err := embedded.OpenFolder(t.Context(), d, sealing(tiny))
		damaged(t, what, err, last)
		if now, _ := d.Bytes(seg); !bytes.Equal(now, asOpen[seg]) {
			t.Errorf("%s: the segment that still has the events is gone", what)
		}
	}
	const odd = "00000000000000000002.seg" // within the first
	s.drop(seg)
	s[odd] = asOpen[seg]
	_, _, _, err = s.opened(t, sealing(tiny))
	damaged(t, "a segment file within a sealed one", err, odd)
}

// TestUsedAgain checks a segment file in its second life: what the first has
// left is never read, a commit in part is told from an acknowledged one by the
// witness, and without a witness it is not opened.
func TestUsedAgain(t *testing.T) {
	var shelves []shelf
	var records [][]ledger.Record
	for n := 16; n <= 19; n++ {
		s, rs := shelveSealed(t, n)
		shelves, records = append(shelves, s), append(records, rs)
	}
	checked := 0
	for k := range 3 {
		before, after := shelves[k], shelves[k+1]
		open := before.segments()[0]
		if after[open] == nil || after.segments()[0] != open || before[open][12] != 1 {
			continue // the commit went into another segment
		}
		from, to := firstDifference(before[open], after[open])
		for cut := from; cut <= to; cut++ {
			torn := before.clone()
			copy(torn[open][from:cut], after[open][from:cut])
			want := records[k]
			if cut == to {
				want = records[k+1]
			}
			got, err := torn.read(t)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Fatalf("%d bytes of a commit: %v (-want +got):\n%s", cut-from, err, diff)
			}
			torn[witnessFile] = after[witnessFile]
			if _, err := torn.read(t); cut < to {
				damaged(t, fmt.Sprintf("%d bytes of an acknowledged commit", cut-from), err, open)
			} else if err != nil {
				t.Errorf("a whole commit: %v", err)
			}
			delete(torn, witnessFile)
			_, err = torn.read(t)
			damaged(t, "without a witness", err, open)
		}
		checked++
	}
	if checked == 0 {
		t.Error("no commit went into a segment file in its second life")
	}
}

// firstDifference returns from where to where two files differ.
func firstDifference(a, b []byte) (from, to int) {
	for from < len(a) && a[from] == b[from] {
		from++
	}
	for to = len(a); to > from && a[to-1] == b[to-1]; {
		to--
	}
	return from, to
}

// TestOlderFormat checks that a folder of which an open or a sealed segment is of
// another format is refused with what to do, by writers, readers and backups, is not
// taken for damage, and is left as it is.
func TestOlderFormat(t *testing.T) {
	s, _ := shelveSealed(t, 24)
	for what, name := range map[string]string{"open": s.segments()[0], "sealed": s.named(".sealed")[1]} {
		t.Run(what, func(t *testing.T) {
			s := s.clone()
			version := s[name][8]
			s[name][8] = 1
			resumHeader(s[name])
			s["spare.tmp"] = []byte("a segment being filled with zeros")
			d := s.on(t)
			_, openErr := embedded.OpenFolder(t.Context(), d, config(tiny))
			_, readErr := embedded.OpenFolder(t.Context(), d, embedded.Config{ReadOnly: true})
			_, verifyErr := embedded.VerifyFolder(t.Context(), d)
			_, backupErr := embedded.BackupFolder(t.Context(), d, faultdisk.New(rand.New(rand.NewPCG(1, 1)), nil), nightly)
			says := fmt.Sprintf("1, this program reads %d", version)
			for what, err := range map[string]error{"open": openErr, "read-only": readErr, "Verify": verifyErr, "Backup": backupErr} {
				if !errors.Is(err, embedded.ErrFormat) || errors.Is(err, ledger.ErrCorrupt) ||
					!strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), says) {
					t.Errorf("%s = %v, want ErrFormat that names %s and %q", what, err, name, says)
				}
			}
			if diff := cmp.Diff(s, filesOf(t, d)); diff != "" {
				t.Error("a folder of another format was changed")
			}
		})
	}
}
