package receipt_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/govalues/decimal"

	"github.com/vouchledger/vouch/billing/receipt"
	"github.com/vouchledger/vouch/internal/peer"
	"github.com/vouchledger/vouch/ledger"
)

// TestSameBytes checks that a form is the same whenever it is asked for, and
// another one when the receipt is.
func TestSameBytes(t *testing.T) {
	for name, p := range papers(t) {
		for form, f := range receipt.Forms {
			make := f.Make
			first, err := make(p)
			if err != nil || len(first) == 0 {
				t.Errorf("%s as %s = %d bytes, %v", name, form, len(first), err)
				continue
			}
			if again, err := make(p); err != nil || !bytes.Equal(first, again) {
				t.Errorf("%s as %s is not the same twice (%v)", name, form, err)
			}
			p := p
			p.Document.Seller.Name = "Somebody else"
			if other, err := make(p); err != nil || bytes.Equal(first, other) {
				t.Errorf("%s as %s does not tell sellers apart (%v)", name, form, err)
			}
		}
	}
}

// TestPaperSaysWhatTheSheetSays checks that nothing of a sheet is lost on
// paper, by a reader of others, and that long receipts go on over pages.
func TestPaperSaysWhatTheSheetSays(t *testing.T) {
	for name, p := range papers(t) {
		b, err := receipt.PDF(p)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(strings.Fields(peer.PDFText(t, b)), " ")
		s, err := p.Sheet()
		if err != nil {
			t.Fatal(err)
		}
		want := append([]string{s.Title}, s.Seller...)
		for _, l := range slices.Concat(s.Lines, s.Pending, s.Changes) {
			want = append(want, l.Amount)
			if len(l.Text) < 60 { // a longer one is broken into lines
				want = append(want, l.Text)
			}
			for _, d := range l.Details {
				want = append(want, d.Text, d.Amount)
			}
		}
		for _, f := range slices.Concat(s.Facts, s.Totals, s.Money, s.Signed) {
			want = append(want, f.Name, f.Value)
		}
		for _, w := range append(want, s.Notes...) {
			if !strings.Contains(got, strings.Join(strings.Fields(w), " ")) {
				t.Errorf("%s: %q is not on the paper", name, w)
			}
		}
		if pages := strings.Count(string(b), "/Type /Page\n"); name == "long" && pages < 2 {
			t.Errorf("sixty lines are set on %d pages", pages)
		}
	}
}

// TestBusinessRules checks the sums that EN 16931 asks for.
func TestBusinessRules(t *testing.T) {
	for name, p := range papers(t) {
		terms, err := p.Terms()
		if err != nil {
			t.Fatal(err)
		}
		for _, fault := range rules(t, terms) {
			t.Errorf("%s: %s", name, fault)
		}
	}
	terms, err := american(t).Terms()
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*receipt.Terms){
		"BR-CO-10": func(x *receipt.Terms) { x.Lines[0].Net = "3.99" },
		"BR-CO-14": func(x *receipt.Terms) { x.Breakdown[0].Tax = "0.63" },
		"BR-CO-15": func(x *receipt.Terms) { x.Totals.Gross = "10.95" },
		"BR-CO-16": func(x *receipt.Terms) { x.Totals.Due = "0.01" },
	} {
		var bad receipt.Terms
		b, err := json.Marshal(terms)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &bad); err != nil {
			t.Fatal(err)
		}
		if spoil(&bad); !slices.ContainsFunc(rules(t, bad), func(s string) bool { return strings.HasPrefix(s, name) }) {
			t.Errorf("a breach of %s is not found", name)
		}
	}
}

// rules returns the breaches of the standard's rules for sums.
func rules(t *testing.T, x receipt.Terms) []string {
	t.Helper()
	sum := func(ns ...json.Number) decimal.Decimal {
		total := decimal.Zero
		for _, n := range ns {
			d, err := decimal.Parse(string(n))
			if err != nil {
				t.Fatalf("amount %q: %v", n, err)
			}
			if total, err = total.Add(d); err != nil {
				t.Fatal(err)
			}
		}
		return total
	}
	var lines, taxes, bases []json.Number
	for _, l := range x.Lines {
		lines = append(lines, l.Net)
	}
	for _, b := range x.Breakdown {
		taxes, bases = append(taxes, b.Tax), append(bases, b.Net)
	}
	var faults []string
	hold := func(rule string, a, b decimal.Decimal) {
		if a.Cmp(b) != 0 {
			faults = append(faults, rule+": "+a.String()+" is not "+b.String())
		}
	}
	hold("BR-CO-10 sum of the lines", sum(lines...), sum(x.Totals.Lines))
	hold("BR-CO-14 sum of the taxes", sum(taxes...), sum(x.Totals.Tax))
	hold("BR-S-08 sum of the bases", sum(bases...), sum(x.Totals.Net))
	hold("BR-CO-15 net and tax", sum(x.Totals.Net, x.Totals.Tax), sum(x.Totals.Gross))
	hold("BR-CO-16 paid and due", sum(x.Totals.Paid, x.Totals.Due), sum(x.Totals.Gross))
	return faults
}

