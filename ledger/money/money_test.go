package money_test

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/govalues/decimal"
	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger/money"
)

func eur(minor int64) money.Money { return money.Money{Minor: minor, Currency: "EUR"} }

func amount() *rapid.Generator[int64] { return rapid.Int64Range(-money.MaxMinor, money.MaxMinor) }

func TestStringAndParse(t *testing.T) {
	for _, tt := range []struct {
		m    money.Money
		want string
	}{
		{eur(0), "0.00 EUR"},
		{eur(-5), "-0.05 EUR"},
		{eur(1290), "12.90 EUR"},
		{money.Money{Minor: 500, Currency: "JPY"}, "500 JPY"},
		{money.Money{Minor: -1234, Currency: "KWD"}, "-1.234 KWD"},
		{eur(money.MaxMinor), "100000000000.00 EUR"},
	} {
		if got := tt.m.String(); got != tt.want {
			t.Errorf("String(%d %s) = %q, want %q", tt.m.Minor, tt.m.Currency, got, tt.want)
		}
		if got, err := money.Parse(tt.m.Decimal(), tt.m.Currency); err != nil || got != tt.m {
			t.Errorf("Parse(%q, %s) = %v, %v, want %v", tt.m.Decimal(), tt.m.Currency, got, err, tt.m)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct {
		s    string
		c    money.Currency
		want error
	}{
		{"1.005", "EUR", money.ErrRange}, // a cent is not divided, and not rounded
		{"1.5", "JPY", money.ErrRange},
		{"100000000000.01", "EUR", money.ErrRange},
		{"-100000000000.01", "EUR", money.ErrRange},
		{"1", "ZZZ", money.ErrCurrency},
		{"1", "eur", money.ErrCurrency},
	} {
		if got, err := money.Parse(tt.s, tt.c); !errors.Is(err, tt.want) {
			t.Errorf("Parse(%q, %s) = %v, %v, want %v", tt.s, tt.c, got, err, tt.want)
		}
	}
	for _, s := range []string{"", "abc", "1,50", "0x10", "1.0.0"} {
		if got, err := money.Parse(s, "EUR"); err == nil {
			t.Errorf("Parse(%q) = %v, want an error", s, got)
		}
	}
	if got, err := money.Parse("1.50000", "EUR"); err != nil || got != eur(150) {
		t.Errorf("Parse(1.50000) = %v, %v, want 1.50: zeros are no fraction", got, err)
	}
}

func TestCurrenciesNeverMeet(t *testing.T) {
	usd := money.Money{Minor: 1, Currency: "USD"}
	if _, err := eur(1).Add(usd); !errors.Is(err, money.ErrCurrency) {
		t.Errorf("Add(EUR, USD) = %v, want %v", err, money.ErrCurrency)
	}
	if _, err := eur(1).Sub(usd); !errors.Is(err, money.ErrCurrency) {
		t.Errorf("Sub(EUR, USD) = %v, want %v", err, money.ErrCurrency)
	}
	if _, err := money.Sum("EUR", eur(1), usd); !errors.Is(err, money.ErrCurrency) {
		t.Errorf("Sum(EUR, USD) = %v, want %v", err, money.ErrCurrency)
	}
	if _, err := (money.Money{}).Add(money.Money{}); !errors.Is(err, money.ErrCurrency) {
		t.Errorf("Add of no amounts = %v, want %v", err, money.ErrCurrency)
	}
}

// TestArithmeticIsExact compares with arithmetic that has no bounds.
func TestArithmeticIsExact(t *testing.T) {
	bound := big.NewInt(money.MaxMinor)
	agrees := func(t *rapid.T, what string, got money.Money, err error, want *big.Int) {
		t.Helper()
		if want.CmpAbs(bound) > 0 {
			if !errors.Is(err, money.ErrRange) {
				t.Fatalf("%s = %v, %v, want %v: it is %s", what, got, err, money.ErrRange, want)
			}
			return
		}
		if err != nil || big.NewInt(got.Minor).Cmp(want) != 0 {
			t.Fatalf("%s = %v, %v, want %s", what, got, err, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := amount().Draw(t, "a"), amount().Draw(t, "b")
		x, y := big.NewInt(a), big.NewInt(b)
		sum, err := eur(a).Add(eur(b))
		agrees(t, "Add", sum, err, new(big.Int).Add(x, y))
		diff, err := eur(a).Sub(eur(b))
		agrees(t, "Sub", diff, err, new(big.Int).Sub(x, y))
		n := rapid.Int64().Draw(t, "n")
		product, err := eur(a).Mul(n)
		agrees(t, "Mul", product, err, new(big.Int).Mul(x, big.NewInt(n)))
	})
}

// TestAmountsOutOfBoundsDoNotWrapRound: an amount that did not come from New
// is refused, not added up until it looks right again.
func TestAmountsOutOfBoundsDoNotWrapRound(t *testing.T) {
	for _, m := range []int64{math.MaxInt64, math.MinInt64, money.MaxMinor + 1} {
		if got, err := eur(m).Add(eur(m)); !errors.Is(err, money.ErrRange) {
			t.Errorf("Add(%d, %d) = %v, %v, want %v", m, m, got, err, money.ErrRange)
		}
		if got, err := eur(0).Sub(eur(m)); !errors.Is(err, money.ErrRange) {
			t.Errorf("Sub(0, %d) = %v, %v, want %v", m, got, err, money.ErrRange)
		}
	}
}

func TestAllocate(t *testing.T) {
	for _, tt := range []struct {
		minor   int64
		weights []int64
		want    []int64
	}{
		{100, []int64{1, 1, 1}, []int64{34, 33, 33}},        // ties go to the earlier share
		{101, []int64{0, 50, 50}, []int64{0, 51, 50}},       // nothing gets nothing
		{-101, []int64{50, 50}, []int64{-51, -50}},          // a reversal mirrors its sale
		{5, []int64{3, 7}, []int64{2, 3}},                   // 1.5 and 3.5: equal remainders
		{1, []int64{1, 1000}, []int64{0, 1}},                // the largest remainder
		{0, []int64{1, 2}, []int64{0, 0}},                   //
		{334, []int64{2, 0, 1, 0}, []int64{223, 0, 111, 0}}, //
		{money.MaxMinor, []int64{money.MaxMinor, 1}, []int64{money.MaxMinor - 1, 1}},
	} {
		parts, err := eur(tt.minor).Allocate(tt.weights...)
		if err != nil {
			t.Errorf("Allocate(%d, %v): %v", tt.minor, tt.weights, err)
			continue
		}
		got := make([]int64, len(parts))
		for i, p := range parts {
			got[i] = p.Minor
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("Allocate(%d, %v) (-want +got):\n%s", tt.minor, tt.weights, diff)
		}
	}
	for _, weights := range [][]int64{{}, {0, 0}, {1, -1}, {money.MaxMinor + 1}} {
		if parts, err := eur(1).Allocate(weights...); !errors.Is(err, money.ErrRange) {
			t.Errorf("Allocate(1, %v) = %v, %v, want %v", weights, parts, err, money.ErrRange)
		}
	}
}

// TestAllocateHandsOutEverything: no cent is lost or made, no share is more
// than a cent from its due, and nothing gets nothing.
func TestAllocateHandsOutEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := amount().Draw(t, "amount")
		weights := rapid.SliceOfN(rapid.Int64Range(0, 1_000_000_000), 1, 20).Draw(t, "weights")
		var total int64
		for _, w := range weights {
			total += w
		}
		if total == 0 {
			t.Skip("all weights are zero")
		}
		parts, err := eur(m).Allocate(weights...)
		if err != nil {
			t.Fatalf("Allocate: %v", err)
		}
		var sum int64
		for i, p := range parts {
			sum += p.Minor
			if weights[i] == 0 && p.Minor != 0 {
				t.Fatalf("share %d of weight zero gets %d", i, p.Minor)
			}
			// |part × total − m × weight| < total, in numbers without bounds.
			off := new(big.Int).Mul(big.NewInt(p.Minor), big.NewInt(total))
			off.Sub(off, new(big.Int).Mul(big.NewInt(m), big.NewInt(weights[i])))
			if off.CmpAbs(big.NewInt(total)) >= 0 {
				t.Fatalf("share %d is %d, more than a cent from its due", i, p.Minor)
			}
		}
		if sum != m {
			t.Fatalf("shares sum to %d, want %d", sum, m)
		}
	})
}

