package api

import (
	"cmp"
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/palms"
	"github.com/vouchledger/vouch/api/web"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
)

// palmPage shows a shopper what they agreed to about their palm, and lets them
// agree and take it back.
func (a *API) palmPage(c echo.Context) error {
	if a.s.Palms == nil {
		return errNotFound
	}
	s := ledger.ShopperID(caller(c).Shopper)
	p, err := a.s.Palms.Palm(c.Request().Context(), s)
	if err != nil {
		return err
	}
	view := web.PalmPage{Frame: frame(c, "Your palm", "code"), Nonce: newNonce()}
	if !p.Consent.IsZero() {
		view.Consent = a.tellPalm(p)
	}
	if !p.Live() && !p.Unfinished() {
		if view.Offers, err = a.palmOffers(); err != nil {
			return err
		}
	}
	return a.render(c, http.StatusOK, "palm", view)
}

// tellPalm says what became of a consent.
func (a *API) tellPalm(p projections.Palm) *web.PalmConsent {
	seller := a.seller(p.Given.Store)
	zone := zoneOf(seller.Timezone)
	day := func(e interface{ Format(string) string }) string { return e.Format("2 January 2006, 15:04") }
	out := &web.PalmConsent{
		Shop: cmp.Or(seller.Name, string(p.Given.Store)), Jurisdiction: p.Given.Jurisdiction, Version: p.Given.Version,
		Given: day(p.GivenAt.In(zone)), How: p.Given.Agreed, Text: string(p.Given.Text), Live: p.Live(),
		Status: web.Chip{Text: "Agreed, nothing made yet", Tone: "wait"},
	}
	if e := p.Enrolled; e.Template != "" {
		out.Enrolled, out.Captures = day(p.EnrolledAt.In(zone)), e.Captures
		out.Status = web.Chip{Text: "Your palm is known", Tone: "good"}
	}
	if !p.Live() {
		out.Withdrawn = day(p.WithdrawnAt.In(zone))
		out.Status = web.Chip{Text: "Withdrawn", Tone: "plain"}
		if p.Unfinished() {
			out.Status = web.Chip{Text: "Withdrawn, being destroyed", Tone: "wait"}
		}
	}
	if !p.RevokedAt.IsZero() {
		out.Destroyed, out.Proof, out.Sealed = day(p.RevokedAt.In(zone)), p.RevokedEvent.String(), string(p.Revoked.Sealed)
		out.Status = web.Chip{Text: "Destroyed", Tone: "plain"}
	}
	return out
}

// palmOffers are the texts that may be agreed to, each once.
func (a *API) palmOffers() (offers []web.PalmOffer, err error) {
	seen := map[string]bool{}
	for _, store := range a.s.Desk.PalmShops() {
		t, err := a.s.Palms.Offer(store)
		if errors.Is(err, palms.ErrNoText) || errors.Is(err, engine.ErrPalmOff) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if seen[t.Jurisdiction] {
			continue
		}
		seen[t.Jurisdiction] = true
		offers = append(offers, web.PalmOffer{
			Store: string(store), Shop: cmp.Or(a.seller(store).Name, string(store)), Jurisdiction: t.Jurisdiction,
			Version: t.Version, Paragraphs: strings.Split(t.Words, "\n\n"),
		})
	}
	return offers, nil
}

// onPage is how a consent on the shopper's page was given.
const onPage = "on the shopper's page"

func (a *API) palmConsentForm(c echo.Context) error {
	if a.s.Palms == nil {
		return errNotFound
	}
	m, err := a.formMeta(c)
	if err != nil {
		return err
	}
	if c.FormValue("agree") != "yes" {
		return invalid("body.agree", "nothing is agreed to until you say so")
	}
	store := ledger.StoreID(c.FormValue("store"))
	_, err = a.s.Palms.Agree(c.Request().Context(), m, ledger.ShopperID(caller(c).Shopper), store, c.FormValue("version"), onPage)
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/palm")
}

func (a *API) palmWithdrawalForm(c echo.Context) error {
	if a.s.Palms == nil {
		return errNotFound
	}
	m, err := a.formMeta(c)
	if err != nil {
		return err
	}
	_, err = a.s.Palms.Withdraw(c.Request().Context(), m, ledger.ShopperID(caller(c).Shopper), "withdrawn "+onPage)
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/palm")
}

// formMeta returns the envelope of what a form records.
func (a *API) formMeta(c echo.Context) (ledger.Meta, error) {
	id, err := a.formID(c)
	return ledger.Meta{ID: id, Occurred: ledger.Instant(a.s.Now()), Actor: actor(c), Trace: traceOf(c)}, err
}
