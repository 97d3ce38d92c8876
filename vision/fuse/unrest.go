package fuse

import (
	"cmp"
	"math"
	"slices"
	"time"
)

const (
	// likeliest bounds the explanations of a jump, and ways those of the jumps
	// before it, that are followed up.
	likeliest, ways = 16, 256
	// rough is how often a hand that moves nothing is quick enough for a jump.
	rough = 0.1
	// atOnce is how often two moves in one unrest jump as one.
	atOnce = 0.1
)

// unrest lists what may have happened in an unrest of several jumps: each has an
// explanation of its own, and the scale's step weighs them together.
func (f *Fuser) unrest(m moment) []hypothesis {
	all := []hypothesis{{}}
	for k, j := range m.step.Jumps {
		slices.SortStableFunc(all, likelier)
		all = all[:min(len(all), ways)]
		var next []hypothesis
		for _, e := range f.explain(m, k, j) {
			for _, h := range all {
				next = append(next, hypothesis{
					moves: slices.Concat(h.moves, e.moves), base: h.base + e.base, guess: h.guess + e.guess,
				})
			}
		}
		all = next
	}
	return f.slowly(m, all)
}

// slowly adds what may have moved besides without a jump.
func (f *Fuser) slowly(m moment, all []hypothesis) []hypothesis {
	slices.SortStableFunc(all, likelier)
	var slow []hypothesis
	for _, a := range f.moves(m) {
		if !a.plausible() {
			continue
		}
		a.jump = -1
		h := hypothesis{moves: []*move{a}, base: math.Log(f.config.Prior.Second) + smooth(a.grams)}
		h.guess = h.base + math.Log(a.prior) + a.tags + a.person + f.witnessed(m, a)
		slow = append(slow, h)
	}
	slices.SortStableFunc(slow, likelier)
	few := all[:min(len(all), likeliest)]
	for _, e := range slow[:min(len(slow), likeliest)] {
		for _, h := range few {
			all = append(all, hypothesis{moves: slices.Concat(h.moves, e.moves), base: h.base + e.base})
		}
	}
	return all
}

// smooth is the logarithm of how probable it is that a thing of a weight comes
// or goes without a jump.
func smooth(grams float64) float64 {
	return max(math.Log(0.02), min(0, (sudden-math.Abs(grams))/20))
}

func likelier(a, b hypothesis) int { return cmp.Compare(b.guess, a.guess) }

// explain lists the likeliest explanations of a jump: a hand that moved
// nothing, one move, or two.
func (f *Fuser) explain(m moment, k int, j Jump) []hypothesis {
	at := m
	at.at, at.claims = j.At, nil
	for i, o := range m.step.Jumps {
		if i != k {
			at.others = append(slices.Clip(at.others), Act{o.At, ids(m.slots)})
		}
	}
	moves := f.moves(at)
	for _, a := range moves {
		a.jump = k
	}
	lean := f.config.Sensors.Lean
	nothing := math.Log(rough*f.config.Prior.Nothing) - math.Abs(j.Grams)/lean - math.Log(2*lean)
	all := []hypothesis{{base: nothing, guess: nothing}}
	for _, a := range moves {
		all = append(all, hypothesis{moves: []*move{a}})
	}
	all = append(all, pairs(moves)...)
	for i := range all[1:] {
		h := &all[1+i]
		grams, variance := 0.0, j.Sigma*j.Sigma
		for _, a := range h.moves {
			grams, variance = grams+a.grams, variance+a.spread
			h.guess += math.Log(a.prior) + a.tags + a.person + f.witnessed(m, a)
		}
		h.base = f.normal(j.Grams-grams, variance) + float64(len(h.moves)-1)*math.Log(f.config.Prior.Second)
		h.guess += h.base
	}
	slices.SortStableFunc(all, likelier)
	return all[:min(len(all), likeliest)]
}

// unseen is the logarithm of how probable it is that moves show no jump: one
// by one, or because two at once show only their difference.
func unseen(moves []*move) float64 {
	each, sum := 0.0, 0.0
	for _, a := range moves {
		each, sum = each+smooth(a.grams), sum+a.grams
	}
	if len(moves) == 2 {
		return max(each, math.Log(atOnce)+smooth(sum))
	}
	return each
}

// witnessed is what cameras say of one move for itself.
func (f *Fuser) witnessed(m moment, a *move) float64 {
	if !a.slot.Watched {
		return 0
	}
	best := math.Log(1 - f.config.Sensors.Found)
	for _, c := range m.claims {
		if c.Slot == a.slot.ID {
			best = max(best, math.Log(f.config.Sensors.Found)+f.agrees(c, a))
		}
	}
	return best
}

// towards is how far in time a claim is from the nearest jump of its direction,
// or from the middle of a step without any.
func (s Step) towards(at time.Time, take bool) (gap time.Duration, fits bool) {
	if len(s.Jumps) < 2 {
		return at.Sub(s.At).Abs(), (s.Grams < 0) == take
	}
	gap = -1
	for _, j := range s.Jumps {
		if d := at.Sub(j.At).Abs(); (j.Grams < 0) == take && (gap < 0 || d < gap) {
			gap, fits = d, true
		}
	}
	if !fits {
		gap = at.Sub(s.At).Abs()
	}
	return gap, fits
}
