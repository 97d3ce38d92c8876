// Package export writes the journal for finance: as a plain-text journal that
// hledger checks, and as CSV.
//
// The one idea: an export is a pure function of the journal's entries, so the
// same log gives the same bytes, and each posting carries the event and the
// position that it comes from. Nothing is summed or rounded here.
package export

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections/books"
)

// A Book is what is exported: entries in the order of the log, and the
// balances after the last one.
type Book struct {
	Entries  []books.Entry
	Balances []books.Balance
	Position uint64 // of the last event that was folded
}

// Hledger writes b in hledger's journal format (hledger manual, section
// Journal). Accounts and commodities are declared, so that `hledger check
// --strict` accepts it, and the last transaction asserts every balance.
// Dates are UTC.
func Hledger(w io.Writer, b Book) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "; Vouch journal up to position %d\n\n", b.Position)
	accounts, currencies := map[string]bool{}, map[money.Currency]bool{}
	for _, e := range b.Entries {
		for _, p := range e.Postings {
			accounts[p.Account], currencies[p.Amount.Currency] = true, true
		}
	}
	for _, c := range slices.Sorted(maps.Keys(currencies)) {
		fmt.Fprintf(out, "commodity %s\n    format %s\n", c, format(c))
	}
	for _, a := range slices.Sorted(maps.Keys(accounts)) {
		fmt.Fprintf(out, "account %s\n", a)
	}
	for _, e := range b.Entries {
		if len(e.Postings) > 0 {
			writeEntry(out, e)
		}
	}
	if len(b.Entries) > 0 {
		writeAssertions(out, b)
	}
	return out.Flush()
}

// format returns a sample amount of c, which tells hledger its precision.
func format(c money.Currency) string {
	places, err := c.Exponent()
	if err != nil || places == 0 {
		return "1000. " + string(c)
	}
	return "1000." + strings.Repeat("0", places) + " " + string(c)
}

func writeEntry(out *bufio.Writer, e books.Entry) {
	code := ""
	if e.Receipt != "" {
		code = " (" + e.Receipt + ")"
	}
	fmt.Fprintf(out, "\n%s *%s %s  ; visit:%s, event:%s, position:%d\n",
		e.Occurred.UTC().Format("2006-01-02"), code, describe(e), e.Visit, e.Event, e.Position)
	for _, p := range e.Postings {
		fmt.Fprintf(out, "    %-44s  %s", p.Account, p.Amount)
		if p.Line > 0 {
			fmt.Fprintf(out, "  ; line:%d", p.Line)
		}
		fmt.Fprintln(out)
	}
}

// writeAssertions ends the journal with every balance, which hledger checks
// against its own sums.
func writeAssertions(out *bufio.Writer, b Book) {
	last := b.Entries[len(b.Entries)-1].Occurred.UTC()
	for _, e := range b.Entries {
		if t := e.Occurred.UTC(); t.After(last) {
			last = t
		}
	}
	fmt.Fprintf(out, "\n%s * balances at position %d\n", last.Format("2006-01-02"), b.Position)
	for _, bal := range b.Balances {
		fmt.Fprintf(out, "    %-44s  %s = %s\n", bal.Account, money.Zero(bal.Amount.Currency), bal.Amount)
	}
}

// describe says what an entry is about: "receipt issued", and its memo.
func describe(e books.Entry) string {
	name, _, _ := strings.Cut(string(e.Kind), ".v")
	what := strings.NewReplacer(".", " ", "_", " ").Replace(name)
	if e.Memo != "" {
		what += ", " + e.Memo
	}
	return plain(what)
}

// plain takes out of a memo what would end it in a journal.
func plain(s string) string { return strings.NewReplacer(";", ",", "\n", " ", "|", "/").Replace(s) }

// CSV writes one row for each posting. Amounts are minor units, so that no
// spreadsheet rounds them.
func CSV(w io.Writer, b Book) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"position", "occurred", "kind", "event", "store", "visit", "receipt", "line", "account", "amount_minor", "currency", "memo"}}
	for _, e := range b.Entries {
		for _, p := range e.Postings {
			rows = append(rows, []string{
				strconv.FormatUint(e.Position, 10), e.Occurred.UTC().Format("2006-01-02T15:04:05.000000Z"), string(e.Kind), e.Event.String(),
				string(e.Store), string(e.Visit), e.Receipt, strconv.Itoa(p.Line), p.Account,
				strconv.FormatInt(p.Amount.Minor, 10), string(p.Amount.Currency), e.Memo,
			})
		}
	}
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}
