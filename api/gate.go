package api

import (
	"crypto/rand"
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

type entryRequest struct {
	ID         ledger.ID             `json:"id"`
	Occurred   time.Time             `json:"occurred_at"`
	Store      ledger.StoreID        `json:"store"`
	Gate       ledger.DeviceID       `json:"gate"`
	Place      ledger.Place          `json:"place"`
	Code       string                `json:"code"`
	Credential ledger.CredentialKind `json:"credential"`
	Party      int                   `json:"party"`
	Token      string                `json:"token"`   // of a card, badge or palm, instead of a code
	Palm       []byte                `json:"palm"`    // of a palm, instead of its token: what the gate has read of it
	Offline    bool                  `json:"offline"` // the gate was cut off and has opened already
	Tried      ledger.ID             `json:"tried"`   // with offline: the entry that got no answer

	Offset int `json:"clock_offset_ms"` // what is to be added to the gate's clock
}

// at is when it happened, by the server's clock.
func (r entryRequest) at() time.Time { return placed(r.Occurred, r.Offset) }

type entryAnswer struct {
	Visit    ledger.VisitID       `json:"visit"`
	Decision engine.GateDecision  `json:"decision"`
	Reason   ledger.RefusalReason `json:"reason"`
	Detail   string               `json:"detail"`
	Staff    bool                 `json:"staff,omitempty"`
}

// atStore lets a device speak for its own shop only.
func atStore(c echo.Context, s ledger.StoreID) error {
	if k := caller(c); k.Role == keys.Device && k.Store != string(s) {
		return errNotFound
	}
	return nil
}

func (a *API) postEntry(c echo.Context) error {
	req, err := bodyOf[entryRequest](c)
	if err != nil {
		return err
	}
	if err := atStore(c, req.Store); err != nil {
		return err
	}
	if req.Place == "" {
		req.Place = ledger.PlaceGate
	}
	if err := req.complete(); err != nil {
		return err
	}
	extend(c, 0, gateWait)
	ans, err := a.present(c, req)
	if err != nil {
		return err
	}
	a.metrics.entries.WithLabelValues(string(ans.Decision)).Inc()
	return c.JSON(http.StatusOK, entryAnswer(ans))
}

// complete refuses an entry whose credential and what was shown do not fit.
func (r entryRequest) complete() error {
	byToken := false
	switch r.Credential {
	case ledger.CredentialCard, ledger.CredentialStaff, ledger.CredentialPalm:
		byToken = true
	case ledger.CredentialNone:
		if r.Offline {
			return invalid("body.offline", "who shows nothing is not let in by a gate that is cut off")
		}
	case ledger.CredentialQR, "":
	}
	switch {
	case len(r.Palm) > 0 && (r.Credential != ledger.CredentialPalm || r.Token != ""):
		return invalid("body.palm", "a palm is shown as it was read, or by its token, and nothing else has one")
	case len(r.Palm) > 0 && r.Offline:
		return invalid("body.offline", "a gate that is cut off knows no palm")
	case byToken != (r.Token != "" || len(r.Palm) > 0):
		return invalid("body.token", "a card, a badge and a palm have a token, and nothing else has")
	case (r.Code == "") != (byToken || r.Credential == ledger.CredentialNone):
		return invalid("body.code", "show a code, or say that there is none")
	case !r.Offline && !r.Tried.IsZero():
		return invalid("body.tried", "only an entry at a gate that was cut off has one before it")
	}
	return nil
}

// gateWait is how long a gate's answer may take: a policy's gate seconds and
// some room.
const gateWait = 2 * time.Minute

// present checks the code and hands a good one to the desk. A bad one is an
// event too: somebody stood before a gate that did not open.
func (a *API) present(c echo.Context, req entryRequest) (engine.GateAnswer, error) {
	ctx := c.Request().Context()
	if req.Credential == ledger.CredentialNone {
		return a.s.Desk.Present(ctx, engine.PresentCommand{
			ID: req.ID, Occurred: req.at(), Actor: actor(c), Trace: traceOf(c),
			Store: req.Store, Gate: req.Gate, Place: req.Place, Credential: req.Credential, Party: max(1, req.Party),
			Ticket: ledger.DeriveID(req.ID, "visitor").String(), Offset: req.Offset,
		})
	}
	if req.Token != "" || len(req.Palm) > 0 {
		return a.presentToken(c, req)
	}
	now := a.s.Now()
	if req.Offline {
		now = req.at() // the gate was alone when it was shown
	}
	claims, err := a.verifier().Verify(now, req.Store, req.Code)
	var refused *ticket.RefusalError
	if errors.As(err, &refused) {
		// A device that asks again after a lost answer may come when the code
		// has expired: the visit that it began then stands.
		if ans, ok, err := a.presented(c, req, refused.Ticket); ok || err != nil {
			return ans, err
		}
		return a.refuse(c, req, *refused)
	}
	if err != nil {
		return engine.GateAnswer{}, err
	}
	payer, err := a.s.Payer(ctx, claims.Shopper)
	if errors.Is(err, ErrUnknownShopper) {
		return a.refuse(c, req, ticket.RefusalError{
			Reason: ledger.RefusedDeclined, Ticket: claims.Ticket, Detail: "no way to pay is known",
		})
	}
	if err != nil {
		return engine.GateAnswer{}, err
	}
	credential := ledger.CredentialQR
	if payer.Staff {
		credential, payer.Customer, payer.PaymentMethod = ledger.CredentialStaff, "", ""
	}
	return a.s.Desk.Present(ctx, engine.PresentCommand{
		ID: req.ID, Occurred: req.at(), Actor: actor(c), Trace: traceOf(c),
		Store: req.Store, Gate: req.Gate, Place: req.Place, Credential: credential,
		Ticket: claims.Ticket.String(), Shopper: claims.Shopper,
		Customer: payer.Customer, PaymentMethod: payer.PaymentMethod, Party: max(1, req.Party),
		Member: payer.Member, Rotating: claims.Rotating(), Offline: req.Offline, Tried: req.Tried, Offset: req.Offset,
	})
}

func (a *API) verifier() ticket.Verifier {
	return ticket.Verifier{Ring: a.s.Ring, Rotation: a.s.Rotation}
}

// presented returns the standing of the visit that this very presentation
// began, if it did.
func (a *API) presented(c echo.Context, req entryRequest, id ledger.ID) (engine.GateAnswer, bool, error) {
	if id.IsZero() {
		return engine.GateAnswer{}, false, nil
	}
	s, err := a.story(c.Request().Context(), ledger.VisitID(id.String()))
	if err != nil || len(s.events) == 0 || s.events[0].ID != req.ID {
		return engine.GateAnswer{}, false, err
	}
	return engine.GateAnswer(standing(s.cart, s.events)), true, nil
}

func (a *API) refuse(c echo.Context, req entryRequest, why ticket.RefusalError) (engine.GateAnswer, error) {
	id := ""
	if !why.Ticket.IsZero() {
		id = why.Ticket.String()
	}
	return a.s.Desk.RefuseEntry(c.Request().Context(), engine.RefuseCommand{
		ID: req.ID, Occurred: req.at(), Actor: actor(c), Trace: traceOf(c),
		Store: req.Store, Gate: req.Gate, Ticket: id, Reason: why.Reason, Detail: why.Detail, Offset: req.Offset,
	})
}

func (a *API) getEntry(c echo.Context) error {
	s, err := a.storyFor(c, ledger.VisitID(c.Param("visit")))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, standing(s.cart, s.events))
}

