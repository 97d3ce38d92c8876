package track

import (
	"slices"
	"time"
)

// A stay is a track between two moments in which it may have become somebody
// else's: whoever it is, it is one person.
type stay struct {
	track   *Track
	from    time.Time
	until   time.Time // zero while it lasts
	crossed time.Time // when it came in through a gate; zero if it did not
	out     bool      // it ended through a door
	folded  bool      // what it looks like counts in the castings' logarithms
	looks   looks
}

// open reports whether it may still be added to.
func (s *stay) open() bool { return s.until.IsZero() }

// present reports whether who it is can be seen.
func (s *stay) present() bool { return s.open() && s.track.State == Present }

// looks are what somebody looked like, camera by camera, which each have a
// light and a side of their own.
type looks []glimpses

// glimpses are the mean of what one camera saw.
type glimpses struct {
	camera string
	mean   Look
	n      int
}

// add adds one sighting.
func (l *looks) add(camera string, look Look) {
	if len(look) == 0 {
		return
	}
	i := slices.IndexFunc(*l, func(g glimpses) bool { return g.camera == camera })
	if i < 0 {
		*l = append(*l, glimpses{camera, look, 1})
		return
	}
	g := &(*l)[i]
	g.n++
	g.mean = g.mean.toward(look, 1/float64(g.n))
}

// sights returns how many sightings there were.
func (l looks) sights() int {
	n := 0
	for _, g := range l {
		n += g.n
	}
	return n
}

// settled is how many sightings of each make a look that no longer changes.
const settled = 3.0

// says returns the log of how much more probable two looks are if they are one
// person's: what cameras say that saw both, or where there is none, what
// different ones do.
func (l looks) says(o looks, k Likeness) float64 {
	sum, weight := 0.0, 0.0
	compare := func(a, b glimpses) {
		n := float64(min(a.n, b.n))
		w := n / (n + settled)
		sum, weight = sum+w*w*k.says(a.mean, b.mean), weight+w
	}
	for _, a := range l {
		for _, b := range o {
			if a.camera == b.camera {
				compare(a, b)
			}
		}
	}
	if weight == 0 {
		for _, a := range l {
			for _, b := range o {
				compare(a, b)
			}
		}
	}
	if weight == 0 {
		return 0
	}
	return sum / weight
}
