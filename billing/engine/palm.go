package engine

import (
	"context"
	"fmt"

	"github.com/vouchledger/vouch/ledger"
)

// EnrolPalm records that a shopper agreed to be known by a palm, in the
// shopper's stream. It fills in the jurisdiction of the shop's policy; where the
// policy names none, palms are off: [ErrPalmOff].
func (d *Desk) EnrolPalm(ctx context.Context, m ledger.Meta, p ledger.PalmEnrolled) (Recorded, error) {
	return d.commit(ctx, m, func(e *Engine) (proposal, error) {
		s := e.stores[p.Store]
		switch {
		case s == nil || s.opened == nil:
			return proposal{}, fmt.Errorf("enrol palm at %s: %w", p.Store, ErrUnknownStore)
		case s.policy == nil || s.policy.Palm == "":
			return proposal{}, fmt.Errorf("enrol palm at %s: %w", p.Store, ErrPalmOff)
		}
		p.Jurisdiction = s.policy.Palm
		return proposal{ledger.ShopperStream(p.Shopper), ledger.Any(), p}, nil
	})
}

// RevokePalm records that a shopper's template and its key were destroyed. It is
// taken whatever the policy says by then.
func (d *Desk) RevokePalm(ctx context.Context, m ledger.Meta, p ledger.PalmRevoked) (Recorded, error) {
	return d.commit(ctx, m, func(*Engine) (proposal, error) {
		return proposal{ledger.ShopperStream(p.Shopper), ledger.Any(), p}, nil
	})
}
