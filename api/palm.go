package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/vision"
	"github.com/vouchledger/vouch/vision/palm"
	"github.com/vouchledger/vouch/vision/ticket"
)

func (a *API) palmRoutes() []route {
	get, post := http.MethodGet, http.MethodPost
	return []route{
		{method: get, path: "/v1/shops/:store/palm", roles: palmReaders, handle: a.getPalmOffer},
		{method: get, path: "/v1/shoppers/:shopper/palm", roles: palmOwners, handle: a.getPalm},
		{
			method: post, path: "/v1/shoppers/:shopper/palm/consent", roles: payers, repeats: true, limit: maxBody,
			handle: a.postPalmConsent,
		},
		{method: post, path: "/v1/shoppers/:shopper/palm/template", roles: devices, limit: maxBody, handle: a.postPalmTemplate},
		{
			method: post, path: "/v1/shoppers/:shopper/palm/withdrawal", roles: payers, repeats: true, limit: maxBody,
			handle: a.postPalmWithdrawal,
		},
	}
}

// errPalmsOff is the answer of a server that keeps no palms.
var errPalmsOff = newProblem(http.StatusConflict, "refused", "this server keeps no palms")

// palmShopper returns the shopper of the address. Shoppers have themselves alone.
func (a *API) palmShopper(c echo.Context) (ledger.ShopperID, error) {
	if a.s.Palms == nil {
		return "", errPalmsOff
	}
	s := c.Param("shopper")
	if k := caller(c); k.Role == keys.Shopper && k.Shopper != s {
		return "", errNotFound
	}
	return ledger.ShopperID(s), nil
}

// getPalmOffer gives the text that is to be agreed to before a palm is used.
func (a *API) getPalmOffer(c echo.Context) error {
	if a.s.Palms == nil {
		return errPalmsOff
	}
	store := ledger.StoreID(c.Param("store"))
	if err := atStore(c, store); err != nil {
		return err
	}
	t, err := a.s.Palms.Offer(store)
	if errors.Is(err, engine.ErrPalmOff) {
		return newProblem(http.StatusConflict, "refused", engine.ErrPalmOff.Error())
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, vision.PalmOffer{
		Store: store, Jurisdiction: t.Jurisdiction, Version: t.Version, Text: t.Words, Digest: t.Digest,
	})
}

// A palmView is what the log says of a palm: nothing of the palm itself.
type palmView struct {
	Shopper   ledger.ShopperID `json:"shopper"`
	State     string           `json:"state"`
	Consent   *palmConsent     `json:"consent,omitempty"`
	Template  *palmTemplate    `json:"template,omitempty"`
	Withdrawn *palmWithdrawn   `json:"withdrawn,omitempty"`
	Destroyed *palmDestroyed   `json:"destroyed,omitempty"`
}

type palmConsent struct {
	Event        ledger.ID      `json:"event"`
	Store        ledger.StoreID `json:"store"`
	Jurisdiction string         `json:"jurisdiction"`
	Version      string         `json:"version"`
	Text         ledger.Digest  `json:"text"`
	Agreed       string         `json:"agreed"`
	At           time.Time      `json:"at"`
}

type palmTemplate struct {
	Digest   ledger.Digest `json:"digest"`
	Method   string        `json:"method"`
	Captures int           `json:"captures"`
	At       time.Time     `json:"at"`
}

type palmWithdrawn struct {
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

type palmDestroyed struct {
	Event  ledger.ID     `json:"event"`
	Sealed ledger.Digest `json:"sealed"`
	At     time.Time     `json:"at"`
}

func viewPalm(s ledger.ShopperID, p projections.Palm) palmView {
	v := palmView{Shopper: s, State: "none"}
	if p.Consent.IsZero() {
		return v
	}
	g := p.Given
	v.State, v.Consent = "agreed", &palmConsent{p.Consent, g.Store, g.Jurisdiction, g.Version, g.Text, g.Agreed, p.GivenAt}
	if e := p.Enrolled; e.Template != "" {
		v.State, v.Template = "enrolled", &palmTemplate{e.Template, e.Method, e.Captures, p.EnrolledAt}
	}
	if !p.Live() {
		v.State, v.Withdrawn = "withdrawn", &palmWithdrawn{p.Withdrawn.By, p.Withdrawn.Reason, p.WithdrawnAt}
	}
	if !p.RevokedAt.IsZero() {
		v.State, v.Destroyed = "destroyed", &palmDestroyed{p.RevokedEvent, p.Revoked.Sealed, p.RevokedAt}
	}
	return v
}

func (a *API) getPalm(c echo.Context) error {
	s, err := a.palmShopper(c)
	if err != nil {
		return err
	}
	p, err := a.s.Palms.Palm(c.Request().Context(), s)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, viewPalm(s, p))
}

