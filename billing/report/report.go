// Package report answers finance's questions from the books: trial balance,
// sales, tax, closed days, price accuracy. docs/books.md says which time
// decides what.
//
// The one idea: a report is a filter over entries and a sum over what is left;
// it keeps nothing, so it can be asked for any moment. What happened up to a
// moment is as of it; what was known at a moment is the books folded up to a
// position. Every report is a value for JSON and a [Table] for people and for
// CSV.
package report

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections/books"
)

// ErrQuestion means that a report was asked for that cannot be: a column that
// does not exist, days that run backwards. Correct the question.
var ErrQuestion = errors.New("report cannot be made")

// A Scope says which entries a report is about. The zero value is all.
type Scope struct {
	Store   ledger.StoreID `json:"store,omitzero"`     // one shop
	From    ledger.Date    `json:"from,omitzero"`      // first booked day
	To      ledger.Date    `json:"to,omitzero"`        // last booked day
	AsOf    time.Time      `json:"as_of,omitzero"`     // only what happened up to then
	AsOfDay ledger.Date    `json:"as_of_day,omitzero"` // only what happened up to that day, where the shop is
	AsKnown uint64         `json:"as_known,omitzero"`  // only what was recorded up to that position
}

// ParseAsOf reads a day or an instant into s.
func (s *Scope) ParseAsOf(text string) error {
	if text == "" {
		return nil
	}
	if d := ledger.Date(text); d.Validate() == nil {
		s.AsOfDay = d
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return fmt.Errorf("%w: as of %q: want a day like 2026-11-30 or an instant like 2026-11-30T18:00:00Z", ErrQuestion, text)
	}
	s.AsOf = t
	return nil
}

// Validate refuses days that are none, or run backwards.
func (s Scope) Validate() error {
	for _, d := range []ledger.Date{s.From, s.To, s.AsOfDay} {
		if d == "" {
			continue
		}
		if err := d.Validate(); err != nil {
			return fmt.Errorf("%w: %w", ErrQuestion, err)
		}
	}
	if s.From != "" && s.To != "" && s.To < s.From {
		return fmt.Errorf("%w: from %s to %s", ErrQuestion, s.From, s.To)
	}
	return nil
}

// A dated entry is an entry on its booked day.
type dated struct {
	*books.Entry
	day ledger.Date
}

// entries returns what of j is within s.
func (s Scope) entries(j *books.Journal, zones books.Zones) []dated {
	all := j.Entries()
	if s.AsKnown > 0 {
		all = j.EntriesTo(s.AsKnown)
	}
	c := j.Calendar(zones)
	var in []dated
	for i := range all {
		e := &all[i]
		switch {
		case len(e.Postings) == 0, s.Store != "" && e.Store != s.Store:
			continue
		case !s.AsOf.IsZero() && e.Occurred.After(s.AsOf), s.AsOfDay != "" && c.Date(e) > s.AsOfDay:
			continue
		}
		d := dated{e, c.Booked(e)}
		if s.From != "" && d.day < s.From || s.To != "" && d.day > s.To {
			continue
		}
		in = append(in, d)
	}
	return in
}

// A TrialBalance is what each account holds. Debits and credits are equal in
// each currency.
type TrialBalance struct {
	Scope    Scope             `json:"scope"`
	Position uint64            `json:"position"` // of the last event in it
	Accounts []TrialBalanceRow `json:"accounts"`
	Sums     []TrialBalanceRow `json:"sums"` // one for each currency
}

// A TrialBalanceRow is an account's balance on its side, in minor units.
type TrialBalanceRow struct {
	Account  string         `json:"account"`
	Debit    int64          `json:"debit_minor"`
	Credit   int64          `json:"credit_minor"`
	Currency money.Currency `json:"currency"`
}

// NewTrialBalance sums the accounts of j within scope.
func NewTrialBalance(j *books.Journal, scope Scope, zones books.Zones) (TrialBalance, error) {
	t := TrialBalance{Scope: scope, Position: j.Position(), Accounts: []TrialBalanceRow{}, Sums: []TrialBalanceRow{}}
	if scope.AsKnown > 0 {
		t.Position = min(t.Position, scope.AsKnown)
	}
	if err := scope.Validate(); err != nil {
		return t, err
	}
	var within []books.Entry
	for _, e := range scope.entries(j, zones) {
		within = append(within, *e.Entry)
	}
	for _, b := range books.Sum(within) {
		r := TrialBalanceRow{
			Account: b.Account, Debit: max(0, b.Amount.Minor), Credit: max(0, -b.Amount.Minor), Currency: b.Amount.Currency,
		}
		t.Accounts = append(t.Accounts, r)
		i := slices.IndexFunc(t.Sums, func(s TrialBalanceRow) bool { return s.Currency == r.Currency })
		if i < 0 {
			i, t.Sums = len(t.Sums), append(t.Sums, TrialBalanceRow{Account: "all", Currency: r.Currency})
		}
		t.Sums[i].Debit += r.Debit
		t.Sums[i].Credit += r.Credit
	}
	slices.SortFunc(t.Sums, func(a, b TrialBalanceRow) int { return cmp.Compare(a.Currency, b.Currency) })
	return t, nil
}

// Table lays t out.
func (t TrialBalance) Table() Table {
	out := Table{Title: "Trial balance", Columns: []Column{{"account", false}, {"debit", true}, {"credit", true}, {"currency", false}}}
	row := func(r TrialBalanceRow) []string {
		return []string{r.Account, amount(r.Debit, r.Currency), amount(r.Credit, r.Currency), string(r.Currency)}
	}
	for _, r := range t.Accounts {
		out.Rows = append(out.Rows, row(r))
	}
	for _, r := range t.Sums {
		out.Sums = append(out.Sums, row(r))
	}
	return out
}

func amount(minor int64, c money.Currency) string {
	return money.Money{Minor: minor, Currency: c}.Decimal()
}