// TestLaw breaks each rule of each country once, and requires that it and no
// other is found.
func TestLaw(t *testing.T) {
	first, second := german(t)
	vienna := first
	vienna.Document.Seller.Country, vienna.Document.Seller.Fiscal = "AT", ledger.FiscalNone
	for name, p := range papers(t) {
		if name == "long" {
			p.Signature, p.Unsigned = signature(p.Document.Number), nil
		}
		if ms := p.Missing(); len(ms) > 0 {
			t.Errorf("%s misses %v", name, ms)
		}
	}
	line := func(p *receipt.Paper, change func(l *ledger.ReceiptLine)) {
		p.Document.Lines = slices.Clone(p.Document.Lines)
		change(&p.Document.Lines[0])
	}
	type breach struct {
		rule  []string
		paper receipt.Paper
		spoil func(p *receipt.Paper)
	}
	breaches := []breach{
		{[]string{"all-seller"}, american(t), func(p *receipt.Paper) { p.Document.Seller.Name = "" }},
		{[]string{"all-no-card"}, american(t), func(p *receipt.Paper) { p.Document.Seller.Address = "paid with 4242 4242 4242 4242" }},
		{[]string{"all-reference"}, second, func(p *receipt.Paper) { p.Document.Corrects = "" }},
		{[]string{"all-reference"}, second, func(p *receipt.Paper) { p.Before = &second.Document }},
		{[]string{"all-weighed"}, american(t), func(p *receipt.Paper) {
			line(p, func(l *ledger.ReceiptLine) { l.Per, l.Grams = ledger.PerKilogram, 0 })
		}},
		{[]string{"eu-seller"}, first, func(p *receipt.Paper) { p.Document.Seller.TaxID = "" }},
		{[]string{"eu-goods", "de-quantity"}, first, func(p *receipt.Paper) { line(p, func(l *ledger.ReceiptLine) { l.Name = "" }) }},
		{[]string{"eu-goods", "at-quantity"}, vienna, func(p *receipt.Paper) { line(p, func(l *ledger.ReceiptLine) { l.Name = "" }) }},
		{[]string{"eu-vat"}, first, func(p *receipt.Paper) { p.Document.Taxes = p.Document.Taxes[:1] }},
		{[]string{"de-address"}, first, func(p *receipt.Paper) { p.Document.Seller.Address = "" }},
		{[]string{"de-signing"}, first, func(p *receipt.Paper) { p.Document.Seller.Fiscal = ledger.FiscalNone }},
		{[]string{"de-start-end"}, first, func(p *receipt.Paper) { p.Document.Entered = zeroTime }},
		{[]string{"de-signature"}, first, func(p *receipt.Paper) { p.Signature = nil }},
		{[]string{"de-signature"}, first, func(p *receipt.Paper) { s := *p.Signature; s.Value = ""; p.Signature = &s }},
		{[]string{"at-number"}, vienna, func(p *receipt.Paper) { p.Document.Number = "" }},
		{[]string{"eu-date"}, first, func(p *receipt.Paper) { p.Document.Issued = zeroTime }},
	}
	bitten := map[string]bool{}
	for _, b := range breaches {
		p := b.paper
		b.spoil(&p)
		var got []string
		for _, m := range p.Missing() {
			got = append(got, m.Rule)
			bitten[m.Rule] = true
		}
		if !slices.Equal(got, b.rule) {
			t.Errorf("Missing() = %v, want %v", got, b.rule)
		}
	}
	for _, c := range []string{"", "US", "DE", "AT", "FR"} {
		for _, r := range receipt.Rules(c) {
			if !bitten[r.ID] {
				t.Errorf("rule %s of %q is never broken by this test", r.ID, c)
			}
			if r.Source == "" {
				t.Errorf("rule %s names no source", r.ID)
			}
		}
	}
}

// TestShopsThatCouldNotIssueAReceipt: what hangs on the seller is found before
// the first shopper comes.
func TestShopsThatCouldNotIssueAReceipt(t *testing.T) {
	if ms := receipt.MissingOfSeller(berlin); len(ms) > 0 {
		t.Errorf("a complete seller misses %v", ms)
	}
	bare := ledger.Seller{Name: "Späti", Currency: "EUR", Timezone: "Europe/Berlin", Country: "DE"}
	var got []string
	for _, m := range receipt.MissingOfSeller(bare) {
		got = append(got, m.Rule)
	}
	if want := []string{"eu-seller", "de-address", "de-signing"}; !slices.Equal(got, want) {
		t.Errorf("MissingOfSeller = %v, want %v", got, want)
	}
	bare.Country = ""
	if ms := receipt.MissingOfSeller(bare); len(ms) > 0 {
		t.Errorf("a seller whose country is not named misses %v", ms)
	}
}

// TestChangeNeedsOneCurrency checks that a correction in another currency is an
// error and no paper.
func TestChangeNeedsOneCurrency(t *testing.T) {
	_, second := german(t)
	other := *second.Before
	other.Gross.Currency = "USD"
	second.Before = &other
	if _, err := second.Sheet(); err == nil {
		t.Error("Sheet() of a correction in another currency = nil error")
	}
}

var zeroTime time.Time
