// Package export writes the journal for finance: as plain-text journals that
// hledger, ledger and beancount check, and as rows, in CSV and Parquet.
//
// The one idea: there is one model, a [Book], and every format is a way to
// write it. It is a pure function of the journal, so the same log gives the
// same bytes, and each transaction carries the visit, the event and the leaf
// of the Merkle tree that it comes from. Nothing is summed or rounded here; the
// last transaction of a text asserts every balance.
//
// Rows can also be kept as a [Set] of numbered files that only grows.
// docs/reference/exports.md has the formats.
package export

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections/books"
)

// A Book is what is exported: transactions in the order of the log, and the
// balances after the last one.
type Book struct {
	Transactions []Transaction
	Balances     []books.Balance
	Position     uint64 // of the last event that was folded
}

// A Transaction is an entry with postings, dated.
type Transaction struct {
	books.Entry
	Booked ledger.Date // the day that it is booked on
	Leaf   uint64      // index of its event in the Merkle tree
}

// NewBook returns what j says. Leaf gives the index of the leaf of the event
// at a position.
func NewBook(j *books.Journal, zones books.Zones, leaf func(position uint64) uint64) Book {
	b := Book{Balances: j.Balances(), Position: j.Position()}
	calendar := j.Calendar(zones)
	entries := j.Entries()
	for i := range entries {
		e := &entries[i]
		if len(e.Postings) == 0 {
			continue // a memo
		}
		b.Transactions = append(b.Transactions, Transaction{Entry: *e, Booked: calendar.Booked(e), Leaf: leaf(e.Position)})
	}
	return b
}

// accounts returns the accounts with the currencies that each is posted in, by
// name.
func (b Book) accounts() []account {
	used := map[string]map[money.Currency]bool{}
	for _, bal := range b.Balances {
		if used[bal.Account] == nil {
			used[bal.Account] = map[money.Currency]bool{}
		}
		used[bal.Account][bal.Amount.Currency] = true
	}
	as := make([]account, 0, len(used))
	for _, name := range slices.Sorted(maps.Keys(used)) {
		as = append(as, account{name, slices.Sorted(maps.Keys(used[name]))})
	}
	return as
}

type account struct {
	name       string
	currencies []money.Currency
}

func (b Book) currencies() []money.Currency {
	used := map[money.Currency]bool{}
	for _, bal := range b.Balances {
		used[bal.Amount.Currency] = true
	}
	return slices.Sorted(maps.Keys(used))
}

// span returns the first and the last day of the book.
func (b Book) span() (first, last ledger.Date) {
	for _, t := range b.Transactions {
		if first == "" || t.Booked < first {
			first = t.Booked
		}
		last = max(last, t.Booked)
	}
	return first, last
}

// byDay returns the transactions by booked day, those of one day in the order
// of the log: text is read by people, and checked by date.
func (b Book) byDay() []Transaction {
	ts := slices.Clone(b.Transactions)
	slices.SortStableFunc(ts, func(x, y Transaction) int { return cmp.Compare(x.Booked, y.Booked) })
	return ts
}

// sample returns an amount of c that tells a program its decimal places. Of a
// currency without any, hledger wants to see the point, and ledger wants not.
func sample(c money.Currency, point string) string {
	places, err := c.Exponent()
	if err != nil || places == 0 {
		return "1000" + point + " " + string(c)
	}
	return "1000." + strings.Repeat("0", places) + " " + string(c)
}

// describe says what a transaction is about: "receipt issued", and its memo.
func (t Transaction) describe() string {
	name, _, _ := strings.Cut(string(t.Kind), ".v")
	what := strings.NewReplacer(".", " ", "_", " ").Replace(name)
	if t.Memo != "" {
		what += ", " + t.Memo
	}
	return plain(what)
}

// plain takes out of a text what would end it in a journal.
func plain(s string) string {
	return strings.Join(strings.Fields(inText.Replace(s)), " ")
}

var inText = strings.NewReplacer(";", ",", "|", "/", "\"", "'", "\\", "/", "(", "<", ")", ">")

// occurred is the instant of a transaction as all formats write it.
func (t Transaction) occurred() string { return t.Occurred.UTC().Format(stamp) }

const stamp = "2006-01-02T15:04:05.000000Z"

// after returns the day after d.
func after(d ledger.Date) ledger.Date {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return d // only an imported bank line can have such a day
	}
	return ledger.Date(t.AddDate(0, 0, 1).Format(time.DateOnly))
}
