// Package money keeps amounts as whole minor units of one currency.
//
// There is no float and no silent overflow: every operation that could leave
// the bounds, or mix two currencies, returns an error and changes nothing. A
// rate (tax, price per kilogram) is never an amount: it is a decimal, and
// meets an amount only in [Money.MulRate], which is told how to round.
//
// # Invariants
//
//   - An amount lies within ±[MaxMinor], so a sum of a million amounts cannot
//     overflow an int64 before it is checked.
//   - Two currencies never meet: [ErrCurrency].
//   - [Money.Allocate] hands out exactly what it was given; a share of zero
//     gets nothing.
//
// The package knows the minor-unit exponent of ISO 4217 for display. It does
// not convert between currencies.
package money

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/govalues/decimal"
)

// MaxMinor bounds an amount: ten trillion minor units, above any day's
// takings of any chain, and far enough below 2^63 that sums stay checkable.
const MaxMinor = 10_000_000_000_000

var (
	// ErrCurrency means that two currencies met, or that a currency code is
	// unknown. Convert first, or correct the code; nothing was computed.
	ErrCurrency = errors.New("currency mismatch or unknown currency")

	// ErrRange means that a result lies beyond ±MaxMinor. The input is wrong:
	// no shop has such an amount.
	ErrRange = errors.New("amount out of range")
)

// A Currency is an ISO 4217 code in capitals.
type Currency string

// Exponent returns the number of decimal places of c's minor unit: those of
// ISO 4217:2015 table A.1 for the currencies that Vouch accepts. Every amount
// of every event asks, so it is a switch and not a map.
func (c Currency) Exponent() (int, error) {
	switch c {
	case "CLP", "ISK", "JPY", "KRW", "VND":
		return 0, nil
	case "AED", "AUD", "BGN", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "IDR", "ILS",
		"INR", "MXN", "NOK", "NZD", "PLN", "RON", "SEK", "SGD", "THB", "TRY", "TWD", "UAH", "USD", "ZAR":
		return 2, nil
	case "BHD", "KWD", "TND":
		return 3, nil
	}
	return 0, fmt.Errorf("%w: %q", ErrCurrency, string(c))
}

// Money is an amount in minor units (cents, yen, fils) of one currency. The
// zero value is no amount at all: it has no currency and only equals itself.
type Money struct {
	Minor    int64    `json:"amount_minor"`
	Currency Currency `json:"currency"`
}

// New returns minor units of c, or ErrRange or ErrCurrency.
func New(minor int64, c Currency) (Money, error) {
	m := Money{Minor: minor, Currency: c}
	return m, m.Validate()
}

// Zero returns nothing in currency c.
func Zero(c Currency) Money { return Money{Currency: c} }

// Validate refuses an unknown currency and an amount beyond ±MaxMinor.
func (m Money) Validate() error {
	if _, err := m.Currency.Exponent(); err != nil {
		return err
	}
	if m.Minor > MaxMinor || m.Minor < -MaxMinor {
		return fmt.Errorf("%w: %d %s", ErrRange, m.Minor, m.Currency)
	}
	return nil
}

// Add returns m + n.
func (m Money) Add(n Money) (Money, error) {
	if m.Currency != n.Currency {
		return Money{}, fmt.Errorf("%w: %q and %q", ErrCurrency, m.Currency, n.Currency)
	}
	if abs(m.Minor) > MaxMinor || abs(n.Minor) > MaxMinor { // never made by New; their sum could wrap round
		return Money{}, fmt.Errorf("%w: %d and %d %s", ErrRange, m.Minor, n.Minor, m.Currency)
	}
	return New(m.Minor+n.Minor, m.Currency)
}

// Sub returns m - n.
func (m Money) Sub(n Money) (Money, error) { return m.Add(n.Neg()) }

// Neg returns -m.
func (m Money) Neg() Money { return Money{Minor: -m.Minor, Currency: m.Currency} }