// standing is what a gate is told about a visit.
func standing(cart *projections.Cart, events []ledger.Event) entryAnswer {
	ans := entryAnswer{Visit: cart.Visit}
	switch cart.Status {
	case projections.StatusNone, projections.StatusPresented:
		ans.Decision = engine.GatePending
	case projections.StatusRefused:
		ans.Decision, ans.Reason = engine.GateRefused, cart.Refusal
		for _, e := range events {
			if p, ok := e.Payload.(ledger.GateRefused); ok {
				ans.Detail = p.Detail
			}
		}
	case projections.StatusInside, projections.StatusExited, projections.StatusIssued, projections.StatusSettled:
		ans.Decision, ans.Staff = engine.GateEntered, cart.Presented.Credential == ledger.CredentialStaff
	}
	return ans
}

type ticketRequest struct {
	Shopper ledger.ShopperID `json:"shopper"`
	Store   ledger.StoreID   `json:"store"`
	Life    int              `json:"life_seconds"`
	Device  string           `json:"device"` // key of the device that shows it: the code then changes
}

type ticketAnswer struct {
	Ticket  ledger.ID `json:"ticket"`
	Code    string    `json:"code"`
	Expires time.Time `json:"expires_at"`
	Now     time.Time `json:"now"`                // by the server's clock
	Turns   string    `json:"rotation,omitempty"` // with a device: the key it agrees with
}

// defaultLife is enough to walk up to a gate, and short for a screenshot.
const defaultLife = 5 * time.Minute

func (a *API) postTicket(c echo.Context) error {
	req, err := bodyOf[ticketRequest](c)
	if err != nil {
		return err
	}
	if k := caller(c); k.Role == keys.Shopper {
		if req.Shopper == "" {
			req.Shopper = ledger.ShopperID(k.Shopper)
		}
		if string(req.Shopper) != k.Shopper {
			return errNotFound
		}
	}
	if req.Shopper == "" {
		return invalid("body.shopper", "for whom is the ticket?")
	}
	now := a.s.Now().Truncate(time.Second)
	id, err := ledger.NewID(now, rand.Reader)
	if err != nil {
		return err
	}
	life := defaultLife
	if req.Life > 0 {
		life = time.Duration(req.Life) * time.Second
	}
	claims := ticket.Claims{
		Ticket: id, Shopper: req.Shopper, Store: req.Store, IssuedAt: now, ExpiresAt: now.Add(life),
	}
	if req.Device != "" {
		if a.s.Rotation == nil {
			return invalid("body.device", "this server makes no codes that change")
		}
		if claims.Device, err = ticket.ParseDeviceKey(req.Device); err != nil {
			return invalid("body.device", err.Error())
		}
	}
	code, err := ticket.Mint(a.s.Tickets, claims)
	if errors.Is(err, ticket.ErrClaims) {
		return invalid("body", err.Error())
	}
	if err != nil {
		return err
	}
	ans := ticketAnswer{Ticket: id, Code: code, Expires: claims.ExpiresAt.UTC(), Now: a.s.Now().UTC()}
	if claims.Rotating() {
		ans.Turns = a.s.Rotation.Public()
	}
	return c.JSON(http.StatusCreated, ans)
}
