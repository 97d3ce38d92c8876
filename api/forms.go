package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/billing/receipt"
	"github.com/vouchledger/vouch/ledger"
)

// getReceiptForm hands out one document.
func (a *API) getReceiptForm(c echo.Context) error {
	s, v, err := a.receipt(c)
	if err != nil {
		return err
	}
	papers, err := receipt.Collect(s.events, s.money)
	if err != nil {
		return err
	}
	p, ok := receipt.Find(papers, v.Document.Number)
	if !ok {
		return errNotFound
	}
	return handOut(c, p, v.Document.Number)
}

// getVisitPaper hands out what a visit's shopper has now: the last document,
// the provisional receipt, or that nothing is to be paid.
func (a *API) getVisitPaper(c echo.Context) error {
	s, err := a.storyFor(c, ledger.VisitID(c.Param("visit")))
	if err != nil {
		return err
	}
	papers, err := receipt.Collect(s.events, s.money)
	if err != nil {
		return err
	}
	if len(papers) == 0 {
		return errNotFound
	}
	return handOut(c, papers[len(papers)-1], "visit-"+string(s.visit))
}

func handOut(c echo.Context, p receipt.Paper, name string) error {
	f, ok := receipt.Forms[c.Param("form")]
	if !ok {
		return errNotFound
	}
	b, err := f.Make(p)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Cache-Control", "private, no-store")
	if c.Param("form") == "pdf" {
		h.Set("Content-Disposition", `inline; filename="`+name+`.pdf"`)
	}
	if c.Param("form") == "html" { // one page that needs nothing, and may load nothing
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	}
	return c.Blob(http.StatusOK, f.MediaType, b)
}
