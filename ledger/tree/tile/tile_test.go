package tile_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/tree/tile"
)

// A shelf holds tiles by path.
type shelf map[string][]byte

func (s shelf) put(id tile.ID, data []byte) error {
	s[id.Path()] = bytes.Clone(data)
	return nil
}

func (s shelf) get(id tile.ID) ([]byte, error) {
	data, ok := s[id.Path()]
	if !ok {
		return nil, fmt.Errorf("%s: %w", id.Path(), ledger.ErrNotFound)
	}
	return data, nil
}

// into is get for a view.
func (s shelf) into(id tile.ID, room []byte) ([]byte, error) {
	data, err := s.get(id)
	return append(room, data...), err
}

func entry(i uint64) []byte { return fmt.Appendf(nil, "event %d", i) }

// grow appends the events before to to the tree, and stores the edge there.
func grow(t testing.TB, s *tile.Stack, tiles shelf, to uint64) {
	t.Helper()
	for s.Size() < to {
		if err := s.Append(entry(s.Size()), tiles.put); err != nil {
			t.Fatal(err)
		}
	}
	ids, data := s.Edge()
	for i, id := range ids {
		if err := tiles.put(id, data[i]); err != nil {
			t.Fatal(err)
		}
	}
}

// root is the root as transparency-dev/merkle computes it.
func root(t testing.TB, size uint64) []byte {
	t.Helper()
	r := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	for i := range size {
		if err := r.Append(rfc6962.DefaultHasher.HashLeaf(entry(i)), nil); err != nil {
			t.Fatal(err)
		}
	}
	h, err := r.GetRootHash(nil)
	if err != nil {
		t.Fatal(err)
	}
	if size == 0 {
		return rfc6962.DefaultHasher.EmptyRoot()
	}
	return h
}

// TestRootsAreThoseOfOthers: at every size around the borders of tiles, two
// libraries that we did not write compute the same root.
func TestRootsAreThoseOfOthers(t *testing.T) {
	s, tiles := &tile.Stack{}, shelf{}
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(is []int64) ([]tlog.Hash, error) {
		hs := make([]tlog.Hash, len(is))
		for i, n := range is {
			hs[i] = stored[n]
		}
		return hs, nil
	})
	for _, size := range []uint64{0, 1, 2, 3, 7, 255, 256, 257, 511, 512, 1000, 65535, 65536, 65537, 65792, 70000} {
		for i := s.Size(); i < size; i++ {
			hs, err := tlog.StoredHashes(int64(i), entry(i), reader)
			if err != nil {
				t.Fatal(err)
			}
			stored = append(stored, hs...)
		}
		grow(t, s, tiles, size)
		got := s.Root()
		if want := root(t, size); !bytes.Equal(got[:], want) {
			t.Errorf("Root() of %d = %x, transparency-dev/merkle says %x", size, got, want)
		}
		if sumdb, err := tlog.TreeHash(int64(size), reader); size > 0 && (err != nil || sumdb != tlog.Hash(got)) {
			t.Errorf("Root() of %d = %x, x/mod says %v, %v", size, got, sumdb, err)
		}
		if again, err := tile.NewView(size, tiles.into).Root(size); err != nil || again != got {
			t.Errorf("View.Root(%d) = %x, %v, want %x", size, again, err, got)
		}
	}
}

