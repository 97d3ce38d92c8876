package export_test

import (
	"bytes"
	"encoding/csv"
	"os/exec"
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

func usd(minor int64) money.Money { return money.Money{Minor: minor, Currency: "USD"} }

// receipt returns a receipt over so many colas of 2.20 with tax.
func receipt(number, corrects string, quantity int64) ledger.ReceiptDocument {
	rule := ledger.TaxRule{Category: "food", Jurisdiction: "US-WA", Rate: "0.1035", Rounding: money.HalfUp}
	return ledger.ReceiptDocument{
		Number: number, Corrects: corrects, Visit: "v1", Store: "s1",
		Seller: ledger.Seller{Name: "Corner", Currency: "USD", Timezone: "UTC"}, Issued: noon,
		Lines: []ledger.ReceiptLine{{
			No: 1, SKU: "cola", Name: "Cola", Category: "drinks", Quantity: int(quantity), Unit: usd(199), Net: usd(199 * quantity),
			Tax: usd(21 * quantity), Gross: usd(220 * quantity), TaxRule: rule, Check: ledger.CheckMachine, Causes: []ledger.ID{{1}},
		}},
		Taxes: []ledger.TaxTotal{{Rule: rule, Net: usd(199 * quantity), Tax: usd(21 * quantity)}},
		Net:   usd(199 * quantity), Tax: usd(21 * quantity), Gross: usd(220 * quantity),
	}
}

// book folds a visit that was charged for two colas and refunded one.
func book(t *testing.T) export.Book {
	t.Helper()
	var j books.Journal
	revisions := map[ledger.StreamID]uint64{}
	for i, step := range []struct {
		stream  ledger.StreamID
		payload ledger.Payload
	}{
		{"visit-v1", ledger.ReceiptIssued{Document: receipt("s1-2026-000001", "", 2)}},
		{"payment-v1", ledger.Captured{Intent: ledger.ID{2}, Object: "pi_1", Amount: usd(440)}},
		{"visit-v1", ledger.ReceiptCorrected{Document: receipt("s1-2026-000002", "s1-2026-000001", 1), Change: usd(-220), Because: ledger.ID{3}}},
		{"payment-v1", ledger.Refunded{Intent: ledger.ID{4}, Object: "re_1", Amount: usd(220)}},
	} {
		e := ledger.Event{Payload: step.payload, Record: ledger.Record{
			ID: ledger.ID{byte(10 + i)}, Kind: step.payload.Kind(), Stream: step.stream, Revision: revisions[step.stream],
			Position: uint64(i + 1), Occurred: noon.Add(time.Duration(i) * time.Minute),
		}}
		revisions[step.stream]++
		if err := j.Apply(e); err != nil {
			t.Fatalf("Apply(%s) = %v", e.Kind, err)
		}
	}
	return export.Book{Entries: j.Entries(), Balances: j.Balances(), Position: j.Position()}
}

func hledger(t *testing.T, journal string) (string, error) {
	t.Helper()
	bin, err := exec.LookPath("hledger")
	if err != nil {
		t.Skip("hledger is not installed")
	}
	cmd := exec.CommandContext(t.Context(), bin, "-f", "-", "check", "--strict")
	cmd.Stdin = strings.NewReader(journal)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestHledgerAcceptsTheBooks runs Debian's hledger over the export, and over
// exports that were tampered with, which it must refuse.
func TestHledgerAcceptsTheBooks(t *testing.T) {
	var b bytes.Buffer
	if err := export.Hledger(&b, book(t)); err != nil {
		t.Fatal(err)
	}
	good := b.String()
	if out, err := hledger(t, good); err != nil {
		t.Fatalf("hledger check --strict = %v\n%s\n%s", err, out, good)
	}
	for name, edit := range map[string][2]string{
		"one cent off":          {"4.40 USD", "4.39 USD"},
		"a wrong balance":       {"= -1.99 USD", "= -2.00 USD"},
		"an undeclared account": {"account Assets:Clearing:Provider\n", ""},
		"another currency":      {"4.40 USD", "4.40 EUR"},
	} {
		bad := strings.Replace(good, edit[0], edit[1], 1)
		if bad == good {
			t.Fatalf("%s: the edit changes nothing in\n%s", name, good)
		}
		if _, err := hledger(t, bad); err == nil {
			t.Errorf("hledger check --strict over %s = nil error, want a refusal", name)
		}
	}
}

// TestEmptyBooks exports a shop in which nothing happened.
func TestEmptyBooks(t *testing.T) {
	var b bytes.Buffer
	if err := export.Hledger(&b, export.Book{}); err != nil {
		t.Fatal(err)
	}
	if out, err := hledger(t, b.String()); err != nil {
		t.Errorf("hledger check --strict of nothing = %v\n%s", err, out)
	}
}

// TestCSVSumsToZero reads the CSV back: it names every event and its postings
// sum to zero for each.
func TestCSVSumsToZero(t *testing.T) {
	var b bytes.Buffer
	if err := export.CSV(&b, book(t)); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]int64{}
	for _, r := range rows[1:] {
		minor, err := strconv.ParseInt(r[9], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		sums[r[3]] += minor
	}
	if len(sums) != 4 {
		t.Errorf("events in the CSV = %d, want 4", len(sums))
	}
	for event, sum := range sums {
		if sum != 0 {
			t.Errorf("postings of event %s sum to %d, want 0", event, sum)
		}
	}
}
