package export_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing/export"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections/books"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func in(c money.Currency, minor int64) money.Money { return money.Money{Minor: minor, Currency: c} }

// receipt returns a receipt over so many bottles of 1.99 with tax and, without
// tax, a deposit.
func receipt(visit ledger.VisitID, c money.Currency, number, corrects string, n int64) ledger.ReceiptDocument {
	rule := ledger.TaxRule{Category: "food", Jurisdiction: "US-WA-SEATTLE", Rate: "0.1035", Rounding: money.HalfUp, Parts: "US-WA=0.065 US-WA-SEATTLE=0.0385"}
	free := ledger.TaxRule{Category: "none", Jurisdiction: "US-WA-SEATTLE", Rate: "0", Rounding: money.HalfUp}
	return ledger.ReceiptDocument{
		Number: number, Corrects: corrects, Visit: visit, Store: "s1", Issued: noon,
		Seller: ledger.Seller{Name: "Corner", Currency: c, Timezone: "UTC"},
		Lines: []ledger.ReceiptLine{
			{
				No: 1, SKU: "cola", Name: "Cola", Category: "Getränke & Co: kalt", Quantity: int(n), Unit: in(c, 199), Net: in(c, 199*n),
				Tax: in(c, 21*n), Gross: in(c, 220*n), TaxRule: rule, Check: ledger.CheckMachine, Causes: []ledger.ID{{1}},
			},
			{
				No: 2, SKU: "cola", Name: "Bottle", Category: "Getränke & Co: kalt", LineKind: ledger.LineDeposit, Of: 1, Quantity: int(n),
				Unit: in(c, 25), Net: in(c, 25*n), Tax: in(c, 0), Gross: in(c, 25*n), TaxRule: free, Check: ledger.CheckMachine,
				Causes: []ledger.ID{{1}},
			},
		},
		Net: in(c, 224*n), Tax: in(c, 21*n), Gross: in(c, 245*n),
	}
}

type step struct {
	stream  ledger.StreamID
	payload ledger.Payload
}

// history is a visit that was charged for two bottles and refunded one, the
// provider's fee, a payout, a bank line, and visits in yen and in dinars.
func history() []step {
	bank := ledger.BankStatementRecorded{Account: "US 12-3;4", File: ledger.DigestOf(nil), Format: "csv", Lines: []ledger.BankLine{
		{Line: "a \"b\" | c; d", Booked: "2026-11-25", Amount: in("USD", 210), Reference: "STRIPE 7"},
	}}
	return []step{
		{"visit-v1", ledger.ReceiptIssued{Document: receipt("v1", "USD", "s1-2026-000001", "", 2)}},
		{"payment-v1", ledger.Captured{Intent: ledger.ID{2}, Object: "pi_1", Amount: in("USD", 490)}},
		{"visit-v1", ledger.ReceiptCorrected{
			Document: receipt("v1", "USD", "s1-2026-000002", "s1-2026-000001", 1), Change: in("USD", -245), Because: ledger.ID{3},
		}},
		{"payment-v1", ledger.Refunded{Intent: ledger.ID{4}, Object: "re_1", Amount: in("USD", 245)}},
		{"provider-acct", ledger.BalanceRecorded{Provider: "acct", Transactions: []ledger.BalanceTransaction{
			{Transaction: "t1", Category: "charge", Visit: "v1", Amount: in("USD", 490), Fee: in("USD", 35), Net: in("USD", 455), Created: noon},
			{Transaction: "t2", Category: "fee", Amount: in("USD", -1), Fee: in("USD", 0), Net: in("USD", -1), Created: noon},
		}}},
		{"payout-po", ledger.PayoutRecorded{Payout: "po", Provider: "acct", Amount: in("USD", 209), Arrival: "2026-11-25", Reference: "STRIPE 7"}},
		{"bank-1", bank},
		{"visit-v2", ledger.ReceiptIssued{Document: receipt("v2", "JPY", "s1-2026-000003", "", 1)}},
		{"payment-v2", ledger.Captured{Intent: ledger.ID{5}, Object: "pi_2", Amount: in("JPY", 245)}},
		{"visit-v3", ledger.ReceiptIssued{Document: receipt("v3", "KWD", "s1-2026-000004", "", 3)}},
	}
}

