package stripesim_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	stripego "github.com/stripe/stripe-go/v76"
	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/billing/stripesim"
)

func (b *bank) allPayouts() (all []*stripego.Payout) {
	b.Helper()
	for list := b.payouts.List(nil); list.Next(); {
		all = append(all, list.Payout())
	}
	return all
}

// paidWith lists what a payout is the sum of, and the sum.
func (b *bank) paidWith(id string) (kinds []string, sum int64) {
	b.Helper()
	list := b.movements.List(&stripego.BalanceTransactionListParams{Payout: &id})
	for list.Next() {
		m := list.BalanceTransaction()
		kinds = append(kinds, fmt.Sprintf("%s %d", m.ReportingCategory, m.Net))
		sum += m.Net
	}
	if list.Err() != nil {
		b.Fatal(list.Err())
	}
	slices.Sort(kinds)
	return kinds, sum
}

// funds are what the account has, available and under way, in dollars.
func (b *bank) funds() (available, under int64) {
	b.Helper()
	f := must[*stripego.Balance](b)(b.balance.Get(nil))
	for _, a := range f.Available {
		available += a.Amount
	}
	for _, a := range f.Pending {
		under += a.Amount
	}
	return available, under
}

// The money of two days ago is paid out at midnight, and finance can tell
// what is in it.
func TestPayoutsComeDaily(t *testing.T) {
	b := openBank(t, stripesim.Config{})
	b.bought("pm_card_visa")
	pi := b.bought("pm_card_visa")
	must[*stripego.Refund](b)(b.refunds.New(&stripego.RefundParams{PaymentIntent: &pi.ID, Amount: stripego.Int64(1000)}))
	if available, under := b.funds(); available != -1000 || under != 2*(5000-175) {
		t.Errorf("funds = %d and %d under way", available, under)
	}
	b.advance(36 * time.Hour) // two midnights, but the money is not there yet
	if n := len(b.allPayouts()); n != 0 {
		t.Fatalf("%d payouts before the money was available", n)
	}
	b.advance(24 * time.Hour)
	po := b.allPayouts()[0]
	const sum = 2*(5000-175) - 1000
	midnight := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC).Unix()
	if po.Amount != sum || !po.Automatic || po.Status != "pending" || po.Created != midnight ||
		po.ReconciliationStatus != "in_progress" {
		t.Errorf("payout = %+v, want %d at midnight", po, sum)
	}
	want := []string{"charge 4825", "charge 4825", "payout -8650", "refund -1000"}
	if kinds, left := b.paidWith(po.ID); !slices.Equal(kinds, want) || left != 0 {
		t.Errorf("paid with %v, %d left, want %v", kinds, left, want)
	}
	if available, under := b.funds(); available != 0 || under != 0 {
		t.Errorf("funds after the payout = %d and %d, want none", available, under)
	}
	b.advance(48 * time.Hour)
	po = must[*stripego.Payout](b)(b.payouts.Get(po.ID, nil))
	events := []string{"payout.created", "payout.updated", "payout.reconciliation_completed", "payout.paid"}
	if got := b.saw(po.ID); po.Status != "paid" || po.ReconciliationStatus != "completed" || !slices.Equal(got, events) {
		t.Errorf("two days later = %s, %s, events %v", po.Status, po.ReconciliationStatus, got)
	}
	if n := len(b.allPayouts()); n != 1 {
		t.Errorf("%d payouts, want none of nothing", n)
	}
}

// A payout that our bank sends back is in the account again, and goes out
// with the next.
func TestPayoutFails(t *testing.T) {
	b := openBank(t, stripesim.Config{})
	b.bought("pm_card_visa")
	if _, err := b.sim.PayOut("usd"); !errors.Is(err, stripesim.ErrState) {
		t.Errorf("paying out what is under way = %v, want %v", err, stripesim.ErrState)
	}
	b.advance(48 * time.Hour)
	id, err := b.sim.PayOut("usd")
	b.ok(err)
	b.advance(50 * time.Hour) // paid, everybody thinks
	b.ok(b.sim.FailPayout(id, "no_account"))
	po := must[*stripego.Payout](b)(b.payouts.Get(id, nil))
	if po.Status != "failed" || po.FailureCode != "no_account" || po.FailureBalanceTransaction == nil {
		t.Errorf("payout = %+v, want it failed", po)
	}
	want := []string{"payout/payout -4825 fee 0", "payout_failure/payout_reversal 4825 fee 0"}
	if got := b.statement(id); !slices.Equal(got, want) {
		t.Errorf("statement = %v, want %v", got, want)
	}
	b.advance(24 * time.Hour)
	next := b.allPayouts()[0]
	kinds, _ := b.paidWith(next.ID)
	if next.ID == id || next.Amount != 4825 || !slices.Equal(kinds, []string{"payout -4825", "payout_reversal 4825"}) {
		t.Errorf("the next payout = %d with %v, want what came back", next.Amount, kinds)
	}
	if err := b.sim.FailPayout(id, ""); !errors.Is(err, stripesim.ErrState) {
		t.Errorf("failing it twice = %v, want %v", err, stripesim.ErrState)
	}
	if got := b.sim.Audit().Payouts["usd"]; got != (stripesim.PaidOut{Payouts: 1, Failed: 1, Amount: 4825}) {
		t.Errorf("Audit = %+v, want one paid and one failed", got)
	}
}

