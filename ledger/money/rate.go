package money

import (
	"fmt"
	"math/big"
	"math/bits"

	"github.com/govalues/decimal"
)

// A Rate is a fraction that an amount is multiplied by: a tax rate, or grams
// out of a kilogram. It is read once and used for many amounts. The zero value
// is a rate of nothing.
type Rate struct {
	num, den uint64 // den 0 stands for 1
}

// maxRateDigits keeps num + den of a rate up to 1 within 64 bits.
const maxRateDigits = 18

// ParseRate reads a decimal fraction, "0.08875".
func ParseRate(s string) (Rate, error) {
	if len(s) > 2 && s[0] == '0' && s[1] == '.' && len(s) <= 2+maxRateDigits { // what rates look like
		r := Rate{den: 1}
		for i := 2; i < len(s); i++ {
			d := s[i] - '0'
			if d > 9 {
				return slowRate(s)
			}
			r.num, r.den = r.num*10+uint64(d), r.den*10
		}
		return r, nil
	}
	return slowRate(s)
}

func slowRate(s string) (Rate, error) {
	d, err := decimal.Parse(s)
	if err != nil {
		return Rate{}, fmt.Errorf("rate %q: %w", s, err)
	}
	if d.IsNeg() || d.MinScale() > maxRateDigits {
		return Rate{}, fmt.Errorf("rate %q: %w: negative, or more than %d decimal places", s, ErrRange, maxRateDigits)
	}
	d = d.Trim(0)
	r := Rate{num: d.Coef(), den: 1}
	for range d.Scale() {
		r.den *= 10
	}
	return r, nil
}

// NewRate returns num out of den, which is above zero.
func NewRate(num, den uint32) Rate { return Rate{num: uint64(num), den: uint64(den)} }

// IsZero reports whether r is a rate of nothing.
func (r Rate) IsZero() bool { return r.num == 0 }

// Of returns m × r, rounded; see [Money.MulRate].
func (r Rate) Of(m Money, round Rounding) (Money, error) {
	return m.mulRatio(r.num, max(r.den, 1), round)
}

// Within returns the part of m that r is when m is r more than a whole; see
// [Money.TaxWithin].
func (r Rate) Within(m Money, round Rounding) (Money, error) {
	den, carry := bits.Add64(r.num, max(r.den, 1), 0)
	if carry != 0 {
		return Money{}, fmt.Errorf("%s within a rate of %d/%d: %w", m, r.num, r.den, ErrRange)
	}
	return m.mulRatio(r.num, den, round)
}

// mulRatio returns m × num / den in 128 bits: a tenth of the time that
// big.Int takes, and receipts do little else.
func (m Money) mulRatio(num, den uint64, r Rounding) (Money, error) {
	hi, lo := bits.Mul64(abs(m.Minor), num)
	if hi >= den { // the quotient has more than 64 bits
		return Money{}, fmt.Errorf("%s at rate %d/%d: %w", m, num, den, ErrRange)
	}
	q, rem := bits.Div64(hi, lo, den)
	up := false
	switch over := rem > den-rem; r { // rem < den, so nothing wraps
	case HalfUp:
		up = over || rem == den-rem
	case HalfEven:
		up = over || rem == den-rem && q&1 == 1
	case Down:
	default:
		return Money{}, fmt.Errorf("rounding rule %q is unknown: use half_up, half_even or down", r)
	}
	if q > MaxMinor {
		return Money{}, fmt.Errorf("%s at rate %d/%d: %w", m, num, den, ErrRange)
	}
	minor := int64(q)
	if up {
		minor++
	}
	if m.Minor < 0 {
		minor = -minor
	}
	return New(minor, m.Currency)
}

// exactRatio is mulRatio without bounds, for rates of more digits than a Rate
// holds.
func (m Money) exactRatio(num, den *big.Int, r Rounding) (Money, error) {
	if den.Sign() <= 0 {
		return Money{}, fmt.Errorf("%s at rate %s/%s: %w", m, num, den, ErrRange)
	}
	n := new(big.Int).Mul(big.NewInt(m.Minor), num)
	negative := n.Sign() < 0
	q, rem := new(big.Int).QuoRem(n.Abs(n), den, new(big.Int))
	switch half := rem.Lsh(rem, 1).Cmp(den); r {
	case HalfUp:
		if half >= 0 {
			q.Add(q, big.NewInt(1))
		}
	case HalfEven:
		if half > 0 || (half == 0 && q.Bit(0) == 1) {
			q.Add(q, big.NewInt(1))
		}
	case Down:
	default:
		return Money{}, fmt.Errorf("rounding rule %q is unknown: use half_up, half_even or down", r)
	}
	if !q.IsInt64() {
		return Money{}, fmt.Errorf("%s at rate: %w", m, ErrRange)
	}
	minor := q.Int64()
	if negative {
		minor = -minor
	}
	return New(minor, m.Currency)
}
