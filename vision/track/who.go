package track

import (
	"cmp"
	"image"
	"math"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// A Place is where something was taken or put.
type Place struct {
	// Floor is the point on the floor below the slot's front.
	Floor Point
	// Front is the direction a person faces the shelf from, seen from the slot;
	// zero if it can be reached from all sides.
	Front Point
	// In is where cameras see the slot, by their id; a box that reaches there
	// is a hand's.
	In map[string]image.Rectangle
}

// A Weight says how probable it is that a track's person did it.
type Weight struct {
	Track  int
	P      float64
	Belief Belief
}

const (
	// reach is how far in metres a person stands from what they take, and
	// stretch how much that varies.
	reach, stretch = 0.55, 0.3
	// hurry is the speed in m/s at which nobody takes anything.
	hurry = 0.9
	// nobody is the weight of a person that no track stands for, against a
	// track that stands just right.
	nobody = 0.01
	// handPixels is how far a hand's box may end before the slot, as a share of
	// the box's width.
	handShare = 0.25
	// noHand is how probable it is that the box of who takes does not reach the
	// slot.
	noHand = 0.15
)

// Who weighs the tracks by how probable it is that their person reached to a
// place at a moment: how far from it they stood, whether they walked by, and
// whether their box reaches the slot in a camera that sees both. What the
// weights lack of 1 is somebody unseen.
func (t *Tracker) Who(at time.Time, p Place) []Weight {
	var found []Weight
	sum := nobody
	for _, k := range t.tracks {
		if k.State == Tentative {
			continue
		}
		w := k.reached(at, p)
		if w < 1e-6 {
			continue
		}
		sum += w
		found = append(found, Weight{k.ID, w, t.provisional(k, at)})
	}
	for i := range found {
		found[i].P /= sum
	}
	slices.SortStableFunc(found, func(a, b Weight) int { return cmp.Compare(b.P, a.P) })
	return found
}

// reached returns how well a track fits a reach, 1 for just right.
func (k *Track) reached(at time.Time, p Place) float64 {
	m, ok := k.where(at)
	if !ok {
		return 0
	}
	s := m.spread()
	where := m.at()
	d := where.Distance(p.Floor)
	wide := stretch*stretch + max(0, (s.xx+s.yy)/2)
	off := max(0, d-reach)
	w := math.Exp(-off*off/(2*wide)) * math.Sqrt(stretch*stretch/wide)
	if p.Front != (Point{}) && d > 0.2 {
		cos := ((where.X-p.Floor.X)*p.Front.X + (where.Y-p.Floor.Y)*p.Front.Y) / (d * math.Hypot(p.Front.X, p.Front.Y))
		w *= max(0.05, min(1, 0.5+cos))
	}
	speed := math.Hypot(m.x.v, m.y.v)
	w *= math.Exp(-speed * speed / (2 * hurry * hurry))
	return w * k.handed(at, p)
}

// handed weighs whether the track's box reached the slot in a camera that
// sees both.
func (k *Track) handed(at time.Time, p Place) float64 {
	seen, touched := false, false
	for _, m := range k.past {
		slot, ok := p.In[m.camera]
		if gap := m.at.Sub(at); !ok || gap > 400*time.Millisecond || gap < -400*time.Millisecond {
			continue
		}
		seen = true
		grow := int(handShare * float64(m.box.Dx()))
		touched = touched || m.box.Inset(-grow).Overlaps(slot)
	}
	if seen && !touched {
		return noHand
	}
	return 1
}

// provisional is a track's belief at a moment, with the meetings that are not
// settled yet: until it is known who came out of one, both are in doubt.
func (t *Tracker) provisional(k *Track, at time.Time) Belief {
	b := k.believed(at)
	for _, e := range t.encounters {
		if e.a != k && e.b != k || e.at.After(at) {
			continue
		}
		other := e.b
		if e.b == k {
			other = e.a
		}
		b, _ = mix(b, other.believed(at), e.swapped(t.config.Likeness))
	}
	return slices.Clone(b)
}

// Visits sums the weights by visit.
func Visits(weights []Weight) Belief {
	var b Belief
	for _, w := range weights {
		b = b.plus(w.Belief, w.P)
	}
	return b
}

// Persons returns a belief as the readings of a detection, best first: in
// thousandths rounded down, so that they never sum to more than 1000. What
// would round to nothing is left out.
func Persons(b Belief) []ledger.PersonHypothesis {
	var hs []ledger.PersonHypothesis
	for _, s := range b {
		if c := ledger.PerMille(math.Floor(1000*s.P + 1e-9)); c > 0 {
			hs = append(hs, ledger.PersonHypothesis{Visit: s.Visit, Confidence: min(1000, c)})
		}
	}
	slices.SortStableFunc(hs, func(a, b ledger.PersonHypothesis) int { return cmp.Compare(b.Confidence, a.Confidence) })
	return hs[:min(len(hs), ledger.MaxHypotheses)]
}
