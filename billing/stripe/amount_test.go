package stripe

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger/money"
)

// Stripe's unit is not always ISO's: an ISK is written as a hundred, and a
// dinar ends in 0.
func TestWireAmounts(t *testing.T) {
	for _, c := range []struct {
		in       money.Money
		amount   int64
		currency string
		err      error
	}{
		{money.Money{Minor: 1290, Currency: "USD"}, 1290, "usd", nil},
		{money.Money{Minor: 500, Currency: "JPY"}, 500, "jpy", nil},
		{money.Money{Minor: 5, Currency: "ISK"}, 500, "isk", nil},
		{money.Money{Minor: 1230, Currency: "KWD"}, 1230, "kwd", nil},
		{money.Money{Minor: 1234, Currency: "KWD"}, 0, "", ErrOrder},
		{money.Money{Minor: 99_999_999, Currency: "EUR"}, 99_999_999, "eur", nil},
		{money.Money{Minor: 100_000_000, Currency: "EUR"}, 0, "", ErrOrder},
		{money.Money{Minor: 1_000_000, Currency: "ISK"}, 0, "", ErrOrder},
		{money.Money{Minor: -1, Currency: "EUR"}, 0, "", ErrOrder},
		{money.Money{Minor: 1, Currency: "eur"}, 0, "", ErrOrder},
	} {
		amount, currency, err := toWire(c.in)
		if amount != c.amount || currency != c.currency || !errors.Is(err, c.err) {
			t.Errorf("toWire(%v) = %d %q, %v, want %d %q, %v", c.in, amount, currency, err, c.amount, c.currency, c.err)
		}
	}
	for _, bad := range []struct {
		amount   int64
		currency string
	}{{550, "isk"}, {1, "zzz"}, {money.MaxMinor + 1, "usd"}} {
		if m, err := fromWire(bad.amount, bad.currency); !errors.Is(err, ErrMismatch) {
			t.Errorf("fromWire(%d, %s) = %v, %v, want %v", bad.amount, bad.currency, m, err, ErrMismatch)
		}
	}
}

// TestWireRoundTrip checks that what is sent is what is read, per currency.
func TestWireRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := money.Money{
			Minor:    rapid.Int64Range(0, 999_999).Draw(t, "minor"),
			Currency: rapid.SampledFrom([]money.Currency{"USD", "EUR", "JPY", "ISK", "KWD", "BHD", "TND"}).Draw(t, "currency"),
		}
		amount, currency, err := toWire(m)
		if err != nil {
			if u := units[m.Currency]; u.multiple != 10 || m.Minor%10 == 0 {
				t.Fatalf("toWire(%s) = %v, want an amount", m, err)
			}
			return
		}
		if back, err := fromWire(amount, currency); err != nil || back != m {
			t.Fatalf("fromWire(%d, %s) = %s, %v, want %s", amount, currency, back, err, m)
		}
	})
}
