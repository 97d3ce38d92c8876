package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/billing/report"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections/books"
)

var monday = time.Date(2026, 3, 2, 11, 0, 0, 0, time.UTC) // noon in Berlin

func eur(minor int64) money.Money { return money.Money{Minor: minor, Currency: "EUR"} }

// A chain is two shops and their books.
type chain struct {
	t       interface{ Fatalf(string, ...any) }
	j       books.Journal
	lengths map[ledger.StreamID]uint64
	last    uint64
	at      time.Time
	number  int
}

func newChain(t interface{ Fatalf(string, ...any) }) *chain {
	c := &chain{t: t, lengths: map[ledger.StreamID]uint64{}, at: monday}
	for _, s := range []ledger.StoreID{"s1", "s2"} {
		c.tell(ledger.StoreStream(s), ledger.StoreOpened{Store: s, Catalogue: "c1", Seller: seller})
	}
	return c
}

var seller = ledger.Seller{Name: "Corner", Address: "1 Main St", TaxID: "DE1", Currency: "EUR", Timezone: "Europe/Berlin"}

func (c *chain) tell(stream ledger.StreamID, p ledger.Payload) {
	c.last++
	e := ledger.Event{Payload: p, Record: ledger.Record{
		ID: ledger.DeriveID(ledger.ID{}, fmt.Sprint(c.last)), Kind: p.Kind(), Stream: stream, Revision: c.lengths[stream],
		Position: c.last, Occurred: c.at,
	}}
	c.lengths[stream]++
	if err := c.j.Apply(e); err != nil {
		c.t.Fatalf("Apply(%s) = %v", p.Kind(), err)
	}
}

// A sold line has a category, a rate in per cent, pieces and a net amount.
type sold struct {
	category string
	percent  int64
	pieces   int
	net      int64
	discount int64
}

func (c *chain) document(v ledger.VisitID, store ledger.StoreID, lines ...sold) ledger.ReceiptDocument {
	c.number++
	d := ledger.ReceiptDocument{
		Number: fmt.Sprintf("%s-2026-%06d", store, c.number), Visit: v, Store: store, Seller: seller, Exited: c.at, Issued: c.at,
		Net: eur(0), Tax: eur(0), Gross: eur(0),
	}
	for i, l := range lines {
		tax := l.net * l.percent / 100
		line := ledger.ReceiptLine{
			No: i + 1, SKU: "x", Name: "X", Category: l.category, Quantity: l.pieces, Net: eur(l.net), Tax: eur(tax), Gross: eur(l.net + tax),
			TaxRule: ledger.TaxRule{Jurisdiction: "DE", Rate: fmt.Sprintf("0.%02d", l.percent)}, Causes: []ledger.ID{{1}},
		}
		if l.category == "bottle" {
			line.LineKind, line.Category = ledger.LineDeposit, "drinks"
		}
		if l.discount > 0 {
			line.Discounts = []ledger.Discount{{Amount: eur(l.discount)}}
		}
		d.Lines = append(d.Lines, line)
		d.Net.Minor, d.Tax.Minor, d.Gross.Minor = d.Net.Minor+l.net, d.Tax.Minor+tax, d.Gross.Minor+l.net+tax
	}
	return d
}

func (c *chain) sell(v ledger.VisitID, store ledger.StoreID, lines ...sold) {
	c.tell(ledger.VisitStream(v), ledger.ReceiptIssued{Document: c.document(v, store, lines...)})
}

// twoDays is Monday with a sale in each shop, and Tuesday with a sale, and a
// correction of Monday's.
func twoDays(t *testing.T) *chain {
	t.Helper()
	c := newChain(t)
	c.sell("v1", "s1", sold{"drinks", 19, 2, 400, 0}, sold{"food", 7, 1, 1000, 100}, sold{"bottle", 0, 2, 50, 0})
	c.sell("v2", "s2", sold{"food", 7, 3, 2000, 0})
	c.at = monday.AddDate(0, 0, 1)
	c.sell("v3", "s1", sold{"food", 7, 1, 100, 0})
	c.tell("visit-v1", ledger.ReceiptCorrected{Document: c.document("v1", "s1",
		sold{"drinks", 19, 1, 200, 0}, sold{"food", 7, 1, 1000, 100}, sold{"bottle", 0, 1, 25, 0})})
	return c
}

