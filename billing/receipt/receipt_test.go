package receipt_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/billing/receipt"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files instead of comparing with them")

var (
	noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	usd  = func(n int64) money.Money { return money.Money{Minor: n, Currency: "USD"} }
	eur  = func(n int64) money.Money { return money.Money{Minor: n, Currency: "EUR"} }

	seattle = ledger.Seller{
		Name: "Corner & Co", Address: "1 Main St, Seattle, WA 98101", TaxID: "WA-600-123", Currency: "USD",
		Timezone: "America/Los_Angeles", Country: "US",
	}
	berlin = ledger.Seller{
		Name: "Späti Köpenick GmbH", Address: "Weg 1, 12555 Berlin", TaxID: "DE123456789", Currency: "EUR",
		Timezone: "Europe/Berlin", Country: "DE", Fiscal: ledger.FiscalDE, Entity: "koepenick",
	}
	sales = ledger.TaxRule{
		Category: "general", Jurisdiction: "US-WA", Rate: "0.1035", Rounding: money.HalfUp, Basis: ledger.TaxPerReceipt,
		Parts: "US-WA=0.065 Seattle=0.0385",
	}
	food    = ledger.TaxRule{Category: "food", Jurisdiction: "US-WA", Rate: "0", Rounding: money.HalfUp}
	full    = ledger.TaxRule{Category: "full", Jurisdiction: "DE", Rate: "0.19", Inclusive: true, Rounding: money.HalfUp}
	reduced = ledger.TaxRule{Category: "reduced", Jurisdiction: "DE", Rate: "0.07", Inclusive: true, Rounding: money.HalfUp}
)

func id(n byte) ledger.ID {
	return ledger.ID{0x01, 0x93, 0x57, 0, 0, n, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, n}
}

// a document with its sums, as the ledger holds it.
func document(t *testing.T, s ledger.Seller, number string, lines ...ledger.ReceiptLine) ledger.ReceiptDocument {
	t.Helper()
	zero := money.Zero(s.Currency)
	d := ledger.ReceiptDocument{
		Number: number, Visit: "01935700-0001-7000-8000-000000000001", Store: "s1", Seller: s, Entered: noon,
		Exited: noon.Add(4 * time.Minute), Issued: noon.Add(4*time.Minute + 3*time.Second), Net: zero, Tax: zero, Gross: zero,
	}
	for i := range lines {
		l := &lines[i]
		l.No = i + 1
		if len(l.Causes) == 0 {
			l.Causes = []ledger.ID{id(byte(i + 10))}
		}
		l.Gross.Minor, l.Gross.Currency = l.Net.Minor+l.Tax.Minor, s.Currency
		d.Net.Minor += l.Net.Minor
		d.Tax.Minor += l.Tax.Minor
		found := false
		for j := range d.Taxes {
			if x := &d.Taxes[j]; x.Rule == l.TaxRule {
				x.Net.Minor += l.Net.Minor
				x.Tax.Minor += l.Tax.Minor
				found = true
			}
		}
		if !found {
			d.Taxes = append(d.Taxes, ledger.TaxTotal{Rule: l.TaxRule, Net: l.Net, Tax: l.Tax})
		}
	}
	d.Gross.Minor = d.Net.Minor + d.Tax.Minor
	d.Lines = lines
	if err := d.Validate(); err != nil {
		t.Fatalf("document %s: %v", number, err)
	}
	return d
}

