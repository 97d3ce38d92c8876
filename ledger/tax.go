package ledger

import (
	"fmt"
	"strings"

	"github.com/govalues/decimal"
)

// A TaxBasis says what tax is rounded for.
type TaxBasis string

// What tax is rounded for.
const (
	TaxPerLine    TaxBasis = ""        // each line
	TaxPerReceipt TaxBasis = "receipt" // all lines of one rule together, shared out to the lines
)

// TaxParts names jurisdictions and their parts of a rate, which is applied as
// one: "US-WA=0.065 US-WA-SEATTLE=0.0385".
type TaxParts string

// A TaxPart is the part of a rate that one jurisdiction gets.
type TaxPart struct {
	Jurisdiction string
	Rate         decimal.Decimal
}

// Split returns the parts in order, or an [ErrInvalid].
func (p TaxParts) Split() ([]TaxPart, error) {
	var parts []TaxPart
	for word := range strings.FieldsSeq(string(p)) {
		name, rate, ok := strings.Cut(word, "=")
		d, err := parseRate(rate)
		if !ok || name == "" || err != nil {
			return nil, fmt.Errorf("%w: part %q of a tax rate: want JURISDICTION=RATE", ErrInvalid, word)
		}
		parts = append(parts, TaxPart{name, d})
	}
	return parts, nil
}

// validateParts refuses parts that are not the rate together.
func validateParts(p TaxParts, rate string) error {
	if p == "" {
		return nil
	}
	parts, err := p.Split()
	if err != nil {
		return err
	}
	sum := decimal.Zero
	for _, part := range parts {
		if sum, err = sum.Add(part.Rate); err != nil {
			return fmt.Errorf("%w: tax parts %q: %w", ErrInvalid, p, err)
		}
	}
	if whole, err := parseRate(rate); err != nil || sum.Cmp(whole) != 0 {
		return fmt.Errorf("%w: tax parts %q sum to %s, the rate is %s", ErrInvalid, p, sum, rate)
	}
	return nil
}

// validateRate is parseRate without the decimal, which most rates do not need
// to be seen as valid: "0.08875" is.
func validateRate(s string) error {
	if frac, ok := strings.CutPrefix(s, "0."); ok && frac != "" && len(frac) <= maxDigits {
		digits := true
		for i := range len(frac) {
			digits = digits && frac[i]-'0' <= 9
		}
		if digits {
			return nil
		}
	}
	_, err := parseRate(s)
	return err
}

func parseRate(s string) (decimal.Decimal, error) {
	d, err := decimal.Parse(s)
	if err != nil || d.IsNeg() || d.Cmp(decimal.One) > 0 {
		return decimal.Decimal{}, fmt.Errorf("%w: rate %q is not a decimal from 0 to 1", ErrInvalid, s)
	}
	return d, nil
}
