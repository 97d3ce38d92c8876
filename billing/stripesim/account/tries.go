package account

import (
	"slices"
)

// Visa lets a declined card be tried 15 times in 30 days; Stripe blocks what
// comes after (support.stripe.com: payment blocked due to excessive retries).
const (
	retriesMost = 15
	retriesSpan = 30 * day
)

// blocked reports whether Stripe would not ask the bank any more.
func (m method) blocked(now int64) bool {
	n := len(m.Declines)
	return m.Card.Brand == "visa" && n >= retriesMost && m.Declines[n-retriesMost] > now-retriesSpan
}

// declined returns the method with one more decline.
func (m method) declined(now int64) method {
	m.Declines = append(slices.Clone(m.Declines), now)
	if over := len(m.Declines) - retriesMost; over > 0 {
		m.Declines = m.Declines[over:]
	}
	return m
}

// asks reports whether a charge needs the shopper's answer first.
func (m method) asks(offSession bool) bool { return m.Card.AsksFor(offSession, m.SetUp) }

// overPercent is how much more than held an overcapture may take.
const overPercent = 15

// most returns how much of a hold can be captured.
func (c charge) most() int64 {
	if c.Wants.Over {
		return c.Amount + c.Amount*overPercent/100
	}
	return c.Amount
}
