package shelf

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

func (t *trace) clear() { t.frames, t.shares = t.frames[:0], t.shares[:0] }

const (
	// liftShare of the final difference is passed when the base leaves the
	// shelf: a relative threshold, because a clear bottle differs from the
	// wall far less than a can.
	liftShare = 0.5
	// settleShare is how near the final difference the base must stay once an
	// item rests.
	settleShare = 0.25
)

// happened finds the frame of the event backwards in the trace: for a take
// where the base last rose through liftShare, for a return where it last
// differed from the rest it came to.
func (t *trace) happened(a Action, after int, final float64) int {
	for i := len(t.frames) - 1; i > 0; i-- {
		if t.frames[i] <= after {
			return t.frames[i]
		}
		if a == Take && t.shares[i-1] < liftShare*final {
			return t.frames[i]
		}
		if a == Return && (t.shares[i-1] < (1-settleShare)*final || t.shares[i-1] > (1+settleShare)*final) {
			return t.frames[i]
		}
	}
	return after
}
