// Package film does to a clean picture what a camera's sensor does: light and
// white balance, a soft end of the bright parts, and noise.
package film

import (
	"math"

	"github.com/vouchledger/vouch/vision/render/random"
)

// Gains are what light and exposure multiply blue, green and red with.
type Gains [3]float64

const (
	size = 1 << 16 // numbers of noise kept; frames read them from elsewhere each
	unit = 16      // parts of a grey level
)

// A Film holds the noise of one sensor. It never changes.
type Film struct{ noise []int16 }

// New returns film whose noise has the given spread in grey levels.
func New(seed uint64, spread float64) Film {
	r := random.New(seed, 4)
	noise := make([]int16, 2*size)
	for i := range size {
		noise[i] = int16(max(-80, min(80, r.Normal()*spread)) * unit)
	}
	copy(noise[size:], noise) // so that a row never runs over the end
	return Film{noise}
}

// A Curve says what becomes of each level of blue, green and red, in
// sixteenths.
type Curve [3][256]int32

// Soft returns the curve of light whose bright parts roll off and do not clip.
func Soft(light Gains) *Curve {
	return curve(light, func(lit float64) float64 {
		if lit > 225 {
			lit = 225 + 30*(1-math.Exp(-(lit-225)/30))
		}
		return lit + 0.5
	})
}

// Hard returns the curve of light whose bright parts clip.
func Hard(light Gains) *Curve {
	return curve(light, func(lit float64) float64 { return min(255, lit) })
}

func curve(light Gains, tone func(lit float64) float64) *Curve {
	var c Curve
	for i := range c {
		for v := range c[i] {
			c[i][v] = int32(tone(float64(v)*light[i]) * unit)
		}
	}
	return &c
}

// Develop puts a curve and noise on a picture of rows of w pixels, packed as
// blue, green, red; r says which noise.
func (f Film) Develop(pix []uint8, w int, c *Curve, r *random.PCG) {
	for y := range len(pix) / (3 * w) {
		f.row(pix[3*y*w:3*(y+1)*w], c, r)
	}
}

// row maps every channel and adds noise that is mostly in brightness and a
// little in colour.
func (f Film) row(row []uint8, curve *Curve, r *random.PCG) {
	w := len(row) / 3
	grey := f.noise[r.Next()%size:][:w]
	colour := f.noise[r.Next()%size:][:w]
	for x, g := range grey {
		p := row[3*x : 3*x+3 : 3*x+3]
		c := int32(colour[x]) / 2
		p[0] = byteOf(curve[0][p[0]] + int32(g) + c)
		p[1] = byteOf(curve[1][p[1]] + int32(g))
		p[2] = byteOf(curve[2][p[2]] + int32(g) - c)
	}
}

func byteOf(v int32) uint8 {
	v /= unit
	if uint32(v) > 255 { // negative numbers become large
		if v < 0 {
			return 0
		}
		return 255
	}
	return uint8(v) //nolint:gosec // 0 to 255
}
