package ledger

import "fmt"

// ValidateGTIN checks the length and check digit of a GTIN (GS1 General
// Specifications, section 7.9). The empty GTIN is allowed.
func ValidateGTIN(s string) error {
	if s == "" {
		return nil
	}
	if n := len(s); n != 8 && n != 12 && n != 13 && n != 14 {
		return fmt.Errorf("%w: GTIN %q has %d digits, want 8, 12, 13 or 14", ErrInvalid, s, n)
	}
	sum := 0
	for i := range len(s) {
		d := int(s[i] - '0')
		if d < 0 || d > 9 {
			return fmt.Errorf("%w: GTIN %q holds something else than digits", ErrInvalid, s)
		}
		if (len(s)-i)%2 == 0 { // weights 3 and 1 alternate from the right
			d *= 3
		}
		sum += d
	}
	if sum%10 != 0 {
		return fmt.Errorf("%w: GTIN %q has a wrong check digit", ErrInvalid, s)
	}
	return nil
}
