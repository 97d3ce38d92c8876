package embedded

import (
	"hash/maphash"

	"github.com/vouchledger/vouch/ledger"
)

// A runTable tells which run of a piece each event belongs to. It is an
// open-addressed table with linear probing, and what it looks at for an event lies
// together in a few arrays that stay in a processor's cache: opening looks a name up
// for each event that is not sealed. Its zero value is ready.
type runTable struct {
	slots []uint64 // upper half of a name's hash, and one more than the number of its run; 0 is free
	names []byte   // of all runs, one behind the other
	ends  []uint32 // where each name ends there
	due   []uint64 // revision of the next event of each run
	last  uint32   // run that was found last
}

// firstRuns is how many slots a table starts with: a segment of a busy shop has some
// thousand streams.
const firstRuns = 1 << 12

// clear forgets all runs and keeps the room.
func (t *runTable) clear() {
	clear(t.slots)
	t.names, t.ends, t.due, t.last = t.names[:0], t.ends[:0], t.due[:0], 0
}

// name returns the name of a run.
func (t *runTable) name(run uint32) []byte {
	from := uint32(0)
	if run > 0 {
		from = t.ends[run-1]
	}
	return t.names[from:t.ends[run]]
}

// of returns the number of the run of a stream; a new one starts with a revision.
func (t *runTable) of(seed maphash.Seed, stream []byte, revision uint64) uint32 {
	if len(t.ends) > 0 && string(t.name(t.last)) == string(stream) { // events of one append lie one behind the other
		return t.last
	}
	if 2*len(t.ends) >= len(t.slots) {
		t.grow(seed)
	}
	hash := maphash.Bytes(seed, stream) >> 32
	i := t.start(hash)
	for ; t.slots[i] != 0; i = (i + 1) & (len(t.slots) - 1) {
		run := uint32(t.slots[i]) - 1 //nolint:gosec // lower half
		if t.slots[i]>>32 == hash && string(t.name(run)) == string(stream) {
			t.last = run
			return run
		}
	}
	t.names = append(t.names, stream...)
	t.ends, t.due = append(t.ends, uint32(len(t.names))), append(t.due, revision) //nolint:gosec // bytes of a segment
	t.slots[i] = hash<<32 | uint64(len(t.ends))
	t.last = uint32(len(t.ends)) - 1 //nolint:gosec // fewer than bytes of a segment
	return t.last
}

// start returns the slot of a hash's upper half, if nobody else is there.
func (t *runTable) start(hash uint64) int { return int(hash) & (len(t.slots) - 1) } //nolint:gosec // 32 bits

func (t *runTable) grow(seed maphash.Seed) {
	t.slots = make([]uint64, max(2*len(t.slots), firstRuns))
	for run := range t.ends {
		hash := maphash.Bytes(seed, t.name(uint32(run))) >> 32 //nolint:gosec // fewer than bytes of a segment
		i := t.start(hash)
		for t.slots[i] != 0 {
			i = (i + 1) & (len(t.slots) - 1)
		}
		t.slots[i] = hash<<32 | uint64(run+1) //nolint:gosec // an index
	}
}

// runs returns the runs with the positions of their events, given the run of each
// event from the first position on. All positions lie in one room, and so do all names.
func (t *runTable) runs(first uint64, of []uint32) []run {
	counts := make([]int, len(t.ends))
	for _, n := range of {
		counts[n]++
	}
	names, from := string(t.names), uint32(0)
	runs, room := make([]run, len(t.ends)), make([]uint64, len(of))
	for i, n := range counts {
		runs[i] = run{
			name: ledger.StreamID(names[from:t.ends[i]]), first: t.due[i] - uint64(n), //nolint:gosec // a count
			positions: room[:0:n],
		}
		room, from = room[n:], t.ends[i]
	}
	for i, n := range of {
		runs[n].positions = append(runs[n].positions, first+uint64(i)) //nolint:gosec // an index
	}
	if n := len(runs); n > 0 && counts[n-1] == 0 { // the event that would have begun it does not hold
		runs = runs[:n-1]
	}
	return runs
}
