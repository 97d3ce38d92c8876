package embedded

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/faultdisk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
)

// A forger writes segments whose every checksum holds, whatever they say.
type forger struct {
	t        *testing.T
	disk     *faultdisk.Disk
	log      frame.LogID
	previous uint32
}

func newForger(t *testing.T) *forger {
	t.Helper()
	return &forger{t: t, disk: faultdisk.New(rand.New(rand.NewPCG(1, 1)), nil), log: frame.LogID{1}}
}

const forgedBytes = 64 << 10

// segment writes a segment of one commit for each event.
func (f *forger) segment(events ...ledger.Record) {
	f.t.Helper()
	first := events[0].Position
	b := encodeSegmentHeader(f.log, first, forgedBytes, false)
	for i := range events {
		commit := frame.Append(make([]byte, commitHeader), &events[i], 0, 1)
		commit, f.previous = sealCommit(seedsOf(f.log, first), commit, events[i].Position, 1, f.previous)
		b = append(b, commit...)
	}
	b = append(b, make([]byte, forgedBytes-len(b))...)
	file, err := f.disk.Open(segmentName(first), disk.Create)
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := file.WriteAt(b, 0); err != nil {
		f.t.Fatal(err)
	}
	if err := errors.Join(file.Sync(), file.Close(), f.disk.Sync()); err != nil {
		f.t.Fatal(err)
	}
}

func (f *forger) open() error {
	l, err := OpenFolder(context.Background(), f.disk, Config{ReadOnly: true})
	if err != nil {
		return err
	}
	return l.Close()
}

// visit returns what could be the first events of three visits, three events a
// segment: anna, ben, anna; ben, carl, anna; ben, carl, anna.
func visit() []ledger.Record {
	streams := []ledger.StreamID{
		"visit-anna", "visit-ben", "visit-anna",
		"visit-ben", "visit-carl", "visit-anna",
		"visit-ben", "visit-carl", "visit-anna",
	}
	next := map[ledger.StreamID]uint64{}
	events := make([]ledger.Record, len(streams))
	for i, name := range streams {
		at := time.Unix(1_772_355_600+int64(i), 0).UTC()
		events[i] = ledger.Record{
			ID: numberedID(uint64(i) + 1), Kind: "bottle.taken.v1", Stream: name, Revision: next[name],
			Position: uint64(i) + 1, Recorded: at, Occurred: at, Body: []byte(`{}`),
		}
		next[name]++
	}
	return events
}

// TestForgedSegments checks that what no checksum tells is found: a story that
// does not go on from segment to segment as it must. It names the first event of
// which something is wrong.
func TestForgedSegments(t *testing.T) {
	for _, c := range []struct {
		name     string
		forge    func(e []ledger.Record)
		position uint64 // 0: nothing is wrong
		stream   ledger.StreamID
		reason   string
	}{
		{"nothing is forged", func([]ledger.Record) {}, 0, "", ""},
		{
			"an id comes again in its segment", func(e []ledger.Record) { e[5].ID = e[3].ID }, 6, "visit-anna",
			"event id " + numberedID(4).String() + " again, first at position 4",
		},
		{
			"an id comes again in a later segment", func(e []ledger.Record) { e[7].ID = e[0].ID }, 8, "visit-carl",
			"event id " + numberedID(1).String() + " again, first at position 1",
		},
		{
			"two ids come again", func(e []ledger.Record) { e[8].ID, e[6].ID = e[1].ID, e[2].ID }, 7, "visit-ben",
			"event id " + numberedID(3).String() + " again, first at position 3",
		},
		{
			"a revision is missing in a segment", func(e []ledger.Record) { e[2].Revision++ }, 3, "visit-anna",
			"revision 2 where 1 is due",
		},
		{
			"a revision is missing between segments", func(e []ledger.Record) { e[6].Revision++; e[8].Revision++ }, 7, "visit-ben",
			"revision 3 where 2 is due",
		},
		{
			"a visit does not begin at its beginning", func(e []ledger.Record) { e[4].Revision, e[7].Revision = 1, 2 }, 5, "visit-carl",
			"revision 1 where 0 is due",
		},
		{
			"time goes back in a segment", func(e []ledger.Record) { e[4].Recorded = e[2].Recorded }, 5, "visit-carl",
			"recorded at 2026-03-01 09:00:02 +0000 UTC, before the event ahead of it",
		},
		{
			"time goes back between segments", func(e []ledger.Record) { e[6].Recorded = e[4].Recorded }, 7, "visit-ben",
			"recorded at 2026-03-01 09:00:04 +0000 UTC, before the event ahead of it",
		},
		{
			"what begins a visit has neither an id nor the first revision",
			func(e []ledger.Record) { e[4].ID, e[4].Revision = ledger.ID{}, 3 }, 5, "visit-carl", "no event id",
		},
		{"an event has no id", func(e []ledger.Record) { e[5].ID = ledger.ID{} }, 6, "visit-anna", "no event id"},
		{
			"of two that are wrong the first is named", func(e []ledger.Record) { e[5].ID, e[3].Revision = ledger.ID{}, 7 }, 4, "visit-ben",
			"revision 7 where 1 is due",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, events := newForger(t), visit()
			c.forge(events)
			for part := range slices.Chunk(events, 3) {
				f.segment(part...)
			}
			err := f.open()
			if c.position == 0 {
				if err != nil {
					t.Errorf("open = %v, want nil", err)
				}
				return
			}
			var d *DamageError
			if !errors.As(err, &d) || d.Position != c.position || d.Stream != c.stream || d.Reason != c.reason ||
				d.File != segmentName((c.position-1)/3*3+1) || d.Offset < segmentHeader {
				t.Errorf("open = %+v, want %s at position %d of %s", err, c.reason, c.position, c.stream)
			}
		})
	}
}

