package embedded

import (
	"hash/maphash"
	"sync"

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

// streams finds streams by their names. It has locks of its own, so that an
// append finds its stream before it takes the lock of the log: that one is held
// by all, one after the other, and a look into a large table is the longest of
// what they would do under it.
//
// INVARIANT: it changes only under Log.mu.
type streams struct {
	seed   maphash.Seed
	bits   uint64 // of a hash that count: all, but in tests of names that meet
	shards [streamShards]streamShard
}

// A table has so many shards that two appends seldom meet, and a shard starts
// with so many slots.
const (
	shardBits    = 6
	streamShards = 1 << shardBits
	firstSlots   = 16
)

// A streamShard is an open-addressed table with linear probing, at most three
// quarters full: a map of Go would touch twice as many lines of the cache.
type streamShard struct {
	mu    sync.Mutex
	slots []*stream // as many as a power of two; nil is free
	used  int
	_     [24]byte // no two shards in one line of the cache
}

func newStreams(seed maphash.Seed) *streams {
	x := &streams{seed: seed, bits: ^uint64(0)}
	for i := range x.shards {
		x.shards[i].slots = make([]*stream, firstSlots)
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
		if shard := &x.shards[i]; shard.used == 0 && len(shard.slots) < slots {
			shard.slots = make([]*stream, slots)
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
	shard.mu.Lock()
	defer shard.mu.Unlock()
	for i := shard.home(h); ; i = shard.after(i) {
		if s := shard.slots[i]; s == nil || s.hash == h && s.name == name {
			return s
		}
	}
}

// add makes the stream of a name that has none, with first events that are
// sealed.
func (x *streams) add(name ledger.StreamID, first uint64) *stream {
	shard, h := x.of(name)
	s := &stream{name: name, first: first, hash: h}
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if shard.used++; shard.used > len(shard.slots)/4*3 {
		old := shard.slots
		shard.slots = make([]*stream, 2*len(old))
		for _, s := range old {
			if s != nil {
				shard.put(s)
			}
		}
	}
	shard.put(s)
	return s
}

// drop takes a stream out again.
func (x *streams) drop(s *stream) {
	if s.gone {
		return
	}
	s.gone = true
	shard := &x.shards[s.hash%streamShards]
	shard.mu.Lock()
	defer shard.mu.Unlock()
	shard.used--
	free := shard.home(s.hash)
	for shard.slots[free] != s {
		free = shard.after(free)
	}
	// What follows without a gap moves up where that brings it nearer to its home.
	for i := shard.after(free); shard.slots[i] != nil; i = shard.after(i) {
		if home := shard.home(shard.slots[i].hash); shard.from(home, i) >= shard.from(free, i) {
			shard.slots[free], free = shard.slots[i], i
		}
	}
	shard.slots[free] = nil
}

// put puts s into the first free slot from its home.
func (t *streamShard) put(s *stream) {
	i := t.home(s.hash)
	for t.slots[i] != nil {
		i = t.after(i)
	}
	t.slots[i] = s
}

// home returns where a stream with that hash is looked for first.
func (t *streamShard) home(h uint64) int { return int(h>>shardBits) & (len(t.slots) - 1) } //nolint:gosec // below the length

// after returns the slot after i.
func (t *streamShard) after(i int) int { return (i + 1) & (len(t.slots) - 1) }

// from returns how many slots i lies behind another.
func (t *streamShard) from(other, i int) int { return (i - other) & (len(t.slots) - 1) }
