package fuse

import (
	"math"
	"slices"
	"time"
)

// A Step is a change of weight between two times of rest.
type Step struct {
	Scale string
	// At is when the weight went through the middle between before and after
	// for the last time; From and Until bound the unrest.
	At, From, Until time.Time
	Grams           float64 // after less before
	Sigma           float64 // of Grams, by the scale alone
	Jumps           []Jump  // within the unrest, in order; nil if it is not known how it went
}

// How a scale is read. Readings rest if they stay within a few spreads for
// half a second.
const (
	restFor = 450 * time.Millisecond
	// restless is how many spreads apart resting readings may be.
	restless = 5.5
	// jump is how many spreads a reading must leave the level to be unrest, and
	// least the same in grams: a scale's zero wanders.
	jump  = 4.5
	least = 4.0
	// keep is how much of the past is kept for late readings.
	keep = 20 * time.Second
)

// A Scale finds steps in the readings of one scale. Readings may come twice
// and out of order by up to the lag; they are looked at when the lag is over.
type Scale struct {
	name   string
	noise  float64
	lag    time.Duration
	wait   []weight // not looked at yet, in order
	rest   []weight // the last half second of looked-at readings
	trace  []weight // since unrest began
	level  float64  // mean at rest
	known  bool
	moving bool
	since  time.Time
	seen   time.Time // newest looked at
	late   int
}

type weight struct {
	at    time.Time
	grams float64
}

// NewScale returns a scale whose single readings spread by noise grams. lag is
// how late a reading may come.
func NewScale(name string, noise float64, lag time.Duration) *Scale {
	return &Scale{name: name, noise: max(noise, 0.05), lag: lag}
}

// Weigh takes a reading and returns the steps that have become certain.
func (s *Scale) Weigh(at time.Time, grams float64) []Step {
	if !at.After(s.seen) && !s.seen.IsZero() {
		s.late++
		return nil
	}
	i, found := slices.BinarySearchFunc(s.wait, at, func(w weight, at time.Time) int { return w.at.Compare(at) })
	if found {
		return nil // the same reading again
	}
	s.wait = slices.Insert(s.wait, i, weight{at, grams})
	newest := s.wait[len(s.wait)-1].at
	var steps []Step
	for len(s.wait) > 0 && newest.Sub(s.wait[0].at) >= s.lag {
		if step, ok := s.look(s.wait[0]); ok {
			steps = append(steps, step)
		}
		s.wait = s.wait[1:]
	}
	return steps
}

// Flush looks at everything that waits: no more readings come.
func (s *Scale) Flush() []Step {
	var steps []Step
	for _, w := range s.wait {
		if step, ok := s.look(w); ok {
			steps = append(steps, step)
		}
	}
	s.wait = nil
	return steps
}

// Resting reports whether a scale was read at a moment and did not move: then
// the absence of a step says something.
func (s *Scale) resting(at time.Time) bool {
	return s.known && s.seen.After(at) && (!s.moving || s.since.After(at.Add(time.Second)))
}

func (s *Scale) look(w weight) (Step, bool) {
	s.seen = w.at
	s.rest = append(s.rest, w)
	for len(s.rest) > 1 && w.at.Sub(s.rest[0].at) > restFor {
		s.rest = s.rest[1:]
	}
	still := w.at.Sub(s.rest[0].at) >= restFor*8/10 && spreadOf(s.rest) < restless*s.noise
	switch {
	case !s.known:
		if still {
			s.level, s.known = mean(s.rest), true
		}
		return Step{}, false
	case !s.moving:
		if math.Abs(w.grams-s.level) > max(least, jump*s.noise) {
			s.moving, s.since = true, w.at
			s.trace = append(s.trace[:0], s.rest...)
			return Step{}, false
		}
		s.level += (w.grams - s.level) * 0.08 // follows a wandering zero
		return Step{}, false
	}
	s.trace = append(s.trace, w)
	if w.at.Sub(s.since) > keep { // somebody leans on it: begin anew
		s.since, s.trace = w.at, append(s.trace[:0], w)
	}
	if !still || s.rest[0].at.Before(s.since) {
		return Step{}, false
	}
	return s.settle(w)
}

// settle ends the unrest.
func (s *Scale) settle(w weight) (Step, bool) {
	after := mean(s.rest)
	step := Step{
		Scale: s.name, From: s.since, Until: w.at, Grams: after - s.level,
		Sigma: math.Sqrt(s.noise*s.noise*(1/float64(len(s.rest))+1.0/12) + 0.3*0.3),
		Jumps: jumps(s.trace, s.noise),
	}
	half := (after + s.level) / 2
	step.At = s.since
	for i := len(s.trace) - 1; i > 0; i-- {
		if (s.trace[i].grams > half) != (s.trace[i-1].grams > half) {
			step.At = s.trace[i].at
			break
		}
	}
	s.level, s.moving, s.trace = after, false, s.trace[:0]
	return step, len(step.Jumps) > 0 || math.Abs(step.Grams) > max(least, 3*step.Sigma)
}

func mean(ws []weight) float64 {
	sum := 0.0
	for _, w := range ws {
		sum += w.grams
	}
	return sum / float64(len(ws))
}

func spreadOf(ws []weight) float64 {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, w := range ws {
		lo, hi = min(lo, w.grams), max(hi, w.grams)
	}
	return hi - lo
}
