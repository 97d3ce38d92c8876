package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

// A WeighCommand says what a smart cart, or the lane it leaves through, weighed
// all that is in the cart with.
type WeighCommand struct {
	ID       ledger.ID // made by the device; a retry has the same
	Occurred time.Time
	Actor    string
	Trace    string
	Visit    ledger.VisitID
	Device   ledger.DeviceID
	Grams    int // without the cart itself
	Offset   int // milliseconds that were added to the device's clock
	Evidence []ledger.EvidenceRef
}

// WeighCart records what a cart weighs beside what the pieces of its visit
// weigh together. It changes no line: if the two do not agree, a person is
// asked.
func (d *Desk) WeighCart(ctx context.Context, c WeighCommand) (Recorded, error) {
	m, err := d.fill(ledger.Meta{ID: c.ID, Occurred: c.Occurred, Actor: c.Actor, Trace: c.Trace})
	if err != nil {
		return Recorded{}, err
	}
	// A retry is answered as the first time: by now the cart may hold more.
	if rec, err := d.weighed(ctx, m.ID, c); !errors.Is(err, ledger.ErrNotFound) {
		return rec, err
	}
	rec, err := d.commit(ctx, m, func(e *Engine) (proposal, error) {
		v := e.visits[c.Visit]
		if v == nil || !v.billable() {
			return proposal{}, fmt.Errorf("weighing of %s: %w", c.Visit, ErrUnknownVisit)
		}
		return proposal{v.name(), ledger.After(v.cart.Events), v.weigh(e, c)}, nil
	})
	if errors.Is(err, ledger.ErrIDReused) { // the same device was quicker, and the cart had changed between
		return d.weighed(ctx, m.ID, c)
	}
	return rec, err
}

// weighed returns the event of a weighing that is stored already.
func (d *Desk) weighed(ctx context.Context, id ledger.ID, c WeighCommand) (Recorded, error) {
	r, err := d.live.log.Find(ctx, id)
	if err != nil {
		return Recorded{}, err
	}
	ev, err := ledger.Decode(r)
	if err != nil {
		return Recorded{}, err
	}
	p, ok := ev.Payload.(ledger.CartWeighed)
	if !ok || p.Visit != c.Visit || p.Device != c.Device || p.Measured != c.Grams {
		return Recorded{}, fmt.Errorf("weighing %s: %w", id, ledger.ErrIDReused)
	}
	return Recorded{Record: r, Duplicate: true}, nil
}

// weigh compares what the scale says with what the pieces weigh.
func (v *visit) weigh(e *Engine, c WeighCommand) ledger.CartWeighed {
	p := ledger.CartWeighed{Visit: c.Visit, Store: v.cart.Presented.Store, Device: c.Device, Measured: c.Grams, ClockOffset: c.Offset}
	if len(c.Evidence) > 0 {
		p.Evidence = c.Evidence
	}
	p.Expected, p.Unknown = v.cart.Weighs(func(pick *projections.Pick) int {
		priced, _ := e.price(v, pick.SKU, pick.At) // the price is about to be pinned
		return priced.Grams
	})
	p.Tolerance = billing.WeighTolerance(&v.cart.Presented.Policy, p.Expected)
	p.Passed = p.Agrees()
	return p
}

// weighing notes the question that a weighing raised, if it did.
func (v *visit) weighing(e *Engine, ev ledger.Event, p ledger.CartWeighed) {
	if q := v.asked(e, ev); q != nil {
		q.weighed = &p
	}
}

// attendWeighing returns what the question of a weighing needs. Only the last
// weighing of a cart counts: a later one answers those before it. Nobody has
// looked at the deadline, and a weight names no product, so nothing is added.
func (v *visit) attendWeighing(st *step, open projections.Question) (ledger.Draft, bool) {
	label := open.Detection.String()
	d := ledger.ReviewDecided{
		Detection: open.Detection, Verdict: ledger.VerdictDismissed, Reviewer: projections.PolicyReviewer,
	}
	last, _ := v.cart.Weighed()
	switch {
	case last.Event != open.Detection && last.Said.Passed:
		d.Reason = "weighed again, and it agrees"
	case last.Event != open.Detection:
		d.Reason = "weighed again"
	case !open.Requested:
		return v.fact(st, v.requestAt(st, open, money.Zero(v.cart.Currency())), label), true
	case st.due(open.Deadline):
		d.Reason = "deadline passed: nothing is added for a weight alone"
	default:
		return ledger.Draft{}, false
	}
	f := v.fact(st, d, label)
	f.Actor = projections.PolicyReviewer
	return f, true
}

// answerWeighing completes what a person says of a cart whose weight was in
// question: that all is well, or which product was there and not scanned, or
// scanned and not there.
func (q *question) answerWeighing(p ledger.ReviewDecided) (ledger.ReviewDecided, error) {
	switch {
	case p.Verdict != ledger.VerdictCorrected:
		return p, fmt.Errorf("review of %s: %w: a weight names no product: correct or dismiss it", p.Detection, ledger.ErrInvalid)
	case p.Visit != "" && p.Visit != q.visit.id:
		return p, fmt.Errorf("review of %s names visit %s, and the cart is not its: %w", p.Detection, p.Visit, ErrUnknownVisit)
	}
	p.Visit = q.visit.id
	return p, nil
}
