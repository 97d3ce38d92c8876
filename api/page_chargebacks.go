package api

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/api/web"
	"github.com/vouchledger/vouch/billing/chargeback"
	"github.com/vouchledger/vouch/ledger"
)

// shownChargebacks is how many claims are on the page: the open ones come
// first, by their deadline.
const shownChargebacks = 100

func (a *API) chargebacksPage(c echo.Context) error {
	rows, err := a.chargebackRows(c, "")
	if err != nil {
		return err
	}
	view := web.ChargebacksPage{
		Frame: frame(c, "Chargebacks", "chargebacks"), Decide: caller(c).Role == keys.Operator,
		More: max(0, len(rows)-shownChargebacks),
	}
	for _, r := range rows[:min(len(rows), shownChargebacks)] {
		view.Items = append(view.Items, a.chargebackCard(r))
	}
	return a.render(c, http.StatusOK, "chargebacks", view)
}

func (a *API) chargebackCard(r *chargeback.Case) web.ChargebackItem {
	v := web.ChargebackItem{
		Chargeback: r.Chargeback, Amount: cash(r.Amount), Reason: sentence(r.Reason, r.Inquiry), Code: r.NetworkCode,
		Visit: shortID(string(r.Visit)), VisitLink: "/visits/" + string(r.Visit), Opened: r.Opened.Format("2 January 2006"),
		Action: "/chargebacks/" + r.Chargeback + "/answer", Nonce: newNonce(), Status: chargebackChip(r), Inquiry: r.Inquiry,
	}
	if r.Pack != nil {
		v.Evidence, v.Pages = "/v1/chargebacks/"+r.Chargeback+"/evidence", r.Pack.Pages
	}
	if r.Answer != nil {
		v.Answer = fmt.Sprintf("%s wants to %s it: %s", r.Answer.By, r.Answer.Reply, r.Answer.Reason)
	}
	if !r.Open() {
		return v
	}
	v.Open = r.Answer == nil && !r.Sent && r.Intended == nil && a.s.Now().Before(r.DueBy)
	v.Due = r.DueBy.Format("2 January 2006, 15:04 MST")
	v.Left = left(r.DueBy.Sub(a.s.Now()))
	if v.Open {
		v.Rule = "If nobody answers, it is contested on " + r.ContestAt().Format("2 January, 15:04 MST") + "."
	}
	return v
}

// sentence puts the network's word for a reason into a heading.
func sentence(reason string, inquiry bool) string {
	s := strings.ReplaceAll(reason, "_", " ")
	if inquiry || s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// left says how long there still is.
func left(d time.Duration) string {
	switch hours := int(d.Hours()); {
	case d <= 0:
		return "too late"
	case hours < 48:
		return fmt.Sprintf("%d hours left", hours)
	default:
		return fmt.Sprintf("%d days left", hours/24)
	}
}

func chargebackChip(r *chargeback.Case) web.Chip {
	switch {
	case r.Outcome == ledger.ChargebackWon:
		return web.Chip{Text: "Won", Tone: "good"}
	case r.Outcome == ledger.ChargebackLost:
		return web.Chip{Text: "Lost", Tone: "bad"}
	case r.Outcome == ledger.ChargebackAccepted:
		return web.Chip{Text: "Accepted", Tone: "plain"}
	case r.Outcome == ledger.ChargebackInquiry:
		return web.Chip{Text: "Inquiry closed", Tone: "good"}
	case r.Sent:
		return web.Chip{Text: "The bank decides", Tone: "wait"}
	case r.Answer != nil:
		return web.Chip{Text: "Answered", Tone: "wait"}
	}
	return web.Chip{Text: "Open", Tone: "bad"}
}

func (a *API) chargebackForm(c echo.Context) error {
	id, err := a.formID(c)
	if err != nil {
		return err
	}
	_, err = a.answerChargeback(c, id, chargebackAnswerRequest{
		Reply: ledger.ChargebackReply(c.FormValue("reply")), Reason: strings.TrimSpace(c.FormValue("reason")),
	})
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/chargebacks")
}
