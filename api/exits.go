package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/vision/ticket"
)

type exitRequest struct {
	ID       ledger.ID       `json:"id"`
	Occurred time.Time       `json:"occurred_at"`
	Gate     ledger.DeviceID `json:"gate"`
	Visit    ledger.VisitID  `json:"visit"`
	Code     string          `json:"code"`
	Offset   int             `json:"clock_offset_ms"`

	// Of a card or a badge that is tapped at a terminal at the exit.
	Store      ledger.StoreID        `json:"store"`
	Credential ledger.CredentialKind `json:"credential"`
	Token      string                `json:"token"`
}

func (a *API) postExit(c echo.Context) error {
	req, err := bodyOf[exitRequest](c)
	if err != nil {
		return err
	}
	visit, err := a.leaver(c, req)
	if err != nil {
		return err
	}
	byVisit := req.Visit != ""
	s, err := a.storyFor(c, visit)
	if err == nil && s.cart.Status == projections.StatusPresented && s.cart.Presented.Offline {
		return newProblem(http.StatusTooEarly, "too_early", "the hold of this late entry is being decided")
	}
	if errors.Is(err, errNotFound) && !byVisit && a.early.waits(req.ID, a.s.Now()) {
		// The entry may lie in the outbox of a gate that was cut off.
		return newProblem(http.StatusTooEarly, "too_early", "the entry of this code is not known yet")
	}
	if err != nil {
		return err
	}
	_, err = a.s.Desk.Exit(c.Request().Context(), engine.ExitCommand{
		ID: req.ID, Occurred: placed(req.Occurred, req.Offset), Actor: actor(c), Trace: traceOf(c),
		Visit: visit, Gate: req.Gate, Offset: req.Offset,
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, struct {
		Visit ledger.VisitID `json:"visit"`
	}{visit})
}

// leaver returns the visit that an exit is about, empty if nobody knows one yet.
func (a *API) leaver(c echo.Context, req exitRequest) (ledger.VisitID, error) {
	shown := 0
	for _, s := range []string{string(req.Visit), req.Code, req.Token} {
		if s != "" {
			shown++
		}
	}
	switch {
	case shown != 1:
		return "", invalid("body.visit", "send visit or code, or the token of a card or badge, and no two of them")
	case req.Visit != "":
		return req.Visit, nil
	case req.Code != "":
		return a.leaving(req.Code)
	}
	return a.tapped(c, req)
}

// leaving returns the visit of a code shown at the exit. By then it may have
// expired: it must be ours, and no more. The visit says which shop it is in.
func (a *API) leaving(code string) (ledger.VisitID, error) {
	claims, err := a.verifier().Verify(a.s.Now(), "", code)
	var refused *ticket.RefusalError
	switch {
	case err == nil:
		return claims.Visit(), nil
	case errors.As(err, &refused) && !refused.Ticket.IsZero():
		return ledger.VisitID(refused.Ticket.String()), nil
	}
	return "", errNotFound
}

// tapped returns the visit of whoever taps a card or a badge at the exit: the one
// they have open in the shop, or the one that this very exit has ended.
func (a *API) tapped(c echo.Context, req exitRequest) (ledger.VisitID, error) {
	if req.Credential != ledger.CredentialCard && req.Credential != ledger.CredentialStaff {
		return "", invalid("body.credential", "at the exit a token is of a card or of a badge")
	}
	if k := caller(c); k.Role == keys.Device && req.Store == "" {
		req.Store = ledger.StoreID(k.Store)
	}
	if err := atStore(c, req.Store); err != nil {
		return "", err
	}
	ctx := c.Request().Context()
	r, err := a.s.Log.Find(ctx, req.ID)
	if err == nil && r.Kind == ledger.KindGateExited {
		_, visit := r.Stream.Split()
		return ledger.VisitID(visit), nil
	}
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return "", err
	}
	if a.s.Bearer == nil {
		return "", errNotFound
	}
	shopper, err := a.s.Bearer(ctx, req.Credential, req.Token)
	if errors.Is(err, ErrUnknownShopper) {
		return "", errNotFound
	}
	if err != nil {
		return "", err
	}
	return a.s.Desk.Inside(ctx, shopper, req.Store)
}
