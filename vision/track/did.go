package track

import (
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// Did says that something was done at a place and how well that fits each
// visit, and somebody unknown, on a scale up to 1. Stories in which whoever
// stood there is who fits become more probable, and with them what they say of
// all the others.
func (t *Tracker) Did(at time.Time, p Place, fits func(ledger.VisitID) float64, unknown float64) {
	type hand struct {
		stay int
		p    float64
	}
	var hands []hand
	rest := 1.0
	for _, w := range t.Who(at, p) {
		if k := t.find(w.Track); k != nil {
			hands = append(hands, hand{t.cast.current(k, at), w.P})
			rest -= w.P
		}
	}
	t.cast.reweigh(func(h casting) float64 {
		sum := max(0, rest) * unknown
		for _, x := range hands {
			if v := t.cast.visit(h, x.stay); v != "" {
				sum += x.p * fits(v)
			} else {
				sum += x.p * unknown
			}
		}
		return sum
	})
}

// Gone says that nobody of a visit is inside any more.
func (t *Tracker) Gone(visit ledger.VisitID) {
	for _, g := range t.cast.guests {
		if g.visit == visit {
			g.gone = true
		}
	}
}
