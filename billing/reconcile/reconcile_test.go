package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/billing/reconcile"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/memlog"
	"github.com/vouchledger/vouch/ledger/money"
)

var monday = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func usd(n int64) money.Money { return money.Money{Minor: n, Currency: "USD"} }

// tester is a test or one draw of a property.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// books are a shop's log whose provider and bank are played by the test.
type books struct {
	t    tester
	now  time.Time
	log  *memlog.Log
	rec  *reconcile.Reconciler
	n    int
	txns []ledger.BalanceTransaction // in no payout yet
}

var rules = reconcile.Config{Fees: map[money.Currency]reconcile.Fee{"USD": {Share: "0.029", Fixed: 30}}}

func open(t tester) *books {
	t.Helper()
	b := &books{t: t, now: monday}
	b.log = memlog.New(func() time.Time { return b.now })
	var err error
	if b.rec, err = reconcile.New(b.log, nil, func() time.Time { return b.now }, rules, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	b.tell(ledger.StoreStream("s1"), ledger.StoreOpened{
		Store: "s1", Catalogue: "c", Seller: ledger.Seller{Name: "n", Currency: "USD", Timezone: "America/Los_Angeles"},
	})
	return b
}

func (b *books) tell(stream ledger.StreamID, p ledger.Payload) ledger.ID {
	b.t.Helper()
	b.n++
	d, err := ledger.NewDraft(ledger.Meta{ID: ledger.DeriveID(ledger.ID{7}, fmt.Sprint(b.n)), Occurred: b.now, Actor: "test"}, p)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.log.Append(ctx(), stream, ledger.Any(), d); err != nil {
		b.t.Fatal(err)
	}
	return d.ID
}

// begin begins a visit that is called like its payment.
func (b *books) begin(visit string) {
	b.t.Helper()
	v := ledger.VisitID(visit)
	b.tell(ledger.VisitStream(v), ledger.GatePresented{
		Visit: v, Store: "s1", Gate: "g", Place: ledger.PlaceGate, Credential: ledger.CredentialQR, Ticket: visit, Shopper: "anna",
		Party: 1, Catalogue: "c", Seller: ledger.Seller{Name: "n", Currency: "USD", Timezone: "America/Los_Angeles"},
		Policy: ledger.Policy{Hold: usd(5000), ReviewSeconds: 1, GateSeconds: 1, OnDeadline: ledger.ForShopper},
	})
}

// takes is a capture in our books.
func (b *books) takes(visit string, amount int64) {
	b.t.Helper()
	b.begin(visit)
	b.tell(ledger.PaymentStream(ledger.VisitID(visit)), ledger.Captured{Intent: ledger.ID{1}, Object: "pi_" + visit, Amount: usd(amount)})
}

func (b *books) gives(visit string, amount int64) {
	b.t.Helper()
	b.tell(ledger.PaymentStream(ledger.VisitID(visit)), ledger.Refunded{Intent: ledger.ID{1}, Object: "re_" + visit, Amount: usd(amount)})
}

// says is a movement in the provider's list.
func (b *books) says(id, category, source, payment, visit string, amount, fee int64) {
	b.t.Helper()
	t := ledger.BalanceTransaction{
		Transaction: id, Category: category, Source: source, Payment: payment, Visit: ledger.VisitID(visit), Amount: usd(amount), Fee: usd(fee),
		Net: usd(amount - fee), Created: b.now, Available: b.now.Add(48 * time.Hour),
	}
	b.record(t)
	b.txns = append(b.txns, t)
}

func (b *books) record(t ledger.BalanceTransaction) {
	b.t.Helper()
	b.tell(ledger.ProviderStream("acct"), ledger.BalanceRecorded{Provider: "acct", Transactions: []ledger.BalanceTransaction{t}})
}

// fee is the provider's, as its table says.
func fee(amount int64) int64 { return (amount*29+500)/1000 + 30 }

// charged is a capture that both know.
func (b *books) charged(visit string, amount int64) {
	b.t.Helper()
	b.takes(visit, amount)
	b.says("txn_"+visit, "charge", "ch_"+visit, "pi_"+visit, visit, amount, fee(amount))
}

// pays out what is in no payout, and the bank books it; change may spoil both.
func (b *books) payout(id string, change func(p *ledger.PayoutRecorded, l *ledger.BankLine)) {
	b.t.Helper()
	p := ledger.PayoutRecorded{Payout: id, Provider: "acct", Amount: usd(0), Arrival: ledger.Date(b.now.Format(time.DateOnly)), Reference: "STRIPE " + id}
	for _, t := range b.txns {
		p.Amount.Minor += t.Net.Minor
		p.Transactions = append(p.Transactions, t.Transaction)
	}
	b.txns = nil
	l := ledger.BankLine{Line: "line-" + id, Booked: p.Arrival, Amount: p.Amount, Reference: p.Reference, Party: "Stripe Inc"}
	if change != nil {
		change(&p, &l)
	}
	b.tell(ledger.PayoutStream(id), p)
	b.says("txn_"+id, "payout", id, "", "", -p.Amount.Minor, 0)
	b.txns = nil
	if l.Line != "" {
		b.tell(ledger.BankStream("main"), ledger.BankStatementRecorded{
			Account: "main", File: ledger.DigestOf([]byte(id)), Format: "csv", Lines: []ledger.BankLine{l},
		})
	}
}

// differences returns the names of the open exceptions after some days.
func (b *books) differences(days int) []string {
	b.t.Helper()
	b.now = b.now.AddDate(0, 0, days)
	if _, err := b.rec.Once(ctx()); err != nil {
		b.t.Fatal(err)
	}
	all, err := b.rec.Exceptions(ctx())
	if err != nil {
		b.t.Fatal(err)
	}
	var open []string
	for _, x := range all {
		if x.Open() {
			open = append(open, x.Exception)
		}
	}
	slices.Sort(open)
	return open
}

// week is a shop's ordinary week: sales, a refund, one that came back, a
// chargeback won, two payouts.
func week(b *books) {
	b.charged("a", 1000)
	b.charged("b", 333)
	b.gives("b", 100)
	b.says("txn_rb", "refund", "re_b", "pi_b", "b", -100, 0)
	b.now = b.now.AddDate(0, 0, 2)
	b.payout("po_1", nil)
	b.tell("payment-b", ledger.RefundFailed{Refund: "re_b", Amount: usd(100), Code: "expired_or_canceled_card"})
	b.says("txn_fb", "refund_failure", "re_b", "pi_b", "b", 100, 0)
	b.tell("payment-a", ledger.ChargebackFundsMoved{Chargeback: "dp_1", Transaction: "txn_d1", Withdrawn: true, Amount: usd(400), Fee: usd(1500)})
	b.says("txn_d1", "dispute", "dp_1", "pi_a", "a", -400, 1500)
	b.tell("payment-a", ledger.ChargebackFundsMoved{Chargeback: "dp_1", Transaction: "txn_d2", Amount: usd(400), Fee: usd(0)})
	b.says("txn_d2", "dispute_reversal", "dp_1", "pi_a", "a", 400, 0)
	b.charged("c", 90000)
	b.now = b.now.AddDate(0, 0, 2)
	b.payout("po_2", nil)
}

// TestAnOrdinaryWeekHasNoExceptions: what three records agree on is nobody's
// work.
func TestAnOrdinaryWeekHasNoExceptions(t *testing.T) {
	b := open(t)
	week(b)
	if got := b.differences(20); len(got) != 0 {
		t.Errorf("exceptions %v, want none", got)
	}
}

// TestEachFaultIsNamed plants one fault in an ordinary week, and requires that
// it is named, and nothing else.
func TestEachFaultIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		plant func(b *books)
		want  []string
	}{
		"we captured what the provider does not know": {func(b *books) { b.takes("x", 500) }, []string{"missing_at_psp-pi_x"}},
		"somebody captured in the dashboard": {func(b *books) {
			b.begin("x")
			b.says("txn_x", "charge", "ch_x", "pi_x", "x", 500, fee(500))
		}, []string{"missing_here-pi_x"}},
		"the provider took less": {func(b *books) {
			b.takes("x", 500)
			b.says("txn_x", "charge", "ch_x", "pi_x", "x", 490, fee(490))
		}, []string{"amount_diff-pi_x"}},
		"the provider books in another currency": {func(b *books) {
			b.takes("x", 500)
			at := b.now
			b.record(ledger.BalanceTransaction{
				Transaction: "txn_x", Category: "charge", Source: "ch_x", Payment: "pi_x", Amount: money.Money{Minor: 460, Currency: "EUR"},
				Fee: money.Zero("EUR"), Net: money.Money{Minor: 460, Currency: "EUR"}, Created: at, Available: at.AddDate(1, 0, 0),
			})
		}, []string{"currency_diff-pi_x"}},
		"one payment is captured twice": {func(b *books) {
			b.charged("x", 500)
			b.says("txn_x2", "charge", "ch_x2", "pi_x", "x", 500, fee(500))
		}, []string{"duplicate_at_psp-pi_x"}},
		"a second payment takes the same": {func(b *books) {
			b.charged("x", 500)
			b.says("txn_x2", "charge", "ch_x2", "pi_x2", "x", 500, fee(500))
		}, []string{"duplicate_at_psp-pi_x2"}},
		"the fee is a cent too high": {func(b *books) {
			b.takes("x", 500)
			b.says("txn_x", "charge", "ch_x", "pi_x", "x", 500, fee(500)+1)
		}, []string{"fee_out_of_table-txn_x"}},
		"a refund that nobody asked for": {func(b *books) {
			b.charged("x", 500)
			b.says("txn_r", "refund", "re_x", "pi_x", "x", -500, 0)
		}, []string{"refund_without_case-re_x"}},
		"a refund that never arrived": {func(b *books) {
			b.charged("x", 500)
			b.gives("x", 100)
		}, []string{"missing_at_psp-re_x"}},
		"a refund of another amount": {func(b *books) {
			b.charged("x", 500)
			b.gives("x", 100)
			b.says("txn_r", "refund", "re_x", "pi_x", "x", -99, 0)
		}, []string{"amount_diff-re_x"}},
		"a refund came back unseen": {func(b *books) {
			b.charged("x", 500)
			b.gives("x", 100)
			b.says("txn_r", "refund", "re_x", "pi_x", "x", -100, 0)
			b.says("txn_f", "refund_failure", "re_x", "pi_x", "x", 100, 0)
		}, []string{"missing_here-re_x"}},
		"a chargeback that we do not know": {func(b *books) {
			b.charged("x", 500)
			b.says("txn_d", "dispute", "dp_x", "pi_x", "x", -500, 1500)
		}, []string{"dispute_without_case-txn_d"}},
		"a chargeback took more": {func(b *books) {
			b.charged("x", 500)
			b.tell("payment-x", ledger.ChargebackFundsMoved{Chargeback: "dp_x", Transaction: "txn_d", Withdrawn: true, Amount: usd(500), Fee: usd(1500)})
			b.says("txn_d", "dispute", "dp_x", "pi_x", "x", -501, 1500)
		}, []string{"amount_diff-txn_d"}},
		"money that is in no payout": {func(b *books) {
			b.charged("x", 500)
			b.txns = b.txns[:len(b.txns)-1]
		}, []string{"stale_pending-txn_x"}},
		"a payout is a cent short": {func(b *books) {
			b.charged("x", 500)
			b.payout("po_x", func(p *ledger.PayoutRecorded, l *ledger.BankLine) { p.Amount.Minor--; l.Amount.Minor-- })
		}, []string{"payout_short-po_x"}},
		"the bank got a cent less": {func(b *books) {
			b.charged("x", 500)
			b.payout("po_x", func(_ *ledger.PayoutRecorded, l *ledger.BankLine) { l.Amount.Minor-- })
		}, []string{"payout_short-po_x/bank"}},
		"the bank got nothing": {func(b *books) {
			b.charged("x", 500)
			b.payout("po_x", func(_ *ledger.PayoutRecorded, l *ledger.BankLine) { l.Line = "" })
		}, []string{"bank_unmatched-po_x"}},
		"the bank got what nobody sent": {func(b *books) {
			b.tell(ledger.BankStream("main"), ledger.BankStatementRecorded{
				Account: "main", File: ledger.DigestOf([]byte("x")), Format: "csv",
				Lines: []ledger.BankLine{{Line: "l", Booked: "2026-11-30", Amount: usd(7), Reference: "STRIPE ?"}},
			})
		}, []string{"bank_unmatched-main/l"}},
		"a payout failed and the bank keeps it": {func(b *books) {
			b.charged("x", 500)
			b.payout("po_x", nil)
			b.tell(ledger.PayoutStream("po_x"), ledger.PayoutFailed{Payout: "po_x", Amount: usd(1), Code: "account_closed"})
		}, []string{"bank_unmatched-po_x"}},
	} {
		b := open(t)
		c.plant(b)
		if len(b.txns) > 0 {
			b.payout("po_0", nil)
		}
		week(b)
		if got := b.differences(20); !slices.Equal(got, c.want) {
			t.Errorf("%s: exceptions %q, want %q", name, got, c.want)
		}
		if got := b.differences(0); !slices.Equal(got, c.want) {
			t.Errorf("%s: a second look finds %q, want %q", name, got, c.want)
		}
	}
}

