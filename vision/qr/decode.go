package qr

import (
	"errors"
	"fmt"
	"image"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// maxPixels bounds the pictures that are tried: a 4K frame and some room.
const maxPixels = 4096 * 4096

// maxTry bounds the pixels of a version that is tried: a code that is large
// already is not helped by being larger.
const maxTry = 700_000

// Effort says how much is tried before a picture is given up.
type Effort int

const (
	// Quick tries the picture as it is and with its contrast restored: a few
	// milliseconds.
	Quick Effort = iota
	// Full tries everything: for a still picture. In a video a [Reader] does
	// the same a little at a time.
	Full
)

// A try is one way to look at a picture.
type try struct {
	name   string
	pixels float64 // of the result, for each of the picture
	change func(*image.Gray) *image.Gray
}

// lean is how strongly a phone is taken to lean when nothing else helped: its
// far edge looks about half as long as its near one.
const lean = 0.6

// quick is tried on whole frames, most of which show no code.
var quick = []try{
	{"as it is", 1, func(g *image.Gray) *image.Gray { return g }},
	{"stretched", 1, stretch},
}

// further is tried on the part that looks like a code, its contrast restored,
// in the order of success per time on camera pictures. Everything is read
// with both of gozxing's binarizers: one threshold for the whole picture, and
// one for each block of eight pixels, which glare needs.
var further = []try{
	{"twice as large", 4, func(g *image.Gray) *image.Gray { return scale(g, 2) }},
	{"inverted", 1, invert},
	{"sharpened", 1, func(g *image.Gray) *image.Gray { return sharpen(g, 2, 2) }},
	{"large and sharpened", 4, func(g *image.Gray) *image.Gray { return sharpen(scale(g, 2), 3, 3) }},
	{"smoothed", 1, func(g *image.Gray) *image.Gray { return blur(g, 1) }},
	{"half as large again", 2.25, func(g *image.Gray) *image.Gray { return scale(g, 1.5) }},
	{"three times as large", 9, func(g *image.Gray) *image.Gray { return scale(g, 3) }},
	{"half as large", 0.25, func(g *image.Gray) *image.Gray { return scale(g, 0.5) }},
	{"inverted and large", 4, func(g *image.Gray) *image.Gray { return scale(invert(g), 2) }},
	{"strongly sharpened", 1, func(g *image.Gray) *image.Gray { return sharpen(g, 4, 4) }},
	{"evened out", 1, even},
	{"leaning left", 1, func(g *image.Gray) *image.Gray { return keystone(g, lean, 0) }},
	{"leaning right", 1, func(g *image.Gray) *image.Gray { return keystone(g, -lean, 0) }},
	{"leaning back", 1, func(g *image.Gray) *image.Gray { return keystone(g, 0, lean) }},
	{"leaning forward", 1, func(g *image.Gray) *image.Gray { return keystone(g, 0, -lean) }},
}

// Decode returns the text of the code in the picture, or ErrNoCode. If there
// are several codes it is that of the one found first.
func Decode(g *image.Gray, effort Effort) (string, error) {
	text, part, err := glance(g)
	if !errors.Is(err, ErrNoCode) || part == nil || effort == Quick {
		return text, err
	}
	for _, t := range further {
		if t.pixels*float64(len(part.Pix)) > maxTry {
			continue
		}
		if text, ok := read(t.change(part)); ok {
			return text, nil
		}
	}
	return "", ErrNoCode
}

// checked returns the picture with its rows packed, if it is one.
func checked(g *image.Gray) (*image.Gray, error) {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	if w < 21 || h < 21 || w*h > maxPixels { // the smallest code has 21 modules
		return nil, fmt.Errorf("%w: %d x %d pixels", ErrPicture, w, h)
	}
	return compact(g), nil
}

// glance tries what is quick. Without success it returns the part that looks
// like a code, its contrast restored, or nil.
func glance(g *image.Gray) (text string, part *image.Gray, err error) {
	if g, err = checked(g); err != nil {
		return "", nil, err
	}
	for _, t := range quick {
		if text, ok := read(t.change(g)); ok {
			return text, nil, nil
		}
	}
	if part = find(g); part != nil {
		part = stretch(part)
	}
	return "", part, ErrNoCode
}

// MaxPixels bounds what a Reader works through after its quick tries on a
// frame: about ten milliseconds on one core.
const MaxPixels = 300_000

// A Reader reads the frames of one camera. It spreads what [Decode] tries with
// full effort over the frames that follow each other, so that no frame takes
// long: a code is held before a camera for a second or more. The zero value is
// ready.
type Reader struct{ next int }

// Read returns the text of the code in the next frame, or ErrNoCode. It works
// with what is left of MaxPixels, and on one version of the frame at least.
func (r *Reader) Read(g *image.Gray) (string, error) {
	g, err := checked(g)
	if err != nil {
		return "", err
	}
	if text, ok := read(g); ok {
		return text, nil
	}
	// The contrast of the part that looks like a code is restored, and not of all
	// of the frame: that is the better for it, and most of the time of a frame.
	part := find(g)
	looks := part != nil
	if !looks {
		part = g
	}
	part = stretch(part)
	if text, ok := read(part); ok {
		return text, nil
	}
	if !looks {
		return "", ErrNoCode
	}
	left, size := float64(MaxPixels), float64(len(part.Pix))
	for n := range further {
		t := further[r.next]
		if t.pixels*size > maxTry {
			r.next = (r.next + 1) % len(further)
			continue
		}
		if left -= t.pixels * size; left < 0 && n > 0 {
			break
		}
		if text, ok := read(t.change(part)); ok {
			return text, nil // and r.next stays: the next frame is read the same way
		}
		r.next = (r.next + 1) % len(further)
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