func fold(t testing.TB, steps []step) *books.Journal {
	t.Helper()
	var j books.Journal
	revisions := map[ledger.StreamID]uint64{}
	for i, s := range steps {
		e := ledger.Event{Payload: s.payload, Record: ledger.Record{
			ID: ledger.ID{byte(10 + i)}, Kind: s.payload.Kind(), Stream: s.stream, Revision: revisions[s.stream],
			Position: uint64(2*i + 2), Occurred: noon.Add(time.Duration(i) * time.Minute),
		}}
		revisions[s.stream]++
		if err := j.Apply(e); err != nil {
			t.Fatalf("Apply(%s) = %v", e.Kind, err)
		}
	}
	return &j
}

func bookOf(t testing.TB, steps []step) export.Book {
	t.Helper()
	return export.NewBook(fold(t, steps), time.LoadLocation, func(position uint64) uint64 { return position/2 - 1 })
}

// A checker is a program of others that must accept the export, and refuse
// every altered one.
type checker struct {
	program string
	args    []string
	file    string // how its journals are named
	write   func(io.Writer, export.Book) error
}

var checkers = map[string]checker{
	"hledger":   {"hledger", []string{"check", "--strict", "-f"}, "journal", export.Hledger},
	"ledger":    {"ledger", []string{"--strict", "--pedantic", "bal", "-f"}, "ledger", export.Ledger},
	"beancount": {"bean-check", nil, "beancount", export.Beancount},
}

func (c checker) run(t *testing.T, journal string) (string, error) {
	t.Helper()
	bin, err := exec.LookPath(c.program)
	if err != nil {
		t.Skipf("%s is not installed: .ci/setup test installs it", c.program)
	}
	name := filepath.Join(t.TempDir(), "export."+c.file)
	if err := os.WriteFile(name, []byte(journal), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), bin, append(c.args, name)...).CombinedOutput()
	return string(out), err
}

// TestOthersAcceptTheBooks runs Debian's hledger, ledger and beancount over the
// export. Each must accept it, and refuse it when one thing in it was altered:
// a cent, a balance, an account, a fraction of a cent, a currency, a posting
// that is gone, a transaction that is gone.
func TestOthersAcceptTheBooks(t *testing.T) {
	for name, c := range checkers {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := c.write(&b, bookOf(t, history())); err != nil {
				t.Fatal(err)
			}
			good := b.String()
			if out, err := c.run(t, good); err != nil {
				t.Fatalf("%s = %v\n%s\n%s", c.program, err, out, good)
			}
			for what, bad := range alterations(t, good) {
				if out, err := c.run(t, bad); err == nil {
					t.Errorf("%s over an export with %s accepts it, want a refusal\n%s", c.program, what, out)
				}
			}
		})
	}
}

// alterations returns the journal with one thing altered, in each way.
func alterations(t *testing.T, good string) map[string]string {
	t.Helper()
	bad := map[string]string{}
	lines := strings.Split(good, "\n")
	edit := func(what string, pick func(line string) bool, change func(line string) string) {
		for i, l := range lines {
			if !pick(l) {
				continue
			}
			altered := append([]string{}, lines...)
			altered[i] = change(l)
			bad[what] = strings.Join(altered, "\n")
			if change(l) == l {
				t.Fatalf("%s: the change changes nothing in %q", what, l)
			}
			return
		}
		t.Fatalf("no line for %s in\n%s", what, good)
	}
	has := func(parts ...string) func(string) bool {
		return func(l string) bool {
			for _, p := range parts {
				if !strings.Contains(l, p) {
					return false
				}
			}
			return true
		}
	}
	swap := func(old, now string) func(string) string {
		return func(l string) string { return strings.Replace(l, old, now, 1) }
	}
	edit("one cent less", has("Clearing:Provider", " 4.90 USD"), swap("4.90", "4.89"))
	edit("a cent moved in a balance", func(l string) bool {
		return strings.Contains(l, "-1.99") && (strings.Contains(l, "=") || strings.Contains(l, "balance"))
	}, swap("-1.99", "-2.00"))
	edit("an account that is not declared", func(l string) bool {
		return strings.HasPrefix(l, "account Assets:Clearing:Provider") || strings.Contains(l, "open Assets:Clearing:Provider")
	}, func(string) string { return "" })
	edit("another currency", has("Clearing:Provider", " 4.90 USD"), swap("USD", "EUR"))
	edit("a posting less", has("Clearing:Provider", " 4.90 USD"), func(string) string { return "" })
	// Fractions and whole transactions balance by themselves: only the
	// asserted balances, or the declared precision, tell.
	at := strings.Index(good, "payment captured")
	from, to := strings.LastIndex(good[:at], "\n\n"), strings.Index(good[at:], "\n\n")
	if from < 0 || to < 0 {
		t.Fatalf("the export has no captured payment\n%s", good)
	}
	captured := good[from : at+to]
	thousandth := strings.ReplaceAll(captured, "4.90 USD", "4.903 USD")
	if strings.Count(thousandth, "4.903") != 2 {
		t.Fatalf("the captured payment has other postings\n%s", captured)
	}
	bad["a fraction of a cent"] = good[:from] + thousandth + good[at+to:]
	bad["a transaction less"] = good[:from] + good[at+to:]
	return bad
}