// TestProofsAreProven by code that we did not write, and not for another leaf
// or another tree.
func TestProofsAreProven(t *testing.T) {
	const most = 70000
	s, tiles := &tile.Stack{}, shelf{}
	grow(t, s, tiles, most)
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Uint64Range(1, most).Draw(t, "size")
		tiles := maps.Clone(tiles)
		for _, id := range tile.Edge(size) { // the partial tiles of that size
			wide, _ := tile.In(most, id.Level, id.Index)
			data, err := tiles.get(wide)
			if err != nil {
				t.Fatal(err)
			}
			if tiles[id.Path()], err = tile.Narrow(id.Level, data, id.Width); err != nil {
				t.Fatal(err)
			}
		}
		if rapid.Bool().Draw(t, "without halfway tiles") {
			maps.DeleteFunc(tiles, func(path string, _ []byte) bool { return strings.HasPrefix(path, "halfway/") })
		}
		v := tile.NewView(size, tiles.into)
		r, err := v.Root(size)
		if err != nil {
			t.Fatal(err)
		}
		index := rapid.Uint64Range(0, size-1).Draw(t, "index")
		steps, err := v.Inclusion(index)
		if err != nil {
			t.Fatal(err)
		}
		leaf := tile.LeafHash(entry(index))
		if err := proof.VerifyInclusion(rfc6962.DefaultHasher, index, size, leaf[:], plain(steps), r[:]); err != nil {
			t.Fatalf("inclusion of %d in %d: %v", index, size, err)
		}
		other := tile.LeafHash(entry(index + 1))
		if err := proof.VerifyInclusion(rfc6962.DefaultHasher, index, size, other[:], plain(steps), r[:]); err == nil {
			t.Fatalf("inclusion of %d in %d holds for another event", index, size)
		}
		old := rapid.Uint64Range(1, size).Draw(t, "old")
		before, err := v.Root(old)
		if err != nil {
			t.Fatal(err)
		}
		if steps, err = v.Consistency(old); err != nil {
			t.Fatal(err)
		}
		if err := proof.VerifyConsistency(rfc6962.DefaultHasher, old, size, plain(steps), before[:], r[:]); err != nil {
			t.Fatalf("consistency of %d with %d: %v", old, size, err)
		}
		before[3] ^= 1
		if err := proof.VerifyConsistency(rfc6962.DefaultHasher, old, size, plain(steps), before[:], r[:]); err == nil {
			t.Fatalf("consistency of %d with %d holds for another history", old, size)
		}
		if got, err := v.Entry(index); err != nil || !bytes.Equal(got, entry(index)) {
			t.Fatalf("Entry(%d) = %q, %v", index, got, err)
		}
	})
}

func plain(hs []tile.Hash) [][]byte {
	var out [][]byte
	for _, h := range hs {
		out = append(out, h[:])
	}
	return out
}

// TestStackResumes: a tree carried on from its tiles, at any size, gives the
// same tiles as one that never stopped.
func TestStackResumes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.Uint64Range(0, 9000), 1, 6).Draw(t, "sizes")
		slices.Sort(sizes)
		whole, tiles := &tile.Stack{}, shelf{}
		stopped, kept := &tile.Stack{}, shelf{}
		for _, size := range sizes {
			growRapid(t, whole, tiles, size)
			growRapid(t, stopped, kept, size)
			var err error
			if stopped, err = tile.Resume(size, kept.get); err != nil {
				t.Fatalf("Resume(%d) = %v, want nil", size, err)
			}
		}
		if !maps.EqualFunc(tiles, kept, bytes.Equal) {
			t.Fatalf("tiles differ after stops at %v", sizes)
		}
		if whole.Root() != stopped.Root() {
			t.Fatalf("roots differ after stops at %v", sizes)
		}
	})
}

func growRapid(t *rapid.T, s *tile.Stack, tiles shelf, to uint64) {
	for s.Size() < to {
		if err := s.Append(entry(s.Size()), tiles.put); err != nil {
			t.Fatal(err)
		}
	}
	ids, data := s.Edge()
	for i, id := range ids {
		_ = tiles.put(id, data[i])
	}
}

// TestProofsNeedFewReadings: a proof out of a large tree reads each file that it
// needs once, one of a neighbour none, and the answer is the caller's own.
func TestProofsNeedFewReadings(t *testing.T) {
	const size = 70_000
	s, tiles := &tile.Stack{}, shelf{}
	grow(t, s, tiles, size)
	var read []string
	v := tile.NewView(size, func(id tile.ID, room []byte) ([]byte, error) {
		read = append(read, id.Path())
		return tiles.into(id, room)
	})
	entryOf := func(index uint64) []byte {
		t.Helper()
		e, err := v.Entry(index)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Inclusion(index); err != nil {
			t.Fatal(err)
		}
		return e
	}
	first := entryOf(40_000)
	slices.Sort(read)
	// Of the neighbours, of what lies above, and of the right edge of the tree.
	want := []string{
		"halfway/009", "tile/0/156", "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/entries/156",
	}
	if !slices.Equal(read, want) {
		t.Errorf("a proof reads %q, want %q", read, want)
	}
	read = nil
	entryOf(40_001)
	if len(read) > 0 {
		t.Errorf("a neighbour's proof reads %q, want nothing", read)
	}
	entryOf(5)
	if !bytes.Equal(first, entry(40_000)) {
		t.Errorf("Entry() has become %q after further reading, want what it was", first)
	}
}

