package api

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/api/register"
	"github.com/vouchledger/vouch/api/web"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
)

// maxForm bounds a form; the longest text in one is a reason.
const maxForm = 16 << 10

// pageRoutes are what a browser opens. They are for people and no part of the
// contract that openapi.yaml is.
func (a *API) pageRoutes() []route {
	get, post := http.MethodGet, http.MethodPost
	return []route{
		{method: get, path: "/", open: true, handle: func(c echo.Context) error {
			return c.Redirect(http.StatusSeeOther, "/visits")
		}},
		{method: get, path: "/static/:file", open: true, handle: a.getStatic},
		{method: get, path: "/signin", open: true, handle: a.getSignIn},
		{method: post, path: "/signin", open: true, limit: maxForm, handle: a.postSignIn},
		{method: post, path: "/signout", open: true, limit: maxForm, handle: a.postSignOut},
		{method: get, path: "/visits", roles: watchers, handle: a.visitsPage},
		{method: get, path: "/visits/:visit", roles: watchers, handle: a.visitPage},
		{method: post, path: "/visits/:visit/disputes/:number", roles: payers, limit: maxForm, handle: a.disputeForm},
		{method: post, path: "/visits/:visit/supplements/:proposal", roles: shoppers, limit: maxForm, handle: a.supplementForm},
		{method: post, path: "/visits/:visit/payment", roles: shoppers, limit: maxForm, handle: a.paymentForm},
		{method: post, path: "/disputes/:dispute/decision", roles: reviewers, limit: maxForm, handle: a.decisionForm},
		{method: get, path: "/code", roles: shoppers, handle: a.codePage},
		{method: get, path: "/palm", roles: shoppers, handle: a.palmPage},
		{method: post, path: "/palm/consent", roles: shoppers, limit: maxForm, handle: a.palmConsentForm},
		{method: post, path: "/palm/withdrawal", roles: shoppers, limit: maxForm, handle: a.palmWithdrawalForm},
		{method: get, path: "/books", roles: bookkeepers, handle: a.booksPage},
		{method: post, path: "/books/:store/days/:day/close", roles: closers, limit: maxForm, handle: a.closeForm},
		{method: get, path: "/money", roles: claimers, handle: a.moneyPage},
		{method: post, path: "/escalations/:escalation/resolution", roles: operators, limit: maxForm, handle: a.resolutionForm},
		{method: get, path: "/chargebacks", roles: claimers, handle: a.chargebacksPage},
		{method: post, path: "/chargebacks/:chargeback/answer", roles: operators, limit: maxForm, handle: a.chargebackForm},
		{method: get, path: "/exceptions", roles: bookkeepers, handle: a.exceptionsPage},
		{method: post, path: "/exceptions/:exception", roles: closers, limit: maxForm, handle: a.explainForm},
		{method: get, path: "/shelves", roles: caretakers, handle: a.shelvesPage},
		{method: get, path: "/devices", roles: caretakers, handle: a.devicesPage},
		{method: get, path: "/reviews", roles: queuers, handle: a.reviewsPage},
		{method: post, path: "/reviews/:detection/decision", roles: reviewers, limit: maxForm, handle: a.reviewForm},
	}
}

// wantsPage reports whether a person looks at the answer.
func wantsPage(c echo.Context) bool {
	return strings.Contains(c.Request().Header.Get(echo.HeaderAccept), "text/html") &&
		!strings.HasPrefix(c.Request().URL.Path, "/v1/")
}

func (a *API) render(c echo.Context, status int, page string, view any) error {
	var b strings.Builder
	if err := a.pages.Render(&b, page, view); err != nil {
		return err
	}
	return c.HTML(status, b.String())
}

func frame(c echo.Context, title, here string) web.Frame {
	k := caller(c)
	f := web.Frame{Title: title, Here: here, Script: true}
	if k.ID != "" {
		f.Who, f.Reviews = string(k.Role)+" "+k.Name, k.Role == keys.Reviewer || k.Role == keys.Auditor
		f.Books = k.Role == keys.Finance || k.Role == keys.Auditor
		f.Devices = slices.Contains(caretakers, k.Role)
		f.Code = k.Role == keys.Shopper
		f.Claims = slices.Contains(claimers, k.Role)
	}
	return f
}

