package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/coupon"
	"github.com/vouchledger/vouch/ledger"
)

// A CouponCommand presents a coupon for a visit.
type CouponCommand struct {
	ID       ledger.ID // a retry has the same
	Occurred time.Time
	Actor    string
	Trace    string
	Visit    ledger.VisitID
	Coupon   string // its text, as printed
}

// PresentCoupon redeems a coupon for a visit whose shopper is inside. The
// coupon's stream must not exist before, so of two who present the same
// coupon at the same time one is refused with [ErrCouponUsed]. That it counts
// in the visit is written there by the engine, after a crash too.
func (d *Desk) PresentCoupon(ctx context.Context, c CouponCommand) (Recorded, error) {
	cp, err := coupon.Read(c.Coupon)
	if err != nil {
		return Recorded{}, fmt.Errorf("coupon for %s: %w", c.Visit, err)
	}
	m, err := d.fill(ledger.Meta{ID: c.ID, Occurred: c.Occurred, Actor: c.Actor, Trace: c.Trace})
	if err != nil {
		return Recorded{}, err
	}
	return d.commit(ctx, m, func(e *Engine) (proposal, error) {
		p := proposal{stream: ledger.CouponStream(cp.Serial), expected: ledger.None()}
		v := e.visits[c.Visit]
		if v == nil || !v.billable() {
			return p, fmt.Errorf("coupon for %s: %w", c.Visit, ErrUnknownVisit)
		}
		p.payload = ledger.CouponRedeemed{
			Coupon: cp.Serial, Visit: c.Visit, Store: v.cart.Presented.Store, Promotion: cp.Promotion,
		}
		if used, ok := e.coupons[cp.Serial]; ok && used.event != m.ID {
			return p, fmt.Errorf("coupon %s: %w", cp.Serial, ErrCouponUsed)
		} else if ok {
			return p, nil // a retry: the log knows it again
		}
		return p, v.redeemable(e, cp, m.Occurred)
	})
}

// redeemable returns why a coupon is not taken.
func (v *visit) redeemable(e *Engine, cp coupon.Coupon, at time.Time) error {
	var o billing.Promoted
	ok := false
	if c := e.catalogues[v.cart.Presented.Catalogue]; c != nil {
		o, ok = c.Promotion(cp.Promotion, at)
	}
	if !ok {
		return fmt.Errorf("coupon %s: %w: no promotion %q here", cp.Serial, coupon.ErrRefused, cp.Promotion)
	}
	if err := cp.Check(o.Promotion); err != nil {
		return fmt.Errorf("coupon %s: %w", cp.Serial, err)
	}
	switch {
	case at.Before(o.From) || !at.Before(o.Until):
		return fmt.Errorf("coupon %s: %w: from %s until %s", cp.Serial, ErrCouponNotNow,
			o.From.Format(time.RFC3339), o.Until.Format(time.RFC3339))
	case o.Members && !v.cart.Presented.Member:
		return fmt.Errorf("coupon %s: %w", cp.Serial, ErrMembersOnly)
	case o.Amount.Minor != 0 && o.Amount.Currency != v.cart.Currency():
		return fmt.Errorf("coupon %s: %w: it is in %s", cp.Serial, coupon.ErrRefused, o.Amount.Currency)
	case !v.open():
		return fmt.Errorf("coupon for %s, which is %s: %w", v.id, v.cart.Status, ErrNotInside)
	}
	return nil
}

// An AgeCommand says that somebody looked at how old the shopper is.
type AgeCommand struct {
	ID       ledger.ID // a retry has the same
	Occurred time.Time
	Trace    string
	Visit    ledger.VisitID
	MinAge   int
	Method   string // document, account, known
	Verified bool
	By       string // "staff:cleo"
}

// VerifyAge records what was seen of a shopper's age. No birth date is kept.
func (d *Desk) VerifyAge(ctx context.Context, c AgeCommand) (Recorded, error) {
	m := ledger.Meta{ID: c.ID, Occurred: c.Occurred, Actor: c.By, Trace: c.Trace}
	return d.commit(ctx, m, func(e *Engine) (proposal, error) {
		v := e.visits[c.Visit]
		if v == nil || !v.billable() {
			return proposal{}, fmt.Errorf("age of %s: %w", c.Visit, ErrUnknownVisit)
		}
		return proposal{v.name(), ledger.After(v.cart.Events), ledger.AgeVerified{
			Visit: c.Visit, MinAge: c.MinAge, Method: c.Method, Verified: c.Verified, By: c.By,
		}}, nil
	})
}

// SetPromotion sets a promotion's terms for picks from now on.
func (d *Desk) SetPromotion(
	ctx context.Context, m ledger.Meta, c ledger.CatalogueID, p ledger.PromotionSet,
) (Recorded, error) {
	return d.list(ctx, m, c, p)
}

// list appends a fact to a catalogue, unless one of the shops that sell from
// it could not price with it.
func (d *Desk) list(ctx context.Context, m ledger.Meta, c ledger.CatalogueID, p ledger.Payload) (Recorded, error) {
	return d.seed(ctx, m, ledger.CatalogueStream(c), p, func(e *Engine) error {
		cat := e.catalogues[c]
		if cat == nil {
			cat = &billing.Catalogue{}
		}
		for _, s := range sorted(e.stores) {
			if s.opened == nil || s.opened.Catalogue != c {
				continue
			}
			if err := cat.Admit(s.opened.Seller.Currency, p); err != nil {
				return fmt.Errorf("catalogue %s: %w", c, err)
			}
		}
		return nil
	})
}