// american is a receipt with all that a line can say.
func american(t *testing.T) receipt.Paper {
	t.Helper()
	d := document(t, seattle, "s1-2026-000001",
		ledger.ReceiptLine{
			SKU: "cola", Name: "Cola 0.33 l", Category: "drinks", Quantity: 3, Unit: usd(199), Net: usd(398), Tax: usd(41), TaxRule: sales,
			Check: ledger.CheckMachine, List: usd(597),
			Discounts: []ledger.Discount{{Promotion: "p", Name: "3 for 2", Amount: usd(199), Pieces: 3, Reason: "1 of 3 free"}},
		},
		ledger.ReceiptLine{
			SKU: "cola", Name: "Bottle deposit", Category: "deposit", Quantity: 3, Unit: usd(10), Net: usd(30), Tax: usd(0), TaxRule: food,
			Check: ledger.CheckMachine, LineKind: ledger.LineDeposit, Of: 1,
		},
		ledger.ReceiptLine{
			SKU: "apples", Name: "Apples", Category: "produce", Quantity: 1, Unit: usd(499), Net: usd(405), Tax: usd(0), TaxRule: food,
			Check: ledger.CheckReviewed, Per: ledger.PerKilogram, Grams: 812, TareGrams: 12, Scale: "scale-1",
		},
		ledger.ReceiptLine{
			SKU: "beer", Name: "Lager", Category: "alcohol", Quantity: 1, Unit: usd(249), Net: usd(199), Tax: usd(21), TaxRule: sales,
			Check: ledger.CheckMachine, Picked: usd(279), List: usd(249), MinAge: 21,
			Discounts: []ledger.Discount{{Promotion: "c", Name: "50 cents off", Amount: usd(50), Pieces: 1, Coupon: "c-7f3a", Reason: "0.50 off 1"}},
		},
	)
	d.Party, d.AgeProven = 2, 21
	return receipt.Paper{Kind: receipt.Issued, Document: d, Money: receipt.Payment{Held: usd(5000), Captured: usd(1094), Released: true}}
}

func signature(number string) *ledger.FiscalSigned {
	return &ledger.FiscalSigned{
		Visit: "01935700-0001-7000-8000-000000000001", Receipt: number, Regime: ledger.FiscalDE, Register: "vouch-s1", Device: "tse-1",
		Transaction: 12, Counter: 25, Started: noon, Finished: noon.Add(4 * time.Minute), Process: "Kassenbeleg-V1",
		Data: "Beleg^3.00_3.67_0.00_0.00_0.00^6.67:Unbar", Algorithm: "ecdsa-plain-SHA256", Key: "BAgH", Value: "MEUCIQDx",
	}
}

// german returns a signed receipt and the correction that takes one cola off.
func german(t *testing.T) (first, second receipt.Paper) {
	t.Helper()
	lines := func(colas int64) []ledger.ReceiptLine {
		return []ledger.ReceiptLine{
			{SKU: "cola", Name: "Cola 0,33 l", Category: "drinks", Quantity: int(colas), Unit: eur(150), Net: eur(126 * colas), Tax: eur(24 * colas), TaxRule: full, Check: ledger.CheckMachine},
			{SKU: "brot", Name: "Brötchen „Süßkörnchen“", Category: "food", Quantity: 1, Unit: eur(367), Net: eur(343), Tax: eur(24), TaxRule: reduced, Check: ledger.CheckMachine},
		}
	}
	a := document(t, berlin, "koepenick-s1-2026-000001", lines(2)...)
	b := document(t, berlin, "koepenick-s1-2026-000002", lines(1)...)
	b.Corrects, b.Issued = a.Number, b.Issued.Add(24*time.Hour)
	pay := receipt.Payment{Held: eur(5000), Captured: eur(667), Refunded: eur(150), Released: true}
	return receipt.Paper{Kind: receipt.Issued, Document: a, Signature: signature(a.Number), Money: pay},
		receipt.Paper{Kind: receipt.Corrected, Document: b, Before: &a, First: a.Number, Signature: signature(b.Number), Money: pay}
}

func provisional(t *testing.T) receipt.Paper {
	t.Helper()
	p := american(t)
	p.Kind, p.Document.Number = receipt.Provisional, ""
	p.Document.Pending = []ledger.PendingItem{
		{Detection: id(50), SKU: "chips", Quantity: 1, Doubts: []ledger.Doubt{ledger.DoubtItem, ledger.DoubtPerson}, AtRisk: usd(249)},
		{Detection: id(51), SKU: "water", Quantity: 2, Doubts: []ledger.Doubt{}, AtRisk: usd(0)},
		{Detection: id(52), Quantity: 0, Doubts: []ledger.Doubt{ledger.DoubtUnmatched}, AtRisk: usd(0)},
	}
	p.Document.Deadline = noon.Add(time.Hour)
	p.Names = map[ledger.SKU]string{"chips": "Chips 90 g"}
	return p
}

func nothing(t *testing.T) receipt.Paper {
	t.Helper()
	return receipt.Paper{Kind: receipt.Nothing, Document: document(t, seattle, ""), Money: receipt.Payment{Held: usd(5000), Released: true}}
}

