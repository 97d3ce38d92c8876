package stripesim

// A wire is a JSON object as Stripe sends it.
type wire = map[string]any

// orNull renders an absent value as null.
func orNull[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

// meta renders metadata, never null.
func meta(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func (t *tx) customerWire(c customer) wire {
	if c.Deleted {
		return wire{"id": c.ID, "object": "customer", "deleted": true}
	}
	return wire{
		"id": c.ID, "object": "customer", "address": nil, "balance": 0, "created": c.Created, "currency": nil,
		"default_source": nil, "delinquent": false, "description": orNull(c.Description), "discount": nil,
		"email": orNull(c.Email), "invoice_prefix": invoicePrefix(c.ID),
		"invoice_settings": wire{
			"custom_fields": nil, "default_payment_method": orNull(c.Default), "footer": nil, "rendering_options": nil,
		},
		"livemode": t.sim.cfg.Livemode, "metadata": meta(c.Metadata), "name": orNull(c.Name),
		"next_invoice_sequence": 1, "phone": nil, "preferred_locales": []string{}, "shipping": nil,
		"tax_exempt": "none", "test_clock": nil,
	}
}

// invoicePrefix is eight characters of the id; nothing depends on it.
func invoicePrefix(id string) string { return id[max(0, len(id)-8):] }

func (t *tx) methodWire(m method) wire {
	return wire{
		"id": m.ID, "object": "payment_method", "type": "card", "created": m.Created,
		"customer": orNull(m.Customer), "livemode": t.sim.cfg.Livemode, "metadata": meta(m.Metadata),
		"billing_details": billingDetails(),
		"card": wire{
			"brand": m.Card.Brand, "last4": m.Card.Last4, "country": m.Card.Country, "funding": "credit",
			"exp_month": 12, "exp_year": expiryYear, "fingerprint": "sim" + m.Card.Brand + m.Card.Last4,
			"checks":   wire{"address_line1_check": nil, "address_postal_code_check": nil, "cvc_check": "pass"},
			"networks": wire{"available": []string{m.Card.Brand}, "preferred": nil}, "generated_from": nil,
			"three_d_secure_usage": wire{"supported": true}, "wallet": nil,
		},
	}
}

// expiryYear of every card: far enough that no clock of a test passes it.
const expiryYear = 2099

func billingDetails() wire {
	return wire{
		"address": wire{
			"city": nil, "country": nil, "line1": nil, "line2": nil, "postal_code": nil, "state": nil,
		},
		"email": nil, "name": nil, "phone": nil,
	}
}

func (t *tx) intentWire(p intent, f form) wire {
	w := wire{
		"id": p.ID, "object": "payment_intent", "amount": p.Amount, "amount_capturable": p.Capturable,
		"amount_details": wire{"tip": wire{}}, "amount_received": p.Received, "application": nil,
		"application_fee_amount": nil, "automatic_payment_methods": nil, "canceled_at": orNull(p.CanceledAt),
		"cancellation_reason": orNull(p.CancelReason), "capture_method": p.CaptureMethod,
		"client_secret": p.ID + "_secret_sim", "confirmation_method": "automatic", "created": p.Created,
		"currency": p.Currency, "customer": orNull(p.Customer), "description": orNull(p.Description),
		"invoice": nil, "last_payment_error": nil, "latest_charge": orNull(p.Charge), "livemode": t.sim.cfg.Livemode,
		"metadata": meta(p.Metadata), "next_action": nil, "on_behalf_of": nil, "payment_method": orNull(p.Method),
		"payment_method_options": wire{"card": wire{
			"installments": nil, "mandate_options": nil, "network": nil, "request_three_d_secure": "automatic",
		}},
		"payment_method_types": []string{"card"}, "processing": nil, "receipt_email": nil, "review": nil,
		"setup_future_usage": orNull(p.FutureUsage), "shipping": nil, "source": nil, "statement_descriptor": nil,
		"statement_descriptor_suffix": nil, "status": p.Status, "transfer_data": nil, "transfer_group": nil,
	}
	if p.Status == needsAction {
		w["next_action"] = wire{"type": "use_stripe_sdk", "use_stripe_sdk": wire{"type": "three_d_secure_redirect"}}
	}
	if e := p.LastError; e != nil {
		last := wire{
			"type": typeCard, "code": e.Code, "message": e.Message, "charge": e.Charge,
			"doc_url": "https://stripe.com/docs/error-codes/" + e.Code,
		}
		if e.DeclineCode != "" {
			last["decline_code"] = e.DeclineCode
		}
		w["last_payment_error"] = last
	}
	if c, ok := t.charge(p.Charge); ok && (f.expands("latest_charge") || f.expands("data.latest_charge")) {
		w["latest_charge"] = t.chargeWire(c)
	}
	return w
}

func (t *tx) chargeWire(c charge) wire {
	ok := c.Status == succeeded
	outcome := wire{
		"network_status": "approved_by_network", "reason": nil, "risk_level": "normal", "risk_score": 20,
		"seller_message": "Payment complete.", "type": "authorized",
	}
	if !ok {
		outcome = wire{
			"network_status": "declined_by_network", "reason": orNull(c.FailureCode), "risk_level": "normal",
			"risk_score": 20, "seller_message": "The bank declined the payment.", "type": "issuer_declined",
		}
	}
	cardWire := wire{
		"brand": c.Card.Brand, "last4": c.Card.Last4, "country": c.Card.Country, "funding": "credit",
		"exp_month": 12, "exp_year": expiryYear, "fingerprint": "sim" + c.Card.Brand + c.Card.Last4,
		"network": c.Card.Brand, "installments": nil, "mandate": nil, "three_d_secure": nil, "wallet": nil,
		"amount_authorized": c.Amount,
		"checks":            wire{"address_line1_check": nil, "address_postal_code_check": nil, "cvc_check": "pass"},
		"overcapture":       wire{"maximum_amount_capturable": c.Amount, "status": "unavailable"},
	}
	if c.CaptureBefore != 0 && c.Captured == 0 {
		cardWire["capture_before"] = c.CaptureBefore
	}
	// Stripe counts what a partial capture gave back, and a released hold, as
	// refunded, without making a refund object for it.
	refunded := c.Refunded
	if c.Captured > 0 || c.Released {
		refunded += c.Amount - c.Captured
	}
	return wire{
		"id": c.ID, "object": "charge", "amount": c.Amount, "amount_captured": c.Captured,
		"amount_refunded": refunded, "application": nil, "application_fee": nil, "application_fee_amount": nil,
		"balance_transaction": orNull(c.Balance), "billing_details": billingDetails(),
		"calculated_statement_descriptor": "SIMULATED SHOP", "captured": c.Captured > 0, "created": c.Created,
		"currency": c.Currency, "customer": orNull(c.Customer), "description": nil, "disputed": false,
		"failure_balance_transaction": nil, "failure_code": orNull(c.FailureCode),
		"failure_message": orNull(c.Failure), "fraud_details": wire{}, "invoice": nil, "livemode": t.sim.cfg.Livemode,
		"metadata": meta(c.Metadata), "on_behalf_of": nil, "outcome": outcome, "paid": ok,
		"payment_intent": c.Intent, "payment_method": c.Method,
		"payment_method_details": wire{"type": "card", "card": cardWire},
		"receipt_email":          nil, "receipt_number": nil, "receipt_url": nil, "refunded": ok && refunded == c.Amount,
		"review": nil, "shipping": nil, "source": nil, "source_transfer": nil, "statement_descriptor": nil,
		"statement_descriptor_suffix": nil, "status": c.Status, "transfer_data": nil, "transfer_group": nil,
	}
}

func refundWire(r refund) wire {
	return wire{
		"id": r.ID, "object": "refund", "amount": r.Amount, "balance_transaction": orNull(r.Balance),
		"charge": r.Charge, "created": r.Created, "currency": r.Currency,
		"destination_details": wire{
			"type": "card",
			"card": wire{
				"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund",
			},
		},
		"metadata": meta(r.Metadata), "payment_intent": r.Intent, "reason": orNull(r.Reason), "receipt_number": nil,
		"source_transfer_reversal": nil, "status": r.Status, "transfer_reversal": nil,
	}
}

func balanceWire(b balance) wire {
	fees := []wire{}
	if b.Fee != 0 {
		fees = append(fees, wire{
			"amount": b.Fee, "application": nil, "currency": b.Currency, "description": "Stripe processing fees",
			"type": "stripe_fee",
		})
	}
	return wire{
		"id": b.ID, "object": "balance_transaction", "amount": b.Amount, "available_on": b.Created + 2*86400,
		"created": b.Created, "currency": b.Currency, "description": nil, "exchange_rate": nil, "fee": b.Fee,
		"fee_details": fees, "net": b.Amount - b.Fee, "reporting_category": b.Kind, "source": b.Source,
		"status": "pending", "type": b.Kind,
	}
}

func (s *Sim) eventWire(e event, version string) wire {
	pending := 0
	if e.Delivery == "" && s.hooks.listening() {
		pending = 1
	}
	return wire{
		"id": e.ID, "object": "event", "api_version": version, "created": e.Created, "data": wire{"object": e.Object},
		"livemode": s.cfg.Livemode, "pending_webhooks": pending,
		"request": wire{"id": orNull(e.Request), "idempotency_key": orNull(e.Key)}, "type": e.Type,
	}
}
