package shop

import (
	"cmp"
	"iter"
	"math"
	"slices"

	"github.com/vouchledger/vouch/vision/render/random"
	"github.com/vouchledger/vouch/vision/truth"
)

// scale returns the name of what weighs a slot.
func (s Shelf) scale(slot int) string {
	if s.PerSlot {
		return "scale-" + s.Slots[slot].Name
	}
	return "scale-" + s.Name
}

// Scales returns the names of all scales with the slots they weigh.
func (s Scenario) Scales() (names []string, slots map[string][]string) {
	slots = map[string][]string{}
	for _, sh := range s.Shelves {
		for j, sl := range sh.Slots {
			name := sh.scale(j)
			if slots[name] == nil {
				names = append(names, name)
			}
			slots[name] = append(slots[name], sl.Name)
		}
	}
	return names, slots
}

// A push is what one gesture does to a scale.
type push struct {
	at, release float64 // seconds
	grams       float64 // that stay
	press       float64 // of the hand while it is there; a lifting hand pulls
	bounce      float64
}

// settling is how fast a scale comes to rest after a step, and how it swings,
// in seconds.
const (
	settling = 0.11
	swing    = 0.09
	rest     = 2.5 // after which a step is over
)

// at returns what a push adds at a time.
func (p push) load(t float64) float64 {
	sum := p.press * math.Exp(-sq((t-(p.at+p.release)/2)/(0.12+(p.release-p.at)/2)))
	if d := t - p.at; d > rest {
		sum += p.grams
	} else if d > 0 {
		sum += p.grams * (1 - math.Exp(-d/settling)*math.Cos(d/swing))
		sum += p.bounce * math.Exp(-d/settling) * math.Sin(d/swing)
	}
	return sum
}

func sq(v float64) float64 { return v * v }

// Weights returns the readings of one scale, in order: what lies on it, a
// wandering zero, the hand's own force, the swing after each step and noise,
// rounded to a tenth of a gram.
func (s *Stage) Weights(scale string) iter.Seq[truth.Weight] {
	return func(yield func(truth.Weight) bool) {
		lying, pushes, seed := s.pushes(scale)
		if s.ScaleHz == 0 || seed == 0 {
			return
		}
		zero := random.New(s.Seed, uint64(seed)).Between(-40, 40) //nolint:gosec // positive
		first := 0
		for i := range int(float64(s.frames) / float64(s.FPS) * s.ScaleHz) {
			t := float64(i) / s.ScaleHz
			for first < len(pushes) && t > pushes[first].release+rest+1 {
				lying += pushes[first].grams
				first++
			}
			grams := lying + zero + s.ScaleDrift*s.wander(t, seed) + s.ScaleNoise*gauss(i, seed)
			for _, p := range pushes[first:] {
				if p.at > t+3 {
					break
				}
				grams += p.load(t)
			}
			if !yield(truth.Weight{T: math.Round(1000*t) / 1000, Scale: scale, Grams: math.Round(10*grams) / 10}) {
				return
			}
		}
	}
}

// wander goes slowly up and down, about -1 to 1: over minutes with the warmth
// of the shop, and a little over seconds.
func (s *Stage) wander(t float64, seed int) float64 {
	return 1.7*(random.SmoothGrain(t/95, 0, seed)-0.5) + 0.3*(random.SmoothGrain(t/9, 1, seed)-0.5)
}

// gauss is nearly normal, by adding up.
func gauss(i, seed int) float64 {
	sum := -2.0
	for k := range 4 {
		sum += random.Grain(i, k, seed)
	}
	return sum * math.Sqrt(3)
}

// pushes returns what lies on a scale at first, what hands do to it, and a
// number of its own; 0 if there is no such scale.
func (s *Stage) pushes(scale string) (lying float64, pushes []push, seed int) {
	number := 0
	for i, sh := range s.Shelves {
		for j := range sh.Slots {
			number++
			if sh.scale(j) != scale {
				continue
			}
			if seed == 0 {
				seed = 100 + number
			}
			for _, st := range s.stands[i][j] {
				if st.From == 0 {
					lying += st.Piece.Grams
				}
			}
		}
	}
	for k, g := range s.gestures {
		if s.Shelves[g.Shelf].scale(g.Slot) != scale {
			continue
		}
		p := push{
			at: s.Time(g.At), release: s.Time(g.Release), grams: g.grams(),
			press: mixed(k, 15, 110), bounce: mixed(k+7, -0.2, 0.2) * math.Abs(g.grams()),
		}
		if g.Event == truth.Take {
			p.press *= mixed(k+3, -0.6, 0.5) // some pull, some lean on it
		}
		pushes = append(pushes, p)
	}
	slices.SortStableFunc(pushes, func(a, b push) int { return cmp.Compare(a.at, b.at) })
	return lying, pushes, seed
}

func mixed(i int, lo, hi float64) float64 { return lo + (hi-lo)*random.Grain(i, 5, 77) }
