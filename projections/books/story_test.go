package books_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections/books"
)

// TestASaleGoesAllTheWayToTheBank: two bottles are sold, captured, paid out
// and arrive, and the provider keeps its fee.
func TestASaleGoesAllTheWayToTheBank(t *testing.T) {
	s := open(t)
	s.visit("v1", presented("v1", ledger.CredentialQR))
	d := s.sell("v1", cola(2), bottle(2))
	s.balances(map[string]int64{
		books.AccountReceivable: 450, "Income:Sales:Soft Drinks": -336, "Liabilities:Tax:DE:19": -64, books.AccountDeposits: -50,
	})
	s.capture("v1", d.Gross.Minor)
	s.tell(ledger.ProviderStream("acct"), ledger.BalanceRecorded{Provider: "acct", Transactions: []ledger.BalanceTransaction{{
		Transaction: "txn_1", Category: "charge", Source: "ch_1", Visit: "v1", Amount: eur(450), Fee: eur(32), Net: eur(418),
		Created: s.at, Available: s.at,
	}}})
	s.tell(ledger.PayoutStream("po_1"), ledger.PayoutRecorded{
		Payout: "po_1", Provider: "acct", Amount: eur(418), Arrival: "2026-03-04", Reference: "STRIPE-77", More: true,
	})
	s.tell(ledger.PayoutStream("po_1"), ledger.PayoutRecorded{
		Payout: "po_1", Provider: "acct", Amount: eur(418), Arrival: "2026-03-04", Reference: "STRIPE-77",
	})
	s.balances(map[string]int64{
		"Income:Sales:Soft Drinks": -336, "Liabilities:Tax:DE:19": -64, books.AccountDeposits: -50,
		books.AccountFees: 32, books.AccountInTransit: 418,
	})
	s.tell(ledger.BankStream("DE89"), ledger.BankStatementRecorded{
		Account: "DE89", File: ledger.DigestOf(nil), Format: "csv", Lines: []ledger.BankLine{
			{Line: "1", Booked: "2026-03-04", Amount: eur(418), Reference: "SEPA STRIPE-77 thank you"},
			{Line: "2", Booked: "2026-03-04", Amount: eur(-900), Reference: "rent"},
		},
	})
	s.balances(map[string]int64{
		"Income:Sales:Soft Drinks": -336, "Liabilities:Tax:DE:19": -64, books.AccountDeposits: -50, books.AccountFees: 32,
		"Assets:Bank:DE89": -482, books.AccountSuspense: 900,
	})
	s.noOdd()
	entries := s.j.Entries()
	if e := entries[len(entries)-1]; e.Part != 1 || e.Day != "2026-03-04" {
		t.Errorf("the second bank line is part %d of %s, want 1 of 2026-03-04", e.Part, e.Day)
	}
	if fee := entries[2]; fee.Visit != "v1" || fee.Store != store {
		t.Errorf("the fee is of visit %q in %q, want v1 in s1", fee.Visit, fee.Store)
	}
}

// TestTheBankIsFasterThanTheProvidersList: the line waits in suspense until
// the payout that it names is known.
func TestTheBankIsFasterThanTheProvidersList(t *testing.T) {
	s := open(t)
	s.tell(ledger.BankStream("DE89"), ledger.BankStatementRecorded{
		Account: "DE89", File: ledger.DigestOf(nil), Format: "csv",
		Lines: []ledger.BankLine{{Line: "1", Booked: "2026-03-04", Amount: eur(418), Reference: "STRIPE-77"}},
	})
	s.balances(map[string]int64{"Assets:Bank:DE89": 418, books.AccountSuspense: -418})
	s.tell(ledger.PayoutStream("po_1"), ledger.PayoutRecorded{
		Payout: "po_1", Provider: "acct", Amount: eur(418), Arrival: "2026-03-04", Reference: "STRIPE-77",
	})
	s.balances(map[string]int64{"Assets:Bank:DE89": 418, books.AccountProvider: -418})
	s.tell(ledger.PayoutStream("po_2"), ledger.PayoutRecorded{Payout: "po_2", Provider: "acct", Amount: eur(5), Arrival: "2026-03-05"})
	s.tell(ledger.PayoutStream("po_2"), ledger.PayoutFailed{Payout: "po_2", Amount: eur(5), Code: "account_closed"})
	s.tell(ledger.PayoutStream("po_2"), ledger.PayoutFailed{Payout: "po_2", Amount: eur(5), Code: "account_closed"})
	s.balances(map[string]int64{"Assets:Bank:DE89": 418, books.AccountProvider: -418})
}

