package account

func (t *tx) chargeWire(c charge) Wire {
	ok := c.Status == succeeded
	// Stripe counts what a partial capture gave back, and a released hold, as
	// refunded, without making a refund object for it.
	refunded := c.Refunded
	if c.done() || c.Released {
		refunded += max(0, c.Amount-c.Captured)
	}
	return Wire{
		"id": c.ID, "object": "charge", "amount": c.Amount, "amount_captured": c.Captured,
		"amount_refunded": refunded, "application": nil, "application_fee": nil, "application_fee_amount": nil,
		"balance_transaction": orNull(c.Balance), "billing_details": billingDetails(),
		"calculated_statement_descriptor": "SIMULATED SHOP", "captured": c.Captured > 0, "created": c.Created,
		"currency": c.Currency, "customer": orNull(c.Customer), "description": nil, "disputed": len(c.Disputes) > 0,
		"failure_balance_transaction": nil, "failure_code": orNull(c.FailureCode),
		"failure_message": orNull(c.Failure), "fraud_details": Wire{}, "invoice": nil, "livemode": t.acc.cfg.Livemode,
		"metadata": meta(c.Metadata), "on_behalf_of": nil, "outcome": c.outcome(), "paid": ok,
		"payment_intent": c.Intent, "payment_method": c.Method,
		"payment_method_details": Wire{"type": c.Card.Kind(), c.Card.Kind(): c.details()},
		"receipt_email":          nil, "receipt_number": nil, "receipt_url": nil,
		"refunded": ok && refunded >= max(c.Amount, c.Captured),
		"review":   nil, "shipping": nil, "source": nil, "source_transfer": nil, "statement_descriptor": nil,
		"statement_descriptor_suffix": nil, "status": c.Status, "transfer_data": nil, "transfer_group": nil,
	}
}

// outcome says what the bank, or Stripe before it, made of the charge.
func (c charge) outcome() Wire {
	w := Wire{"network_status": "approved_by_network", "reason": nil, "risk_level": "normal", "risk_score": 20}
	w["seller_message"], w["type"] = "Payment complete.", "authorized"
	switch {
	case c.Blocked:
		w["network_status"], w["type"] = "not_sent_to_network", "blocked"
		w["reason"] = "previously_declined_do_not_retry"
		w["seller_message"] = "Stripe blocked this payment: the card was declined too often."
	case c.Status != succeeded:
		w["network_status"], w["type"] = "declined_by_network", "issuer_declined"
		w["reason"], w["seller_message"] = c.FailureCode, "The bank declined the payment."
		if c.Decline != "" {
			w["reason"] = c.Decline
		}
	}
	return w
}

// details are those of the card, and of what can be done with the hold.
func (c charge) details() Wire {
	w := Wire{
		"brand": c.Card.Brand, "last4": c.Card.Last4, "country": c.Card.Country, "funding": "credit",
		"exp_month": 12, "exp_year": expiryYear, "fingerprint": "sim" + c.Card.Brand + c.Card.Last4,
		"network": c.Card.Brand, "amount_authorized": c.Amount,
	}
	if c.CaptureBefore != 0 && !c.done() && !c.Released {
		w["capture_before"] = c.CaptureBefore
	}
	if c.Card.Present {
		w["cardholder_name"], w["emv_auth_data"], w["generated_card"] = nil, nil, nil
		w["incremental_authorization_supported"], w["overcapture_supported"] = c.Wants.Increment, c.Wants.Over
		w["read_method"], w["receipt"] = "contactless_emv", emvReceipt
		return w
	}
	available := func(yes bool) Wire {
		if yes {
			return Wire{"status": "available"}
		}
		return Wire{"status": "unavailable"}
	}
	extended := "disabled"
	if c.Wants.Extended {
		extended = "enabled"
	}
	w["checks"] = Wire{"address_line1_check": nil, "address_postal_code_check": nil, "cvc_check": "pass"}
	w["installments"], w["mandate"], w["wallet"], w["three_d_secure"] = nil, nil, nil, nil
	if c.Authenticated {
		w["three_d_secure"] = Wire{
			"authentication_flow": "challenge", "electronic_commerce_indicator": "05", "exemption_indicator": nil,
			"result": "authenticated", "result_reason": nil, "transaction_id": "sim", "version": "2.2.0",
		}
	}
	w["extended_authorization"] = Wire{"status": extended}
	w["incremental_authorization"], w["multicapture"] = available(c.Wants.Increment), available(c.Wants.Multi)
	over := available(c.Wants.Over)
	over["maximum_amount_capturable"] = c.most()
	w["overcapture"] = over
	return w
}

// emvReceipt is what a paper receipt of a card at a reader shows.
var emvReceipt = Wire{
	"account_type": "credit", "application_cryptogram": "DFEF2A4D1B9C7E03",
	"application_preferred_name": "Simulated Credit",
	"authorization_code":         "123456", "authorization_response_code": "3030",
	"cardholder_verification_method": "approval",
	"dedicated_file_name":            "A000000003101001", "terminal_verification_results": "0000000000",
	"transaction_status_information": "0000",
}
