package api

import (
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections/books"
)

type journalEntry struct {
	Event    ledger.ID      `json:"event"`
	Position uint64         `json:"position"`
	Part     int            `json:"part,omitempty"`
	Occurred time.Time      `json:"occurred"`
	Visit    ledger.VisitID `json:"visit"`
	Store    ledger.StoreID `json:"store,omitempty"`
	Receipt  string         `json:"receipt,omitempty"`
	Text     string         `json:"text,omitempty"`
	Postings []posting      `json:"postings"`
}

type posting struct {
	Account string      `json:"account"`
	Amount  money.Money `json:"amount"`
}

// A numberedEntry is an entry and its place in the journal, from 1.
type numberedEntry struct {
	no uint64
	*books.Entry
}

func viewEntry(e *books.Entry) journalEntry {
	v := journalEntry{
		Event: e.Event, Position: e.Position, Part: e.Part, Occurred: e.Occurred, Visit: e.Visit, Store: e.Store, Receipt: e.Receipt,
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
	a.s.Journal.View(func(j *books.Journal) {
		// An entry's number is its place: it never changes, and two entries of
		// one event have two.
		all := j.Entries()
		if p.before > 0 {
			all = all[:min(p.before-1, uint64(len(all)))]
		}
		from := max(0, len(all)-p.limit-1) // one more than the page, so that cut knows whether there is a next
		newest := make([]numberedEntry, 0, p.limit+1)
		for i := len(all) - 1; i >= from; i-- {
			newest = append(newest, numberedEntry{uint64(i) + 1, &all[i]}) //nolint:gosec // not negative
		}
		out = cut(newest, p, func(e numberedEntry) uint64 { return e.no },
			func(e numberedEntry) journalEntry { return viewEntry(e.Entry) })
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
	a.s.Journal.View(func(j *books.Journal) {
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
	if err := a.s.Webhook(c.Request().Context(), body, c.Request().Header.Get("Stripe-Signature")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
