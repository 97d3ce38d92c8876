package walks

import (
	"math/rand/v2"

	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/planogram"
	"github.com/vouchledger/vouch/vision/score"
)

// A Walk is a way over the frames of a clip.
type Walk struct {
	Frames []int
	Plan   planogram.Planogram
	// Events are what happens in it, at frames of the walk.
	Events []Event
}

// Truth returns what happens in the walk at a frame rate.
func (w Walk) Truth(rate cv.Rate) []score.Event {
	var truth []score.Event
	for _, e := range w.Events {
		truth = append(truth, score.Event{Slot: e.Slot, Action: e.Action, T: rate.Seconds(e.Frame)})
	}
	return truth
}

// A Way says what hands do in a walk.
type Way struct {
	// Moves is how often a hand comes.
	Moves int
	// Touch is the share of them that only touch; with 1 nothing ever leaves
	// its place.
	Touch float64
	// Hold is for how many frames a touching hand rests at the most.
	Hold int
	// AtHand begins with a hand that rests in the picture.
	AtHand bool
}

const (
	// clear is how many frames before a hand comes and after it left the shelf
	// is taken to be at rest.
	clearFrames = 9
	// shyFrames is how long before something leaves, or after it came, a walk
	// turns back at the latest.
	shyFrames = 3
)

// Walk returns a walk over a film of so many frames, or none if the clip's
// truth does not say when hands were there.
func (c Clip) Walk(seed uint64, way Way, frames int) (Walk, error) {
	if len(c.Reaches) == 0 {
		return Walk{}, nil
	}
	w := walker{clip: c, rng: rand.New(rand.NewPCG(seed, 13)), frames: frames} //nolint:gosec // no secret
	w.at = w.rng.IntN(len(c.Reaches) + 1)
	start := map[string]int(nil)
	if w.at > 0 {
		start = c.Reaches[w.at-1].After
	}
	plan, err := c.Plan.WithInitial(start)
	if err != nil {
		return Walk{}, err
	}
	w.Plan = plan
	for at := range len(c.Reaches) + 1 {
		if from, to := w.still(at); to <= from && (at == w.at || way.Touch < 1) {
			return Walk{Plan: plan}, nil // hands are never gone
		}
	}
	w.walk(way)
	return w.Walk, nil
}

// walker is a walk on its way: between the reaches at-1 and at, in frame pos.
type walker struct {
	Walk
	clip            Clip
	rng             *rand.Rand
	frames, at, pos int
}

// still returns the frames before a reach in which the shelf is at rest. After
// the last reach that is to the end.
func (w *walker) still(at int) (from, to int) {
	from, to = clearFrames, w.frames-clearFrames
	if at > 0 {
		from = w.clip.Reaches[at-1].Out + clearFrames
	}
	if at < len(w.clip.Reaches) {
		to = w.clip.Reaches[at].In - clearFrames
	}
	return from, to
}

func (w *walker) walk(way Way) {
	from, to := w.still(w.at)
	w.pos = from + w.rng.IntN(to-from)
	if way.AtHand {
		w.pos = w.near(w.forward())
		w.hold(1 + way.Hold)
	}
	w.rest()
	w.rest()
	for range way.Moves {
		forward := w.forward()
		switch {
		case way.Touch >= 1 || way.Touch > 0 && w.rng.Float64() < way.Touch:
			w.step(w.near(forward))
			w.hold(w.rng.IntN(way.Hold + 1))
		case forward:
			w.at++
		default:
			w.at--
		}
		w.rest()
	}
}

// forward chooses the reach after this rest, or else the one before it.
func (w *walker) forward() bool {
	forward := w.rng.IntN(2) == 0
	return w.at < len(w.clip.Reaches) && (forward || w.at == 0)
}

// near returns a frame of a reach next to this rest in which a hand is there
// and nothing has left its place.
func (w *walker) near(forward bool) int {
	if forward {
		return w.clip.Reaches[w.at].First - shyFrames - w.rng.IntN(4)
	}
	return w.clip.Reaches[w.at-1].Last + shyFrames + w.rng.IntN(4)
}

// rest goes to some frame of the rest.
func (w *walker) rest() {
	from, to := w.still(w.at)
	w.step(from + w.rng.IntN(to-from))
}

func (w *walker) hold(n int) {
	for range n {
		w.Frames = append(w.Frames, w.pos)
	}
}

// step goes frame by frame and notes what happens on the way.
func (w *walker) step(goal int) {
	for w.pos < goal {
		w.pos++
		w.pass(w.pos, false)
		w.hold(1)
	}
	for w.pos > goal {
		w.pass(w.pos, true)
		w.pos--
		w.hold(1)
	}
}

// pass notes the events of a frame of the clip, as they are seen backwards.
func (w *walker) pass(frame int, backwards bool) {
	for _, r := range w.clip.Reaches {
		for _, e := range r.Events {
			if e.Frame != frame {
				continue
			}
			if backwards {
				e.Action = map[string]string{"take": "return", "return": "take"}[e.Action]
			}
			e.Frame = len(w.Frames)
			w.Events = append(w.Events, e)
		}
	}
}