// TestTaxIsSplitBetweenItsJurisdictions: state and city each get their part,
// to the cent, and a correction takes it back from each.
func TestTaxIsSplitBetweenItsJurisdictions(t *testing.T) {
	s := open(t)
	d := s.sell("v1", item{category: "food", pieces: 3, net: 597, tax: 62, rule: split})
	s.balances(map[string]int64{
		books.AccountReceivable: 659, "Income:Sales:food": -597, "Liabilities:Tax:US-WA:6.5": -39,
		"Liabilities:Tax:US-WA-SEATTLE:3.85": -23,
	})
	s.correct(d, item{category: "food", pieces: 1, net: 199, tax: 21, rule: split})
	s.balances(map[string]int64{
		books.AccountReceivable: 220, "Income:Sales:food": -199, "Liabilities:Tax:US-WA:6.5": -13,
		"Liabilities:Tax:US-WA-SEATTLE:3.85": -8,
	})
	var base, pieces int64
	for _, e := range s.j.Entries() {
		for _, p := range e.Postings {
			if p.Jurisdiction == "US-WA" {
				base += p.Base
			}
			pieces += int64(p.Pieces)
		}
	}
	if base != 199 || pieces != 1 {
		t.Errorf("the state taxes %d of %d pieces, want 199 of 1", base, pieces)
	}
}

// TestAReturnedBasketLeavesNothing: a receipt corrected to nothing reverses
// every account, whatever was on it.
func TestAReturnedBasketLeavesNothing(t *testing.T) {
	s := open(t)
	fruit := item{category: "fruit", pieces: 2, net: 333, tax: 23, rule: split, discount: 40}
	d := s.sell("v1", cola(2), bottle(2), fruit)
	fruit.pieces, fruit.net, fruit.tax, fruit.discount = 0, 0, 0, 0
	s.correct(d, cola(0), bottle(0), fruit)
	s.balances(map[string]int64{})
	discount := int64(0)
	for _, e := range s.j.Entries() {
		for _, p := range e.Postings {
			discount += p.Discount
		}
	}
	if discount != 0 {
		t.Errorf("discounts of %d are left of nothing", discount)
	}
}

