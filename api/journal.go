package api

import (
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

type journalEntry struct {
	Event    ledger.ID      `json:"event"`
	Position uint64         `json:"position"`
	Occurred time.Time      `json:"occurred"`
	Visit    ledger.VisitID `json:"visit"`
	Receipt  string         `json:"receipt,omitempty"`
	Text     string         `json:"text,omitempty"`
	Postings []posting      `json:"postings"`
}

type posting struct {
	Account string      `json:"account"`
	Amount  money.Money `json:"amount"`
}

func viewEntry(e projections.Entry) journalEntry {
	v := journalEntry{
		Event: e.Event, Position: e.Position, Occurred: e.Occurred, Visit: e.Visit, Receipt: e.Receipt,
		Text: e.Memo, Postings: []posting{},
	}
	for _, p := range e.Postings {
		v.Postings = append(v.Postings, posting{Account: p.Account, Amount: p.Amount})
	}
	return v
}

func (a *API) getJournal(c echo.Context) error {
	p, err := pageOf(c)
	if err != nil {
		return err
	}
	if err := a.fresh(c, a.s.Journal.WaitFor); err != nil {
		return err
	}
	var out list[journalEntry]
	a.s.Journal.View(func(j *projections.Journal) {
		all := j.Entries()
		if p.before > 0 {
			n, _ := slices.BinarySearchFunc(all, p.before, func(e projections.Entry, pos uint64) int {
				if e.Position < pos {
					return -1
				}
				return 1
			})
			all = all[:n]
		}
		// One more than the page, so that cut knows whether there is a next.
		newest := slices.Clone(all[max(0, len(all)-p.limit-1):])
		slices.Reverse(newest)
		out = cut(newest, p, func(e projections.Entry) uint64 { return e.Position }, viewEntry)
	})
	return c.JSON(http.StatusOK, out)
}

type balancesView struct {
	Items    []balanceView `json:"items"`
	Position uint64        `json:"position"`
}

type balanceView struct {
	Account string      `json:"account"`
	Balance money.Money `json:"balance"`
}

func (a *API) getBalances(c echo.Context) error {
	if err := a.fresh(c, a.s.Journal.WaitFor); err != nil {
		return err
	}
	out := balancesView{Items: []balanceView{}}
	a.s.Journal.View(func(j *projections.Journal) {
		out.Position = j.Position()
		for _, b := range j.Balances() {
			out.Items = append(out.Items, balanceView{Account: b.Account, Balance: b.Amount})
		}
	})
	return c.JSON(http.StatusOK, out)
}

// postStripe takes what the payment provider tells us. It only appends an
// observation; the runner looks at the provider for itself.
func (a *API) postStripe(c echo.Context) error {
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return err
	}
	e, err := a.s.Webhook(body, c.Request().Header.Get("Stripe-Signature"))
	if err != nil {
		return err
	}
	if _, err := a.s.Desk.Notify(c.Request().Context(), e); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
