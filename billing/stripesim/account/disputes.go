package account

import "slices"

// Statuses of disputes.
const (
	warningNeedsResponse = "warning_needs_response"
	warningUnderReview   = "warning_under_review"
	warningClosed        = "warning_closed"
	needsResponse        = "needs_response"
	underReview          = "under_review"
	won                  = "won"
	lost                 = "lost"
)

const (
	// disputeFee is kept by Stripe whoever wins: 15, in minor units of every
	// currency.
	disputeFee = 1500
	// answerDays is how long there is to answer, when nothing else is said.
	answerDays = 14
	// inquiryDays is how long a bank may make a dispute of an inquiry.
	inquiryDays = 120
)

// reasons are those of disputes, and the code by which Visa calls them.
var reasons = map[string]string{
	"fraudulent": "10.4", "product_not_received": "13.1", "product_unacceptable": "13.3", "duplicate": "12.6.1",
	"credit_not_processed": "13.6", "subscription_canceled": "13.2", "unrecognized": "10.4", "general": "13.7",
	"incorrect_account_details": "12.4", "insufficient_funds": "11.3", "debit_not_authorized": "10.4",
	"check_returned": "11.3", "customer_initiated": "13.7", "bank_cannot_process": "11.3",
}

// dispute begins a dispute about a captured charge.
func (t *tx) dispute(c charge, in Dispute) dispute {
	d := dispute{
		ID: t.id("du_"), Created: t.now, Charge: c.ID, Intent: c.Intent, Amount: in.Amount, Currency: c.Currency,
		Reason: in.Reason, Network: reasons[in.Reason], Status: needsResponse, Inquiry: in.Inquiry,
	}
	if d.Amount == 0 {
		if d.Amount = c.Captured - c.Refunded; d.Amount == 0 {
			d.Amount = c.Captured // a bank does not know of our refunds
		}
	}
	days := int64(answerDays)
	if in.DueDays > 0 {
		days = int64(in.DueDays)
	}
	d.DueBy = midnight(t.now+days*day) - 1
	c.Disputes = append(slices.Clone(c.Disputes), d.ID)
	t.putCharge(c)
	if in.Inquiry {
		d.Status = warningNeedsResponse
		store(&t.rec.Disputes, d)
		t.announce("charge.dispute.created", t.disputeWire(d))
	} else {
		d = t.withdraw(d, "charge.dispute.created")
	}
	for _, id := range c.Warnings {
		w, _ := lookup(t.rec.Warnings, &t.acc.warnings, id)
		t.announce("radar.early_fraud_warning.updated", t.warningWire(w))
	}
	return d
}

// withdraw takes the money, which is when a dispute is one.
func (t *tx) withdraw(d dispute, first string) dispute {
	id := t.post(balance{
		Kind: "adjustment", Category: "dispute", Source: d.ID, Amount: -d.Amount, Currency: d.Currency,
		Fee: disputeFee, FeeFor: "Dispute fee",
	})
	d.Status, d.Balances = needsResponse, append(slices.Clone(d.Balances), id)
	store(&t.rec.Disputes, d)
	t.announce(first, t.disputeWire(d))
	t.announce("charge.dispute.funds_withdrawn", t.disputeWire(d))
	return d
}

// inquiring reports whether the bank only asks so far.
func (d dispute) inquiring() bool {
	return d.Status == warningNeedsResponse || d.Status == warningUnderReview
}

// open reports whether the dispute has no end yet.
func (d dispute) open() bool {
	return d.inquiring() || d.Status == needsResponse || d.Status == underReview
}

// chargedBack reports whether a charge cannot be refunded any more, because a
// dispute about it is open or lost. An inquiry leaves that possible.
func (t *tx) chargedBack(c charge) bool {
	for _, id := range c.Disputes {
		d, _ := t.disputeOf(id)
		if d.Status == lost || (d.open() && !d.inquiring()) {
			return true
		}
	}
	return false
}

// deadline is when the clock ends a dispute: unanswered it is lost, and an
// inquiry that the bank leaves alone is closed.
func (d dispute) deadline() int64 {
	switch {
	case d.inquiring():
		return d.Created + inquiryDays*day
	case d.Status == needsResponse:
		return d.DueBy + 1
	}
	return 0
}