var errorWords = map[int][2]string{
	http.StatusNotFound: {"There is nothing here", "The address is wrong, or what it names is not yours to see."},
	http.StatusTooManyRequests: {
		"A little slower", "That were many requests at once. Wait a moment and load the page again.",
	},
	http.StatusUnauthorized: {"Sign in first", "This page needs a key."},
	http.StatusForbidden: {
		"That came from elsewhere", "For your safety a form is only taken from our own pages. Open the page again.",
	},
	http.StatusConflict: {"It has changed meanwhile", "Somebody was first. Go back and look at how it stands now."},
	http.StatusUnprocessableEntity: {
		"That could not be recorded", "Something in the form does not fit. Go back, correct it and send it again.",
	},
	http.StatusServiceUnavailable: {"Not ready", "The server is starting or stopping. Load the page again in a moment."},
}

func (a *API) errorPage(c echo.Context, p *problem) {
	words, ok := errorWords[p.Status]
	if !ok {
		words = [2]string{"Something went wrong", "It is our fault and it has been noted. Load the page again in a moment."}
	}
	if p.Detail != "" && p.Status < http.StatusInternalServerError {
		words[1] += " (" + p.Detail + ")"
	}
	view := web.ErrorPage{Frame: frame(c, words[0], ""), Status: p.Status, Head: words[0], Text: words[1]}
	if err := a.render(c, p.Status, "error", view); err != nil {
		_ = c.NoContent(p.Status)
	}
}

func (a *API) getStatic(c echo.Context) error {
	if !a.pages.ServeFile(c.Response(), c.Request(), c.Param("file")) {
		return errNotFound
	}
	return nil
}

func (a *API) getSignIn(c echo.Context) error {
	return a.render(c, http.StatusOK, "signin", web.SignInPage{
		Frame: web.Frame{Title: "Sign in"}, Next: ownPath(c.QueryParam("next")),
	})
}

// ownPath returns a path of this server, whatever it is given: a link must not
// lead from the sign-in to somewhere else.
func ownPath(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") ||
		strings.ContainsAny(s, "\\\r\n\t") {
		return "/visits"
	}
	return s
}

func (a *API) postSignIn(c echo.Context) error {
	if !a.limits.allowStranger(c.RealIP(), a.s.Now()) {
		return tooMany(c)
	}
	next := ownPath(c.FormValue("next"))
	k, err := a.s.Keys.Check(strings.TrimSpace(c.FormValue("key")))
	if errors.Is(err, keys.ErrNoKey) || errors.Is(err, keys.ErrRevoked) ||
		err == nil && (k.Role == keys.Device || k.Role == keys.Program) {
		return a.render(c, http.StatusUnauthorized, "signin", web.SignInPage{
			Frame: web.Frame{Title: "Sign in"}, Next: next,
			Wrong: "That key does not open this door. Check that all of it was copied.",
		})
	}
	if err != nil {
		return err
	}
	c.SetCookie(a.cookie(a.signIns.begin(k, a.s.Now()), cookieHours*3600))
	return c.Redirect(http.StatusSeeOther, next)
}

func (a *API) postSignOut(c echo.Context) error {
	if cookie, err := c.Cookie(cookieName); err == nil {
		a.signIns.end(cookie.Value)
	}
	c.SetCookie(a.cookie("", -1))
	return c.Redirect(http.StatusSeeOther, "/signin")
}

func (a *API) productName(sku ledger.SKU) string {
	name := string(sku)
	a.s.Register.View(func(r *register.Register) { name = r.Product(sku) })
	return name
}

func (a *API) seller(s ledger.StoreID) (seller ledger.Seller) {
	a.s.Register.View(func(r *register.Register) { seller = r.Seller(s) })
	return seller
}

