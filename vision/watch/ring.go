package watch

import "github.com/vouchledger/vouch/vision/cv"

const (
	// denseSeconds is how far back a clip can reach. A hand stays in a slot
	// for two seconds; eight show the approach and the way back.
	denseSeconds = 8.0
	// clipRate is the frames a second of a clip and so of the memory: ten
	// show a hand well, and eight seconds of 640x360 are 55 MB.
	clipRate = 10.0
	// sparseSeconds is the distance of the older frames that are kept for the
	// picture before a long visit of a hand, sparseCount their number.
	sparseSeconds = 2.0
	sparseCount   = 20
)

// kept is a frame in memory with its number.
type kept struct {
	n     int
	frame *cv.Frame
}

// ring keeps the last seconds densely and the time before sparsely.
type ring struct {
	dense, sparse        []kept
	every, size, between int
}

func newRing(fps float64) *ring {
	every := max(1, int(fps/clipRate+0.5))
	return &ring{every: every, size: int(denseSeconds * fps / float64(every)), between: int(sparseSeconds * fps)}
}

// wants reports whether the frame is one the ring keeps.
func (r *ring) wants(n int) bool { return n%r.every == 0 }

// add takes the frame over.
func (r *ring) add(n int, f *cv.Frame) {
	r.dense = append(r.dense, kept{n, f})
	if len(r.dense) <= r.size {
		return
	}
	old := r.dense[0]
	r.dense = append(r.dense[:0], r.dense[1:]...)
	if len(r.sparse) > 0 && old.n < r.sparse[len(r.sparse)-1].n+r.between {
		old.frame.Close()
		return
	}
	r.sparse = append(r.sparse, old)
	if len(r.sparse) > sparseCount {
		r.sparse[0].frame.Close()
		r.sparse = append(r.sparse[:0], r.sparse[1:]...)
	}
}

// at returns the last kept frame not after n, or else the oldest.
func (r *ring) at(n int) *cv.Frame {
	var found *cv.Frame
	for _, part := range [][]kept{r.sparse, r.dense} {
		for _, k := range part {
			if k.n <= n || found == nil {
				found = k.frame
			}
		}
	}
	return found
}

// since returns the dense frames from n on.
func (r *ring) since(n int) []kept {
	for i, k := range r.dense {
		if k.n >= n {
			return r.dense[i:]
		}
	}
	return nil
}

func (r *ring) close() {
	for _, part := range [][]kept{r.sparse, r.dense} {
		for _, k := range part {
			k.frame.Close()
		}
	}
	r.sparse, r.dense = nil, nil
}
