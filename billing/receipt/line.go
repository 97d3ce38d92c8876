package receipt

import (
	"fmt"
	"strings"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// marks gives each tax rule of the document a letter, in their order.
func (p Paper) marks() map[ledger.TaxRule]string {
	marks := map[ledger.TaxRule]string{}
	for i, t := range p.Document.Taxes {
		marks[t.Rule] = string(rune('A' + i%26))
	}
	return marks
}

// price returns what a line shows as its amount: with tax where prices hold
// it, else without.
func price(l ledger.ReceiptLine) money.Money {
	if l.TaxRule.Inclusive {
		return l.Gross
	}
	return l.Net
}

func line(l ledger.ReceiptLine, mark string) Line {
	out := Line{No: l.No, Text: l.Name, Amount: price(l).Decimal(), Mark: mark}
	if l.LineKind == ledger.LineDeposit {
		out.Details = append(out.Details, Detail{Text: fmt.Sprintf("%s for line %d", count(l), l.Of)})
		return out
	}
	out.Details = append(out.Details, Detail{Text: count(l)})
	if l.Picked.Minor != 0 {
		out.Details = append(out.Details, Detail{Text: "price at the exit, lower than " + l.Picked.Decimal() + " at the pick"})
	}
	if l.PriceRule == ledger.PriceAtPick {
		out.Details = append(out.Details, Detail{Text: "price at the pick"})
	}
	if len(l.Discounts) > 0 && l.List.Minor != 0 {
		out.Details[0].Amount = l.List.Decimal()
	}
	for _, d := range l.Discounts {
		text := d.Name + ": " + d.Reason
		if d.Coupon != "" {
			text += ", coupon " + d.Coupon
		}
		out.Details = append(out.Details, Detail{Text: text, Amount: d.Amount.Neg().Decimal()})
	}
	if l.MinAge > 0 {
		out.Details = append(out.Details, Detail{Text: fmt.Sprintf("from %d years", l.MinAge)})
	}
	return out
}

// count says how many pieces, or how much weight, at which price.
func count(l ledger.ReceiptLine) string {
	if l.Per != ledger.PerKilogram {
		return fmt.Sprintf("%d × %s", l.Quantity, l.Unit.Decimal())
	}
	text := fmt.Sprintf("%s kg net × %s per kg", kilograms(l.Grams), l.Unit.Decimal())
	if l.TareGrams > 0 {
		text += fmt.Sprintf(", tare %d g", l.TareGrams)
	}
	if l.Scale != "" {
		text += ", weighed by " + string(l.Scale)
	}
	return text
}

// kilograms writes grams as kilograms, exactly.
func kilograms(grams int) string { return fmt.Sprintf("%d.%03d", grams/1000, grams%1000) }

func tax(t ledger.TaxTotal, mark string) (Tax, error) {
	gross, err := t.Net.Add(t.Tax)
	if err != nil {
		return Tax{}, err
	}
	name, err := taxName(t.Rule)
	return Tax{
		Mark: mark, Name: name, Rate: Percent(t.Rule.Rate), Net: t.Net.Decimal(), Tax: t.Tax.Decimal(), Gross: gross.Decimal(),
	}, err
}

// taxName names the jurisdictions that share a tax.
func taxName(r ledger.TaxRule) (string, error) {
	parts, err := r.Parts.Split()
	if err != nil {
		return "", err
	}
	if len(parts) == 0 {
		return r.Jurisdiction, nil
	}
	var names []string
	for _, p := range parts {
		names = append(names, p.Jurisdiction+" "+Percent(p.Rate.String()))
	}
	return strings.Join(names, ", "), nil
}

// Percent makes 0.19 read 19 %. It moves the point in the text: a rate is a
// decimal and never a float.
func Percent(rate string) string {
	whole, frac, _ := strings.Cut(rate, ".")
	frac += "00"
	digits := strings.TrimLeft(whole+frac[:2], "0")
	if digits == "" {
		digits = "0"
	}
	if rest := strings.TrimRight(frac[2:], "0"); rest != "" {
		digits += "." + rest
	}
	return digits + " %"
}

// money says what moved, as far as the shopper has to know it.
func (p Paper) money() []Fact {
	var fs []Fact
	add := func(name string, m money.Money) {
		if m.Minor != 0 {
			fs = append(fs, Fact{name, m.String()})
		}
	}
	if p.Kind == Provisional {
		add("Held on your card", p.Money.Held)
		return fs
	}
	if p.Money.Captured.Minor == 0 && p.Money.Released {
		return append(fs, Fact{"Held on your card", "released, nothing was charged"})
	}
	add("Charged to your card", p.Money.Captured)
	add("Given back to your card", p.Money.Refunded)
	if owed := p.Document.Gross.Minor - p.Money.kept(); owed > 0 && p.Money.Captured.Currency != "" {
		add("Still owed", money.Money{Minor: owed, Currency: p.Document.Gross.Currency})
	}
	return fs
}
