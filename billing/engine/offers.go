package engine

import (
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/projections/pricing"
)

// offers returns what may lower the visit's prices and its stream does not say
// yet: promotions that were in force at its picks, coupons that were redeemed
// for it, and after the exit the lower prices there. When the receipt is out
// it is too late for all of them.
func (v *visit) offers(e *Engine, st *step) []ledger.Draft {
	c := e.catalogues[v.cart.Presented.Catalogue]
	if c == nil || v.cart.Finished() {
		return nil
	}
	ds := v.accept(e, st)
	var pinned []string
	for i := range v.cart.Picks {
		p := &v.cart.Picks[i]
		if p.State == projections.PickDropped || p.Left == 0 {
			continue
		}
		category, ok := v.categoryOf(e, p)
		if !ok {
			continue
		}
		for o := range c.Promotions(p.At) {
			id := o.Promotion.Promotion
			if slices.Contains(pinned, id) || !v.mayPin(o.Promotion) || !pricing.Covers(o.Promotion, p.SKU, category) {
				continue
			}
			pinned = append(pinned, id)
			ds = append(ds, v.fact(st, ledger.PromotionPinned{Promotion: *o.Promotion, Set: o.Set}, id))
		}
	}
	return append(ds, v.reprice(e, st)...)
}

// categoryOf returns the category of a pick, if it has a price or can get one.
func (v *visit) categoryOf(e *Engine, p *projections.Pick) (string, bool) {
	if p.Price != nil {
		return p.Price.Category, true
	}
	priced, missing := e.price(v, p.SKU, p.At)
	return priced.Category, missing == ""
}

// mayPin reports whether a promotion may apply to the visit and is not pinned
// there. A coupon's is never pinned: it comes with its coupon.
func (v *visit) mayPin(p *ledger.Promotion) bool {
	return !p.Coupon && (!p.Members || v.cart.Presented.Member) &&
		(p.Amount.Minor == 0 || p.Amount.Currency == v.cart.Currency()) &&
		!slices.ContainsFunc(v.cart.Promotions, func(q ledger.PromotionPinned) bool {
			return q.Promotion.Promotion == p.Promotion
		})
}

// reprice returns the prices at the exit that are lower than those at the
// picks, where the policy lets them count.
func (v *visit) reprice(e *Engine, st *step) []ledger.Draft {
	if v.cart.ExitedAt.IsZero() || v.cart.Presented.Policy.PriceRule != ledger.PriceMinPickExit {
		return nil
	}
	var ds []ledger.Draft
	type key struct {
		ledger.ID
		ledger.SKU
	}
	var done []key // two picks of one detection share their price
	for i := range v.cart.Picks {
		p := &v.cart.Picks[i]
		k := key{p.Detection, p.SKU}
		if p.State == projections.PickDropped || p.Left == 0 || p.Price == nil || slices.Contains(done, k) {
			continue
		}
		now, missing := e.price(v, p.SKU, v.cart.ExitedAt)
		if missing != "" || now.Per != p.Price.Per || now.Unit.Minor >= p.Unit().Minor {
			continue
		}
		done = append(done, k)
		ds = append(ds, v.fact(st, ledger.ItemRepriced{
			Detection: p.Detection, SKU: p.SKU, Unit: now.Unit, Price: now.Price,
		}, p.Detection.String(), string(p.SKU), now.Price.String()))
	}
	return ds
}

// A redemption is the one use of a coupon.
type redemption struct {
	coupon    string
	visit     ledger.VisitID
	promotion string
	event     ledger.ID
	at        time.Time
}

// applyCoupon notes that a coupon is used up, and gives it to its visit.
// Whatever else an imported coupon's stream holds has no effect.
func (e *Engine) applyCoupon(ev ledger.Event) {
	p, ok := ev.Payload.(ledger.CouponRedeemed)
	if _, used := e.coupons[p.Coupon]; !ok || used {
		return
	}
	r := redemption{p.Coupon, p.Visit, p.Promotion, ev.ID, ev.Occurred}
	e.coupons[p.Coupon] = r
	if v := e.visits[p.Visit]; v != nil {
		v.redeemed = append(v.redeemed, r)
		e.enqueue(v)
	}
}

// accept returns the coupons that were redeemed for v and are not in its
// stream: a crash came between the two.
func (v *visit) accept(e *Engine, st *step) []ledger.Draft {
	var ds []ledger.Draft
	for _, r := range v.redeemed {
		o, ok := e.catalogues[v.cart.Presented.Catalogue].Promotion(r.promotion, r.at)
		if !ok || !o.Coupon {
			continue
		}
		d := v.fact(st, ledger.CouponAccepted{Coupon: r.coupon, Redeemed: r.event, Promotion: *o.Promotion, Set: o.Set})
		d.ID = ledger.DeriveID(r.event, string(ledger.KindCouponAccepted), string(v.id))
		d.Cause = r.event
		ds = append(ds, d)
	}
	return ds
}
