package track

import (
	"cmp"
	"slices"
	"time"
)

// An Act is something that was done at one of some places.
type Act struct {
	At     time.Time
	Places []Place
}

// A doing is an act as somebody's: of a track, or of nobody's.
type doing struct {
	track *Track
	at    time.Time
	place Place
	p     float64
}

const (
	// atOnce and turn bound the time between two acts at different places. Within
	// the first hardly anybody does both: twoHanded is how often, against two acts
	// that have nothing to do with each other. After the second everybody may.
	atOnce, turn = 700 * time.Millisecond, 1500 * time.Millisecond
	twoHanded    = 0.05
	// onePlace is how far apart in metres places are that one hand reaches at once.
	onePlace = 0.05
	// mostActs at once are weighed together.
	mostActs = 3
)

// reaches weighs whose an act was, given whose others may have been: each track
// that may have done it and nobody, whose weights sum to 1.
func (t *Tracker) reaches(a Act, others []Act) []doing {
	others = slices.DeleteFunc(slices.Clone(others), func(o Act) bool { return o.At.Sub(a.At).Abs() >= turn })
	slices.SortStableFunc(others, func(x, y Act) int { return cmp.Compare(x.At.Sub(a.At).Abs(), y.At.Sub(a.At).Abs()) })
	var also [][]doing
	for _, o := range others[:min(len(others), mostActs)] {
		also = append(also, t.hands(o))
	}
	own, sum := t.hands(a), 0.0
	for i := range own {
		own[i].p *= ways(also, own[i:i+1:i+1])
		sum += own[i].p
	}
	for i := range own {
		own[i].p /= sum
	}
	return own
}

// hands returns who may have done an act, each place of it being as probable.
func (t *Tracker) hands(a Act) []doing {
	all := []doing{{at: a.At, p: nobody}}
	for _, k := range t.tracks {
		if k.State == Tentative {
			continue
		}
		for _, p := range a.Places {
			if w := k.reached(t, a.At, p) / float64(len(a.Places)); w >= 1e-6 {
				all = append(all, doing{k, a.At, p, w})
			}
		}
	}
	return all
}

// ways sums up how probable all ways are in which acts were done, given who did
// those that are chosen.
func ways(acts [][]doing, chosen []doing) float64 {
	if len(acts) == 0 {
		return 1
	}
	sum := 0.0
	for _, r := range acts[0] {
		p := r.p
		for _, c := range chosen {
			p *= both(c, r)
		}
		sum += p * ways(acts[1:], append(chosen, r))
	}
	return sum
}

// both is how probable it is that one person did two things, against two persons.
func both(a, b doing) float64 {
	if a.track == nil || a.track != b.track || a.place.Floor.Distance(b.place.Floor) < onePlace {
		return 1
	}
	apart := float64(a.at.Sub(b.at).Abs()-atOnce) / float64(turn-atOnce)
	return twoHanded + (1-twoHanded)*max(0, min(1, apart))
}
