package embedded

import (
	"hash/maphash"

	"github.com/vouchledger/vouch/ledger"
)

// A stream is what the log remembers of a stream with events that are not
// sealed.
type stream struct {
	name      ledger.StreamID
	first     uint64   // revision of positions[0]; those before are sealed
	positions []uint64 // as far as they are durable and not sealed
	next      uint64   // revision of the next event; ahead of positions while a batch waits
	batch     *batch   // the last batch that took in one of its events; nil once durable
	noted     *segment // the last segment whose list it is in
}

// durable returns the revision after the last durable one.
func (s *stream) durable() uint64 { return s.first + uint64(len(s.positions)) }

// index finds the durable events that are not sealed. INVARIANT: offsets of a
// segment and positions of a stream only grow, and what is in them never
// changes, so a reader may go on with a slice of them that it took under the
// lock.
type index struct {
	streams map[ledger.StreamID]*stream
	open    []*segment   // by position; the last is written to
	seed    maphash.Seed // of the tables of ids
}

func newIndex() index {
	return index{streams: make(map[ledger.StreamID]*stream), seed: maphash.MakeSeed()}
}

// last returns the segment that is written to.
func (x *index) last() *segment { return x.open[len(x.open)-1] }

// head returns the last position.
func (x *index) head() uint64 { return x.last().last() }

// stream returns the stream of that name and makes it if need be, with first
// events that are sealed.
func (x *index) stream(name ledger.StreamID, first uint64) *stream {
	s := x.streams[name]
	if s == nil {
		s = &stream{name: name, first: first, next: first}
		x.streams[name] = s
	}
	return s
}

// add takes in the next durable event, which lies in the last segment.
func (x *index) add(s *stream, id ledger.ID, offset int64) {
	seg := x.last()
	seg.offsets = append(seg.offsets, uint32(offset)) //nolint:gosec // below maxSegment
	seg.ids.add(id, uint32(len(seg.offsets)))         //nolint:gosec // fewer than bytes
	s.positions = append(s.positions, seg.last())
	s.next = max(s.next, s.durable())
	if s.noted != seg {
		s.noted = seg
		seg.streams = append(seg.streams, s)
	}
}

// candidates appends to found the positions whose ids may be id.
func (x *index) candidates(found []uint64, id ledger.ID) []uint64 {
	want := x.last().ids.fingerprint(id)
	for _, seg := range x.open {
		found = seg.ids.having(found, seg.first-1, want)
	}
	return found
}

// dropFirst forgets the first segment, whose events are sealed.
func (x *index) dropFirst() {
	seg := x.open[0]
	last := seg.last()
	for _, s := range seg.streams {
		n := 0
		for n < len(s.positions) && s.positions[n] <= last {
			n++
		}
		s.first += uint64(n)                                    //nolint:gosec // a count
		s.positions = append([]uint64(nil), s.positions[n:]...) // readers keep what they took
		if len(s.positions) == 0 && s.batch == nil {
			delete(x.streams, s.name)
		}
	}
	x.open = append([]*segment(nil), x.open[1:]...)
}

// idTable finds the place of an event id in its segment in 8 bytes an entry: a
// 32-bit fingerprint of the id and the place, from 1. A hit must be compared
// with the id on disk. It is an open-addressed table with linear probing.
type idTable struct {
	seed  maphash.Seed // drawn for each opening: nobody can choose ids that collide; the same in all of them
	slots []uint64     // fingerprint in the upper half, place in the lower; 0 is free
	used  int
	shift uint
}

const firstTableBits = 10

func newIDTable(seed maphash.Seed) idTable {
	return idTable{seed: seed, slots: make([]uint64, 1<<firstTableBits), shift: 32 - firstTableBits}
}

func (t *idTable) fingerprint(id ledger.ID) uint32 {
	return uint32(maphash.Bytes(t.seed, id[:])) //nolint:gosec // half of the hash is meant
}

// candidates appends to found base and the place of each id that has id's
// fingerprint.
func (t *idTable) candidates(found []uint64, base uint64, id ledger.ID) []uint64 {
	return t.having(found, base, t.fingerprint(id))
}

// having is candidates for a fingerprint.
func (t *idTable) having(found []uint64, base uint64, want uint32) []uint64 {
	for i := int(want >> t.shift); ; i = (i + 1) & (len(t.slots) - 1) {
		slot := t.slots[i]
		if slot == 0 {
			return found
		}
		if uint32(slot>>32) == want { //nolint:gosec // upper half
			found = append(found, base+uint64(uint32(slot))) //nolint:gosec // lower half
		}
	}
}

func (t *idTable) add(id ledger.ID, place uint32) {
	if t.used >= len(t.slots)/4*3 && t.shift > 0 {
		t.grow()
	}
	t.insert(uint64(t.fingerprint(id))<<32 | uint64(place))
	t.used++
}

func (t *idTable) insert(slot uint64) {
	i := int(slot >> 32 >> t.shift) //nolint:gosec // at most 32 bits
	for t.slots[i] != 0 {
		i = (i + 1) & (len(t.slots) - 1)
	}
	t.slots[i] = slot
}

func (t *idTable) grow() {
	old := t.slots
	t.slots = make([]uint64, 2*len(old))
	t.shift--
	for _, slot := range old {
		if slot != 0 {
			t.insert(slot)
		}
	}
}
