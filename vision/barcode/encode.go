package barcode

import (
	"fmt"
	"image"

	"github.com/vouchledger/vouch/ledger"
)

// Modules of the quiet zones, as the standard asks of EAN-13: left of the code
// and right of it. UPC-A and EAN-8 ask for less.
const (
	QuietLeft  = 11
	QuietRight = 7
)

// widths are the bars of the digits in set A: white, black, white, black.
var widths = [10][4]int{
	{3, 2, 1, 1},
	{2, 2, 2, 1},
	{2, 1, 2, 2},
	{1, 4, 1, 1},
	{1, 1, 3, 2},
	{1, 2, 3, 1},
	{1, 1, 1, 4},
	{1, 3, 1, 2},
	{1, 2, 1, 3},
	{3, 1, 1, 2},
}

// parity says for each first digit of an EAN-13 which of the next six are
// drawn in set B (mirrored) and not in A.
var parity = [10]string{
	"AAAAAA", "AABABB", "AABBAB", "AABBBA", "ABAABB", "ABBAAB", "ABBBAA", "ABABAB", "ABABBA", "ABBABA",
}

// A Code is the bars of one code without its quiet zones.
type Code struct {
	black []bool // one for each module
}

// Encode returns the bars of a GTIN of 8, 12 or 13 digits.
func Encode(gtin string) (*Code, error) {
	if gtin == "" || len(gtin) == 14 {
		return nil, fmt.Errorf("%w: %q, want 8, 12 or 13 digits", ErrDigits, gtin)
	}
	if err := ledger.ValidateGTIN(gtin); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDigits, err)
	}
	c := &Code{}
	left, right, sets := gtin[:4], gtin[4:], "AAAA"
	if len(gtin) > 8 {
		if len(gtin) == 12 { // UPC-A is EAN-13 with a leading zero
			gtin = "0" + gtin
		}
		left, right, sets = gtin[1:7], gtin[7:], parity[gtin[0]-'0']
	}
	c.bars(true, 1, 1, 1)
	for i := range len(left) {
		w := widths[left[i]-'0']
		if sets[i] == 'B' {
			w = [4]int{w[3], w[2], w[1], w[0]}
		}
		c.bars(false, w[:]...)
	}
	c.bars(false, 1, 1, 1, 1, 1)
	for i := range len(right) {
		w := widths[right[i]-'0']
		c.bars(true, w[:]...)
	}
	c.bars(true, 1, 1, 1)
	return c, nil
}

// bars appends bars of alternating colour.
func (c *Code) bars(black bool, modules ...int) {
	for _, n := range modules {
		for range n {
			c.black = append(c.black, black)
		}
		black = !black
	}
}

// Modules returns how many modules wide the code is: 95, or 67 for EAN-8.
func (c *Code) Modules() int { return len(c.black) }

// Black reports whether module i, counted from the left, is black. Outside it
// is not.
func (c *Code) Black(i int) bool { return i >= 0 && i < len(c.black) && c.black[i] }

// Image returns the code with its quiet zones, each module px pixels wide.
func (c *Code) Image(px, height int) *image.Gray {
	w := (QuietLeft + c.Modules() + QuietRight) * px
	g := image.NewGray(image.Rect(0, 0, w, height))
	for y := range height {
		for x := range w {
			if !c.Black(x/px - QuietLeft) {
				g.Pix[y*w+x] = 255
			}
		}
	}
	return g
}