// TestEmptyBooks exports a shop in which nothing happened.
func TestEmptyBooks(t *testing.T) {
	for name, c := range checkers {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := c.write(&b, bookOf(t, nil)); err != nil {
				t.Fatal(err)
			}
			if out, err := c.run(t, b.String()); err != nil {
				t.Errorf("%s of nothing = %v\n%s", c.program, err, out)
			}
		})
	}
}

// TestNamesThatComeOutTheSame: beancount knows fewer letters than people do,
// and two accounts stay two.
func TestNamesThatComeOutTheSame(t *testing.T) {
	var steps []step
	for i, category := range []string{"Soft Drinks", "Soft-Drinks", "Soft&Drinks", "ßäü", "ßäö", "x"} {
		v := ledger.VisitID("v" + strconv.Itoa(i))
		d := receipt(v, "USD", "s1-2026-00000"+strconv.Itoa(i), "", 1)
		d.Lines[0].Category = category
		steps = append(steps, step{ledger.VisitStream(v), ledger.ReceiptIssued{Document: d}})
	}
	var b bytes.Buffer
	if err := export.Beancount(&b, bookOf(t, steps)); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), " open Income:Sales:"); n != 6 {
		t.Errorf("%d sales accounts are opened, want 6", n)
	}
	if out, err := checkers["beancount"].run(t, b.String()); err != nil {
		t.Errorf("bean-check = %v\n%s\n%s", err, out, b.String())
	}
}

// TestCSVSumsToZero reads the CSV back: it names every event and its leaf, and
// its postings sum to zero for each.
func TestCSVSumsToZero(t *testing.T) {
	var b bytes.Buffer
	if err := export.CSV(&b, bookOf(t, history())); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	sums := map[string]int64{}
	for _, r := range rows[1:] {
		minor, err := strconv.ParseInt(r[column["amount_minor"]], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		sums[r[column["event"]]+r[column["currency"]]] += minor
		position, _ := strconv.Atoi(r[column["position"]])
		if leaf, err := strconv.Atoi(r[column["leaf"]]); err != nil || leaf != position/2-1 {
			t.Errorf("the event at %d has leaf %s, want %d", position, r[column["leaf"]], position/2-1)
		}
	}
	if len(sums) != len(history()) {
		t.Errorf("events in the CSV = %d, want %d", len(sums), len(history()))
	}
	for event, sum := range sums {
		if sum != 0 {
			t.Errorf("postings of event %s sum to %d, want 0", event, sum)
		}
	}
}

// TestAnyNameIsExported: whatever characters a category, a receipt, a bank line
// or a visit has, every program reads the export.
func TestAnyNameIsExported(t *testing.T) {
	var steps []step
	for i, c := range append([]rune("äß€日\u00a0\u2028\t\n"), printable()...) {
		for k, name := range []string{string(c) + "x", "x" + string(c), "a" + string(c) + "b", "a " + string(c) + " b"} {
			v := ledger.VisitID(fmt.Sprintf("v%d-%d%s", i, k, string(c)))
			d := receipt(v, "USD", "s1"+string(c)+"2026-"+strconv.Itoa(i), "", 1)
			d.Lines[0].Category, d.Lines[0].TaxRule.Parts, d.Lines[0].TaxRule.Jurisdiction = name, "", name
			steps = append(steps, step{ledger.VisitStream(v), ledger.ReceiptIssued{Document: d}},
				step{ledger.StreamID("bank-" + strconv.Itoa(i)), ledger.BankStatementRecorded{
					Account: name, File: ledger.DigestOf(nil), Format: "csv",
					Lines: []ledger.BankLine{{Line: name, Booked: "2026-11-25", Amount: in("USD", 1), Reference: name}},
				}})
		}
	}
	b := bookOf(t, steps)
	for name, c := range checkers {
		t.Run(name, func(t *testing.T) {
			var text bytes.Buffer
			if err := c.write(&text, b); err != nil {
				t.Fatal(err)
			}
			if out, err := c.run(t, text.String()); err != nil {
				t.Errorf("%s = %v\n%.2000s", c.program, err, out)
			}
		})
	}
}

func printable() []rune {
	var rs []rune
	for c := ' '; c <= '~'; c++ {
		rs = append(rs, c)
	}
	return rs
}
