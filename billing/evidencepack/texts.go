package evidencepack

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vouchledger/vouch/billing/provider"
	"github.com/vouchledger/vouch/ledger/money"
)

// Texts returns what the pack says in words, for the fields of a claim. The
// file is not among them.
func (p *Pack) Texts() provider.Evidence {
	e := provider.Evidence{
		Product: cut(p.product()), Access: cut(p.access()), Summary: cut(strings.Join(p.summary(), "\n\n")),
		RefundRefusal: cut(p.refusal()), Duplicate: cut(p.duplicate()),
	}
	if !p.At.IsZero() {
		e.ServiceDate = p.At.In(p.place()).Format(time.DateOnly)
	}
	return e
}

// cut keeps a text within what a bank takes.
func cut(s string) string {
	const more = "\n[…]"
	if utf8.RuneCountInString(s) <= MaxText {
		return s
	}
	return string([]rune(s)[:MaxText-utf8.RuneCountInString(more)]) + more
}

// story tells in a few sentences what a clerk must know.
func (p *Pack) story() []string {
	doc, billed := p.last()
	g := p.Presented
	var out []string
	if !p.Entered.IsZero() {
		out = append(out, fmt.Sprintf("On %s the holder of the shopper's account %s opened %s of %s with a %s at %s. "+
			"The gate opens only after the card's bank has authorised the payment, which it did for %s.",
			p.day(p.At), g.Shopper, g.Gate, g.Seller.Name, lower(credential(g.Credential)), p.clock(p.At), p.Hold))
	}
	if billed {
		var items []string
		for _, l := range doc.Lines {
			items = append(items, fmt.Sprintf("%d × %s", l.Quantity, l.Name))
		}
		out = append(out, fmt.Sprintf("In the shop, which has no checkout, these items were taken and seen by sensors on the shelves: %s. "+
			"The shopper left at %s. The receipt %s over %s was issued and could be disputed in the app.",
			strings.Join(items, ", "), p.clock(p.Exited), doc.Number, doc.Gross))
	}
	if n := len(p.Reviews); n > 0 {
		out = append(out, fmt.Sprintf("What the sensors were not sure of was looked at by people: %s below.", counted(n, "decision")))
	}
	if r := p.refunded(); r.Minor > 0 {
		out = append(out, fmt.Sprintf("%s was given back already, see below. It must not be given back a second time.", r))
	}
	if a := p.Case.Answer; a != nil && a.Reason != "" {
		out = append(out, "The merchant says: "+a.Reason)
	}
	return out
}

func (p *Pack) product() string {
	var b strings.Builder
	for _, l := range p.Lines {
		fmt.Fprintf(&b, "%s × %s, %s each, %s\n", quantity(l), l.Name, l.Unit, l.Gross)
	}
	return strings.TrimSpace(b.String())
}

// access is the log of the shopper's way through the shop.
func (p *Pack) access() string {
	var b strings.Builder
	for _, e := range p.Timeline {
		if strings.HasPrefix(e.Event, "visit ") {
			fmt.Fprintf(&b, "%s %s\n", e.At.UTC().Format(time.RFC3339), e.Words)
		}
	}
	return strings.TrimSpace(b.String())
}

// refusal says why the claimed money was not given back, or that it was.
func (p *Pack) refusal() string {
	back, in := p.refunded(), p.taken()
	switch {
	case back.Minor == 0:
		return "Everything on the receipt was seen being taken by the holder of the card on file, who was let in with a personal " +
			"code and did not bring it back. There was nothing to give back."
	case back.Minor >= in.Minor:
		return fmt.Sprintf("The whole payment was given back before: %s.", p.refundList())
	}
	return fmt.Sprintf("%s was given back for what was wrong: %s. The rest was seen being taken.", back, p.refundList())
}

func (p *Pack) taken() money.Money {
	var all []money.Money
	for _, c := range p.Captures {
		all = append(all, c.Amount)
	}
	return sum(p.Case.Amount.Currency, all)
}

func (p *Pack) refundList() string {
	var parts []string
	for _, r := range p.Refunds {
		if !r.Failed {
			parts = append(parts, fmt.Sprintf("%s on %s (%s)", r.Amount, p.day(r.At), r.Object))
		}
	}
	return strings.Join(parts, ", ")
}

// duplicate answers the claim that something was charged twice.
func (p *Pack) duplicate() string {
	if p.Case.Reason != "duplicate" {
		return ""
	}
	return fmt.Sprintf("This visit (%s) was charged %s: %s. Every visit has a receipt and a one-use code of its own.",
		p.Visit, counted(len(p.Captures), "time"), p.charged())
}

// summary is the whole pack as text, for when no file can be had.
func (p *Pack) summary() []string {
	out := p.story()
	out = append(out, "RECEIPT\n"+p.product())
	if len(p.Reviews) > 0 {
		var b strings.Builder
		for _, r := range p.Reviews {
			fmt.Fprintf(&b, "%s %s: %s. %s\n", p.day(r.At), person(r.By), r.Words, r.Reason)
		}
		out = append(out, "DECISIONS\n"+strings.TrimSpace(b.String()))
	}
	if len(p.Refunds) > 0 {
		out = append(out, "GIVEN BACK\n"+p.refundList())
	}
	var b strings.Builder
	for _, e := range p.Timeline {
		fmt.Fprintf(&b, "%s %s [%d %.32s]\n", e.At.UTC().Format(time.RFC3339), e.Words, e.Position, e.Hash)
	}
	return append(out, "TIMELINE (position in the log and first half of the leaf's hash)\n"+strings.TrimSpace(b.String()))
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func lower(s string) string {
	if len(s) > 1 && s[1] >= 'A' && s[1] <= 'Z' {
		return s // an abbreviation
	}
	return strings.ToLower(s[:1]) + s[1:]
}
