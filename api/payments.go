package api

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

type debtView struct {
	Visit   ledger.VisitID `json:"visit"`
	Store   ledger.StoreID `json:"store"`
	Receipt string         `json:"receipt"`
	Owed    money.Money    `json:"owed"`
	Since   time.Time      `json:"since"`
	State   string         `json:"state"`
	Reason  string         `json:"reason,omitempty"`
	Code    string         `json:"code,omitempty"`
}

// viewDebt shows d to staff, or to its shopper, who is told in words and not
// by code why the last try did not go through.
func viewDebt(d engine.Debt, staff bool) debtView {
	v := debtView{Visit: d.Visit, Store: d.Store, Receipt: d.Receipt, Owed: d.Owed, Since: d.Since, State: "owed"}
	switch {
	case d.Confirm:
		v.State = "confirm"
	case d.UnderWay:
		v.State = "under_way"
	}
	if d.Refusal != nil {
		v.Reason = billing.DeclineOf(d.Refusal.Code).Words
		if staff {
			v.Code = d.Refusal.Code
		}
	}
	return v
}

// known calls f with the engine when it has seen all that was durable.
func (a *API) known(c echo.Context, f func(*engine.Engine)) error {
	live := a.s.Desk.Live()
	if err := live.Sync(c.Request().Context()); err != nil {
		return err
	}
	live.View(f)
	return nil
}

// debts returns what the caller may see of what is owed, newest first.
func (a *API) debts(c echo.Context) ([]engine.Debt, error) {
	var ds []engine.Debt
	err := a.known(c, func(e *engine.Engine) {
		if k := caller(c); k.Role == keys.Shopper {
			ds = e.Debts(ledger.ShopperID(k.Shopper))
		} else {
			ds = e.AllDebts(ledger.StoreID(c.QueryParam("store")))
		}
	})
	return ds, err
}

func (a *API) getDebts(c echo.Context) error {
	p, err := pageOf(c)
	if err != nil {
		return err
	}
	ds, err := a.debts(c)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, cut(ds, p, func(d engine.Debt) uint64 { return d.Position },
		func(d engine.Debt) debtView { return viewDebt(d, staff(c)) }))
}

type debtPaymentRequest struct {
	PaymentMethod string `json:"payment_method"`
}

func (a *API) postDebtPayment(c echo.Context) error {
	req, err := bodyOf[debtPaymentRequest](c)
	if err != nil {
		return err
	}
	shopper := ledger.ShopperID(caller(c).Shopper)
	payer, err := a.s.Payer(c.Request().Context(), shopper)
	if err != nil {
		return err
	}
	m, err := a.metaOf(c)
	if err != nil {
		return err
	}
	if req.PaymentMethod == "" {
		req.PaymentMethod = payer.PaymentMethod
	}
	visit := ledger.VisitID(c.Param("visit"))
	if _, err := a.s.Desk.PayDebt(c.Request().Context(), engine.PayCommand{
		Meta: m, Visit: visit, Shopper: shopper, Customer: payer.Customer, PaymentMethod: req.PaymentMethod, OnSession: true,
	}); err != nil {
		return err
	}
	var d engine.Debt
	if err := a.known(c, func(e *engine.Engine) { d, _ = e.Debt(visit) }); err != nil {
		return err
	}
	return c.JSON(http.StatusAccepted, viewDebt(d, false))
}

// getConfirmation gives the shopper's app, and nobody else, what it needs to
// have them answer their bank.
func (a *API) getConfirmation(c echo.Context) error {
	visit := ledger.VisitID(c.Param("visit"))
	var order billing.Order
	var waits bool
	if err := a.known(c, func(e *engine.Engine) {
		order, waits = e.Confirming(visit, ledger.ShopperID(caller(c).Shopper))
	}); err != nil {
		return err
	}
	if !waits || a.s.Confirm == nil {
		return errNotFound
	}
	secret, err := a.s.Confirm(c.Request().Context(), order)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, confirmationView{ClientSecret: secret})
}

type confirmationView struct {
	ClientSecret string `json:"client_secret"`
}

// metaOf is what an event that a request makes begins with.
func (a *API) metaOf(c echo.Context) (ledger.Meta, error) {
	id, err := a.commandID(c)
	return ledger.Meta{ID: id, Occurred: ledger.Instant(a.s.Now()), Actor: actor(c), Trace: traceOf(c)}, err
}

type supplementView struct {
	Proposal ledger.ID      `json:"proposal"`
	Visit    ledger.VisitID `json:"visit"`
	Store    ledger.StoreID `json:"store"`
	Receipt  string         `json:"receipt"`
	Amount   money.Money    `json:"amount"`
	Deadline time.Time      `json:"deadline"`
}