// TestRounding is the golden table. Washington rounds a third decimal above
// four up (RCW 82.08.054); Lago's vector (lago-api 2643) is 334.99 for the
// whole and 335.00 by line.
func TestRounding(t *testing.T) {
	for _, tt := range []struct {
		minor int64
		rate  string
		r     money.Rounding
		want  int64
	}{
		{250, "0.05", money.HalfUp, 13}, // 12.5
		{250, "0.05", money.HalfEven, 12},
		{250, "0.05", money.Down, 12},
		{350, "0.05", money.HalfUp, 18}, // 17.5
		{350, "0.05", money.HalfEven, 18},
		{350, "0.05", money.Down, 17},
		{-250, "0.05", money.HalfUp, -13},
		{-250, "0.05", money.HalfEven, -12},
		{-250, "0.05", money.Down, -12},
		{100, "0.1035", money.HalfUp, 10}, // 10.35: Seattle
		{1000, "0.10350", money.HalfUp, 104},
		{599, "0.08875", money.HalfUp, 53}, // 53.16: New York
		{6833, "0.20", money.HalfUp, 1367},
		{5750, "0.20", money.HalfUp, 1150},
		{8500, "0.20", money.HalfUp, 1700},
		{27916, "0.20", money.HalfUp, 5583},
		{12345, "0", money.HalfUp, 0},
		{12345, "1", money.Down, 12345},
		{money.MaxMinor, "0.9999999999999999999", money.HalfUp, money.MaxMinor},
		{money.MaxMinor, "0.9999999999999999999", money.Down, money.MaxMinor - 1},
	} {
		got, err := eur(tt.minor).MulRate(decimal.MustParse(tt.rate), tt.r)
		if err != nil || got.Minor != tt.want {
			t.Errorf("MulRate(%d, %s, %s) = %d, %v, want %d", tt.minor, tt.rate, tt.r, got.Minor, err, tt.want)
		}
	}
	for _, tt := range []struct {
		gross int64
		rate  string
		want  int64
	}{
		{119, "0.19", 19}, {100, "0.19", 16}, {1, "0.19", 0}, {4, "0.19", 1}, {107, "0.07", 7}, {
			-119,
			"0.19", -19,
		}, {0, "0.19", 0},
	} {
		got, err := eur(tt.gross).TaxWithin(decimal.MustParse(tt.rate), money.HalfUp)
		if err != nil || got.Minor != tt.want {
			t.Errorf("TaxWithin(%d, %s) = %d, %v, want %d", tt.gross, tt.rate, got.Minor, err, tt.want)
		}
	}
	if _, err := eur(1).MulRate(decimal.One, "bankers"); err == nil {
		t.Error("MulRate with an unknown rule succeeded")
	}
	if _, err := eur(money.MaxMinor).MulRate(decimal.MustParse("1000000"), money.HalfUp); !errors.Is(err,
		money.ErrRange) {
		t.Errorf("MulRate beyond the bounds = %v, want %v", err, money.ErrRange)
	}
}

