package track

import (
	"image"
	"math"
	"slices"
	"time"
)

const (
	// near and apart in metres begin and end a meeting.
	near, apart = 0.7, 1.1
	// enough sightings of each after a meeting tell who is who.
	enough = 4
	// waiting is how long these are waited for.
	waiting = 4 * time.Second
	// leastRisk is how often a tracker exchanges two persons that meet although
	// nothing looked ambiguous.
	leastRisk = 0.002
)

// An encounter is two tracks so near each other that they might be exchanged.
type encounter struct {
	a, b   *Track
	alike  float64   // the probability that they cannot be told apart
	going  [2]motion // before
	began  time.Time
	risk   float64
	at     time.Time // of the greatest risk
	parted time.Time // zero while they are together
	went   [2]motion // when they parted
}

// meeting reports whether a track is near another one, so that its boxes may
// show both.
func (t *Tracker) meeting(k *Track) bool {
	return slices.ContainsFunc(t.encounters, func(e *encounter) bool { return e.a == k || e.b == k })
}

// risked reports whether a track may have been exchanged with another one, and
// it is not known yet.
func (t *Tracker) risked(k *Track) bool {
	return slices.ContainsFunc(t.encounters, func(e *encounter) bool { return e.risk >= risky && (e.a == k || e.b == k) })
}

// meet opens, follows and settles meetings.
func (t *Tracker) meet(live []*Track, joined []int, seen []sighting, motions []motion, at time.Time) {
	for i, a := range live {
		for j := i + 1; j < len(live); j++ {
			b := live[j]
			if a.State == Present && b.State == Present && motions[i].at().Distance(motions[j].at()) < near {
				t.begin(a, b, at)
			}
		}
	}
	index := func(k *Track) int { return slices.Index(live, k) }
	t.encounters = slices.DeleteFunc(t.encounters, func(e *encounter) bool {
		i, j := index(e.a), index(e.b)
		e.follow([2]int{i, j}, joined, seen, motions, t.config.Likeness, at)
		gone := i < 0 || j < 0 || at.Sub(e.at) > memory
		told := func(k *Track) bool { return k.fresh.sights() >= enough || k.State == Left }
		switch {
		case gone, e.risk < risky && !e.parted.IsZero():
		case e.parted.IsZero() && e.risk < risky:
			return false
		case at.Sub(e.at) < waiting && (!told(e.a) || !told(e.b)):
			return false
		case e.parted.IsZero() && at.Sub(e.at) < waiting:
			return false
		}
		t.settle(e)
		return true
	})
}

func (t *Tracker) begin(a, b *Track, at time.Time) {
	for _, e := range t.encounters {
		if e.a == a && e.b == b {
			return
		}
	}
	t.encounters = append(t.encounters, &encounter{
		a: a, b: b, risk: leastRisk, at: at, began: at,
		alike: 1 / (1 + math.Exp(-t.config.Likeness.says(a.look, b.look))),
		going: [2]motion{a.motion.after(at.Sub(a.now).Seconds()), b.motion.after(at.Sub(b.now).Seconds())},
	})
}

// follow notes how ambiguous the joining was, by motion alone, and what the
// two look like once they are apart, or one of them is gone.
func (e *encounter) follow(at [2]int, joined []int, seen []sighting, motions []motion, l Likeness, now time.Time) {
	box := [2]int{-1, -1}
	for k, i := range at {
		if i >= 0 {
			box[k] = joined[i]
		}
	}
	if e.a.State != Present || e.b.State != Present || e.a.At().Distance(e.b.At()) >= apart {
		if e.parted.IsZero() {
			e.parted, e.went = now, [2]motion{e.a.motion, e.b.motion}
		}
	} else {
		e.parted = time.Time{}
		if at[0] >= 0 && at[1] >= 0 {
			e.together(at, box, seen, motions, l, now)
		}
	}
}

// touches reports whether a box shares more than a tenth of itself with
// another one, whose clothes it would show.
func touches(seen []sighting, j int) bool {
	area := func(r image.Rectangle) int { return r.Dx() * r.Dy() }
	return slices.ContainsFunc(seen, func(s sighting) bool {
		in := s.Rect.Intersect(seen[j].Rect)
		return s.Rect != seen[j].Rect && 10*area(in) > area(seen[j].Rect)
	})
}

// risky is the risk in one frame above which what was seen before it no longer
// tells who is who.
const risky = 0.03

