package esdb

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// An index is what one must know of a whole ledger to keep its contract on a
// cluster: where each id lies, how long each stream is, and how the clock of the
// cluster fell. It is a fold of $all: two servers that have folded the same
// events have the same index.
//
// # Invariants
//
//   - head rises strictly.
//   - An id lies where it was first.
//   - A stream of ours has revisions 0, 1, 2 without gaps; else the index is
//     broken, and so is everything that asks it.
//   - The recorded time of one of our events depends on our events alone, which
//     are never deleted, so it is the same for every server and for ever.
type index struct {
	mu      sync.Mutex
	at      map[ledger.ID]uint64       // position
	next    map[ledger.StreamID]uint64 // revision of the stream's next event
	marks   []uint64                   // positions of every markEvery-th event, rising
	count   uint64                     // events
	head    uint64                     // position of the last
	headID  ledger.ID
	looked  uint64 // position up to which nothing is left to see; at least head
	top     time.Time
	falls   []fall
	doubles []Double
	claims  map[ledger.ID]*claim
	live    bool  // has once caught up
	trouble error // why it does not move on just now
	broken  error // why it never will
	corrupt bool  // broken is not just the end
	saved   uint64
	changed chan struct{}
}

// A fall is a run of events for which the cluster's clock stood below the
// highest time of ours before it.
type fall struct {
	From  uint64    // position of the first event below
	Until uint64    // of the first of ours that is not; 0 while it lasts
	Top   time.Time // the highest time
}

// A Double is an event id that is stored twice, in two streams: two servers
// that share a cluster appended it at the same moment. The first keeps the id;
// the server that was second has answered [ledger.ErrIDReused].
type Double struct {
	ID     ledger.ID
	First  uint64 // positions
	Second uint64
}

// A claim is an append under way. Other appends of its ids wait for it, and the
// index hands it what comes in under them.
type claim struct {
	records []ledger.Record // in the order of the drafts; zero until it came
	missing int
	wanted  map[ledger.ID]int
	done    chan struct{} // closed when it is given back
}

// markEvery is how many events lie between two positions that the index knows
// for certain to be those of an event: only from there a cluster reads.
const markEvery = 32

func newIndex(since uint64) *index {
	x := &index{
		at: make(map[ledger.ID]uint64), next: make(map[ledger.StreamID]uint64), claims: make(map[ledger.ID]*claim), looked: since,
	}
	if since > 0 {
		x.marks = []uint64{since}
	}
	return x
}

// A sighting is an event as the index sees it.
type sighting struct {
	event
	name     ledger.StreamID // without the namespace
	position uint64
}

// apply folds one event. It returns false if it was folded before.
func (x *index) apply(s sighting, record func(recorded time.Time) (ledger.Record, error)) (*Double, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.broken != nil {
		return nil, x.broken
	}
	if s.position <= x.head {
		return nil, nil
	}
	own := s.name.Own()
	if own && s.revision != x.next[s.name] {
		x.broken, x.corrupt = gap(s.position, s.name, s.revision, x.next[s.name]), true
		x.wake()
		return nil, x.broken
	}
	x.clock(s, own)
	x.next[s.name] = s.revision + 1
	if x.count%markEvery == 0 {
		x.marks = append(x.marks, s.position)
	}
	x.count++
	x.head, x.headID = s.position, s.id
	x.looked = max(x.looked, s.position)
	defer x.wake()
	if s.id.IsZero() {
		return nil, nil
	}
	if first, ok := x.at[s.id]; ok {
		d := Double{ID: s.id, First: first, Second: s.position}
		x.doubles = append(x.doubles, d)
		return &d, nil
	}
	x.at[s.id] = s.position
	return nil, x.deliver(s, record)
}

// gap is what becomes of a stream of ours that misses a revision.
func gap(position uint64, stream ledger.StreamID, got, due uint64) error {
	return fmt.Errorf("position %d: %w: %s has revision %d where %d is due: events were cut or deleted from it",
		position, ledger.ErrCorrupt, stream, got, due)
}

// clock notes whether the cluster's clock fell or recovered.
func (x *index) clock(s sighting, own bool) {
	last := len(x.falls) - 1
	falling := last >= 0 && x.falls[last].Until == 0
	switch below := s.created.Before(x.top); {
	case below && !falling:
		x.falls = append(x.falls, fall{From: s.position, Top: x.top})
	case !below && own:
		if falling {
			x.falls[last].Until = s.position
		}
		x.top = s.created
	}
}

// recorded returns the recorded time of an event that was folded.
func (x *index) recorded(position uint64, created time.Time) time.Time {
	i, found := slices.BinarySearchFunc(x.falls, position, func(f fall, p uint64) int {
		switch {
		case f.From < p:
			return -1
		case f.From > p:
			return 1
		}
		return 0
	})
	if !found {
		i--
	}
	if i >= 0 && (x.falls[i].Until == 0 || position < x.falls[i].Until) && created.Before(x.falls[i].Top) {
		return x.falls[i].Top
	}
	return created
}

