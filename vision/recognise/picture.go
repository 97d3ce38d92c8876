package recognise

import (
	"bytes"
	"fmt"
	"image"
	_ "image/jpeg" // the formats that products are photographed in
	_ "image/png"

	"golang.org/x/image/draw"
)

const (
	// minSide is the smallest side from which a product can be told.
	minSide = 8
	// maxPixels bounds the memory of one picture: 50 megapixels.
	maxPixels = 50_000_000
)

// A Picture is red-green-blue bytes, row by row.
type Picture struct {
	W, H int
	RGB  []byte
}

// Decode reads a JPEG or PNG.
func Decode(b []byte) (Picture, error) { return DecodePart(b, image.Rectangle{}, image.Point{}) }

// DecodePart reads a part of a JPEG or PNG, given in pixels of a picture of
// size of: a stored frame may be smaller than the camera's. An empty part is
// the whole.
func DecodePart(b []byte, part image.Rectangle, of image.Point) (Picture, error) {
	c, _, err := image.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return Picture{}, fmt.Errorf("%w: %w", ErrPicture, err)
	}
	if min(c.Width, c.Height) < minSide || c.Width > maxPixels/c.Height {
		return Picture{}, fmt.Errorf("%w: %dx%d pixels", ErrPicture, c.Width, c.Height)
	}
	img, _, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		return Picture{}, fmt.Errorf("%w: %w", ErrPicture, err)
	}
	if part.Empty() {
		return shrink(img, img.Bounds(), longest), nil
	}
	if of.X <= 0 || of.Y <= 0 || !part.In(image.Rectangle{Max: of}) {
		return Picture{}, fmt.Errorf("%w: the part %v is not in a picture of %v", ErrPicture, part, of)
	}
	size := img.Bounds().Size()
	part = image.Rect(part.Min.X*size.X/of.X, part.Min.Y*size.Y/of.Y, part.Max.X*size.X/of.X, part.Max.Y*size.Y/of.Y)
	if min(part.Dx(), part.Dy()) < minSide {
		return Picture{}, fmt.Errorf("%w: the part is %dx%d pixels", ErrPicture, part.Dx(), part.Dy())
	}
	return shrink(img, part.Add(img.Bounds().Min), longest), nil
}

// FromBGR makes a picture of a part of packed blue-green-red bytes, as cameras
// give them. An empty part is the whole.
func FromBGR(w, h int, bgr []byte, part image.Rectangle) (Picture, error) {
	if min(w, h) < minSide || w > maxPixels/h || len(bgr) != 3*w*h {
		return Picture{}, fmt.Errorf("%w: %d bytes for %dx%d pixels", ErrPicture, len(bgr), w, h)
	}
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		img.Pix[4*i], img.Pix[4*i+1], img.Pix[4*i+2], img.Pix[4*i+3] = bgr[3*i+2], bgr[3*i+1], bgr[3*i], 255
	}
	if part.Empty() {
		part = img.Bounds()
	}
	if part = part.Intersect(img.Bounds()); min(part.Dx(), part.Dy()) < minSide {
		return Picture{}, fmt.Errorf("%w: the part is %dx%d pixels", ErrPicture, part.Dx(), part.Dy())
	}
	return shrink(img, part, longest), nil
}

// Mirror returns the picture as a mirror shows it.
func (p Picture) Mirror() Picture {
	out := Picture{W: p.W, H: p.H, RGB: make([]byte, len(p.RGB))}
	for y := range p.H {
		for x := range p.W {
			copy(out.RGB[3*(y*p.W+x):3*(y*p.W+x)+3], p.RGB[3*(y*p.W+p.W-1-x):])
		}
	}
	return out
}

// longest is the longer side of every picture that is kept: more shows no
// label better to features that look at shapes of a few pixels.
const longest = 320

// shrink brings a part of a picture to the given longer side, if it is larger.
func shrink(img image.Image, b image.Rectangle, side int) Picture {
	w, h := b.Dx(), b.Dy()
	if m := max(w, h); m > side {
		w, h = max(minSide, w*side/m), max(minSide, h*side/m)
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.BiLinear.Scale(dst, dst.Bounds(), img, b, draw.Src, nil)
	p := Picture{W: w, H: h, RGB: make([]byte, 3*w*h)}
	for i := range w * h {
		copy(p.RGB[3*i:3*i+3], dst.Pix[4*i:4*i+3])
	}
	return p
}

// scaled returns the picture with the shorter side of that many pixels; a
// very long picture keeps a shape of at most 4:1.
func (p Picture) scaled(shorter int) Picture {
	w, h := p.W, p.H
	if w < h {
		w, h = shorter, min(4*shorter, max(shorter, h*shorter/w))
	} else {
		w, h = min(4*shorter, max(shorter, w*shorter/h)), shorter
	}
	return p.resized(w, h)
}

func (p Picture) resized(w, h int) Picture {
	src := image.NewRGBA(image.Rect(0, 0, p.W, p.H))
	for i := range p.W * p.H {
		copy(src.Pix[4*i:4*i+3], p.RGB[3*i:3*i+3])
		src.Pix[4*i+3] = 255
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.BiLinear.Scale(dst, dst.Bounds(), src, src.Bounds(), draw.Src, nil)
	out := Picture{W: w, H: h, RGB: make([]byte, 3*w*h)}
	for i := range w * h {
		copy(out.RGB[3*i:3*i+3], dst.Pix[4*i:4*i+3])
	}
	return out
}

// BGR returns packed blue-green-red bytes, as networks want them.
func (p Picture) BGR() []byte {
	out := make([]byte, len(p.RGB))
	for i := 0; i+2 < len(out); i += 3 {
		out[i], out[i+1], out[i+2] = p.RGB[i+2], p.RGB[i+1], p.RGB[i]
	}
	return out
}
