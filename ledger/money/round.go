package money

import (
	"math/big"

	"github.com/govalues/decimal"
)

// A Rounding says what happens to a fraction of a minor unit.
type Rounding string

// The rounding rules. HalfUp is the one US sales tax needs (RCW 82.08.054: a
// third decimal above four rounds up); HalfEven is banker's rounding, which
// some books ask for; Down cuts.
const (
	HalfUp   Rounding = "half_up"
	HalfEven Rounding = "half_even"
	Down     Rounding = "down"
)

// MulRate returns m × rate rounded to the minor unit. Rounding is symmetric
// about zero, so that a reversal is exactly the negative of its sale.
func (m Money) MulRate(rate decimal.Decimal, r Rounding) (Money, error) {
	num, den := ratio(rate)
	return m.exactRatio(num, den, r)
}

// TaxWithin returns the tax contained in the gross amount m at rate:
// m × rate / (1 + rate), rounded. With inclusive prices the gross is the
// truth and the tax is taken out of it.
func (m Money) TaxWithin(rate decimal.Decimal, r Rounding) (Money, error) {
	num, den := ratio(rate)
	return m.exactRatio(num, new(big.Int).Add(num, den), r)
}

// ratio returns d as numerator and denominator.
func ratio(d decimal.Decimal) (num, den *big.Int) {
	num = new(big.Int).SetUint64(d.Coef())
	if d.IsNeg() {
		num.Neg(num)
	}
	den = new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(d.Scale())), nil)
	return num, den
}
