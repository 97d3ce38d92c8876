package projections

import (
	"slices"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections/pricing"
)

// offers returns what may lower the visit's prices.
func (c *Cart) offers() []pricing.Offer {
	if len(c.Promotions)+len(c.Coupons) == 0 {
		return nil
	}
	offers := make([]pricing.Offer, 0, len(c.Promotions)+len(c.Coupons))
	for i := range c.Promotions {
		offers = append(offers, pricing.Offer{Promotion: &c.Promotions[i].Promotion})
	}
	for i := range c.Coupons {
		offers = append(offers, pricing.Offer{Promotion: &c.Coupons[i].Promotion, Coupon: c.Coupons[i].Coupon})
	}
	return offers
}

// pinned takes the terms of a promotion. What was billed does not get cheaper
// by it.
func (c *Cart) pinned(e *ledger.Record, p ledger.PromotionPinned) {
	switch id := p.Promotion.Promotion; {
	case c.Issued != nil:
		c.odd(e, "promotion %s pinned after the receipt", id)
	case p.Promotion.Coupon:
		c.odd(e, "promotion %s pinned, which needs a coupon", id)
	case slices.ContainsFunc(c.Promotions, func(q ledger.PromotionPinned) bool { return q.Promotion.Promotion == id }):
		c.odd(e, "promotion %s pinned again", id)
	default:
		c.Promotions = append(c.Promotions, p)
	}
}

// accepted takes a coupon.
func (c *Cart) accepted(e *ledger.Record, p ledger.CouponAccepted) {
	switch {
	case c.Issued != nil:
		c.odd(e, "coupon %s accepted after the receipt", p.Coupon)
	case slices.ContainsFunc(c.Coupons, func(q ledger.CouponAccepted) bool { return q.Coupon == p.Coupon }):
		c.odd(e, "coupon %s accepted again", p.Coupon)
	default:
		c.Coupons = append(c.Coupons, p)
	}
}

// Unit returns what one piece, or one kilogram, of a priced pick costs: the
// lower of the prices at the pick and at the exit, as far as they are known.
func (p *Pick) Unit() money.Money {
	if p.Repriced != nil {
		return p.Repriced.Unit
	}
	return p.Price.Unit
}

// repriced takes a lower price at the exit.
func (c *Cart) repriced(e *ledger.Record, p ledger.ItemRepriced) {
	used := false
	for i := range c.Picks {
		pick := &c.Picks[i]
		if pick.Detection != p.Detection || pick.SKU != p.SKU || pick.Price == nil || c.Issued != nil ||
			c.Presented.Policy.PriceRule != ledger.PriceMinPickExit {
			continue
		}
		if now := pick.Unit(); p.Unit.Currency == now.Currency && p.Unit.Minor < now.Minor {
			pick.Repriced, used = new(p), true
		}
	}
	if !used {
		c.odd(e, "price %s of %s for detection %s, which has no higher one", p.Unit, p.SKU, p.Detection)
	}
}

// AgeProven returns the years that somebody saw the shopper to have; 0 if
// nobody did.
func (c *Cart) AgeProven() int {
	years := 0
	for _, a := range c.Ages {
		if a.Verified {
			years = max(years, a.MinAge)
		}
	}
	return years
}

// AgeDue returns the years that must still be verified for what is in the
// cart; 0 if none.
func (c *Cart) AgeDue() int {
	years := 0
	for i := range c.Picks {
		if p := &c.Picks[i]; p.State != PickDropped && p.Left > 0 && p.Price != nil {
			years = max(years, p.Price.MinAge)
		}
	}
	if years <= c.AgeProven() {
		return 0
	}
	return years
}

// Weight returns the grams that a sensor's change of weight is, in whichever
// direction it counts; 0 is not weighed. More than a shopper carries is a
// scale's fault and no weight.
func Weight(change int) int {
	if change < 0 {
		change = -change
	}
	if change < 0 || change > ledger.MaxGrams {
		return 0
	}
	return change
}

// weigh notes what a pick weighs, and who says so.
func (p *Pick) weigh(change int, scale ledger.DeviceID) {
	if p.Grams, p.Scale = Weight(change), ""; p.Grams > 0 {
		p.Scale = scale
	}
}

// lighten takes the weight of n pieces off p: what was weighed when they all
// came off it, else their share.
func (p *Pick) lighten(n int, by change) {
	switch {
	case n == p.Left:
		p.Grams = 0
	case by.grams > 0 && n == by.pieces:
		p.Grams = max(0, p.Grams-by.grams)
	default:
		p.Grams = p.Grams * (p.Left - n) / p.Left
	}
}
