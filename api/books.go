package api

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/billing/clerk"
	"github.com/vouchledger/vouch/billing/report"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections/books"
)

// scopeOf reads what a report is asked for. An empty journal is what was known
// before the first event.
func (a *API) scopeOf(c echo.Context) (s report.Scope, known bool, err error) {
	s = report.Scope{
		Store: ledger.StoreID(c.QueryParam("store")), From: ledger.Date(c.QueryParam("from")), To: ledger.Date(c.QueryParam("to")),
	}
	if err := s.ParseAsOf(c.QueryParam("as_of")); err != nil {
		return s, true, invalid("query.as_of", err.Error())
	}
	text := c.QueryParam("as_known")
	if text == "" {
		return s, true, nil
	}
	if s.AsKnown, err = strconv.ParseUint(text, 10, 64); err != nil {
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return s, true, invalid("query.as_known", "want a position or an instant like 2026-11-30T18:00:00Z")
		}
		if s.AsKnown, err = a.positionAt(c, t); err != nil {
			return s, true, err
		}
	}
	return s, s.AsKnown > 0, nil
}

// positionAt returns the position of the last event that was recorded up to t;
// 0 if none was. Recorded times never fall, so half of what is left can be
// put aside each time.
func (a *API) positionAt(c echo.Context, t time.Time) (uint64, error) {
	ctx := c.Request().Context()
	low := uint64(0) // recorded by t
	high, err := a.s.Log.Head(ctx)
	if err != nil {
		return 0, err
	}
	for low < high {
		middle := low + (high-low+1)/2
		found := false
		for r, err := range a.s.Log.Read(ctx, ledger.Query{From: middle, Limit: 1}) {
			if err != nil {
				return 0, err
			}
			found = true
			if r.Recorded.After(t) {
				high = middle - 1
			} else {
				low = r.Position
			}
		}
		if !found {
			high = middle - 1
		}
	}
	return low, nil
}

// made is any report.
type made interface{ Table() report.Table }

// answerReport builds a report under the journal's lock and writes it as asked
// for.
func (a *API) answerReport(c echo.Context, build func(*books.Journal, report.Scope) (made, error)) error {
	scope, known, err := a.scopeOf(c)
	if err != nil {
		return err
	}
	if err := a.fresh(c, a.s.Journal.WaitFor); err != nil {
		return err
	}
	var r made
	if known {
		a.s.Journal.View(func(j *books.Journal) { r, err = build(j, scope) })
	} else {
		r, err = build(&books.Journal{}, scope)
	}
	if err != nil {
		return err
	}
	return writeReport(c, r)
}

func writeReport(c echo.Context, r made) error {
	if c.QueryParam("format") != "csv" {
		return c.JSON(http.StatusOK, r)
	}
	var b bytes.Buffer
	if err := r.Table().CSV(&b); err != nil {
		return err
	}
	return c.Blob(http.StatusOK, "text/csv; charset=utf-8", b.Bytes())
}

func (a *API) getTrialBalance(c echo.Context) error {
	return a.answerReport(c, func(j *books.Journal, s report.Scope) (made, error) {
		return report.NewTrialBalance(j, s, time.LoadLocation)
	})
}

func (a *API) getSales(c echo.Context) error {
	by, err := report.Dimensions(c.QueryParam("by"), report.ByDay, report.ByShop, report.ByCategory)
	if err != nil {
		return err
	}
	return a.answerReport(c, func(j *books.Journal, s report.Scope) (made, error) {
		return report.NewSales(j, s, by, time.LoadLocation)
	})
}

func (a *API) getTax(c echo.Context) error {
	by, err := report.Dimensions(c.QueryParam("by"))
	if err != nil {
		return err
	}
	return a.answerReport(c, func(j *books.Journal, s report.Scope) (made, error) {
		return report.NewTax(j, s, by, time.LoadLocation)
	})
}

func (a *API) getExposure(c echo.Context) error {
	return a.answerReport(c, func(j *books.Journal, _ report.Scope) (made, error) {
		return report.NewExposure(j, ledger.ShopperID(c.QueryParam("shopper"))), nil
	})
}

