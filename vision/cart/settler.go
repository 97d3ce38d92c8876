package cart

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
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

// ReadReading reads a line of a scale: {"t": 1.25, "grams": 540}, or with
// "overload": true. Grams may have a fraction. Without t, which only a
// recording needs, T is below zero.
func ReadReading(line []byte) (Reading, error) {
	var r struct {
		T        *float64 `json:"t"`
		Grams    *float64 `json:"grams"`
		Overload bool     `json:"overload"`
	}
	dec := json.NewDecoder(strings.NewReader(string(line)))
	dec.DisallowUnknownFields()
	switch err := dec.Decode(&r); {
	case err != nil:
		return Reading{}, fmt.Errorf("%w: %w", ErrReading, err)
	case r.T != nil && !(*r.T >= 0 && *r.T <= 1e6):
		return Reading{}, fmt.Errorf("%w: it is of %g s", ErrReading, *r.T)
	case r.Grams == nil && !r.Overload:
		return Reading{}, fmt.Errorf("%w: no weight in it", ErrReading)
	}
	out := Reading{T: -1, Overload: r.Overload}
	if r.T != nil {
		out.T = time.Duration(*r.T * float64(time.Second))
	}
	if r.Grams != nil {
		if math.Abs(*r.Grams) > ledger.MaxCartGrams {
			return Reading{}, fmt.Errorf("%w: %g g", ErrReading, *r.Grams)
		}
		out.Grams = int(math.Round(*r.Grams))
	}
	return out, nil
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
