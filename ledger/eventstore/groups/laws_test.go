package groups_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/eventstore/groups"
)

// TestMain makes the laws try more than rapid does unless told: a step costs
// nothing here.
func TestMain(m *testing.M) {
	flag.Parse()
	told := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { told[f.Name] = true })
	for name, value := range map[string]string{"rapid.checks": "2000", "rapid.steps": "100"} {
		if !told[name] {
			if err := flag.Set(name, value); err != nil {
				panic(err)
			}
		}
	}
	os.Exit(m.Run())
}

// A world is everything around a group that lasts: the source, the parked
// stream, the last checkpoint; and what the consumers hold. It does what the
// group asks and checks the laws at each step.
type world struct {
	t        *rapid.T
	settings groups.Settings
	g        *groups.Group
	now      time.Time

	source     uint64          // length of the source
	hidden     map[uint64]bool // places that a filter hides
	read       uint64          // next place to arrive
	parked     []uint64        // places in the parked stream, as links to the source
	cut        uint64          // of the parked stream
	replayed   uint64          // next of the parked stream to be read back
	checkpoint int64           // last one written; -1 is none

	pending []groups.Park // links asked for and not yet written
	holds   map[groups.ConsumerID]map[ledger.ID]groups.Event
	slots   map[groups.ConsumerID]int
	due     map[ledger.ID]time.Time // when a push must have been answered
	nextID  groups.ConsumerID

	again  map[uint64]bool // the same for places of the parked stream that were read back
	done   map[uint64]bool // acknowledged, skipped or parked since ever
	pushed map[uint64]int  // pushes since ever
	first  uint64          // lowest place that was not pushed for a first time, since the start
}

func newWorld(t *rapid.T) *world {
	s := groups.Defaults()
	s.Strategy = rapid.SampledFrom(groups.Strategies()).Draw(t, "strategy")
	s.MessageTimeout = time.Duration(rapid.IntRange(0, 3).Draw(t, "timeout")) * time.Second
	s.MaxRetryCount = rapid.IntRange(0, 3).Draw(t, "retries")
	s.MinCheckpointCount = rapid.IntRange(0, 3).Draw(t, "min")
	s.MaxCheckpointCount = s.MinCheckpointCount + rapid.IntRange(1, 4).Draw(t, "max")
	s.CheckpointAfter = time.Duration(rapid.IntRange(0, 2).Draw(t, "after")) * time.Second
	s.HistoryBufferSize = rapid.IntRange(1, 5).Draw(t, "buffer")
	s.LiveBufferSize = s.HistoryBufferSize
	s.ReadBatchSize = 1
	w := &world{
		t: t, settings: s, now: opening, checkpoint: -1,
		hidden: map[uint64]bool{}, done: map[uint64]bool{}, again: map[uint64]bool{}, due: map[ledger.ID]time.Time{}, pushed: map[uint64]int{},
	}
	w.start()
	return w
}

// start begins the group as the server does: behind the checkpoint.
func (w *world) start() {
	w.read = uint64(w.checkpoint + 1)
	w.replayed = w.cut
	w.g = groups.New(w.settings, groups.Start{Next: w.read, NextParked: w.cut, Checkpointed: w.checkpoint >= 0}, w.now)
	w.holds = map[groups.ConsumerID]map[ledger.ID]groups.Event{}
	w.slots = map[groups.ConsumerID]int{}
	w.pending = nil
	w.first = w.read
}

// settled notes that an event is done.
func (w *world) settled(e groups.Event) {
	if e.Parked {
		w.again[e.At] = true
	} else {
		w.done[e.At] = true
	}
}

// place is what an event is about: its place in the source.
func place(e groups.Event) uint64 { return e.Subject().Revision }

func (w *world) step(in groups.Input) {
	for _, o := range w.g.Step(w.now, in) {
		switch o := o.(type) {
		case groups.Push:
			w.push(o)
		case groups.Park:
			w.pending = append(w.pending, o)
		case groups.Checkpoint:
			w.write(o.At)
		case groups.Unpark:
			w.unpark(o.Before)
		case groups.Drop:
			delete(w.holds, o.Consumer)
			delete(w.slots, o.Consumer)
		}
	}
}

func (w *world) push(p groups.Push) {
	held, ok := w.holds[p.Consumer]
	if !ok {
		w.t.Fatalf("push of %d to consumer %d, who is not there", p.Event.At, p.Consumer)
	}
	for id, others := range w.holds {
		if _, has := others[p.Event.Record.ID]; has {
			w.t.Fatalf("event %d is pushed to %d while %d holds it", p.Event.At, p.Consumer, id)
		}
	}
	w.due[p.Event.Record.ID] = w.now.Add(w.settings.MessageTimeout)
	held[p.Event.Record.ID] = p.Event
	if len(held) > w.slots[p.Consumer] {
		w.t.Fatalf("consumer %d holds %d events, asked for %d", p.Consumer, len(held), w.slots[p.Consumer])
	}
	if p.Retries > w.settings.MaxRetryCount {
		w.t.Fatalf("event %d is pushed for the %d. time, at most %d", p.Event.At, p.Retries, w.settings.MaxRetryCount)
	}
	w.pushed[place(p.Event)]++
	if pins := w.settings.Strategy != groups.RoundRobin && w.settings.Strategy != groups.DispatchToSingle; pins || p.Event.Parked {
		return
	}
	for w.hidden[w.first] {
		w.first++
	}
	switch {
	case p.Event.At > w.first:
		w.t.Fatalf("event %d is pushed before event %d was", p.Event.At, w.first)
	case p.Event.At == w.first:
		w.first++
	}
}