// Mul returns m taken n times.
func (m Money) Mul(n int64) (Money, error) {
	hi, lo := bits.Mul64(abs(m.Minor), abs(n))
	if hi != 0 || lo > MaxMinor {
		return Money{}, fmt.Errorf("%w: %d × %d %s", ErrRange, n, m.Minor, m.Currency)
	}
	p := int64(lo) // at most MaxMinor, checked above
	if (m.Minor < 0) != (n < 0) {
		p = -p
	}
	return New(p, m.Currency)
}

// IsZero reports whether m is nothing, in whatever currency.
func (m Money) IsZero() bool { return m.Minor == 0 }

// String returns the amount with its currency, "12.90 USD".
func (m Money) String() string {
	return m.Decimal() + " " + string(m.Currency)
}

// Decimal returns the amount without its currency, "-0.05".
func (m Money) Decimal() string {
	e, err := m.Currency.Exponent()
	if err != nil {
		return strconv.FormatInt(m.Minor, 10)
	}
	s := strconv.FormatUint(abs(m.Minor), 10)
	if e > 0 {
		if pad := e + 1 - len(s); pad > 0 {
			s = strings.Repeat("0", pad) + s
		}
		s = s[:len(s)-e] + "." + s[len(s)-e:]
	}
	if m.Minor < 0 {
		s = "-" + s
	}
	return s
}

// Parse reads "12.90" as an amount of c. It refuses more decimal places than
// the currency has, rather than round what somebody typed.
func Parse(s string, c Currency) (Money, error) {
	e, err := c.Exponent()
	if err != nil {
		return Money{}, err
	}
	d, err := decimal.Parse(s)
	if err != nil {
		return Money{}, fmt.Errorf("amount %q: %w", s, err)
	}
	if d.MinScale() > e {
		return Money{}, fmt.Errorf("amount %q: %w: %s has %d decimal places", s, ErrRange, c, e)
	}
	whole, frac, ok := d.Int64(e)
	scale := int64(1)
	for range e {
		scale *= 10
	}
	if !ok || whole > MaxMinor/scale || whole < -MaxMinor/scale {
		return Money{}, fmt.Errorf("amount %q: %w", s, ErrRange)
	}
	return New(whole*scale+frac, c)
}

// Sum adds amounts of currency c; the sum of none is zero.
func Sum(c Currency, amounts ...Money) (Money, error) {
	total := Zero(c)
	for _, a := range amounts {
		var err error
		if total, err = total.Add(a); err != nil {
			return Money{}, err
		}
	}
	return total, nil
}

// Allocate splits m in proportion to weights by largest remainder; ties go to
// the earlier share. The parts sum to m exactly, and a weight of zero gets
// zero. Weights are not negative and not all zero.
func (m Money) Allocate(weights ...int64) ([]Money, error) {
	var total int64
	for _, w := range weights {
		if w < 0 || w > MaxMinor || total > MaxMinor {
			return nil, fmt.Errorf("allocate %s: %w: weight %d", m, ErrRange, w)
		}
		total += w
	}
	if total == 0 {
		return nil, fmt.Errorf("allocate %s: %w: all weights are zero", m, ErrRange)
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	type share struct {
		i   int
		rem uint64
	}
	parts, shares, left := make([]Money, len(weights)), make([]share, 0, len(weights)), abs(m.Minor)
	for i, w := range weights {
		hi, lo := bits.Mul64(abs(m.Minor), abs(w))
		q, r := bits.Div64(hi, lo, abs(total))                  // q <= |m|: w <= total
		parts[i] = Money{Minor: int64(q), Currency: m.Currency} //nolint:gosec // at most MaxMinor
		left -= q
		if w > 0 {
			shares = append(shares, share{i, r})
		}
	}
	slices.SortStableFunc(shares, func(a, b share) int { return cmpDesc(a.rem, b.rem) })
	for _, s := range shares[:left] { // fewer than the shares with a remainder
		parts[s.i].Minor++
	}
	if m.Minor < 0 {
		for i := range parts {
			parts[i] = parts[i].Neg()
		}
	}
	return parts, nil
}

func cmpDesc(a, b uint64) int {
	switch {
	case a > b:
		return -1
	case a < b:
		return 1
	}
	return 0
}

func abs(n int64) uint64 {
	if n < 0 {
		return uint64(-n) // not negative
	}
	return uint64(n)
}
