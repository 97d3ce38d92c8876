package engine

import (
	"cmp"
	"slices"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

// indebted reports whether a shopper owes more than limit. Debts in another
// currency than the limit's count in full.
func (e *Engine) indebted(s ledger.ShopperID, limit money.Money) bool {
	sums := map[money.Currency]int64{}
	for _, v := range e.shoppers[s] {
		if v.owes(s) {
			owed := v.owed()
			sums[owed.Currency] += owed.Minor
		}
	}
	for c, n := range sums {
		if n > 0 && (c != limit.Currency || n > limit.Minor) {
			return true
		}
	}
	return false
}

// owes reports whether s is who pays for v.
func (v *visit) owes(s ledger.ShopperID) bool {
	if v.matched != nil {
		return v.matched.Shopper == s
	}
	return v.cart.Presented.Shopper == s
}

// A Debt is what one visit of a shopper still owes.
type Debt struct {
	Position uint64 // of the visit's first event; rises with the debts
	Visit    ledger.VisitID
	Store    ledger.StoreID
	Receipt  string
	Owed     money.Money
	Since    time.Time
	UnderWay bool             // it is being asked for now
	Confirm  bool             // the bank wants to see the shopper
	Refusal  *billing.Refusal // the last one; nil if there was none
}

// A SupplementView is an item found after the receipt, for which the shopper
// is asked.
type SupplementView struct {
	Proposal ledger.ID
	Visit    ledger.VisitID
	Store    ledger.StoreID
	Receipt  string
	Amount   money.Money
	Deadline time.Time
}

// Debts returns what a shopper owes, newest first.
func (e *Engine) Debts(s ledger.ShopperID) []Debt {
	var ds []Debt
	for _, v := range e.shoppers[s] {
		if v.owes(s) && v.owed().Minor > 0 {
			ds = append(ds, v.debt())
		}
	}
	return newestFirst(ds)
}

// AllDebts returns what is owed in a shop, or with an empty id in all of them,
// newest first.
func (e *Engine) AllDebts(id ledger.StoreID) []Debt {
	var ds []Debt
	for _, v := range e.visits {
		if (id == "" || v.cart.Presented.Store == id) && v.owed().Minor > 0 {
			ds = append(ds, v.debt())
		}
	}
	return newestFirst(ds)
}

// Debt returns what a visit owes, which may be nothing.
func (e *Engine) Debt(id ledger.VisitID) (Debt, bool) {
	v := e.visits[id]
	if v == nil {
		return Debt{}, false
	}
	return v.debt(), true
}

// Confirming returns the charge of a visit that waits for its shopper to answer
// their bank.
func (e *Engine) Confirming(id ledger.VisitID, s ledger.ShopperID) (billing.Order, bool) {
	v := e.visits[id]
	if v == nil || !v.owes(s) || !v.debt().Confirm {
		return billing.Order{}, false
	}
	return v.payment.Open.Order, true
}

func newestFirst(ds []Debt) []Debt {
	slices.SortFunc(ds, func(a, b Debt) int { return cmp.Compare(b.Position, a.Position) })
	return ds
}

func (v *visit) debt() Debt {
	pay := &v.payment
	d := Debt{
		Position: v.first, Visit: v.id, Store: v.cart.Presented.Store, Receipt: v.number(), Owed: v.owed(), Since: v.settledAt,
		UnderWay: pay.Open != nil, Confirm: pay.Open != nil && pay.Open.OnSession && pay.Open.Pending,
	}
	if n := len(pay.Refusals); n > 0 {
		d.Refusal = new(pay.Refusals[n-1])
	}
	return d
}

// Supplements returns what a shopper is asked to agree to, oldest first.
func (e *Engine) Supplements(s ledger.ShopperID) []SupplementView {
	var all []SupplementView
	for _, v := range e.shoppers[s] {
		if !v.owes(s) {
			continue
		}
		for _, p := range v.supplements {
			if p.answer == "" {
				all = append(all, SupplementView{
					Proposal: p.id, Visit: v.id, Store: v.cart.Presented.Store, Receipt: v.number(),
					Amount: money.Money{Minor: p.amount, Currency: v.cart.Currency()}, Deadline: p.deadline,
				})
			}
		}
	}
	return all
}

// VisitOfSupplement returns the visit that a supplement was proposed to.
func (e *Engine) VisitOfSupplement(proposal ledger.ID) (ledger.VisitID, bool) {
	v, ok := e.supplements[proposal]
	return v, ok
}

// An AskedView is a question about money that waits for a person.
type AskedView struct {
	billing.Escalation
	Visit  ledger.VisitID
	Store  ledger.StoreID
	Object string // at the provider, as far as it is known
	Key    string // of the order, if it is still open
}

// Asked returns the questions about money that wait for a person, by visit.
func (e *Engine) Asked() []AskedView {
	var all []AskedView
	for _, v := range sorted(e.asked) {
		for _, x := range v.payment.Asked() {
			a := AskedView{Escalation: x, Visit: v.id, Store: v.cart.Presented.Store}
			if in := v.payment.Open; in != nil && in.ID == x.Intent.String() {
				a.Object, a.Key = in.Object, in.Key
			}
			all = append(all, a)
		}
	}
	return all
}

// Escalated returns the question of that name, if it waits for an answer.
func (e *Engine) Escalated(id ledger.ID) (AskedView, bool) {
	for _, a := range e.Asked() {
		if a.Event == id {
			return a, true
		}
	}
	return AskedView{}, false
}

// receiptless reports whether a visit is over without a document: nothing was
// taken, or it was staff.
func (v *visit) receiptless() bool {
	return v.cart.Status == projections.StatusSettled && v.cart.Latest == nil
}

// ZeroReceipt returns the receipt of a visit that took nothing: computed, with
// no number, for none was given. ok is false for any other visit.
func (e *Engine) ZeroReceipt(id ledger.VisitID) (d ledger.ReceiptDocument, ok bool) {
	v := e.visits[id]
	if v == nil || !v.receiptless() || v.cart.Presented.Credential == ledger.CredentialStaff {
		return d, false
	}
	d, err := projections.BuildDocument(&v.cart, "", "", v.settledAt)
	return d, err == nil
}
