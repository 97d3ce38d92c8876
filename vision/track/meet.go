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
	looks  [2]Look   // before
	going  [2]motion // before
	began  time.Time
	after  [2]Look
	sights [2]int // after
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
		e.follow([2]int{i, j}, joined, seen, motions, at)
		gone := i < 0 && j < 0 || at.Sub(e.at) > memory
		late := !e.parted.IsZero() && at.Sub(e.parted) > waiting
		need := enough
		if e.parted.IsZero() {
			need = 3 * enough // still together: they are looked at longer
		}
		told := func(k *Track, sights int) bool { return sights >= need || k.State == Left }
		if gone || late || told(e.a, e.sights[0]) && told(e.b, e.sights[1]) {
			t.settle(e)
			return true
		}
		return false
	})
}

func (t *Tracker) begin(a, b *Track, at time.Time) {
	for _, e := range t.encounters {
		if e.a == a && e.b == b {
			return
		}
	}
	t.encounters = append(t.encounters, &encounter{
		a: a, b: b, looks: [2]Look{a.look, b.look}, risk: leastRisk, at: at, began: at,
		going: [2]motion{a.motion.after(at.Sub(a.now).Seconds()), b.motion.after(at.Sub(b.now).Seconds())},
	})
}

// follow notes how ambiguous the joining was, by motion alone, and what the
// two look like once they are apart, or one of them is gone.
func (e *encounter) follow(at [2]int, joined []int, seen []sighting, motions []motion, now time.Time) {
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
			e.together(at, box, seen, motions, now)
		}
	}
	for k, j := range box {
		if j >= 0 && !seen[j].hidden && !touches(seen, j) {
			e.sights[k]++
			e.after[k] = e.after[k].toward(seen[j].Look, 1/float64(e.sights[k]))
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
const risky = 0.1

// together notes the risk in one frame: how much worse the exchanged story
// fits.
func (e *encounter) together(at, box [2]int, seen []sighting, motions []motion, now time.Time) {
	off := func(k, j int) float64 {
		d, _ := motions[at[k]].off(seen[j].at, seen[j].fine)
		return d
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
	if risk > risky {
		e.after, e.sights = [2]Look{}, [2]int{}
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

// swapped returns the probability that the two were exchanged, by motion and
// by what they look like afterwards.
func (e *encounter) swapped(k Likeness) float64 {
	says := e.passed()
	for i := range 2 {
		if e.sights[i] > 0 {
			says += k.says(e.looks[i], e.after[i]) - k.says(e.looks[1-i], e.after[i])
		}
	}
	says = max(-maxSays, min(maxSays, says))
	odds := e.risk / (1 - e.risk) * math.Exp(-says)
	return odds / (1 + odds)
}

// settle mixes the beliefs of two tracks by the probability that they were
// exchanged, from the moment of the greatest risk on.
func (t *Tracker) settle(e *encounter) {
	p := e.swapped(t.config.Likeness)
	a, b := mix(e.a.believed(e.a.now), e.b.believed(e.b.now), p)
	e.a.believe(e.at, a)
	e.b.believe(e.at, b)
	for i, k := range []*Track{e.a, e.b} {
		if e.sights[i] > 0 {
			k.look = e.after[i]
		}
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

// merge ends b, which was a all along. Of the two beliefs the surer one holds:
// a track that was born beside a person knows nothing.
func (t *Tracker) merge(a, b *Track) {
	known := func(k *Track) float64 { return 1 - k.believed(k.now).Unknown() }
	surer := a
	if known(b) > known(a) {
		surer, a.stages = b, b.stages
	}
	// Nobody comes in twice: the opening of the one that is less sure lets in
	// one person less.
	leaves := a
	if surer == a && t.paired(a) {
		leaves = b
	}
	for _, o := range t.openings {
		if i := slices.Index(o.through, leaves); i >= 0 && (leaves == b || t.paired(b)) {
			o.through = slices.Delete(o.through, i, i+1)
			o.share()
		}
	}
	for _, o := range t.openings {
		if i := slices.Index(o.through, b); i >= 0 {
			o.through[i] = a
			o.share()
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
