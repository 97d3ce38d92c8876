package sealed_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/damage"
	"github.com/vouchledger/vouch/ledger/internal/sealed"
)

// TestBlockOfAStream checks that the table names the block in which a stream starts,
// and that an event is found whatever block it is looked for in.
func TestBlockOfAStream(t *testing.T) {
	var es []event
	for i := range 400 { // the till has several blocks of its own, visits share some
		es = append(es, event{ledger.StreamID([]string{"till-1", "visit-" + string(rune('a'+i%26)), "visit-z"}[i%3]), "a", noise(uint64(i), i*i%900)})
	}
	c := content(log, 1, es)
	_, p := seal(t, c)
	blocks := make(map[uint32]bool)
	for i, f := range c.Frames {
		e, ok, err := p.Stream(ledger.StreamID(f.Stream()))
		o, ordErr := p.Ordinal(uint64(i) + 1)
		if !ok || err != nil || ordErr != nil {
			t.Fatal(ok, err, ordErr)
		}
		blocks[e.Block] = true
		for _, near := range []uint32{e.Block, 0, 1, e.Block + 1, 1 << 20, math.MaxUint32} {
			var cursor sealed.Cursor
			got, err := cursor.FrameNear(p, o, near)
			if err != nil || !bytes.Equal(got[8:], f[8:]) {
				t.Fatalf("event %d looked for in block %d = %x, %v, want %x", i, near, got, err, f)
			}
		}
		var cursor sealed.Cursor
		if _, err := cursor.FrameNear(p, e.Ordinal, e.Block); err != nil || !cursor.Has(p, e.Ordinal) || cursor.Has(p, e.Ordinal+uint32(len(es))) {
			t.Fatalf("block %d of %s does not hold its first event: %v", e.Block, f.Stream(), err)
		}
	}
	if len(blocks) < 10 {
		t.Errorf("streams start in %d blocks", len(blocks))
	}
}

// TestWrongBlockOfAStream checks that a table that names another block, all checksums
// right, is found by the check and only costs a reader a second look.
func TestWrongBlockOfAStream(t *testing.T) {
	c := content(log, 1, morning(60))
	d, p := seal(t, c)
	seen, _ := d.Bytes(p.Name())
	streams := sectionOf(seen, 1)
	for at := 12; at < len(streams); at += 24 {
		block := binary.LittleEndian.Uint32(streams[at:])
		for _, wrong := range []uint32{block + 1, block + 7, math.MaxUint32} {
			binary.LittleEndian.PutUint32(streams[at:], wrong)
			reseal(seen)
			q, err := sealed.Open(d, p.Name())
			if err != nil {
				t.Fatal(err)
			}
			for i, f := range c.Frames {
				e, _, err := q.Stream(ledger.StreamID(f.Stream()))
				if err != nil {
					t.Fatal(err)
				}
				var cursor sealed.Cursor
				got, err := cursor.FrameNear(q, e.Ordinal+uint32(f.Revision()-e.Revision), e.Block)
				if err != nil || !bytes.Equal(got[8:], f[8:]) {
					t.Fatalf("event %d = %x, %v, want %x", i, got, err, f)
				}
			}
			var found *damage.Error
			if err := q.Check(new(sealed.Unpacked)); !errors.As(err, &found) {
				t.Errorf("block %d where %d is right: Check = %v", wrong, block, err)
			}
		}
		binary.LittleEndian.PutUint32(streams[at:], block)
	}
	reseal(seen)
	if err := check(d, p.Name()); err != nil {
		t.Errorf("nothing is changed any more: %v", err)
	}
}