func lines(t *testing.T, table report.Table) string {
	t.Helper()
	var b bytes.Buffer
	if err := table.CSV(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestSalesAreBrokenDown by day, shop, category and tax, with what was taken
// back on the day it was taken back.
func TestSalesAreBrokenDown(t *testing.T) {
	c := twoDays(t)
	for _, q := range []struct {
		by    string
		scope report.Scope
		want  string
	}{
		{"day", report.Scope{}, `day,receipts,pieces,net,tax,gross,discount,currency
2026-03-02,2,8,34.50,2.86,37.36,1.00,EUR
2026-03-03,2,-1,-1.25,-0.31,-1.56,0.00,EUR
`},
		{"shop", report.Scope{From: "2026-03-02", To: "2026-03-02"}, `shop,receipts,pieces,net,tax,gross,discount,currency
s1,1,5,14.50,1.46,15.96,1.00,EUR
s2,1,3,20.00,1.40,21.40,0.00,EUR
`},
		{"category,tax", report.Scope{Store: "s1"}, `category,tax,receipts,pieces,net,tax,gross,discount,currency
(deposits),,2,1,0.25,0.00,0.25,0.00,EUR
drinks,DE 19 %,2,1,2.00,0.38,2.38,0.00,EUR
food,DE 7 %,2,2,11.00,0.77,11.77,1.00,EUR
`},
		{"day", report.Scope{Store: "s3"}, "day,receipts,pieces,net,tax,gross,discount,currency\n"},
	} {
		by, err := report.Dimensions(q.by)
		if err != nil {
			t.Fatal(err)
		}
		s, err := report.NewSales(&c.j, q.scope, by, time.LoadLocation)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(q.want, lines(t, s.Table())); diff != "" {
			t.Errorf("sales by %s of %+v (-want +got)\n%s", q.by, q.scope, diff)
		}
	}
}

// TestTaxByJurisdictionAndRate has the base beside the tax, in total and by
// shop.
func TestTaxByJurisdictionAndRate(t *testing.T) {
	c := twoDays(t)
	for by, want := range map[string]string{
		"": `jurisdiction,rate,base,tax,currency
DE,0.07,31.00,2.17,EUR
DE,0.19,2.00,0.38,EUR
`,
		"shop": `shop,jurisdiction,rate,base,tax,currency
s1,DE,0.07,11.00,0.77,EUR
s1,DE,0.19,2.00,0.38,EUR
s2,DE,0.07,20.00,1.40,EUR
`,
	} {
		ds, err := report.Dimensions(by)
		if err != nil {
			t.Fatal(err)
		}
		r, err := report.NewTax(&c.j, report.Scope{}, ds, time.LoadLocation)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, lines(t, r.Table())); diff != "" {
			t.Errorf("tax by %q (-want +got)\n%s", by, diff)
		}
	}
}

// TestAsOfAndAsKnown: a sale of Monday that the ledger hears of on Tuesday is
// in Monday's books as of Monday, and not in what was known on Monday.
func TestAsOfAndAsKnown(t *testing.T) {
	c := newChain(t)
	c.sell("v1", "s1", sold{"food", 0, 1, 100, 0})
	known := c.last
	c.at = monday.AddDate(0, 0, 1)
	c.sell("v2", "s1", sold{"food", 0, 1, 1000, 0})
	late := c.document("v3", "s1", sold{"food", 0, 1, 10, 0})
	late.Exited = monday.Add(time.Hour)
	c.tell("visit-v3", ledger.ReceiptIssued{Document: late})
	for name, q := range map[string]struct {
		scope report.Scope
		want  int64
	}{
		"today":                        {report.Scope{}, 1110},
		"as of Monday":                 {report.Scope{AsOfDay: "2026-03-02"}, 110},
		"as of Monday noon":            {report.Scope{AsOf: monday}, 100},
		"as known on Monday":           {report.Scope{AsKnown: known}, 100},
		"as of Tuesday, as known then": {report.Scope{AsOfDay: "2026-03-03", AsKnown: known + 1}, 1100},
		"as of before all":             {report.Scope{AsOfDay: "2026-03-01"}, 0},
	} {
		b, err := report.NewTrialBalance(&c.j, q.scope, time.LoadLocation)
		if err != nil {
			t.Fatal(err)
		}
		got := int64(0)
		for _, s := range b.Sums {
			got = s.Debit
			if s.Debit != s.Credit {
				t.Errorf("%s: debits of %d and credits of %d", name, s.Debit, s.Credit)
			}
		}
		if got != q.want {
			t.Errorf("%s: receivable of %d, want %d", name, got, q.want)
		}
	}
	var s report.Scope
	if err := s.ParseAsOf("2026-03-02T12:00:00+01:00"); err != nil || !s.AsOf.Equal(monday) {
		t.Errorf("ParseAsOf(an instant) = %v, %v", s.AsOf, err)
	}
	for _, bad := range []string{"yesterday", "2026-02-30"} {
		if err := s.ParseAsOf(bad); !errors.Is(err, report.ErrQuestion) {
			t.Errorf("ParseAsOf(%q) = %v, want ErrQuestion", bad, err)
		}
	}
}

// TestQuestionsThatCannotBe are refused, and say why.
func TestQuestionsThatCannotBe(t *testing.T) {
	var j books.Journal
	_, e1 := report.NewSales(&j, report.Scope{From: "2026-03-02", To: "2026-03-01"}, nil, time.LoadLocation)
	_, e2 := report.NewTrialBalance(&j, report.Scope{AsOfDay: "soon"}, time.LoadLocation)
	_, e3 := report.NewTax(&j, report.Scope{}, []report.Dimension{report.ByCategory}, time.LoadLocation)
	_, e4 := report.Dimensions("day,week")
	_, e5 := report.Dimensions("day,day")
	_, e6 := report.NewPrices(nil, report.Scope{})
	_, e7 := report.NewTax(&j, report.Scope{To: "2026-13-01"}, nil, time.LoadLocation)
	_, e8 := report.NewPrices(nil, report.Scope{Store: "s1", From: "x"})
	for i, err := range []error{e1, e2, e3, e4, e5, e6, e7, e8} {
		if !errors.Is(err, report.ErrQuestion) {
			t.Errorf("question %d = %v, want ErrQuestion", i+1, err)
		}
	}
}

// TestReportsAgree checks that, whatever was sold and corrected, sales by any
// dimensions, tax, and the trial balance say the same sums.
func TestReportsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newChain(t)
		for range rapid.IntRange(1, 25).Draw(t, "events") {
			c.at = c.at.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "hours")) * time.Hour)
			v := rapid.SampledFrom([]ledger.VisitID{"v1", "v2", "v3"}).Draw(t, "visit")
			store := map[ledger.VisitID]ledger.StoreID{"v1": "s1", "v2": "s2", "v3": "s1"}[v]
			var ls []sold
			for range rapid.IntRange(0, 3).Draw(t, "lines") {
				ls = append(ls, sold{
					rapid.SampledFrom([]string{"food", "drinks", "bottle"}).Draw(t, "category"),
					rapid.SampledFrom([]int64{0, 7, 19}).Draw(t, "percent"), rapid.IntRange(0, 5).Draw(t, "pieces"),
					rapid.Int64Range(0, 900).Draw(t, "net"), rapid.Int64Range(0, 9).Draw(t, "discount"),
				})
			}
			if c.lengths[ledger.VisitStream(v)] == 0 {
				c.sell(v, store, ls...)
			} else {
				c.tell(ledger.VisitStream(v), ledger.ReceiptCorrected{Document: c.document(v, store, ls...)})
			}
		}
		all := []report.Dimension{report.ByDay, report.ByShop, report.ByCategory, report.ByTax}
		by := all[:rapid.IntRange(0, 4).Draw(t, "dimensions")]
		s, err := report.NewSales(&c.j, report.Scope{}, by, time.LoadLocation)
		if err != nil {
			t.Fatal(err)
		}
		var gross, tax, pieces, owed, taxed int64
		for _, r := range s.Rows {
			gross, tax, pieces = gross+r.Gross, tax+r.Tax, pieces+int64(r.Pieces)
		}
		for _, r := range s.Sums {
			gross, tax, pieces = gross-r.Gross, tax-r.Tax, pieces-int64(r.Pieces)
			owed, taxed = owed+r.Gross, taxed+r.Tax
		}
		if gross != 0 || tax != 0 || pieces != 0 {
			t.Fatalf("rows by %v and sums differ by %d gross, %d tax, %d pieces", by, gross, tax, pieces)
		}
		x, err := report.NewTax(&c.j, report.Scope{}, []report.Dimension{report.ByShop}, time.LoadLocation)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range x.Rows {
			taxed -= r.Tax
		}
		for _, b := range c.j.Balances() {
			if b.Account == books.AccountReceivable {
				owed -= b.Amount.Minor
			}
		}
		if owed != 0 || taxed != 0 {
			t.Fatalf("sales differ from the receivable by %d and from tax by %d", owed, taxed)
		}
	})
}

