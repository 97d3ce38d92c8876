package api

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/billing/whatif"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
)

// postWhatIf says what a visit's receipt would have been if what second looks
// found, or what the request says they would find, had counted. It writes
// nothing.
func (a *API) postWhatIf(c echo.Context) error {
	req, err := bodyOf[vision.WhatIf](c)
	if err != nil {
		return err
	}
	s, err := a.storyFor(c, ledger.VisitID(c.Param("visit")))
	if err != nil {
		return err
	}
	h, err := whatif.Read(c.Request().Context(), a.s.Log, s.visit)
	if errors.Is(err, whatif.ErrNoVisit) {
		return errNotFound
	}
	if err != nil {
		return err
	}
	claims := h.Reverified(req.ModelDigest)
	if len(req.Claims) > 0 {
		claims = claims[:0]
		for _, r := range req.Claims {
			if !h.Has(r.Detection) {
				return errNotFound
			}
			claims = append(claims, whatif.Claim{Detection: r.Detection, Items: r.Items, Actions: r.Actions})
		}
	}
	out, err := h.If(claims)
	if err != nil {
		return err
	}
	v, err := viewWhatIf(h, claims, out)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, v)
}

func viewWhatIf(h whatif.History, claims []whatif.Claim, out whatif.Outcome) (vision.WhatIfAnswer, error) {
	first, latest := h.Stored()
	v := vision.WhatIfAnswer{
		Visit: h.Visit, Claims: len(claims), Would: out.Gross, Change: out.Gross, Asked: out.Asked, AskedThen: h.Asked(), Open: out.Open,
		Lines: []vision.WhatIfLine{},
	}
	if first != nil {
		v.First, v.InForce = &first.Gross, &latest.Gross
		var err error
		if v.Change, err = out.Gross.Sub(first.Gross); err != nil {
			return v, err
		}
	}
	for _, d := range whatif.Compare(first, out.Document) {
		v.Lines = append(v.Lines, vision.WhatIfLine(d))
	}
	return v, nil
}