// TestRoundingMeetsItsRule: half up is never more than half a cent off, half
// even is even at the half, down never rises, and all mirror about zero.
func TestRoundingMeetsItsRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := amount().Draw(t, "amount")
		coef, scale := rapid.Int64Range(0, 1_000_000).Draw(t, "coef"), 6
		rate := decimal.MustNew(coef, scale)
		exact := new(big.Rat).Mul(new(big.Rat).SetInt64(m), big.NewRat(coef, 1_000_000))
		for _, r := range []money.Rounding{money.HalfUp, money.HalfEven, money.Down} {
			got, err := eur(m).MulRate(rate, r)
			if err != nil {
				t.Fatalf("MulRate(%d, %s, %s): %v", m, rate, r, err)
			}
			off := new(big.Rat).Sub(new(big.Rat).SetInt64(got.Minor), exact)
			half := new(big.Rat).Abs(off).Cmp(big.NewRat(1, 2))
			rises := new(big.Rat).Abs(new(big.Rat).SetInt64(got.Minor)).Cmp(new(big.Rat).Abs(exact))
			switch {
			case r == money.HalfUp && (half > 0 || half == 0 && rises < 0),
				r == money.HalfEven && (half > 0 || half == 0 && got.Minor%2 != 0),
				r == money.Down && (rises > 0 || new(big.Rat).Abs(off).Cmp(big.NewRat(1, 1)) >= 0):
				t.Fatalf("MulRate(%d, %s, %s) = %d, off by %s", m, rate, r, got.Minor, off.FloatString(9))
			}
			if back, err := eur(-m).MulRate(rate, r); err != nil || back.Minor != -got.Minor {
				t.Fatalf("MulRate(%d, %s, %s) = %d, %v, want %d: a reversal mirrors its sale", -m, rate, r,
					back.Minor, err, -got.Minor)
			}
		}
	})
}

