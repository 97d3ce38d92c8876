package barcode

import (
	"fmt"
	"image"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/oned"

	"github.com/vouchledger/vouch/ledger"
)

// Bounds of a picture: an EAN-8 of 67 modules at one pixel each, and a 4K frame.
const (
	minWidth  = 67
	maxPixels = 4096 * 4096
)

// A Reader reads codes. Its zero value is ready; it is not for several
// goroutines.
type Reader struct {
	reader gozxing.Reader
	sharp  []uint8
}

// formats are what stands on goods. UPC-E is left out: its eight digits with
// another check rule would be taken for an EAN-8.
var formats = map[gozxing.DecodeHintType]any{
	gozxing.DecodeHintType_POSSIBLE_FORMATS: []gozxing.BarcodeFormat{
		gozxing.BarcodeFormat_EAN_13, gozxing.BarcodeFormat_EAN_8,
	},
}

// thorough looks at the whole height: a shopper holds a label anywhere.
var thorough = map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true}

// Decode returns the digits of the code in the picture: 13 of an EAN-13 or
// UPC-A, 8 of an EAN-8; or ErrNoCode. The picture is tried as it is and
// sharpened, each upright and on its side.
func (r *Reader) Decode(g *image.Gray) (string, error) {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	if w < minWidth || h < 8 || w*h > maxPixels {
		return "", fmt.Errorf("%w: %d x %d pixels", ErrPicture, w, h)
	}
	if r.reader == nil {
		r.reader = oned.NewMultiFormatUPCEANReader(formats)
	}
	pix := packed(g)
	rows, n := thinned(pix, w, h)
	if text, ok := r.try(rows, w, n); ok {
		return text, nil
	}
	if text, ok := r.try(r.sharpen(rows, w, n), w, n); ok {
		return text, nil
	}
	if h < minWidth {
		return "", ErrNoCode
	}
	rows, n = thinned(turned(pix, w, h), h, w)
	if text, ok := r.try(rows, h, n); ok {
		return text, nil
	}
	return "", ErrNoCode
}

// every is how many rows are skipped through: bars are much higher than that,
// and reading each row costs four times as much.
const every = 4

// thinned returns every fourth row of a picture that has many.
func thinned(pix []uint8, w, h int) (rows []uint8, n int) {
	if h < 16*every {
		return pix, h
	}
	n = h / every
	rows = make([]uint8, 0, n*w)
	for i := range n {
		rows = append(rows, pix[i*every*w:][:w]...)
	}
	return rows, n
}

// try reads one version of the picture. It guards against the decoder's
// panics: what is held before a camera must not stop the cart.
func (r *Reader) try(pix []uint8, w, h int) (text string, ok bool) {
	defer func() {
		if recover() != nil {
			text, ok = "", false
		}
	}()
	src, err := gozxing.NewPlanarYUVLuminanceSource(pix, w, h, 0, 0, w, h, false)
	if err != nil {
		return "", false
	}
	// The histogram of each row by itself is what gozxing made for bar codes;
	// blocks of eight pixels blur their bars.
	bitmap, err := gozxing.NewBinaryBitmap(gozxing.NewGlobalHistgramBinarizer(src))
	if err != nil {
		return "", false
	}
	res, err := r.reader.Decode(bitmap, thorough)
	if err != nil {
		return "", false
	}
	text = res.GetText()
	return text, text != "" && ledger.ValidateGTIN(text) == nil
}

// packed returns the pixels of the picture row by row without gaps.
func packed(g *image.Gray) []uint8 {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	if g.Stride == w && len(g.Pix) == w*h {
		return g.Pix
	}
	out := make([]uint8, w*h)
	for y := range h {
		copy(out[y*w:][:w], g.Pix[y*g.Stride:])
	}
	return out
}

// sharpen undoes some of a blur along rows: the bars stand across them.
func (r *Reader) sharpen(pix []uint8, w, h int) []uint8 {
	if len(r.sharp) != len(pix) {
		r.sharp = make([]uint8, len(pix))
	}
	for y := range h {
		row, out := pix[y*w:][:w], r.sharp[y*w:][:w]
		for x := range row {
			near := 0
			for d := -2; d <= 2; d++ {
				near += int(row[max(0, min(w-1, x+d))])
			}
			v := int(row[x])
			out[x] = uint8(max(0, min(255, v+2*(v-near/5)))) //nolint:gosec // 0 to 255
		}
	}
	return r.sharp
}

// turned returns the picture turned by a quarter.
func turned(pix []uint8, w, h int) []uint8 {
	out := make([]uint8, len(pix))
	for y := range h {
		for x := range w {
			out[x*h+h-1-y] = pix[y*w+x]
		}
	}
	return out
}

// Normal returns a GTIN in the one form that all ways to print it share: 14
// digits, or an error. An EAN-13 that begins with a zero and the UPC-A without
// it are one product.
func Normal(gtin string) (string, error) {
	if gtin == "" {
		return "", fmt.Errorf("%w: it is empty", ErrDigits)
	}
	if err := ledger.ValidateGTIN(gtin); err != nil {
		return "", fmt.Errorf("%w: %w", ErrDigits, err)
	}
	return "00000000000000"[:14-len(gtin)] + gtin, nil
}