// TestWhatIsGivenBackAndWhatIsLost tells the ways money does not stay, one at
// a time, after a sale of 2.00 that was captured.
func TestWhatIsGivenBackAndWhatIsLost(t *testing.T) {
	sold := map[string]int64{"Income:Sales:Soft Drinks": -168, "Liabilities:Tax:DE:19": -32}
	for _, c := range []struct {
		name string
		then func(s *shop)
		want map[string]int64
		odd  int
	}{
		{"nothing", func(*shop) {}, map[string]int64{books.AccountProvider: 200}, 0},
		{"goodwill is an expense; the receipt stands", func(s *shop) {
			s.visit("v1", ledger.GoodwillGranted{Visit: "v1", Receipt: "r", Amount: eur(50), By: "anna", Reason: "warm"})
			s.refund("v1", 50, ledger.RefundGoodwill, "re_1")
		}, map[string]int64{books.AccountProvider: 150, books.AccountGoodwill: 50}, 0},
		{"a refund that failed is owed again", func(s *shop) {
			s.visit("v1", ledger.GoodwillGranted{Visit: "v1", Receipt: "r", Amount: eur(50), By: "anna", Reason: "warm"})
			s.refund("v1", 50, ledger.RefundGoodwill, "re_1")
			s.pay("v1", ledger.RefundFailed{Refund: "re_1", Amount: eur(50), Code: "expired_or_canceled_card"})
		}, map[string]int64{books.AccountProvider: 200, books.AccountGoodwill: 50, books.AccountReceivable: -50}, 0},
		{"a refund for a fraud warning is a loss", func(s *shop) {
			s.refund("v1", 200, ledger.RefundFraudWarning, "re_1")
		}, map[string]int64{books.AccountFraud: 200}, 0},
		{"and none when it failed", func(s *shop) {
			s.refund("v1", 200, ledger.RefundFraudWarning, "re_1")
			s.pay("v1", ledger.RefundFailed{Refund: "re_1", Amount: eur(200), Code: "lost_or_stolen_card"})
		}, map[string]int64{books.AccountProvider: 200}, 0},
		{"a chargeback is won: the fee is not given back", func(s *shop) {
			s.pay("v1", ledger.ChargebackFundsMoved{Chargeback: "dp_1", Transaction: "t1", Withdrawn: true, Amount: eur(200), Fee: eur(1500)})
			s.balances(map[string]int64{
				books.AccountChargebacks: 200, books.AccountClaimFees: 1500, books.AccountProvider: -1500,
				"Income:Sales:Soft Drinks": -168, "Liabilities:Tax:DE:19": -32,
			})
			s.pay("v1", ledger.ChargebackFundsMoved{Chargeback: "dp_1", Transaction: "t2", Amount: eur(200), Fee: eur(0)})
			s.pay("v1", ledger.ChargebackClosed{Chargeback: "dp_1", Outcome: ledger.ChargebackWon, Amount: eur(200)})
		}, map[string]int64{books.AccountProvider: -1300, books.AccountClaimFees: 1500}, 0},
		{"a part of it is lost, and the verdict came before the money went", func(s *shop) {
			s.pay("v1", ledger.ChargebackClosed{Chargeback: "dp_1", Outcome: ledger.ChargebackLost, Amount: eur(80)})
			s.pay("v1", ledger.ChargebackFundsMoved{Chargeback: "dp_1", Transaction: "t1", Withdrawn: true, Amount: eur(80), Fee: eur(0)})
		}, map[string]int64{books.AccountProvider: 120, books.AccountClaimLosses: 80}, 0},
		{"the fee comes back with the money", func(s *shop) {
			s.pay("v1", ledger.ChargebackFundsMoved{Chargeback: "dp_1", Transaction: "t1", Withdrawn: true, Amount: eur(200), Fee: eur(20)})
			s.pay("v1", ledger.ChargebackFundsMoved{Chargeback: "dp_1", Transaction: "t2", Amount: eur(200), Fee: eur(-20)})
		}, map[string]int64{books.AccountProvider: 200}, 0},
		{"somebody refunds at the provider without us", func(s *shop) {
			s.pay("v1", ledger.ExternalObserved{Object: "re_x", What: ledger.ExternalRefund, Amount: eur(70)})
		}, map[string]int64{books.AccountProvider: 130, books.AccountSuspense: 70}, 0},
		{"which a correction explains later", func(s *shop) {
			s.pay("v1", ledger.ExternalObserved{Object: "re_x", What: ledger.ExternalRefund, Amount: eur(70)})
			s.pay("v1", ledger.ExternalObserved{Object: "re_x", What: ledger.ExternalRefund, Amount: eur(70)})
			small := cola(1)
			small.net, small.tax = 118, 22
			s.correct(s.last, small)
		}, map[string]int64{
			books.AccountProvider: 130, books.AccountSuspense: 10, books.AccountReceivable: 0,
			"Income:Sales:Soft Drinks": -118, "Liabilities:Tax:DE:19": -22,
		}, 1},
		{"or had made due before", func(s *shop) {
			s.correct(s.last, cola(0))
			s.pay("v1", ledger.ExternalObserved{Object: "re_x", What: ledger.ExternalRefund, Amount: eur(200)})
		}, map[string]int64{"Income:Sales:Soft Drinks": 0, "Liabilities:Tax:DE:19": 0}, 0},
		{"the provider bills, and moves what nobody explains", func(s *shop) {
			s.tell(ledger.ProviderStream("acct"), ledger.BalanceRecorded{Provider: "acct", Transactions: []ledger.BalanceTransaction{
				{Transaction: "t1", Category: "fee", Amount: eur(-30), Fee: eur(0), Net: eur(-30), Created: s.at},
				{Transaction: "t2", Category: "other_adjustment", Amount: eur(-9), Fee: eur(1), Net: eur(-10), Created: s.at},
				{Transaction: "t3", Category: "dispute", Amount: eur(-200), Fee: eur(1500), Net: eur(-1700), Created: s.at},
			}})
		}, map[string]int64{books.AccountProvider: 160, books.AccountFees: 31, books.AccountSuspense: 9}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			s.sell("v1", cola(1))
			s.capture("v1", 200)
			c.then(s)
			want := map[string]int64{}
			for k, v := range sold {
				want[k] = v
			}
			for k, v := range c.want {
				want[k] = v
			}
			maps.DeleteFunc(want, func(_ string, v int64) bool { return v == 0 })
			s.balances(want)
			if n := len(s.j.Odd()); n != c.odd {
				t.Errorf("%d oddities, want %d: %v", n, c.odd, s.j.Odd())
			}
		})
	}
}

