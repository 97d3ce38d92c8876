package groups

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// A Group is the state of one persistent subscription. It is not safe for
// concurrent use: one goroutine steps it.
type Group struct {
	settings  Settings
	consumers []*consumer // in the order of joining
	turn      int         // whose turn it is; an index into consumers
	free      int         // slots that are free over all consumers

	source, replay track               // what is open, by place
	items          map[ledger.ID]*item // what is open, by id
	seq            uint64

	retries []*item // pushed first, in order of arrival
	replays []*item // then what was read back from the parked stream
	fresh   []*item // then what is new

	deadlines []deadline // of pushes, in order

	checkpoint   uint64 // everything below is written down as done
	checkpointed time.Time
	counted      int    // source.count at the last checkpoint
	moved        bool   // a checkpoint was ever written
	passed       bool   // places were passed since
	unparked     uint64 // replay.mark as last told

	measure measure
	out     []Output
}

// A deadline is when a push must have been answered.
type deadline struct {
	it      *item
	attempt uint64
	at      time.Time
}

// A Start is where a group begins, or goes on.
type Start struct {
	Next         uint64 // first place of the source that is not done
	NextParked   uint64 // first place of the parked stream that was not read back
	Checkpointed bool   // Next is from a checkpoint
}

// New returns a group with these settings that has done everything before
// start.
func New(s Settings, start Start, now time.Time) *Group {
	return &Group{
		settings:     s,
		source:       track{next: start.Next, mark: start.Next},
		replay:       track{next: start.NextParked, mark: start.NextParked},
		items:        map[ledger.ID]*item{},
		checkpoint:   start.Next,
		checkpointed: now,
		moved:        start.Checkpointed,
		unparked:     start.NextParked,
		measure:      measure{since: now},
	}
}

// Step takes what happened at now and returns what the caller owes for it.
// The outputs are the caller's until the next step.
func (g *Group) Step(now time.Time, in Input) []Output {
	g.out = nil
	switch in := in.(type) {
	case Arrived:
		g.arrive(in.Event)
	case Passed:
		g.source.pass(in.At)
		g.passed = true
	case Joined:
		g.join(now, in)
	case Left:
		g.leave(in.Consumer)
	case Acked:
		g.ack(now, in)
	case Nacked:
		g.nack(now, in)
	case Tick:
	case ParkWritten:
		g.parkWritten(in.ID)
	case ParkFailed:
		g.parkFailed(in.ID)
	case Updated:
		g.dropAll(ErrUpdated)
		g.settings = in.Settings
		g.deadlines = nil // all of consumers that are gone
	case Closed:
		g.dropAll(in.Why)
		g.writeCheckpoint(now)
		g.writeUnpark()
		return g.out
	default:
		panic(fmt.Sprintf("groups: unknown input %T", in))
	}
	g.expire(now)
	g.prune()
	g.dispatch(now)
	g.mayCheckpoint(now)
	g.mayUnpark()
	g.check()
	return g.out
}

// Room says how many more new events the group takes now. live is whether the
// reader has reached the end of the source.
func (g *Group) Room(live bool) int {
	if live {
		return max(0, g.settings.LiveBufferSize-len(g.fresh))
	}
	return max(0, g.settings.HistoryBufferSize-len(g.fresh))
}

// RoomForParked says how many more events of the parked stream the group takes
// now.
func (g *Group) RoomForParked() int {
	return max(0, g.settings.HistoryBufferSize-len(g.replays))
}

// Settings returns the rules in force.
func (g *Group) Settings() Settings { return g.settings }

// Untouched reports that nothing of the source has arrived or been passed, so
// that the group may as well begin elsewhere.
func (g *Group) Untouched() bool { return !g.moved && g.source.next == g.checkpoint && g.seq == 0 }

func (g *Group) arrive(e Event) {
	if _, twice := g.items[e.Record.ID]; twice {
		panic("groups: an event arrived while it is still open")
	}
	it := &item{Event: e, seq: g.seq}
	g.seq++
	g.items[e.Record.ID] = it
	if e.Parked {
		g.replay.add(it)
		g.replays = append(g.replays, it)
		return
	}
	g.source.add(it)
	g.fresh = append(g.fresh, it)
}

// finish is the end of an item: acknowledged, skipped, or parked for sure.
func (g *Group) finish(it *item) {
	delete(g.items, it.Record.ID)
	if it.Parked {
		g.replay.finish(it)
	} else {
		g.source.finish(it)
	}
	it.Record, it.Target = ledger.Record{}, nil // the track may keep the item for long
}

