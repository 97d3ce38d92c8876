package embedded

import (
	"hash/maphash"
	"sync/atomic"

	"github.com/vouchledger/vouch/ledger"
)

// A stream is what the log remembers of a stream with events that are not
// sealed. All but its name and hash is guarded by Log.mu. It is as long as a line of the
// processor's cache: an append reads and writes it under the lock, and who finds
// it before has brought it near.
type stream struct {
	name      ledger.StreamID
	hash      uint64   // of the name
	first     uint64   // revision of positions[0]; those before are sealed
	positions []uint64 // of events that are not sealed, durable or under way
	gone      bool     // it is not in the index any more: one of this name is another
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
// that is moving in its shard, or one that is being added, and must look again under
// it; what is found is or was there.
type streams struct {
	seed   maphash.Seed
	bits   uint64 // of a hash that count: all, but in tests of names that meet
	shards [streamShards]streamShard
}

// A table has so many shards that none is long in growing, and a shard starts
// with so many slots.
const (
	shardBits    = 6
	streamShards = 1 << shardBits
	firstSlots   = 16
)

// A streamShard is an open-addressed table with linear probing, at most three
// quarters full: a map of Go would touch twice as many lines of the cache.
type streamShard struct {
	slots atomic.Pointer[streamSlots]
	used  int // under Log.mu
}

// streamSlots are as many as a power of two; nil is free.
type streamSlots []atomic.Pointer[stream]

func newSlots(n int) *streamSlots {
	t := make(streamSlots, n)
	return &t
}

func newStreams(seed maphash.Seed) *streams {
	x := &streams{seed: seed, bits: ^uint64(0)}
	for i := range x.shards {
		x.shards[i].slots.Store(newSlots(firstSlots))
	}
	return x
}

// expect makes room for so many streams, if it has none yet.
func (x *streams) expect(n int) {
	slots := firstSlots
	for slots/4*3*streamShards < n {
		slots *= 2
	}
	for i := range x.shards {
		if shard := &x.shards[i]; shard.used == 0 && len(*shard.slots.Load()) < slots {
			shard.slots.Store(newSlots(slots))
		}
	}
}

// of returns the shard and the hash of a name.
func (x *streams) of(name ledger.StreamID) (*streamShard, uint64) {
	h := maphash.String(x.seed, string(name)) & x.bits
	return &x.shards[h%streamShards], h
}

// find returns the stream of that name, nil if there is none.
func (x *streams) find(name ledger.StreamID) *stream {
	shard, h := x.of(name)
	t := *shard.slots.Load()
	for i := t.home(h); ; i = t.after(i) {
		if s := t[i].Load(); s == nil || s.hash == h && s.name == name {
			return s
		}
	}
}

// add makes the stream of a name that has none, with first events that are
// sealed.
func (x *streams) add(name ledger.StreamID, first uint64) *stream {
	shard, h := x.of(name)
	s := &stream{name: name, first: first, hash: h}
	t := *shard.slots.Load()
	if shard.used++; shard.used > len(t)/4*3 {
		grown := newSlots(2 * len(t))
		for i := range t {
			if s := t[i].Load(); s != nil {
				grown.put(s)
			}
		}
		t = *grown
		shard.slots.Store(grown) // who looks into the old ones still finds what was there
	}
	t.put(s)
	return s
}

// drop takes a stream out again.
func (x *streams) drop(s *stream) {
	if s.gone {
		return
	}
	s.gone = true
	shard := &x.shards[s.hash%streamShards]
	shard.used--
	t := *shard.slots.Load()
	free := t.home(s.hash)
	for t[free].Load() != s {
		free = t.after(free)
	}
	// What follows without a gap moves up where that brings it nearer to its home.
	for i := t.after(free); ; i = t.after(i) {
		next := t[i].Load()
		if next == nil {
			break
		}
		if home := t.home(next.hash); t.from(home, i) >= t.from(free, i) {
			t[free].Store(next)
			free = i
		}
	}
	t[free].Store(nil)
}

// put puts s into the first free slot from its home.
func (t streamSlots) put(s *stream) {
	i := t.home(s.hash)
	for t[i].Load() != nil {
		i = t.after(i)
	}
	t[i].Store(s)
}

// home returns where a stream with that hash is looked for first.
func (t streamSlots) home(h uint64) int { return int(h>>shardBits) & (len(t) - 1) } //nolint:gosec // below the length

// after returns the slot after i.
func (t streamSlots) after(i int) int { return (i + 1) & (len(t) - 1) }

// from returns how many slots i lies behind another.
func (t streamSlots) from(other, i int) int { return (i - other) & (len(t) - 1) }
