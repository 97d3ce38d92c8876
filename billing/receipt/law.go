package receipt

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/vouchledger/vouch/ledger"
)

// A Rule is something that a receipt must show, and where that is written.
type Rule struct {
	ID     string // "de-start-end"
	What   string // "start and end of the visit"
	Source string
	kept   func(p Paper) bool
	seller bool // hangs on the seller alone: asked for when a shop is opened
}

// RuleSigned is the rule that asks for a signature, which comes after its
// document.
const RuleSigned = "de-signature"

// A Miss is a rule that a paper, or a seller, does not keep.
type Miss struct {
	Rule   string `json:"rule"`
	What   string `json:"what"`
	Source string `json:"source"`
}

func (m Miss) String() string { return fmt.Sprintf("%s (%s)", m.What, m.Source) }

// The rules that every receipt keeps.
var everywhere = []Rule{
	{
		"all-seller", "name of the seller", "every law named here",
		func(p Paper) bool { return p.Document.Seller.Name != "" }, true,
	},
	{
		"all-no-card", "no number of a card", "US FACTA, 15 USC 1681c(g): at most the last five digits, no expiry date",
		noCardNumber, false,
	},
	{
		"all-reference", "number of the document that it corrects, and what changed", "EU VAT directive 2006/112/EC, articles 219 and 226b (e)",
		func(p Paper) bool {
			return p.Kind != Corrected || p.Document.Corrects != "" && p.Before != nil && p.Before.Number == p.Document.Corrects
		}, false,
	},
	{
		"all-weighed", "name, unit price, net weight and total of what was weighed", "US NIST Handbook 130, Method of Sale; EU directive 98/6/EC, article 3",
		func(p Paper) bool {
			return !slices.ContainsFunc(p.Document.Lines, func(l ledger.ReceiptLine) bool {
				return l.Per == ledger.PerKilogram && l.Quantity > 0 && (l.Grams <= 0 || l.Name == "")
			})
		}, false,
	},
}

// The rules of the European Union for a simplified invoice.
var union = []Rule{
	{
		"eu-date", "date of issue", "EU VAT directive 2006/112/EC, article 226b (a)",
		func(p Paper) bool { return !p.Document.Issued.IsZero() }, false,
	},
	{
		"eu-seller", "tax number of the seller", "EU VAT directive 2006/112/EC, article 226b (b)",
		func(p Paper) bool { return p.Document.Seller.TaxID != "" }, true,
	},
	{
		"eu-goods", "kind of the goods", "EU VAT directive 2006/112/EC, article 226b (c)",
		everyLineNamed, false,
	},
	{
		"eu-vat", "tax for each rate", "EU VAT directive 2006/112/EC, article 226b (d)", taxIsShown, false,
	},
}

// The rules of Germany beside the union's.
var germany = []Rule{
	{
		"de-address", "full address of the seller", "KassenSichV, section 6 no. 1",
		func(p Paper) bool { return p.Document.Seller.Address != "" }, true,
	},
	{
		"de-signing", "a signing device (seller.fiscal: de_tse)", "KassenSichV, sections 1 and 5; AO, section 146a",
		func(p Paper) bool { return p.Document.Seller.Fiscal == ledger.FiscalDE }, true,
	},
	{
		"de-start-end", "start and end of the visit", "KassenSichV, section 6 no. 2",
		func(p Paper) bool { return !p.Document.Entered.IsZero() && !p.Document.Exited.IsZero() }, false,
	},
	{
		"de-quantity", "quantity and kind of the goods", "KassenSichV, section 6 no. 3",
		func(p Paper) bool {
			return !slices.ContainsFunc(p.Document.Lines, func(l ledger.ReceiptLine) bool { return l.Name == "" || l.Quantity < 0 })
		}, false,
	},
	{
		RuleSigned, "transaction number, serial numbers, signature counter and check value, or that the device failed",
		"KassenSichV, section 6 nos. 4, 6 and 7",
		func(p Paper) bool {
			f := p.Signature
			return p.Unsigned != nil || f != nil && f.Value != "" && f.Register != "" && f.Device != "" && f.Counter > 0 && f.Transaction > 0
		}, false,
	},
}