// TestTwoPayoutsAndOneLineAreNotGuessed: where the bank names no payout and two
// are of one amount, a person decides.
func TestTwoPayoutsAndOneLineAreNotGuessed(t *testing.T) {
	b := open(t)
	for _, id := range []string{"x", "y"} {
		b.charged(id, 500)
		b.payout("po_"+id, func(p *ledger.PayoutRecorded, l *ledger.BankLine) {
			p.Reference, l.Reference = "STRIPE", "STRIPE"
			if id == "y" {
				l.Line = ""
			}
		})
	}
	if got, want := b.differences(20), []string{"bank_unmatched-po_x", "bank_unmatched-po_y"}; !slices.Equal(got, want) {
		t.Errorf("exceptions %q, want %q", got, want)
	}
}

// TestWithinTheGraceNothingIsWrong: the provider may be an hour late.
func TestWithinTheGraceNothingIsWrong(t *testing.T) {
	b := open(t)
	b.takes("x", 500)
	if got := b.differences(0); len(got) != 0 {
		t.Fatalf("exceptions %q at once, want none", got)
	}
	b.now = b.now.Add(2 * time.Hour)
	if got := b.differences(0); !slices.Equal(got, []string{"missing_at_psp-pi_x"}) {
		t.Fatalf("exceptions %q after two hours", got)
	}
	b.says("txn_x", "charge", "ch_x", "pi_x", "x", 500, fee(500))
	if got := b.differences(0); len(got) != 0 {
		t.Errorf("exceptions %q after the provider's list caught up, want none: the matcher closes what agrees", got)
	}
	x := b.exception("missing_at_psp-pi_x")
	if x.By != reconcile.Matcher || x.Store != "s1" || x.Day != "2026-11-30" || x.Owner != "finance" {
		t.Errorf("closed as %+v", x)
	}
}

