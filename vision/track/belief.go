package track

import (
	"cmp"
	"slices"

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