// The rules of Austria beside the union's.
var austria = []Rule{
	{
		"at-number", "a running number", "BAO, section 132a (3) no. 2",
		func(p Paper) bool { return p.Document.Number != "" }, false,
	},
	{
		"at-quantity", "quantity and usual name of the goods", "BAO, section 132a (3) no. 4",
		everyLineNamed, false,
	},
}

// members are the countries of the European Union, by ISO 3166-1.
var members = strings.Fields("AT BE BG HR CY CZ DE DK EE ES FI FR GR HU IE IT LT LU LV MT NL PL PT RO SE SI SK")

// Rules returns what a receipt of a seller in this country must show.
func Rules(country string) []Rule {
	rules := slices.Clone(everywhere)
	if slices.Contains(members, country) {
		rules = append(rules, union...)
	}
	switch country {
	case "DE":
		rules = append(rules, germany...)
	case "AT":
		rules = append(rules, austria...)
	}
	return rules
}

// Missing returns what the paper must show and does not, by the rules of the
// seller's country. A provisional paper is no receipt and misses nothing, and
// where nothing was supplied only what hangs on the seller counts.
func (p Paper) Missing() []Miss {
	if p.Kind == Provisional {
		return nil
	}
	return p.missing(func(r Rule) bool { return p.Kind != Nothing || r.seller })
}

// MissingOfSeller returns what every receipt of this seller would miss.
func MissingOfSeller(s ledger.Seller) []Miss {
	p := Paper{Kind: Issued, Document: ledger.ReceiptDocument{Seller: s}}
	return p.missing(func(r Rule) bool { return r.seller })
}

// missing returns the rules that count and are not kept.
func (p Paper) missing(counts func(Rule) bool) []Miss {
	var ms []Miss
	for _, r := range Rules(p.Document.Seller.Country) {
		if counts(r) && !r.kept(p) {
			ms = append(ms, Miss{r.ID, r.What, r.Source})
		}
	}
	return ms
}

func everyLineNamed(p Paper) bool {
	return !slices.ContainsFunc(p.Document.Lines, func(l ledger.ReceiptLine) bool { return l.Name == "" })
}

// taxIsShown reports whether each line's tax is in the table of taxes.
func taxIsShown(p Paper) bool {
	for _, l := range p.Document.Lines {
		if l.Quantity > 0 && !slices.ContainsFunc(p.Document.Taxes, func(t ledger.TaxTotal) bool { return t.Rule == l.TaxRule }) {
			return false
		}
	}
	return true
}

// noCardNumber reports whether no text of the paper holds digits that could be
// a card's: 13 to 19 of them with the right check digit. A GTIN in a name has
// at most 14 and mostly another check; a shop that writes one there is told.
func noCardNumber(p Paper) bool {
	texts := []string{p.Document.Seller.Name, p.Document.Seller.Address, p.Document.Seller.TaxID}
	for _, l := range p.Document.Lines {
		texts = append(texts, l.Name)
	}
	return !slices.ContainsFunc(texts, hasCardNumber)
}

func hasCardNumber(text string) bool {
	digits := []byte{}
	check := func() bool {
		n := len(digits)
		defer func() { digits = digits[:0] }()
		return n >= 13 && n <= 19 && luhn(digits)
	}
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			digits = append(digits, byte(r))
		case r == ' ' || r == '-' || unicode.Is(unicode.Zs, r):
		default:
			if check() {
				return true
			}
		}
	}
	return check()
}

// luhn checks the digit of ISO/IEC 7812-1, annex B.
func luhn(digits []byte) bool {
	sum := 0
	for i, c := range digits {
		d := int(c - '0')
		if (len(digits)-i)%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
