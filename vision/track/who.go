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
	// reach is how far in metres before a slot a person is seen who takes from
	// it, and lean how much that varies: the arm draws what is seen along.
	reach, lean = 0.5, 0.22
	// beside is how far aside they stand, most of them and the others, and aside
	// the share of these.
	straight, stretch, aside = 0.18, 0.45, 0.15
	// hurry is the speed in m/s at which nobody takes anything.
	hurry = 0.9
	// nobody is the weight of a person that no track stands for, against a
	// track that stands just right.
	nobody = 0.003
)

// Who weighs the tracks by how probable it is that their person reached to a
// place at a moment: how far from it they stood, whether they walked by, and
// whether their box reaches the slot in a camera that sees both. What the
// weights lack of 1 is somebody unseen. Others are what else was done then: who
// did that had no hand free.
func (t *Tracker) Who(at time.Time, p Place, others ...Act) []Weight {
	var found []Weight
	supposed := t.supposed(at)
	weights := supposed.weights()
	for _, r := range t.reaches(Act{at, []Place{p}}, others) {
		if r.track != nil {
			found = append(found, Weight{r.track.ID, r.p, supposed.believed(r.track, at, weights)})
		}
	}
	slices.SortStableFunc(found, func(a, b Weight) int { return cmp.Compare(b.P, a.P) })
	return found
}

// reached returns how well a track fits a reach, about 1 for who stands right.
func (k *Track) reached(t *Tracker, at time.Time, p Place) float64 {
	m, ok := k.where(at)
	if !ok {
		return 0
	}
	s, where := m.spread(), m.at()
	more := (s.xx + s.yy) / 2
	dx, dy := where.X-p.Floor.X, where.Y-p.Floor.Y
	// Without a front, how far away; with one, how far aside and before.
	besides, before := 0.0, max(reach, math.Hypot(dx, dy))
	if n := math.Hypot(p.Front.X, p.Front.Y); n > 0 {
		before = (dx*p.Front.X + dy*p.Front.Y) / n
		besides = (dx*p.Front.Y - dy*p.Front.X) / n
	}
	normal := func(d, spread float64) float64 {
		v := spread*spread + more
		return math.Exp(-d*d/(2*v)) * straight / math.Sqrt(v)
	}
	w := ((1-aside)*normal(besides, straight) + aside*normal(besides, stretch)) * normal(before-reach, lean) * lean / straight
	speed := math.Hypot(m.x.v, m.y.v)
	w *= math.Exp(-speed * speed / (2 * hurry * hurry))
	return w * k.handed(t, at, p)
}

// A hand's way, in time: around the moment, and well before and after it.
const (
	moments          = 400 * time.Millisecond
	elseFrom, elseTo = 900 * time.Millisecond, 2500 * time.Millisecond
)

// How much more often somebody's arm is within armsLength in metres of the slot who
// reaches there than somebody's who stands by, and how much where no arm is: as
// cameras over drawn shops saw it.
const (
	anArm, noArm         = 3.4, 0.15
	armsLength, armsBlur = 0.14, 0.02
)

// handed weighs whether the track's arm or, where a camera tells none, its box reached towards the slot in cameras
// that see both: how near it came, and how much nearer than before and after.
func (k *Track) handed(t *Tracker, at time.Time, p Place) float64 {
	says, cameras := 0.0, 0
	for camera, slot := range p.In {
		c, ok := t.cameras[camera]
		if !ok {
			continue
		}
		if arm, ok := k.arm(camera, at, slot); ok && slot.Overlaps(image.Rect(0, 0, c.Width, c.Height)) {
			cameras++
			says += math.Log(noArm + anArm/(1+math.Exp((arm*c.metres(slot)-armsLength)/armsBlur)))
			continue
		}
		var near, apart []float64
		for _, m := range k.past {
			if m.camera != camera {
				continue
			}
			switch d := m.at.Sub(at).Abs(); {
			case d <= moments:
				near = append(near, distance(m.box, slot))
			case d >= elseFrom && d <= elseTo:
				apart = append(apart, distance(m.box, slot))
			}
		}
		if len(near) == 0 {
			continue
		}
		cameras++
		size := c.metres(slot)
		gap := slices.Min(near) * size
		says += math.Log(0.2 + 3.5/(1+math.Exp((gap-0.16)/0.03)))
		if len(apart) > 3 {
			slices.Sort(apart)
			dip := apart[len(apart)/2]*size - gap
			says += math.Log(0.3 + 1.7/(1+math.Exp(-(dip-0.1)/0.03)))
		}
	}
	if cameras == 0 {
		return 1
	}
	return math.Exp(says / float64(cameras))
}

// arm returns how near in pixels an arm that may be the track's came to a slot
// around a moment, and whether the camera tells.
func (k *Track) arm(camera string, at time.Time, slot image.Rectangle) (float64, bool) {
	nearest, told := math.Inf(1), false
	for _, m := range k.past {
		if m.camera != camera || m.hands == nil || m.at.Sub(at).Abs() > moments {
			continue
		}
		told = true
		for _, p := range m.hands {
			dx := max(0, p.X-float64(slot.Max.X), float64(slot.Min.X)-p.X)
			dy := max(0, p.Y-float64(slot.Max.Y), float64(slot.Min.Y)-p.Y)
			nearest = min(nearest, math.Hypot(dx, dy))
		}
	}
	return nearest, told
}

// distance is how far apart two boxes are, in pixels.
func distance(a, b image.Rectangle) float64 {
	dx := max(0, a.Min.X-b.Max.X, b.Min.X-a.Max.X)
	dy := max(0, a.Min.Y-b.Max.Y, b.Min.Y-a.Max.Y)
	return math.Hypot(float64(dx), float64(dy))
}

// metres is how large a pixel is on the floor there.
func (c Camera) metres(r image.Rectangle) float64 {
	mid := Point{float64(r.Min.X+r.Max.X) / 2, float64(r.Min.Y+r.Max.Y) / 2}
	return math.Sqrt(math.Sqrt(c.Floor.spreadAt(mid, 1, 1).det()))
}

// supposed is the cast with who has no name yet, and with the meetings that are
// not settled: until it is known who came out of one, both are in doubt.
func (t *Tracker) supposed(at time.Time) *cast {
	c := t.cast
	ours := func() *cast {
		if c == t.cast {
			c = c.clone()
		}
		return c
	}
	for _, a := range t.due {
		if !a.at.After(at) && a.lasts() && t.cast.now(a.track) < 0 {
			ours().arrive(a)
		}
	}
	for _, e := range t.encounters {
		if e.risk >= risky && !e.at.After(at) {
			ours().swap([2]*Track{e.a, e.b}, e.at, e.swapped(), [2]looks{slices.Clone(e.a.fresh), slices.Clone(e.b.fresh)})
		}
	}
	return c
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
