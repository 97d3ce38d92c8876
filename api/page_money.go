package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

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
