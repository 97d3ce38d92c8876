package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/api/register"
	"github.com/vouchledger/vouch/api/web"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
)

// shownReviews is how many questions are on one page: more than anybody
// answers before loading it again.
const shownReviews = 20

func (a *API) reviewsPage(c echo.Context) error {
	items, err := a.reviewItems(c, maxPage)
	if err != nil {
		return err
	}
	view := web.ReviewsPage{
		Frame: frame(c, "Reviews", "reviews"), Decide: caller(c).Role == keys.Reviewer, More: max(0, len(items)-shownReviews),
	}
	for _, it := range items[:min(len(items), shownReviews)] {
		v, err := a.reviewCard(c, it)
		if err != nil {
			return err
		}
		view.Items = append(view.Items, v)
	}
	return a.render(c, http.StatusOK, "reviews", view)
}

func (a *API) reviewCard(c echo.Context, it reviewItem) (web.ReviewItem, error) {
	s, err := a.story(c.Request().Context(), it.Visit)
	if err != nil {
		return web.ReviewItem{}, err
	}
	t := a.teller(c.Request().Context(), caller(c), s)
	v := web.ReviewItem{
		Detection: it.Detection.String(), Doubts: "In doubt: " + doubtsSaid(it.Doubts), AtRisk: cash(it.AtRisk),
		Seen: t.moment(it.Occurred), Shop: string(it.Store), Action: "/reviews/" + it.Detection.String() + "/decision",
		Nonce: newNonce(), Title: "A detection that is not known here", Quantity: 1,
	}
	if !it.Deadline.IsZero() {
		v.Deadline = t.moment(it.Deadline)
	}
	if it.Visit != "" {
		v.Visit, v.VisitLink = shortID(string(it.Visit)), "/visits/"+string(it.Visit)
	}
	if it.Weighed != nil {
		a.fillWeighing(&v, it, s.cart)
		v.Exhibit = t.exhibit(it.Weighed.Evidence, "")
	}
	if it.Gate != nil {
		fillDoubted(&v, it.Gate)
	}
	if it.Claim != nil {
		t.fillClaim(&v, it)
		a.fillPlan(&v, it)
	}
	return v, nil
}

func (t *teller) fillClaim(v *web.ReviewItem, it reviewItem) {
	p := *it.Claim
	v.Title = t.product(p.Items[0].SKU) + times(p.Quantity) + " " + done[p.Actions[0].Action] + "?"
	v.Slot, v.Quantity, v.Bars, v.Looks = p.Slot, p.Quantity, t.bars(p), t.looks(it.Detection)
	v.Exhibit = t.exhibit(p.Evidence, "")
	seen := map[ledger.SKU]bool{}
	product := func(sku ledger.SKU) {
		if sku != "" && !seen[sku] {
			seen[sku] = true
			v.Products = append(v.Products, web.Choice{Value: string(sku), Text: t.product(sku), Chosen: len(v.Products) == 0})
		}
	}
	for _, h := range p.Items {
		product(h.SKU)
	}
	product(it.Planned)
	for _, a := range []ledger.Action{ledger.ActionTake, ledger.ActionReturn} {
		v.Actions = append(v.Actions, web.Choice{Value: string(a), Text: done[a], Chosen: a == p.Actions[0].Action})
	}
	for i, h := range p.Candidates() {
		text := "visit " + shortID(string(h.Visit))
		if h.Visit == it.Visit {
			text = "This visit"
		}
		v.Visits = append(v.Visits, web.Choice{Value: string(h.Visit), Text: text, Chosen: i == 0})
	}
	if len(v.Visits) == 0 && it.Visit != "" {
		v.Visits = append(v.Visits, web.Choice{Value: string(it.Visit), Text: "This visit", Chosen: true})
	}
	v.Visits = append(v.Visits, web.Choice{Value: "", Text: "Nobody's", Chosen: len(v.Visits) == 0})
}

// fillPlan draws the shelf as the planogram has it.
func (a *API) fillPlan(v *web.ReviewItem, it reviewItem) {
	a.s.Register.View(func(r *register.Register) {
		plan := r.Plan(it.Store, it.Claim.Sensor)
		known := false
		for _, s := range plan {
			here := s.Slot == it.Claim.Slot
			known = known || here
			v.Plan = append(v.Plan, web.PlanSlot{Slot: s.Slot, Product: r.Product(s.SKU), Here: here})
			if !here && !contains(v.Products, string(s.SKU)) {
				v.Products = append(v.Products, web.Choice{Value: string(s.SKU), Text: r.Product(s.SKU)})
			}
		}
		if !known {
			v.Plan = nil
		}
	})
}

func contains(cs []web.Choice, value string) bool {
	for _, c := range cs {
		if c.Value == value {
			return true
		}
	}
	return false
}

func (a *API) reviewForm(c echo.Context) error {
	id, err := a.formID(c)
	if err != nil {
		return err
	}
	detection, err := ledger.ParseID(c.Param("detection"))
	if err != nil {
		return errNotFound
	}
	quantity, err := number(c, "quantity")
	if err != nil {
		return err
	}
	cmd := engine.ReviewCommand{
		ID: id, Occurred: ledger.Instant(a.s.Now()), Trace: traceOf(c), Detection: detection,
		Verdict: ledger.Verdict(c.FormValue("verdict")), Reviewer: actor(c), Reason: c.FormValue("reason"),
	}
	if cmd.Verdict == ledger.VerdictCorrected {
		cmd.SKU, cmd.Action = ledger.SKU(c.FormValue("sku")), ledger.Action(c.FormValue("action"))
		cmd.Quantity, cmd.Visit = quantity, ledger.VisitID(c.FormValue("visit"))
	}
	if _, err := a.s.Desk.DecideReview(c.Request().Context(), cmd); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/reviews")
}
