package export

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/vouchledger/vouch/ledger/money"
)

// Hledger writes b in hledger's journal format (hledger manual, section
// Journal). Accounts, commodities and tags are declared, so that `hledger
// check --strict` accepts it; the last transaction asserts every balance.
func Hledger(w io.Writer, b Book) error {
	out := bufio.NewWriter(w)
	heading(out, b)
	for _, c := range b.currencies() {
		fmt.Fprintf(out, "commodity %s\n    format %s\n", c, sample(c, "."))
	}
	for _, a := range b.accounts() {
		fmt.Fprintf(out, "account %s\n", a.name)
	}
	for _, t := range b.byDay() {
		fmt.Fprintf(out, "\n%s *%s %s  ; visit:%s, event:%s, position:%d, leaf:%d, occurred:%s\n",
			t.Booked, code(t), t.describe(), tag(string(t.Visit)), t.Event, t.Position, t.Leaf, t.occurred())
		for _, p := range t.Postings {
			fmt.Fprintf(out, "    %-44s  %s", p.Account, p.Amount)
			if p.Line > 0 {
				fmt.Fprintf(out, "  ; line:%d", p.Line)
			}
			fmt.Fprintln(out)
		}
	}
	assertions(out, b)
	return out.Flush()
}

// Ledger writes b in the format of ledger 3 (ledger manual, section Journal
// Format). Everything is declared, so that `ledger --strict --pedantic` accepts
// it; the last transaction asserts every balance. By itself ledger lets a
// fraction of a cent pass: what it shows is rounded, and so is what it compares.
// One automated transaction for each currency asserts that there is none.
func Ledger(w io.Writer, b Book) error {
	out := bufio.NewWriter(w)
	heading(out, b)
	for _, tag := range []string{"Visit", "Event", "Position", "Leaf", "Occurred", "Line"} {
		fmt.Fprintf(out, "tag %s\n", tag)
	}
	for _, c := range b.currencies() {
		fmt.Fprintf(out, "commodity %s\n    format %s\n", c, sample(c, ""))
	}
	for _, a := range b.accounts() {
		fmt.Fprintf(out, "account %s\n", a.name)
	}
	for _, c := range b.currencies() {
		scale := scaleOf(c)
		fmt.Fprintf(out, "\n= expr commodity == '%s'\n    assert quantity(amount)*%d == floor(quantity(amount)*%d)\n", c, scale, scale)
	}
	for _, t := range b.byDay() {
		fmt.Fprintf(out, "\n%s *%s %s\n", t.Booked, code(t), t.describe())
		if t.Visit != "" {
			fmt.Fprintf(out, "    ; Visit: %s\n", plain(string(t.Visit)))
		}
		fmt.Fprintf(out, "    ; Event: %s\n    ; Position: %d\n    ; Leaf: %d\n    ; Occurred: %s\n",
			t.Event, t.Position, t.Leaf, t.occurred())
		for _, p := range t.Postings {
			fmt.Fprintf(out, "    %-44s  %s", p.Account, p.Amount)
			if p.Line > 0 {
				fmt.Fprintf(out, "  ; Line: %d", p.Line)
			}
			fmt.Fprintln(out)
		}
	}
	assertions(out, b)
	return out.Flush()
}

// scaleOf returns how many minor units a major unit of c has.
func scaleOf(c money.Currency) int {
	places, err := c.Exponent()
	if err != nil {
		return 1
	}
	scale := 1
	for range places {
		scale *= 10
	}
	return scale
}

func heading(out io.Writer, b Book) {
	fmt.Fprintf(out, "; Vouch journal up to position %d\n\n", b.Position)
}

// tag makes a text the value of a tag of hledger, which ends at a comma. A
// visit's own name never has one; a name that the provider sent may.
func tag(s string) string { return strings.ReplaceAll(plain(s), ",", "-") }

// code is what stands in brackets before a transaction: its receipt.
func code(t Transaction) string {
	if t.Receipt == "" {
		return ""
	}
	return " (" + plain(t.Receipt) + ")"
}

// assertions ends a journal with every balance, which the program checks
// against its own sums.
func assertions(out io.Writer, b Book) {
	if len(b.Transactions) == 0 {
		return
	}
	_, last := b.span()
	fmt.Fprintf(out, "\n%s * balances at position %d\n", last, b.Position)
	for _, bal := range b.Balances {
		fmt.Fprintf(out, "    %-44s  %s = %s\n", bal.Account, money.Zero(bal.Amount.Currency), bal.Amount)
	}
}
