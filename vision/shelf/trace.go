package shelf

import "math"

// trace is how far the base of a cell has differed from its reference since
// it last looked like it.
type trace struct {
	frames []int
	shares []float64
}

// traceLimit bounds a trace: at 15 looks a second these are 40 seconds.
const traceLimit = 600

func (t *trace) add(frame int, share float64) {
	if len(t.frames) == traceLimit {
		t.frames = append(t.frames[:0], t.frames[traceLimit/2:]...)
		t.shares = append(t.shares[:0], t.shares[traceLimit/2:]...)
	}
	t.frames = append(t.frames, frame)
	t.shares = append(t.shares, share)
}

// again adds what was there in the last look.
func (t *trace) again(frame int) {
	if n := len(t.shares); n > 0 {
		t.add(frame, t.shares[n-1])
	}
}

func (t *trace) clear() { t.frames, t.shares = t.frames[:0], t.shares[:0] }

const (
	// liftShare of the final difference is passed when the base leaves the
	// shelf or comes to it: a relative threshold, because a clear bottle
	// differs from the wall far less than a can.
	liftShare = 0.5
	// settleShare is how near the final difference the base is, on the mean
	// of settleLooks, once an item rests. The hand may stay and the light
	// change afterwards, so the first such moment counts.
	settleShare = 0.25
	settleLooks = 4
	// settleWithin bounds the way from coming near to resting, in looks.
	settleWithin = 30
	// restWithin bounds it for an item that is put down: what only then
	// becomes steady is noise, or the hand that goes.
	restWithin = 12
)

// happened finds the frame of the event. It walks back to where the base last
// rose through liftShare of the final difference, and on from there to where
// that difference was first reached and kept: there a returned item rests. A
// taken one left between the rise and the last look that was still different:
// a hand from above bares the base as it lifts, one from below hides it before.
func (t *trace) happened(a Action, after int, final float64) int {
	i := len(t.frames) - 1
	for i > 0 && t.frames[i] > after && t.shares[i-1] >= liftShare*final {
		i--
	}
	if i < 0 {
		return after
	}
	rest, last, found := i, i, false
	for k := i; k < min(i+settleWithin, len(t.frames)-settleLooks); k++ {
		if math.Abs(t.mean(k)-final) > settleShare*final {
			last = k
		} else if !found && k < i+restWithin {
			rest, found = k, true
		}
	}
	if a == Take {
		rest = (i + last) / 2
	}
	return t.frames[rest]
}

// mean returns the mean of settleLooks from k on: single looks are noisy.
func (t *trace) mean(k int) float64 {
	sum := 0.0
	for _, s := range t.shares[k : k+settleLooks] {
		sum += s
	}
	return sum / settleLooks
}
