package lookup_test

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/damage"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/faultdisk"
	"github.com/vouchledger/vouch/ledger/internal/lookup"
)

var log = [16]byte([]byte("0123456789abcdef"))

func newDisk() *faultdisk.Disk { return faultdisk.New(rand.New(rand.NewPCG(1, 1)), nil) }

// A shelf is what one run is about: the ids of its events by position, and the
// streams of each of its segments.
type shelf struct {
	first   uint64
	ids     []string
	streams [][]string
}

func (s shelf) span() lookup.Span {
	return lookup.Span{
		First: s.first, Last: s.first + uint64(len(s.ids)) - 1, Parts: len(s.streams), Digest: [32]byte{byte(s.first), 7},
	}
}

func (s shelf) tables() (t lookup.Tables) {
	for i, id := range s.ids {
		t.IDs = append(t.IDs, lookup.NewEntry(lookup.HashOf(log, id), uint64(i)))
	}
	for i, names := range s.streams {
		for _, name := range names {
			t.Streams = append(t.Streams, lookup.NewEntry(lookup.HashOf(log, name), uint64(i)))
		}
	}
	return t
}

// file writes the shelf's run to d and opens it.
func (s shelf) file(t fataler, d disk.Folder) *lookup.Run {
	t.Helper()
	if err := lookup.Write(d, log, s.span(), s.tables()); err != nil {
		t.Fatalf("%v", err)
	}
	r, err := lookup.Open(d, log, s.span().Name())
	if err != nil {
		t.Fatalf("%v", err)
	}
	return r
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// morning makes a shelf of n events with ids that no other first position has.
func morning(first uint64, n int) shelf {
	s := shelf{first: first, streams: make([][]string, 1+n/300)}
	for i := range n {
		s.ids = append(s.ids, fmt.Sprintf("event %d", first+uint64(i)))
	}
	for i := range s.streams {
		s.streams[i] = []string{"visit-anna", fmt.Sprintf("visit-%d-%d", first, i), fmt.Sprint("payment-", i%3)}
	}
	return s
}

// finds checks that r finds everything of s and, but for a false hit in many
// thousands, nothing else.
func finds(t fataler, r *lookup.Run, s shelf) (falseHits int) {
	t.Helper()
	for i, id := range s.ids {
		got, err := r.Positions([]uint64{99}, lookup.HashOf(log, id))
		if err != nil || got[0] != 99 || !slices.IsSorted(got[1:]) || !slices.Contains(got[1:], s.first+uint64(i)) {
			t.Fatalf("Positions(%s) = %v, %v, want %d among them", id, got, err, s.first+uint64(i))
		}
		falseHits += len(got) - 2
		got, err = r.Positions(nil, lookup.HashOf(log, id+"?"))
		if err != nil {
			t.Fatalf("%v", err)
		}
		falseHits += len(got)
	}
	segments := make(map[string][]uint64)
	for i, names := range s.streams {
		for _, name := range names {
			segments[name] = append(segments[name], uint64(i))
		}
	}
	for name, want := range segments {
		got, err := r.Segments(nil, lookup.HashOf(log, ledger.StreamID(name)))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Fatalf("Segments(%s) = %v (-want +got):\n%s", name, err, diff)
		}
	}
	if got, err := r.Segments(nil, lookup.HashOf(log, "nobody")); len(got) > 0 || err != nil {
		t.Fatalf("Segments(nobody) = %v, %v", got, err)
	}
	return falseHits
}

