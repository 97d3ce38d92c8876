package api

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
	"github.com/vouchledger/vouch/vision/ticket"
)

// presentToken begins a visit by a card that was tapped, a badge or a palm.
// Terminals make no tickets: each presentation gets one of its own, named after
// the presentation's id, so that a retry begins no second visit.
func (a *API) presentToken(c echo.Context, req entryRequest) (engine.GateAnswer, error) {
	ctx := c.Request().Context()
	if vision.CardNumber(req.Token) {
		return engine.GateAnswer{}, invalid("body.token", "this looks like a card number: send the terminal's token of the card")
	}
	stranger := ticket.RefusalError{Reason: ledger.RefusedStranger, Detail: "no " + string(req.Credential) + " of ours"}
	shopper, err := a.bearer(c, req)
	var refused *ticket.RefusalError
	switch {
	case errors.Is(err, ErrUnknownShopper):
		return a.refuse(c, req, stranger)
	case errors.As(err, &refused):
		return a.refuse(c, req, *refused)
	}
	if err != nil {
		return engine.GateAnswer{}, err
	}
	payer, err := a.s.Payer(ctx, shopper)
	if errors.Is(err, ErrUnknownShopper) {
		return a.refuse(c, req, stranger)
	}
	if err != nil {
		return engine.GateAnswer{}, err
	}
	// A badge lets in staff and nobody else, and staff is staff by whatever it
	// shows.
	switch {
	case req.Credential == ledger.CredentialStaff && !payer.Staff:
		return a.refuse(c, req, stranger)
	case payer.Staff:
		req.Credential, payer.Customer, payer.PaymentMethod = ledger.CredentialStaff, "", ""
	}
	return a.s.Desk.Present(ctx, engine.PresentCommand{
		ID: req.ID, Occurred: req.at(), Actor: actor(c), Trace: traceOf(c),
		Store: req.Store, Gate: req.Gate, Place: req.Place, Credential: req.Credential,
		Ticket: string(vision.Presented(req.ID)), Shopper: shopper, Customer: payer.Customer, PaymentMethod: payer.PaymentMethod,
		Party: max(1, req.Party), Member: payer.Member, Offline: req.Offline, Tried: req.Tried, Offset: req.Offset,
	})
}

// bearer returns whom a token or a palm names.
func (a *API) bearer(c echo.Context, req entryRequest) (ledger.ShopperID, error) {
	if len(req.Palm) > 0 {
		return a.palmBearer(c, req)
	}
	if a.s.Bearer == nil {
		return "", ErrUnknownShopper
	}
	return a.s.Bearer(c.Request().Context(), req.Credential, req.Token)
}

type gateKeysAnswer struct {
	Tickets  [][]byte `json:"tickets"`            // public keys that sign tickets, in base64
	Rotation []byte   `json:"rotation,omitempty"` // checks codes that change; keep it secret
}

// getGateKeys gives a gate what it needs to check codes without a line.
func (a *API) getGateKeys(c echo.Context) error {
	ans := gateKeysAnswer{Tickets: [][]byte{}}
	for _, k := range a.s.Ring {
		ans.Tickets = append(ans.Tickets, k)
	}
	if a.s.Rotation != nil {
		ans.Rotation = a.s.Rotation.Secret()
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSON(http.StatusOK, ans)
}