func (b *books) exception(name string) reconcile.Exception {
	b.t.Helper()
	all, err := b.rec.Exceptions(ctx())
	if err != nil {
		b.t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(x reconcile.Exception) bool { return x.Exception == name })
	if i < 0 {
		b.t.Fatalf("no exception %s", name)
	}
	return all[i]
}

// TestAPersonExplains: what is explained stays so while it is as it was, has an
// owner and an age, and is a new exception when it changes.
func TestAPersonExplains(t *testing.T) {
	b := open(t)
	b.takes("x", 500)
	b.differences(1)
	const name = "missing_at_psp-pi_x"
	if x, err := b.rec.Assign(ctx(), name, "operator:gwen", "operator:finn"); err != nil || x.Owner != "operator:gwen" {
		t.Fatalf("Assign = %+v, %v", x, err)
	}
	b.now = b.now.Add(36 * time.Hour)
	if age := b.exception(name).Age(b.now); age != 36*time.Hour {
		t.Errorf("it is %s old, want 36h", age)
	}
	if x, err := b.rec.Explain(ctx(), name, "operator:gwen", "the provider lost it"); err != nil || x.Open() {
		t.Fatalf("Explain = %+v, %v", x, err)
	}
	if got := b.differences(1); len(got) != 0 {
		t.Errorf("exceptions %q after it was explained, want none", got)
	}
	if _, err := b.rec.Explain(ctx(), name, "operator:finn", "again"); !errors.Is(err, reconcile.ErrExplained) {
		t.Errorf("a second Explain = %v, want ErrExplained", err)
	}
	if _, err := b.rec.Assign(ctx(), "nobody", "a", "b"); !errors.Is(err, reconcile.ErrUnknown) {
		t.Errorf("Assign of nothing = %v, want ErrUnknown", err)
	}
	b.tell("payment-x", ledger.Captured{Intent: ledger.ID{1}, Object: "pi_x", Amount: usd(1)})
	if got := b.differences(1); !slices.Equal(got, []string{name + "-2"}) {
		t.Errorf("exceptions %q after it changed, want %s-2", got, name)
	}
}

