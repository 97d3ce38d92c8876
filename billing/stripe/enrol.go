package stripe

import (
	"context"
	"fmt"

	stripego "github.com/stripe/stripe-go/v76"
)

// A Card is a shopper's card on file, as a [billing.Order] names it.
type Card struct {
	Customer      string // "cus_…"
	PaymentMethod string // "pm_…"
	Brand, Last4  string
}

// Enrolment asks for a customer with a card on file.
type Enrolment struct {
	Key           string // idempotency key, at most 240 bytes
	Shopper       string // our id of the shopper; metadata shopper
	PaymentMethod string // "pm_…", from the app or one of Stripe's test methods
}

// Enrol makes a customer and ties the payment method to it. Sent again with
// the same key it returns the same card. A card that the bank refuses gives
// the code and no error.
func (g *Gateway) Enrol(ctx context.Context, e Enrolment) (card Card, declined string, err error) {
	if e.Key == "" || len(e.Key) > maxKey-len("/customer") || e.Shopper == "" || e.PaymentMethod == "" {
		return Card{}, "", fmt.Errorf("%w: enrolment of %q lacks key, shopper or payment method", ErrOrder, e.Shopper)
	}
	ctx, cancel := g.within(ctx)
	defer cancel()
	c, err := g.customers.New(&stripego.CustomerParams{
		Params:   stripego.Params{Context: ctx, IdempotencyKey: stripego.String(e.Key + "/customer")},
		Metadata: map[string]string{"shopper": e.Shopper},
	})
	if err == nil {
		err = g.mode(c.Livemode, c.ID)
	} else {
		err = lookupError(err)
	}
	if err != nil {
		return Card{}, "", fmt.Errorf("enrol %s: %w", e.Shopper, err)
	}
	m, err := g.methods.Attach(e.PaymentMethod, &stripego.PaymentMethodAttachParams{
		Params:   stripego.Params{Context: ctx, IdempotencyKey: stripego.String(e.Key + "/attach")},
		Customer: &c.ID,
	})
	if err != nil {
		out, err := refusal(err)
		if err != nil {
			return Card{}, "", fmt.Errorf("enrol %s: %w", e.Shopper, err)
		}
		return Card{}, out.Code, nil
	}
	card = Card{Customer: c.ID, PaymentMethod: m.ID}
	if m.Card != nil {
		card.Brand, card.Last4 = string(m.Card.Brand), m.Card.Last4
	}
	return card, "", nil
}
