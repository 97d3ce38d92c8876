package track

import (
	"fmt"
	"image"
	"math"
)

// A Look is what a person looks like as a vector of length 1: colours by
// default ([Colours]), or what an embedding network says. The similarity of
// two is their inner product, which for colours is the Bhattacharyya
// coefficient. Only looks of one kind can be compared.
type Look []float32

const (
	hues, tones, greys = 12, 2, 4
	perBand            = hues*tones + greys
	bands              = 3 // head and shoulders, body, legs
	// grey is the saturation below which a hue means nothing.
	grey = 0.16
)

// Bands is how many bands a look of colours has, from the head down.
const Bands = bands

// Colours returns the look of a box in a picture of bytes blue, green, red:
// for each of three bands a histogram of hue and brightness. The outer fifth
// of the box on either side is left out, because that is mostly floor.
func Colours(bgr []byte, width, height int, box image.Rectangle) (Look, error) {
	box.Min.X, box.Max.X = box.Min.X+box.Dx()/5, box.Max.X-box.Dx()/5
	within := box.Intersect(image.Rect(0, 0, width, height))
	return ColoursBy(bgr, width, height, box, func(_, y int) int {
		return min(bands-1, (y-within.Min.Y)*bands/within.Dy())
	})
}

// ColoursBy is Colours for who knows which pixels are the person: band returns
// to which of [Bands] a pixel of the box belongs, 0 for the head, or -1 for
// none.
func ColoursBy(bgr []byte, width, height int, box image.Rectangle, band func(x, y int) int) (Look, error) {
	if width <= 0 || height <= 0 || len(bgr) != 3*width*height {
		return nil, fmt.Errorf("%w: %d bytes for %d x %d", ErrLook, len(bgr), width, height)
	}
	box = box.Intersect(image.Rect(0, 0, width, height))
	if box.Empty() {
		return nil, nil
	}
	look := make(Look, bands*perBand)
	sum := float32(0)
	step := max(1, min(box.Dx(), box.Dy())/24)
	for y := box.Min.Y; y < box.Max.Y; y += step {
		for x := box.Min.X; x < box.Max.X; x += step {
			b := band(x, y)
			if b < 0 {
				continue
			}
			p := bgr[3*(y*width+x):]
			look[b*perBand+bin(p[2], p[1], p[0])]++
			sum++
		}
	}
	if sum == 0 {
		return nil, nil
	}
	for i, v := range look {
		look[i] = float32(math.Sqrt(float64(v / sum)))
	}
	return look, nil
}

// bin returns the place of a colour in a band's histogram.
func bin(r, g, b byte) int {
	hi, lo := max(r, g, b), min(r, g, b)
	chroma := float64(hi) - float64(lo)
	if chroma < grey*float64(hi) || hi < 24 {
		return hues*tones + min(greys-1, int(hi)*greys/256)
	}
	h := 0.0
	switch hi {
	case r:
		h = math.Mod((float64(g)-float64(b))/chroma+6, 6)
	case g:
		h = (float64(b)-float64(r))/chroma + 2
	default:
		h = (float64(r)-float64(g))/chroma + 4
	}
	return min(hues-1, int(h*hues/6))*tones + min(tones-1, int(hi)*tones/256)
}

// like returns the similarity of two looks, and whether there is one.
func (l Look) like(o Look) (float64, bool) {
	if len(l) == 0 || len(l) != len(o) {
		return 0, false
	}
	sum := 0.0
	for i, v := range l {
		sum += float64(v) * float64(o[i])
	}
	return sum, true
}

// toward returns the look moved by a share towards another, at length 1.
func (l Look) toward(o Look, share float64) Look {
	if len(l) != len(o) {
		if len(l) == 0 {
			return o
		}
		return l
	}
	mixed, norm := make(Look, len(l)), 0.0
	for i := range l {
		v := (1-share)*float64(l[i]) + share*float64(o[i])
		mixed[i], norm = float32(v), norm+v*v
	}
	if norm == 0 {
		return l
	}
	for i := range mixed {
		mixed[i] = float32(float64(mixed[i]) / math.Sqrt(norm))
	}
	return mixed
}

// Likeness says how similar the looks of one person and of two different ones
// are, as normal distributions, from which follows what a similarity says. It
// depends on the kind of look and should be measured in the shop.
type Likeness struct {
	SameMean, SameSpread   float64
	OtherMean, OtherSpread float64
}

// ColourLikeness is what [Colours] showed on persons of one camera's clips and
// in drawn shops.
var ColourLikeness = Likeness{SameMean: 0.93, SameSpread: 0.05, OtherMean: 0.70, OtherSpread: 0.14}

// often returns the likeness of the means of several looks each: what is by
// chance in one of them has gone.
func (k Likeness) often() Likeness {
	k.SameMean, k.SameSpread = (1+k.SameMean)/2, k.SameSpread/2
	return k
}

// maxSays bounds what one comparison of looks may say, in nats: clothes are
// no proof.
const maxSays = 4.0

// says returns the log of how much more probable the similarity of a and b is
// if they are one person.
func (k Likeness) says(a, b Look) float64 {
	s, ok := a.like(b)
	if !ok {
		return 0
	}
	if s > k.SameMean {
		s = k.SameMean // more alike than alike says no more
	}
	same, other := (s-k.SameMean)/k.SameSpread, (s-k.OtherMean)/k.OtherSpread
	llr := (other*other-same*same)/2 + math.Log(k.OtherSpread/k.SameSpread)
	return max(-maxSays, min(maxSays, llr))
}
