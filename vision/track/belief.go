package track

import (
	"cmp"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// A Share is how probable it is that a person belongs to a visit.
type Share struct {
	Visit ledger.VisitID
	P     float64
}

// A Belief is whose visit a person may belong to. It sums to at most 1; the
// rest is somebody unknown. It is kept in the order of visits.
type Belief []Share

// Of returns how probable visit is.
func (b Belief) Of(visit ledger.VisitID) float64 {
	for _, s := range b {
		if s.Visit == visit {
			return s.P
		}
	}
	return 0
}

// Unknown returns how probable it is that nobody knows the person.
func (b Belief) Unknown() float64 {
	rest := 1.0
	for _, s := range b {
		rest -= s.P
	}
	return max(0, rest)
}

// traces below this are left out, so that beliefs do not grow without end.
const trace = 1e-5

// plus adds a share of another belief.
func (b Belief) plus(o Belief, share float64) Belief {
	sum := slices.Clone(b)
	for _, s := range o {
		p := s.P * share
		if p < trace {
			continue
		}
		i, ok := slices.BinarySearchFunc(sum, s.Visit, func(a Share, v ledger.VisitID) int { return cmp.Compare(a.Visit, v) })
		if ok {
			sum[i].P += p
		} else {
			sum = slices.Insert(sum, i, Share{s.Visit, p})
		}
	}
	return sum
}

// mix returns the beliefs of two tracks that were exchanged with probability
// p. Together they believe of each visit what they believed before.
func mix(a, b Belief, p float64) (Belief, Belief) {
	return Belief(nil).plus(a, 1-p).plus(b, p), Belief(nil).plus(b, 1-p).plus(a, p)
}

// A stage is a belief and since when it holds: what a person did before it
// met another one is not in doubt because of the meeting.
type stage struct {
	from   time.Time
	belief Belief
}

// believed returns the belief at a moment.
func (t *Track) believed(at time.Time) Belief {
	var b Belief
	for i, s := range t.stages {
		if i > 0 && s.from.After(at) {
			break
		}
		b = s.belief
	}
	return b
}

// believe sets the belief from a moment on.
func (t *Track) believe(from time.Time, b Belief) {
	for len(t.stages) > 0 && !t.stages[len(t.stages)-1].from.Before(from) {
		t.stages = t.stages[:len(t.stages)-1]
	}
	t.stages = append(t.stages, stage{from, b})
}
