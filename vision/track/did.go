package track

import (
	"cmp"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// Did says that something was done at a place and how well that fits each
// visit, and somebody unknown, on a scale up to 1. Stories in which whoever
// stood there is who fits become more probable, and with them what they say of
// all the others.
func (t *Tracker) Did(at time.Time, p Place, others []Act, fits func(ledger.VisitID) float64, unknown float64) {
	type hand struct {
		track *Track
		stay  int
		p     float64
	}
	var hands []hand
	rest := 1.0
	for _, w := range t.Who(at, p, others...) {
		if k := t.find(w.Track); k != nil {
			hands = append(hands, hand{k, t.cast.current(k, at), w.P})
			rest -= w.P
		}
	}
	said := func(h casting) float64 {
		sum := max(0, rest) * unknown
		for _, x := range hands {
			if v := t.cast.visit(h, x.stay); v != "" {
				sum += x.p * fits(v)
			} else {
				sum += x.p * unknown
			}
		}
		return sum
	}
	weights := t.cast.weights()
	if t.cast.expect(weights, said) < odd && len(hands) > 0 {
		most := slices.MaxFunc(hands, func(a, b hand) int { return cmp.Compare(a.p, b.p) })
		t.wonder(most.track, at.Add(-doneAfter))
		for i := range hands {
			hands[i].stay = t.cast.current(hands[i].track, at)
		}
		weights = t.cast.weights()
	}
	t.cast.reweigh(weights, said)
}

// What fits nobody who was believed to stand there fits less than odd; it may be
// that a camera took two persons for each other and nobody noticed.
const (
	odd       = 0.1
	unnoticed = 0.002
	doneAfter = time.Second // the exchange, at least
)

// wonder lets a track have been exchanged for any other one that is in sight.
func (t *Tracker) wonder(k *Track, at time.Time) {
	for _, o := range t.tracks {
		if o != k && o.State == Present && t.cast.now(o) >= 0 {
			t.cast.swap([2]*Track{k, o}, at, unnoticed, [2]looks{})
		}
	}
}

// Gone says that nobody of a visit is inside any more, nor comes back: whoever
// appears from now on is somebody else.
func (t *Tracker) Gone(visit ledger.VisitID) {
	for _, g := range t.cast.guests {
		if g.visit == visit {
			g.gone = true
		}
	}
}