// write is a checkpoint that becomes durable. It may cover only what is done.
func (w *world) write(at uint64) {
	if int64(at) <= w.checkpoint {
		w.t.Fatalf("checkpoint %d after checkpoint %d", at, w.checkpoint)
	}
	for p := range at + 1 {
		if !w.done[p] && !w.hidden[p] {
			w.t.Fatalf("checkpoint %d covers event %d, which is not done", at, p)
		}
	}
	w.checkpoint = int64(at)
}

// unpark cuts the parked stream. Each event there must be done again.
func (w *world) unpark(before uint64) {
	if before <= w.cut || before > w.replayed {
		w.t.Fatalf("parked stream is cut before %d; it was cut before %d and read back to %d", before, w.cut, w.replayed)
	}
	for at := w.cut; at < before; at++ {
		if !w.again[at] {
			w.t.Fatalf("parked stream is cut before %d, and event %d there is not done", before, at)
		}
	}
	w.cut = before
}

// forget takes from the consumers what they did not answer in time.
func (w *world) forget() {
	for _, held := range w.holds {
		for id := range held {
			if w.settings.MessageTimeout > 0 && !w.due[id].After(w.now) {
				delete(held, id)
			}
		}
	}
}

// answer picks a consumer and some of what it holds.
func (w *world) answer(t *rapid.T) (groups.ConsumerID, []ledger.ID) {
	who := rapid.SampledFrom(w.consumers(t)).Draw(t, "who")
	var held []ledger.ID
	for id := range w.holds[who] {
		held = append(held, id)
	}
	slices.SortFunc(held, func(a, b ledger.ID) int { return slices.Compare(a[:], b[:]) })
	if len(held) == 0 {
		t.Skip("holds nothing")
	}
	return who, held[:rapid.IntRange(1, len(held)).Draw(t, "of those")]
}

func (w *world) consumers(t *rapid.T) []groups.ConsumerID {
	var all []groups.ConsumerID
	for id := range w.holds {
		all = append(all, id)
	}
	slices.Sort(all)
	if len(all) == 0 {
		t.Skip("nobody there")
	}
	return all
}

func (w *world) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"an event is appended": func(t *rapid.T) {
			if rapid.IntRange(0, 4).Draw(t, "hidden") == 0 {
				w.hidden[w.source] = true
			}
			w.source++
		},
		"the reader reads": func(*rapid.T) { w.readOne() },
		"a consumer joins": func(t *rapid.T) {
			w.nextID++
			slots := rapid.IntRange(1, 3).Draw(t, "slots")
			w.holds[w.nextID], w.slots[w.nextID] = map[ledger.ID]groups.Event{}, slots
			w.step(groups.Joined{Consumer: w.nextID, Slots: slots})
		},
		"a consumer leaves": func(t *rapid.T) {
			who := rapid.SampledFrom(w.consumers(t)).Draw(t, "who")
			delete(w.holds, who)
			delete(w.slots, who)
			w.step(groups.Left{Consumer: who})
		},
		"a consumer acknowledges": func(t *rapid.T) {
			who, ids := w.answer(t)
			w.acknowledge(who, ids)
		},
		"a consumer does not": func(t *rapid.T) {
			who, ids := w.answer(t)
			action := groups.Action(rapid.IntRange(0, 4).Draw(t, "action"))
			for _, id := range ids {
				if action == groups.Skip {
					w.settled(w.holds[who][id])
				}
				delete(w.holds[who], id)
			}
			w.step(groups.Nacked{Consumer: who, IDs: ids, Action: action, Reason: "no"})
		},
		"time passes": func(t *rapid.T) {
			w.now = w.now.Add(time.Duration(rapid.IntRange(1, 4000).Draw(t, "ms")) * time.Millisecond)
			w.forget()
			w.step(groups.Tick{})
		},
		"a link is written": func(t *rapid.T) { w.writeLink(t) },
		"a link cannot be written": func(t *rapid.T) {
			if len(w.pending) == 0 {
				t.Skip("none asked for")
			}
			p := w.pending[0]
			w.pending = w.pending[1:]
			w.step(groups.ParkFailed{ID: p.Event.Record.ID})
		},
		"a parked event is read back": func(t *rapid.T) {
			if w.replayed >= uint64(len(w.parked)) || w.g.RoomForParked() == 0 {
				t.Skip("none parked")
			}
			w.readBack()
		},
		"the settings change": func(*rapid.T) { w.step(groups.Updated{Settings: w.settings}) },
		"the server stops": func(*rapid.T) {
			w.step(groups.Closed{Why: errors.New("stop")})
			w.start()
		},
		"the server dies": func(*rapid.T) { w.start() },
		"": func(*rapid.T) {
			if room := w.g.Room(true); room < 0 || room > w.settings.LiveBufferSize {
				w.t.Fatalf("room for %d events in a buffer of %d", room, w.settings.LiveBufferSize)
			}
		},
	}
}

