package stripesim

import (
	"fmt"
	"slices"
)

// createRefund serves POST /v1/refunds.
func createRefund(t *tx, f form) (wire, *apiError) {
	p, c, e := t.refundable(f)
	if e != nil {
		return nil, e
	}
	amount, given, e := f.integer("amount")
	if e != nil {
		return nil, e
	}
	reason, e := f.oneOf("reason", "", "duplicate", "fraudulent", "requested_by_customer")
	if e != nil {
		return nil, e
	}
	data, e := f.metadata(nil)
	if e != nil {
		return nil, e
	}
	left := c.Captured - c.Refunded
	if !given {
		amount = left
	}
	switch {
	case left == 0:
		return nil, refused("charge_already_refunded", "Charge "+c.ID+" has already been refunded.")
	case amount < 1:
		return nil, invalid("amount", "parameter_invalid_integer", "Must be greater than or equal to 1.")
	case amount > left:
		e := refused("amount_too_large", fmt.Sprintf(
			"Refund amount (%d %s) is greater than unrefunded amount on charge (%d %s)", amount, c.Currency, left, c.Currency))
		e.param = "amount"
		return nil, e
	}
	if e := checkUnit("amount", amount, c.Currency); e != nil {
		return nil, e
	}
	r := refund{
		ID: t.id("re_"), Created: t.now, Intent: p.ID, Charge: c.ID, Amount: amount, Currency: c.Currency,
		Status: succeeded, Reason: reason, Metadata: data,
	}
	r.Balance = t.post("refund", r.ID, -amount, c.Currency)
	c.Refunded += amount
	p.Refunds = append(slices.Clone(p.Refunds), r.ID)
	store(&t.rec.Refunds, r)
	t.putCharge(c)
	t.putIntent(p)
	t.announce("charge.refunded", t.chargeWire(c))
	t.announce("refund.created", refundWire(r))
	return refundWire(r), nil
}

// refundable finds the captured charge a refund is for.
func (t *tx) refundable(f form) (intent, charge, *apiError) {
	var c charge
	id := f.get("charge")
	if name := f.get("payment_intent"); name != "" {
		p, ok := t.intent(name)
		if !ok {
			return p, c, missing("payment_intent", "payment_intent", name)
		}
		if p.Status != succeeded {
			return p, c, t.unexpected(p, "refund")
		}
		id = p.Charge
	}
	if id == "" {
		return intent{}, c, invalid("charge", "parameter_missing", "One of charge and payment_intent is required.")
	}
	c, ok := t.charge(id)
	if !ok {
		return intent{}, c, missing("charge", "charge", id)
	}
	p, _ := t.intent(c.Intent)
	if c.Captured == 0 {
		return p, c, refused("charge_not_refundable", "Charge "+c.ID+" has not been captured.")
	}
	return p, c, nil
}

// getRefund serves GET /v1/refunds/:id.
func getRefund(t *tx, _ form) (wire, *apiError) {
	r, ok := t.sim.state.refunds.byID[t.call.id]
	if !ok {
		return nil, notFound("refund", t.call.id)
	}
	return refundWire(r), nil
}

// getCharge serves GET /v1/charges/:id.
func getCharge(t *tx, _ form) (wire, *apiError) {
	c, ok := t.charge(t.call.id)
	if !ok {
		return nil, notFound("charge", t.call.id)
	}
	return t.chargeWire(c), nil
}

// getBalance serves GET /v1/balance_transactions/:id.
func getBalance(t *tx, _ form) (wire, *apiError) {
	b, ok := t.sim.state.balances.byID[t.call.id]
	if !ok {
		return nil, notFound("balance_transaction", t.call.id)
	}
	return balanceWire(b), nil
}

// getEvent serves GET /v1/events/:id.
func getEvent(t *tx, _ form) (wire, *apiError) {
	e, ok := t.sim.state.events.byID[t.call.id]
	if !ok {
		return nil, notFound("event", t.call.id)
	}
	return t.sim.eventWire(e, APIVersion), nil
}