// TestOpenedAsAppended checks that the tables of ids that an opening makes at once
// say what those say that grew event by event, whatever the ids.
func TestOpenedAsAppended(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := rapid.Uint64Max(1<<40).Draw(t, "base")
		// Few ids, so that some come again; now and then more than one table.
		numbers := rapid.SliceOfN(rapid.Uint64Max(3000), 1, 200).Draw(t, "ids")
		for range rapid.SampledFrom([]int{0, 0, 0, maxTable - 50, maxTable + 7}).Draw(t, "others") {
			numbers = append(numbers, uint64(len(numbers))+10_000)
		}
		grown, filled := newIndex(), newIndex()
		filled.seed = grown.seed
		grown.ids = []*idTable{newIDTable(grown.seed, base)}
		s := grown.stream("visit-anna", 0)
		var fingerprints []uint32
		again := map[suspect]bool{}
		first := map[uint64][]uint64{}
		for i, n := range numbers {
			position := base + 1 + uint64(i)
			grown.add(s, numberedID(n), fingerprint(grown.seed, numberedID(n)), position)
			fingerprints = append(fingerprints, fingerprint(grown.seed, numberedID(n)))
			for _, p := range first[n] {
				again[suspect{first: p, again: position}] = true
			}
			first[n] = append(first[n], position)
		}
		for _, s := range filled.fill(base, fingerprints) {
			delete(again, s) // one more may be there by chance
		}
		if len(again) > 0 {
			t.Errorf("ids that come again and are no suspects: %v", again)
		}
		if len(grown.ids) != len(filled.ids) {
			t.Fatalf("%d tables, want %d", len(filled.ids), len(grown.ids))
		}
		for _, n := range append(numbers[:min(len(numbers), 200):min(len(numbers), 200)], 5000) {
			print := fingerprint(grown.seed, numberedID(n))
			want, got := grown.candidates(nil, numberedID(n), print), filled.candidates(nil, numberedID(n), print)
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Fatalf("candidates(%d) = %v, want %v", n, got, want)
			}
		}
	})
}

// TestRunsByName checks that the events of a piece are told apart by the names of
// their streams, whatever those are, while the table grows and when it is used again.
func TestRunsByName(t *testing.T) {
	seed := newIndex().seed
	var table runTable
	rapid.Check(t, func(t *rapid.T) {
		table.clear()
		names := rapid.SliceOfN(rapid.StringMatching(`visit-[a-c]{0,3}`), 1, 50).Draw(t, "names")
		for i := range rapid.SampledFrom([]int{0, 0, 0, firstRuns}).Draw(t, "others") {
			names = append(names, fmt.Sprint("payment-", i))
		}
		first := rapid.Uint64Range(1, 1<<40).Draw(t, "first")
		begin := rapid.Uint64Max(9).Draw(t, "revision")
		var of []uint32
		var order []ledger.StreamID
		want := map[ledger.StreamID]run{}
		for i, name := range names {
			n := table.of(seed, []byte(name), begin)
			table.due[n]++
			of = append(of, n)
			r, ok := want[ledger.StreamID(name)]
			if !ok {
				r = run{name: ledger.StreamID(name), first: begin}
				order = append(order, r.name)
			}
			r.positions = append(r.positions, first+uint64(i))
			want[r.name] = r
		}
		runs := table.runs(first, of)
		if len(runs) != len(order) {
			t.Fatalf("%d runs of %d streams", len(runs), len(order))
		}
		for i, r := range runs {
			if w := want[order[i]]; r.name != w.name || r.first != w.first || !slices.Equal(r.positions, w.positions) {
				t.Fatalf("run %d is %v, want %v", i, r, w)
			}
		}
		table.of(seed, []byte("visit-of-nobody"), 7)
		if more := table.runs(first, of); len(more) != len(runs) {
			t.Fatalf("a stream without an event is a run: %v", more[len(more)-1])
		}
	})
}
