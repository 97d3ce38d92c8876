package account

import (
	"net/http"

	"github.com/vouchledger/vouch/billing/stripesim/testcard"
)

// createCustomer serves POST /v1/customers.
func createCustomer(t *tx, f Form) (Wire, *Error) {
	return t.saveCustomer(customer{ID: t.id("cus_"), Created: t.now}, "customer.created", f)
}

// updateCustomer serves POST /v1/customers/:id.
func updateCustomer(t *tx, f Form) (Wire, *Error) {
	c, ok := t.customer(t.call.ID)
	if !ok || c.Deleted {
		return nil, notFound("customer", t.call.ID)
	}
	return t.saveCustomer(c, "customer.updated", f)
}

func (t *tx) saveCustomer(c customer, kind string, f Form) (Wire, *Error) {
	var e *Error
	if c.Metadata, e = f.metadata(c.Metadata); e != nil {
		return nil, e
	}
	for name, field := range map[string]*string{"email": &c.Email, "name": &c.Name, "description": &c.Description} {
		if v := f.get(name); v != "" {
			*field = v
		}
	}
	if id := f.under("invoice_settings")["default_payment_method"]; id != "" {
		if m, ok := t.method(id); !ok || m.Customer != c.ID {
			return nil, missing("invoice_settings[default_payment_method]", "PaymentMethod", id)
		}
		c.Default = id
	}
	store(&t.rec.Customers, c)
	t.announce(kind, t.customerWire(c))
	if f.get("payment_method") == "" {
		return t.customerWire(c), nil
	}
	m, _, e := t.chosen(f, c.ID, nil)
	if e != nil {
		return nil, e
	}
	if _, e := t.attach(m, c.ID); e != nil {
		return nil, e
	}
	return t.customerWire(c), nil
}

// deleteCustomer serves DELETE /v1/customers/:id.
func deleteCustomer(t *tx, _ Form) (Wire, *Error) {
	c, ok := t.customer(t.call.ID)
	if !ok || c.Deleted {
		return nil, notFound("customer", t.call.ID)
	}
	t.announce("customer.deleted", t.customerWire(c))
	c.Deleted = true
	store(&t.rec.Customers, c)
	return t.customerWire(c), nil
}

// getCustomer serves GET /v1/customers/:id.
func getCustomer(t *tx, _ Form) (Wire, *Error) {
	c, ok := t.customer(t.call.ID)
	if !ok {
		return nil, notFound("customer", t.call.ID)
	}
	return t.customerWire(c), nil
}

// createMethod serves POST /v1/payment_methods, by test card number or token.
func createMethod(t *tx, f Form) (Wire, *Error) {
	if kind, e := f.needs("type"); e != nil || kind != "card" {
		return nil, Invalid("type", "", "This simulator takes cards only.")
	}
	in := f.under("card")
	c, ok := testcard.ByNumber(in["number"])
	if in["token"] == "tok_visa" {
		c, ok = testcard.Magic("pm_card_visa")
	}
	if !ok {
		e := Invalid("card[number]", "incorrect_number", "Your card number is not one of the test cards.")
		e.Status, e.Kind = http.StatusPaymentRequired, TypeCard
		return nil, e
	}
	data, e := f.metadata(nil)
	if e != nil {
		return nil, e
	}
	m := method{ID: t.id("pm_"), Created: t.now, Card: c, Metadata: data}
	store(&t.rec.Methods, m)
	return t.methodWire(m), nil
}

// getMethod serves GET /v1/payment_methods/:id.
func getMethod(t *tx, _ Form) (Wire, *Error) {
	m, ok := t.method(t.call.ID)
	if !ok {
		return nil, notFound("PaymentMethod", t.call.ID)
	}
	return t.methodWire(m), nil
}

// attachMethod serves POST /v1/payment_methods/:id/attach. A magic id becomes
// a payment method of its own, as at Stripe.
func attachMethod(t *tx, f Form) (Wire, *Error) {
	who, e := f.needs("customer")
	if e != nil {
		return nil, e
	}
	if c, ok := t.customer(who); !ok || c.Deleted {
		return nil, missing("customer", "customer", who)
	}
	m, ok := t.method(t.call.ID)
	if c, magic := testcard.Magic(t.call.ID); magic {
		m, ok = method{ID: t.id("pm_"), Created: t.now, Card: c}, true
	}
	if !ok {
		return nil, notFound("PaymentMethod", t.call.ID)
	}
	return t.attach(m, who)
}

// attach ties a method to a customer. The bank is asked first, so a card that
// declines cannot be attached, except the one that is made for it.
func (t *tx) attach(m method, who string) (Wire, *Error) {
	if m.Detached {
		return nil, detached()
	}
	if m.Customer != "" && m.Customer != who {
		return nil, refused("payment_method_unexpected_state", "The payment method is attached to another customer.")
	}
	if !m.Card.Attachable {
		return nil, &Error{
			Status: http.StatusPaymentRequired, Kind: TypeCard, Code: m.Card.Code, DeclineCode: m.Card.Decline,
			Message: testcard.Message(m.Card.Code, m.Card.Decline), Stored: true,
		}
	}
	m.Customer = who
	store(&t.rec.Methods, m)
	t.announce("payment_method.attached", t.methodWire(m))
	return t.methodWire(m), nil
}

// detached refuses a payment method that was taken off its customer.
func detached() *Error {
	return Invalid("payment_method", "", "The provided PaymentMethod was detached from a Customer. It may not be used again.")
}

// detachMethod serves POST /v1/payment_methods/:id/detach.
func detachMethod(t *tx, _ Form) (Wire, *Error) {
	m, ok := t.method(t.call.ID)
	if !ok {
		return nil, notFound("PaymentMethod", t.call.ID)
	}
	if m.Customer == "" {
		return nil, refused("payment_method_unexpected_state", "The payment method is not attached to a customer.")
	}
	m.Customer, m.Detached = "", true
	store(&t.rec.Methods, m)
	t.announce("payment_method.detached", t.methodWire(m))
	return t.methodWire(m), nil
}
