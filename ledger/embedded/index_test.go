package embedded

import (
	"encoding/binary"
	"errors"
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/faultdisk"
)

func numberedID(n uint64) ledger.ID {
	var id ledger.ID
	id[0] = 1
	binary.BigEndian.PutUint64(id[8:], n)
	return id
}

// TestIDTable checks that every id is found among many, while the table grows.
func TestIDTable(t *testing.T) {
	table := newIDTable(maphash.MakeSeed(), 0)
	const n = 20_000
	for i := range uint64(n) {
		table.add(numberedID(i), fingerprint(table.seed, numberedID(i)), i+1)
	}
	others := 0
	for i := range uint64(2 * n) {
		found := table.having(nil, fingerprint(table.seed, numberedID(i)))
		has := slices.Contains(found, i+1)
		if has != (i < n) {
			t.Fatalf("candidates(%d) = %v of %d ids", i, found, n)
		}
		if has {
			found = found[1:]
		}
		others += len(found)
	}
	if others > 10 {
		t.Errorf("%d false candidates in %d lookups, want about none", others, 2*n)
	}
}

// TestFingerprintsCollide checks that two event ids with one fingerprint are
// two events: neither is taken for the other's retry.
func TestFingerprintsCollide(t *testing.T) {
	l, err := OpenFolder(t.Context(), faultdisk.New(rand.New(rand.NewPCG(1, 1)), nil),
		Config{Now: time.Now, SegmentBytes: 16 << 10})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	seen := make(map[uint32]uint64)
	var a, b ledger.ID
	for i := uint64(0); b.IsZero(); i++ { // some 80,000 tries, as birthdays have it
		f := fingerprint(l.idx.seed, numberedID(i))
		if first, ok := seen[f]; ok {
			a, b = numberedID(first), numberedID(i)
		}
		seen[f] = i
	}
	draft := func(id ledger.ID) ledger.Draft {
		return ledger.Draft{ID: id, Kind: "bottle.taken.v1", Occurred: time.Unix(1_772_355_600, 0).UTC(), Body: id[8:]}
	}
	for _, id := range []ledger.ID{a, b} {
		if _, err := l.Find(t.Context(), id); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("Find(%s) before it is appended = %v, want ErrNotFound", id, err)
		}
		first, err := l.Append(t.Context(), "visit-anna", ledger.Any(), draft(id))
		if err != nil {
			t.Fatal(err)
		}
		again, err := l.Append(t.Context(), "visit-anna", ledger.None(), draft(id))
		if diff := cmp.Diff(first, again); diff != "" || err != nil {
			t.Errorf("retry of %s = %v (-first +again):\n%s", id, err, diff)
		}
		got, err := l.Find(t.Context(), id)
		if diff := cmp.Diff(first[0], got); diff != "" || err != nil {
			t.Errorf("Find(%s) = %v (-want +got):\n%s", id, err, diff)
		}
	}
	if head, err := l.Head(t.Context()); head != 2 || err != nil {
		t.Errorf("Head() = %d, %v, want 2", head, err)
	}
}

// TestRefusedIDs checks that a table of ids that was begun within a batch that
// was refused goes with it: what gets its positions next is found.
func TestRefusedIDs(t *testing.T) {
	x := newIndex()
	x.open = []*segment{{first: 1}}
	s := x.stream("visit-anna", 0)
	const durable = maxTable - 2
	for n := range uint64(maxTable + 3) {
		x.add(s, numberedID(n), fingerprint(x.seed, numberedID(n)), n+1)
	}
	if len(x.ids) != 2 {
		t.Fatalf("%d tables, the test wants 2", len(x.ids))
	}
	x.forget(s, durable)
	x.forgetIDs(durable)
	for n := uint64(durable); n < maxTable+100; n++ {
		x.add(s, numberedID(1_000_000+n), fingerprint(x.seed, numberedID(1_000_000+n)), n+1)
	}
	for n := uint64(durable); n < maxTable+100; n++ {
		if found := x.candidates(nil, numberedID(1_000_000+n), fingerprint(x.seed, numberedID(1_000_000+n))); !slices.Contains(found, n+1) {
			t.Fatalf("candidates(%d) = %v, want position %d", n, found, n+1)
		}
	}
	if s.next() != maxTable+100 {
		t.Errorf("revision %d is next, want %d", s.next(), maxTable+100)
	}
}
