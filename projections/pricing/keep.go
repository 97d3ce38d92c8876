package pricing

import (
	"fmt"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// Keep returns what is left of a line as first billed when n of its pieces
// are: the stored amounts in proportion, by largest remainder. The pieces that
// go take the rest with them, whatever a group of them would cost today.
func Keep(base ledger.ReceiptLine, n int) (ledger.ReceiptLine, error) {
	l := base
	if n >= base.Quantity {
		return l, nil
	}
	l.Quantity = n
	kept, gone := int64(n), int64(base.Quantity-n)
	for _, m := range []*money.Money{&l.Net, &l.Tax, &l.List} {
		if m.Currency == "" {
			continue // there is no list price where nothing was taken off
		}
		parts, err := m.Allocate(kept, gone)
		if err != nil {
			return l, fmt.Errorf("line %d: %w", base.No, err)
		}
		*m = parts[0]
	}
	l.Grams = int(int64(base.Grams) * kept / (kept + gone))
	var err error
	if l.Gross, err = l.Net.Add(l.Tax); err != nil {
		return l, fmt.Errorf("line %d: %w", base.No, err)
	}
	l.Discounts, err = keepDiscounts(&l, base.Discounts)
	return l, err
}

// keepDiscounts returns the part of a line's discounts that explains what is
// left of it: list price less what is paid, shared out as it was.
func keepDiscounts(l *ledger.ReceiptLine, ds []ledger.Discount) ([]ledger.Discount, error) {
	if len(ds) == 0 {
		return nil, nil
	}
	paid := l.Net
	if l.TaxRule.Inclusive {
		paid = l.Gross
	}
	if l.List.Minor < paid.Minor { // net and tax were rounded up, each by itself
		l.List = paid
	}
	off, err := l.List.Sub(paid)
	if err != nil {
		return nil, err
	}
	weights := make([]int64, len(ds))
	for i, d := range ds {
		weights[i] = d.Amount.Minor
	}
	parts, err := off.Allocate(weights...)
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", l.No, err)
	}
	var left []ledger.Discount
	for i, d := range ds {
		if d.Amount, d.Pieces = parts[i], min(d.Pieces, l.Quantity); d.Amount.Minor > 0 {
			left = append(left, d)
		}
	}
	if left == nil {
		l.List = money.Money{}
	}
	return left, nil
}

// Join adds pieces that came after l was billed.
func Join(l, more ledger.ReceiptLine) (ledger.ReceiptLine, error) {
	if l.List.Currency == "" != (more.List.Currency == "") {
		l.List, more.List = listOf(l), listOf(more)
	}
	for _, m := range []struct{ to, from *money.Money }{{&l.Net, &more.Net}, {&l.Tax, &more.Tax}, {&l.Gross, &more.Gross}, {&l.List, &more.List}} {
		if m.from.Currency == "" {
			continue
		}
		var err error
		if *m.to, err = m.to.Add(*m.from); err != nil {
			return l, fmt.Errorf("line %d: %w", l.No, err)
		}
	}
	l.Quantity += more.Quantity
	l.Grams += more.Grams
	l.Discounts = append(append([]ledger.Discount(nil), l.Discounts...), more.Discounts...)
	return l, nil
}

// listOf returns the list price of a line, also where nothing was taken off.
func listOf(l ledger.ReceiptLine) money.Money {
	switch {
	case l.List.Currency != "":
		return l.List
	case l.TaxRule.Inclusive:
		return l.Gross
	}
	return l.Net
}

// Item returns l as a line of a receipt. Its number and what made it are the
// caller's to say.
func (l *Line) Item(rule ledger.PriceRule) ledger.ReceiptLine {
	r := ledger.ReceiptLine{
		SKU: l.First.SKU, Name: l.First.Name, Category: l.First.Category, Quantity: l.Quantity, Unit: l.Unit,
		Net: l.Goods.Net, Tax: l.Goods.Tax, Gross: l.Goods.Gross, TaxRule: l.First.Tax,
		Per: l.First.Per, Grams: l.Grams, PriceRule: rule, Discounts: l.Discounts, MinAge: l.First.MinAge,
	}
	if l.Unit != l.First.Unit {
		r.Picked = l.First.Unit
	}
	if l.First.Per == ledger.PerKilogram {
		r.TareGrams, r.Scale = l.First.TareGrams, l.Scale
	}
	if len(l.Discounts) > 0 {
		r.List = l.List
	}
	return r
}

// DepositCategory is the account of deposits: they are owed back and are no
// revenue.
const DepositCategory = "deposits"

// DepositLine returns the line of the containers of l, if it has any. The
// number of the line it is for is the caller's to say.
func (l *Line) DepositLine() (r ledger.ReceiptLine, ok bool) {
	if !l.hasDeposit() {
		return r, false
	}
	return ledger.ReceiptLine{
		SKU: l.First.SKU, Name: l.First.Deposit.Name, Category: DepositCategory, Quantity: l.Quantity, Unit: l.First.Deposit.Amount,
		Net: l.Deposited.Net, Tax: l.Deposited.Tax, Gross: l.Deposited.Gross, TaxRule: *l.depositRule(),
		LineKind: ledger.LineDeposit,
	}, true
}

// KeyOf returns the key of the items that a billed line is of; deposit is the
// line of its containers, or nil.
func KeyOf(l, deposit *ledger.ReceiptLine) Key {
	k := Key{SKU: l.SKU, Unit: l.Unit, Picked: l.Picked, Tax: l.TaxRule, Per: l.Per}
	if l.Per == ledger.PerKilogram && len(l.Causes) > 0 {
		k.Weighing = l.Causes[0]
	}
	if deposit != nil {
		k.Container, k.Deposit = deposit.Name, deposit.Unit
		if deposit.TaxRule != Untaxed {
			k.DepositTax = deposit.TaxRule
		}
	}
	return k
}