// TestAStatementTwice: the same file again, and a later one that overlaps, add
// only what is new.
func TestAStatementTwice(t *testing.T) {
	b := open(t)
	lines := []ledger.BankLine{
		{Line: "1", Booked: "2026-11-30", Amount: usd(5), Reference: "a"},
		{Line: "2", Booked: "2026-11-30", Amount: usd(6), Reference: "b"},
		{Line: "3", Booked: "2026-12-01", Amount: usd(7), Reference: "c"},
	}
	for i, c := range []struct {
		lines []ledger.BankLine
		added int
	}{{lines[:2], 2}, {lines[:2], 0}, {lines[1:], 1}, {nil, 0}} {
		n, err := b.rec.Statement(ctx(), "main", "csv", ledger.DigestOf([]byte{byte(i)}), c.lines, "operator:finn")
		if err != nil || n != c.added {
			t.Errorf("statement %d adds %d lines (%v), want %d", i, n, err, c.added)
		}
	}
	many := make([]ledger.BankLine, 900)
	for i := range many {
		many[i] = ledger.BankLine{Line: fmt.Sprintf("m%d", i), Booked: "2026-12-01", Amount: usd(1), Reference: strings.Repeat("x", 400)}
	}
	if n, err := b.rec.Statement(ctx(), "main", "csv", ledger.DigestOf([]byte("many")), many, "operator:finn"); err != nil || n != 900 {
		t.Errorf("a year of lines adds %d (%v), want 900", n, err)
	}
}