func (a *API) getPrices(c echo.Context) error {
	ctx := c.Request().Context()
	shop, err := clerk.OpenShop(ctx, a.s.Log, ledger.StoreID(c.Param("store")))
	if err != nil {
		return err
	}
	checks, err := shop.ReadChecks(ctx, a.s.Log)
	if err != nil {
		return err
	}
	p, err := report.NewPrices(checks, report.Scope{
		Store: ledger.StoreID(c.Param("store")), From: ledger.Date(c.QueryParam("from")), To: ledger.Date(c.QueryParam("to")),
	})
	if err != nil {
		return err
	}
	return writeReport(c, p)
}

// priceChecks is what somebody read off shelves.
type priceChecks struct {
	Items []struct {
		SKU     ledger.SKU   `json:"sku"`
		Shelf   money.Money  `json:"shelf"`
		Charged *money.Money `json:"charged"`
	} `json:"items"`
}

type priceChecksAnswer struct {
	Store    ledger.StoreID `json:"store"`
	Recorded int            `json:"recorded"`
}

func (a *API) postPriceChecks(c echo.Context) error {
	id, err := a.commandID(c)
	if err != nil {
		return err
	}
	body, err := bodyOf[priceChecks](c)
	if err != nil {
		return err
	}
	ctx, store, now := c.Request().Context(), ledger.StoreID(c.Param("store")), a.s.Now()
	shop, err := clerk.OpenShop(ctx, a.s.Log, store)
	if err != nil {
		return err
	}
	var checks []ledger.PriceChecked
	for _, it := range body.Items {
		p, err := shop.Check(it.SKU, it.Shelf, it.Charged, actor(c), now)
		if err != nil {
			return err
		}
		checks = append(checks, p)
	}
	m := ledger.Meta{Occurred: now, Actor: actor(c), Trace: traceOf(c)}
	if err := clerk.RecordChecks(ctx, a.s.Log, m, id.String(), checks); err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, priceChecksAnswer{store, len(checks)})
}

func (a *API) getDays(c echo.Context) error {
	d, err := a.days(c)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, d)
}

func (a *API) days(c echo.Context) (d report.Days, err error) {
	if err := a.fresh(c, a.s.Journal.WaitFor); err != nil {
		return d, err
	}
	store := ledger.StoreID(c.Param("store"))
	err = books.ErrUnknownStore
	a.s.Journal.View(func(j *books.Journal) {
		if j.Knows(store) {
			d, err = report.NewDays(j, store, time.LoadLocation), nil
		}
	})
	return d, err
}

// dayAnswer is a closing and what is carried over it.
type dayAnswer struct {
	Closing books.Closing           `json:"closing"`
	Carried []books.UnfinishedVisit `json:"carried"`
}

func (a *API) postDayClose(c echo.Context) error {
	answer, err := a.closeDay(c)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, answer)
}

// closeDay closes a day, again if another entry or clerk was first: the books
// then decide anew, and say no to a day that is closed.
func (a *API) closeDay(c echo.Context) (answer dayAnswer, err error) {
	store, day := ledger.StoreID(c.Param("store")), ledger.Date(c.Param("day"))
	for {
		if err := a.fresh(c, a.s.Journal.WaitFor); err != nil {
			return answer, err
		}
		now := a.s.Now()
		a.s.Journal.View(func(j *books.Journal) {
			answer.Closing.DayClosed, err = j.Close(store, day, now, actor(c), time.LoadLocation)
			answer.Carried = j.Unfinished(store, day, time.LoadLocation)
		})
		if err != nil {
			return answer, err
		}
		ctx := c.Request().Context()
		r, err := clerk.CloseDay(ctx, a.s.Log, ledger.Meta{Occurred: now, Trace: traceOf(c)}, answer.Closing.DayClosed)
		if errors.Is(err, ledger.ErrConflict) && ctx.Err() == nil {
			continue
		}
		answer.Closing.At = r.Position
		return answer, err
	}
}
