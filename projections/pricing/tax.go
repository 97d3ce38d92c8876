package pricing

import (
	"fmt"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// Untaxed is the rule of a deposit that is not taxed.
var Untaxed = ledger.TaxRule{Rate: "0", Rounding: money.HalfUp}

// An Amount is what something costs.
type Amount struct {
	Net, Tax, Gross money.Money
}

// TaxOf returns what a price comes to under a tax rule: the price is net where
// tax is added, and gross where it is contained.
func TaxOf(price money.Money, rule *ledger.TaxRule) (Amount, error) {
	tax, err := taxOn(price, rule)
	if err != nil {
		return Amount{}, err
	}
	return split(price, tax, rule)
}

func taxOn(price money.Money, rule *ledger.TaxRule) (money.Money, error) {
	rate, err := money.ParseRate(rule.Rate)
	if err != nil {
		return money.Money{}, fmt.Errorf("tax of %s: %w", rule.Category, err)
	}
	if rule.Inclusive {
		return rate.Within(price, rule.Rounding)
	}
	return rate.Of(price, rule.Rounding)
}

func split(price, tax money.Money, rule *ledger.TaxRule) (a Amount, err error) {
	if rule.Inclusive {
		a.Gross, a.Tax = price, tax
		a.Net, err = price.Sub(tax)
		return a, err
	}
	a.Net, a.Tax = price, tax
	a.Gross, err = price.Add(tax)
	return a, err
}

// A taxed is a price whose tax is rounded together with others.
type taxed struct {
	rule  *ledger.TaxRule
	price money.Money
	into  *Amount
}

// tax fills in the amounts of lines.
func tax(lines []Line) error {
	var together []taxed
	put := func(l *Line, rule *ledger.TaxRule, price money.Money, into *Amount) (err error) {
		if rule.Basis == ledger.TaxPerReceipt {
			together = append(together, taxed{rule, price, into})
			return nil
		}
		if *into, err = TaxOf(price, rule); err != nil {
			return l.wrap(err)
		}
		return nil
	}
	for i := range lines {
		l := &lines[i]
		price := l.List
		for _, d := range l.Discounts {
			price.Minor -= d.Amount.Minor // never below zero
		}
		if err := put(l, &l.First.Tax, price, &l.Goods); err != nil {
			return err
		}
		if !l.hasDeposit() {
			continue
		}
		deposit, err := l.First.Deposit.Amount.Mul(int64(l.Quantity))
		if err != nil {
			return l.wrap(err)
		}
		if err := put(l, l.depositRule(), deposit, &l.Deposited); err != nil {
			return err
		}
	}
	for len(together) > 0 {
		var err error
		if together, err = shareOut(together); err != nil {
			return err
		}
	}
	return nil
}

func (l *Line) hasDeposit() bool { return l.First.Deposit.Amount.Minor != 0 }

func (l *Line) depositRule() *ledger.TaxRule {
	if l.First.DepositTax.Rate == "" {
		return &Untaxed
	}
	return &l.First.DepositTax
}

// shareOut rounds the tax of the first rule over all its prices together,
// shares it out to them by largest remainder, and returns the prices of the
// other rules.
func shareOut(ps []taxed) (rest []taxed, err error) {
	rule := ps[0].rule
	var mine []taxed
	sum := money.Zero(ps[0].price.Currency)
	weights := make([]int64, 0, len(ps))
	for _, p := range ps {
		if *p.rule != *rule {
			rest = append(rest, p)
			continue
		}
		if sum, err = sum.Add(p.price); err != nil {
			return nil, err
		}
		mine, weights = append(mine, p), append(weights, p.price.Minor)
	}
	whole, err := taxOn(sum, rule)
	if err != nil {
		return nil, err
	}
	shares := make([]money.Money, len(mine)) // nothing of nothing
	if !sum.IsZero() {
		if shares, err = whole.Allocate(weights...); err != nil {
			return nil, err
		}
	}
	for i, p := range mine {
		shares[i].Currency = whole.Currency
		if *p.into, err = split(p.price, shares[i], rule); err != nil {
			return nil, err
		}
	}
	return rest, nil
}