// TestRulesThatCannotBeUsed are refused before anything is compared.
func TestRulesThatCannotBeUsed(t *testing.T) {
	for _, bad := range []reconcile.Config{
		{Fees: map[money.Currency]reconcile.Fee{"XXQ": {Share: "0.01"}}},
		{Fees: map[money.Currency]reconcile.Fee{"USD": {Share: "1.01"}}},
		{Fees: map[money.Currency]reconcile.Fee{"USD": {Share: "0.01", Fixed: -1}}},
		{Fees: map[money.Currency]reconcile.Fee{"USD": {Share: "some"}}},
		{Tolerance: -1},
		{GraceMinutes: -1},
		{StaleDays: -1},
		{BankDays: -1},
	} {
		if _, err := reconcile.New(memlog.New(time.Now), nil, time.Now, bad, slog.New(slog.DiscardHandler)); !errors.Is(err, reconcile.ErrConfig) {
			t.Errorf("New(%+v) = %v, want ErrConfig", bad, err)
		}
	}
}

// TestAnyFaithfulHistoryHasNoExceptions: whatever is sold, given back, claimed
// and paid out, in whatever order, if provider and bank say the same there is
// no exception; and if one amount of theirs is changed there is one.
func TestAnyFaithfulHistoryHasNoExceptions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := open(t)
		n := rapid.IntRange(1, 25).Draw(t, "movements")
		lie := rapid.IntRange(0, 2*n).Draw(t, "lie") // often none
		var refundable []string
		lied := false
		for i := range n {
			by := int64(0)
			if i == lie {
				by, lied = rapid.Int64Range(1, 50).Draw(t, "by"), true
			}
			id := fmt.Sprintf("v%d", i)
			switch kind := rapid.IntRange(0, 3).Draw(t, "kind"); {
			case kind == 1 && len(refundable) > 0:
				v := refundable[0]
				refundable = refundable[1:]
				amount := rapid.Int64Range(1, 90).Draw(t, "back")
				b.gives(v, amount)
				b.says("txn_r"+v, "refund", "re_"+v, "pi_"+v, v, -amount-by, 0)
			case kind == 2 && len(b.txns) > 0:
				b.now = b.now.AddDate(0, 0, 1)
				b.payout("po_"+id, func(_ *ledger.PayoutRecorded, l *ledger.BankLine) { l.Amount.Minor -= by })
			default:
				amount := rapid.Int64Range(100, 99999).Draw(t, "amount")
				b.takes(id, amount)
				b.says("txn_"+id, "charge", "ch_"+id, "pi_"+id, id, amount+by, fee(amount+by))
				refundable = append(refundable, id)
			}
			b.now = b.now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "minutes")) * time.Minute)
		}
		if len(b.txns) > 0 {
			b.payout("po_last", nil)
		}
		if got := b.differences(20); (len(got) == 1) != lied || len(got) > 1 {
			t.Fatalf("exceptions %q, a lie told: %v", got, lied)
		}
	})
}

func ctx() context.Context { return context.Background() }