// TestFindsEverything checks on random shelves that every key is found, in a
// file, in memory and in what several files are merged into; and that merging
// gives the bytes of a file that was made at once.
func TestFindsEverything(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := newDisk()
		sizes := rapid.SliceOfN(rapid.SampledFrom([]int{1, 2, 7, 439, 440, 441, 900, 5_000}), 1, 4).Draw(rt, "sizes")
		first := rapid.Uint64Range(1, 1<<50).Draw(rt, "first")
		all := shelf{first: first}
		var runs []*lookup.Run
		for _, n := range sizes {
			s := morning(first, n)
			r := s.file(rt, d)
			m, err := lookup.InMemory(s.span(), s.tables())
			if err != nil {
				rt.Fatal(err)
			}
			if a, b := finds(rt, r, s), finds(rt, m, s); a != b || a > 1 {
				rt.Fatalf("%d false hits in the file, %d in memory", a, b)
			}
			runs = append(runs, r)
			all.ids, all.streams = append(all.ids, s.ids...), append(all.streams, s.streams...)
			first += uint64(n)
		}
		span, tables, err := lookup.Merge(runs)
		if err != nil {
			rt.Fatal(err)
		}
		span.Digest = all.span().Digest
		if diff := cmp.Diff(all.span(), span); diff != "" {
			rt.Fatalf("span of the merged (-want +got):\n%s", diff)
		}
		at, merged := newDisk(), newDisk()
		if n := finds(rt, all.file(rt, at), all); n > 1 {
			rt.Fatalf("%d false hits", n)
		}
		if err := lookup.Write(merged, log, span, tables); err != nil {
			rt.Fatal(err)
		}
		one, _ := at.Bytes(span.Name())
		two, _ := merged.Bytes(span.Name())
		if string(one) != string(two) {
			rt.Fatal("merging gives other bytes than building at once")
		}
	})
}

// TestFalseHitsAreRare counts them among half a million ids.
func TestFalseHitsAreRare(t *testing.T) {
	s := morning(1, 500_000)
	s.streams = s.streams[:10]
	r, err := lookup.InMemory(s.span(), s.tables())
	if err != nil {
		t.Fatal(err)
	}
	if n := finds(t, r, s); n > 5 {
		t.Errorf("%d false hits in a million lookups of 40 bits among half a million, want about 0.4", n)
	}
	if r.Close() != nil {
		t.Error("Close of what is in no file fails")
	}
}

// TestCrowdedPage checks that a page that would overflow is spread, and that
// more entries of one key than a page can hold are refused and do not hang.
func TestCrowdedPage(t *testing.T) {
	busy := shelf{first: 1, ids: []string{"one"}, streams: make([][]string, 200)}
	for i := range busy.streams {
		busy.streams[i] = []string{"till-1", "till-2", "till-3", "till-4", "till-5"}
	}
	busy.ids = morning(1, 200).ids
	finds(t, busy.file(t, newDisk()), busy)
	for len(busy.streams) < 511 {
		busy.streams = append(busy.streams, []string{"till-1"})
	}
	finds(t, busy.file(t, newDisk()), busy)
	busy.streams = append(busy.streams, []string{"till-1"})
	d := newDisk()
	if err := lookup.Write(d, log, busy.span(), busy.tables()); err == nil {
		t.Error("512 entries of one key were written")
	}
	if _, err := lookup.InMemory(busy.span(), busy.tables()); err == nil {
		t.Error("512 entries of one key are in memory")
	}
	if names, _ := d.List(); len(names) > 0 {
		t.Errorf("a refused writing has left %q", names)
	}
}

// TestHashOf checks that keys of any length count with every byte, and that
// another log hashes them differently.
func TestHashOf(t *testing.T) {
	other := log
	other[0]++
	seen := make(map[lookup.Hash]string)
	for _, n := range []int{0, 1, 16, 63, 64, 65, 500} {
		key := strings.Repeat("v", n)
		for _, k := range []string{key, key + "x", "x" + key} {
			h := lookup.HashOf(log, k)
			if first, ok := seen[h]; ok && first != k {
				t.Errorf("%q and %q have one hash", first, k)
			}
			seen[h] = k
			if h != lookup.HashOf(log, []byte(k)) || h == lookup.HashOf(other, k) || h>>40 != 0 {
				t.Errorf("HashOf(%q) = %x", k, h)
			}
		}
	}
}

