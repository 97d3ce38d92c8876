package fuse

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// A Jump is one quick change within an unrest. A thing that is put down or
// lifted off changes the weight within a fifth of a second, whereas a hand's own
// force comes and goes more slowly.
type Jump struct {
	At    time.Time
	Grams float64 // after less before
	Sigma float64 // of Grams: a hand rests there meanwhile, and the scale swings
}

const (
	// quick is the time in which a thing's weight comes or goes, and sudden how
	// many grams must change in it: most hands change less.
	quick  = 150 * time.Millisecond
	sudden = 40.0
	// force is how much a quick hand changes the weight in that time at most, and
	// pulse how long it rests before it lets go.
	force = 130.0
	pulse = time.Second
	// swings is how long a scale swings after a jump, and swing how large a part
	// of it the swing is at most. What jumps within blur is not told apart.
	swings = 500 * time.Millisecond
	swing  = 0.4
	blur   = 250 * time.Millisecond
	// valley is how much slower the weight must change between two jumps of one
	// direction: what is put down slowly is one.
	valley = 0.5
	// handy is the spread of a hand's force between before and after a jump, in
	// grams.
	handy = 40.0
	// mostJumps bounds the jumps of an unrest: a shelf that is shaken tells
	// nothing but its weight afterwards.
	mostJumps = 6
)

// jumps finds the jumps of an unrest in its trace, which begins and ends at
// rest; nil if there are more than anybody's hands make.
func jumps(trace []weight, noise float64) []Jump {
	s := speeds(trace)
	var fast []int
	for i, v := range s.grams {
		if math.Abs(v) > max(sudden, 8*noise) {
			fast = append(fast, i)
		}
	}
	slices.SortStableFunc(fast, func(a, b int) int { return cmp.Compare(math.Abs(s.grams[b]), math.Abs(s.grams[a])) })
	var spans []span
	for _, i := range fast {
		k := slices.IndexFunc(spans, func(p span) bool { return s.belongs(i, p.peak) })
		if k < 0 {
			k = len(spans)
			spans = append(spans, span{i, i, i})
		}
		spans[k].first, spans[k].last = min(spans[k].first, i), max(spans[k].last, i)
	}
	if len(spans) > mostJumps {
		return nil
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.peak, b.peak) })
	all := measured(s, spans)
	for i := len(all) - 1; i >= 0; i-- {
		// A hand that came and went.
		if math.Abs(s.grams[spans[i].peak]) < force && math.Abs(all[i].Grams) < sudden {
			all = slices.Delete(all, i, i+1)
		}
	}
	return all
}

// A span is the part of a trace in which the weight jumps.
type span struct{ first, peak, last int }

// A speed says how many grams came in a quick time before each reading.
type speed struct {
	trace []weight
	grams []float64
}

func speeds(trace []weight) speed {
	s := speed{trace, make([]float64, len(trace))}
	k := 0
	for i := 1; i < len(trace); i++ {
		for k+1 < i && trace[i].at.Sub(trace[k+1].at) >= quick {
			k++
		}
		d := trace[i].at.Sub(trace[k].at)
		s.grams[i] = (trace[i].grams - trace[k].grams) / max(1, d.Seconds()/quick.Seconds())
	}
	return s
}

// belongs reports whether what is quick at i is part of the jump at p: its
// swing, the hand that made it, or too near to tell.
func (s speed) belongs(i, p int) bool {
	gap := s.trace[i].at.Sub(s.trace[p].at).Abs()
	here, there := s.grams[i], s.grams[p]
	if gap < blur || gap < swings && math.Abs(here) < swing*math.Abs(there) {
		return true
	}
	if here*there < 0 {
		return math.Abs(here) < force && (gap < swings || gap < pulse && math.Abs(there) < force)
	}
	slowest := math.Inf(1)
	for k := min(i, p); k <= max(i, p); k++ {
		slowest = min(slowest, s.grams[k]*math.Copysign(1, there))
	}
	return slowest > valley*math.Abs(here)
}

// measured returns the jumps of spans: the weight when a scale has swung out
// less that before.
func measured(s speed, spans []span) []Jump {
	all := []Jump{}
	before := make([]float64, len(spans))
	after := make([]float64, len(spans))
	for i, p := range spans {
		from, until := s.trace[p.first].at.Add(-quick), s.trace[p.last].at
		before[i] = level(s.trace, from.Add(-quick), from)
		after[i] = level(s.trace, until.Add(quick), until.Add(2*quick))
	}
	for i := 1; i < len(spans); i++ {
		k := s.between(spans[i-1].peak, spans[i].peak)
		gap := s.trace[spans[i].first].at.Sub(s.trace[spans[i-1].last].at)
		if gap < 4*quick { // no rest: the slowest moment is as good as any
			between := mean(s.trace[max(0, k-2) : k+1])
			after[i-1], before[i] = between, between
		}
	}
	for i, p := range spans {
		half, at := (before[i]+after[i])/2, s.trace[p.peak].at
		for k := max(0, p.peak-4); k <= p.peak; k++ {
			if (s.trace[k].grams > half) == (after[i] > before[i]) {
				at = s.trace[k].at
				break
			}
		}
		g := after[i] - before[i]
		all = append(all, Jump{At: at, Grams: g, Sigma: math.Hypot(handy, 0.05*g)})
	}
	for i := range all[:max(0, len(all)-1)] {
		// What comes before the last has swung out is measured worse.
		gap := all[i+1].At.Sub(all[i].At).Seconds()
		rest := math.Exp(-3*gap/swings.Seconds()) * max(math.Abs(all[i].Grams), math.Abs(all[i+1].Grams))
		all[i].Sigma, all[i+1].Sigma = math.Hypot(all[i].Sigma, rest), math.Hypot(all[i+1].Sigma, rest)
	}
	return all
}

// between returns where the weight changes least between two jumps.
func (s speed) between(a, b int) int {
	slowest := a
	for k := a; k <= b; k++ {
		if math.Abs(s.grams[k]) < math.Abs(s.grams[slowest]) {
			slowest = k
		}
	}
	return slowest
}

// level is the mean weight in a part of a trace, or the one nearest to it.
func level(trace []weight, from, until time.Time) float64 {
	sum, n := 0.0, 0
	for _, w := range trace {
		if !w.at.Before(from) && !w.at.After(until) {
			sum, n = sum+w.grams, n+1
		}
	}
	if n > 0 {
		return sum / float64(n)
	}
	return slices.MinFunc(trace, func(a, b weight) int {
		return cmp.Compare(max(from.Sub(a.at), a.at.Sub(until)), max(from.Sub(b.at), b.at.Sub(until)))
	}).grams
}
