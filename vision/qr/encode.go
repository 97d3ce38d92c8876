package qr

import (
	"fmt"
	"image"

	"rsc.io/qr"
)

// Quiet is the white border of a code in modules, as the standard asks.
const Quiet = 4

// A Code is the pattern of a QR code without its border.
type Code struct {
	code *qr.Code
}

// Encode returns the code of text at level M, which survives the loss of
// about fifteen per cent.
func Encode(text string) (*Code, error) {
	if text == "" {
		return nil, fmt.Errorf("%w: it is empty", ErrText)
	}
	c, err := qr.Encode(text, qr.M)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrText, err)
	}
	return &Code{code: c}, nil
}

// Size returns the modules of a side: 17 and four for each version.
func (c *Code) Size() int { return c.code.Size }

// Version returns the version, 1 to 40.
func (c *Code) Version() int { return (c.code.Size - 17) / 4 }

// Black reports whether the module at x, y is black. Outside it is not.
func (c *Code) Black(x, y int) bool { return c.code.Black(x, y) }

// Image returns the code with its border, each module px pixels wide.
func (c *Code) Image(px int) *image.Gray {
	side := (c.Size() + 2*Quiet) * px
	g := image.NewGray(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			if !c.Black(x/px-Quiet, y/px-Quiet) {
				g.Pix[y*side+x] = 255
			}
		}
	}
	return g
}

// PNG returns the code with its border as a PNG file of 8 pixels a module.
func (c *Code) PNG() []byte { return c.code.PNG() }
