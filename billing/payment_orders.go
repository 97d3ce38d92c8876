package billing

import (
	"slices"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

func counter(op Op, receipt string) string {
	if op == OpRefund {
		return string(op) + "/" + receipt
	}
	return string(op)
}

// order returns the order that an intention is.
func order(e ledger.Event) Intent {
	var in Intent
	switch f := e.Payload.(type) { // the caller passes no others
	case ledger.HoldIntended:
		in.Order = Order{
			Op: OpHold, Key: f.Key, Visit: string(f.Visit), Store: string(f.Store), Amount: f.Amount,
			Customer: f.Customer, PaymentMethod: f.PaymentMethod, Adjustable: f.Adjustable,
		}
	case ledger.IncrementIntended:
		in.Order = acting(OpIncrement, f.Visit, f.Store, f.Amount, f.Object, f.Key)
	case ledger.CaptureIntended:
		in.Order = acting(OpCapture, f.Visit, f.Store, f.Amount, f.Object, f.Key)
		in.Receipt = f.Receipt
	case ledger.ReleaseIntended:
		in.Order = acting(OpRelease, f.Visit, f.Store, f.Amount, f.Object, f.Key)
	case ledger.RefundIntended:
		in.Order = acting(OpRefund, f.Visit, f.Store, f.Amount, f.Object, f.Key)
		in.Receipt, in.Repays, in.Case = f.Receipt, f.Purpose, f.Case
	case ledger.ChargeIntended:
		in.Order = Order{
			Op: OpCharge, Key: f.Key, Visit: string(f.Visit), Store: string(f.Store), Amount: f.Amount,
			Customer: f.Customer, PaymentMethod: f.PaymentMethod, Purpose: f.Purpose, OnSession: f.OnSession,
		}
		in.Receipt, in.Case = f.Receipt, f.Case
	}
	in.ID, in.First = e.ID.String(), e.Occurred
	return in
}

// acting is an order on something that the provider has already.
func acting(op Op, v ledger.VisitID, s ledger.StoreID, amount money.Money, object, key string) Order {
	return Order{Op: op, Key: key, Visit: string(v), Store: string(s), Amount: amount, Object: object}
}

func (p *Payment) intend(e ledger.Event) {
	in := order(e)
	state, ok := next(OrderTransitions, p.state(), StepIntended)
	if !ok {
		p.odd(e, "%s intended while %s is open", in.Op, p.Open.Op)
		return
	}
	if in.Op == OpHold && !p.move(e, StepIntended) {
		return
	}
	in.State = state
	p.begin(in.Amount.Currency)
	switch in.Op {
	case OpHold:
		p.HoldIntended, p.HoldMethod = e.Occurred, in.PaymentMethod
	case OpCapture:
		p.CaptureAsked = true
	case OpRefund:
		if in.Repays == ledger.RefundFraudWarning {
			p.warned(in.Case)
		}
	case OpIncrement, OpRelease, OpCharge:
	}
	p.Open = &in
}

// state returns the state of the open order.
func (p *Payment) state() OrderState {
	if p.Open == nil {
		return OrderNone
	}
	return p.Open.State
}

// move takes the hold one step, or notes that it cannot.
func (p *Payment) move(e ledger.Event, on Step) bool {
	to, ok := next(HoldTransitions, p.Hold, on)
	if !ok {
		p.odd(e, "%s of a hold that is %q", on, string(p.Hold))
		return false
	}
	p.Hold = to
	return true
}

// close ends the open order, if it is the one that intent and op name, and
// returns it.
func (p *Payment) close(e ledger.Event, intent ledger.ID, on Step, ops ...Op) (Intent, bool) {
	in := p.Open
	if in == nil || in.ID != intent.String() || !slices.Contains(ops, in.Op) {
		p.odd(e, "%s of %s, which is not open", e.Kind, intent)
		return Intent{}, false
	}
	if _, ok := next(OrderTransitions, in.State, on); !ok {
		p.odd(e, "%s of an order that is %s", on, in.State)
		return Intent{}, false
	}
	p.use(counter(in.Op, in.Receipt), p.tried[counter(in.Op, in.Receipt)]+1)
	p.Open = nil
	return *in, true
}

// use notes that the keys of a counter are used up to n.
func (p *Payment) use(counter string, n int) {
	if p.tried == nil {
		p.tried = map[string]int{}
	}
	p.tried[counter] = max(p.tried[counter], n)
}

// observe moves p past the outcome of an order that was carried out.
func (p *Payment) observe(e ledger.Event) {
	switch f := e.Payload.(type) { // the caller passes no others
	case ledger.Held:
		if in, ok := p.close(e, f.Intent, StepOutcome, OpHold); ok {
			in.First = f.CaptureBefore
			p.done(e, in, f.Object, f.Amount)
		}
	case ledger.Incremented:
		if in, ok := p.close(e, f.Intent, StepOutcome, OpIncrement); ok {
			in.First = f.CaptureBefore
			p.done(e, in, f.Object, f.Amount)
		}
	case ledger.Captured:
		if in, ok := p.close(e, f.Intent, StepOutcome, OpCapture); ok {
			p.done(e, in, f.Object, f.Amount)
		}
	case ledger.Charged:
		if in, ok := p.close(e, f.Intent, StepOutcome, OpCharge); ok {
			p.done(e, in, f.Object, f.Amount)
		}
	case ledger.Released:
		if in, ok := p.close(e, f.Intent, StepOutcome, OpRelease); ok {
			p.done(e, in, f.Object, in.Amount)
		}
	case ledger.Refunded:
		if in, ok := p.close(e, f.Intent, StepOutcome, OpRefund); ok {
			p.done(e, in, f.Object, f.Amount)
		}
	}
}

// done counts an order that was carried out. For a hold and an increment the
// order's First is when the hold lapses.
func (p *Payment) done(e ledger.Event, in Intent, object string, amount money.Money) {
	switch in.Op {
	case OpHold:
		if p.move(e, StepHeld) {
			p.HoldObject, p.Held, p.CaptureBefore = object, amount, in.First
		}
	case OpIncrement:
		if p.move(e, StepRaised) {
			p.Held, p.IncrementCode = amount, ""
			if !in.First.IsZero() {
				p.CaptureBefore = in.First
			}
		}
	case OpCapture:
		if p.move(e, StepCaptured) {
			p.CaptureCode, p.CaptureObject = "", object
			p.take(e, object, amount)
		}
	case OpCharge:
		p.take(e, object, amount)
		p.supplement(in)
	case OpRelease:
		p.move(e, StepReleased)
	case OpRefund:
		id, _ := ledger.ParseID(in.ID) // the id of an event
		p.RefundsFailed = 0
		p.repay(e, Repayment{
			Intent: id, Refund: object, Of: in.Object, Amount: amount, Purpose: in.Repays, Case: in.Case,
		})
	}
}

// supplement notes that a supplement was asked for.
func (p *Payment) supplement(in Intent) {
	if !in.Case.IsZero() {
		p.Supplements = append(slices.Clip(p.Supplements), in.Case)
	}
}

// take counts money taken under an object, each object once.
func (p *Payment) take(e ledger.Event, object string, amount money.Money) {
	if _, ok := p.Taking(object); ok {
		p.odd(e, "%s took money a second time", object)
		return
	}
	if p.add(e, &p.Captured, amount) {
		p.Takings = append(slices.Clip(p.Takings), Taking{Object: object, Taken: amount.Minor})
	}
}

// repay counts money given back, each refund once.
func (p *Payment) repay(e ledger.Event, r Repayment) {
	if slices.ContainsFunc(p.Repayments, func(o Repayment) bool { return o.Refund == r.Refund }) {
		p.odd(e, "refund %s a second time", r.Refund)
		return
	}
	if !p.add(e, &p.Refunded, r.Amount) {
		return
	}
	p.Repayments = append(slices.Clip(p.Repayments), r)
	p.givenBack(e, r.Of, r.Amount.Minor)
	if p.Refunded.Minor > p.Captured.Minor {
		p.odd(e, "refunded %s of %s captured", p.Refunded, p.Captured)
	}
}

// givenBack notes on a taking what was given back of it; less than nothing
// when it came back to us.
func (p *Payment) givenBack(e ledger.Event, object string, minor int64) {
	i := slices.IndexFunc(p.Takings, func(t Taking) bool { return t.Object == object })
	if i < 0 {
		if object != "" {
			p.odd(e, "refund of %s, which took nothing", object)
		}
		return
	}
	p.Takings = slices.Clone(p.Takings) // a copy of p may be read elsewhere
	p.Takings[i].Refunded = max(0, p.Takings[i].Refunded+minor)
}

// declined moves p past an order that was refused, by the provider or by the
// person who found out that it never arrived.
func (p *Payment) declined(e ledger.Event, intent ledger.ID, code string) {
	on := StepOutcome
	if _, ok := e.Payload.(ledger.PaymentResolved); ok {
		on = StepResolved
	}
	in, ok := p.close(e, intent, on, OpHold, OpIncrement, OpCapture, OpRelease, OpCharge, OpRefund)
	if !ok {
		return
	}
	lost := code == CodeNeverArrived
	if !lost {
		p.refuse(e, in, intent, code)
	}
	switch in.Op {
	case OpHold:
		if p.move(e, StepDeclined) {
			p.HoldCode = code
		}
	case OpIncrement:
		if !lost {
			p.IncrementCode = code
		}
	case OpCapture:
		p.CaptureCode, p.CaptureAsked = code, !lost
	case OpRelease:
		p.ReleaseFailed = !lost
	case OpRefund:
		if !lost {
			p.RefundsFailed++
			p.RefundFailed = e.Occurred
		}
	case OpCharge:
	}
}

// refuse remembers a decline: what may be tried again hangs on it.
func (p *Payment) refuse(e ledger.Event, in Intent, intent ledger.ID, code string) {
	method := in.PaymentMethod
	if method == "" {
		method = p.HoldMethod
	}
	p.Refusals = append(slices.Clip(p.Refusals), Refusal{
		Intent: intent, Op: in.Op, Purpose: in.Purpose, Case: in.Case, Amount: in.Amount, Method: method,
		Alone: !in.OnSession, Code: code, At: e.Occurred,
	})
	if in.Op == OpCharge {
		p.supplement(in)
	}
}

func (p *Payment) unclear(e ledger.Event, f ledger.PaymentUnclear) {
	if p.Open == nil || p.Open.ID != f.Intent.String() {
		p.odd(e, "%s of %s, which is not open", e.Kind, f.Intent)
		return
	}
	in := *p.Open // a copy of p may be read elsewhere
	in.State, _ = next(OrderTransitions, in.State, StepUnclear)
	in.Attempts, in.Unclear, in.Pending, in.Notified = f.Attempt, e.Occurred, f.Detail == DetailPending, false
	p.Open = &in
}

func (p *Payment) notified() {
	if p.Open != nil {
		in := *p.Open
		in.Notified = true
		p.Open = &in
	}
}
