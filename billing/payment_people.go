package billing

import (
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// An Escalation is a question about money that a person must answer.
type Escalation struct {
	Event  ledger.ID // that asked
	Intent ledger.ID // the order it is about
	Op     Op        // of that order
	Amount money.Money
	Reason string
	At     time.Time
	Done   bool // it was answered
}

// A Need is why machines do not go on with a payment.
type Need struct {
	Intent ledger.ID // the order it is about
	Reason string
}

// Needs returns what a person has to be asked and has not been asked yet:
// refunds that are declined again and again, money that came back, a hold that
// cannot be freed.
func (p *Payment) Needs() (Need, bool) {
	for _, r := range p.Repayments {
		if r.Returned && !r.Resolved && !p.asked(r.Intent) {
			return Need{r.Intent, "refund " + r.Refund + " of " + r.Amount.String() + " came back"}, true
		}
	}
	for _, r := range slices.Backward(p.Refusals) {
		switch {
		case p.asked(r.Intent):
		case r.Op == OpRefund && p.RefundsFailed >= RefundTries:
			return Need{r.Intent, "a refund was declined again and again: " + r.Code}, true
		case r.Op == OpRelease && p.ReleaseFailed:
			return Need{r.Intent, "a hold could not be freed: " + r.Code}, true
		default:
			continue
		}
		if r.Op == OpRefund || r.Op == OpRelease {
			break // only the last of them is asked about
		}
	}
	return Need{}, false
}

// Asked returns the questions that wait for a person.
func (p *Payment) Asked() []Escalation {
	var open []Escalation
	for _, x := range p.Escalations {
		if !x.Done {
			open = append(open, x)
		}
	}
	return open
}

func (p *Payment) asked(intent ledger.ID) bool {
	return slices.ContainsFunc(p.Escalations, func(x Escalation) bool { return x.Intent == intent && !x.Done })
}

// RefundsWait reports whether refunds rest until a person has answered.
func (p *Payment) RefundsWait() bool {
	return p.RefundsFailed >= RefundTries ||
		slices.ContainsFunc(p.Escalations, func(x Escalation) bool { return x.Op == OpRefund && !x.Done })
}

func (p *Payment) escalated(e ledger.Event, f ledger.PaymentEscalated) {
	p.warned(f.Intent)
	x := Escalation{Event: e.ID, Intent: f.Intent, Reason: f.Reason, At: e.Occurred, Amount: money.Zero(p.Captured.Currency)}
	if p.Open != nil && p.Open.ID == f.Intent.String() {
		in := *p.Open
		in.State, _ = next(OrderTransitions, in.State, StepEscalated)
		p.Open = &in
		x.Op, x.Amount = in.Op, in.Amount
	}
	for _, r := range p.Refusals {
		if r.Intent == f.Intent {
			x.Op, x.Amount = r.Op, r.Amount
		}
	}
	for _, r := range p.Repayments {
		if r.Intent == f.Intent {
			x.Op, x.Amount = OpRefund, r.Amount
		}
	}
	p.Escalations = append(slices.Clip(p.Escalations), x)
}

// resolved moves p past what a person found out. About the open order it is
// its outcome; about a refund or a release that would not go it says that it
// was done another way, or that it may be tried again.
func (p *Payment) resolved(e ledger.Event, f ledger.PaymentResolved) {
	i := slices.IndexFunc(p.Escalations, func(x Escalation) bool { return x.Intent == f.Intent && !x.Done })
	if i < 0 {
		p.odd(e, "%s of %s, which nobody was asked about", e.Kind, f.Intent)
		return
	}
	p.Escalations = slices.Clone(p.Escalations) // a copy of p may be read elsewhere
	p.Escalations[i].Done = true
	switch op := p.Escalations[i].Op; {
	case p.Open != nil && p.Open.ID == f.Intent.String() && !f.Done:
		p.declined(e, f.Intent, CodeNeverArrived)
	case p.Open != nil && p.Open.ID == f.Intent.String():
		if in, ok := p.close(e, f.Intent, StepResolved, p.Open.Op); ok {
			in.First = time.Time{} // when a hold lapses is not known
			p.done(e, in, f.Object, f.Amount)
		}
	case op == OpRelease:
		p.ReleaseFailed = false
		if f.Done {
			p.move(e, StepReleased)
		}
	case op == OpRefund:
		p.RefundsFailed = 0
		p.settleReturned(f.Intent)
		if f.Done { // from our own pocket: the takings keep what they have
			p.repay(e, Repayment{Refund: f.Object, Amount: f.Amount, Purpose: p.purposeOf(f.Intent)})
		}
	}
}

// purposeOf returns what a refund was for.
func (p *Payment) purposeOf(intent ledger.ID) ledger.RefundPurpose {
	for _, r := range p.Repayments {
		if r.Intent == intent {
			return r.Purpose
		}
	}
	return ledger.RefundCorrection
}

// returned moves p past money that came back: the shopper has not got it, and
// a person must find another way.
func (p *Payment) returned(e ledger.Event, f ledger.RefundFailed) {
	i := slices.IndexFunc(p.Repayments, func(r Repayment) bool { return r.Refund == f.Refund && !r.Returned })
	if i < 0 {
		p.odd(e, "%s of %s, which gave nothing back", e.Kind, f.Refund)
		return
	}
	r := p.Repayments[i]
	if r.Intent.IsZero() {
		r.Intent = e.ID // somebody else's refund: the question is named by what asked it
	}
	r.Returned = true
	p.Repayments = slices.Clone(p.Repayments) // a copy of p may be read elsewhere
	p.Repayments[i] = r
	p.Refunded.Minor -= r.Amount.Minor
	p.Returned.Minor += r.Amount.Minor
	p.givenBack(e, r.Of, -r.Amount.Minor)
}

// settleReturned notes that money which came back is not waited for any more.
func (p *Payment) settleReturned(intent ledger.ID) {
	p.Repayments = slices.Clone(p.Repayments) // a copy of p may be read elsewhere
	for i, r := range p.Repayments {
		if r.Intent == intent && r.Returned && !r.Resolved {
			p.Repayments[i].Resolved = true
			p.Returned.Minor -= r.Amount.Minor
		}
	}
}

func (p *Payment) lapsed(e ledger.Event, f ledger.HoldLapsed) {
	if f.Object != p.HoldObject {
		p.odd(e, "%s of %s, which is not the hold", e.Kind, f.Object)
		return
	}
	p.move(e, StepLapsed)
}

// external moves p past what the provider did without an order that the stream
// knows: somebody used the provider's own pages, or the order was lost with the
// end of a log that was restored. In both cases it is done and not done again,
// and the key of a lost order is used up.
func (p *Payment) external(e ledger.Event, f ledger.ExternalObserved) {
	p.begin(f.Amount.Currency)
	op, label, n, ours := ParseKey(f.Key)
	if ours {
		p.use(counter(op, label), n)
	}
	switch f.What {
	case ledger.ExternalHold:
		if p.move(e, StepHeld) {
			p.HoldObject, p.Held, p.CaptureBefore = f.Object, f.Amount, f.CaptureBefore
			if p.HoldIntended.IsZero() {
				p.HoldIntended = e.Occurred
			}
		}
	case ledger.ExternalCapture:
		if lost := p.HoldObject == "" && op != OpCharge; lost || f.Object == p.HoldObject {
			if !p.move(e, StepCaptured) {
				return
			}
			p.HoldObject, p.CaptureObject = f.Object, f.Object
		}
		p.take(e, f.Object, f.Amount)
	case ledger.ExternalRelease:
		if f.Object == p.HoldObject {
			p.move(e, StepReleased)
		}
	case ledger.ExternalRefund:
		of := f.Of
		if of == "" {
			t, _, _ := p.Repayable(f.Amount.Minor)
			of = t.Object
		}
		p.repay(e, Repayment{
			Intent: f.Intent, Refund: f.Object, Of: of, Amount: f.Amount, External: true,
		})
	}
}
