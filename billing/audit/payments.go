package audit

import (
	"maps"
	"slices"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger"
)

// payments folds every payment stream.
type payments map[ledger.StreamID]*billing.Payment

func (ps payments) apply(e ledger.Event) error {
	if category, _ := e.Stream.Split(); category != ledger.CategoryPayment {
		return nil
	}
	p := ps[e.Stream]
	if p == nil {
		p = &billing.Payment{}
		ps[e.Stream] = p
	}
	return p.Apply(e)
}

// orders checks that orders were given one at a time, each under a key of its
// own, that an outcome answers an order, that nothing moved which the table of
// states does not hold, and that more was never given back of a payment, or
// lost of it, than it took. At the end no order is open that nobody knows of.
func (r *Report) orders(ps payments, over bool) {
	for _, s := range slices.Sorted(maps.Keys(ps)) {
		p := ps[s]
		for _, odd := range p.Odd {
			r.Find("payment", string(s), "%s", odd)
		}
		if p.Refunded.Minor > p.Captured.Minor {
			r.Find("payment", string(s), "%s refunded of %s taken", p.Refunded, p.Captured)
		}
		for _, t := range p.Takings {
			if t.Left() < 0 {
				r.Find("payment", string(s), "%d given back of %s, which took %d", t.Refunded, t.Object, t.Taken)
			}
		}
		if in := p.Open; over && in != nil && in.State != billing.OrderEscalated {
			r.Find("payment", string(s), "is over and %s %s is open", in.Op, in.ID)
		}
	}
}
