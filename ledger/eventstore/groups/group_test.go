package groups_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/eventstore/groups"
)

var opening = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

// event is the n-th event of the till's stream.
func event(n uint64) groups.Event {
	id := ledger.DeriveID(ledger.ID{1}, fmt.Sprint(n))
	return groups.Event{At: n, Record: ledger.Record{ID: id, Stream: "till-7", Revision: n, Position: n + 1}}
}

// of is the n-th event as one of another stream.
func of(stream string, n uint64) groups.Event {
	e := event(n)
	e.Record.Stream = ledger.StreamID(stream)
	return e
}

// A till drives a group by hand and keeps what it said last.
type till struct {
	t   *testing.T
	g   *groups.Group
	now time.Time
	out []groups.Output
}

func newTill(t *testing.T, change func(*groups.Settings)) *till {
	s := groups.Defaults()
	if change != nil {
		change(&s)
	}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	return &till{t: t, g: groups.New(s, groups.Start{}, opening), now: opening}
}

func (c *till) step(in groups.Input) []groups.Output {
	c.out = c.g.Step(c.now, in)
	return c.out
}

func (c *till) arrive(from, to uint64) {
	for n := from; n <= to; n++ {
		c.step(groups.Arrived{Event: event(n)})
	}
}

// says returns the outputs in short.
func says(out []groups.Output) string {
	var parts []string
	for _, o := range out {
		switch o := o.(type) {
		case groups.Push:
			parts = append(parts, fmt.Sprintf("push %d to %d (%d)", o.Event.At, o.Consumer, o.Retries))
		case groups.Park:
			parts = append(parts, fmt.Sprintf("park %d: %s", o.Event.At, o.Reason))
		case groups.Checkpoint:
			parts = append(parts, fmt.Sprintf("checkpoint %d", o.At))
		case groups.Unpark:
			parts = append(parts, fmt.Sprintf("unpark %d", o.Before))
		case groups.Drop:
			parts = append(parts, fmt.Sprintf("drop %d: %v", o.Consumer, o.Why))
		}
	}
	return strings.Join(parts, "; ")
}

func (c *till) wants(want string) {
	c.t.Helper()
	if got := says(c.out); got != want {
		c.t.Errorf("group says %q, want %q", got, want)
	}
}

func ids(ns ...uint64) []ledger.ID {
	var out []ledger.ID
	for _, n := range ns {
		out = append(out, event(n).Record.ID)
	}
	return out
}

// TestBufferSize checks that a consumer gets no more than it has room for, and
// the next one when it has answered.
func TestBufferSize(t *testing.T) {
	c := newTill(t, nil)
	c.step(groups.Joined{Consumer: 1, Slots: 2})
	c.arrive(0, 1)
	c.step(groups.Arrived{Event: event(2)})
	c.wants("")
	c.step(groups.Acked{Consumer: 1, IDs: ids(0)})
	c.wants("push 2 to 1 (0)")
}

// TestTimeout checks that an event that was not answered in time is pushed
// again, and that 0 means that a consumer may take for ever.
func TestTimeout(t *testing.T) {
	c := newTill(t, func(s *groups.Settings) { s.MessageTimeout = 5 * time.Second })
	c.step(groups.Joined{Consumer: 1, Slots: 1})
	c.arrive(0, 0)
	if at, ok := c.g.Next(); !ok || !at.Equal(opening.Add(5*time.Second)) {
		t.Errorf("Next() = %v, %v, want five seconds on", at, ok)
	}
	c.now = c.now.Add(4999 * time.Millisecond)
	c.step(groups.Tick{})
	c.wants("")
	c.now = c.now.Add(time.Millisecond)
	c.step(groups.Tick{})
	c.wants("push 0 to 1 (1)")

	c = newTill(t, func(s *groups.Settings) { s.MessageTimeout = 0 })
	c.step(groups.Joined{Consumer: 1, Slots: 1})
	c.arrive(0, 0)
	c.now = c.now.Add(1000 * time.Hour)
	c.step(groups.Tick{})
	c.wants("")
}

// TestLateAnswer checks that an answer after the time-out still counts, unless
// somebody else has the event by then.
func TestLateAnswer(t *testing.T) {
	c := newTill(t, func(s *groups.Settings) {
		s.MessageTimeout, s.MinCheckpointCount, s.CheckpointAfter = time.Second, 1, 0
	})
	c.step(groups.Joined{Consumer: 1, Slots: 1})
	c.arrive(0, 0)
	c.step(groups.Joined{Consumer: 2, Slots: 1})
	c.arrive(1, 1) // both are full
	c.now = c.now.Add(time.Second)
	c.step(groups.Tick{}) // both time out; turns go on
	c.wants("push 0 to 1 (1); push 1 to 2 (1)")
	c.step(groups.Acked{Consumer: 2, IDs: ids(0)})
	c.wants("") // not its event
	c.step(groups.Acked{Consumer: 1, IDs: ids(0)})
	c.wants("checkpoint 0")
}

