package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/web"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
)

type tailgateRequest struct {
	ID       ledger.ID       `json:"id"`
	Occurred time.Time       `json:"occurred_at"`
	Gate     ledger.DeviceID `json:"gate"`
	Visit    ledger.VisitID  `json:"visit"`
	Persons  int             `json:"persons"`
	Offset   int             `json:"clock_offset_ms"`
}

// postTailgate takes that a gate counted more persons than an entry was for.
func (a *API) postTailgate(c echo.Context) error {
	req, err := bodyOf[tailgateRequest](c)
	if err != nil {
		return err
	}
	s, err := a.storyFor(c, req.Visit)
	if err != nil {
		return err
	}
	if party := s.cart.Presented.Party; req.Persons <= party {
		return invalid("body.persons", strconv.Itoa(req.Persons)+" persons on a code for "+strconv.Itoa(party)+" are no tailgating")
	}
	rec, err := a.s.Desk.Tailgated(c.Request().Context(), engine.TailgateCommand{
		ID: req.ID, Occurred: placed(req.Occurred, req.Offset), Actor: actor(c), Trace: traceOf(c), Visit: s.visit,
		Gate: req.Gate, Persons: req.Persons, Offset: req.Offset,
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, struct {
		Visit ledger.VisitID `json:"visit"`
		Event ledger.ID      `json:"event"`
	}{s.visit, rec.ID})
}

func doubtedTitle(p *ledger.GateDoubted) string {
	if p.Doubt == ledger.DoubtTailgated {
		return "More came in than the code was for"
	}
	return "One code opened two gates"
}

func doubtedSaid(p *ledger.GateDoubted) string {
	if p.Doubt == ledger.DoubtTailgated {
		return "At " + string(p.Gate) + " " + strconv.Itoa(p.Persons) + " persons came in on a code for " + strconv.Itoa(p.Party) + "."
	}
	return "The gates were cut off from each other. The other visit is " + shortID(string(p.Other)) +
		". Until somebody has looked, neither is charged."
}

// fillDoubted asks about a visit whose entry is in doubt.
func fillDoubted(v *web.ReviewItem, p *ledger.GateDoubted) {
	v.Title, v.Entry, v.Slot = doubtedTitle(p)+"?", doubtedSaid(p), string(p.Gate)
}
