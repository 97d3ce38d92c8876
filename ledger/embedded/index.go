package embedded

import (
	"hash/maphash"

	"github.com/vouchledger/vouch/ledger"
)

// A place is where a frame lies: the number of the segment in the upper half,
// the offset in the lower.
type place uint64

func placeAt(seg int, offset int64) place { return place(seg)<<32 | place(offset) } //nolint:gosec // below maxSegment

func (p place) segment() int  { return int(p >> 32) }           //nolint:gosec // 32 bits are left
func (p place) offset() int64 { return int64(p & (1<<32 - 1)) } //nolint:gosec // 32 bits

// maxPosition bounds the log: positions are kept in 32 bits in memory.
const maxPosition = 1<<32 - 1

// A stream is what the log remembers of one stream.
type stream struct {
	name      ledger.StreamID
	positions []uint32 // of revision 0, 1, 2, … as far as they are durable
	next      uint64   // revision of the next event; ahead of positions while a batch waits
	batch     *batch   // the last batch that took in one of its events; nil once durable
}

// index finds durable events. It takes 25 to 35 bytes an event and is
// rebuilt from the segments at every opening. INVARIANT: places and the streams'
// positions only grow, and what is in them never changes, so a reader may go on
// with a slice of them that it took under the lock.
type index struct {
	streams map[ledger.StreamID]*stream
	places  []place // places[p-1] is where position p lies
	ids     idTable
}

func newIndex() index {
	return index{streams: make(map[ledger.StreamID]*stream), ids: newIDTable()}
}

// head returns the last position.
func (x *index) head() uint64 { return uint64(len(x.places)) }

// stream returns the stream of that name and makes it if need be.
func (x *index) stream(name ledger.StreamID) *stream {
	s := x.streams[name]
	if s == nil {
		s = &stream{name: name}
		x.streams[name] = s
	}
	return s
}

// add takes in the next durable event.
func (x *index) add(s *stream, id ledger.ID, at place) {
	x.places = append(x.places, at)
	position := uint32(len(x.places)) //nolint:gosec // below maxPosition
	s.positions = append(s.positions, position)
	s.next = max(s.next, uint64(len(s.positions)))
	x.ids.add(id, position)
}

// idTable finds the position of an event id in 8 bytes an entry: a 32-bit
// fingerprint of the id and the position. A hit must be compared with the id
// on disk. It is an open-addressed table with linear probing.
type idTable struct {
	seed  maphash.Seed // drawn for each opening: nobody can choose ids that collide
	slots []uint64     // fingerprint in the upper half, position in the lower; 0 is free
	used  int
	shift uint
}

const firstTableBits = 10

func newIDTable() idTable {
	return idTable{seed: maphash.MakeSeed(), slots: make([]uint64, 1<<firstTableBits), shift: 32 - firstTableBits}
}

func (t *idTable) fingerprint(id ledger.ID) uint32 {
	return uint32(maphash.Bytes(t.seed, id[:])) //nolint:gosec // half of the hash is meant
}

// candidates appends to found the positions whose ids have id's fingerprint.
func (t *idTable) candidates(found []uint32, id ledger.ID) []uint32 {
	want := t.fingerprint(id)
	for i := int(want >> t.shift); ; i = (i + 1) & (len(t.slots) - 1) {
		slot := t.slots[i]
		if slot == 0 {
			return found
		}
		if uint32(slot>>32) == want { //nolint:gosec // upper half
			found = append(found, uint32(slot)) //nolint:gosec // lower half
		}
	}
}

func (t *idTable) add(id ledger.ID, position uint32) {
	if t.used >= len(t.slots)/4*3 && t.shift > 0 {
		t.grow()
	}
	t.insert(uint64(t.fingerprint(id))<<32 | uint64(position))
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
