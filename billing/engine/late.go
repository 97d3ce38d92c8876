package engine

import (
	"context"
	"fmt"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
)

// late records the entry of somebody whom a gate let in while it was cut off.
// It is not refused: they are inside. When the code had been used by then, or
// the shopper was inside already, both visits become questions.
func (d *Desk) late(ctx context.Context, m ledger.Meta, c PresentCommand) (GateAnswer, error) {
	var stands, other ledger.VisitID
	rec, err := d.commit(ctx, m, func(e *Engine) (proposal, error) {
		var p proposal
		var err error
		p, stands, other, err = e.late(c)
		if stands != "" {
			return p, errAgain
		}
		return p, err
	})
	if stands != "" {
		return GateAnswer{Visit: stands, Decision: GateEntered, Staff: c.Credential == ledger.CredentialStaff}, nil
	}
	if err != nil {
		return GateAnswer{}, err
	}
	category, id := rec.Stream.Split()
	if category != ledger.CategoryVisit {
		return GateAnswer{}, fmt.Errorf("entry %s: %w", c.ID, ledger.ErrIDReused)
	}
	visit := ledger.VisitID(id)
	if other != "" {
		if err := d.conflicted(ctx, c, visit, other); err != nil {
			return GateAnswer{}, err
		}
	}
	// What follows, the exit too, is taken when the entry is recorded.
	if _, err := d.await(ctx, visit); err != nil {
		return GateAnswer{}, err
	}
	return GateAnswer{Visit: visit, Decision: GateEntered, Staff: c.Credential == ledger.CredentialStaff}, nil
}

// late returns the visit that begins with c, and the one it is in conflict
// with. stands is the visit that began when the gate asked and did not hear
// the answer.
func (e *Engine) late(c PresentCommand) (p proposal, stands, other ledger.VisitID, err error) {
	s := e.stores[c.Store]
	if s == nil || s.opened == nil {
		return p, "", "", fmt.Errorf("late entry at %s: %w", c.Store, ErrUnknownStore)
	}
	if s.policy == nil {
		return p, "", "", fmt.Errorf("late entry at %s: %w", c.Store, ErrNoPolicy)
	}
	ticket := ledger.VisitID(c.Ticket)
	visit := ticket
	if v := e.visits[ticket]; v != nil && v.cart.Events > 0 && v.presented != c.ID {
		visit = ledger.VisitID(ledger.DeriveID(c.ID, "visit").String())
		switch {
		case v.cart.Status == projections.StatusRefused: // by then nobody stood there
		case !c.Tried.IsZero() && v.presented == c.Tried:
			return p, ticket, "", nil
		default:
			other = ticket
		}
	}
	if other == "" {
		other = e.insideAt(c, visit)
	}
	presented := ledger.GatePresented{
		Visit: visit, Store: c.Store, Gate: c.Gate, Place: c.Place, Credential: c.Credential, Ticket: c.Ticket,
		Shopper: c.Shopper, Customer: c.Customer, PaymentMethod: c.PaymentMethod, Party: c.Party,
		Seller: s.opened.Seller, Catalogue: s.opened.Catalogue, Policy: *s.policy, Member: c.Member, Offline: true,
		ClockOffset: c.Offset,
	}
	if v := e.visits[visit]; v != nil && v.presented == c.ID { // a retry: the log knows it again
		presented = v.cart.Presented
	}
	return proposal{ledger.VisitStream(visit), ledger.None(), presented}, "", other, nil
}

// insideAt returns another visit of the shopper that had begun and not ended
// when c was shown.
func (e *Engine) insideAt(c PresentCommand, visit ledger.VisitID) ledger.VisitID {
	for _, v := range e.shoppers[c.Shopper] {
		cart := &v.cart
		if v.id == visit || cart.Presented.Store != c.Store || cart.Status == projections.StatusRefused {
			continue
		}
		if !cart.PresentedAt.After(c.Occurred) && (cart.ExitedAt.IsZero() || cart.ExitedAt.After(c.Occurred)) {
			return v.id
		}
	}
	return ""
}

// twin returns the visit that began with the same code as v, at another gate,
// and whose shopper is still inside.
func (e *Engine) twin(v *visit) *visit {
	for i := range v.cart.Questions {
		q := v.cart.Questions[i].Gate
		if q == nil || q.Doubt != ledger.DoubtConflict {
			continue
		}
		w := e.visits[q.Other]
		if w != nil && w.cart.Status == projections.StatusInside && w.cart.Presented.Ticket == v.cart.Presented.Ticket {
			return w
		}
	}
	return nil
}
