package account

import (
	"github.com/vouchledger/vouch/billing/stripesim/testcard"
)

// A Wire is a JSON object as Stripe sends it.
type Wire = map[string]any

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

func (t *tx) customerWire(c customer) Wire {
	if c.Deleted {
		return Wire{"id": c.ID, "object": "customer", "deleted": true}
	}
	return Wire{
		"id": c.ID, "object": "customer", "address": nil, "balance": 0, "created": c.Created, "currency": nil,
		"default_source": nil, "delinquent": false, "description": orNull(c.Description), "discount": nil,
		"email": orNull(c.Email), "invoice_prefix": invoicePrefix(c.ID),
		"invoice_settings": Wire{
			"custom_fields": nil, "default_payment_method": orNull(c.Default), "footer": nil, "rendering_options": nil,
		},
		"livemode": t.acc.cfg.Livemode, "metadata": meta(c.Metadata), "name": orNull(c.Name),
		"next_invoice_sequence": 1, "phone": nil, "preferred_locales": []string{}, "shipping": nil,
		"tax_exempt": "none", "test_clock": nil,
	}
}

// invoicePrefix is eight characters of the id; nothing depends on it.
func invoicePrefix(id string) string { return id[max(0, len(id)-8):] }

func (t *tx) methodWire(m method) Wire {
	kind := m.Card.Kind()
	w := Wire{
		"id": m.ID, "object": "payment_method", "type": kind, "created": m.Created,
		"customer": orNull(m.Customer), "livemode": t.acc.cfg.Livemode, "metadata": meta(m.Metadata),
		"billing_details": billingDetails(),
	}
	if m.Card.Present {
		w[kind] = Wire{
			"brand": m.Card.Brand, "last4": m.Card.Last4, "country": m.Card.Country, "funding": "credit",
			"exp_month": 12, "exp_year": expiryYear, "fingerprint": "sim" + m.Card.Brand + m.Card.Last4,
			"cardholder_name": nil, "networks": Wire{"available": []string{m.Card.Brand}, "preferred": nil},
			"read_method": "contactless_emv",
		}
		return w
	}
	w[kind] = Wire{
		"brand": m.Card.Brand, "last4": m.Card.Last4, "country": m.Card.Country, "funding": "credit",
		"exp_month": 12, "exp_year": expiryYear, "fingerprint": "sim" + m.Card.Brand + m.Card.Last4,
		"checks":   Wire{"address_line1_check": nil, "address_postal_code_check": nil, "cvc_check": "pass"},
		"networks": Wire{"available": []string{m.Card.Brand}, "preferred": nil}, "generated_from": nil,
		"three_d_secure_usage": Wire{"supported": true}, "wallet": nil,
	}
	return w
}

// expiryYear of every card: far enough that no clock of a test passes it.
const expiryYear = 2099

func billingDetails() Wire {
	return Wire{
		"address": Wire{
			"city": nil, "country": nil, "line1": nil, "line2": nil, "postal_code": nil, "state": nil,
		},
		"email": nil, "name": nil, "phone": nil,
	}
}

func (t *tx) intentWire(p intent, f Form) Wire {
	types := p.Types
	if len(types) == 0 {
		types = []string{"card"}
	}
	w := Wire{
		"id": p.ID, "object": "payment_intent", "amount": p.Amount, "amount_capturable": p.Capturable,
		"amount_details": Wire{"tip": Wire{}}, "amount_received": p.Received, "application": nil,
		"application_fee_amount": nil, "automatic_payment_methods": nil, "canceled_at": orNull(p.CanceledAt),
		"cancellation_reason": orNull(p.CancelReason), "capture_method": p.CaptureMethod,
		"client_secret": p.ID + "_secret_sim", "confirmation_method": "automatic", "created": p.Created,
		"currency": p.Currency, "customer": orNull(p.Customer), "description": orNull(p.Description),
		"invoice": nil, "last_payment_error": nil, "latest_charge": orNull(p.Charge), "livemode": t.acc.cfg.Livemode,
		"metadata": meta(p.Metadata), "next_action": nextAction(p.Status, p.Action), "on_behalf_of": nil,
		"payment_method": orNull(p.Method), "payment_method_options": Wire{"card": optionsWire(p.Wants)},
		"payment_method_types": types, "processing": nil, "receipt_email": nil, "review": nil,
		"setup_future_usage": orNull(p.FutureUsage), "shipping": nil, "source": nil, "statement_descriptor": nil,
		"statement_descriptor_suffix": nil, "status": p.Status, "transfer_data": nil, "transfer_group": nil,
	}
	if p.LastError != nil {
		w["last_payment_error"] = t.lastErrorWire(p.LastError)
	}
	if c, ok := t.charge(p.Charge); ok && (f.expands("latest_charge") || f.expands("data.latest_charge")) {
		w["latest_charge"] = t.chargeWire(c)
	}
	return w
}

// optionsWire says what was asked for.
func optionsWire(wants testcard.Wishes) Wire {
	w := Wire{
		"installments": nil, "mandate_options": nil, "network": nil, "request_three_d_secure": "automatic",
	}
	for name, wished := range map[string]bool{
		"request_incremental_authorization": wants.Increment, "request_overcapture": wants.Over,
		"request_multicapture": wants.Multi, "request_extended_authorization": wants.Extended,
	} {
		if wished {
			w[name] = "if_available"
		}
	}
	return w
}

// EventWire renders an event as of an API version.
func (s *Account) EventWire(e Event, version string) Wire {
	pending := 0
	if (e.Delivery == "" || e.Delivery == Waiting) && s.cfg.Listening() {
		pending = 1
	}
	return Wire{
		"id": e.ID, "object": "event", "api_version": version, "created": e.Created, "data": Wire{"object": e.Object},
		"livemode": s.cfg.Livemode, "pending_webhooks": pending,
		"request": Wire{"id": orNull(e.Request), "idempotency_key": orNull(e.Key)}, "type": e.Type,
	}
}