// pastDue does what is due for a dispute.
func (t *tx) pastDue(d dispute) {
	if d.inquiring() {
		t.close(d, warningClosed)
		return
	}
	d.PastDue = true
	t.close(d, lost)
}

// close ends a dispute. The money comes back with a win; the fee does not.
func (t *tx) close(d dispute, status string) {
	d.Status = status
	if status == won {
		d.Balances = append(slices.Clone(d.Balances), t.post(balance{
			Kind: "adjustment", Category: "dispute_reversal", Source: d.ID, Amount: d.Amount, Currency: d.Currency,
		}))
	}
	store(&t.rec.Disputes, d)
	if status == won {
		t.announce("charge.dispute.funds_reinstated", t.disputeWire(d))
	}
	t.announce("charge.dispute.closed", t.disputeWire(d))
}

// closeDispute serves POST /v1/disputes/:id/close: it is accepted as lost.
func closeDispute(t *tx, _ Form) (Wire, *Error) {
	d, ok := t.disputeOf(t.call.ID)
	switch {
	case !ok:
		return nil, notFound("dispute", t.call.ID)
	case d.Status != needsResponse:
		return nil, refused("", "This dispute has a status of "+d.Status+" and cannot be closed.")
	}
	t.close(d, lost)
	d, _ = t.disputeOf(d.ID)
	return t.disputeWire(d), nil
}

func (t *tx) disputeOf(id string) (dispute, bool) {
	return lookup(t.rec.Disputes, &t.acc.disputes, id)
}

func (t *tx) disputeWire(d dispute) Wire {
	evidence := Wire{}
	for _, name := range slices.Concat(evidenceTexts, evidenceFiles) {
		evidence[name] = orNull(d.Evidence[name])
	}
	moved := []Wire{}
	for _, id := range d.Balances {
		b, _ := lookup(t.rec.Balances, &t.acc.balances, id)
		moved = append(moved, t.balanceWire(b))
	}
	c, _ := t.charge(d.Charge)
	return Wire{
		"id": d.ID, "object": "dispute", "amount": d.Amount, "balance_transactions": moved, "charge": d.Charge,
		"created": d.Created, "currency": d.Currency, "evidence": evidence,
		"evidence_details": Wire{
			"due_by": d.DueBy, "has_evidence": len(d.Evidence) > 0, "submission_count": d.Submitted,
			"past_due": d.PastDue || (d.Status == warningNeedsResponse && t.now > d.DueBy),
		},
		"is_charge_refundable": d.inquiring() && c.Refunded < c.Captured, "livemode": t.acc.cfg.Livemode,
		"metadata": meta(d.Metadata), "network_reason_code": orNull(d.Network), "payment_intent": d.Intent,
		"payment_method_details": Wire{
			"type": "card", "card": Wire{"brand": c.Card.Brand, "network_reason_code": orNull(d.Network)},
		},
		"reason": d.Reason, "status": d.Status,
	}
}

// frauds are the kinds that a fraud warning may name.
var frauds = []string{
	"misc", "card_never_received", "fraudulent_card_application", "made_with_counterfeit_card",
	"made_with_lost_card", "made_with_stolen_card", "unauthorized_use_of_card",
}

// warn says that the bank believes a charge to be fraud.
func (t *tx) warn(c charge, fraud string) warning {
	w := warning{ID: t.id("issfr_"), Created: t.now, Charge: c.ID, Intent: c.Intent, Fraud: fraud}
	store(&t.rec.Warnings, w)
	c.Warnings = append(slices.Clone(c.Warnings), w.ID)
	t.putCharge(c)
	t.announce("radar.early_fraud_warning.created", t.warningWire(w))
	return w
}

// warningWire renders a warning; it asks for action as long as neither a full
// refund nor a dispute has come.
func (t *tx) warningWire(w warning) Wire {
	c, _ := t.charge(w.Charge)
	return Wire{
		"id": w.ID, "object": "radar.early_fraud_warning", "created": w.Created, "charge": w.Charge,
		"actionable": len(c.Disputes) == 0 && c.Refunded < c.Captured, "fraud_type": w.Fraud,
		"livemode": t.acc.cfg.Livemode, "payment_intent": w.Intent,
	}
}
