package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
)

// A couponRequest may say when the coupon was shown, if a device was shown it.
type couponRequest = vision.CartCoupon

type couponAnswer struct {
	Visit     ledger.VisitID `json:"visit"`
	Coupon    string         `json:"coupon"` // its serial
	Promotion string         `json:"promotion"`
	Event     ledger.ID      `json:"event"`
}

// postCoupon redeems a coupon for a visit. A second use, by whomever, is
// refused.
func (a *API) postCoupon(c echo.Context) error {
	req, err := bodyOf[couponRequest](c)
	if err != nil {
		return err
	}
	s, err := a.storyFor(c, ledger.VisitID(c.Param("visit")))
	if err != nil {
		return err
	}
	id, err := a.commandID(c)
	if err != nil {
		return err
	}
	at := ledger.Instant(a.s.Now())
	if !req.OccurredAt.IsZero() {
		if caller(c).Role != keys.Device {
			// Who pays could say that it was shown before it lapsed.
			return invalid("occurred_at", "only a device says when it was shown a coupon")
		}
		at = placed(req.OccurredAt, req.Offset)
	}
	rec, err := a.s.Desk.PresentCoupon(c.Request().Context(), engine.CouponCommand{
		ID: id, Occurred: at, Actor: actor(c), Trace: traceOf(c), Visit: s.visit, Coupon: req.Coupon,
	})
	if err != nil {
		return err
	}
	p, err := ledger.Unmarshal(rec.Kind, rec.Body)
	if err != nil {
		return err
	}
	r, ok := p.(ledger.CouponRedeemed)
	if !ok {
		return newProblem(http.StatusUnprocessableEntity, "id_reused", "")
	}
	status := http.StatusCreated
	if rec.Duplicate {
		status = http.StatusOK
	}
	return c.JSON(status, couponAnswer{Visit: r.Visit, Coupon: r.Coupon, Promotion: r.Promotion, Event: rec.ID})
}

type ageRequest struct {
	MinAge   int    `json:"min_age"`
	Method   string `json:"method"`
	Verified bool   `json:"verified"`
}

type ageAnswer struct {
	Visit  ledger.VisitID `json:"visit"`
	Proven int            `json:"age_proven"`
	Due    int            `json:"age_due"`
	Event  ledger.ID      `json:"event"`
}

// postAge records what staff saw of a shopper's age.
func (a *API) postAge(c echo.Context) error {
	req, err := bodyOf[ageRequest](c)
	if err != nil {
		return err
	}
	s, err := a.storyFor(c, ledger.VisitID(c.Param("visit")))
	if err != nil {
		return err
	}
	id, err := a.commandID(c)
	if err != nil {
		return err
	}
	rec, err := a.s.Desk.VerifyAge(c.Request().Context(), engine.AgeCommand{
		ID: id, Occurred: ledger.Instant(a.s.Now()), Trace: traceOf(c), Visit: s.visit, MinAge: req.MinAge,
		Method: req.Method, Verified: req.Verified, By: actor(c),
	})
	if err != nil {
		return err
	}
	if s, err = a.storyFor(c, s.visit); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, ageAnswer{Visit: s.visit, Proven: s.cart.AgeProven(), Due: s.cart.AgeDue(), Event: rec.ID})
}
