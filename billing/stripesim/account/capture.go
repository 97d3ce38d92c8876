package account

import (
	"slices"

	"github.com/vouchledger/vouch/billing/stripesim/testcard"
)

const (
	// maxIncrements is how often a hold may be tried to be raised.
	maxIncrements = 10
	// maxCaptures is how often one hold may be captured.
	maxCaptures = 50
)

// incrementIntent serves POST /v1/payment_intents/:id/increment_authorization.
func incrementIntent(t *tx, f Form) (Wire, *Error) {
	p, ok := t.intent(t.call.ID)
	if !ok {
		return nil, notFound("payment_intent", t.call.ID)
	}
	to, given, e := f.integer("amount")
	if e == nil && !given {
		_, e = f.needs("amount")
	}
	if e == nil {
		e = checkAmount("amount", to, p.Currency)
	}
	if e != nil {
		return nil, e
	}
	data, e := f.metadata(p.Metadata)
	if e != nil {
		return nil, e
	}
	c, _ := t.charge(p.Charge)
	switch {
	case p.Status != needsCapture || p.Received > 0:
		return nil, t.unexpected(p, "increment")
	case !c.Wants.Increment:
		return nil, refused("", "This PaymentIntent is not eligible for incremental authorization.")
	case to <= p.Amount:
		return nil, Invalid("amount", "", "The amount must be greater than the currently authorized amount.")
	case p.Increments == maxIncrements:
		return nil, refused("", "You have exceeded the maximum of 10 incremental authorizations on this PaymentIntent.")
	}
	p.Increments++
	m, _ := t.method(c.Method)
	m.Uses++
	code, decline := c.Card.Refusal(m.Uses)
	if decline == "" && c.Card.AtIncrement != "" {
		code, decline = "card_declined", c.Card.AtIncrement
	}
	if forced := t.forced(); forced != "" {
		code, decline = testcard.ErrorCode(forced), forced
	}
	store(&t.rec.Methods, m)
	c.Increments = append(slices.Clone(c.Increments), increment{To: to, Op: f.opID(), Declined: code != ""})
	if code != "" { // the hold stays as it was
		t.putCharge(c)
		t.putIntent(p)
		return nil, t.cardError(p, c, code, decline)
	}
	if d := f.get("description"); d != "" {
		p.Description = d
	}
	c.Amount, p.Amount, p.Capturable, p.Metadata = to, to, to, data
	t.putCharge(c)
	t.putIntent(p)
	t.announce("charge.updated", t.chargeWire(c))
	t.announce("payment_intent.amount_capturable_updated", t.intentWire(p, nil))
	return t.intentWire(p, f), nil
}

// opID is the order that a request carries out, in its metadata.
func (f Form) opID() string { return f.get("metadata[op_id]") }

// taking is what one capture takes.
type taking struct {
	amount int64
	final  bool // frees the rest
	op     string
}

// captureIntent serves POST /v1/payment_intents/:id/capture.
func captureIntent(t *tx, f Form) (Wire, *Error) {
	p, ok := t.intent(t.call.ID)
	if !ok {
		return nil, notFound("payment_intent", t.call.ID)
	}
	c, _ := t.charge(p.Charge)
	take, e := t.taking(p, c, f)
	if e != nil {
		return nil, e
	}
	if p.Metadata, e = f.metadata(p.Metadata); e != nil {
		return nil, e
	}
	decline := t.forced()
	if decline == "" {
		decline = c.Card.AtCapture
	}
	if decline != "" {
		c.NotCaptured++
		t.putCharge(c)
		return nil, t.cardError(p, c, testcard.ErrorCode(decline), decline)
	}
	return t.take(p, c, take, f)
}

// taking reads and checks what a capture is to take.
func (t *tx) taking(p intent, c charge, f Form) (taking, *Error) {
	amount, given, e := f.integer("amount_to_capture")
	if e != nil {
		return taking{}, e
	}
	if !given {
		amount = p.Capturable
	}
	final := f.get("final_capture") != "false"
	rest := final && given && amount == 0 && p.Received > 0 // frees it, takes nothing
	switch {
	case p.Status == canceled && p.CancelReason == "automatic":
		e := refused("charge_expired_for_capture", "The authorization has expired and cannot be captured.")
		e.Intent = t.intentWire(p, nil)
		return taking{}, e
	case p.Status != needsCapture:
		return taking{}, t.unexpected(p, "capture")
	case !final && !c.Wants.Multi:
		return taking{}, Invalid("final_capture", "", "Multicapture is not available for this PaymentIntent.")
	case len(c.Captures) == maxCaptures && !rest:
		return taking{}, refused("", "A PaymentIntent can be captured at most 50 times.")
	case amount < 1 && !rest:
		return taking{}, Invalid("amount_to_capture", "parameter_invalid_integer", "Must be greater than or equal to 1.")
	case amount > c.most()-c.Captured:
		e := refused("amount_too_large", "The amount to capture is greater than the amount you can capture.")
		e.Param = "amount_to_capture"
		return taking{}, e
	}
	op := f.opID()
	if op == "" {
		op = f.get("metadata[capture_op_id]")
	}
	return taking{amount: amount, final: final, op: op}, checkUnit("amount_to_capture", amount, p.Currency)
}

// take captures part of a held charge and, with the last part, frees the rest.
func (t *tx) take(p intent, c charge, take taking, f Form) (Wire, *Error) {
	if take.amount > 0 {
		id := t.post(balance{Kind: "charge", Source: c.ID, Amount: take.amount, Currency: c.Currency})
		c.Captures = append(slices.Clone(c.Captures), capture{Amount: take.amount, Op: take.op, Balance: id})
		if c.Balance == "" {
			c.Balance = id
		}
	}
	c.Captured, c.Metadata = c.Captured+take.amount, p.Metadata
	p.Received, p.Capturable = c.Captured, max(0, c.Amount-c.Captured)
	if !take.final && p.Capturable > 0 {
		c.More = true
		t.putCharge(c)
		t.putIntent(p)
		t.announce("charge.updated", t.chargeWire(c))
		t.announce("payment_intent.amount_capturable_updated", t.intentWire(p, nil))
		return t.intentWire(p, f), nil
	}
	return t.intentWire(t.taken(p, c), f), nil
}

// taken ends a hold of which all was captured that will be.
func (t *tx) taken(p intent, c charge) intent {
	c.More = false
	p.Status, p.Capturable = succeeded, 0
	t.putCharge(c)
	t.putIntent(p)
	t.announce("charge.captured", t.chargeWire(c))
	t.announce("payment_intent.succeeded", t.intentWire(p, nil))
	if c.Card.FraudWarning {
		t.warn(c, "misc")
	}
	if c.Card.Dispute != "" {
		t.dispute(c, Dispute{Reason: c.Card.Dispute, Inquiry: c.Card.Inquiry})
	}
	p, _ = t.intent(p.ID)
	return p
}

// lapse ends a hold whose time is over: what was captured stays.
func (t *tx) lapse(p intent) {
	if c, ok := t.charge(p.Charge); ok && p.Received > 0 {
		t.taken(p, c)
		return
	}
	t.release(p, "automatic", t.now)
}