// TestEveryFlippedByte checks that each altered byte is found: in the header by
// opening, in a page by the first who touches it.
func TestEveryFlippedByte(t *testing.T) {
	s := morning(1, 700)
	d := newDisk()
	name := s.span().Name()
	s.file(t, d)
	seen, _ := d.Bytes(name)
	for at := range seen {
		seen[at] ^= 1 << (at % 8)
		r, err := lookup.Open(d, log, name)
		var found *damage.Error
		if err == nil && at >= lookup.PageBytes {
			_, err = r.Tables()
		}
		if !errors.As(err, &found) || found.File != name || !strings.Contains(err.Error(), "remove this file and it is made again") {
			t.Fatalf("byte %d of %d was changed: %v", at, len(seen), err)
		}
		seen[at] ^= 1 << (at % 8)
	}
	// One page is one page: the others still answer.
	seen[lookup.PageBytes+100] ^= 1
	r, err := lookup.Open(d, log, name)
	if err != nil {
		t.Fatal(err)
	}
	bad, good := 0, 0
	for _, id := range s.ids {
		if _, err := r.Positions(nil, lookup.HashOf(log, id)); errors.Is(err, ledger.ErrCorrupt) {
			bad++
		} else if err == nil {
			good++
		}
	}
	if bad == 0 || good == 0 || bad+good != len(s.ids) {
		t.Errorf("%d ids meet damage, %d do not", bad, good)
	}
	if _, _, err := lookup.Merge([]*lookup.Run{r}); !errors.Is(err, ledger.ErrCorrupt) {
		t.Errorf("Merge = %v, want damage", err)
	}
}

