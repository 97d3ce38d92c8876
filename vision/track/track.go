package track

import (
	"image"
	"slices"
	"time"
)

// A State is what is known of a track's person now.
type State int

// The states.
const (
	Tentative State = iota // seen too few times to be somebody
	Present                // seen a moment ago
	Lost                   // behind somebody, or between cameras
	Left                   // out through a door, or gone for too long
)

// A Track is one person as followed through the shop.
type Track struct {
	ID    int
	State State
	Born  time.Time
	Seen  time.Time // the last time

	hits   int
	motion motion
	now    time.Time // of motion
	look   Look
	of     *Tracker
	fresh  looks // since it may have been exchanged, or before it has a name
	past   []moment
	well   Point // where it was last well on one side of every door
}

// A moment is where a track was.
type moment struct {
	at     time.Time
	motion motion
	camera string
	box    image.Rectangle
	hands  []Point // nil if the camera does not tell arms
}

// memory is how long a track's way is kept: the latest a sensor's reading is
// attributed after the fact.
const memory = 60 * time.Second

// At returns where the person is, on the floor, as last estimated.
func (t *Track) At() Point { return t.motion.at() }

// Belief returns whose visit it may be, as of the last time it was seen.
func (t *Track) Belief() Belief {
	c := t.of.supposed(t.now)
	return c.believed(t, t.now, c.weights())
}

// Box returns where a camera saw the track last, and when.
func (t *Track) Box(camera string) (image.Rectangle, time.Time, bool) {
	for i := len(t.past) - 1; i >= 0; i-- {
		if t.past[i].camera == camera {
			return t.past[i].box, t.past[i].at, true
		}
	}
	return image.Rectangle{}, time.Time{}, false
}

// where returns the motion at a moment: from the sighting before it forwards,
// drawn together with the one after it if there is one.
func (t *Track) where(at time.Time) (motion, bool) {
	i, ok := slices.BinarySearchFunc(t.past, at, func(m moment, at time.Time) int { return m.at.Compare(at) })
	switch {
	case ok:
		return t.past[i].motion, true
	case i == 0:
		if len(t.past) > 0 && t.past[0].at.Sub(at) < time.Second {
			return t.past[0].motion, true // born a moment later
		}
		return motion{}, false
	}
	before := t.past[i-1]
	m := before.motion.after(at.Sub(before.at).Seconds())
	if i == len(t.past) {
		return m, t.State != Left || at.Sub(before.at) < time.Second
	}
	after := t.past[i]
	gap := after.at.Sub(at).Seconds()
	s := after.motion.spread().plus(spread{xx: strolling * gap * gap, yy: strolling * gap * gap})
	return m.see(after.motion.at(), s), true
}

// remember keeps where the track was seen, and forgets what is too long ago.
func (t *Track) remember(m moment) {
	// Cameras are not in step: what comes a little late is put in its place.
	i := len(t.past)
	for i > 0 && t.past[i-1].at.After(m.at) {
		i--
	}
	t.past = slices.Insert(t.past, i, m)
	old := 0
	for old < len(t.past) && m.at.Sub(t.past[old].at) > memory {
		old++
	}
	t.past = t.past[old:]
}

// beside reports whether a picture showed two tracks as two boxes: they are not
// one person.
func (t *Track) beside(o *Track) bool {
	i, j := 0, 0
	for i < len(t.past) && j < len(o.past) {
		switch d := t.past[i].at.Compare(o.past[j].at); {
		case d < 0:
			i++
		case d > 0:
			j++
		default:
			n := j
			for n < len(o.past) && o.past[n].at.Equal(t.past[i].at) {
				if o.past[n].camera == t.past[i].camera {
					return true
				}
				n++
			}
			i++
		}
	}
	return false
}