func (a *API) getSupplements(c echo.Context) error {
	out := list[supplementView]{Items: []supplementView{}}
	err := a.known(c, func(e *engine.Engine) {
		for _, s := range e.Supplements(ledger.ShopperID(caller(c).Shopper)) {
			out.Items = append(out.Items, supplementView(s))
		}
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}

type supplementAnswer struct {
	Proposal ledger.ID               `json:"proposal"`
	Visit    ledger.VisitID          `json:"visit"`
	Answer   ledger.SupplementAnswer `json:"answer"`
}

type supplementAnswerRequest struct {
	Answer ledger.SupplementAnswer `json:"answer"`
}

func (a *API) postSupplementAnswer(c echo.Context) error {
	req, err := bodyOf[supplementAnswerRequest](c)
	if err != nil {
		return err
	}
	proposal, err := ledger.ParseID(c.Param("proposal"))
	if err != nil {
		return errNotFound
	}
	k, found := caller(c), false
	if err := a.known(c, func(e *engine.Engine) { _, found = e.VisitOfSupplement(proposal) }); err != nil {
		return err
	} else if !found {
		return errNotFound
	}
	if waived := req.Answer == ledger.SupplementWaived; waived != (k.Role != keys.Shopper) {
		return invalid("body.answer", "a shopper agrees or refuses; the shop waives")
	}
	m, err := a.metaOf(c)
	if err != nil {
		return err
	}
	cmd := engine.AnswerCommand{Meta: m, Proposal: proposal, Answer: req.Answer}
	if k.Role == keys.Shopper {
		cmd.Shopper = ledger.ShopperID(k.Shopper)
	}
	r, err := a.s.Desk.AnswerSupplement(c.Request().Context(), cmd)
	if err != nil {
		return err
	}
	p, err := ledger.Unmarshal(r.Kind, r.Body)
	if err != nil {
		return err
	}
	answered, ok := p.(ledger.SupplementAnswered)
	if !ok {
		return newProblem(http.StatusUnprocessableEntity, "id_reused", "")
	}
	return c.JSON(http.StatusOK, supplementAnswer{
		Proposal: answered.Proposal, Visit: answered.Visit, Answer: answered.Answer,
	})
}

type escalationView struct {
	Escalation ledger.ID      `json:"escalation"`
	Visit      ledger.VisitID `json:"visit"`
	Store      ledger.StoreID `json:"store"`
	Order      ledger.ID      `json:"order"`
	Op         billing.Op     `json:"op,omitempty"`
	Amount     *money.Money   `json:"amount,omitempty"`
	Object     string         `json:"object,omitempty"`
	Key        string         `json:"key,omitempty"`
	Reason     string         `json:"reason"`
	Since      time.Time      `json:"since"`
}

func (a *API) getEscalations(c echo.Context) error {
	out := list[escalationView]{Items: []escalationView{}}
	err := a.known(c, func(e *engine.Engine) {
		for _, x := range e.Asked() {
			v := escalationView{
				Escalation: x.Event, Visit: x.Visit, Store: x.Store, Order: x.Intent, Op: x.Op, Object: x.Object, Key: x.Key,
				Reason: x.Reason, Since: x.At,
			}
			if x.Amount.Minor != 0 {
				v.Amount = &x.Amount
			}
			out.Items = append(out.Items, v)
		}
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}

type resolutionRequest struct {
	Done   bool        `json:"done"`
	Object string      `json:"object"`
	Amount money.Money `json:"amount"`
	Reason string      `json:"reason"`
}

func (a *API) postResolution(c echo.Context) error {
	req, err := bodyOf[resolutionRequest](c)
	if err != nil {
		return err
	}
	id, err := ledger.ParseID(c.Param("escalation"))
	if err != nil {
		return errNotFound
	}
	command, err := a.commandID(c)
	if err != nil {
		return err
	}
	r, err := a.resolve(c, id, command, req)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, commandView{Event: r.ID, Position: r.Position})
}

// resolve records what a person found out about an order.
func (a *API) resolve(c echo.Context, escalation, id ledger.ID, req resolutionRequest) (engine.Recorded, error) {
	if req.Done && req.Object == "" {
		return engine.Recorded{}, invalid("body.object", "say what moved the money")
	}
	var asked engine.AskedView
	if err := a.known(c, func(e *engine.Engine) { asked, _ = e.Escalated(escalation) }); err != nil {
		return engine.Recorded{}, err
	}
	if asked.Visit == "" { // or it was answered, by this very request before a lost answer
		r, err := a.s.Log.Find(c.Request().Context(), id)
		if err != nil || r.Kind != ledger.KindPaymentResolved {
			return engine.Recorded{}, errNotFound
		}
		return engine.Recorded{Record: r, Duplicate: true}, nil
	}
	return a.s.Desk.Resolve(c.Request().Context(), engine.ResolveCommand{
		Meta:  ledger.Meta{ID: id, Occurred: ledger.Instant(a.s.Now()), Actor: actor(c), Trace: traceOf(c)},
		Visit: asked.Visit, Intent: asked.Intent, Done: req.Done, Object: req.Object, Amount: req.Amount,
		By: actor(c), Reason: req.Reason,
	})
}

type commandView struct {
	Event    ledger.ID `json:"event"`
	Position uint64    `json:"position"`
}

// recorded runs a command whose answer is its event.
func (a *API) recorded(c echo.Context, status int, f func(ledger.Meta) (engine.Recorded, error)) error {
	m, err := a.metaOf(c)
	if err != nil {
		return err
	}
	r, err := f(m)
	if err != nil {
		return err
	}
	return c.JSON(status, commandView{Event: r.ID, Position: r.Position})
}

type goodwillRequest struct {
	Amount money.Money `json:"amount"`
	Reason string      `json:"reason"`
}

func (a *API) postGoodwill(c echo.Context) error {
	req, err := bodyOf[goodwillRequest](c)
	if err != nil {
		return err
	}
	return a.recorded(c, http.StatusCreated, func(m ledger.Meta) (engine.Recorded, error) {
		return a.s.Desk.GrantGoodwill(c.Request().Context(), engine.GoodwillCommand{
			Meta: m, Receipt: c.Param("number"), Amount: req.Amount, By: m.Actor, Reason: req.Reason,
		})
	})
}

type cashRequest struct {
	Amount money.Money     `json:"amount"`
	Till   ledger.DeviceID `json:"till"`
}

func (a *API) postCash(c echo.Context) error {
	req, err := bodyOf[cashRequest](c)
	if err != nil {
		return err
	}
	return a.recorded(c, http.StatusCreated, func(m ledger.Meta) (engine.Recorded, error) {
		return a.s.Desk.TakeCash(c.Request().Context(), engine.CashCommand{
			Meta: m, Receipt: c.Param("number"), Amount: req.Amount, Till: req.Till, By: m.Actor,
		})
	})
}

type reasonRequest struct {
	Reason string `json:"reason"`
}

func (a *API) postWriteOff(c echo.Context) error {
	req, err := bodyOf[reasonRequest](c)
	if err != nil {
		return err
	}
	return a.recorded(c, http.StatusCreated, func(m ledger.Meta) (engine.Recorded, error) {
		return a.s.Desk.WriteOff(c.Request().Context(), engine.WriteOffCommand{
			Meta: m, Visit: ledger.VisitID(c.Param("visit")), By: m.Actor, Reason: req.Reason,
		})
	})
}

type matchRequest struct {
	Shopper ledger.ShopperID `json:"shopper"`
	Reason  string           `json:"reason"`
}

func (a *API) postMatch(c echo.Context) error {
	req, err := bodyOf[matchRequest](c)
	if err != nil {
		return err
	}
	payer, err := a.s.Payer(c.Request().Context(), req.Shopper)
	if err != nil {
		return err
	}
	return a.recorded(c, http.StatusCreated, func(m ledger.Meta) (engine.Recorded, error) {
		return a.s.Desk.MatchVisit(c.Request().Context(), engine.MatchCommand{
			Meta: m, Visit: ledger.VisitID(c.Param("visit")), Shopper: req.Shopper, Customer: payer.Customer,
			PaymentMethod: payer.PaymentMethod, By: m.Actor, Reason: req.Reason,
		})
	})
}

// getVisitReceipt answers with the receipt of a visit that counts now.
func (a *API) getVisitReceipt(c echo.Context) error {
	s, err := a.storyFor(c, ledger.VisitID(c.Param("visit")))
	if err != nil {
		return err
	}
	if all := viewReceipts(&s.disputes.Receipts); len(all) > 0 {
		return c.JSON(http.StatusOK, all[len(all)-1])
	}
	var zero ledger.ReceiptDocument
	var nothing bool
	if err := a.known(c, func(e *engine.Engine) { zero, nothing = e.ZeroReceipt(s.visit) }); err != nil {
		return err
	}
	if nothing {
		return c.JSON(http.StatusOK, receiptView{Kind: "nothing", Document: zero, Event: s.settled()})
	}
	if n := len(s.disputes.Receipts.Provisional); n > 0 {
		return c.JSON(http.StatusOK, receiptView{
			Kind: "provisional", Document: s.disputes.Receipts.Provisional[n-1], Event: s.provisional(),
		})
	}
	return errNotFound
}

// settled returns the event that settled the visit.
func (s *story) settled() ledger.ID {
	var id ledger.ID
	for _, e := range s.events {
		if e.Kind == ledger.KindVisitSettled {
			id = e.ID
		}
	}
	return id
}
