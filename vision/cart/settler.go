package cart

import (
	"math"
	"slices"
	"time"

	"github.com/vouchledger/vouch/vision/scale"
)

const (
	// restFor and restWithin say when a weight is at rest: for so long within
	// so many grams.
	restFor    = 600 * time.Millisecond
	restWithin = 6
	restLeast  = 4 // readings

	// newWeight is what a weight at rest must differ by from the last to be
	// another.
	newWeight = 8

	// silentAfter is how long a scale may say nothing.
	silentAfter = 3 * time.Second
)

// A Reading is what a scale says at one moment.
type Reading struct {
	T        time.Duration // since the first
	Grams    int
	Overload bool
}

// ReadReading reads a line of a recorded scale: {"t": 1.25, "grams": 540}, or with
// "overload": true. Grams are rounded. Without t T is below zero.
func ReadReading(line []byte) (Reading, error) { return whole(scale.ReadJSON(line)) }

// ReadLine reads a line of a scale at work: JSON or MT-SICS.
func ReadLine(line []byte) (Reading, error) { return whole(scale.Read(line)) }

func whole(r scale.Reading, err error) (Reading, error) {
	if err != nil {
		return Reading{}, err
	}
	return Reading{T: r.T, Grams: int(math.Round(r.Grams)), Overload: r.Overload}, nil
}

// A Settler turns a scale's readings into weights at rest. Its zero value has
// read nothing and knows no capacity.
type Settler struct {
	Capacity int // grams; 0 is not known

	window []Reading
	last   int
	told   bool
	fault  Fault
	heard  time.Duration
	left   time.Duration
}

// Left returns when the weight began to leave what it rested at before: the last
// moment at which it read that.
func (s *Settler) Left() time.Duration { return s.left }

// See takes the next reading and returns a weight when one comes to rest that
// is another than the last, or a fault when one begins.
func (s *Settler) See(r Reading) (Weighed, bool) {
	s.heard = r.T
	if r.Overload || s.Capacity > 0 && r.Grams > s.Capacity {
		s.window = s.window[:0]
		return s.fails(FaultOverload)
	}
	if s.told && max(r.Grams-s.last, s.last-r.Grams) <= restWithin {
		s.left = r.T
	}
	s.window = append(s.window, r)
	for len(s.window) > 1 && r.T-s.window[1].T >= restFor { // the first is the last that is old enough
		s.window = s.window[1:]
	}
	if len(s.window) < restLeast || r.T-s.window[0].T < restFor {
		return Weighed{}, false
	}
	grams := make([]int, len(s.window))
	for i, w := range s.window {
		grams[i] = w.Grams
	}
	slices.Sort(grams)
	mid := grams[len(grams)/2]
	if grams[len(grams)-1]-mid > restWithin || mid-grams[0] > restWithin {
		return Weighed{}, false
	}
	if s.told && s.fault == FaultNone && max(mid-s.last, s.last-mid) < newWeight {
		return Weighed{}, false
	}
	s.last, s.told, s.fault = mid, true, FaultNone
	return Weighed{Grams: mid}, true
}

// Fault returns what is wrong with the scale, as far as it says so itself.
func (s *Settler) Fault() Fault { return s.fault }

// Silent returns a fault when the scale has said nothing for too long by the
// time at.
func (s *Settler) Silent(at time.Duration) (Weighed, bool) {
	if at-s.heard < silentAfter {
		return Weighed{}, false
	}
	s.window = s.window[:0]
	return s.fails(FaultSilent)
}

func (s *Settler) fails(f Fault) (Weighed, bool) {
	if s.fault == f {
		return Weighed{}, false
	}
	s.fault = f
	return Weighed{Grams: s.last, Fault: f}, true
}
