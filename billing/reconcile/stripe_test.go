package reconcile_test

import (
	"encoding/csv"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/bankfile"
	"github.com/vouchledger/vouch/billing/reconcile"
	"github.com/vouchledger/vouch/billing/stripe"
	"github.com/vouchledger/vouch/billing/stripesim"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/memlog"
)

// an account is a shop whose provider is stripesim, asked through stripe-go.
type account struct {
	*books
	sim     *stripesim.Sim
	gateway *stripe.Gateway
	card    stripe.Card
}

func openAccount(t *testing.T) *account {
	t.Helper()
	b := &books{t: t, now: monday}
	b.log = memlog.New(func() time.Time { return b.now })
	sim, err := stripesim.Open(stripesim.Config{Now: func() time.Time { return monday }, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	g, err := stripe.New(stripe.Config{SecretKey: "sk_test_x", Transport: sim.Transport(), URL: "http://stripe.invalid"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		g.Close()
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	a := &account{books: b, sim: sim, gateway: g}
	if a.rec, err = reconcile.New(b.log, g, func() time.Time { return b.now }, rules, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	card, code, err := g.Enrol(ctx(), stripe.Enrolment{Key: "enrol", Shopper: "anna", PaymentMethod: "pm_card_visa"})
	if err != nil || code != "" {
		t.Fatalf("Enrol = %q, %v", code, err)
	}
	a.card = card
	return a
}

func (a *account) pass(d time.Duration) {
	a.t.Helper()
	a.now = a.now.Add(d)
	if err := a.sim.Advance(d); err != nil {
		a.t.Fatal(err)
	}
}

func (a *account) order(visit string, op billing.Op, amount int64, object string) billing.Order {
	return billing.Order{
		Op: op, ID: visit + "-" + string(op), Key: "w1/" + visit + "/" + string(op), Visit: visit, Store: "s1", Amount: usd(amount),
		Customer: a.card.Customer, PaymentMethod: a.card.PaymentMethod, Object: object, First: a.now,
	}
}

// sells is a visit that is charged, and known to our books unless it is secret.
func (a *account) sells(visit string, amount int64, secret bool) string {
	a.t.Helper()
	held, err := a.gateway.Hold(ctx(), a.order(visit, billing.OpHold, 5000, ""))
	if err != nil || held.Status != billing.Done {
		a.t.Fatalf("Hold = %+v, %v", held, err)
	}
	got, err := a.gateway.Capture(ctx(), a.order(visit, billing.OpCapture, amount, held.Object))
	if err != nil || got.Status != billing.Done {
		a.t.Fatalf("Capture = %+v, %v", got, err)
	}
	a.begin(visit)
	if !secret {
		a.tell(ledger.PaymentStream(ledger.VisitID(visit)), ledger.Captured{Intent: ledger.ID{1}, Object: got.Object, Amount: got.Amount})
	}
	return held.Object
}

func (a *account) refunds(visit, payment string, amount int64, secret bool) {
	a.t.Helper()
	got, err := a.gateway.Refund(ctx(), a.order(visit, billing.OpRefund, amount, payment))
	if err != nil || got.Status != billing.Done {
		a.t.Fatalf("Refund = %+v, %v", got, err)
	}
	if !secret {
		a.tell(ledger.PaymentStream(ledger.VisitID(visit)), ledger.Refunded{Intent: ledger.ID{1}, Object: got.Object, Amount: got.Amount})
	}
}

// statement is the bank's file of everything the provider has paid out.
func (a *account) statement(short int64) bankfile.Statement {
	a.t.Helper()
	var text strings.Builder
	w := csv.NewWriter(&text)
	rows := [][]string{{"day", "amount", "text"}}
	for p, err := range a.gateway.Payouts(ctx(), monday.AddDate(0, -1, 0)) {
		if err != nil {
			a.t.Fatal(err)
		}
		amount := p.Amount
		amount.Minor -= short
		rows = append(rows, []string{string(p.Arrival), amount.Decimal(), "STRIPE TRANSFER " + p.Reference})
	}
	if err := w.WriteAll(rows); err != nil {
		a.t.Fatal(err)
	}
	m, err := bankfile.ParseMapping([]byte(`{"account":"main","date":"day","amount":"amount","in":"USD","reference":["text"]}`))
	if err != nil {
		a.t.Fatal(err)
	}
	s, err := bankfile.ReadCSV(strings.NewReader(text.String()), m)
	if err != nil {
		a.t.Fatal(err)
	}
	if len(s.Lines) == 0 {
		a.t.Fatal("nothing was paid out")
	}
	return s
}

func (a *account) books3(short int64) {
	a.t.Helper()
	s := a.statement(short)
	if _, err := a.rec.Statement(ctx(), "main", bankfile.CSV, ledger.DigestOf([]byte(fmt.Sprint(a.now))), s.Lines, "operator:finn"); err != nil {
		a.t.Fatal(err)
	}
}

// TestAWeekAtTheProvider: sales, a refund, a chargeback with its fee, payouts
// and the bank's file, as stripe-go reads them: all three records agree.
func TestAWeekAtTheProvider(t *testing.T) {
	a := openAccount(t)
	a.sells("a", 1000, false)
	b := a.sells("b", 4321, false)
	a.refunds("b", b, 321, false)
	a.pass(24 * time.Hour)
	dp, err := a.sim.Dispute(b, stripesim.Dispute{Amount: 500})
	if err != nil {
		t.Fatal(err)
	}
	claim, err := a.gateway.Chargeback(ctx(), dp)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range claim.Moves {
		a.tell("payment-b", ledger.ChargebackFundsMoved{
			Chargeback: dp, Transaction: m.Transaction, Withdrawn: m.Withdrawn, Amount: m.Amount, Fee: m.Fee,
		})
	}
	a.sells("c", 2500, false)
	for range 9 {
		a.pass(24 * time.Hour)
		if _, err := a.rec.Once(ctx()); err != nil {
			t.Fatal(err)
		}
	}
	a.books3(0)
	if got := a.differences(0); len(got) != 0 {
		for _, name := range got {
			t.Errorf("%s: %+v", name, a.exception(name))
		}
	}
	round, err := a.rec.Once(ctx())
	if err != nil || round.Transactions != 0 || round.Payouts != 0 || round.Opened != 0 {
		t.Errorf("another round = %+v, %v; want that nothing is new", round, err)
	}
}

// TestWhatOurBooksDoNotKnowIsFound: a capture and a refund in the dashboard, a
// capture that the provider lost, and a bank that got a cent less.
func TestWhatOurBooksDoNotKnowIsFound(t *testing.T) {
	a := openAccount(t)
	secret := a.sells("secret", 1000, true)
	open := a.sells("b", 2000, false)
	a.refunds("b", open, 300, true)
	a.begin("ghost")
	a.tell("payment-ghost", ledger.Captured{Intent: ledger.ID{1}, Object: "pi_ghost", Amount: usd(700)})
	for range 6 {
		a.pass(24 * time.Hour)
	}
	a.books3(1)
	got := a.differences(0)
	want := []string{"missing_here-" + secret, "missing_at_psp-pi_ghost"}
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("exceptions %q, want %s among them", got, w)
		}
	}
	var refund, bank bool
	for _, name := range got {
		refund = refund || strings.HasPrefix(name, "refund_without_case-re_")
		bank = bank || strings.HasPrefix(name, "payout_short-po_") && strings.HasSuffix(name, "/bank")
	}
	if !refund || !bank || len(got) != 4 {
		t.Errorf("exceptions %q, want a refund without a case and a bank line that is short, and four in all", got)
	}
}
