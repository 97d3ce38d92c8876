package api

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/web"
	"github.com/vouchledger/vouch/billing/report"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections/books"
)

// shownDays is how many days of sales the page shows; the API has all.
const shownDays = 14

func (a *API) booksPage(c echo.Context) error {
	if err := a.fresh(c, a.s.Journal.WaitFor); err != nil {
		return err
	}
	view := web.BooksPage{Frame: frame(c, "Books", "books")}
	var err error
	a.s.Journal.View(func(j *books.Journal) { err = a.fillBooks(c, &view, j) })
	if err != nil {
		return err
	}
	return a.render(c, http.StatusOK, "books", view)
}

func (a *API) fillBooks(c echo.Context, view *web.BooksPage, j *books.Journal) error {
	view.Position = j.Position()
	if n := len(j.Odd()); n > 0 {
		view.Odd = append(view.Odd, fmt.Sprintf("%d things should not be; the latest: %s", n, j.Odd()[n-1].What))
	}
	for _, s := range j.Stores() {
		view.Shops = append(view.Shops, a.shopDays(c, j, s))
	}
	from := ledger.Date(a.s.Now().UTC().AddDate(0, 0, -shownDays).Format(time.DateOnly))
	balance, err := report.NewTrialBalance(j, report.Scope{}, time.LoadLocation)
	if err != nil {
		return err
	}
	sales, err := report.NewSales(j, report.Scope{From: from}, []report.Dimension{report.ByDay, report.ByShop}, time.LoadLocation)
	if err != nil {
		return err
	}
	tax, err := report.NewTax(j, report.Scope{From: from}, nil, time.LoadLocation)
	if err != nil {
		return err
	}
	since := " since " + string(from)
	view.Tables = []web.BooksTable{
		sheet(balance.Table(), "", "/v1/reports/trial-balance?format=csv"),
		sheet(sales.Table(), since, "/v1/reports/sales?format=csv&by=day,shop&from="+string(from)),
		sheet(tax.Table(), since, "/v1/reports/tax?format=csv&from="+string(from)),
	}
	return nil
}

// shopDays is what is closed of a shop and what can be.
func (a *API) shopDays(c echo.Context, j *books.Journal, s ledger.StoreID) web.BooksShop {
	shop := web.BooksShop{Store: string(s), Name: cmp.Or(a.seller(s).Name, string(s))}
	if cs := j.Closings(s); len(cs) > 0 {
		last := cs[len(cs)-1]
		shop.Closed = fmt.Sprintf("%s, number %d", last.Day, last.Number)
	}
	for _, d := range j.OpenDays(s, time.LoadLocation) {
		shop.Open = append(shop.Open, string(d))
	}
	if err := j.CheckClosings(s, time.LoadLocation); err != nil {
		shop.Altered = append(shop.Altered, err.Error())
	}
	if len(shop.Open) == 0 || !slices.Contains(closers, caller(c).Role) {
		return shop
	}
	if _, err := j.Close(s, ledger.Date(shop.Open[0]), a.s.Now(), actor(c), time.LoadLocation); err == nil {
		shop.Day, shop.Close = shop.Open[0], "/books/"+string(s)+"/days/"+shop.Open[0]+"/close"
	}
	return shop
}

func sheet(t report.Table, more, csv string) web.BooksTable {
	out := web.BooksTable{Title: t.Title + more, CSV: csv}
	for _, col := range t.Columns {
		out.Columns = append(out.Columns, web.BooksCell{Text: col.Name, Number: col.Number})
	}
	fill := func(rows [][]string) (filled [][]web.BooksCell) {
		for _, r := range rows {
			var cells []web.BooksCell
			for i, text := range r {
				cells = append(cells, web.BooksCell{Text: text, Number: t.Columns[i].Number})
			}
			filled = append(filled, cells)
		}
		return filled
	}
	out.Rows, out.Sums = fill(t.Rows), fill(t.Sums)
	return out
}

func (a *API) closeForm(c echo.Context) error {
	if _, err := a.closeDay(c); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/books")
}
