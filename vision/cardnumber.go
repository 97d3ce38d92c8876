package vision

// CardNumber reports whether a text could be the number of a payment card, which
// must never reach us: 12 to 19 digits, gaps allowed, with a right check digit
// (ISO/IEC 7812-1, annex B).
func CardNumber(text string) bool {
	var digits []int
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			digits = append(digits, int(r-'0'))
		case r != ' ' && r != '-':
			return false
		}
	}
	if len(digits) < 12 || len(digits) > 19 {
		return false
	}
	sum := 0
	for i := range digits {
		d := digits[len(digits)-1-i]
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
