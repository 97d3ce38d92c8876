package api

import (
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/api/register"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

type receiptRow struct {
	Number   string         `json:"number"`
	Corrects string         `json:"corrects,omitempty"`
	Visit    ledger.VisitID `json:"visit"`
	Store    ledger.StoreID `json:"store"`
	Issued   time.Time      `json:"issued"`
	Gross    money.Money    `json:"gross"`
	Change   money.Money    `json:"change,omitzero"`
}

func viewReceiptRow(r register.Receipt) receiptRow {
	return receiptRow{
		Number: r.Number, Corrects: r.Corrects, Visit: r.Visit, Store: r.Store, Issued: r.Issued,
		Gross: r.Gross, Change: r.Change,
	}
}

func (a *API) getReceipts(c echo.Context) error {
	p, err := pageOf(c)
	if err != nil {
		return err
	}
	if err := a.fresh(c, a.s.Register.WaitFor); err != nil {
		return err
	}
	var rows []register.Receipt
	a.s.Register.View(func(r *register.Register) {
		for _, row := range slices.Backward(r.Receipts) {
			if k := caller(c); k.Role != keys.Shopper || string(row.Shopper) == k.Shopper {
				rows = append(rows, row)
			}
		}
	})
	return c.JSON(http.StatusOK,
		cut(rows, p, func(r register.Receipt) uint64 { return r.Position }, viewReceiptRow))
}

// receipt finds a document by its number, for the caller.
func (a *API) receipt(c echo.Context) (*story, receiptView, error) {
	if err := a.fresh(c, a.s.Register.WaitFor); err != nil {
		return nil, receiptView{}, err
	}
	var row register.Receipt
	a.s.Register.View(func(r *register.Register) { row, _ = r.Receipt(c.Param("number")) })
	s, err := a.storyFor(c, row.Visit)
	if err != nil {
		return nil, receiptView{}, err
	}
	for _, v := range viewReceipts(&s.disputes.Receipts) {
		if v.Document.Number == row.Number {
			return s, v, nil
		}
	}
	return nil, receiptView{}, errNotFound
}

func (a *API) getReceipt(c echo.Context) error {
	_, v, err := a.receipt(c)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, v)
}

type disputeRequest struct {
	Line     int          `json:"line"`
	Claim    ledger.Claim `json:"claim"`
	Quantity int          `json:"quantity"`
	Message  string       `json:"message"`
}

func (a *API) postDispute(c echo.Context) error {
	req, err := bodyOf[disputeRequest](c)
	if err != nil {
		return err
	}
	s, r, err := a.receipt(c)
	if err != nil {
		return err
	}
	id, err := a.commandID(c)
	if err != nil {
		return err
	}
	cmd := engine.DisputeCommand{
		ID: id, Occurred: ledger.Instant(a.s.Now()), Actor: actor(c), Trace: traceOf(c), Receipt: r.Document.Number,
		Line: req.Line, Claim: req.Claim, Quantity: req.Quantity, Message: req.Message,
	}
	done, err := a.s.Desk.OpenDispute(c.Request().Context(), cmd)
	if err != nil {
		return err
	}
	status := http.StatusCreated
	if done.Duplicate {
		status = http.StatusOK
	}
	return a.showDispute(c, status, s.visit, id)
}

// showDispute answers with a dispute as it is after a command.
func (a *API) showDispute(c echo.Context, status int, visit ledger.VisitID, id ledger.ID) error {
	s, err := a.storyFor(c, visit)
	if err != nil {
		return err
	}
	d, ok := s.disputes.Get(id)
	if !ok {
		return errNotFound
	}
	return c.JSON(status, viewDispute(d, staff(c)))
}

func (a *API) getDisputes(c echo.Context) error {
	p, err := pageOf(c)
	if err != nil {
		return err
	}
	rows, err := a.disputeRows(c)
	if err != nil {
		return err
	}
	picked := cut(rows, p, func(d register.Dispute) uint64 { return d.Position },
		func(d register.Dispute) register.Dispute { return d })
	out := list[disputeView]{Items: []disputeView{}, Next: picked.Next}
	for _, row := range picked.Items {
		s, err := a.story(c.Request().Context(), row.Visit)
		if err != nil {
			return err
		}
		if d, ok := s.disputes.Get(row.ID); ok {
			out.Items = append(out.Items, viewDispute(d, staff(c)))
		}
	}
	return c.JSON(http.StatusOK, out)
}

// disputeRows returns the disputes that the caller may see and asks for,
// newest first.
func (a *API) disputeRows(c echo.Context) ([]register.Dispute, error) {
	if err := a.fresh(c, a.s.Register.WaitFor); err != nil {
		return nil, err
	}
	k, state := caller(c), c.QueryParam("state")
	var rows []register.Dispute
	a.s.Register.View(func(r *register.Register) {
		for _, d := range slices.Backward(r.Disputes) {
			is := string(d.Outcome)
			if is == "" {
				is = string(projections.DisputeOpen)
			}
			if (k.Role != keys.Shopper || string(d.Shopper) == k.Shopper) && (state == "" || state == is) {
				rows = append(rows, d)
			}
		}
	})
	return rows, nil
}

type disputeDecisionRequest struct {
	Outcome  ledger.DisputeOutcome `json:"outcome"`
	Quantity int                   `json:"quantity"`
	MoveTo   ledger.VisitID        `json:"move_to"`
	Reason   string                `json:"reason"`
}

func (a *API) postDisputeDecision(c echo.Context) error {
	req, err := bodyOf[disputeDecisionRequest](c)
	if err != nil {
		return err
	}
	dispute, err := ledger.ParseID(c.Param("dispute"))
	if err != nil {
		return errNotFound
	}
	if err := a.fresh(c, a.s.Register.WaitFor); err != nil {
		return err
	}
	var row register.Dispute
	a.s.Register.View(func(r *register.Register) { row, _ = r.Dispute(dispute) })
	if row.Visit == "" {
		return errNotFound
	}
	if req.MoveTo != "" {
		if _, err := a.storyFor(c, req.MoveTo); err != nil {
			return invalid("body.move_to", "there is no such visit")
		}
	}
	id, err := a.commandID(c)
	if err != nil {
		return err
	}
	_, err = a.s.Desk.DecideDispute(c.Request().Context(), engine.DisputeDecision{
		ID: id, Occurred: ledger.Instant(a.s.Now()), Trace: traceOf(c), Dispute: dispute, Outcome: req.Outcome,
		Quantity: req.Quantity, MoveTo: req.MoveTo, Reviewer: actor(c), Reason: req.Reason,
	})
	if err != nil {
		return err
	}
	return a.showDispute(c, http.StatusOK, row.Visit, dispute)
}
