package page

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/vouchledger/vouch/billing/stripesim"
	"github.com/vouchledger/vouch/ledger/money"
)

// errForm means that a form says what the page never offered.
var errForm = errors.New("the form cannot be read")

// act does what a button says and shows the page again, with the reason if it
// could not be done.
func (p *Pages) act(w http.ResponseWriter, r *http.Request) {
	here := sections[0]
	for _, s := range sections {
		if s.Name == r.PostFormValue("here") {
			here = s
		}
	}
	if err := p.do(r); err != nil {
		p.render(w, here, http.StatusUnprocessableEntity, err.Error())
		return
	}
	http.Redirect(w, r, "/"+here.Name, http.StatusSeeOther)
}

func (p *Pages) do(r *http.Request) error {
	object, result := r.PostFormValue("object"), r.PostFormValue("result")
	switch r.PostFormValue("do") {
	case "authenticate":
		return p.sim.Authenticate(object, result == "success")
	case "dispute":
		return p.dispute(r, object)
	case "inquiry":
		_, err := p.sim.Dispute(object, stripesim.Dispute{Inquiry: true})
		return err
	case "warn":
		_, err := p.sim.Warn(object, "")
		return err
	case "escalate":
		return p.sim.Escalate(object)
	case "decide":
		return p.sim.Decide(object, result == "won")
	case "refund":
		if result == "succeeded" {
			return p.sim.CompleteRefund(object)
		}
		return p.sim.FailRefund(object, "")
	case "payout":
		_, err := p.sim.PayOut(strings.ToLower(r.PostFormValue("currency")))
		return err
	case "fail-payout":
		return p.sim.FailPayout(object, "")
	case "resend":
		return p.sim.Resend(object)
	case "decline":
		_, err := p.sim.Fault(stripesim.Fault{
			Op: r.PostFormValue("op"), Kind: stripesim.Decline, Code: r.PostFormValue("code"), Times: 1,
		})
		return err
	case "fault":
		return p.fault(r)
	case "clear":
		p.sim.ClearFaults()
		return nil
	case "clock":
		d, err := time.ParseDuration(r.PostFormValue("advance"))
		if err != nil {
			return fmt.Errorf("%w: advance: %w", errForm, err)
		}
		return p.sim.Advance(d)
	}
	return fmt.Errorf("%w: nothing is called %q", errForm, r.PostFormValue("do"))
}

// dispute reads the part in dispute in the currency's own units; empty is all.
func (p *Pages) dispute(r *http.Request, object string) error {
	in := stripesim.Dispute{Reason: r.PostFormValue("reason")}
	if text := r.PostFormValue("amount"); text != "" {
		currency := ""
		for _, o := range p.objects("payment_intents") {
			if o.text("id") == object {
				currency = o.text("currency")
			}
		}
		m, err := money.Parse(text, money.Currency(strings.ToUpper(currency)))
		if err != nil {
			return fmt.Errorf("%w: amount: %w", errForm, err)
		}
		if in.Amount = m.Minor; currency == "isk" {
			in.Amount *= 100
		}
	}
	_, err := p.sim.Dispute(object, in)
	return err
}

func (p *Pages) fault(r *http.Request) error {
	f := stripesim.Fault{Op: r.PostFormValue("op"), Kind: stripesim.FaultKind(r.PostFormValue("kind"))}
	for name, n := range map[string]*int{"nth": &f.Nth, "times": &f.Times, "delay_ms": &f.DelayMS} {
		text := r.PostFormValue(name)
		if text == "" {
			continue
		}
		var err error
		if *n, err = strconv.Atoi(text); err != nil {
			return fmt.Errorf("%w: %s: %w", errForm, name, err)
		}
	}
	_, err := p.sim.Fault(f)
	return err
}

// question is what the bank asks the shopper.
type question struct {
	ID, Amount, Alert string
	Open              bool
}

// asked finds the intent that a shopper is asked about.
func (p *Pages) asked(id string) (q question, back string, ok bool) {
	for _, kind := range []string{"payment_intents", "setup_intents"} {
		for _, o := range p.objects(kind) {
			if o.text("id") != id {
				continue
			}
			q = question{ID: id, Open: o.text("status") == "requires_action"}
			if currency := o.text("currency"); currency != "" {
				q.Amount = amount(o.num("amount"), currency)
			}
			return q, o.text("next_action", "redirect_to_url", "return_url"), true
		}
	}
	return q, "", false
}

// ask is the page of the shopper's bank.
func (p *Pages) ask(w http.ResponseWriter, r *http.Request) {
	q, _, ok := p.asked(r.PathValue("id"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	p.write(w, http.StatusOK, "authenticate.html", q)
}

// answer is the shopper's answer; it leads back to the shop.
func (p *Pages) answer(w http.ResponseWriter, r *http.Request) {
	q, back, ok := p.asked(r.PathValue("id"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	if err := p.sim.Authenticate(q.ID, r.PostFormValue("result") == "success"); err != nil {
		q.Alert = err.Error()
		p.write(w, http.StatusUnprocessableEntity, "authenticate.html", q)
		return
	}
	if back == "" {
		back = "/authenticate/" + q.ID
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}
