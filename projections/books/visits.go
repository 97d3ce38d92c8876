package books

import (
	"maps"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections/internal/state"
)

// A visitBook is what the books know of one visit.
type visitBook struct {
	Store       ledger.StoreID                      `json:"store"`
	Timezone    string                              `json:"timezone"`
	Shopper     ledger.ShopperID                    `json:"shopper"`
	Staff       bool                                `json:"staff"`
	Presented   time.Time                           `json:"presented"`
	Ended       bool                                `json:"ended"` // settled, or never let in
	Receipt     string                              `json:"receipt"`
	Booked      []Posting                           `json:"booked"`  // of the latest receipt, less the receivable
	Highest     int64                               `json:"highest"` // largest gross that was ever billed
	Captured    int64                               `json:"captured"`
	Refunded    int64                               `json:"refunded"`
	Hold        money.Money                         `json:"hold"` // that stands
	Due         map[money.Currency]int64            `json:"due"`  // what the receivable holds of this visit
	Off         map[string]map[money.Currency]int64 `json:"off"`  // written off, by account
	Orders      map[ledger.ID]order                 `json:"orders"`
	FraudOrders map[ledger.ID]bool                  `json:"fraud_orders"` // refunds that a fraud warning caused
	Fraud       map[string]bool                     `json:"fraud"`        // refunds at the provider that a fraud warning caused
	Asked       map[ledger.ID]string                `json:"asked"`        // supplements without answer, and their receipt
	External    map[string]bool                     `json:"external"`     // movements without an order of ours
	Elsewhere   map[money.Currency]int64            `json:"elsewhere"`    // given back so, and in suspense
	Granted     map[money.Currency]int64            `json:"granted"`      // goodwill
}

func (j *Journal) book(e ledger.Event) *visitBook {
	_, id := e.Stream.Split()
	b := j.s.Visits[ledger.VisitID(id)]
	if b == nil {
		b = &visitBook{}
		state.Put(&j.s.Visits, ledger.VisitID(id), b)
	}
	return b
}

func (j *Journal) presented(e ledger.Event, p ledger.GatePresented) {
	b := j.book(e)
	b.Store, b.Timezone, b.Shopper, b.Presented = p.Store, p.Seller.Timezone, p.Shopper, e.Occurred
	b.Staff = p.Credential == ledger.CredentialStaff
}

// issued books a sale: the shopper owes the gross, the shop earned the net.
func (j *Journal) issued(e ledger.Event, d ledger.ReceiptDocument) {
	b := j.book(e)
	if b.Receipt != "" {
		j.note(e, "receipt %s after receipt %s", d.Number, b.Receipt)
		return
	}
	b.Store, b.Timezone = d.Store, d.Seller.Timezone
	j.bill(e, b, d, d.Exited)
}

// corrected books the difference to the receipt before, line by line.
func (j *Journal) corrected(e ledger.Event, d ledger.ReceiptDocument) {
	b := j.book(e)
	if b.Receipt == "" {
		j.note(e, "correction %s of a receipt that was not issued", d.Number)
		return
	}
	j.bill(e, b, d, time.Time{})
}

// bill books what d asks for beyond the document before.
func (j *Journal) bill(e ledger.Event, b *visitBook, d ledger.ReceiptDocument, at time.Time) {
	n := Entry{Receipt: d.Number, Occurred: at}
	b.Receipt = d.Number
	if b.Staff {
		n.Memo = "taken by staff: " + d.Gross.String() + ", not sold"
		j.enter(e, b, n)
		return
	}
	now := postingsOf(d)
	lines := difference(b.Booked, now)
	due := map[money.Currency]int64{}
	for _, p := range lines {
		due[p.Amount.Currency] -= p.Amount.Minor
	}
	for _, c := range slices.Sorted(maps.Keys(due)) {
		if due[c] != 0 {
			n.Postings = append(n.Postings, Posting{Account: AccountReceivable, Amount: money.Money{Minor: due[c], Currency: c}})
		}
	}
	n.Postings = append(n.Postings, lines...)
	b.Booked, b.Highest = now, max(b.Highest, d.Gross.Minor)
	j.enter(e, b, n)
	for _, c := range slices.Sorted(maps.Keys(due)) {
		j.explain(e, b, money.Money{Minor: max(0, min(-due[c], -b.Due[c], b.Elsewhere[c])), Currency: c})
		j.covered(e, b, money.Money{Minor: min(-due[c], -b.Due[c]-(b.Captured-b.Refunded), b.Granted[c]), Currency: c})
		over := max(0, b.Captured-b.Refunded-d.Gross.Minor) // that the shopper gets back
		j.undone(e, b, money.Money{Minor: min(-due[c], -b.Due[c]-over), Currency: c})
	}
}