// TestFiles checks that a file that is cut, longer, of another log, renamed or
// missing is not opened.
func TestFiles(t *testing.T) {
	s := morning(1, 700)
	d := newDisk()
	s.file(t, d)
	name := s.span().Name()
	b, _ := d.Bytes(name)
	later := lookup.Span{First: 701, Last: 1400}.Name()
	for what, c := range map[string]struct {
		name  string
		bytes []byte
		log   [16]byte
	}{
		"empty": {name, nil, log}, "a page": {name, b[:4096], log}, "cut": {name, b[:len(b)-4096], log},
		"cut in a page": {name, b[:len(b)-1], log}, "longer": {name, append(slices.Clone(b), make([]byte, 4096)...), log},
		"of another log": {name, b, [16]byte{1}}, "renamed": {later, b, log}, "zeros": {name, make([]byte, len(b)), log},
		"no name of an index": {"x.index", b, log},
	} {
		f, err := d.Open(c.name, disk.Create)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(c.bytes, 0); err != nil && len(c.bytes) > 0 {
			t.Fatal(err)
		}
		var found *damage.Error
		if _, err := lookup.Open(d, c.log, c.name); !errors.As(err, &found) || found.File != c.name {
			t.Errorf("%s: Open = %v, want damage", what, err)
		}
	}
	if _, err := lookup.Open(d, log, lookup.Span{First: 5, Last: 6}.Name()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

// TestNames checks which names are those of runs.
func TestNames(t *testing.T) {
	span := lookup.Span{First: 1, Last: 70_000}
	if first, last, ok := lookup.ParseName(span.Name()); !ok || first != 1 || last != 70_000 {
		t.Errorf("ParseName(%s) = %d, %d, %v", span.Name(), first, last, ok)
	}
	for _, name := range []string{
		"", "x.index", "00000000000000000002-00000000000000000001.index", "00000000000000000001_00000000000000000002.index",
		"0000000000000000000x-00000000000000000001.index", "00000000000000000001-0000000000000000000x.index",
		span.Name() + ".tmp",
	} {
		if first, last, ok := lookup.ParseName(name); ok {
			t.Errorf("ParseName(%q) = %d, %d", name, first, last)
		}
	}
}

// TestWriteFaults lets each change of the disk fail: the name is not there, or
// the file is whole.
func TestWriteFaults(t *testing.T) {
	s := morning(1, 700)
	whole := newDisk()
	s.file(t, whole)
	for op := range whole.Ops() {
		for _, fault := range []faultdisk.Fault{faultdisk.Kill, faultdisk.NoSpace, faultdisk.IOError} {
			d := faultdisk.New(rand.New(rand.NewPCG(uint64(op), uint64(fault))), func(o faultdisk.Op) faultdisk.Fault {
				if o.N == op {
					return fault
				}
				return faultdisk.None
			})
			err := lookup.Write(d, log, s.span(), s.tables())
			d.Restart()
			names, _ := d.List()
			if err == nil || slices.Contains(names, s.span().Name()) || fault != faultdisk.Kill && len(names) > 0 {
				t.Errorf("fault %d at change %d: %v has left %q", fault, op, err, names)
			}
			d.SetFault(nil)
			finds(t, s.file(t, d), s)
		}
	}
}

// TestGoldenBytes checks that a file is written as it was written first. It is
// on disks: if this test fails, change the code back, or make a new version of the format.
func TestGoldenBytes(t *testing.T) {
	s := morning(258, 5)
	d := newDisk()
	s.file(t, d)
	b, _ := d.Bytes(s.span().Name())
	var dump strings.Builder
	for _, page := range []int{0, 1, 2} {
		fmt.Fprintf(&dump, "page %d\n%s", page, hex.Dump(b[page*lookup.PageBytes:][:112]))
	}
	fmt.Fprintf(&dump, "the rest is zero, and at last\n%s", hex.Dump(b[lookup.PageBytes-16:lookup.PageBytes]))
	path := filepath.Join("testdata", "golden.txt")
	if os.Getenv("VOUCH_REWRITE") != "" {
		if err := os.WriteFile(path, []byte(dump.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), dump.String()); diff != "" || len(b) != 3*lookup.PageBytes {
		t.Errorf("%d stored bytes (-want +got):\n%s", len(b), diff)
	}
}

// FuzzOpen checks that any bytes open or are damage, and that whatever is asked
// then is answered within the run.
func FuzzOpen(f *testing.F) {
	s := morning(1, 700)
	d := newDisk()
	if err := lookup.Write(d, log, s.span(), s.tables()); err != nil {
		f.Fatal(err)
	}
	b, _ := d.Bytes(s.span().Name())
	for at := uint32(0); at < uint32(len(b)); at += 67 { // small
		f.Add(b, at, uint32(0xff), true)
	}
	for at := uint32(8); at < 64; at++ {
		f.Add(b, at, uint32(0xff010201), true)
	}
	f.Add(b[:5000], uint32(0), uint32(0), true)
	f.Fuzz(func(t *testing.T, b []byte, at, with uint32, again bool) {
		b = slices.Clone(b)
		for i := range uint32(4) {
			if uint64(at)+uint64(i) < uint64(len(b)) {
				b[at+i] ^= byte(with >> (8 * i))
			}
		}
		table := crc32.MakeTable(crc32.Castagnoli)
		for i := 0; again && (i+1)*lookup.PageBytes <= len(b); i++ {
			page := b[i*lookup.PageBytes : (i+1)*lookup.PageBytes]
			if i == 0 {
				binary.LittleEndian.PutUint32(page[4092:], crc32.Checksum(page[:4092], table))
			} else {
				binary.LittleEndian.PutUint32(page, crc32.Checksum(page[4:], table))
			}
		}
		d := newDisk()
		file, err := d.Open(s.span().Name(), disk.Create)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteAt(b, 0); err != nil {
			t.Fatal(err)
		}
		r, err := lookup.Open(d, log, s.span().Name())
		if err != nil {
			if !errors.Is(err, ledger.ErrCorrupt) {
				t.Fatalf("Open = %v", err)
			}
			return
		}
		for _, key := range append(s.ids[:50:50], "visit-anna", "nobody") {
			positions, err1 := r.Positions(nil, lookup.HashOf(log, key))
			segments, err2 := r.Segments(nil, lookup.HashOf(log, key))
			for _, err := range []error{err1, err2} {
				if err != nil && !errors.Is(err, ledger.ErrCorrupt) {
					t.Errorf("lookup of %s = %v", key, err)
				}
			}
			for _, p := range positions {
				if p < r.First || p > r.Last {
					t.Errorf("position %d of a run from %d to %d", p, r.First, r.Last)
				}
			}
			for _, n := range segments {
				if n >= uint64(r.Parts) {
					t.Errorf("segment %d of %d", n, r.Parts)
				}
			}
		}
		if _, _, err := lookup.Merge([]*lookup.Run{r, r}); err != nil && !errors.Is(err, ledger.ErrCorrupt) {
			t.Errorf("Merge = %v", err)
		}
	})
}