// TestParking checks that an event that fails too often is put aside, and that
// no checkpoint passes it before its link is written.
func TestParking(t *testing.T) {
	c := newTill(t, func(s *groups.Settings) {
		s.MaxRetryCount, s.MinCheckpointCount, s.CheckpointAfter = 1, 1, 0
	})
	c.step(groups.Joined{Consumer: 1, Slots: 10})
	c.arrive(0, 1)
	c.step(groups.Nacked{Consumer: 1, IDs: ids(0), Action: groups.Retry, Reason: "printer is out of paper"})
	c.wants("push 0 to 1 (1)")
	c.step(groups.Nacked{Consumer: 1, IDs: ids(0), Action: groups.Unknown, Reason: "still no paper"})
	c.wants("park 0: retried 1 times, which is the maximum: still no paper")
	c.step(groups.Acked{Consumer: 1, IDs: ids(1)})
	c.wants("") // 1 is done, 0 is not
	c.step(groups.ParkWritten{ID: ids(0)[0]})
	c.wants("checkpoint 1")
}

// TestParkFailed checks that an event whose link could not be written is not
// lost.
func TestParkFailed(t *testing.T) {
	c := newTill(t, nil)
	c.step(groups.Joined{Consumer: 1, Slots: 1})
	c.arrive(0, 0)
	c.step(groups.Nacked{Consumer: 1, IDs: ids(0), Action: groups.ParkIt, Reason: "no such product"})
	c.wants("park 0: no such product")
	c.step(groups.ParkFailed{ID: ids(0)[0]})
	c.wants("push 0 to 1 (0)")
}

// TestNackActions checks the actions that do not retry.
func TestNackActions(t *testing.T) {
	c := newTill(t, func(s *groups.Settings) { s.MinCheckpointCount, s.CheckpointAfter = 1, 0 })
	c.step(groups.Joined{Consumer: 1, Slots: 10})
	c.arrive(0, 1)
	c.step(groups.Nacked{Consumer: 1, IDs: ids(0), Action: groups.Skip})
	c.wants("checkpoint 0")
	c.step(groups.Joined{Consumer: 2, Slots: 10})
	c.step(groups.Nacked{Consumer: 1, IDs: ids(1), Action: groups.StopGroup, Reason: "closing time"})
	c.wants("drop 1: consumer stopped itself; push 1 to 2 (1)")
}

// TestLeaving checks that what a consumer held goes to the others, in order.
func TestLeaving(t *testing.T) {
	c := newTill(t, nil)
	c.step(groups.Joined{Consumer: 1, Slots: 3})
	c.arrive(0, 4)
	c.step(groups.Left{Consumer: 1})
	c.wants("")
	c.step(groups.Joined{Consumer: 2, Slots: 4})
	c.wants("push 0 to 2 (1); push 1 to 2 (1); push 2 to 2 (1); push 3 to 2 (0)")
}

// TestMaxSubscribers checks that one consumer too many is sent away, and may
// come when another has left.
func TestMaxSubscribers(t *testing.T) {
	c := newTill(t, func(s *groups.Settings) { s.MaxSubscriberCount = 1 })
	c.step(groups.Joined{Consumer: 1, Slots: 1})
	c.wants("")
	c.step(groups.Joined{Consumer: 2, Slots: 1})
	c.wants("drop 2: group has its maximum of consumers")
	c.step(groups.Left{Consumer: 1})
	c.step(groups.Joined{Consumer: 2, Slots: 1})
	c.wants("")
}

// TestUpdate checks that an update sends everybody away, that nothing that is
// acknowledged comes again, and that it does not count as a retry.
func TestUpdate(t *testing.T) {
	c := newTill(t, func(s *groups.Settings) { s.MaxRetryCount = 0 })
	c.step(groups.Joined{Consumer: 1, Slots: 5})
	c.arrive(0, 2)
	c.step(groups.Acked{Consumer: 1, IDs: ids(1)})
	s := c.g.Settings()
	s.Strategy = groups.DispatchToSingle
	c.step(groups.Updated{Settings: s})
	c.wants("drop 1: group was updated")
	c.step(groups.Joined{Consumer: 2, Slots: 5})
	c.wants("push 0 to 2 (0); push 2 to 2 (0)")
}