// TestPriceAccuracy counts over- and undercharges apart, takes a product that
// was checked twice as it was last seen, and asks for 98 %.
func TestPriceAccuracy(t *testing.T) {
	var checks []report.PriceCheck
	check := func(day ledger.Date, sku int, shelf, charged int64) {
		checks = append(checks, report.PriceCheck{
			Day: day, Store: "s1", SKU: ledger.SKU(fmt.Sprint("sku-", sku)), Shelf: eur(shelf), Charged: eur(charged), By: "anna",
		})
	}
	for i := range 50 {
		check("2026-03-02", i, 199, 199)
	}
	p := prices(t, checks)
	if !p.Accurate || p.Accuracy != 1000 || p.Sample != 50 || p.Errors != 0 {
		t.Errorf("50 right prices: %+v", p)
	}
	check("2026-03-02", 3, 199, 209)
	p = prices(t, checks)
	if !p.Accurate || p.Accuracy != 980 || p.Sample != 50 || p.Overcharges != 1 || !p.MoreOver {
		t.Errorf("49 of 50 right: %+v, want 98 %%, which is enough, and more over than under", p)
	}
	check("2026-03-02", 4, 199, 150)
	p = prices(t, checks)
	if p.Accurate || p.Accuracy != 960 || p.Undercharges != 1 || p.MoreOver {
		t.Errorf("48 of 50 right: %+v, want 96 %%, which is not enough", p)
	}
	if diff := cmp.Diff([]report.MoneySum{{Minor: 49, Currency: "EUR"}}, p.UnderMinor); diff != "" {
		t.Errorf("undercharged (-want +got)\n%s", diff)
	}
	var b bytes.Buffer
	if err := p.Table().Text(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"overcharge", "undercharge", "accuracy      96.0 %: below the 98 %", "ratio 1 : 1"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the form lacks %q:\n%s", want, b.String())
		}
	}
	check("2026-03-02", 3, 199, 199) // was put right
	if p = prices(t, checks); !p.Accurate || p.Errors != 1 {
		t.Errorf("after one was put right: %+v, want 98 %%", p)
	}
	if empty := prices(t, nil); empty.Accurate {
		t.Error("an empty sample is accurate, want not")
	}
	if b, err := json.Marshal(p); err != nil || !strings.Contains(string(b), `"accuracy_permille":980`) {
		t.Errorf("Marshal() = %s, %v", b, err)
	}
}

func prices(t *testing.T, checks []report.PriceCheck) report.Prices {
	t.Helper()
	p, err := report.NewPrices(checks, report.Scope{Store: "s1"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}
