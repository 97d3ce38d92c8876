package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
)

// presenceOfOne is the confidence that an item belongs to the only visit
// inside: high, and not certain, for somebody may have slipped in.
const presenceOfOne ledger.PerMille = 990

// Record takes what a sensor claims. It goes to the stream of the first visit
// among its readings that was inside that shop at that moment. A claim that
// no such visit could own is kept in the shop's stream and asked about.
//
// A sensor that knows no persons leaves them empty; then everybody who was
// inside is a reading, all alike.
func (d *Desk) Record(ctx context.Context, c RecordCommand) (Recorded, error) {
	m := ledger.Meta{ID: c.ID, Occurred: c.Occurred, Actor: c.Actor, Trace: c.Trace}
	m, err := d.fill(m)
	if err != nil {
		return Recorded{}, err
	}
	if m.Actor == "" {
		m.Actor = "device:" + string(c.Detection.Sensor)
	}
	c.Detection = plain(c.Detection)
	if rec, err := d.recorded(ctx, m.ID, c.Detection); !errors.Is(err, ledger.ErrNotFound) {
		return rec, err
	}
	rec, err := d.commit(ctx, m, func(e *Engine) (proposal, error) { return e.record(m.Occurred, c.Detection) })
	if errors.Is(err, ledger.ErrIDReused) { // the same claim at the same moment, and who was inside had changed
		return d.recorded(ctx, m.ID, c.Detection)
	}
	return rec, err
}

// recorded returns the event of a claim that is stored already.
func (d *Desk) recorded(ctx context.Context, id ledger.ID, p ledger.DetectionRecorded) (Recorded, error) {
	r, err := d.live.log.Find(ctx, id)
	if err != nil {
		return Recorded{}, err
	}
	ev, err := ledger.Decode(r)
	if err != nil {
		return Recorded{}, err
	}
	stored, ok := ev.Payload.(ledger.DetectionRecorded)
	if !ok || !samePayload(plain(stored), p) {
		return Recorded{}, fmt.Errorf("detection %s: %w", id, ledger.ErrIDReused)
	}
	return Recorded{Record: r, Duplicate: true}, nil
}

// plain returns what the sensor itself said, in stored form.
func plain(p ledger.DetectionRecorded) ledger.DetectionRecorded {
	p.Presence = []ledger.PersonHypothesis{}
	if p.Persons == nil {
		p.Persons = []ledger.PersonHypothesis{}
	}
	if p.Evidence == nil {
		p.Evidence = []ledger.EvidenceRef{}
	}
	return p
}

