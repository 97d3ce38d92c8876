package qr

import (
	"fmt"
	"image"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// maxPixels bounds the pictures that are tried: a 4K frame and some room.
const maxPixels = 4096 * 4096

// Effort says how much is tried before a picture is given up.
type Effort int

const (
	// Quick tries the picture as it is and with its contrast restored: for
	// every frame of a camera, most of which show no code.
	Quick Effort = iota
	// Full tries everything: for a still picture, and now and then in a video.
	Full
)

// A try is one way to look at a picture.
type try struct {
	name   string
	effort Effort
	change func(*image.Gray) *image.Gray
}

// lean is how strongly a phone is taken to lean when nothing else helped: its
// far edge looks about half as long as its near one.
const lean = 0.6

// tries is in the order of success per time on camera pictures. Each is read
// with both of gozxing's binarizers: one threshold for the whole picture, and
// one for each block of eight pixels, which glare needs.
var tries = []try{
	{"as it is", Quick, func(g *image.Gray) *image.Gray { return g }},
	{"stretched", Quick, stretch},
	{"twice as large", Full, func(g *image.Gray) *image.Gray { return scale(stretch(g), 2) }},
	{"inverted", Full, func(g *image.Gray) *image.Gray { return invert(stretch(g)) }},
	{"sharpened", Full, func(g *image.Gray) *image.Gray { return sharpen(stretch(g), 2, 2) }},
	{"large and sharpened", Full, func(g *image.Gray) *image.Gray { return sharpen(scale(stretch(g), 2), 3, 3) }},
	{"smoothed", Full, func(g *image.Gray) *image.Gray { return blur(stretch(g), 1) }},
	{"half as large again", Full, func(g *image.Gray) *image.Gray { return scale(stretch(g), 1.5) }},
	{"three times as large", Full, func(g *image.Gray) *image.Gray { return scale(stretch(g), 3) }},
	{"half as large", Full, func(g *image.Gray) *image.Gray { return scale(stretch(g), 0.5) }},
	{"inverted and large", Full, func(g *image.Gray) *image.Gray { return scale(invert(stretch(g)), 2) }},
	{"strongly sharpened", Full, func(g *image.Gray) *image.Gray { return sharpen(stretch(g), 4, 4) }},
	{"evened out", Full, even},
	{"leaning left", Full, func(g *image.Gray) *image.Gray { return keystone(stretch(g), lean, 0) }},
	{"leaning right", Full, func(g *image.Gray) *image.Gray { return keystone(stretch(g), -lean, 0) }},
	{"leaning back", Full, func(g *image.Gray) *image.Gray { return keystone(stretch(g), 0, lean) }},
	{"leaning forward", Full, func(g *image.Gray) *image.Gray { return keystone(stretch(g), 0, -lean) }},
}

// Decode returns the text of the code in the picture, or ErrNoCode. If there
// are several codes it is that of the one found first.
func Decode(g *image.Gray, effort Effort) (string, error) {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	if w < 21 || h < 21 || w*h > maxPixels { // the smallest code has 21 modules
		return "", fmt.Errorf("%w: %d x %d pixels", ErrPicture, w, h)
	}
	g = compact(g)
	for _, t := range tries {
		if t.effort > effort {
			continue
		}
		if text, ok := read(t.change(g)); ok {
			return text, nil
		}
	}
	return "", ErrNoCode
}

// read tries both binarizers on one version of the picture.
func read(g *image.Gray) (string, bool) {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	src, err := gozxing.NewPlanarYUVLuminanceSource(g.Pix, w, h, 0, 0, w, h, false)
	if err != nil {
		return "", false
	}
	for _, b := range []gozxing.Binarizer{
		gozxing.NewHybridBinarizer(src), gozxing.NewGlobalHistgramBinarizer(src),
	} {
		if text, ok := readBitmap(b); ok {
			return text, true
		}
	}
	return "", false
}

// readBitmap guards against the decoder's panics on broken codes: what is
// held before a camera must not stop the gate.
func readBitmap(b gozxing.Binarizer) (text string, ok bool) {
	defer func() {
		if recover() != nil {
			text, ok = "", false
		}
	}()
	bitmap, err := gozxing.NewBinaryBitmap(b)
	if err != nil {
		return "", false
	}
	res, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
	if err != nil {
		return "", false
	}
	return res.GetText(), res.GetText() != ""
}