// TestCheckpointCounts checks the three settings that say when a checkpoint is
// written.
func TestCheckpointCounts(t *testing.T) {
	c := newTill(t, func(s *groups.Settings) {
		s.MinCheckpointCount, s.MaxCheckpointCount, s.CheckpointAfter = 2, 4, time.Minute
		s.MessageTimeout = 0
	})
	c.step(groups.Joined{Consumer: 1, Slots: 100})
	c.arrive(0, 10)
	c.step(groups.Acked{Consumer: 1, IDs: ids(0)})
	c.now = c.now.Add(time.Hour)
	c.step(groups.Tick{})
	c.wants("") // long ago, but only one
	c.step(groups.Acked{Consumer: 1, IDs: ids(2, 1)})
	c.wants("checkpoint 2") // enough, and long ago
	c.step(groups.Acked{Consumer: 1, IDs: ids(3, 4, 5)})
	c.wants("") // enough, but just now
	c.step(groups.Acked{Consumer: 1, IDs: ids(6)})
	c.wants("checkpoint 6") // the most that may be outstanding
	c.step(groups.Acked{Consumer: 1, IDs: ids(7)})
	c.step(groups.Closed{Why: errors.New("the shop closes")})
	c.wants("drop 1: the shop closes; checkpoint 7")
}

// TestPassed checks that events hidden by a filter do not hold back the
// checkpoint, and never carry it over one that is not done.
func TestPassed(t *testing.T) {
	c := newTill(t, func(s *groups.Settings) { s.CheckpointAfter = 0 })
	c.step(groups.Passed{At: 900})
	c.wants("checkpoint 900")
	c.step(groups.Joined{Consumer: 1, Slots: 1})
	c.step(groups.Arrived{Event: event(901)})
	c.step(groups.Passed{At: 5000})
	c.wants("")
	c.step(groups.Acked{Consumer: 1, IDs: ids(901)})
	c.wants("checkpoint 5000")
}

// TestReplay checks that parked events come again before new ones, and that
// they are cut off the parked stream when they are done and not before.
func TestReplay(t *testing.T) {
	parked := func(n uint64) groups.Event {
		target := event(n).Record
		return groups.Event{
			At: n, Parked: true, Link: true, Target: &target,
			Record: ledger.Record{ID: ledger.DeriveID(ledger.ID{2}, fmt.Sprint(n)), Stream: "parked", Revision: n},
		}
	}
	c := newTill(t, nil)
	c.step(groups.Arrived{Event: parked(0)})
	c.step(groups.Arrived{Event: parked(1)})
	c.arrive(7, 7)
	c.step(groups.Joined{Consumer: 1, Slots: 3})
	c.wants("push 0 to 1 (0); push 1 to 1 (0); push 7 to 1 (0)")
	c.step(groups.Acked{Consumer: 1, IDs: []ledger.ID{parked(1).Record.ID}})
	c.wants("")
	c.step(groups.Acked{Consumer: 1, IDs: []ledger.ID{parked(0).Record.ID}})
	c.wants("unpark 2")
}

// TestStrategies checks who gets what of six events with three consumers that
// take two each.
func TestStrategies(t *testing.T) {
	for _, tt := range []struct {
		strategy groups.Strategy
		want     string
	}{
		{groups.RoundRobin, "1 2 3 1 2 3"},
		{groups.DispatchToSingle, "1 1 2 2 3 3"},
	} {
		c := newTill(t, func(s *groups.Settings) { s.Strategy = tt.strategy })
		var got []string
		for id := range groups.ConsumerID(3) {
			c.step(groups.Joined{Consumer: id + 1, Slots: 2})
		}
		for n := range uint64(6) {
			for _, o := range c.step(groups.Arrived{Event: event(n)}) {
				got = append(got, fmt.Sprint(o.(groups.Push).Consumer))
			}
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s: consumers %s, want %s", tt.strategy, s, tt.want)
		}
	}
}

// TestPinned checks that the events of one visit stay with one consumer, in
// order, that a full consumer does not hold up the others, and that a pin
// moves only when its consumer leaves.
func TestPinned(t *testing.T) {
	c := newTill(t, func(s *groups.Settings) { s.Strategy = groups.Pinned })
	for id := range groups.ConsumerID(4) {
		c.step(groups.Joined{Consumer: id + 1, Slots: 1000})
	}
	home := map[string]groups.ConsumerID{}
	used := map[groups.ConsumerID]bool{}
	n := uint64(0)
	visit := func(v int) (string, groups.ConsumerID) {
		stream := fmt.Sprintf("visit-%d", v)
		out := c.step(groups.Arrived{Event: of(stream, n)})
		n++
		return stream, out[0].(groups.Push).Consumer
	}
	for v := range 200 {
		stream, who := visit(v)
		home[stream], used[who] = who, true
	}
	if len(used) != 4 {
		t.Errorf("200 visits went to %d of 4 consumers", len(used))
	}
	c.step(groups.Left{Consumer: 2})
	for v := range 200 {
		stream, who := visit(v)
		if home[stream] != 2 && who != home[stream] {
			t.Errorf("%s moved from consumer %d to %d, though only 2 left", stream, home[stream], who)
		}
		if who == 2 {
			t.Errorf("%s went to consumer 2, who left", stream)
		}
	}
}

