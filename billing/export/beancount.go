package export

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/vouchledger/vouch/ledger/money"
)

// Beancount writes b in beancount's format (Beancount Language Syntax). Its
// tolerance is set to nothing, in transactions and in the balances asserted at
// the end, because by itself it lets half a cent pass, and a whole one in a
// balance. A visit is a link, ^visit; a receipt is the payee.
func Beancount(w io.Writer, b Book) error {
	out := bufio.NewWriter(w)
	heading(out, b)
	fmt.Fprint(out, "option \"title\" \"Vouch\"\noption \"inferred_tolerance_multiplier\" \"0\"\n")
	for _, c := range b.currencies() {
		fmt.Fprintf(out, "option \"operating_currency\" \"%s\"\n", c)
	}
	fmt.Fprintln(out)
	first, last := b.span()
	names := beanNames(b.accounts())
	for _, a := range b.accounts() {
		fmt.Fprintf(out, "%s open %s %s\n", first, names[a.name], join(a.currencies))
	}
	for _, t := range b.byDay() {
		fmt.Fprintf(out, "\n%s * \"%s\" \"%s\"%s\n", t.Booked, plain(t.Receipt), t.describe(), link(string(t.Visit)))
		fmt.Fprintf(out, "  event: \"%s\"\n  position: %d\n  leaf: %d\n  occurred: \"%s\"\n",
			t.Event, t.Position, t.Leaf, t.occurred())
		for _, p := range t.Postings {
			fmt.Fprintf(out, "  %-44s  %s\n", names[p.Account], p.Amount)
			if p.Line > 0 {
				fmt.Fprintf(out, "    line: %d\n", p.Line)
			}
		}
	}
	if len(b.Transactions) > 0 {
		fmt.Fprintln(out)
		for _, bal := range b.Balances {
			exact := money.Zero(bal.Amount.Currency).Decimal()
			fmt.Fprintf(out, "%s balance %-44s  %s ~ %s %s\n",
				after(last), names[bal.Account], bal.Amount.Decimal(), exact, bal.Amount.Currency)
		}
	}
	return out.Flush()
}

func join(cs []money.Currency) string {
	var s []string
	for _, c := range cs {
		s = append(s, string(c))
	}
	return strings.Join(s, ",")
}

// link makes a visit a link; beancount's links are letters, digits and -_/. .
func link(visit string) string {
	if visit == "" {
		return ""
	}
	return " ^" + strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && (alphanumeric(r) || strings.ContainsRune("-_/.", r)) {
			return r
		}
		return '-'
	}, visit)
}

// beanNames maps accounts to names that beancount takes: parts of letters,
// digits and hyphens that begin with a capital or a digit. Of two that come out
// the same, the one that had to be changed more says so with a digest of what
// it was.
func beanNames(as []account) map[string]string {
	names, count := map[string]string{}, map[string]int{}
	for _, a := range as {
		names[a.name] = beanName(a.name)
		count[names[a.name]]++
	}
	for _, a := range slices.Sorted(maps.Keys(names)) {
		if n := names[a]; count[n] > 1 && n != a {
			names[a] = fmt.Sprintf("%s-%x", n, sha256.Sum256([]byte(a)))[:len(n)+9]
		}
	}
	return names
}

func beanName(name string) string {
	parts := strings.Split(name, ":")
	for i, p := range parts {
		p = strings.Map(func(r rune) rune {
			if r < utf8.RuneSelf && alphanumeric(r) {
				return r
			}
			return '-'
		}, p)
		if c := p[0]; c >= 'a' && c <= 'z' {
			p = strings.ToUpper(p[:1]) + p[1:]
		} else if c == '-' {
			p = "X" + p
		}
		parts[i] = p
	}
	return strings.Join(parts, ":")
}

func alphanumeric(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}
