package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/govalues/decimal"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections/books"
)

// A Dimension is what a report is broken down by.
type Dimension string

// The dimensions. Currency is always one.
const (
	ByDay      Dimension = "day"
	ByShop     Dimension = "shop"
	ByCategory Dimension = "category"
	ByTax      Dimension = "tax"
)

// Dimensions reads "day,shop"; no text is otherwise.
func Dimensions(text string, otherwise ...Dimension) ([]Dimension, error) {
	if text == "" {
		return otherwise, nil
	}
	var ds []Dimension
	for word := range strings.SplitSeq(text, ",") {
		d := Dimension(strings.TrimSpace(word))
		switch d {
		case ByDay, ByShop, ByCategory, ByTax:
		default:
			return nil, fmt.Errorf("%w: by %q: use day, shop, category, tax", ErrQuestion, word)
		}
		if slices.Contains(ds, d) {
			return nil, fmt.Errorf("%w: by %s twice", ErrQuestion, d)
		}
		ds = append(ds, d)
	}
	return ds, nil
}

// Deposits is the category under which deposits are reported.
const Deposits = "(deposits)"

// A key is what the rows of a report have in common. What it is not broken
// down by is empty.
type key struct {
	day      ledger.Date
	store    ledger.StoreID
	category string
	tax      string
	currency money.Currency
}

func (k key) by(ds []Dimension) key {
	n := key{currency: k.currency}
	for _, d := range ds {
		switch d {
		case ByDay:
			n.day = k.day
		case ByShop:
			n.store = k.store
		case ByCategory:
			n.category = k.category
		case ByTax:
			n.tax = k.tax
		}
	}
	return n
}

func compareKeys(a, b key) int {
	return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.store, b.store), cmp.Compare(a.category, b.category),
		cmp.Compare(a.tax, b.tax), cmp.Compare(a.currency, b.currency))
}

// A Sales report says what was sold, less what was taken back.
type Sales struct {
	Scope Scope       `json:"scope"`
	By    []Dimension `json:"by"`
	Rows  []SalesRow  `json:"rows"`
	Sums  []SalesRow  `json:"sums"` // one for each currency
}

// A SalesRow is a part of the sales. Amounts are minor units.
type SalesRow struct {
	Day      ledger.Date    `json:"day,omitzero"`
	Store    ledger.StoreID `json:"store,omitzero"`
	Category string         `json:"category,omitzero"`
	TaxOf    string         `json:"tax_of,omitzero"` // jurisdictions and rates, "DE 19 %"
	Receipts int            `json:"receipts"`        // documents that it is from
	Pieces   int            `json:"pieces"`
	Net      int64          `json:"net_minor"`
	Tax      int64          `json:"tax_minor"`
	Gross    int64          `json:"gross_minor"`
	Discount int64          `json:"discount_minor"` // that promotions took off, as the price states it
	Currency money.Currency `json:"currency"`
}

// NewSales sums what receipts and their corrections within scope say.
func NewSales(j *books.Journal, scope Scope, by []Dimension, zones books.Zones) (Sales, error) {
	s := Sales{Scope: scope, By: append([]Dimension{}, by...), Rows: []SalesRow{}, Sums: []SalesRow{}}
	if err := scope.Validate(); err != nil {
		return s, err
	}
	rows, sums := map[key]*SalesRow{}, map[key]*SalesRow{}
	for _, e := range scope.entries(j, zones) {
		if e.Kind != ledger.KindReceiptIssued && e.Kind != ledger.KindReceiptCorrected {
			continue
		}
		seen := map[*SalesRow]bool{}
		for _, f := range facts(e) {
			for _, at := range []*SalesRow{rowOf(rows, f.key.by(by)), rowOf(sums, f.key.by(nil))} {
				at.add(f)
				if !seen[at] {
					seen[at] = true
					at.Receipts++
				}
			}
		}
	}
	s.Rows, s.Sums = inOrder(rows), inOrder(sums)
	return s, nil
}

func rowOf(rows map[key]*SalesRow, k key) *SalesRow {
	if rows[k] == nil {
		rows[k] = &SalesRow{Day: k.day, Store: k.store, Category: k.category, TaxOf: k.tax, Currency: k.currency}
	}
	return rows[k]
}

func inOrder[R any](rows map[key]*R) []R {
	out := make([]R, 0, len(rows))
	for _, k := range slices.SortedFunc(maps.Keys(rows), compareKeys) {
		out = append(out, *rows[k])
	}
	return out
}

// A fact is what one line of a document changes.
type fact struct {
	key                key
	pieces             int
	net, tax, discount int64
}

func (r *SalesRow) add(f fact) {
	r.Pieces += f.pieces
	r.Net += f.net
	r.Tax += f.tax
	r.Gross += f.net + f.tax
	r.Discount += f.discount
}

// facts puts the postings of a document together by line.
func facts(e dated) []fact {
	lines, order := map[int]*fact{}, []int{}
	for _, p := range e.Postings {
		if p.Account == books.AccountReceivable {
			continue
		}
		f := lines[p.Line]
		if f == nil {
			f = &fact{key: key{day: e.day, store: e.Store, currency: p.Amount.Currency}}
			lines[p.Line] = f
			order = append(order, p.Line)
		}
		switch {
		case p.Account == books.AccountDeposits:
			f.key.category = Deposits
		case strings.HasPrefix(p.Account, books.PrefixSales):
			f.key.category = strings.TrimPrefix(p.Account, books.PrefixSales)
		default:
			f.tax -= p.Amount.Minor
			if f.key.tax != "" {
				f.key.tax += " + "
			}
			f.key.tax += taxName(p.Jurisdiction, p.Rate)
			continue
		}
		f.net -= p.Amount.Minor
		f.pieces += p.Pieces
		f.discount += p.Discount
	}
	out := make([]fact, 0, len(order))
	for _, no := range order {
		out = append(out, *lines[no])
	}
	return out
}

