package embedded

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/faultdisk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
)

// TestRewriter writes the events of a log anew, in segments of many lengths:
// what comes out is a log of the same bytes, and no append is torn apart.
func TestRewriter(t *testing.T) {
	id, now := frame.LogID{7}, time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	var frames []frame.Frame
	for n := uint64(1); n <= 400; {
		count := 1 + int(n%4) // small
		for i := range count {
			r := ledger.Record{
				ID: numberedID(n), Kind: "bottle.taken.v1", Stream: ledger.StreamID(fmt.Sprint("visit-", n)), Position: n,
				Recorded: now, Occurred: now, Body: slices.Repeat([]byte{' '}, 12<<10),
			}
			b := frame.Append(nil, &r, i, count)
			frame.Seal(id.Seed(), b)
			frames = append(frames, b)
			n++
		}
	}
	for _, segment := range []int64{minSegment, 1 << 20, 3 << 20, defaultSegment} {
		d := faultdisk.New(rand.New(rand.NewPCG(1, 1)), nil)
		w := &rewriter{files: d, id: id, segment: segment, next: 1}
		for _, f := range frames {
			if err := w.add(f); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.close(); err != nil {
			t.Fatal(err)
		}
		if few := segment == defaultSegment; few != (len(w.written) == 1) {
			t.Errorf("segments of %d bytes: %d were written", segment, len(w.written))
		}
		if err := writeWitness(d, witnessName, id, uint64(len(frames)), closedInOrder); err != nil {
			t.Fatal(err)
		}
		l, err := OpenFolder(t.Context(), d, Config{ReadOnly: true})
		if err != nil {
			t.Fatalf("segments of %d bytes: %v", segment, err)
		}
		var got []frame.Frame
		for _, seg := range l.idx.open {
			fs, err := readOpen(seg)
			if err != nil {
				t.Fatal(err)
			}
			if index, _ := fs[0].Batch(); index != 0 {
				t.Errorf("segments of %d bytes: %s starts within an append", segment, seg.name)
			}
			got = append(got, fs...)
		}
		if !slices.EqualFunc(got, frames, func(a, b frame.Frame) bool { return string(a) == string(b) }) {
			t.Errorf("segments of %d bytes: %d events come out, not the %d that went in", segment, len(got), len(frames))
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