// TestWhoDoesNotPay: debts, supplements, cash and staff.
func TestWhoDoesNotPay(t *testing.T) {
	s := open(t)
	d := s.sell("v1", cola(1))
	s.pay("v1", ledger.DebtWrittenOff{Visit: "v1", Amount: eur(200), By: "finn", Reason: "moved away"})
	s.balances(map[string]int64{books.AccountBadDebt: 200, "Income:Sales:Soft Drinks": -168, "Liabilities:Tax:DE:19": -32})

	take := s.pay("v1", ledger.ChargeIntended{
		Visit: "v1", Store: store, Amount: eur(50), PaymentMethod: "pm", Purpose: ledger.ChargeDebt, Receipt: "r", Key: "k",
	})
	s.pay("v1", ledger.Charged{Intent: take, Object: "pi_1", Amount: eur(50)}) // a part was paid all the same
	s.balances(map[string]int64{
		books.AccountBadDebt: 150, books.AccountProvider: 50, "Income:Sales:Soft Drinks": -168, "Liabilities:Tax:DE:19": -32,
	})
	s.refund("v1", 50, ledger.RefundDuplicate, "re_1") // and given back: it is owed again, and off again
	s.pay("v1", ledger.DebtWrittenOff{Visit: "v1", Amount: eur(50), By: "finn", Reason: "moved away"})

	s.correct(d, cola(2)) // an item more was found
	id := s.visit("v1", ledger.SupplementProposed{Visit: "v1", Receipt: "r2", Amount: eur(200), Deadline: s.at})
	s.visit("v1", ledger.SupplementAnswered{Visit: "v1", Proposal: id, Answer: ledger.SupplementWaived, By: "policy"})
	s.pay("v1", ledger.DebtWrittenOff{Visit: "v1", Amount: eur(200), By: "policy", Reason: "no consent", Case: id})
	s.balances(map[string]int64{
		books.AccountBadDebt: 200, books.AccountWaived: 200, "Income:Sales:Soft Drinks": -336, "Liabilities:Tax:DE:19": -64,
	})

	s.sell("v2", cola(1))
	s.pay("v2", ledger.CashTaken{Visit: "v2", Receipt: "r3", Amount: eur(200), Till: "till-1", By: "olga"})
	s.visit("v3", presented("v3", ledger.CredentialStaff))
	s.sell("v3", cola(5))
	s.balances(map[string]int64{
		books.AccountBadDebt: 200, books.AccountWaived: 200, books.AccountCash: 200, "Income:Sales:Soft Drinks": -504,
		"Liabilities:Tax:DE:19": -96,
	})
	entries := s.j.Entries()
	if last := entries[len(entries)-1]; len(last.Postings) != 0 || !strings.Contains(last.Memo, "taken by staff: 10.00 EUR") {
		t.Errorf("staff's entry is %q with %d postings, want a memo of 10.00 EUR", last.Memo, len(last.Postings))
	}
	s.noOdd()
}

