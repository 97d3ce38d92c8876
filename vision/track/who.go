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
	reach, stretch = 0.6, 0.28
	// hurry is the speed in m/s at which nobody takes anything.
	hurry = 0.9
	// nobody is the weight of a person that no track stands for, against a
	// track that stands just right.
	nobody = 0.0005
	// touching is the share of the slot's picture that the box of who takes
	// covers at least.
	touching = 0.15
	// noHand is how probable it is that the box of who takes does not reach the
	// slot: a detector that knows what a standing person looks like leaves the
	// arm out.
	noHand = 0.5
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
	s, where := m.spread(), m.at()
	d := where.Distance(p.Floor)
	wide := stretch*stretch + (s.xx+s.yy)/2
	// Without a front, how far away; with one, how far beside and before.
	off := max(0, d-reach)
	w := math.Exp(-off * off / (2 * wide))
	if n := math.Hypot(p.Front.X, p.Front.Y); n > 0 {
		dx, dy := where.X-p.Floor.X, where.Y-p.Floor.Y
		before := (dx*p.Front.X + dy*p.Front.Y) / n
		besides := (dx*p.Front.Y - dy*p.Front.X) / n
		w = math.Exp(-(besides*besides + (before-reach)*(before-reach)) / (2 * wide))
	}
	w *= stretch * stretch / wide
	speed := math.Hypot(m.x.v, m.y.v)
	w *= math.Exp(-speed * speed / (2 * hurry * hurry))
	return w * k.handed(at, p)
}

// handed weighs whether the track's box reached the slot in a camera that
// sees both.
func (k *Track) handed(at time.Time, p Place) float64 {
	seen, most := false, 0.0
	for _, m := range k.past {
		slot, ok := p.In[m.camera]
		if gap := m.at.Sub(at); !ok || gap > moments || gap < -moments {
			continue
		}
		seen = true
		in := m.box.Intersect(slot)
		most = max(most, float64(in.Dx()*in.Dy())/float64(slot.Dx()*slot.Dy()))
	}
	if !seen {
		return 1
	}
	return noHand + (1-noHand)*min(1, most/touching)
}

// moments before and after, in which a hand's box counts.
const moments = 300 * time.Millisecond

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