// foreign is a receipt in a currency of so many places.
func foreign(t *testing.T, c money.Currency, unit, tax int64) receipt.Paper {
	t.Helper()
	s := seattle
	s.Currency, s.Country, s.Timezone = c, "JP", "Asia/Tokyo"
	in := func(n int64) money.Money { return money.Money{Minor: n, Currency: c} }
	d := document(t, s, "s1-2026-000001", ledger.ReceiptLine{
		SKU: "tea", Name: "Tea", Category: "drinks", Quantity: 2, Unit: in(unit), Net: in(2 * unit), Tax: in(tax), TaxRule: sales, Check: ledger.CheckMachine,
	})
	return receipt.Paper{Kind: receipt.Issued, Document: d, Money: receipt.Payment{Captured: d.Gross, Refunded: in(0)}}
}

// long is a receipt of sixty lines, one with a name that fills a line.
func long(t *testing.T) receipt.Paper {
	t.Helper()
	var lines []ledger.ReceiptLine
	for i := range 60 {
		name := fmt.Sprintf("Article number %d", i+1)
		if i == 30 {
			name = strings.Repeat("A very long name of a thing that nobody can read out at once ", 3)
		}
		lines = append(lines, ledger.ReceiptLine{
			SKU: "a", Name: name, Category: "x", Quantity: 1, Unit: eur(119), Net: eur(100), Tax: eur(19), TaxRule: full, Check: ledger.CheckMachine,
		})
	}
	d := document(t, berlin, "koepenick-s1-2026-000003", lines...)
	return receipt.Paper{Kind: receipt.Issued, Document: d, Unsigned: &ledger.FiscalFailed{Detail: "no answer"}, Money: receipt.Payment{Captured: d.Gross}}
}

func papers(t *testing.T) map[string]receipt.Paper {
	t.Helper()
	first, second := german(t)
	return map[string]receipt.Paper{
		"american": american(t), "german": first, "corrected": second, "provisional": provisional(t), "nothing": nothing(t),
		"yen": foreign(t, "JPY", 120, 25), "dinar": foreign(t, "KWD", 1250, 259), "long": long(t),
	}
}

// text writes a sheet as a till would, for people who compare it.
func text(s receipt.Sheet) string {
	var b strings.Builder
	line := func(l receipt.Line) {
		fmt.Fprintf(&b, "%3d %-44s %14s %s\n", l.No, l.Text, l.Amount, l.Mark)
		for _, d := range l.Details {
			fmt.Fprintf(&b, "      %-42s %14s\n", d.Text, d.Amount)
		}
	}
	all := func(head string, ls []receipt.Line) {
		if len(ls) > 0 {
			fmt.Fprintf(&b, "\n%s\n", head)
		}
		for _, l := range ls {
			line(l)
		}
	}
	facts := func(head string, fs []receipt.Fact) {
		if len(fs) > 0 {
			fmt.Fprintf(&b, "\n%s\n", head)
		}
		for _, f := range fs {
			fmt.Fprintf(&b, "    %-20s %s\n", f.Name, f.Value)
		}
	}
	fmt.Fprintf(&b, "%s\n%s\n", strings.Join(s.Seller, "\n"), s.Title)
	if s.Stands != "" {
		fmt.Fprintf(&b, "! %s\n", s.Stands)
	}
	facts("facts", s.Facts)
	all("changes", s.Changes)
	all("lines", s.Lines)
	all("pending", s.Pending)
	facts("sum", s.Totals)
	for _, x := range s.Taxes {
		fmt.Fprintf(&b, "    %s %s %s: %s + %s = %s\n", x.Mark, x.Rate, x.Name, x.Net, x.Tax, x.Gross)
	}
	facts("money", s.Money)
	facts("signed", s.Signed)
	if s.QR != "" {
		fmt.Fprintf(&b, "code %s\n", s.QR)
	}
	for _, n := range s.Notes {
		fmt.Fprintf(&b, "note %s\n", n)
	}
	return strings.ReplaceAll(b.String(), " \n", "\n")
}

// TestSheets compares each kind of paper with what it has always said.
func TestSheets(t *testing.T) {
	for name, p := range papers(t) {
		s, err := p.Sheet()
		if err != nil {
			t.Fatalf("%s: Sheet = %v, want words", name, err)
		}
		golden(t, name+".txt", text(s))
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}
