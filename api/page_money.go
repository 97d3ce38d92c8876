package api

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/api/web"
	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
)

// asks fills in what a visit's shopper is asked: to agree to an item that was
// found later, and to pay what is owed.
func (a *API) asks(c echo.Context, s *story, p *web.VisitPage) error {
	shopper := ledger.ShopperID(caller(c).Shopper)
	return a.known(c, func(e *engine.Engine) {
		for _, x := range e.Supplements(shopper) {
			if x.Visit == s.visit {
				p.Ask = &web.AskCard{
					Amount: cash(x.Amount), Until: x.Deadline.In(zoneOf(s.cart.Presented.Seller.Timezone)).Format("2 Jan 2006, 15:04"),
					Action: "/visits/" + string(s.visit) + "/supplements/" + x.Proposal.String(),
				}
			}
		}
		for _, d := range e.Debts(shopper) {
			if d.Visit != s.visit {
				continue
			}
			p.Owe = &web.OweCard{Amount: cash(d.Owed), UnderWay: d.UnderWay, Confirm: d.Confirm}
			if d.Refusal != nil {
				p.Owe.Why = billing.DeclineOf(d.Refusal.Code).Words
			}
			if !d.UnderWay {
				p.Owe.Action = "/visits/" + string(s.visit) + "/payment"
			}
		}
	})
}

// supplementForm takes the shopper's answer from the visit's page.
func (a *API) supplementForm(c echo.Context) error {
	id, err := a.formID(c)
	if err != nil {
		return err
	}
	proposal, err := ledger.ParseID(c.Param("proposal"))
	if err != nil {
		return errNotFound
	}
	answer := ledger.SupplementAnswer(c.FormValue("answer"))
	if answer != ledger.SupplementConsented && answer != ledger.SupplementRefused {
		return invalid("body.answer", "agree or refuse")
	}
	if _, err = a.s.Desk.AnswerSupplement(c.Request().Context(), engine.AnswerCommand{
		Meta:     ledger.Meta{ID: id, Occurred: ledger.Instant(a.s.Now()), Actor: actor(c), Trace: traceOf(c)},
		Proposal: proposal, Shopper: ledger.ShopperID(caller(c).Shopper), Answer: answer,
	}); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/visits/"+c.Param("visit")+"#money")
}

// paymentForm asks the shopper's card on file for what the visit owes.
func (a *API) paymentForm(c echo.Context) error {
	id, err := a.formID(c)
	if err != nil {
		return err
	}
	visit, shopper := ledger.VisitID(c.Param("visit")), ledger.ShopperID(caller(c).Shopper)
	payer, err := a.s.Payer(c.Request().Context(), shopper)
	if err != nil {
		return err
	}
	if _, err = a.s.Desk.PayDebt(c.Request().Context(), engine.PayCommand{
		Meta:  ledger.Meta{ID: id, Occurred: ledger.Instant(a.s.Now()), Actor: actor(c), Trace: traceOf(c)},
		Visit: visit, Shopper: shopper, Customer: payer.Customer, PaymentMethod: payer.PaymentMethod, OnSession: true,
	}); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/visits/"+string(visit)+"#money")
}

// shownDebts is how many debts are on the page, the newest.
const shownDebts = 100

// opWords say what an order was for.
var opWords = map[billing.Op]string{
	billing.OpHold: "A hold", billing.OpIncrement: "A raise of a hold", billing.OpCapture: "A capture",
	billing.OpRelease: "A hold to be freed", billing.OpCharge: "A charge", billing.OpRefund: "A refund",
}

// moneyPage shows what needs a person: orders that nobody knows about, and
// what is owed.
func (a *API) moneyPage(c echo.Context) error {
	view := web.MoneyPage{Frame: frame(c, "Money", "money"), Decide: caller(c).Role == keys.Operator}
	err := a.known(c, func(e *engine.Engine) {
		for _, x := range e.Asked() {
			it := web.MoneyItem{
				ID: x.Event.String(), What: opWords[x.Op], Reason: x.Reason, Since: x.At.Format("2 January 2006, 15:04 MST"),
				Visit: shortID(string(x.Visit)), VisitLink: "/visits/" + string(x.Visit), Object: x.Object, Key: x.Key,
				Action: "/escalations/" + x.Event.String() + "/resolution", Nonce: newNonce(),
			}
			if it.What == "" {
				it.What = "A payment"
			}
			if x.Amount.Minor != 0 {
				it.Amount = cash(x.Amount)
			}
			view.Items = append(view.Items, it)
		}
		ds := e.AllDebts("")
		view.More = max(0, len(ds)-shownDebts)
		for _, d := range ds[:min(len(ds), shownDebts)] {
			row := web.DebtRow{
				Visit: shortID(string(d.Visit)), VisitLink: "/visits/" + string(d.Visit), Since: d.Since.Format("2 January 2006"),
				Amount: cash(d.Owed), Why: "Who pays is not known.",
			}
			if d.Refusal != nil {
				row.Why = "Declined: " + strings.ReplaceAll(d.Refusal.Code, "_", " ") + "."
			}
			if d.UnderWay {
				row.Why += " A payment is under way."
			}
			view.Debts = append(view.Debts, row)
		}
	})
	if err != nil {
		return err
	}
	return a.render(c, http.StatusOK, "money", view)
}

// resolutionForm takes what an operator found out about an order.
func (a *API) resolutionForm(c echo.Context) error {
	id, err := a.formID(c)
	if err != nil {
		return err
	}
	escalation, err := ledger.ParseID(c.Param("escalation"))
	if err != nil {
		return errNotFound
	}
	req := resolutionRequest{
		Done: c.FormValue("done") == "true", Object: strings.TrimSpace(c.FormValue("object")),
		Reason: strings.TrimSpace(c.FormValue("reason")),
	}
	if _, err := a.resolve(c, escalation, id, req); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/money")
}