// deliver hands an event to the append that waits for it.
func (x *index) deliver(s sighting, record func(time.Time) (ledger.Record, error)) error {
	c := x.claims[s.id]
	if c == nil {
		return nil
	}
	i := c.wanted[s.id]
	r, err := record(x.recorded(s.position, s.created))
	if err != nil {
		x.broken, x.corrupt = err, true
		return err
	}
	if c.records[i].ID.IsZero() {
		c.missing--
	}
	c.records[i] = r
	return nil
}

// look notes that the cluster has nothing more up to position.
func (x *index) look(position uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.looked = max(x.looked, position)
}

// reach notes that the index has caught up, or why it does not move.
func (x *index) reach(live bool, trouble error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.live = x.live || live
	if x.trouble = trouble; live || trouble != nil {
		x.wake()
	}
}

// stop ends the index for good.
func (x *index) stop(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.broken == nil {
		x.broken = err
	}
	x.wake()
}

func (x *index) wake() {
	if x.changed != nil {
		close(x.changed)
		x.changed = nil
	}
}

// await returns when ready says so, which it does under the lock. It ends early
// with ctx or with the index.
func (x *index) await(ctx context.Context, ready func() bool) error {
	for {
		x.mu.Lock()
		if ready() {
			x.mu.Unlock()
			return nil
		}
		if err := x.broken; err != nil {
			x.mu.Unlock()
			return err
		}
		if x.changed == nil {
			x.changed = make(chan struct{})
		}
		changed, why := x.changed, x.trouble
		x.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			if why == nil {
				why = fmt.Errorf("waiting for the index: %w", context.Cause(ctx))
			}
			return ended(ctx, why)
		}
	}
}

// claim reserves the ids of drafts, waiting for appends that have any of them.
// If some are stored already it reserves nothing and returns their positions, 0
// for those that are not. next is the revision of the stream's next event, as of
// the same moment.
func (x *index) claim(ctx context.Context, stream ledger.StreamID, drafts []ledger.Draft) (c *claim, stored []uint64, next uint64, err error) {
	for {
		x.mu.Lock()
		if x.broken != nil {
			x.mu.Unlock()
			return nil, nil, 0, x.broken
		}
		var busy *claim
		known := false
		stored = make([]uint64, len(drafts))
		for i, d := range drafts {
			stored[i] = x.at[d.ID]
			known = known || stored[i] > 0
			if other := x.claims[d.ID]; other != nil {
				busy = other
			}
		}
		next = x.next[stream]
		switch {
		case known:
			x.mu.Unlock()
			return nil, stored, next, nil
		case busy == nil:
			c = x.reserve(drafts)
			x.mu.Unlock()
			return c, nil, next, nil
		}
		x.mu.Unlock()
		select {
		case <-busy.done:
		case <-ctx.Done():
			return nil, nil, 0, ended(ctx, fmt.Errorf("the same event is on its way: %w", context.Cause(ctx)))
		}
	}
}

func (x *index) reserve(drafts []ledger.Draft) *claim {
	c := &claim{
		records: make([]ledger.Record, len(drafts)), missing: len(drafts),
		wanted: make(map[ledger.ID]int, len(drafts)), done: make(chan struct{}),
	}
	for i, d := range drafts {
		c.wanted[d.ID] = i
		x.claims[d.ID] = c
	}
	return c
}

// giveBack ends a claim. Whoever waited for its ids may go on.
func (x *index) giveBack(c *claim) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for id := range c.wanted {
		delete(x.claims, id)
	}
	close(c.done)
}

// find returns the position of an id, 0 if there is none.
func (x *index) find(id ledger.ID) (uint64, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.at[id], x.broken
}

// length returns how many revisions a stream has, and the head.
func (x *index) length(stream ledger.StreamID) (next, head uint64, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.next[stream], x.head, x.broken
}

// before returns the position of an event below p that is as near as the index
// knows one; 0 if there is none.
func (x *index) before(p uint64) uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	if p > x.head && x.head > 0 {
		return x.head
	}
	i, _ := slices.BinarySearch(x.marks, p)
	if i == 0 {
		return 0
	}
	return x.marks[i-1]
}

// after returns the position of an event above p, near it; 0 if the index knows
// none.
func (x *index) after(p uint64) uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	i, found := slices.BinarySearch(x.marks, p)
	if found {
		i++
	}
	switch {
	case i < len(x.marks):
		return x.marks[i]
	case p < x.head:
		return x.head
	}
	return 0
}

// stamp returns the recorded time of an event; false if it was not folded yet.
func (x *index) stamp(position uint64, created time.Time) (time.Time, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.recorded(position, created), x.head >= position
}
