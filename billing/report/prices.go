package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// LeastAccuracy is the share of right prices, in thousandths, that a shop's
// sample must reach: 98 % (NIST Handbook 130, Examination Procedure for Price
// Verification).
const LeastAccuracy = 980

// A PriceCheck is a price on a shelf that was compared with the price charged.
type PriceCheck struct {
	At      time.Time      `json:"at"`
	Day     ledger.Date    `json:"day"` // where the shop is
	Store   ledger.StoreID `json:"store"`
	SKU     ledger.SKU     `json:"sku"`
	Shelf   money.Money    `json:"shelf"`
	Charged money.Money    `json:"charged"`
	By      string         `json:"by"`
}

// error returns what is charged too much, or if below zero too little. Two
// currencies are an error of whatever is charged.
func (p PriceCheck) error() int64 {
	if p.Shelf.Currency != p.Charged.Currency {
		return max(1, p.Charged.Minor)
	}
	return p.Charged.Minor - p.Shelf.Minor
}

// Prices is the price-accuracy report of one shop, in the terms of the EPPV:
// sample, errors, overcharges and undercharges apart, accuracy, verdict.
type Prices struct {
	Scope        Scope        `json:"scope"`
	Sample       int          `json:"sample"`
	Errors       int          `json:"errors"`
	Overcharges  int          `json:"overcharges"`
	Undercharges int          `json:"undercharges"`
	Accuracy     int          `json:"accuracy_permille"` // rounded down
	Accurate     bool         `json:"accurate"`          // at least 98 %; false of an empty sample
	MoreOver     bool         `json:"more_over"`         // more overcharges than undercharges: look into it, also at 98 %
	OverMinor    []MoneySum   `json:"overcharged"`
	UnderMinor   []MoneySum   `json:"undercharged"`
	Wrong        []PriceCheck `json:"wrong"`    // in the order in which they were checked
	Checkers     []string     `json:"checkers"` // who checked, by name
}

// A MoneySum is an amount that may exceed the bounds of one charge.
type MoneySum struct {
	Minor    int64          `json:"amount_minor"`
	Currency money.Currency `json:"currency"`
}

// NewPrices reports on the checks within scope, of which only Store, From and To
// count. A product that was checked twice on a day counts as it was last seen.
func NewPrices(checks []PriceCheck, scope Scope) (Prices, error) {
	p := Prices{Scope: scope, OverMinor: []MoneySum{}, UnderMinor: []MoneySum{}, Wrong: []PriceCheck{}, Checkers: []string{}}
	if err := scope.Validate(); err != nil {
		return p, err
	}
	if scope.Store == "" {
		return p, fmt.Errorf("%w: prices are of one shop", ErrQuestion)
	}
	type item struct {
		day ledger.Date
		sku ledger.SKU
	}
	last := map[item]int{}
	for i, c := range checks {
		if c.Store == scope.Store && (scope.From == "" || c.Day >= scope.From) && (scope.To == "" || c.Day <= scope.To) {
			last[item{c.Day, c.SKU}] = i
		}
	}
	sample := make([]int, 0, len(last))
	for _, i := range last {
		sample = append(sample, i)
	}
	slices.Sort(sample)
	for _, i := range sample {
		p.count(checks[i])
	}
	slices.Sort(p.Checkers)
	if p.Sample > 0 {
		p.Accuracy = (p.Sample - p.Errors) * 1000 / p.Sample
	}
	p.Accurate, p.MoreOver = p.Sample > 0 && p.Accuracy >= LeastAccuracy, p.Overcharges > p.Undercharges
	return p, nil
}

func (p *Prices) count(c PriceCheck) {
	p.Sample++
	if !slices.Contains(p.Checkers, c.By) {
		p.Checkers = append(p.Checkers, c.By)
	}
	off := c.error()
	switch {
	case off > 0:
		p.Overcharges++
		p.OverMinor = addTo(p.OverMinor, off, c.Charged.Currency)
	case off < 0:
		p.Undercharges++
		p.UnderMinor = addTo(p.UnderMinor, -off, c.Charged.Currency)
	default:
		return
	}
	p.Errors++
	p.Wrong = append(p.Wrong, c)
}

func addTo(sums []MoneySum, minor int64, c money.Currency) []MoneySum {
	i := slices.IndexFunc(sums, func(s MoneySum) bool { return s.Currency == c })
	if i < 0 {
		sums = append(sums, MoneySum{minor, c})
		slices.SortFunc(sums, func(a, b MoneySum) int { return cmp.Compare(a.Currency, b.Currency) })
		return sums
	}
	sums[i].Minor += minor
	return sums
}

// Table lays p out: the errors, and below them the summary.
func (p Prices) Table() Table {
	out := Table{Title: "Price accuracy of " + string(p.Scope.Store), Columns: []Column{
		{"day", false},
		{"sku", false},
		{"shelf", true},
		{"charged", true},
		{"error", true},
		{"kind", false},
		{"currency", false},
		{"by", false},
	}}
	for _, c := range p.Wrong {
		kind := "overcharge"
		if c.error() < 0 {
			kind = "undercharge"
		}
		out.Rows = append(out.Rows, []string{
			string(c.Day), string(c.SKU), c.Shelf.Decimal(), c.Charged.Decimal(), amount(c.error(), c.Charged.Currency), kind,
			string(c.Charged.Currency), c.By,
		})
	}
	verdict := "below the 98 % of NIST Handbook 130"
	if p.Accurate {
		verdict = "at least 98 %, as NIST Handbook 130 asks"
	}
	if p.Sample == 0 {
		verdict = "nothing was checked"
	}
	out.Notes = []string{
		"sample        " + strconv.Itoa(p.Sample),
		fmt.Sprintf("errors        %d: %d overcharges, %d undercharges (ratio %d : %d)", p.Errors, p.Overcharges, p.Undercharges, p.Overcharges, p.Undercharges),
		fmt.Sprintf("accuracy      %d.%d %%: %s", p.Accuracy/10, p.Accuracy%10, verdict),
	}
	if p.MoreOver {
		out.Notes = append(out.Notes, "More overcharges than undercharges: look into why.")
	}
	return out
}