// TestPaths are those of tlog-tiles.
func TestPaths(t *testing.T) {
	for want, id := range map[string]tile.ID{
		"tile/0/000":                     {Level: 0, Index: 0, Width: 256},
		"tile/0/x001/x234/067":           {Level: 0, Index: 1234067, Width: 256},
		"tile/3/x001/000.p/1":            {Level: 3, Index: 1000, Width: 1},
		"tile/entries/x001/x234/067.p/8": {Level: tile.Entries, Index: 1234067, Width: 8},
		"halfway/x001/000":               {Level: tile.Halfway, Index: 1000, Width: 256}, // ours
	} {
		if got := id.Path(); got != want {
			t.Errorf("%+v.Path() = %q, want %q", id, got, want)
		}
		if got, err := tile.ParsePath(want); err != nil || got != id {
			t.Errorf("ParsePath(%q) = %+v, %v, want %+v", want, got, err, id)
		}
	}
	for _, bad := range []string{
		"", "tile", "tile/", "tile/0", "tile/0/", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/00/000", "tile/-1/000", "tile/8/000",
		"tile/0/x000/000", "tile/0/001/000", "tile/0/x1/000", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/08", "tile/0/000.p/", "tile/0/000.p",
		"tile/entries/../../key", "tile/0/../../signer/key", "tile/0/x999/x999/x999/x999/x999/x999/999", "tile/data/000", "/tile/0/000", "tile/0/000/",
		"halfway", "halfway/", "halfway/0", "halfway/000.p/8", "halfway/x000/000", "halfway/../signer/key", "tile/-2/000", "tile/halfway/000",
	} {
		if got, err := tile.ParsePath(bad); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("ParsePath(%q) = %+v, %v, want ErrNotFound", bad, got, err)
		}
	}
}

// FuzzParsePath: a path that is taken is the one form of its tile.
func FuzzParsePath(f *testing.F) {
	f.Add("tile/0/x001/x234/067.p/8")
	f.Add("tile/entries/000")
	f.Fuzz(func(t *testing.T, path string) {
		if id, err := tile.ParsePath(path); err == nil && id.Path() != path {
			t.Errorf("ParsePath(%q).Path() = %q", path, id.Path())
		}
	})
}

// FuzzSplit: a bundle that is taken is exactly its entries.
func FuzzSplit(f *testing.F) {
	f.Add([]byte("\x00\x03abc\x00\x00"), 2)
	f.Add([]byte("\x00\x03ab"), 1)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		if n < 0 || n > tile.Width {
			return
		}
		entries, err := tile.Split(b, n)
		if err != nil {
			if !errors.Is(err, ledger.ErrCorrupt) {
				t.Fatalf("Split() = %v, want ErrCorrupt", err)
			}
			return
		}
		s := &tile.Stack{}
		for _, e := range entries {
			if err := s.Append(e, func(id tile.ID, data []byte) error {
				if id.Level == tile.Entries && !bytes.Equal(data, b) {
					t.Errorf("Split takes %x, its entries are %x", b, data)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		if ids, data := s.Edge(); n < tile.Width && len(ids) > 0 && !bytes.Equal(data[0], b) {
			t.Fatalf("Split takes %x, its entries are %x", b, data[0])
		}
	})
}

// BenchmarkStack is the tree's cost for one event without hashing its body and
// writing tiles.
func BenchmarkStack(b *testing.B) {
	leaf := bytes.Repeat([]byte("x"), 180)
	s := &tile.Stack{}
	drop := func(tile.ID, []byte) error { return nil }
	for b.Loop() {
		if err := s.Append(leaf, drop); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInclusion makes and checks a proof for any one of a million events.
func BenchmarkInclusion(b *testing.B) {
	const size = 1_000_000
	s, tiles := &tile.Stack{}, shelf{}
	grow(b, s, tiles, size)
	v := tile.NewView(size, tiles.into)
	r, err := v.Root(size)
	if err != nil {
		b.Fatal(err)
	}
	index := uint64(0)
	for b.Loop() {
		index = (index + 617_777) % size
		steps, err := v.Inclusion(index)
		if err != nil {
			b.Fatal(err)
		}
		leaf := tile.LeafHash(entry(index))
		if err := proof.VerifyInclusion(rfc6962.DefaultHasher, index, size, leaf[:], plain(steps), r[:]); err != nil {
			b.Fatal(err)
		}
	}
}
