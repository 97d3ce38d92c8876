package engine

import (
	"slices"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

// A visit is the fold of a visit's stream and of its payment's, and what is
// under way for it.
type visit struct {
	schedule
	id        ledger.VisitID
	cart      projections.Cart
	first     uint64    // position of that event
	presented ledger.ID // event that began it
	last      ledger.ID // last event of the visit's stream
	payment   billing.Payment
	settledAt time.Time // when the money was first settled

	matched     *ledger.VisitMatched // who pays, when that was found out later
	billed      bool                 // there was a receipt, or nothing was owed
	agreed      int64                // what may be taken without asking again, in minor units
	supplements []supplement         // in the order they were proposed
	goodwill    int64                // granted, in minor units
	granted     ledger.ID            // the last goodwill.granted

	implications []ledger.DetectionImplicated // not yet in the stream
	moves        []ledger.DetectionAttributed // not yet in the stream
	redeemed     []redemption                 // coupons that are not yet in the stream
	stuck        string                       // why nothing can be decided

	card    *card   // that it asks for money, and nobody else meanwhile
	awaits  bool    // it is in its shop's queue for a receipt number
	sending bool    // an order is out
	answer  *answer // what came back, not yet in the stream
}

// An answer is what became of a send.
type answer struct {
	billing.Outcome
	err  error
	find bool
}

func (v *visit) name() ledger.StreamID { return ledger.VisitStream(v.id) }

// apply moves v past an event of its visit stream.
func (v *visit) apply(e *Engine, ev ledger.Event) error {
	var before []projections.Pick
	if p, ok := ev.Payload.(ledger.DisputeDecided); ok && p.MoveTo != "" {
		before = slices.Clone(v.cart.Picks)
	}
	was := v.cart.Status
	if err := v.cart.Apply(ev); err != nil {
		return err
	}
	v.last = ev.ID
	if v.cart.Status != was {
		v.moved(e, ev)
	}
	switch p := ev.Payload.(type) { // the cart folds all; these are indexed too
	case ledger.DetectionRecorded:
		v.recorded(e, ev, p)
	case ledger.CartWeighed:
		v.weighing(e, ev, p)
	case ledger.GateDoubted:
		v.doubted(e, ev, p)
	case ledger.DetectionImplicated:
		v.implicated(e, p)
	case ledger.DetectionAttributed:
		v.moves = slices.DeleteFunc(v.moves, func(m ledger.DetectionAttributed) bool {
			return m.Detection == p.Detection && m.Decision == p.Decision
		})
	case ledger.CouponAccepted:
		v.redeemed = slices.DeleteFunc(v.redeemed, func(r redemption) bool { return r.coupon == p.Coupon })
	case ledger.ReviewRequested:
		if q := e.questions[p.Detection]; q != nil && q.visit == v {
			q.request(p)
			for _, b := range q.blocked {
				e.enqueue(b)
			}
		}
	case ledger.ReviewDecided:
		if q := e.questions[p.Detection]; q != nil && q.visit == v && q.decided == nil {
			e.settleQuestion(q, ev.ID, p)
		}
	case ledger.ReceiptIssued:
		v.numbered(e, p.Document)
	case ledger.ReceiptCorrected:
		v.numbered(e, p.Document)
	case ledger.VisitSettled:
		v.bill()
		if v.settledAt.IsZero() {
			v.settledAt = ev.Occurred
		}
	case ledger.SupplementProposed:
		e.supplements[ev.ID] = v.id
		v.supplements = append(v.supplements, supplement{id: ev.ID, amount: p.Amount.Minor, deadline: p.Deadline})
	case ledger.SupplementAnswered:
		v.supplemented(p)
	case ledger.GoodwillGranted:
		v.goodwill += p.Amount.Minor
		v.granted = ev.ID
	case ledger.VisitMatched:
		v.matched = &p
		e.shoppers[p.Shopper] = append(e.shoppers[p.Shopper], v)
	case ledger.DisputeOpened:
		e.disputes[p.Dispute] = v.id
	case ledger.DisputeDecided:
		v.takenOff(e, ev, p, before)
	default:
	}
	e.unpriced[v.id] = v
	if len(v.cart.Unpriced()) == 0 {
		delete(e.unpriced, v.id)
	}
	e.enqueue(v)
	return nil
}

// implicated lets a question that lies elsewhere hold this visit open.
func (v *visit) implicated(e *Engine, p ledger.DetectionImplicated) {
	v.implications = slices.DeleteFunc(v.implications, func(i ledger.DetectionImplicated) bool { return i.Detection == p.Detection })
	if q := e.questions[p.Detection]; q != nil {
		q.blocked = append(q.blocked, v)
	}
}

// moved keeps the shop's and the shopper's index when the status changed.
func (v *visit) moved(e *Engine, ev ledger.Event) {
	st := e.store(v.cart.Presented.Store)
	switch v.cart.Status {
	case projections.StatusPresented:
		v.presented, v.first = ev.ID, ev.Position
		e.shoppers[v.cart.Presented.Shopper] = append(e.shoppers[v.cart.Presented.Shopper], v)
	case projections.StatusInside:
		st.entered(v)
	case projections.StatusExited:
		st.exited(v)
	case projections.StatusNone, projections.StatusIssued, projections.StatusSettled, projections.StatusRefused:
	}
}

func (v *visit) recorded(e *Engine, ev ledger.Event, p ledger.DetectionRecorded) {
	i := len(v.cart.Questions) - 1
	if i < 0 || v.cart.Questions[i].Detection != ev.ID {
		return // nothing about it is doubtful
	}
	q := &question{detection: ev.ID, stream: ev.Stream, visit: v, claim: p, seenAt: ev.Occurred, opened: ev.ID}
	e.questions[ev.ID] = q
	if hasDoubt(v.cart.Questions[i].Doubts, ledger.DoubtPerson) {
		e.implicate(q)
	}
}

// bill keeps what the shopper agreed to: what the first receipt asked for, and
// no more than any later one. What comes on top is agreed to one by one.
func (v *visit) bill() {
	if gross := v.gross().Minor; !v.billed || gross < v.agreed {
		v.agreed = gross
	}
	v.billed = true
}

// supplemented notes the answer to a supplement. What was refused or waived
// counts as agreed to, and is written off: it is not asked for again.
func (v *visit) supplemented(p ledger.SupplementAnswered) {
	for i := range v.supplements {
		if s := &v.supplements[i]; s.id == p.Proposal && s.answer == "" {
			s.answer, s.by = p.Answer, p.By
			s.counts = max(0, min(s.amount, v.gross().Minor-v.agreed))
			v.agreed += s.counts
		}
	}
}

func (v *visit) numbered(e *Engine, d ledger.ReceiptDocument) {
	e.receipts[d.Number] = v.id
	e.store(d.Store).numbered(d.Number)
	v.bill()
}

// takenOff gives the pieces that a dispute took off to the visit they belong
// to: the difference of the picks before and after the decision.
func (v *visit) takenOff(e *Engine, ev ledger.Event, p ledger.DisputeDecided, before []projections.Pick) {
	for i, b := range before {
		after := v.cart.Picks[i]
		if n := b.Left - after.Left; n > 0 {
			e.move(p.MoveTo, ledger.DetectionAttributed{
				Detection: b.Detection, Stream: ev.Stream, Decision: ev.ID, SKU: b.SKU, Action: ledger.ActionTake,
				Quantity: n, Slot: b.Slot, SeenAt: b.At, Evidence: b.Evidence, Grams: b.Grams - after.Grams, Scale: b.Scale,
			})
		}
	}
}

// applyPayment moves v past an event of its payment stream.
func (v *visit) applyPayment(e *Engine, ev ledger.Event) error {
	refusals := len(v.payment.Refusals)
	if err := v.payment.Apply(ev); err != nil {
		return err
	}
	for _, r := range v.payment.Refusals[refusals:] {
		if r.Op == billing.OpHold || r.Op == billing.OpCharge || r.Op == billing.OpCapture {
			e.card(r.Method).Declined(r.At)
		}
	}
	if in := v.payment.Open; in != nil && in.Op == billing.OpCharge {
		e.card(in.PaymentMethod).hold(v)
	}
	if len(v.payment.Asked()) > 0 {
		e.asked[v.id] = v
	} else {
		delete(e.asked, v.id)
	}
	if _, ok := ev.Payload.(ledger.PaymentNotified); !ok {
		v.answer = nil // written down, or overtaken
	}
	if v.payment.HoldObject != "" {
		e.objects[v.payment.HoldObject] = v.id
	}
	switch p := ev.Payload.(type) { // the others name no object of their own
	case ledger.Charged:
		e.objects[p.Object] = v.id
	case ledger.Refunded:
		e.objects[p.Object] = v.id
	case ledger.ExternalObserved:
		e.objects[p.Object] = v.id
	}
	e.enqueue(v)
	return nil
}

// graceEnds returns until when detections of a visit that left are under way.
func (v *visit) graceEnds() time.Time {
	return v.cart.ExitedAt.Add(time.Duration(v.cart.Presented.Policy.GraceMillis) * time.Millisecond)
}

// billable reports whether somebody was let in who can be billed.
func (v *visit) billable() bool {
	switch v.cart.Status {
	case projections.StatusInside, projections.StatusExited, projections.StatusIssued, projections.StatusSettled:
		return true
	case projections.StatusNone, projections.StatusPresented, projections.StatusRefused:
		return false
	}
	return false
}

// open reports whether the visit has begun and its shopper has not left.
func (v *visit) open() bool {
	return v.cart.Status == projections.StatusPresented || v.cart.Status == projections.StatusInside
}

// gross returns what the last final receipt asks for; zero without one.
func (v *visit) gross() money.Money {
	if v.cart.Latest == nil {
		return money.Zero(v.cart.Currency())
	}
	return v.cart.Latest.Gross
}

// due returns what the shopper agreed to and has not paid. Goodwill, what was
// given back although the receipt asks for it, and what was written off are
// not asked for.
func (v *visit) due() money.Money {
	pay := &v.payment
	asked := min(v.gross().Minor, v.agreed) - v.goodwill - pay.Forgiven() - pay.WrittenOff.Minor - v.givenUp()
	return atLeastZero(asked-pay.Paid().Minor, money.Zero(v.cart.Currency()))
}

// givenUp returns what of supplements was refused or waived and is not written
// off yet: until it is, it must not be asked for either.
func (v *visit) givenUp() int64 {
	sum := int64(0)
	for _, s := range v.supplements {
		if s.answer != "" && s.answer != ledger.SupplementConsented && !slices.Contains(v.payment.Waived, s.id) {
			sum += s.counts
		}
	}
	return sum
}

// owed returns what a settled visit still owes.
func (v *visit) owed() money.Money {
	if v.cart.Status != projections.StatusSettled {
		return money.Zero(v.cart.Currency())
	}
	return v.due()
}

// overpaid returns what was captured, not given back, and is above the last
// receipt. A correction lowers a debt first and pays back the rest. What a
// card network took back, the shopper has; what came back to us waits for a
// person.
func (v *visit) overpaid() money.Money {
	pay := &v.payment
	kept := pay.Paid().Minor - pay.ChargedBack().Minor - pay.Returned.Minor
	asked := max(0, v.gross().Minor-v.goodwill-pay.Repaid(ledger.RefundFraudWarning))
	return atLeastZero(kept-asked, money.Zero(v.cart.Currency()))
}

func atLeastZero(minor int64, zero money.Money) money.Money {
	zero.Minor = max(0, minor)
	return zero
}
