package embedded

import (
	"cmp"
	"hash/maphash"
	"slices"
	"sync"

	"github.com/vouchledger/vouch/ledger"
)

// index finds the events that are not sealed. Streams and ids are in it from
// the moment an append is taken in, so that nothing is left to do when it is
// durable; who reads looks only at what lies at or below the last durable
// position. INVARIANT: offsets of a segment, and positions of a stream as far as
// they are durable, only grow, and what is in them never changes, so a reader may
// go on with a slice of them that it took under the lock.
type index struct {
	streams *streams
	open    []*segment // by position; the last is written to
	ids     []*idTable // by position; the last takes in new ids
	seed    maphash.Seed
}

func newIndex() index {
	seed := maphash.MakeSeed()
	x := index{streams: newStreams(seed), seed: seed}
	x.ids = []*idTable{newIDTable(x.seed, 0)}
	return x
}

// last returns the segment that is written to.
func (x *index) last() *segment { return x.open[len(x.open)-1] }

// head returns the last position that lies in a segment.
func (x *index) head() uint64 { return x.last().last() }

// stream returns the stream of that name and makes it if need be, with first
// events that are sealed.
func (x *index) stream(name ledger.StreamID, first uint64) *stream {
	if s := x.streams.find(name); s != nil {
		return s
	}
	return x.streams.add(name, first)
}

// add takes in the next event, whose id has that fingerprint.
func (x *index) add(s *stream, id ledger.ID, print uint32, position uint64) {
	t := x.ids[len(x.ids)-1]
	if t.used >= maxTable {
		t = newIDTable(x.seed, position-1)
		x.ids = append(x.ids, t)
	}
	t.add(id, print, position)
	s.positions = append(s.positions, position)
}

// A suspect is two events whose ids may be the same.
type suspect struct{ first, again uint64 } // positions

// fill makes the tables of the ids with these fingerprints, of the events behind
// a position, at once: in order of fingerprints, so that tables are written from
// their first byte to the last. It returns what has the same fingerprint as one
// before it, by position. Of the fingerprints each of two goroutines sorts one half
// of those that there can be, and of the tables each fills every other one.
func (x *index) fill(base uint64, fingerprints []uint32) []suspect {
	x.ids = x.ids[:0]
	for n := 0; n < len(fingerprints); n += maxTable {
		t := newIDTable(x.seed, base+uint64(n)) //nolint:gosec // an index
		t.before = 0                            // no more than fingerprints is known of these ids
		t.used = min(maxTable, len(fingerprints)-n)
		for t.used > len(t.slots)/4*3 {
			t.slots, t.shift = make([]uint64, 2*len(t.slots)), t.shift-1
		}
		x.ids = append(x.ids, t)
	}
	var halves [2][]uint64
	var suspects [2][]suspect
	both(func(half int) {
		slots := make([]uint64, 0, len(fingerprints)/2+len(fingerprints)/64)
		for i, f := range fingerprints {
			if int(f>>31) == half {
				slots = append(slots, uint64(f)<<32|uint64(i)) //nolint:gosec // an index
			}
		}
		halves[half] = byFingerprint(slots)
		suspects[half] = alike(base, halves[half])
	})
	both(func(odd int) {
		for _, slots := range halves {
			for _, slot := range slots {
				n := uint32(slot) //nolint:gosec // lower half
				if int(n/maxTable)&1 == odd {
					x.ids[n/maxTable].insert(slot&^(1<<32-1) | uint64(n%maxTable+1))
				}
			}
		}
	})
	same := append(suspects[0], suspects[1]...)
	slices.SortFunc(same, func(a, b suspect) int { return cmp.Or(cmp.Compare(a.again, b.again), cmp.Compare(a.first, b.first)) })
	return same
}

// both calls do with 0 and with 1, at once, and waits for both.
func both(do func(int)) {
	var other sync.WaitGroup
	other.Go(func() { do(1) })
	do(0)
	other.Wait()
}

// alike returns which of the slots, sorted by fingerprints, have the same.
func alike(base uint64, slots []uint64) (same []suspect) {
	for i, slot := range slots {
		for k := i - 1; k >= 0 && slots[k]>>32 == slot>>32; k-- {
			same = append(same, suspect{first: base + 1 + uint64(uint32(slots[k])), again: base + 1 + uint64(uint32(slot))}) //nolint:gosec // lower halves
		}
	}
	return same
}