type palmConsentRequest struct {
	Store   ledger.StoreID `json:"store"`
	Version string         `json:"version"` // of the text that was shown
	Agreed  string         `json:"agreed"`  // where and how
}

func (a *API) postPalmConsent(c echo.Context) error {
	req, err := bodyOf[palmConsentRequest](c)
	if err != nil {
		return err
	}
	return a.onPalm(c, func(ctx context.Context, m ledger.Meta, s ledger.ShopperID) (projections.Palm, error) {
		return a.s.Palms.Agree(ctx, m, s, req.Store, req.Version, req.Agreed)
	})
}

// onPalm does what a shopper decides about their palm, and answers how it stands then.
func (a *API) onPalm(c echo.Context, do func(context.Context, ledger.Meta, ledger.ShopperID) (projections.Palm, error)) error {
	s, err := a.palmShopper(c)
	if err != nil {
		return err
	}
	m, err := a.metaOf(c)
	if err != nil {
		return err
	}
	p, err := do(c.Request().Context(), m, s)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, viewPalm(s, p))
}

// postPalmTemplate makes a template of what a terminal read of a palm. The codes
// are sealed here and are in nothing that is answered, logged or appended.
func (a *API) postPalmTemplate(c echo.Context) error {
	req, err := bodyOf[vision.PalmTemplate](c)
	if err != nil {
		return err
	}
	s, err := a.palmShopper(c)
	if err != nil {
		return err
	}
	if err := atStore(c, req.Store); err != nil {
		return err
	}
	if req.Method != palm.Method {
		return invalid("body.method", "this server compares codes of "+palm.Method)
	}
	var codes []palm.Code
	for _, b := range req.Captures {
		code, err := palm.ParseCode(b)
		if err != nil {
			return invalid("body.captures", "a capture is no code of a palm")
		}
		codes = append(codes, code)
	}
	m := ledger.Meta{ID: req.ID, Occurred: ledger.Instant(req.OccurredAt), Actor: actor(c), Trace: traceOf(c)}
	p, err := a.s.Palms.Enrol(c.Request().Context(), m, s, req.Store, codes)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, viewPalm(s, p))
}

func (a *API) postPalmWithdrawal(c echo.Context) error {
	req, err := bodyOf[reasonRequest](c)
	if err != nil {
		return err
	}
	return a.onPalm(c, func(ctx context.Context, m ledger.Meta, s ledger.ShopperID) (projections.Palm, error) {
		return a.s.Palms.Withdraw(ctx, m, s, req.Reason)
	})
}

// palmBearer returns whose palm a gate has read. Where palms are off, or it is
// nobody's, the refusal says so.
func (a *API) palmBearer(c echo.Context, req entryRequest) (ledger.ShopperID, error) {
	refused := ticket.RefusalError{Reason: ledger.RefusedStranger, Detail: "no palm of ours"}
	code, err := palm.ParseCode(req.Palm)
	if err != nil {
		return "", invalid("body.palm", "this is no code of a palm")
	}
	if a.s.Palms == nil {
		refused.Detail = "this server keeps no palms"
		return "", &refused
	}
	s, err := a.s.Palms.Identify(c.Request().Context(), req.Store, code)
	switch {
	case errors.Is(err, engine.ErrPalmOff):
		refused.Detail = engine.ErrPalmOff.Error()
		return "", &refused
	case errors.Is(err, palm.ErrUnknown):
		return "", &refused
	}
	return s, err
}
