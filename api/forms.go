package api

import (
	"bytes"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/billing/receipt"
	"github.com/vouchledger/vouch/ledger"
)

// A form is a way to hand out a receipt.
type form struct {
	media string
	make  func(p receipt.Paper) ([]byte, error)
}

// forms are the ways to hand out a receipt, by the name in the address.
var forms = map[string]form{
	"html": {"text/html; charset=utf-8", func(p receipt.Paper) ([]byte, error) {
		var b bytes.Buffer
		err := receipt.HTML(&b, p)
		return b.Bytes(), err
	}},
	"pdf":     {"application/pdf", receipt.PDF},
	"en16931": {"application/json", receipt.EN16931},
	"schema":  {"application/ld+json", receipt.Schema},
}

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
	f, ok := forms[c.Param("form")]
	if !ok {
		return errNotFound
	}
	b, err := f.make(p)
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
	return c.Blob(http.StatusOK, f.media, b)
}
