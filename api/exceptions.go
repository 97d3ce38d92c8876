package api

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/api/web"
	"github.com/vouchledger/vouch/billing/bankfile"
	"github.com/vouchledger/vouch/billing/reconcile"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// maxStatement bounds the body with a bank's file: a busy account's month.
const maxStatement = 16 << 20

func (a *API) exceptionRoutes() []route {
	get, post := http.MethodGet, http.MethodPost
	return []route{
		{method: get, path: "/v1/exceptions", roles: bookkeepers, handle: a.getExceptions},
		{method: post, path: "/v1/exceptions/:exception/owner", roles: closers, limit: maxBody, handle: a.postExceptionOwner},
		{method: post, path: "/v1/exceptions/:exception/explanation", roles: closers, limit: maxBody, handle: a.postExplanation},
		{method: post, path: "/v1/bank-statements", roles: closers, limit: maxStatement, handle: a.postStatement},
	}
}

type exceptionView struct {
	Exception string                `json:"exception"`
	Class     ledger.ExceptionClass `json:"class"`
	Store     ledger.StoreID        `json:"store,omitempty"`
	Day       ledger.Date           `json:"day"`
	Subject   string                `json:"subject"`
	Expected  *money.Money          `json:"expected,omitempty"`
	Found     *money.Money          `json:"found,omitempty"`
	Owner     string                `json:"owner"`
	Detail    string                `json:"detail"`
	Opened    time.Time             `json:"opened"`
	AgeHours  int                   `json:"age_hours"`
	Closed    *time.Time            `json:"closed,omitempty"`
	By        string                `json:"by,omitempty"`
	Reason    string                `json:"reason,omitempty"`
}

func (a *API) viewException(x reconcile.Exception) exceptionView {
	v := exceptionView{
		Exception: x.Exception, Class: x.Class, Store: x.Store, Day: x.Day, Subject: x.Subject, Owner: x.Owner, Detail: x.Detail,
		Opened: x.Opened, AgeHours: int(x.Age(a.s.Now()).Hours()), By: x.By, Reason: x.Reason,
	}
	for to, m := range map[**money.Money]money.Money{&v.Expected: x.Expected, &v.Found: x.Found} {
		if m.Currency != "" {
			*to = &m
		}
	}
	if !x.Open() {
		v.Closed = &x.Closed
	}
	return v
}

func (a *API) getExceptions(c echo.Context) error {
	all, err := a.s.Reconciler.Exceptions(c.Request().Context())
	if err != nil {
		return err
	}
	items := []exceptionView{}
	for _, x := range all {
		if x.Open() || c.QueryParam("state") == "all" {
			items = append(items, a.viewException(x))
		}
	}
	return c.JSON(http.StatusOK, map[string]any{"items": items})
}

type ownerRequest struct {
	Owner string `json:"owner"`
}

func (a *API) postExceptionOwner(c echo.Context) error {
	req, err := bodyOf[ownerRequest](c)
	if err != nil {
		return err
	}
	x, err := a.s.Reconciler.Assign(c.Request().Context(), c.Param("exception"), req.Owner, actor(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, a.viewException(x))
}

type explanationRequest struct {
	Reason string `json:"reason"`
}

func (a *API) postExplanation(c echo.Context) error {
	req, err := bodyOf[explanationRequest](c)
	if err != nil {
		return err
	}
	x, err := a.s.Reconciler.Explain(c.Request().Context(), c.Param("exception"), actor(c), req.Reason)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, a.viewException(x))
}

// A statementRequest is a bank's file. CSV needs the mapping that says how the
// bank writes it.
type statementRequest struct {
	Format  string            `json:"format"`
	Account string            `json:"account"` // of camt.053: our name for the account it is of
	Mapping *bankfile.Mapping `json:"mapping"`
	Text    string            `json:"text"`
}

func (a *API) postStatement(c echo.Context) error {
	req, err := bodyOf[statementRequest](c)
	if err != nil {
		return err
	}
	var lines []ledger.BankLine
	account := req.Account
	switch {
	case req.Format == bankfile.CAMT && account != "":
		statements, err := bankfile.ReadCAMT(strings.NewReader(req.Text))
		if err != nil {
			return err
		}
		for _, s := range statements {
			lines = append(lines, s.Lines...)
		}
	case req.Format == bankfile.CSV && req.Mapping != nil:
		m, err := req.Mapping.Complete()
		if err != nil {
			return err
		}
		s, err := bankfile.ReadCSV(strings.NewReader(req.Text), m)
		if err != nil {
			return err
		}
		lines, account = s.Lines, s.Account
	default:
		return invalid("body.format", "send camt.053 with an account, or csv with a mapping")
	}
	n, err := a.s.Reconciler.Statement(c.Request().Context(), account, req.Format, ledger.DigestOf([]byte(req.Text)), lines, actor(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]any{"account": account, "lines": len(lines), "added": n})
}

// exceptionsPage shows what is not explained, most money first.
func (a *API) exceptionsPage(c echo.Context) error {
	all, err := a.s.Reconciler.Exceptions(c.Request().Context())
	if err != nil {
		return err
	}
	v := web.ExceptionsPage{Frame: frame(c, "Exceptions", "exceptions")}
	for _, x := range all {
		row := web.ExceptionRow{
			Name: x.Exception, Class: exceptionWords[x.Class], Detail: x.Detail, Day: string(x.Day), Shop: string(x.Store), Subject: x.Subject,
			Owner: x.Owner, Age: ageSaid(x.Age(a.s.Now())), Expected: moneySaid(x.Expected), Found: moneySaid(x.Found),
		}
		if !x.Open() {
			row.Closed = x.By + ": " + x.Reason
			v.Closed = append(v.Closed, row)
			continue
		}
		if caller(c).Role == keys.Finance {
			row.Action = "/exceptions/" + x.Exception
		}
		v.Open = append(v.Open, row)
	}
	v.Closed = v.Closed[:min(len(v.Closed), 50)]
	return a.render(c, http.StatusOK, "exceptions", v)
}

func moneySaid(m money.Money) string {
	if m.Currency == "" {
		return ""
	}
	return cash(m)
}

// ageSaid says an age as people do.
func ageSaid(d time.Duration) string {
	n, unit := int(d.Hours()), "hour"
	if n >= 48 {
		n, unit = n/24, "day"
	}
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

var exceptionWords = map[ledger.ExceptionClass]string{
	ledger.ExceptionMissingAtProvider: "Missing at the provider", ledger.ExceptionMissingHere: "Missing in our books",
	ledger.ExceptionAmount: "Another amount", ledger.ExceptionCurrency: "Another currency", ledger.ExceptionDuplicate: "Taken twice",
	ledger.ExceptionFee: "Fee is not as agreed", ledger.ExceptionRefund: "Refund without a case",
	ledger.ExceptionChargeback: "Chargeback without a case", ledger.ExceptionPayout: "Payout is short",
	ledger.ExceptionStale: "In no payout for long", ledger.ExceptionBank: "Not matched at the bank",
}

// explainForm takes the page's form: another owner, or an explanation.
func (a *API) explainForm(c echo.Context) error {
	var err error
	ctx, name := c.Request().Context(), c.Param("exception")
	if owner := strings.TrimSpace(c.FormValue("owner")); owner != "" {
		_, err = a.s.Reconciler.Assign(ctx, name, owner, actor(c))
	} else {
		_, err = a.s.Reconciler.Explain(ctx, name, actor(c), strings.TrimSpace(c.FormValue("reason")))
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/exceptions")
}
