package palm

import (
	"fmt"
	"image"
	"math"
)

const (
	side  = 128 // pixels of the upright palm
	grid  = 32  // places along a side that have bits
	ways  = 3   // directions
	shift = 4   // places by which codes are moved against each other

	// below is where the square begins under the valleys, and wide how wide it
	// is, in widths of two fingers.
	below = 0.22
	wide  = 1.55
)

// A Code is what a palm looks like: for each direction and row one word of
// bits.
type Code [ways][grid]uint32

// upright returns the square of the palm. A place outside the hand is not
// excused: a palm that is half in the picture is no palm.
func (m *mask) upright(g *image.Gray, f frame) (*[side * side]float64, error) {
	var out [side * side]float64
	outside := 0
	size := wide * f.width
	for y := range side {
		for x := range side {
			p := f.origin.plus(f.across.times((float64(x)/side - 0.5) * size)).
				plus(f.down.times((below*f.width + float64(y)/side*size)))
			if !m.at(int(p.x), int(p.y)) {
				outside++
			}
			out[y*side+x] = between(g, p)
		}
	}
	if outside > side*side/5 {
		return nil, fmt.Errorf("%w: the palm is not whole", ErrNoHand)
	}
	return &out, nil
}

// between returns the brightness at a place between pixels.
func between(g *image.Gray, p point) float64 {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	x, y := max(0, min(float64(w)-1.001, p.x)), max(0, min(float64(h)-1.001, p.y))
	ix, iy := int(x), int(y)
	ax, ay := x-float64(ix), y-float64(iy)
	at := func(x, y int) float64 { return float64(g.Pix[min(h-1, y)*g.Stride+min(w-1, x)]) }
	return (at(ix, iy)*(1-ax)+at(ix+1, iy)*ax)*(1-ay) + (at(ix, iy+1)*(1-ax)+at(ix+1, iy+1)*ax)*ay
}

const reach = 12 // of a filter, in pixels

// filters are the differences of two stripes at right angles, Gaussian across
// and along, in three directions.
var filters = func() (f [ways][2*reach + 1][2*reach + 1]float64) {
	const along, across = 7.0, 2.2
	for k := range ways {
		angle := float64(k) * math.Pi / 6
		cos, sin := math.Cos(angle), math.Sin(angle)
		var sums [2]float64
		var parts [2][2*reach + 1][2*reach + 1]float64
		for y := -reach; y <= reach; y++ {
			for x := -reach; x <= reach; x++ {
				u, v := float64(x)*cos+float64(y)*sin, float64(y)*cos-float64(x)*sin
				parts[0][y+reach][x+reach] = math.Exp(-u*u/(2*along*along) - v*v/(2*across*across))
				parts[1][y+reach][x+reach] = math.Exp(-v*v/(2*along*along) - u*u/(2*across*across))
				sums[0] += parts[0][y+reach][x+reach]
				sums[1] += parts[1][y+reach][x+reach]
			}
		}
		for y := range parts[0] {
			for x := range parts[0][y] {
				f[k][y][x] = parts[0][y][x]/sums[0] - parts[1][y][x]/sums[1]
			}
		}
	}
	return f
}()

func encode(p *[side * side]float64) Code {
	var c Code
	for k := range ways {
		for gy := range grid {
			for gx := range grid {
				var v float64
				for dy := -reach; dy <= reach; dy++ {
					row := max(0, min(side-1, gy*side/grid+side/grid/2+dy)) * side
					for dx := -reach; dx <= reach; dx++ {
						v += filters[k][dy+reach][dx+reach] * p[row+max(0, min(side-1, gx*side/grid+side/grid/2+dx))]
					}
				}
				if v < 0 {
					c[k][gy] |= 1 << gx
				}
			}
		}
	}
	return c
}

// Distance returns the share of unequal bits at the best shift: 0 for the same
// picture, about a half for two that have nothing to do with each other.
func Distance(a, b Code) float64 {
	own := pack(&a)
	return newProbe(b).distance(&own)
}
