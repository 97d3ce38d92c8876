package reconcile_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/billing/stripesim"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
	journal "github.com/vouchledger/vouch/projections/books"
)

// stands returns what the books hold on the accounts between a shopper's card
// and the bank, and what the provider says that it still has of ours.
func (a *account) stands() (accounts map[string]int64, provider int64) {
	a.t.Helper()
	var j journal.Journal
	for e, err := range projections.Decoded(a.log.Read(ctx(), ledger.Query{})) {
		if err != nil {
			a.t.Fatal(err)
		}
		if err := j.Apply(e); err != nil {
			a.t.Fatal(err)
		}
		if p, ok := e.Payload.(ledger.BalanceRecorded); ok {
			for _, t := range p.Transactions {
				provider += t.Net.Minor
			}
		}
	}
	accounts = map[string]int64{}
	for _, b := range j.Balances() {
		accounts[b.Account] = b.Amount.Minor
	}
	return accounts, provider
}

// TestTheBooksAgreeWithTheProvider: after a week of sales, a refund, a
// chargeback, fees and payouts the clearing account is what the provider has of
// ours, to the cent; all that was paid out is in the bank, and nothing waits in
// suspense. A cent that was captured and not booked shows.
func TestTheBooksAgreeWithTheProvider(t *testing.T) {
	for _, lost := range []int64{0, 1} {
		a := openAccount(t)
		first := a.sells("a", 4321, false)
		a.refunds("a", first, 321, false)
		a.pass(24 * time.Hour)
		dp, err := a.sim.Dispute(first, stripesim.Dispute{Amount: 500})
		if err != nil {
			t.Fatal(err)
		}
		claim, err := a.gateway.Chargeback(ctx(), dp)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range claim.Moves {
			a.tell("payment-a", ledger.ChargebackFundsMoved{
				Chargeback: dp, Transaction: m.Transaction, Withdrawn: m.Withdrawn, Amount: m.Amount, Fee: m.Fee,
			})
		}
		second := a.sells("b", 2500, true)
		a.tell("payment-b", ledger.Captured{Intent: ledger.ID{1}, Object: second, Amount: usd(2500 - lost)})
		for range 9 {
			a.pass(24 * time.Hour)
			if _, err := a.rec.Once(ctx()); err != nil {
				t.Fatal(err)
			}
		}
		a.sells("c", 1000, false) // is not paid out yet
		if _, err := a.rec.Once(ctx()); err != nil {
			t.Fatal(err)
		}
		a.books3(0)
		got, provider := a.stands()
		if provider == 0 {
			t.Fatal("the provider has nothing of ours: the test shows nothing")
		}
		if diff := provider - got[journal.AccountProvider]; diff != lost {
			t.Errorf("%d cents not booked: books and provider differ by %d", lost, diff)
		}
		want := map[string]int64{journal.AccountInTransit: 0, journal.AccountSuspense: 0, journal.AccountChargebacks: 500}
		for account := range want {
			if diff := cmp.Diff(want[account], got[account]); diff != "" {
				t.Errorf("%s (-want +got)\n%s", account, diff)
			}
		}
		if got[journal.PrefixBank+"main"] <= 0 {
			t.Errorf("the bank has %d, want what was paid out", got[journal.PrefixBank+"main"])
		}
	}
}