// TestTaxWithinIsContained: net and tax of an inclusive price make it up, and
// the tax is what the net would be charged, to the cent.
func TestTaxWithinIsContained(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gross := rapid.Int64Range(0, 100_000_000).Draw(t, "gross")
		coef := rapid.Int64Range(0, 100_000).Draw(t, "rate")
		tax, err := eur(gross).TaxWithin(decimal.MustNew(coef, 5), money.HalfUp)
		if err != nil || tax.Minor < 0 || tax.Minor > gross {
			t.Fatalf("TaxWithin(%d, %d/100000) = %v, %v", gross, coef, tax, err)
		}
		exact := new(big.Rat).Mul(new(big.Rat).SetInt64(gross), big.NewRat(coef, 100_000+coef))
		off := new(big.Rat).Sub(new(big.Rat).SetInt64(tax.Minor), exact)
		if off.Abs(off).Cmp(big.NewRat(1, 2)) > 0 {
			t.Fatalf("TaxWithin(%d, %d/100000) = %v, more than half a cent off", gross, coef, tax)
		}
	})
}

func BenchmarkMulRate(b *testing.B) {
	rate := decimal.MustParse("0.08875")
	for b.Loop() {
		if _, err := eur(599).MulRate(rate, money.HalfUp); err != nil {
			b.Fatal(err)
		}
	}
}

// TestRateIsWhatArithmeticWithoutBoundsGives compares the short way of a rate
// with the long one.
func TestRateIsWhatArithmeticWithoutBoundsGives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := eur(amount().Draw(t, "amount"))
		text := rapid.OneOf(rapid.StringMatching(`0\.[0-9]{1,18}`), rapid.SampledFrom([]string{"0", "1", "1.0", "0.5", "0.50000000000000000000"})).Draw(t, "rate")
		round := rapid.SampledFrom([]money.Rounding{money.HalfUp, money.HalfEven, money.Down}).Draw(t, "rounding")
		r, err := money.ParseRate(text)
		if err != nil {
			t.Fatalf("ParseRate(%q) = %v, want nil", text, err)
		}
		d := decimal.MustParse(text)
		want, errWant := m.MulRate(d, round)
		if got, err := r.Of(m, round); got != want || (err == nil) != (errWant == nil) {
			t.Fatalf("%s of %s = %v, %v, want %v, %v", text, m, got, err, want, errWant)
		}
		want, errWant = m.TaxWithin(d, round)
		if got, err := r.Within(m, round); got != want || (err == nil) != (errWant == nil) {
			t.Fatalf("%s within %s = %v, %v, want %v, %v", text, m, got, err, want, errWant)
		}
	})
}

func TestRatesThatAreNone(t *testing.T) {
	for _, s := range []string{"", "-0.1", "0.1x", "abc", "0.0000000000000000001", "0,5"} {
		if r, err := money.ParseRate(s); err == nil {
			t.Errorf("ParseRate(%q) = %v, want an error", s, r)
		}
	}
	if _, err := money.NewRate(1, 2).Of(eur(1), "half_down"); err == nil {
		t.Error("Of with an unknown rounding = nil error, want one")
	}
	if _, err := money.NewRate(3, 1).Of(eur(money.MaxMinor), money.HalfUp); !errors.Is(err, money.ErrRange) {
		t.Errorf("Of beyond the bounds = %v, want ErrRange", err)
	}
}

func BenchmarkRateOf(b *testing.B) {
	for b.Loop() {
		r, err := money.ParseRate("0.08875")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.Of(eur(12345), money.HalfUp); err != nil {
			b.Fatal(err)
		}
	}
}