// TestPinnedByCorrelation checks that events of different streams that belong
// together go to one consumer.
func TestPinnedByCorrelation(t *testing.T) {
	c := newTill(t, func(s *groups.Settings) { s.Strategy = groups.PinnedByCorrelation })
	for id := range groups.ConsumerID(4) {
		c.step(groups.Joined{Consumer: id + 1, Slots: 1000})
	}
	who := map[string]groups.ConsumerID{}
	for n := range uint64(100) {
		e := of(fmt.Sprintf("stream-%d", n), n)
		key := fmt.Sprint(n % 10)
		e.Record.Metadata = fmt.Appendf(nil, `{"$correlationId":%q}`, key)
		got := c.step(groups.Arrived{Event: e})[0].(groups.Push).Consumer
		if had, ok := who[key]; ok && had != got {
			t.Errorf("correlation %s went to consumers %d and %d", key, had, got)
		}
		who[key] = got
	}
}

// TestSettings checks that settings under which nothing could move are refused.
func TestSettings(t *testing.T) {
	if err := groups.Defaults().Validate(); err != nil {
		t.Errorf("Defaults().Validate() = %v, want nil", err)
	}
	for name, change := range map[string]func(*groups.Settings){
		"negative timeout":        func(s *groups.Settings) { s.MessageTimeout = -1 },
		"negative retries":        func(s *groups.Settings) { s.MaxRetryCount = -1 },
		"min above max":           func(s *groups.Settings) { s.MinCheckpointCount = 2000 },
		"no checkpoint ever":      func(s *groups.Settings) { s.MinCheckpointCount, s.MaxCheckpointCount = 0, 0 },
		"negative interval":       func(s *groups.Settings) { s.CheckpointAfter = -1 },
		"no live buffer":          func(s *groups.Settings) { s.LiveBufferSize = 0 },
		"no history buffer":       func(s *groups.Settings) { s.HistoryBufferSize = 0 },
		"endless history buffer":  func(s *groups.Settings) { s.HistoryBufferSize = 1 << 30 },
		"batch above the buffer":  func(s *groups.Settings) { s.ReadBatchSize = 501 },
		"negative subscribers":    func(s *groups.Settings) { s.MaxSubscriberCount = -1 },
		"strategy of another day": func(s *groups.Settings) { s.Strategy = "Shuffle" },
	} {
		s := groups.Defaults()
		change(&s)
		if err := s.Validate(); !errors.Is(err, groups.ErrSettings) {
			t.Errorf("%s: Validate() = %v, want ErrSettings", name, err)
		}
	}
}

// TestStats checks the figures for the operator.
func TestStats(t *testing.T) {
	c := newTill(t, func(s *groups.Settings) { s.ExtraStatistics, s.MinCheckpointCount, s.CheckpointAfter = true, 1, 0 })
	c.step(groups.Joined{Consumer: 1, Slots: 3, Name: "kitchen", User: "admin", From: "127.0.0.1:1"})
	c.arrive(0, 4)
	c.now = c.now.Add(2 * time.Second)
	c.step(groups.Acked{Consumer: 1, IDs: ids(0)})
	s := c.g.Stats(c.now)
	if s.Total != 4 || s.SinceLast != 4 || s.PerSecond != 2 || s.InFlight != 3 || s.Fresh != 1 || s.Open != 4 {
		t.Errorf("Stats() = %+v", s)
	}
	if !s.Moved || s.Checkpoint != 0 {
		t.Errorf("Stats() has checkpoint %d, %v, want 0, true", s.Checkpoint, s.Moved)
	}
	k := s.Consumers[0]
	if k.Name != "kitchen" || k.User != "admin" || k.Free != 0 || k.InFlight != 3 || k.Total != 4 {
		t.Errorf("Stats().Consumers[0] = %+v", k)
	}
	if len(k.Latency) != 14 || k.Latency[1] != (groups.Measurement{Key: "Median", Value: 2000}) {
		t.Errorf("Latency = %v, want fourteen figures with a median of 2000 ms", k.Latency)
	}
	if s := c.g.Stats(c.now.Add(time.Second)); s.SinceLast != 0 || s.Total != 4 {
		t.Errorf("second Stats() = %+v, want nothing new", s)
	}
}
