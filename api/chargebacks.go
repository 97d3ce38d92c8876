package api

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/billing/chargeback"
	"github.com/vouchledger/vouch/billing/watch"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// A chargebackView is a card network's claim as staff see it.
type chargebackView struct {
	Chargeback  string           `json:"chargeback"`
	Visit       ledger.VisitID   `json:"visit"`
	Payment     string           `json:"payment"`
	OpenedAt    time.Time        `json:"opened_at"`
	Inquiry     bool             `json:"inquiry"`
	State       string           `json:"state"`
	Amount      money.Money      `json:"amount"`
	Reason      string           `json:"reason"`
	NetworkCode string           `json:"network_code,omitempty"`
	DueBy       *time.Time       `json:"due_by,omitempty"`
	ContestedAt *time.Time       `json:"contested_at,omitempty"` // when it is contested unless somebody answers before
	Evidence    *packView        `json:"evidence,omitempty"`
	Answer      *chargebackReply `json:"answer,omitempty"`
	Moves       []moveView       `json:"moves"`
	ClosedAt    *time.Time       `json:"closed_at,omitempty"`
}

type packView struct {
	Digest    ledger.Digest `json:"digest"`
	Pages     int           `json:"pages"`
	Position  uint64        `json:"position"`
	Submitted bool          `json:"submitted"`
}

type chargebackReply struct {
	Reply  ledger.ChargebackReply `json:"reply"`
	By     string                 `json:"by"`
	Reason string                 `json:"reason"`
	At     time.Time              `json:"at"`
}

type moveView struct {
	Transaction string      `json:"transaction"`
	Withdrawn   bool        `json:"withdrawn"`
	Amount      money.Money `json:"amount"`
	Fee         money.Money `json:"fee"`
}

// states of a claim, as the list may be asked for.
const (
	chargebackOpen      = "open"      // waits for us
	chargebackSubmitted = "submitted" // waits for the bank
)

func chargebackState(c *chargeback.Case) string {
	switch {
	case !c.Open():
		return string(c.Outcome)
	case c.Sent:
		return chargebackSubmitted
	}
	return chargebackOpen
}

func viewChargeback(c *chargeback.Case) chargebackView {
	v := chargebackView{
		Chargeback: c.Chargeback, Visit: c.Visit, Payment: c.Object, OpenedAt: c.Opened, Inquiry: c.Inquiry,
		State: chargebackState(c), Amount: c.Amount, Reason: c.Reason, NetworkCode: c.NetworkCode, DueBy: some(c.DueBy),
		ClosedAt: some(c.Closed), Moves: []moveView{},
	}
	if v.State == chargebackOpen && c.Answer == nil {
		v.ContestedAt = some(c.ContestAt())
	}
	if p := c.Pack; p != nil {
		v.Evidence = &packView{Digest: p.Digest, Pages: p.Pages, Position: p.Position, Submitted: c.Sent}
	}
	if r := c.Answer; r != nil {
		v.Answer = &chargebackReply{Reply: r.Reply, By: r.By, Reason: r.Reason, At: c.Answered}
	}
	for _, m := range c.Moves {
		v.Moves = append(v.Moves, moveView{m.Transaction, m.Withdrawn, m.Amount, m.Fee})
	}
	return v
}

// some returns a time that is there.
func some(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// chargebackRows returns the claims in a state, or all, newest first.
func (a *API) chargebackRows(c echo.Context, state string) ([]*chargeback.Case, error) {
	if err := a.fresh(c, a.s.Chargebacks.WaitFor); err != nil {
		return nil, err
	}
	var rows []*chargeback.Case
	a.s.Chargebacks.View(func(b *chargeback.Book) { rows = b.All() })
	rows = slices.DeleteFunc(rows, func(r *chargeback.Case) bool { return state != "" && chargebackState(r) != state })
	return rows, nil
}

func (a *API) getChargebacks(c echo.Context) error {
	p, err := pageOf(c)
	if err != nil {
		return err
	}
	rows, err := a.chargebackRows(c, c.QueryParam("state"))
	if err != nil {
		return err
	}
	slices.SortFunc(rows, func(x, y *chargeback.Case) int { return cmp.Compare(y.Position, x.Position) })
	return c.JSON(http.StatusOK, cut(rows, p, func(r *chargeback.Case) uint64 { return r.Position }, viewChargeback))
}

// chargebackOf returns the claim that the address names.
func (a *API) chargebackOf(c echo.Context) (*chargeback.Case, error) {
	if err := a.fresh(c, a.s.Chargebacks.WaitFor); err != nil {
		return nil, err
	}
	var row *chargeback.Case
	a.s.Chargebacks.View(func(b *chargeback.Book) { row, _ = b.Get(c.Param("chargeback")) })
	if row == nil {
		return nil, errNotFound
	}
	return row, nil
}

func (a *API) getChargeback(c echo.Context) error {
	row, err := a.chargebackOf(c)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, viewChargeback(row))
}

// getChargebackEvidence answers with the pack that was made last.
func (a *API) getChargebackEvidence(c echo.Context) error {
	row, err := a.chargebackOf(c)
	if err != nil {
		return err
	}
	if row.Pack == nil {
		return errNotFound
	}
	pdf, err := a.s.Evidence.Read(c.Request().Context(), row.Pack.Digest)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set(echo.HeaderContentDisposition, fmt.Sprintf(`inline; filename="evidence-%s.pdf"`, row.Chargeback))
	h.Set("ETag", `"`+string(row.Pack.Digest)+`"`)
	return c.Blob(http.StatusOK, "application/pdf", pdf)
}

type chargebackAnswerRequest struct {
	Reply  ledger.ChargebackReply `json:"reply"`
	Reason string                 `json:"reason"`
}

func (a *API) postChargebackAnswer(c echo.Context) error {
	req, err := bodyOf[chargebackAnswerRequest](c)
	if err != nil {
		return err
	}
	id, err := a.commandID(c)
	if err != nil {
		return err
	}
	row, err := a.answerChargeback(c, id, req)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, viewChargeback(row))
}

// answerChargeback writes down what a person decided, and returns the claim
// after it.
func (a *API) answerChargeback(c echo.Context, id ledger.ID, req chargebackAnswerRequest) (*chargeback.Case, error) {
	row, err := a.chargebackOf(c)
	if err != nil {
		return nil, err
	}
	m := ledger.Meta{ID: id, Occurred: ledger.Instant(a.s.Now()), Actor: actor(c), Trace: traceOf(c)}
	rec, err := watch.Answer(c.Request().Context(), a.s.Log, m, row.Visit, ledger.ChargebackAnswered{
		Chargeback: row.Chargeback, Reply: req.Reply, By: actor(c), Reason: req.Reason,
	})
	if err != nil {
		return nil, err
	}
	if err := a.s.Chargebacks.WaitFor(c.Request().Context(), rec.Position); err != nil {
		return nil, err
	}
	return a.chargebackOf(c)
}
