package groups

import (
	"slices"
	"time"
)

// Stats is what a group can tell about itself.
type Stats struct {
	Settings   Settings
	Total      int64 // pushes so far
	SinceLast  int64 // pushes since the last look
	PerSecond  int   // of those
	Checkpoint uint64
	Moved      bool // Checkpoint means something: the group has written one
	Fresh      int  // events ready for their first push
	Retrying   int  // events waiting to be pushed again, or read back from the parked stream
	InFlight   int  // pushed and not answered
	Open       int  // arrived and not done
	Replaying  int  // read back from the parked stream and not done
	Consumers  []ConsumerStats
}

// ConsumerStats is what a group can tell about a consumer.
type ConsumerStats struct {
	Name, User, From string
	Total, SinceLast int64
	PerSecond        int
	Free, InFlight   int
	Latency          []Measurement // with ExtraStatistics
}

// A Measurement is a named number, in milliseconds.
type Measurement struct {
	Key   string
	Value int64
}

// measure counts pushes between two looks.
type measure struct {
	total, looked int64
	since         time.Time
}

func (m *measure) look(now time.Time) (since int64, perSecond int) {
	since = m.total - m.looked
	if d := now.Sub(m.since); d > 0 {
		perSecond = int(float64(since) / d.Seconds())
	}
	m.looked, m.since = m.total, now
	return since, perSecond
}

// Stats returns the figures at now. Rates are since the look before.
func (g *Group) Stats(now time.Time) Stats {
	since, rate := g.measure.look(now)
	s := Stats{
		Settings: g.settings, Total: g.measure.total, SinceLast: since, PerSecond: rate,
		Fresh: len(g.fresh), Retrying: len(g.retries) + len(g.replays),
		Open:      len(g.items),
		Replaying: len(g.replay.open) - g.replay.dones,
	}
	if g.moved {
		s.Checkpoint, s.Moved = g.checkpoint-1, true
	}
	for _, c := range g.consumers {
		since, rate := c.measure.look(now)
		s.InFlight += len(c.held)
		s.Consumers = append(s.Consumers, ConsumerStats{
			Name: c.name, User: c.user, From: c.from,
			Total: c.measure.total, SinceLast: since, PerSecond: rate,
			Free: c.slots - len(c.held), InFlight: len(c.held),
			Latency: c.latencies.summary(),
		})
	}
	return s
}

// latencies keeps the last answers of a consumer.
type latencies struct {
	last []time.Duration
	at   int
}

// keptLatencies is enough for a 99.9th percentile.
const keptLatencies = 1000

func (l *latencies) add(d time.Duration) {
	if len(l.last) < keptLatencies {
		l.last = append(l.last, d)
		return
	}
	l.last[l.at] = d
	l.at = (l.at + 1) % keptLatencies
}

// summary names the figures as the clients know them.
func (l *latencies) summary() []Measurement {
	if len(l.last) == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(l.last))
	var sum time.Duration
	for _, d := range sorted {
		sum += d
	}
	at := func(share float64) int64 {
		return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))].Milliseconds()
	}
	return []Measurement{
		{"Mean", (sum / time.Duration(len(sorted))).Milliseconds()},
		{"Median", at(0.5)},
		{"Fastest", sorted[0].Milliseconds()},
		{"Quintile 1", at(0.2)},
		{"Quintile 2", at(0.4)},
		{"Quintile 3", at(0.6)},
		{"Quintile 4", at(0.8)},
		{"Quintile 5", at(1)},
		{"90%", at(0.90)},
		{"95%", at(0.95)},
		{"99%", at(0.99)},
		{"99.5%", at(0.995)},
		{"99.9%", at(0.999)},
		{"Highest", sorted[len(sorted)-1].Milliseconds()},
	}
}
