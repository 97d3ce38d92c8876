package api

import (
	"fmt"
	"net/url"
	"time"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/api/web"
	"github.com/vouchledger/vouch/billing/receipt"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

// papers draws the receipts: each final one, or the provisional one while
// there is none.
func (t *teller) papers() []web.Paper {
	r := &t.s.disputes.Receipts
	if r.Issued == nil {
		if n := len(r.Provisional); n > 0 {
			p := t.paper(r.Provisional[n-1], nil)
			p.Kind, p.Current, p.Forms = "Provisional receipt", true, "/v1/visits/"+string(t.s.visit)+"/paper"
			return []web.Paper{p}
		}
		return nil
	}
	first := t.paper(*r.Issued, nil)
	first.Kind, first.Current = "Receipt", len(r.Corrections) == 0
	out := []web.Paper{first}
	before := *r.Issued
	for i, c := range r.Corrections {
		p := t.paper(c.Document, &before)
		p.Kind, p.Change, p.Current = "Corrected receipt", cash(c.Change), i == len(r.Corrections)-1
		out = append(out, p)
		before = c.Document
	}
	last := &out[len(out)-1]
	for i := range last.Lines {
		t.disputable(last.Number, before.Issued, &last.Lines[i])
	}
	return out
}

func (t *teller) paper(d ledger.ReceiptDocument, before *ledger.ReceiptDocument) web.Paper {
	p := web.Paper{
		Number: d.Number, Corrects: d.Corrects, Shop: d.Seller.Name, Address: d.Seller.Address, TaxID: d.Seller.TaxID,
		Issued: t.moment(d.Issued), Net: cash(d.Net), Total: cash(d.Gross), Events: d.Events,
	}
	if d.Number != "" {
		p.Forms = "/v1/receipts/" + url.PathEscape(d.Number) + "/forms"
	}
	for _, l := range d.Lines {
		p.Lines = append(p.Lines, t.paperLine(l, before))
	}
	for _, it := range d.Pending {
		p.Pending = append(p.Pending, web.PaperLine{
			Quantity: it.Quantity, Name: t.product(it.SKU), Amount: cash(it.AtRisk),
		})
	}
	if !d.Deadline.IsZero() {
		p.Deadline = t.moment(d.Deadline)
	}
	for _, x := range d.Taxes {
		label := x.Rule.Jurisdiction + " tax " + receipt.Percent(x.Rule.Rate)
		if x.Rule.Inclusive {
			label += ", in the price"
		}
		p.Taxes = append(p.Taxes, web.Figure{Label: label, Value: cash(x.Tax)})
	}
	return p
}

func (t *teller) paperLine(l ledger.ReceiptLine, before *ledger.ReceiptDocument) web.PaperLine {
	v := web.PaperLine{
		No: l.No, Quantity: l.Quantity, Was: l.Quantity, Name: l.Name, Unit: unitSaid(l),
		Amount: cash(l.Gross), Check: checkWords[l.Check], Notes: discountsSaid(l),
	}
	v.Deposit = l.LineKind == ledger.LineDeposit
	if before != nil {
		v.Was = 0
		for _, b := range before.Lines {
			if b.No == l.No {
				v.Was = b.Quantity
			}
		}
		v.Changed = v.Was != v.Quantity
	}
	for _, cause := range l.Causes {
		if n, ok := t.stepOf[cause]; ok {
			v.Steps = append(v.Steps, web.StepRef{No: n, Text: fmt.Sprintf("event %d", n+1)})
		}
	}
	return v
}

// disputable says whether a line can be disputed now, and how its dispute
// stands if it has one.
func (t *teller) disputable(receipt string, issued time.Time, l *web.PaperLine) {
	for _, d := range t.s.disputes.Disputes {
		if d.Line.No != l.No {
			continue
		}
		if l.Disputed = "Dispute " + outcomeWord(ledger.DisputeOutcome(d.State)); d.State == projections.DisputeOpen {
			l.Disputed = "In dispute"
			return
		}
	}
	until := issued.AddDate(0, 0, t.policy.DisputeDays)
	if t.k.Role == keys.Shopper && l.Quantity > 0 && !l.Deposit && t.now.Before(until) {
		l.Dispute, l.Most = true, l.Quantity
		l.Action = "/visits/" + string(t.s.visit) + "/disputes/" + receipt
	}
}

func (t *teller) disputeCards() []web.DisputeCard {
	var out []web.DisputeCard
	for _, d := range t.s.disputes.Disputes {
		c := web.DisputeCard{
			ID: d.ID.String(), Line: d.Line.Name, Claim: claimWords[d.Claim], Quantity: d.Quantity, Message: d.Message,
			Opened: t.moment(d.OpenedAt),
		}
		for _, cause := range d.Line.Causes {
			c.Looks = append(c.Looks, t.looks(cause)...)
		}
		switch d.State {
		case projections.DisputeOpen:
			c.State = web.Chip{Text: "Open", Tone: "wait"}
			if t.k.Role == keys.Reviewer {
				c.Action, c.Nonce = "/disputes/"+c.ID+"/decision", newNonce()
			}
		case projections.DisputeUpheld, projections.DisputePartial:
			c.State = web.Chip{Text: "Upheld", Tone: "good"}
			c.Result = pieces(d.TakenOff) + " taken off."
		case projections.DisputeDenied:
			c.State, c.Result = web.Chip{Text: "Denied", Tone: "bad"}, "The line stands."
		}
		if d.State != projections.DisputeOpen {
			c.Reason, c.Decided, c.By = d.Reason, t.moment(d.DecidedAt), "By "+t.person(d.Reviewer)+","
		}
		out = append(out, c)
	}
	return out
}

func (t *teller) moneySteps() []web.MoneyStep {
	var out []web.MoneyStep
	for _, e := range t.s.money {
		if e.Kind == ledger.KindPaymentNotified {
			continue // moves nothing
		}
		w, v := t.tell(e), viewPaymentStep(e)
		m := web.MoneyStep{Icon: w.icon, Title: w.title, Time: t.clock(e.Occurred), Object: v.Object, Done: !w.minor}
		if w.minor && t.staff {
			m.Key = v.Detail
		}
		switch w.family {
		case "dispute":
			m.Tone = "bad"
		case "review":
			m.Tone = "wait"
		}
		out = append(out, m)
	}
	return out
}

// moneySaid is the whole of the money in one sentence.
func (t *teller) moneySaid() string {
	pay, c := &t.s.payment, t.s.cart
	switch {
	case c.Status == projections.StatusRefused:
		return "Nothing was charged: the gate stayed shut."
	case pay.Refunded.Minor > 0 && c.Latest != nil:
		return fmt.Sprintf("%s was charged and %s given back. %s stays, and the receipt says %s.",
			cash(pay.Captured), cash(pay.Refunded), cash(pay.Kept()), cash(c.Latest.Gross))
	case pay.Captured.Minor > 0 && t.owed.Minor > 0:
		return fmt.Sprintf("%s was charged; %s is still owed.", cash(pay.Captured), cash(t.owed))
	case len(pay.Takings) > 1:
		return fmt.Sprintf("%s was charged in %d payments, each once.", cash(pay.Captured), len(pay.Takings))
	case pay.Captured.Minor > 0:
		return cash(pay.Captured) + " was charged, once."
	case pay.Cash.Minor > 0:
		return cash(pay.Cash) + " was paid in cash."
	case c.Presented.Credential == ledger.CredentialStaff && c.Settled != nil:
		return "Staff: nothing was held and nothing is sold."
	case c.Settled != nil && c.Settled.Outcome == ledger.SettledNothing:
		return "Nothing was taken and nothing was charged."
	case t.owed.Minor > 0 && pay.HoldMethod == "":
		return cash(t.owed) + " is owed; who pays is not known."
	case t.owed.Minor > 0:
		return cash(t.owed) + " is owed; the card was declined."
	case c.Settled != nil && c.Settled.Outcome == ledger.SettledOwed:
		return cash(c.Settled.Owed) + " was owed, and is not asked for any more."
	case pay.Held.Minor > 0:
		return "Up to " + cash(pay.Held) + " is held. Nothing is charged before the visit ends."
	}
	return "No money has moved: " + cash(money.Zero(c.Currency())) + " so far."
}