// undone takes back what was written off of a debt that a document says was
// none: nobody is owed money because a debt was forgiven.
func (j *Journal) undone(e ledger.Event, b *visitBook, amount money.Money) {
	for _, account := range []string{AccountBadDebt, AccountWaived} {
		back := money.Money{Minor: min(amount.Minor, b.Off[account][amount.Currency]), Currency: amount.Currency}
		if back.Minor <= 0 {
			continue
		}
		b.Off[account][amount.Currency] -= back.Minor
		amount.Minor -= back.Minor
		j.enter(e, b, Entry{
			Receipt: b.Receipt, Postings: move(AccountReceivable, account, back), Memo: "written off, and corrected away",
		})
	}
}

// covered turns goodwill into what it now is: given back for what a document
// says was not sold. Nobody is given back more than they paid.
func (j *Journal) covered(e ledger.Event, b *visitBook, amount money.Money) {
	if amount.Minor <= 0 {
		return
	}
	b.Granted[amount.Currency] -= amount.Minor
	j.enter(e, b, Entry{
		Receipt: b.Receipt, Postings: move(AccountReceivable, AccountGoodwill, amount), Memo: "given back already, as goodwill",
	})
}

// explain takes out of suspense what was given back without an order, when a
// document says that it was due.
func (j *Journal) explain(e ledger.Event, b *visitBook, amount money.Money) {
	if amount.Minor == 0 {
		return
	}
	b.Elsewhere[amount.Currency] -= amount.Minor
	j.enter(e, b, Entry{
		Receipt: b.Receipt, Postings: move(AccountReceivable, AccountSuspense, amount), Memo: "given back already, without an order",
	})
}

// postingsOf returns what a document credits, line by line.
func postingsOf(d ledger.ReceiptDocument) []Posting {
	var ps []Posting
	c := d.Seller.Currency
	for i := range d.Lines {
		l := &d.Lines[i]
		net := Posting{
			Account: PrefixSales + component(l.Category), Amount: money.Money{Minor: -l.Net.Minor, Currency: c}, Line: l.No,
			Pieces: l.Quantity,
		}
		if l.LineKind == ledger.LineDeposit {
			net.Account = AccountDeposits
		}
		for _, discount := range l.Discounts {
			net.Discount += discount.Amount.Minor
		}
		ps = append(ps, net)
		for _, s := range shares(l.TaxRule, money.Money{Minor: l.Tax.Minor, Currency: c}) {
			if l.LineKind == ledger.LineDeposit && s.tax.Minor == 0 {
				continue // an untaxed deposit is no exempt sale
			}
			ps = append(ps, Posting{
				Account: PrefixTax + component(s.jurisdiction) + ":" + percent(s.rate), Amount: s.tax.Neg(), Line: l.No,
				Jurisdiction: s.jurisdiction, Rate: s.rate, Base: l.Net.Minor,
			})
		}
	}
	return slices.DeleteFunc(ps, Posting.empty)
}

// same reports whether two postings of two documents are about the same.
func same(a, b Posting) bool {
	return a.Account == b.Account && a.Line == b.Line && a.Amount.Currency == b.Amount.Currency && a.Rate == b.Rate &&
		a.Jurisdiction == b.Jurisdiction
}

// difference returns what now posts beyond before; what now has lost is
// reversed whole.
func difference(before, now []Posting) []Posting {
	var ps []Posting
	add := func(p Posting, o Posting) {
		p.Amount.Minor -= o.Amount.Minor
		p.Pieces, p.Discount, p.Base = p.Pieces-o.Pieces, p.Discount-o.Discount, p.Base-o.Base
		if !p.empty() {
			ps = append(ps, p)
		}
	}
	for _, p := range now {
		i := slices.IndexFunc(before, func(o Posting) bool { return same(o, p) })
		if i < 0 {
			ps = append(ps, p)
			continue
		}
		add(p, before[i])
	}
	for _, o := range before {
		if !slices.ContainsFunc(now, func(p Posting) bool { return same(o, p) }) {
			gone := o
			gone.Amount.Minor, gone.Pieces, gone.Discount, gone.Base = 0, 0, 0, 0
			add(gone, o)
		}
	}
	return ps
}

func (j *Journal) proposed(e ledger.Event, p ledger.SupplementProposed) {
	state.Put(&j.book(e).Asked, e.ID, p.Receipt)
	j.memo(e, p.Receipt, "supplement of "+p.Amount.String()+" proposed")
}

// answered notes an answer. What is not paid is written off by an event of its
// own.
func (j *Journal) answered(e ledger.Event, p ledger.SupplementAnswered) {
	b := j.book(e)
	receipt, ok := b.Asked[p.Proposal]
	if !ok {
		j.note(e, "answer to supplement %s, which was not proposed or has one", p.Proposal)
	}
	delete(b.Asked, p.Proposal)
	j.memo(e, receipt, "supplement "+string(p.Answer))
}