// By hand: what is asked for, if it is there; nothing says what it is the sum
// of.
func TestPayoutsByHand(t *testing.T) {
	b := openBank(t, stripesim.Config{ManualPayouts: true})
	b.bought("pm_card_visa")
	ask := func(amount int64) (*stripego.Payout, error) {
		return b.payouts.New(&stripego.PayoutParams{Amount: &amount, Currency: stripego.String("usd")})
	}
	_, err := ask(100)
	b.refuses(err, "balance_insufficient")
	b.advance(20 * 24 * time.Hour)
	if n := len(b.allPayouts()); n != 0 {
		t.Errorf("%d payouts nobody asked for", n)
	}
	_, err = ask(4826)
	b.refuses(err, "balance_insufficient")
	po := must[*stripego.Payout](b)(ask(4000))
	if po.Automatic || po.ReconciliationStatus != "not_applicable" {
		t.Errorf("payout = %+v, want it by hand", po)
	}
	list := b.movements.List(&stripego.BalanceTransactionListParams{Payout: &po.ID})
	list.Next()
	b.refuses(list.Err(), "invalid_request_error")
	if available, _ := b.funds(); available != 825 {
		t.Errorf("left = %d, want 825", available)
	}
	if got := must[*stripego.Payout](b)(b.payouts.Cancel(po.ID, nil)); got.Status != "canceled" {
		t.Errorf("canceled = %s", got.Status)
	}
	if available, _ := b.funds(); available != 4825 {
		t.Errorf("after the cancellation = %d, want 4825", available)
	}
	po = must[*stripego.Payout](b)(ask(4825))
	b.advance(24 * time.Hour)
	_, err = b.payouts.Cancel(po.ID, nil)
	b.refuses(err, "payouts_not_allowed")
}

// Whatever happens to the money, the statement adds up: to what the account
// has, and payout by payout to nothing.
func TestStatementAddsUp(t *testing.T) {
	outer := t
	rapid.Check(t, func(t *rapid.T) {
		b := openBank(outer, stripesim.Config{})
		var sold, refunds, disputes []string
		pick := func(ids []string) string { return rapid.SampledFrom(ids).Draw(t, "which") }
		amount := func() int64 { return rapid.Int64Range(1, 3000).Draw(t, "amount") }
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			switch what := rapid.IntRange(0, 9).Draw(t, "what"); {
			case what <= 2 || len(sold) == 0:
				sold = append(sold, b.bought("pm_card_visa").ID)
			case what == 3:
				pi, n := pick(sold), amount()
				if r, err := b.refunds.New(&stripego.RefundParams{PaymentIntent: &pi, Amount: &n}); err == nil {
					refunds = append(refunds, r.ID)
				}
			case what == 4 && len(refunds) > 0:
				_ = b.sim.FailRefund(pick(refunds), "") // may have failed before
			case what == 5:
				if id, err := b.sim.Dispute(pick(sold), stripesim.Dispute{Amount: amount()}); err == nil {
					disputes = append(disputes, id)
				}
			case what == 6 && len(disputes) > 0:
				_ = b.sim.Decide(pick(disputes), rapid.Bool().Draw(t, "won"))
			case what == 7:
				if all := b.allPayouts(); len(all) > 0 {
					_ = b.sim.FailPayout(all[0].ID, "")
				}
			case what == 8:
				n := amount()
				_, _ = b.payouts.New(&stripego.PayoutParams{Amount: &n, Currency: stripego.String("usd")})
			default:
				b.advance(time.Duration(rapid.IntRange(1, 72).Draw(t, "hours")) * time.Hour)
			}
		}
		total := int64(0)
		p := &stripego.BalanceTransactionListParams{}
		p.Limit = stripego.Int64(100)
		for list := b.movements.List(p); list.Next(); {
			total += list.BalanceTransaction().Net
		}
		if available, under := b.funds(); available+under != total {
			t.Fatalf("funds = %d and %d under way, the statement says %d", available, under, total)
		}
		for _, po := range b.allPayouts() {
			if !po.Automatic {
				continue
			}
			if _, left := b.paidWith(po.ID); left != 0 {
				t.Fatalf("payout %s of %d: %d is not accounted for", po.ID, po.Amount, left)
			}
		}
	})
}
