package walks

import (
	"math/rand/v2"

	"github.com/vouchledger/vouch/vision/planogram"
)

// A Walk is a way over the frames of a clip.
type Walk struct {
	Frames []int
	Plan   planogram.Planogram
}

const (
	// clear is how many frames before a hand comes and after it left the shelf
	// is taken to be at rest.
	clearFrames = 9
	// shyFrames is how long before something leaves, or after it came, a walk
	// turns back at the latest.
	shyFrames = 3
)

// Touches returns a walk in which hands come and touch n times and nothing
// ever leaves its place, or none if the clip's truth does not say when hands
// were there. A hand rests for up to hold frames.
func (c Clip) Touches(seed uint64, n, frames, hold int) (Walk, error) {
	rng := rand.New(rand.NewPCG(seed, 13)) //nolint:gosec // no secret
	if len(c.Reaches) == 0 {
		return Walk{}, nil
	}
	// Before each reach lies a rest; the last one goes on to the end.
	at := rng.IntN(len(c.Reaches) + 1)
	from, to, start := clearFrames, frames-clearFrames, map[string]int(nil)
	if at > 0 {
		from, start = c.Reaches[at-1].Out+clearFrames, c.Reaches[at-1].After
	}
	if at < len(c.Reaches) {
		to = c.Reaches[at].In - clearFrames
	}
	plan, err := c.Plan.WithInitial(start)
	if err != nil {
		return Walk{}, err
	}
	w := Walk{Plan: plan}
	if to <= from {
		return w, nil
	}
	pos := from + rng.IntN(to-from)
	step := func(goal int) {
		for pos != goal {
			if pos < goal {
				pos++
			} else {
				pos--
			}
			w.Frames = append(w.Frames, pos)
		}
	}
	rest := func() { step(from + rng.IntN(to-from)) }
	rest()
	rest()
	for range n {
		switch forward := rng.IntN(2) == 0; {
		case at < len(c.Reaches) && (forward || at == 0):
			step(c.Reaches[at].First - shyFrames - rng.IntN(4))
		default:
			step(c.Reaches[at-1].Last + shyFrames + rng.IntN(4))
		}
		for range rng.IntN(hold + 1) {
			w.Frames = append(w.Frames, pos)
		}
		rest()
	}
	return w, nil
}