// taxName is a jurisdiction and its rate as people say it, "DE 19 %".
func taxName(jurisdiction, rate string) string {
	d, err := decimal.Parse(rate)
	if err == nil {
		d, err = d.Mul(decimal.Hundred)
	}
	if err != nil {
		return jurisdiction + " " + rate
	}
	return jurisdiction + " " + d.Trim(0).String() + " %"
}

// cells returns the cells of the dimensions and their columns.
func cells(by []Dimension, day ledger.Date, store ledger.StoreID, category, tax string) []string {
	var row []string
	for _, d := range by {
		row = append(row, map[Dimension]string{ByDay: string(day), ByShop: string(store), ByCategory: category, ByTax: tax}[d])
	}
	return row
}

func columns(by []Dimension, more ...Column) []Column {
	var cs []Column
	for _, d := range by {
		cs = append(cs, Column{string(d), false})
	}
	return append(cs, more...)
}

// Table lays s out.
func (s Sales) Table() Table {
	out := Table{Title: "Sales", Columns: columns(s.By, Column{"receipts", true}, Column{"pieces", true}, Column{"net", true},
		Column{"tax", true}, Column{"gross", true}, Column{"discount", true}, Column{"currency", false})}
	row := func(r SalesRow, first []string) []string {
		return append(first, strconv.Itoa(r.Receipts), strconv.Itoa(r.Pieces), amount(r.Net, r.Currency), amount(r.Tax, r.Currency),
			amount(r.Gross, r.Currency), amount(r.Discount, r.Currency), string(r.Currency))
	}
	for _, r := range s.Rows {
		out.Rows = append(out.Rows, row(r, cells(s.By, r.Day, r.Store, r.Category, r.TaxOf)))
	}
	for _, r := range s.Sums {
		out.Sums = append(out.Sums, row(r, make([]string, len(s.By))))
	}
	return out
}

// A Tax report says what is owed to whom, at which rate, on what.
type Tax struct {
	Scope Scope       `json:"scope"`
	By    []Dimension `json:"by"`
	Rows  []TaxRow    `json:"rows"`
	Sums  []TaxRow    `json:"sums"` // one for each currency; its base is left out, because parts of a rate share theirs
}

// A TaxRow is one jurisdiction at one rate. Amounts are minor units.
type TaxRow struct {
	Day          ledger.Date    `json:"day,omitzero"`
	Store        ledger.StoreID `json:"store,omitzero"`
	Jurisdiction string         `json:"jurisdiction"`
	Rate         string         `json:"rate"` // as a decimal
	Base         int64          `json:"base_minor"`
	Tax          int64          `json:"tax_minor"`
	Currency     money.Currency `json:"currency"`
}

// NewTax sums the tax of receipts and corrections within scope, by jurisdiction
// and rate, and by day or shop if asked.
func NewTax(j *books.Journal, scope Scope, by []Dimension, zones books.Zones) (Tax, error) {
	t := Tax{Scope: scope, By: append([]Dimension{}, by...), Rows: []TaxRow{}, Sums: []TaxRow{}}
	if slices.Contains(by, ByCategory) || slices.Contains(by, ByTax) {
		return t, fmt.Errorf("%w: tax is by jurisdiction and rate, and by day and shop", ErrQuestion)
	}
	if err := scope.Validate(); err != nil {
		return t, err
	}
	rows, sums := map[key]*TaxRow{}, map[key]*TaxRow{}
	for _, e := range scope.entries(j, zones) {
		for _, p := range e.Postings {
			if !strings.HasPrefix(p.Account, books.PrefixTax) {
				continue
			}
			k := key{day: e.day, store: e.Store, currency: p.Amount.Currency}.by(by)
			all := key{currency: k.currency}
			if sums[all] == nil {
				sums[all] = &TaxRow{Currency: k.currency}
			}
			k.category, k.tax = p.Jurisdiction, p.Rate
			if rows[k] == nil {
				rows[k] = &TaxRow{Day: k.day, Store: k.store, Jurisdiction: p.Jurisdiction, Rate: p.Rate, Currency: k.currency}
			}
			rows[k].Base += p.Base
			rows[k].Tax -= p.Amount.Minor
			sums[all].Tax -= p.Amount.Minor
		}
	}
	t.Rows, t.Sums = inOrder(rows), inOrder(sums)
	return t, nil
}

// Table lays t out.
func (t Tax) Table() Table {
	out := Table{Title: "Tax", Columns: columns(t.By, Column{"jurisdiction", false}, Column{"rate", true}, Column{"base", true},
		Column{"tax", true}, Column{"currency", false})}
	for _, r := range t.Rows {
		out.Rows = append(out.Rows, append(cells(t.By, r.Day, r.Store, "", ""), r.Jurisdiction, r.Rate,
			amount(r.Base, r.Currency), amount(r.Tax, r.Currency), string(r.Currency)))
	}
	for _, r := range t.Sums {
		out.Sums = append(out.Sums, append(make([]string, len(t.By)), "", "", "", amount(r.Tax, r.Currency), string(r.Currency)))
	}
	return out
}
