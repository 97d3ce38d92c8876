package engine

import (
	"slices"

	"github.com/vouchledger/vouch/billing"
)

// A card is a payment method, over all visits that are on it: how often it was
// declined, and which visit asks it now. Debts are asked for one after the
// other, or several would find at the same moment that one more is allowed.
type card struct {
	billing.Card
	by      *visit
	waiting []*visit // for their turn
}

func (e *Engine) card(method string) *card {
	c := e.cards[method]
	if c == nil {
		c = &card{}
		e.cards[method] = c
	}
	return c
}

// claim gives v the card for one charge, or queues it.
func (c *card) claim(v *visit) bool {
	if c.by == nil || c.by == v {
		c.hold(v)
		return true
	}
	if !slices.Contains(c.waiting, v) {
		c.waiting = append(c.waiting, v)
	}
	return false
}

func (c *card) hold(v *visit) { c.by, v.card = v, c }

// freeCard ends v's turn when its charge has an outcome, or was not written
// down, and lets the others ask.
func (v *visit) freeCard(e *Engine) {
	c := v.card
	if c == nil || v.payment.Open != nil {
		return
	}
	v.card = nil
	if c.by != v {
		return
	}
	c.by = nil
	for _, w := range c.waiting {
		e.enqueue(w)
	}
	c.waiting = nil
}