func (a *API) visitsPage(c echo.Context) error {
	p, err := pageOf(c)
	if err != nil {
		return err
	}
	rows, err := a.visitRows(c, p)
	if err != nil {
		return err
	}
	view := web.VisitsPage{Frame: frame(c, "Visits", "visits"), Own: !staff(c)}
	for _, r := range rows.Items {
		seller := a.seller(r.Store)
		at := r.PresentedAt.In(zoneOf(seller.Timezone))
		row := web.VisitRow{
			Link: "/visits/" + string(r.Visit), Visit: shortID(string(r.Visit)), Store: cmp.Or(seller.Name, string(r.Store)),
			Day: at.Format("2 Jan"), Time: at.Format("15:04"), Status: statusChip(r.Status, r.Settled), Total: cash(r.Gross),
		}
		if n := len(r.Questions); n > 0 {
			row.Notes = append(row.Notes, web.Chip{Text: strconv.Itoa(n) + " in doubt", Tone: "wait"})
		}
		if d := r.Dispute(); d != "" {
			row.Notes = append(row.Notes, web.Chip{Text: "Dispute " + string(d), Tone: "bad"})
		}
		view.Rows = append(view.Rows, row)
	}
	if rows.Next != "" {
		view.Next = "/visits?cursor=" + rows.Next
	}
	return a.render(c, http.StatusOK, "visits", view)
}

func (a *API) visitPage(c echo.Context) error {
	s, err := a.storyFor(c, ledger.VisitID(c.Param("visit")))
	if err != nil {
		return err
	}
	t := a.teller(c.Request().Context(), caller(c), s)
	if err := a.known(c, func(e *engine.Engine) { d, _ := e.Debt(s.visit); t.owed = d.Owed }); err != nil {
		return err
	}
	view, err := t.page()
	if err != nil {
		return err
	}
	if !staff(c) {
		if err := a.asks(c, s, &view); err != nil {
			return err
		}
	}
	view.Again = a.shownAgain(s)
	view.Frame = frame(c, view.Title, "visits")
	view.Nonce = newNonce()
	return a.render(c, http.StatusOK, "visit", view)
}

// newNonce names one form: sent twice, by an impatient thumb, it is one event.
func newNonce() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return hex.EncodeToString(b[:])
}

func (a *API) formID(c echo.Context) (ledger.ID, error) {
	nonce := c.FormValue("nonce")
	if nonce == "" || len(nonce) > 64 {
		return ledger.ID{}, invalid("body.nonce", "open the page again")
	}
	return ledger.DeriveID(ledger.ID{}, "form", caller(c).ID, nonce), nil
}

// number reads a whole number of a form; an empty field is zero.
func number(c echo.Context, field string) (int, error) {
	s := c.FormValue(field)
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > ledger.MaxQuantity {
		return 0, invalid("body."+field, "want a number of pieces")
	}
	return n, nil
}

func (a *API) disputeForm(c echo.Context) error {
	id, err := a.formID(c)
	if err != nil {
		return err
	}
	line, err := number(c, "line")
	if err != nil {
		return err
	}
	quantity, err := number(c, "quantity")
	if err != nil {
		return err
	}
	s, r, err := a.receipt(c)
	if err != nil {
		return err
	}
	_, err = a.s.Desk.OpenDispute(c.Request().Context(), engine.DisputeCommand{
		ID: id, Occurred: ledger.Instant(a.s.Now()), Actor: actor(c), Trace: traceOf(c), Receipt: r.Document.Number,
		Line: line, Claim: ledger.Claim(c.FormValue("claim")), Quantity: max(1, quantity), Message: c.FormValue("message"),
	})
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/visits/"+string(s.visit)+"#disputes")
}

func (a *API) decisionForm(c echo.Context) error {
	id, err := a.formID(c)
	if err != nil {
		return err
	}
	dispute, err := ledger.ParseID(c.Param("dispute"))
	if err != nil {
		return errNotFound
	}
	quantity, err := number(c, "quantity")
	if err != nil {
		return err
	}
	outcome := ledger.DisputeOutcome(c.FormValue("outcome"))
	if outcome != ledger.DisputePartial {
		quantity = 0 // all of them, or none
	}
	var row register.Dispute
	a.s.Register.View(func(r *register.Register) { row, _ = r.Dispute(dispute) })
	if row.Visit == "" {
		return errNotFound
	}
	_, err = a.s.Desk.DecideDispute(c.Request().Context(), engine.DisputeDecision{
		ID: id, Occurred: ledger.Instant(a.s.Now()), Trace: traceOf(c), Dispute: dispute, Outcome: outcome,
		Quantity: quantity, MoveTo: ledger.VisitID(strings.TrimSpace(c.FormValue("move_to"))), Reviewer: actor(c),
		Reason: cmp.Or(strings.TrimSpace(c.FormValue("reason")), "–"),
	})
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/visits/"+string(row.Visit)+"#disputes")
}
