package track

import (
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
	looks  [2]Look // before
	after  [2]Look
	sights [2]int // after
	risk   float64
	at     time.Time // of the greatest risk
	parted time.Time // zero while they are together
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
			if a.State != Tentative && b.State != Tentative && motions[i].at().Distance(motions[j].at()) < near {
				t.begin(a, b, at)
			}
		}
	}
	index := func(k *Track) int { return slices.Index(live, k) }
	t.encounters = slices.DeleteFunc(t.encounters, func(e *encounter) bool {
		i, j := index(e.a), index(e.b)
		if i >= 0 && j >= 0 {
			e.follow([2]int{i, j}, joined, seen, motions, at)
		}
		gone := i < 0 || j < 0 || at.Sub(e.at) > memory
		late := !e.parted.IsZero() && at.Sub(e.parted) > waiting
		if gone || late || (e.sights[0] >= enough && e.sights[1] >= enough) {
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
		a: a, b: b, looks: [2]Look{a.look, b.look}, risk: leastRisk, at: at,
	})
}

// follow notes how ambiguous the joining was, by motion alone, and what the
// two look like once they are apart.
func (e *encounter) follow(at [2]int, joined []int, seen []sighting, motions []motion, now time.Time) {
	box := [2]int{joined[at[0]], joined[at[1]]}
	off := func(k, j int) float64 {
		d, _ := motions[at[k]].off(seen[j])
		return d
	}
	worse := math.Inf(1) // how much worse the exchanged story fits
	switch {
	case box[0] >= 0 && box[1] >= 0:
		worse = off(0, box[1]) + off(1, box[0]) - off(0, box[0]) - off(1, box[1])
	case box[0] >= 0:
		worse = off(1, box[0]) - off(0, box[0])
	case box[1] >= 0:
		worse = off(0, box[1]) - off(1, box[1])
	}
	if risk := 1 / (1 + math.Exp(max(0, worse)/2)); risk > e.risk {
		e.risk, e.at = risk, now
	}
	if motions[at[0]].at().Distance(motions[at[1]].at()) < apart {
		e.parted, e.after, e.sights = time.Time{}, [2]Look{}, [2]int{}
		return
	}
	if e.parted.IsZero() {
		e.parted = now
	}
	for k, j := range box {
		if j >= 0 && !seen[j].hidden {
			e.sights[k]++
			e.after[k] = e.after[k].toward(seen[j].Look, 1/float64(e.sights[k]))
		}
	}
}

// swapped returns the probability that the two were exchanged, by motion and
// by what they look like afterwards.
func (e *encounter) swapped(k Likeness) float64 {
	says := 0.0
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
