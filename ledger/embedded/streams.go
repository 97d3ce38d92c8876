package embedded

import (
	"hash/maphash"
	"sync/atomic"

	"github.com/vouchledger/vouch/ledger"
)

// A stream is what the log remembers of a stream with events that are not
// sealed. All but its name is guarded by Log.mu. It is as long as a line of the
// processor's cache: an append reads and writes it under the lock, and who finds
// it before has brought it near.
type stream struct {
	name      ledger.StreamID
	first     uint64   // revision of positions[0]; those before are sealed
	positions []uint64 // of events that are not sealed, durable or under way
	gone      bool     // it is not in the index any more: one of this name is another
	_         [8]byte
}

// next returns the revision of the next event.
func (s *stream) next() uint64 { return s.first + uint64(len(s.positions)) }

// last returns the position of the last event; 0 if all are sealed.
func (s *stream) last() uint64 {
	if len(s.positions) == 0 {
		return 0
	}
	return s.positions[len(s.positions)-1]
}

// upTo returns the positions up to one that is durable.
func (s *stream) upTo(durable uint64) []uint64 {
	n := len(s.positions)
	for n > 0 && s.positions[n-1] > durable {
		n--
	}
	return s.positions[:n]
}

// streams finds streams by their names, without a lock, so that an append finds its
// stream before it takes the lock of the log: that one is held by all, one after the
// other, and a look into a large table is the longest of what they would do under it.
//
// INVARIANT: it changes only under Log.mu. Who looks without that may miss a stream
// that is moving or being added, and must look again under it; what is found is there
// or was.
type streams struct {
	seed  maphash.Seed
	bits  uint64 // of a hash that count: all, but in tests of names that meet
	slots atomic.Pointer[streamSlots]
	used  int
}

// streamSlots are an open-addressed table with linear probing, as long as a power of
// two and at most three quarters full. A look touches a line of the processor's cache
// there and the one of its stream: a map of Go touches twice as many.
type streamSlots []streamSlot

// A streamSlot is free if it has no stream.
type streamSlot struct {
	hash   atomic.Uint64 // of the name; who looks without the lock may see that of another
	stream atomic.Pointer[stream]
}

const firstSlots = 1024

func newStreams(seed maphash.Seed) *streams {
	x := &streams{seed: seed, bits: ^uint64(0)}
	x.resize(firstSlots)
	return x
}

// expect makes room for so many streams, if it has none yet.
func (x *streams) expect(n int) {
	slots := firstSlots
	for slots/4*3 < n {
		slots *= 2
	}
	if x.used == 0 && len(*x.slots.Load()) < slots {
		x.resize(slots)
	}
}

// resize moves what there is to a table of so many slots. Who looks into the old one
// still finds what was there.
func (x *streams) resize(n int) {
	t := make(streamSlots, n)
	if old := x.slots.Load(); old != nil {
		for i := range *old {
			if s := (*old)[i].stream.Load(); s != nil {
				t.put((*old)[i].hash.Load(), s)
			}
		}
	}
	x.slots.Store(&t)
}

// of returns the hash of a name.
func (x *streams) of(name ledger.StreamID) uint64 {
	return maphash.String(x.seed, string(name)) & x.bits
}

// find returns the stream of that name, nil if there is none.
func (x *streams) find(name ledger.StreamID) *stream {
	h, t := x.of(name), *x.slots.Load()
	for i := t.home(h); ; i = t.after(i) {
		slot := &t[i]
		s := slot.stream.Load()
		if s == nil || slot.hash.Load() == h && s.name == name {
			return s
		}
	}
}

// add makes the stream of a name that has none, with first events that are
// sealed.
func (x *streams) add(name ledger.StreamID, first uint64) *stream {
	s := &stream{name: name, first: first}
	if x.used++; x.used > len(*x.slots.Load())/4*3 {
		x.resize(2 * len(*x.slots.Load()))
	}
	x.slots.Load().put(x.of(name), s)
	return s
}

// drop takes a stream out again.
func (x *streams) drop(s *stream) {
	if s.gone {
		return
	}
	s.gone = true
	x.used--
	t := *x.slots.Load()
	free := t.home(x.of(s.name))
	for t[free].stream.Load() != s {
		free = t.after(free)
	}
	// What follows without a gap moves up where that brings it nearer to its home.
	for i := t.after(free); t[i].stream.Load() != nil; i = t.after(i) {
		if home := t.home(t[i].hash.Load()); t.from(home, i) >= t.from(free, i) {
			t[free].set(t[i].hash.Load(), t[i].stream.Load())
			free = i
		}
	}
	t[free].stream.Store(nil)
}

// set fills a slot.
func (t *streamSlot) set(hash uint64, s *stream) {
	t.hash.Store(hash)
	t.stream.Store(s)
}

// put puts s into the first free slot from its home.
func (t streamSlots) put(hash uint64, s *stream) {
	i := t.home(hash)
	for t[i].stream.Load() != nil {
		i = t.after(i)
	}
	t[i].set(hash, s)
}

// home returns where a stream with that hash is looked for first.
func (t streamSlots) home(h uint64) int { return int(h) & (len(t) - 1) } //nolint:gosec // below the length

// after returns the slot after i.
func (t streamSlots) after(i int) int { return (i + 1) & (len(t) - 1) }

// from returns how many slots i lies behind another.
func (t streamSlots) from(other, i int) int { return (i - other) & (len(t) - 1) }
