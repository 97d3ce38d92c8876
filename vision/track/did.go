package track

import (
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// Did says that something was done at a place and how well that fits each
// visit, and somebody unknown, on a scale up to 1. Whoever probably stood there
// is believed to be who fits; and because a person is only one of those who
// came in, the others are believed to be who is left.
func (t *Tracker) Did(at time.Time, p Place, fits func(ledger.VisitID) float64, unknown float64) {
	for _, w := range t.Who(at, p) {
		k := t.find(w.Track)
		if k == nil || w.P < 0.5 {
			continue // it may as well have been somebody else
		}
		before := k.believed(k.now)
		k.reweigh(at, func(v ledger.VisitID) float64 { return 1 - w.P + w.P*fits(v) }, 1-w.P+w.P*unknown)
		t.yield(k, at, before)
	}
}

// reweigh multiplies what is believed from the stage at a moment on.
func (k *Track) reweigh(at time.Time, by func(ledger.VisitID) float64, unknown float64) {
	for i := range k.stages {
		if i+1 < len(k.stages) && !k.stages[i+1].from.After(at) {
			continue // it was over by then
		}
		b := k.stages[i].belief
		sum := b.Unknown() * unknown
		for _, s := range b {
			sum += s.P * by(s.Visit)
		}
		if sum <= 0 {
			continue
		}
		var next Belief
		for _, s := range b {
			if q := s.P * by(s.Visit) / sum; q >= trace {
				next = append(next, Share{s.Visit, q})
			}
		}
		k.stages[i].belief = next
	}
}

// yield lets the other tracks make room for what is believed of k now, and take
// what it is not believed to be any more. Of a visit of several persons there
// is more than one, and nothing follows.
func (t *Tracker) yield(k *Track, at time.Time, before Belief) {
	after := k.believed(k.now)
	ratio := func(v ledger.VisitID) float64 {
		if t.party(v) != 1 {
			return 1
		}
		return (1 - after.Of(v) + trace) / (1 - before.Of(v) + trace)
	}
	for _, o := range t.tracks {
		if o != k && o.State != Tentative {
			o.reweigh(at, ratio, 1)
		}
	}
}

// party returns how many persons came in on a visit, 0 if no opening is known.
func (t *Tracker) party(v ledger.VisitID) int {
	n := 0
	for _, o := range t.openings {
		if o.Visit == v {
			n += o.Party
		}
	}
	return n
}
