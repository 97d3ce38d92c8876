package account

import (
	"fmt"
	"slices"

	"github.com/vouchledger/vouch/billing/stripesim/testcard"
)

// createRefund serves POST /v1/refunds.
func createRefund(t *tx, f Form) (Wire, *Error) {
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
	if e := t.checkRefund(c, amount, left); e != nil {
		return nil, e
	}
	r := refund{
		ID: t.id("re_"), Created: t.now, Intent: p.ID, Charge: c.ID, Amount: amount, Currency: c.Currency,
		Status: succeeded, Reason: reason, Metadata: data,
	}
	switch c.Card.Refunds {
	case testcard.RefundsFail:
		r.Next, r.NextAt = failed, t.now+day
	case testcard.RefundsPend:
		r.Status, r.Next, r.NextAt = pending, succeeded, t.now+day
	case testcard.RefundsPendAndFail:
		r.Status, r.Next, r.NextAt = pending, failed, t.now+day
	}
	r.Balance = t.post(balance{Kind: "refund", Source: r.ID, Amount: -amount, Currency: c.Currency})
	c.Refunded += amount
	p.Refunds = append(slices.Clone(p.Refunds), r.ID)
	store(&t.rec.Refunds, r)
	t.putCharge(c)
	t.putIntent(p)
	t.announce("charge.refunded", t.chargeWire(c))
	t.announce("refund.created", t.refundWire(r))
	if c.Refunded == c.Captured {
		t.refundedWhole(c)
	}
	return t.refundWire(r), nil
}

// checkRefund refuses what cannot be given back.
func (t *tx) checkRefund(c charge, amount, left int64) *Error {
	switch {
	case t.chargedBack(c):
		return refused("charge_disputed", "Charge "+c.ID+" has been charged back; cannot issue a refund.")
	case left == 0:
		return refused("charge_already_refunded", "Charge "+c.ID+" has already been refunded.")
	case amount < 1:
		return Invalid("amount", "parameter_invalid_integer", "Must be greater than or equal to 1.")
	case amount > left:
		e := refused("amount_too_large", fmt.Sprintf(
			"Refund amount (%d %s) is greater than unrefunded amount on charge (%d %s)", amount, c.Currency, left, c.Currency))
		e.Param = "amount"
		return e
	}
	return checkUnit("amount", amount, c.Currency)
}

// refundedWhole ends what a full refund answers: an inquiry is closed, a fraud
// warning needs nothing more.
func (t *tx) refundedWhole(c charge) {
	for _, id := range c.Disputes {
		if d, _ := t.disputeOf(id); d.inquiring() {
			t.close(d, warningClosed)
		}
	}
	for _, id := range c.Warnings {
		t.announce("radar.early_fraud_warning.updated", t.warningWire(t.acc.warnings.byID[id]))
	}
}

// refundable finds the captured charge a refund is for.
func (t *tx) refundable(f Form) (intent, charge, *Error) {
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
		return intent{}, c, Invalid("charge", "parameter_missing", "One of charge and payment_intent is required.")
	}
	c, ok := t.charge(id)
	if !ok {
		return intent{}, c, missing("charge", "charge", id)
	}
	p, _ := t.intent(c.Intent)
	if !c.done() {
		return p, c, refused("charge_not_refundable", "Charge "+c.ID+" has not been captured.")
	}
	return p, c, nil
}

// endRefund gives a refund another status. When it fails or is canceled, the
// money is back in the account and still owed to the shopper.
func (t *tx) endRefund(r refund, status, reason string) {
	r.Status, r.Next, r.NextAt = status, "", 0
	if status != succeeded {
		if status == failed {
			r.FailureReason = reason
		}
		r.FailureBalance = t.post(balance{Kind: "refund_failure", Source: r.ID, Amount: r.Amount, Currency: r.Currency})
		c, _ := t.charge(r.Charge)
		c.Refunded -= r.Amount
		t.putCharge(c)
	}
	store(&t.rec.Refunds, r)
	t.announce("charge.refund.updated", t.refundWire(r))
	t.announce("refund.updated", t.refundWire(r))
}

// cancelRefund serves POST /v1/refunds/:id/cancel.
func cancelRefund(t *tx, _ Form) (Wire, *Error) {
	r, ok := t.refund(t.call.ID)
	switch {
	case !ok:
		return nil, notFound("refund", t.call.ID)
	case r.Status != pending:
		return nil, refused("", "Refund "+r.ID+" has a status of "+r.Status+" and cannot be canceled.")
	}
	t.endRefund(r, canceled, "")
	r, _ = t.refund(r.ID)
	return t.refundWire(r), nil
}

// updateRefund serves POST /v1/refunds/:id: metadata.
func updateRefund(t *tx, f Form) (Wire, *Error) {
	r, ok := t.refund(t.call.ID)
	if !ok {
		return nil, notFound("refund", t.call.ID)
	}
	var e *Error
	if r.Metadata, e = f.metadata(r.Metadata); e != nil {
		return nil, e
	}
	store(&t.rec.Refunds, r)
	return t.refundWire(r), nil
}

func (t *tx) refund(id string) (refund, bool) { return lookup(t.rec.Refunds, &t.acc.refunds, id) }

func (t *tx) refundWire(r refund) Wire {
	w := Wire{
		"id": r.ID, "object": "refund", "amount": r.Amount, "balance_transaction": orNull(r.Balance),
		"charge": r.Charge, "created": r.Created, "currency": r.Currency,
		"destination_details": Wire{
			"type": "card",
			"card": Wire{
				"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund",
			},
		},
		"metadata": meta(r.Metadata), "payment_intent": r.Intent, "reason": orNull(r.Reason), "receipt_number": nil,
		"source_transfer_reversal": nil, "status": r.Status, "transfer_reversal": nil,
	}
	if r.FailureBalance != "" {
		w["failure_balance_transaction"] = r.FailureBalance
	}
	if r.FailureReason != "" {
		w["failure_reason"] = r.FailureReason
	}
	return w
}