// byFingerprint sorts slots by their upper halves and leaves the order of those
// that are alike. It is a radix sort: three times over half a million is ten
// times as fast as comparing them.
func byFingerprint(slots []uint64) []uint64 {
	const digit = 11
	sorted := make([]uint64, len(slots))
	for shift := 32; shift < 64; shift += digit {
		var ends [1 << digit]int
		for _, s := range slots {
			ends[s>>shift&(1<<digit-1)]++
		}
		sum := 0
		for i, n := range ends {
			ends[i], sum = sum, sum+n
		}
		for _, s := range slots {
			at := &ends[s>>shift&(1<<digit-1)]
			sorted[*at] = s
			*at++
		}
		slots, sorted = sorted, slots
	}
	return slots
}

// forgetIDs takes tables out again that hold no id of a durable event.
func (x *index) forgetIDs(durable uint64) {
	for n := len(x.ids) - 1; n > 0 && x.ids[n].base >= durable; n-- {
		x.ids = x.ids[:n]
	}
}

// forget takes the events of a stream above a position out again. Their ids
// stay: they are compared with what gets those positions next, and found to be
// others.
func (x *index) forget(s *stream, durable uint64) {
	s.positions = s.upTo(durable)
	if len(s.positions) == 0 {
		x.streams.drop(s)
	}
}

// candidates appends to found the positions whose ids may be id, which has that
// fingerprint.
func (x *index) candidates(found []uint64, id ledger.ID, print uint32) []uint64 {
	for _, t := range x.ids {
		if notAfter(id, t.before) {
			found = t.having(found, print)
		}
	}
	return found
}

// dropFirst forgets so many segments, the first ones, which hold events of those streams and
// are sealed.
func (x *index) dropFirst(segments int, streams []ledger.StreamID) {
	last := x.open[segments-1].last()
	for _, name := range streams {
		s := x.streams.find(name)
		n := 0
		for n < len(s.positions) && s.positions[n] <= last {
			n++
		}
		s.first += uint64(n)                                    //nolint:gosec // a count
		s.positions = append([]uint64(nil), s.positions[n:]...) // readers keep what they took
		if len(s.positions) == 0 {
			x.streams.drop(s)
		}
	}
	x.open = append([]*segment(nil), x.open[segments:]...)
	for len(x.ids) > 1 && x.ids[1].base <= last {
		x.ids = append([]*idTable(nil), x.ids[1:]...)
	}
}

// idTable finds the position of an event id in 8 bytes an entry: a 32-bit
// fingerprint of the id and the position less a base. A hit must be compared
// with the id on disk. It is an open-addressed table with linear probing.
type idTable struct {
	seed  maphash.Seed // drawn for each opening: nobody can choose ids that collide; the same in all of them
	base  uint64       // below the first position
	slots []uint64     // fingerprint in the upper half, position less base in the lower; 0 is free
	used  int
	shift uint

	before uint64 // bounds the times in the ids, as [lookup.Tables.Before] does
}

// A table starts small, for a small log, and is full when growing it further
// would hold writers up.
const (
	firstTableBits = 10
	maxTable       = 3 << 15 // three quarters of 2^17 slots
)

func newIDTable(seed maphash.Seed, base uint64) *idTable {
	return &idTable{
		seed: seed, base: base, slots: make([]uint64, 1<<firstTableBits), shift: 32 - firstTableBits, before: noTime,
	}
}

func fingerprint(seed maphash.Seed, id ledger.ID) uint32 {
	return uint32(maphash.Bytes(seed, id[:])) //nolint:gosec // half of the hash is meant
}

// having appends to found the positions whose ids have this fingerprint.
func (t *idTable) having(found []uint64, want uint32) []uint64 {
	for i := int(want >> t.shift); ; i = (i + 1) & (len(t.slots) - 1) {
		slot := t.slots[i]
		if slot == 0 {
			return found
		}
		if uint32(slot>>32) == want { //nolint:gosec // upper half
			found = append(found, t.base+uint64(uint32(slot))) //nolint:gosec // lower half
		}
	}
}

func (t *idTable) add(id ledger.ID, print uint32, position uint64) {
	if t.used >= len(t.slots)/4*3 && t.shift > 0 {
		t.grow()
	}
	t.insert(uint64(print)<<32 | (position - t.base))
	if t.before > 0 {
		t.before = max(t.before, timeBound(id))
	}
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