func (w *world) acknowledge(who groups.ConsumerID, ids []ledger.ID) {
	for _, id := range ids {
		w.settled(w.holds[who][id])
		delete(w.holds[who], id)
	}
	w.step(groups.Acked{Consumer: who, IDs: ids})
}

func (w *world) readOne() {
	if w.read >= w.source || w.g.Room(true) == 0 {
		return
	}
	n := w.read
	w.read++
	if w.hidden[n] {
		w.step(groups.Passed{At: n})
		return
	}
	e := event(n)
	e.Record.Stream = ledger.StreamID(fmt.Sprintf("visit-%d", n%3))
	w.step(groups.Arrived{Event: e})
}

func (w *world) readBack() {
	n := w.replayed
	w.replayed++
	target := event(w.parked[n]).Record
	w.step(groups.Arrived{Event: groups.Event{
		At: n, Parked: true, Link: true, Target: &target,
		Record: ledger.Record{ID: ledger.DeriveID(ledger.ID{2}, fmt.Sprint(n)), Stream: "parked", Revision: n},
	}})
}

func (w *world) writeLink(t *rapid.T) {
	if len(w.pending) == 0 {
		t.Skip("none asked for")
	}
	p := w.pending[0]
	w.pending = w.pending[1:]
	w.parked = append(w.parked, place(p.Event))
	w.settled(p.Event)
	w.step(groups.ParkWritten{ID: p.Event.Record.ID})
}

// settle lets good consumers finish everything and checks that nothing was
// left out.
func (w *world) settle() {
	w.nextID++
	w.holds[w.nextID], w.slots[w.nextID] = map[ledger.ID]groups.Event{}, 3
	w.step(groups.Joined{Consumer: w.nextID, Slots: 3})
	if _, in := w.holds[w.nextID]; !in {
		w.t.Fatal("the last consumer was sent away")
	}
	for range 100_000 {
		before := len(w.pending)
		for len(w.pending) > 0 {
			w.writeLink(w.t)
		}
		acted := before > 0
		for who, held := range w.holds {
			var ids []ledger.ID
			for id := range held {
				ids = append(ids, id)
			}
			if len(ids) > 0 {
				w.acknowledge(who, ids)
				acted = true
			}
		}
		switch {
		case w.replayed < uint64(len(w.parked)) && w.g.RoomForParked() > 0:
			w.readBack()
		case w.read < w.source:
			w.readOne()
		case !acted:
			w.judge()
			return
		}
	}
	w.t.Fatal("the consumers never finish")
}

func (w *world) judge() {
	for n := range w.source {
		if !w.hidden[n] && (w.pushed[n] == 0 || !w.done[n]) {
			w.t.Fatalf("event %d was pushed %d times and is done: %v", n, w.pushed[n], w.done[n])
		}
	}
	if w.cut != uint64(len(w.parked)) {
		w.t.Fatalf("the parked stream is cut before %d, and all of its %d events are done", w.cut, len(w.parked))
	}
	w.step(groups.Closed{Why: errors.New("end")})
	if w.checkpoint+1 != int64(w.source) {
		w.t.Fatalf("last checkpoint is %d, the source has %d events, all done", w.checkpoint, w.source)
	}
}

// TestGroupLaws steps groups through random days, with servers that stop and
// die in between, and checks at each step that no consumer holds too much, that
// order is kept, that no checkpoint and no cut covers what is not done, and at
// the end that every event was pushed and done.
func TestGroupLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		t.Repeat(w.actions())
		w.settle()
	})
}

// TestGroupLawsBite plants faults between group and world and requires that a
// law finds each.
func TestGroupLawsBite(t *testing.T) {
	for name, fault := range map[string]func(w *world){
		"a checkpoint one too far": func(w *world) { w.write(w.read) },
		"a cut of what is not read back": func(w *world) {
			w.unpark(w.replayed + 1)
		},
		"a push to nobody": func(w *world) { w.push(groups.Push{Consumer: 99, Event: event(0)}) },
		"a push too many": func(w *world) {
			w.holds[99], w.slots[99] = map[ledger.ID]groups.Event{}, 0
			w.push(groups.Push{Consumer: 99, Event: event(0)})
		},
		"an event that nobody got": func(w *world) {
			w.source, w.read = w.source+1, w.read+1
			w.settle()
		},
	} {
		t.Run(name, func(t *testing.T) {
			found := false
			rapid.Check(t, func(rt *rapid.T) {
				w := newWorld(rt)
				w.t = nil // Fatalf on a nil T panics, which is what is looked for
				defer func() {
					if recover() != nil {
						found = true
					}
				}()
				fault(w)
			})
			if !found {
				t.Error("no law found it")
			}
		})
	}
}