// TestHoldsCountAgainstTheShopper: a hold is a memo, and counts; when it is
// taken, what is still owed counts.
func TestHoldsCountAgainstTheShopper(t *testing.T) {
	s := open(t)
	exposed := func(want int64) {
		t.Helper()
		_, total := s.j.Exposure("lea")
		got := int64(0)
		if len(total) > 0 {
			got = total[0].Minor
		}
		if got != want {
			t.Errorf("lea's exposure = %d, want %d", got, want)
		}
	}
	s.visit("v1", presented("v1", ledger.CredentialQR))
	hold := s.pay("v1", ledger.HoldIntended{Visit: "v1", Store: store, Amount: eur(300), PaymentMethod: "pm", Key: "k"})
	exposed(0)
	s.pay("v1", ledger.Held{Intent: hold, Object: "pi_1", Amount: eur(300)})
	exposed(300)
	more := s.pay("v1", ledger.IncrementIntended{Visit: "v1", Store: store, Amount: eur(350), Object: "pi_1", Key: "k2"})
	s.pay("v1", ledger.Incremented{Intent: more, Object: "pi_1", Amount: eur(350)})
	exposed(350)
	s.sell("v1", cola(2)) // 4.00
	exposed(400)
	s.capture("v1", 350)
	exposed(50)
	s.visit("v2", presented("v2", ledger.CredentialQR))
	unknown := s.pay("v2", ledger.HoldIntended{Visit: "v2", Store: store, Amount: eur(300), PaymentMethod: "pm", Key: "k3"})
	s.pay("v2", ledger.PaymentResolved{Intent: unknown, Done: true, Object: "pi_2", Amount: eur(300), By: "finn", Reason: "seen"})
	exposed(350)
	s.pay("v2", ledger.HoldLapsed{Object: "pi_2", Amount: eur(300)})
	exposed(50)
	if stakes, _ := s.j.Exposure("lea"); len(stakes) != 1 || stakes[0].Visit != "v1" || stakes[0].Owed != eur(50) {
		t.Errorf("Exposure(lea) = %+v, want 0.50 owed of v1", stakes)
	}
	if stakes, total := s.j.Exposure(""); stakes != nil || total != nil {
		t.Errorf("Exposure(nobody) = %v, %v, want nothing", stakes, total)
	}
	s.noOdd()
}

// TestAPersonFindsOutWhatBecameOfAnOrder: done is booked, never is not.
func TestAPersonFindsOutWhatBecameOfAnOrder(t *testing.T) {
	s := open(t)
	s.sell("v1", cola(1))
	take := s.pay("v1", ledger.ChargeIntended{
		Visit: "v1", Store: store, Amount: eur(200), PaymentMethod: "pm", Purpose: ledger.ChargeDebt, Receipt: "r", Key: "k",
	})
	s.pay("v1", ledger.PaymentResolved{Intent: take, By: "finn", Reason: "not there"})
	s.balances(map[string]int64{books.AccountReceivable: 200, "Income:Sales:Soft Drinks": -168, "Liabilities:Tax:DE:19": -32})
	take = s.pay("v1", ledger.ChargeIntended{
		Visit: "v1", Store: store, Amount: eur(200), PaymentMethod: "pm", Purpose: ledger.ChargeDebt, Receipt: "r", Key: "k2",
	})
	s.pay("v1", ledger.PaymentResolved{Intent: take, Done: true, Object: "pi_2", Amount: eur(200), By: "finn", Reason: "there"})
	s.balances(map[string]int64{books.AccountProvider: 200, "Income:Sales:Soft Drinks": -168, "Liabilities:Tax:DE:19": -32})
	give := s.pay("v1", ledger.RefundIntended{Visit: "v1", Store: store, Amount: eur(20), Object: "pi_2", Receipt: "r", Key: "k3"})
	s.pay("v1", ledger.PaymentResolved{Intent: give, Done: true, Object: "re_2", Amount: eur(20), By: "finn", Reason: "there"})
	s.balances(map[string]int64{
		books.AccountProvider: 180, books.AccountReceivable: 20, "Income:Sales:Soft Drinks": -168, "Liabilities:Tax:DE:19": -32,
	})
	s.noOdd()
}

// TestACorrectionOfWhatWasWrittenOff: a debt is forgiven, and afterwards half
// of it turns out to be none. Less was forgiven, and nobody is owed money.
func TestACorrectionOfWhatWasWrittenOff(t *testing.T) {
	s := open(t)
	d := s.sell("v1", cola(2))
	s.pay("v1", ledger.DebtWrittenOff{Visit: "v1", Amount: eur(400), By: "finn", Reason: "moved away"})
	s.correct(d, cola(1))
	s.balances(map[string]int64{books.AccountBadDebt: 200, "Income:Sales:Soft Drinks": -168, "Liabilities:Tax:DE:19": -32})
	if n := len(s.j.Odd()); n != 0 {
		t.Errorf("%d oddities, want none: %v", n, s.j.Odd())
	}
}
