package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/evidence"
)

// gone says of evidence that is missing whether it has expired.
func (a *API) gone(ctx context.Context, d ledger.Digest, err error) error {
	if !errors.Is(err, evidence.ErrMissing) {
		return err
	}
	q := ledger.Query{Stream: ledger.EvidenceStream(d), Kinds: []ledger.Kind{ledger.KindEvidenceExpired}, Limit: 1}
	for _, rerr := range a.s.Log.Read(ctx, q) {
		if rerr != nil {
			return fmt.Errorf("evidence %s: %w", d, rerr)
		}
		return fmt.Errorf("%w: %w", evidence.ErrExpired, err)
	}
	return err
}

type holdView struct {
	Hold     ledger.ID  `json:"hold"`
	Reason   string     `json:"reason"`
	By       string     `json:"by"`
	At       time.Time  `json:"at"`
	Released *time.Time `json:"released_at,omitempty"`
}

type holdList struct {
	Holds []holdView `json:"holds"`
}

type reasonBody struct {
	Reason string `json:"reason"`
}

// holds returns the holds on the evidence of a visit, oldest first.
func (a *API) holds(ctx context.Context, v ledger.VisitID) ([]holdView, error) {
	all := []holdView{}
	q := ledger.Query{
		Stream: ledger.VisitEvidenceStream(v), Kinds: []ledger.Kind{ledger.KindEvidenceHeld, ledger.KindEvidenceReleased},
	}
	for r, err := range a.s.Log.Read(ctx, q) {
		if err != nil {
			return nil, fmt.Errorf("holds on visit %s: %w", v, err)
		}
		e, err := ledger.Decode(r)
		if err != nil {
			return nil, fmt.Errorf("holds on visit %s: %w", v, err)
		}
		switch p := e.Payload.(type) { // as asked for
		case ledger.EvidenceHeld:
			all = append(all, holdView{Hold: e.ID, Reason: p.Reason, By: p.By, At: e.Occurred})
		case ledger.EvidenceReleased:
			for i := range all {
				if all[i].Hold == p.Hold && all[i].Released == nil {
					all[i].Released = &e.Occurred
				}
			}
		}
	}
	return all, nil
}

// heldVisit returns the visit that a hold is about, which must be there.
func (a *API) heldVisit(c echo.Context) (ledger.VisitID, error) {
	v := ledger.VisitID(c.Param("visit"))
	_, err := a.storyFor(c, v)
	return v, err
}

func (a *API) getHolds(c echo.Context) error {
	v, err := a.heldVisit(c)
	if err != nil {
		return err
	}
	all, err := a.holds(c.Request().Context(), v)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, holdList{all})
}

func (a *API) postHold(c echo.Context) error {
	v, err := a.heldVisit(c)
	if err != nil {
		return err
	}
	req, err := bodyOf[reasonBody](c)
	if err != nil {
		return err
	}
	return a.keepSaying(c, v, http.StatusCreated, ledger.EvidenceHeld{Visit: v, Reason: req.Reason, By: actor(c)})
}

func (a *API) postRelease(c echo.Context) error {
	v, err := a.heldVisit(c)
	if err != nil {
		return err
	}
	req, err := bodyOf[reasonBody](c)
	if err != nil {
		return err
	}
	all, err := a.holds(c.Request().Context(), v)
	if err != nil {
		return err
	}
	for _, h := range all {
		if h.Hold.String() == c.Param("hold") {
			return a.keepSaying(c, v, http.StatusOK, ledger.EvidenceReleased{Visit: v, Hold: h.Hold, Reason: req.Reason, By: actor(c)})
		}
	}
	return errNotFound
}

// keepSaying appends to what keeps the evidence of a visit.
func (a *API) keepSaying(c echo.Context, v ledger.VisitID, status int, p ledger.Payload) error {
	m, err := a.metaOf(c)
	if err != nil {
		return err
	}
	draft, err := ledger.NewDraft(m, p)
	if err != nil {
		return err
	}
	records, err := a.s.Log.Append(c.Request().Context(), ledger.VisitEvidenceStream(v), ledger.Any(), draft)
	if err != nil {
		return err
	}
	return c.JSON(status, commandView{Event: records[0].ID, Position: records[0].Position})
}
