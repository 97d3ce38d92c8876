package api

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/register"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

type reviewItem struct {
	Detection ledger.ID                 `json:"detection"`
	Stream    ledger.StreamID           `json:"stream"`
	Visit     ledger.VisitID            `json:"visit,omitempty"`
	Store     ledger.StoreID            `json:"store"`
	Doubts    []ledger.Doubt            `json:"doubts"`
	AtRisk    money.Money               `json:"at_risk,omitzero"`
	Deadline  time.Time                 `json:"deadline,omitzero"`
	Occurred  time.Time                 `json:"occurred,omitzero"`
	Claim     *ledger.DetectionRecorded `json:"claim,omitempty"`
	Weighed   *ledger.CartWeighed       `json:"weighed,omitempty"`
	Gate      *ledger.GateDoubted       `json:"gate,omitempty"`
	Planned   ledger.SKU                `json:"planned_sku,omitempty"`
}

// reviewItems returns the open questions, most money at risk first, and the
// product planned in each slot.
func (a *API) reviewItems(c echo.Context, limit int) ([]reviewItem, error) {
	if err := a.fresh(c, a.s.Reviews.WaitFor); err != nil {
		return nil, err
	}
	var items []projections.ReviewItem
	a.s.Reviews.View(func(q *projections.ReviewQueue) { items = q.Items() })
	out := []reviewItem{}
	store := c.QueryParam("store")
	a.s.Register.View(func(r *register.Register) {
		for _, it := range items {
			if store != "" && string(it.Store) != store || len(out) == limit {
				continue
			}
			v := reviewItem{
				Detection: it.Detection, Stream: it.Stream, Visit: it.Visit, Store: it.Store, Doubts: it.Doubts,
				AtRisk: it.AtRisk, Deadline: it.Deadline, Occurred: it.SeenAt, Claim: it.Claim,
				Weighed: it.Weighed, Gate: it.Gate,
			}
			if it.Claim != nil {
				v.Planned = r.Planned(it.Store, it.Claim.Sensor, it.Claim.Slot)
			}
			out = append(out, v)
		}
	})
	return out, nil
}

func (a *API) getReviews(c echo.Context) error {
	p, err := pageOf(c)
	if err != nil {
		return err
	}
	items, err := a.reviewItems(c, p.limit)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, list[reviewItem]{Items: items})
}

type reviewDecisionRequest struct {
	Verdict  ledger.Verdict `json:"verdict"`
	SKU      ledger.SKU     `json:"sku"`
	Action   ledger.Action  `json:"action"`
	Quantity int            `json:"quantity"`
	Visit    ledger.VisitID `json:"visit"`
	Reason   string         `json:"reason"`
}

type reviewDecisionView struct {
	Detection ledger.ID      `json:"detection"`
	Verdict   ledger.Verdict `json:"verdict"`
	SKU       ledger.SKU     `json:"sku,omitempty"`
	Action    ledger.Action  `json:"action,omitempty"`
	Quantity  int            `json:"quantity,omitempty"`
	Visit     ledger.VisitID `json:"visit,omitempty"`
}

func (a *API) postReviewDecision(c echo.Context) error {
	req, err := bodyOf[reviewDecisionRequest](c)
	if err != nil {
		return err
	}
	detection, err := ledger.ParseID(c.Param("detection"))
	if err != nil {
		return errNotFound
	}
	id, err := a.commandID(c)
	if err != nil {
		return err
	}
	r, err := a.s.Desk.DecideReview(c.Request().Context(), engine.ReviewCommand{
		ID: id, Occurred: ledger.Instant(a.s.Now()), Trace: traceOf(c), Detection: detection, Verdict: req.Verdict,
		SKU: req.SKU, Action: req.Action, Quantity: req.Quantity, Visit: req.Visit, Reviewer: actor(c), Reason: req.Reason,
	})
	if err != nil {
		return err
	}
	p, err := ledger.Unmarshal(r.Kind, r.Body)
	if err != nil {
		return err
	}
	d, ok := p.(ledger.ReviewDecided)
	if !ok {
		return newProblem(http.StatusUnprocessableEntity, "id_reused", "")
	}
	return c.JSON(http.StatusOK, reviewDecisionView{
		Detection: d.Detection, Verdict: d.Verdict, SKU: d.SKU, Action: d.Action, Quantity: d.Quantity, Visit: d.Visit,
	})
}