// together notes the risk in one frame: how much worse the exchanged story
// fits.
func (e *encounter) together(at, box [2]int, seen []sighting, motions []motion, l Likeness, now time.Time) {
	off := func(k, j int) float64 {
		d, _ := motions[at[k]].off(seen[j].at, seen[j].fine)
		says := l.says([]*Track{e.a, e.b}[k].look, seen[j].Look)
		if seen[j].hidden {
			says /= 2
		}
		return d - 2*says
	}
	worse := math.Inf(1)
	switch {
	case box[0] >= 0 && box[1] >= 0:
		worse = off(0, box[1]) + off(1, box[0]) - off(0, box[0]) - off(1, box[1])
	case box[0] >= 0:
		worse = off(1, box[0]) - off(0, box[0])
	case box[1] >= 0:
		worse = off(0, box[1]) - off(1, box[1])
	}
	risk := 1 / (1 + math.Exp(max(0, worse)/2))
	if risk > e.risk {
		e.risk, e.at = risk, now
	}
	if risk >= risky {
		e.a.fresh, e.b.fresh = nil, nil
	}
}

// passed is how much in nats the ways before and after say that each went on
// as it was going: who walks on in a straight line was not exchanged.
func (e *encounter) passed() float64 {
	if e.parted.IsZero() {
		return 0
	}
	dt := e.parted.Sub(e.began).Seconds()
	fit := func(i, j int) float64 {
		m := e.going[i].after(dt)
		d, det := m.off(e.went[j].at(), e.went[j].spread())
		return d + math.Log(det)
	}
	return max(-maxSays, min(maxSays, (fit(0, 1)+fit(1, 0)-fit(0, 0)-fit(1, 1))/2))
}

// lasting is how often a track that may as well be somebody else's in one frame
// still is when the two have parted: the frames after it put most right, if the
// two can be told apart.
const lasting = 0.1

// swapped returns the probability that the two were exchanged, by motion.
func (e *encounter) swapped() float64 {
	odds := (lasting + (1-lasting)*e.alike) * e.risk / (1 - e.risk) * math.Exp(-e.passed())
	return odds / (1 + odds)
}

// settle splits what is believed by whether the two were exchanged, from the
// moment of the greatest risk on.
func (t *Tracker) settle(e *encounter) {
	if e.risk < risky {
		return
	}
	for _, k := range []*Track{e.a, e.b} {
		if t.cast.now(k) < 0 {
			t.name(t.now)
		}
	}
	t.cast.swap([2]*Track{e.a, e.b}, e.at, e.swapped(), [2]looks{e.a.fresh, e.b.fresh})
	for _, k := range []*Track{e.a, e.b} {
		for _, g := range k.fresh {
			k.look = g.mean
		}
		k.fresh = nil
	}
}

const (
	// beside in metres and together for so long without ever being two in one
	// picture: one person with two tracks.
	beside   = 0.6
	together = 1500 * time.Millisecond
)

// A twin is a pair of tracks that may be one person, because cameras disagree
// about where it stands.
type twin struct {
	a, b  *Track
	since time.Time
}

// twins ends the younger of two tracks that stay in one place and are never
// two boxes of one picture.
func (t *Tracker) twins(live []*Track, joined []int, at time.Time) {
	for i, a := range live {
		for j := i + 1; j < len(live); j++ {
			b := live[j]
			near := a.State == Present && b.State == Present && a.At().Distance(b.At()) < beside
			k := slices.IndexFunc(t.pairs, func(p twin) bool { return p.a == a && p.b == b })
			switch {
			case k >= 0 && (!near || joined[i] >= 0 && joined[j] >= 0):
				t.pairs = slices.Delete(t.pairs, k, k+1)
			case k < 0 && near && (joined[i] >= 0) != (joined[j] >= 0):
				t.pairs = append(t.pairs, twin{a, b, at})
			case k >= 0 && at.Sub(t.pairs[k].since) > together:
				t.pairs = slices.Delete(t.pairs, k, k+1)
				t.merge(a, b)
			}
		}
	}
}

// merge ends b, which was a all along.
func (t *Tracker) merge(a, b *Track) {
	// Nobody comes in twice: the later one's opening lets in one person less.
	for _, o := range t.openings {
		if i := slices.Index(o.through, b); i >= 0 {
			if t.paired(a) {
				o.through = slices.Delete(o.through, i, i+1)
			} else {
				o.through[i] = a
			}
		}
	}
	t.cast.join(a, b, t.now)
	t.due = slices.DeleteFunc(t.due, func(o arrival) bool { return o.track == b && t.cast.now(a) >= 0 })
	for i := range t.due {
		if t.due[i].track == b {
			t.due[i].track = a
		}
	}
	t.encounters = slices.DeleteFunc(t.encounters, func(e *encounter) bool { return e.a == b || e.b == b })
	t.crossings = slices.DeleteFunc(t.crossings, func(c Crossing) bool {
		return c.Track == b.ID && slices.ContainsFunc(t.crossings, func(o Crossing) bool {
			return o.Track == a.ID && o.Gate == c.Gate && o.In == c.In && o.At.Sub(c.At).Abs() < passing
		})
	})
	if b.Seen.After(a.Seen) {
		a.motion, a.now, a.Seen = b.motion, b.now, b.Seen
	}
	t.tracks = slices.DeleteFunc(t.tracks, func(k *Track) bool { return k == b })
}
