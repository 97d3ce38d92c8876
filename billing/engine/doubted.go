package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

// A TailgateCommand says that more persons came in than an entry was for.
type TailgateCommand struct {
	ID       ledger.ID // made by the gate; a retry has the same
	Occurred time.Time
	Actor    string
	Trace    string
	Visit    ledger.VisitID
	Gate     ledger.DeviceID
	Persons  int // that came in
	Offset   int // as of a PresentCommand
}

// Tailgated records that more persons came in than an entry was for, and asks
// a person about the visit. No more than its party is no tailgating and an
// [ledger.ErrInvalid].
func (d *Desk) Tailgated(ctx context.Context, c TailgateCommand) (Recorded, error) {
	m, err := d.fill(ledger.Meta{ID: c.ID, Occurred: c.Occurred, Actor: c.Actor, Trace: c.Trace})
	if err != nil {
		return Recorded{}, err
	}
	return d.commit(ctx, m, func(e *Engine) (proposal, error) {
		v := e.visits[c.Visit]
		if v == nil || v.cart.Status == projections.StatusNone || v.cart.Status == projections.StatusRefused {
			return proposal{}, fmt.Errorf("tailgating of %s: %w", c.Visit, ErrUnknownVisit)
		}
		return proposal{v.name(), ledger.After(v.cart.Events), ledger.GateDoubted{
			Visit: c.Visit, Store: v.cart.Presented.Store, Gate: c.Gate, Doubt: ledger.DoubtTailgated,
			Persons: c.Persons, Party: v.cart.Presented.Party, ClockOffset: c.Offset,
		}}, nil
	})
}

// conflicted records in both visits that one code, or one shopper, opened two
// gates: the one whose entry this is, and other.
func (d *Desk) conflicted(ctx context.Context, c PresentCommand, visit, other ledger.VisitID) error {
	for _, w := range [][2]ledger.VisitID{{visit, other}, {other, visit}} {
		m := ledger.Meta{
			ID: ledger.DeriveID(c.ID, "conflict", string(w[0])), Occurred: c.Occurred, Actor: c.Actor, Trace: c.Trace, Cause: c.ID,
		}
		_, err := d.commit(ctx, m, func(e *Engine) (proposal, error) {
			v := e.visits[w[0]]
			if v == nil {
				return proposal{}, fmt.Errorf("conflict of %s: %w", w[0], ErrUnknownVisit)
			}
			return proposal{v.name(), ledger.After(v.cart.Events), ledger.GateDoubted{
				Visit: w[0], Store: v.cart.Presented.Store, Gate: c.Gate, Doubt: ledger.DoubtConflict, Other: w[1], ClockOffset: c.Offset,
			}}, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// doubted notes the question that an entry in doubt raised, if it did.
func (v *visit) doubted(e *Engine, ev ledger.Event, p ledger.GateDoubted) {
	if q := v.asked(e, ev); q != nil {
		q.gate = &p
	}
}

// attendGate returns what the question of an entry needs. When nobody has
// answered, a visit that somebody followed into the shop is billed: each
// doubtful item in it has a question of its own. A visit whose code opened two
// gates is not: nobody is charged for what may be another's.
func (v *visit) attendGate(st *step, open projections.Question) (ledger.Draft, bool) {
	label := open.Detection.String()
	if !open.Requested {
		return v.fact(st, v.requestAt(st, open, v.total()), label), true
	}
	if !st.due(open.Deadline) || v.cart.ExitedAt.IsZero() {
		return ledger.Draft{}, false
	}
	d := ledger.ReviewDecided{
		Detection: open.Detection, Verdict: ledger.VerdictDismissed, Reviewer: projections.PolicyReviewer,
		Reason: "deadline passed: the visit is billed as it stands",
	}
	if open.Gate.Doubt == ledger.DoubtConflict {
		d.Verdict, d.Reason = ledger.VerdictDisowned, "deadline passed: nobody is charged for a visit in conflict"
	}
	f := v.fact(st, d, label)
	f.Actor = projections.PolicyReviewer
	return f, true
}

// total returns what the visit would be billed for now.
func (v *visit) total() money.Money {
	_, _, gross, err := v.cart.Totals()
	if err != nil {
		return money.Zero(v.cart.Currency())
	}
	return gross
}

// answerGate completes what a person says of an entry in doubt.
func (q *question) answerGate(p *ledger.ReviewDecided) error {
	if p.Verdict != ledger.VerdictDismissed && p.Verdict != ledger.VerdictDisowned {
		return fmt.Errorf("review of %s: %w: an entry is not an item: dismiss the doubt, or disown the visit", p.Detection, ledger.ErrInvalid)
	}
	p.SKU, p.Action, p.Quantity, p.Visit = "", "", 0, ""
	return nil
}

// insideAlready records the entry of somebody whom a gate let in while it was
// cut off. Nobody can be refused any more: without a hold the card is charged
// after the receipt.
func (v *visit) insideAlready(st *step) (Append, bool) {
	held, p := money.Zero(v.cart.Currency()), v.cart.Presented
	switch v.payment.Hold {
	case billing.HoldStands:
		held = v.payment.Held
	case billing.HoldDeclined:
	case billing.HoldNone, billing.HoldOpen, billing.HoldCaptured, billing.HoldReleased, billing.HoldLapsed:
		if !st.due(v.payment.HoldIntended.Add(seconds(p.Policy.GateSeconds))) {
			return Append{}, false
		}
	}
	return v.toVisit(v.fact(st, ledger.GateEntered{Visit: v.id, Gate: p.Gate, Hold: held})), true
}