func samePayload(a, b ledger.Payload) bool {
	x, errX := ledger.Marshal(a)
	y, errY := ledger.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// record decides where a claim belongs.
func (e *Engine) record(at time.Time, p ledger.DetectionRecorded) (proposal, error) {
	s := e.stores[p.Store]
	if s == nil || s.opened == nil {
		return proposal{}, fmt.Errorf("detection at %s: %w", p.Store, ErrUnknownStore)
	}
	inside := e.Presence(p.Store, at)
	if len(p.Persons) == 0 && len(inside) > 0 {
		inside := inside[:min(len(inside), ledger.MaxHypotheses)]
		share := presenceOfOne
		if len(inside) > 1 {
			share = 1000 / ledger.PerMille(len(inside))
		}
		for _, v := range inside {
			p.Presence = append(p.Presence, ledger.PersonHypothesis{Visit: v, Confidence: share})
		}
	}
	for _, c := range p.Candidates() {
		if slices.Contains(inside, c.Visit) {
			return proposal{ledger.VisitStream(c.Visit), ledger.Exists(), p}, nil
		}
	}
	return proposal{ledger.StoreStream(p.Store), ledger.Any(), p}, nil
}

// DecideReview answers the question about a detection. The answer is appended
// where the question was asked; the engine carries it to every other visit
// that waits for it, and gives the item to the visit that it names.
func (d *Desk) DecideReview(ctx context.Context, c ReviewCommand) (Recorded, error) {
	m := ledger.Meta{ID: c.ID, Occurred: c.Occurred, Actor: c.Reviewer, Trace: c.Trace, Cause: c.Detection}
	return d.commit(ctx, m, func(e *Engine) (proposal, error) {
		q := e.questions[c.Detection]
		if q == nil {
			return proposal{}, fmt.Errorf("review of %s: %w", c.Detection, ErrUnknownDetection)
		}
		if q.decided != nil {
			return proposal{}, fmt.Errorf("review of %s: %w by %s", c.Detection, ErrDecided, q.decided.Reviewer)
		}
		p, err := e.answer(q, c)
		if q.visit != nil {
			return proposal{q.stream, ledger.After(q.visit.cart.Events), p}, err
		}
		return proposal{q.stream, ledger.After(q.store.count), p}, err
	})
}

// answer completes a decision with the sensor's best reading, and refuses one
// that names a visit that cannot have been it.
func (e *Engine) answer(q *question, c ReviewCommand) (ledger.ReviewDecided, error) {
	p := ledger.ReviewDecided{
		Detection: c.Detection, Verdict: c.Verdict, SKU: c.SKU, Action: c.Action, Quantity: c.Quantity, Visit: c.Visit,
		Reviewer: c.Reviewer, Reason: c.Reason,
	}
	if q.gate != nil {
		return p, q.answerGate(&p)
	}
	if p.Verdict == ledger.VerdictDisowned {
		return p, fmt.Errorf("review of %s: %w: only a visit is disowned, when its entry is in doubt", p.Detection, ledger.ErrInvalid)
	}
	if p.Verdict == ledger.VerdictDismissed {
		p.SKU, p.Action, p.Quantity, p.Visit = "", "", 0, ""
		return p, nil
	}
	if q.weighed != nil {
		return q.answerWeighing(p)
	}
	if p.SKU == "" {
		p.SKU = q.claim.Items[0].SKU
	}
	if p.Action == "" {
		p.Action = q.claim.Actions[0].Action
	}
	if p.Quantity == 0 {
		p.Quantity = q.claim.Quantity
	}
	if p.Visit == "" && q.visit != nil {
		p.Visit = q.visit.id
		if who := q.claim.Candidates(); len(who) > 0 {
			p.Visit = who[0].Visit
		}
	}
	if p.Visit == "" {
		return p, nil // nobody's
	}
	v := e.visits[p.Visit]
	if v == nil || !v.billable() || v.cart.Presented.Store != q.storeID() {
		return p, fmt.Errorf("review of %s names visit %s: %w", c.Detection, p.Visit, ErrUnknownVisit)
	}
	return p, nil
}

// OpenDispute records a shopper's claim about one line of a receipt.
func (d *Desk) OpenDispute(ctx context.Context, c DisputeCommand) (Recorded, error) {
	m, err := d.fill(ledger.Meta{ID: c.ID, Occurred: c.Occurred, Actor: c.Actor, Trace: c.Trace})
	if err != nil {
		return Recorded{}, err
	}
	return d.commit(ctx, m, func(e *Engine) (proposal, error) {
		v := e.visits[e.receipts[c.Receipt]]
		if v == nil || v.cart.Latest == nil {
			return proposal{}, fmt.Errorf("dispute of %s: %w", c.Receipt, ErrUnknownReceipt)
		}
		q, err := v.disputable(c, m.Occurred)
		p := ledger.DisputeOpened{
			Dispute: m.ID, Receipt: c.Receipt, Line: c.Line, Claim: c.Claim, Quantity: q, Message: c.Message,
		}
		return proposal{v.name(), ledger.After(v.cart.Events), p}, err
	})
}

// disputable returns how many pieces a claim is about, or why it is refused.
func (v *visit) disputable(c DisputeCommand, at time.Time) (int, error) {
	where := fmt.Sprintf("dispute of %s line %d", c.Receipt, c.Line)
	lines := v.cart.Latest.Lines
	i := slices.IndexFunc(lines, func(l ledger.ReceiptLine) bool { return l.No == c.Line })
	if i < 0 || lines[i].Quantity == 0 {
		return 0, fmt.Errorf("%s: %w", where, ErrUnknownLine)
	}
	if lines[i].LineKind == ledger.LineDeposit {
		return 0, fmt.Errorf("%s: %w: line %d", where, ErrDepositLine, lines[i].Of)
	}
	n := c.Quantity
	if n == 0 {
		n = lines[i].Quantity
	}
	ends := v.cart.Issued.Issued.AddDate(0, 0, v.cart.Presented.Policy.DisputeDays)
	switch {
	case n > lines[i].Quantity:
		return 0, fmt.Errorf("%s: %w: %d of %d", where, ErrTooMany, n, lines[i].Quantity)
	case at.After(ends):
		return 0, fmt.Errorf("%s: %w since %s", where, ErrTooLate, ends.Format(time.RFC3339))
	case slices.ContainsFunc(v.cart.Disputes, func(o projections.DisputeRef) bool {
		return o.Line == c.Line && !o.Decided
	}):
		return 0, fmt.Errorf("%s: %w", where, ErrDisputed)
	}
	return n, nil
}

// DecideDispute answers a dispute. What it takes off is corrected and paid
// back by the engine; with MoveTo the other visit is given the pieces.
func (d *Desk) DecideDispute(ctx context.Context, c DisputeDecision) (Recorded, error) {
	m := ledger.Meta{ID: c.ID, Occurred: c.Occurred, Actor: c.Reviewer, Trace: c.Trace, Cause: c.Dispute}
	return d.commit(ctx, m, func(e *Engine) (proposal, error) {
		v := e.visits[e.disputes[c.Dispute]]
		if v == nil {
			return proposal{}, fmt.Errorf("dispute %s: %w", c.Dispute, ErrUnknownDispute)
		}
		i := slices.IndexFunc(v.cart.Disputes, func(o projections.DisputeRef) bool { return o.Dispute == c.Dispute })
		open := v.cart.Disputes[i]
		if open.Decided {
			return proposal{}, fmt.Errorf("dispute %s: %w", c.Dispute, ErrDecided)
		}
		p := ledger.DisputeDecided{
			Dispute: c.Dispute, Outcome: c.Outcome, Quantity: c.Quantity, MoveTo: c.MoveTo,
			Reviewer: c.Reviewer, Reason: c.Reason,
		}
		switch {
		case p.Outcome == ledger.DisputeUpheld:
			p.Quantity = open.Quantity
		case p.Outcome == ledger.DisputePartial && p.Quantity >= open.Quantity:
			return proposal{}, fmt.Errorf("dispute %s: %w: partial, and %d of %d",
				c.Dispute, ErrTooMany, p.Quantity, open.Quantity)
		}
		if to := e.visits[p.MoveTo]; p.MoveTo != "" &&
			(to == nil || to == v || !to.billable() || to.cart.Presented.Store != v.cart.Presented.Store) {
			return proposal{}, fmt.Errorf("dispute %s moves to %s: %w", c.Dispute, p.MoveTo, ErrUnknownVisit)
		}
		return proposal{v.name(), ledger.After(v.cart.Events), p}, nil
	})
}