// again puts an item where the next push finds it. Earlier events go first.
func (g *Group) again(it *item) {
	it.state = retrying
	at, _ := slices.BinarySearchFunc(g.retries, it.seq, func(o *item, seq uint64) int {
		return cmp.Compare(o.seq, seq)
	})
	g.retries = slices.Insert(g.retries, at, it)
}

// fail is a push that did not lead to an answer, or to a bad one.
func (g *Group) fail(it *item, why string) {
	if it.retries >= g.settings.MaxRetryCount {
		g.park(it, fmt.Sprintf("retried %d times, which is the maximum: %s", it.retries, why))
		return
	}
	it.retries++
	g.again(it)
}

func (g *Group) park(it *item, reason string) {
	it.state = parking
	g.out = append(g.out, Park{Event: it.Event, Reason: reason})
}

func (g *Group) parkWritten(id ledger.ID) {
	if it := g.items[id]; it != nil && it.state == parking {
		g.finish(it)
	}
}

func (g *Group) parkFailed(id ledger.ID) {
	if it := g.items[id]; it != nil && it.state == parking {
		g.again(it)
	}
}

// expire turns pushes that were not answered in time into retries.
func (g *Group) expire(now time.Time) {
	for len(g.deadlines) > 0 {
		d := g.deadlines[0]
		current := d.it.state == flying && d.it.attempt == d.attempt
		if current && d.at.After(now) {
			return
		}
		g.deadlines = g.deadlines[1:]
		if current {
			g.takeBack(d.it)
			g.fail(d.it, "not answered in time")
		}
	}
}

// prune forgets deadlines of what was answered, which pile up behind one that
// was not.
func (g *Group) prune() {
	if len(g.deadlines) > 2*len(g.items)+64 {
		g.deadlines = slices.DeleteFunc(g.deadlines, func(d deadline) bool {
			return d.it.state != flying || d.it.attempt != d.attempt
		})
	}
}

// Next returns the instant at which the group wants a Tick, if any.
func (g *Group) Next() (time.Time, bool) {
	var at time.Time
	if len(g.deadlines) > 0 {
		at = g.deadlines[0].at
	}
	if g.progress() > 0 && g.progress() >= g.settings.MinCheckpointCount {
		if due := g.checkpointed.Add(g.settings.CheckpointAfter); at.IsZero() || due.Before(at) {
			at = due
		}
	}
	return at, !at.IsZero()
}

// progress is the number of events done since the last checkpoint. Where
// places were passed it is enough for one, however few events came through.
func (g *Group) progress() int {
	n := g.source.count - g.counted
	if g.passed && g.source.mark > g.checkpoint {
		n = max(n, g.settings.MinCheckpointCount, 1)
	}
	return n
}

func (g *Group) mayCheckpoint(now time.Time) {
	n := g.progress()
	switch {
	case n == 0:
	case n >= g.settings.MaxCheckpointCount,
		n >= g.settings.MinCheckpointCount && now.Sub(g.checkpointed) >= g.settings.CheckpointAfter:
		g.writeCheckpoint(now)
	}
}

func (g *Group) writeCheckpoint(now time.Time) {
	if g.source.mark <= g.checkpoint {
		return
	}
	g.checkpoint, g.checkpointed, g.counted = g.source.mark, now, g.source.count
	g.moved, g.passed = true, false
	g.out = append(g.out, Checkpoint{At: g.source.mark - 1})
}

// mayUnpark tells how far the parked stream may be cut: when all that was read
// back is done, and in between not for every single event.
func (g *Group) mayUnpark() {
	if len(g.replay.open) == 0 || g.replay.mark-g.unparked >= unparkEvery {
		g.writeUnpark()
	}
}

const unparkEvery = 1000

func (g *Group) writeUnpark() {
	if g.replay.mark > g.unparked {
		g.unparked = g.replay.mark
		g.out = append(g.out, Unpark{Before: g.replay.mark})
	}
}

// check finds our own bugs. It is O(number of consumers).
func (g *Group) check() {
	free := 0
	for _, c := range g.consumers {
		if len(c.held) > c.slots {
			panic("groups: a consumer holds more than it asked for")
		}
		free += c.slots - len(c.held)
	}
	if free != g.free {
		panic("groups: free slots are miscounted")
	}
	if g.checkpoint > g.source.mark {
		panic("groups: a checkpoint covers what is not done")
	}
}
