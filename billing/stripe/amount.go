package stripe

import (
	"fmt"
	"strings"

	"github.com/vouchledger/vouch/ledger/money"
)

// A unit is how Stripe writes a currency where that differs from ISO 4217.
type unit struct {
	factor   int64 // wire amount = minor units × factor
	multiple int64 // and must be a multiple of this
}

// units holds the currencies whose amounts at Stripe are not simply ISO minor
// units (docs.stripe.com/currencies, special cases): ISK has no minor unit but
// is written in hundredths; amounts of three decimals must end in 0.
var units = map[money.Currency]unit{
	"ISK": {factor: 100, multiple: 100},
	"BHD": {factor: 1, multiple: 10},
	"KWD": {factor: 1, multiple: 10},
	"TND": {factor: 1, multiple: 10},
}

// maxWire is the largest amount Stripe takes: eight digits.
const maxWire = 99_999_999

// toWire returns an amount as Stripe writes it.
func toWire(m money.Money) (amount int64, currency string, err error) {
	if err := m.Validate(); err != nil {
		return 0, "", fmt.Errorf("%w: %w", ErrOrder, err)
	}
	u, ok := units[m.Currency]
	if !ok {
		u = unit{factor: 1, multiple: 1}
	}
	amount = m.Minor * u.factor
	if amount%u.multiple != 0 {
		return 0, "", fmt.Errorf("%w: stripe takes %s in steps of %d minor units, not %s",
			ErrOrder, m.Currency, u.multiple/u.factor, m)
	}
	if amount > maxWire || amount < 0 {
		return 0, "", fmt.Errorf("%w: stripe takes 0 to %d, not %s", ErrOrder, maxWire, m)
	}
	return amount, strings.ToLower(string(m.Currency)), nil
}

// fromWire reads an amount as Stripe writes it.
func fromWire(amount int64, currency string) (money.Money, error) {
	c := money.Currency(strings.ToUpper(currency))
	if u, ok := units[c]; ok && u.factor > 1 {
		if amount%u.factor != 0 {
			return money.Money{}, fmt.Errorf("%w: %d %s is no whole minor unit", ErrMismatch, amount, currency)
		}
		amount /= u.factor
	}
	m, err := money.New(amount, c)
	if err != nil {
		return m, fmt.Errorf("%w: %d %s: %w", ErrMismatch, amount, currency, err)
	}
	return m, nil
}
