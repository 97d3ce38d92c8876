package palm

import (
	"fmt"
	"image"
	"image/draw"
	"math"
	"math/cmplx"
)

// A Capture is what one picture of a hand shows: its code, and what tells a hand
// from a picture of one as far as one camera can. No pixel of it is kept.
type Capture struct {
	Code  Code
	Width float64 // of two fingers, in pixels: grows as the hand comes nearer
	Turn  float64 // of the palm in the picture, in radians

	Grid   float64 // how much one fine period stands out of the palm's texture
	Shine  float64 // share of the hand that is burnt out
	Ground float64 // share of the ground around it that has edges

	marks [marks]point // places of the hand, as the picture shows them
	whole bool         // no finger is cut off by the picture's edge
}

// marks are the three valleys between the fingers and the tips of the four.
const marks = 7

// Grey returns a picture as [See] takes it.
func Grey(m image.Image) *image.Gray {
	b := m.Bounds()
	g := image.NewGray(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(g, g.Rect, m, b.Min, draw.Src)
	return g
}

// See returns what a picture of a hand shows, or an [ErrNoHand].
func See(g *image.Gray) (Capture, error) {
	if g.Rect.Dx() < side || g.Rect.Dy() < side || g.Rect.Min != (image.Point{}) || g.Stride != g.Rect.Dx() {
		return Capture{}, fmt.Errorf("%w: the picture is too small, or a part of another", ErrNoHand)
	}
	m, err := cutOut(g)
	if err != nil {
		return Capture{}, err
	}
	c := m.contour()
	frames, err := m.find(c)
	if err != nil {
		return Capture{}, err
	}
	for _, f := range frames {
		var p *[side * side]float64
		if p, err = m.upright(g, f); err != nil {
			continue
		}
		marks := landmarks(c, f)
		return Capture{
			Code: encode(p), Width: f.width, Turn: math.Atan2(f.across.y, f.across.x),
			Grid: m.grid(g, f), Shine: m.shine(g), Ground: m.ground(g), marks: marks, whole: m.whole(marks),
		}, nil
	}
	return Capture{}, err
}

// Read returns the code of the hand in a picture.
func Read(g *image.Gray) (Code, error) {
	c, err := See(g)
	return c.Code, err
}

// landmarks returns the valleys of a frame and the tips of its fingers, from one
// side of the hand to the other. A tip is where the outline is farthest from the
// valleys beside it.
func landmarks(c []point, f frame) (out [marks]point) {
	at := [3]int{}
	for i, v := range f.valleys {
		for j, p := range c {
			if p == v {
				at[i] = j
				break
			}
		}
	}
	step := 1
	if n := len(c); (at[1]-at[0]+n)%n > n/2 {
		step = -1 // the outline goes the other way around
	}
	copy(out[:3], f.valleys[:])
	half := f.width / 2
	out[3] = tip(c, at[0], -step, half)
	out[4] = tip(c, at[0], step, half)
	out[5] = tip(c, at[1], step, half)
	out[6] = tip(c, at[2], step, half)
	return out
}

// whole reports whether all places lie within the picture.
func (m *mask) whole(places [marks]point) bool {
	for _, p := range places {
		if p.x < 2 || p.y < 2 || p.x > float64(m.w-3) || p.y > float64(m.h-3) {
			return false
		}
	}
	return true
}

// tip walks along an outline from a valley until it has come back by half the
// width of a finger from the farthest place so far, and returns that place.
func tip(c []point, from, step int, back float64) point {
	best, far := c[from], 0.0
	for i := 1; i < len(c); i++ {
		p := c[((from+step*i)%len(c)+len(c))%len(c)]
		switch d := p.distance(c[from]); {
		case d > far:
			best, far = p, d
		case d < far-back:
			return best
		}
	}
	return best
}

// patch is the side of the part of the palm whose texture is looked at, in pixels
// of the picture.
const patch = 64

// grid returns how much the strongest fine period of the palm stands out of the
// texture's mean: of a screen's or a print's dots. Skin has ridges, but coarser
// ones; periods above [finest] pixels do not count.
func (m *mask) grid(g *image.Gray, f frame) float64 {
	at := f.origin.plus(f.down.times((below + wide/2) * f.width))
	x0, y0 := int(at.x)-patch/2, int(at.y)-patch/2
	if x0 < 0 || y0 < 0 || x0+patch > m.w || y0+patch > m.h {
		return 0
	}
	// What differs from the neighbours: light and lines fall away.
	var fine [patch][patch]float64
	for y := range patch {
		for x := range patch {
			w := math.Sin(math.Pi*(float64(x)+0.5)/patch) * math.Sin(math.Pi*(float64(y)+0.5)/patch)
			fine[y][x] = w * around3(g, x0+x, y0+y)
		}
	}
	const coarsest = patch / finest
	best, sum, n := 0.0, 0.0, 0
	for u, column := range waves(&fine) {
		for v, p := range column {
			if max(u, min(v, patch-v)) >= coarsest {
				best, sum, n = max(best, p), sum+p, n+1
			}
		}
	}
	if sum == 0 {
		return 0
	}
	return best / (sum / float64(n))
}

// finest is the period in pixels below which a pattern is no skin's.
const finest = 4

// around3 returns how much a pixel is brighter than those around it.
func around3(g *image.Gray, x, y int) float64 {
	var s, n float64
	for dy := -1; dy <= 1; dy++ {
		for dx := -1; dx <= 1; dx++ {
			if p := (image.Point{X: x + dx, Y: y + dy}); p.In(g.Rect) {
				s += float64(g.Pix[p.Y*g.Stride+p.X])
				n++
			}
		}
	}
	return float64(g.Pix[y*g.Stride+x]) - s/n
}

// unit are the roots of one that the waves of a patch are made of.
var unit = func() (u [patch]complex128) {
	for i := range u {
		u[i] = cmplx.Rect(1, 2*math.Pi*float64(i)/patch)
	}
	return u
}()

// waves returns how strong each wave is in a patch, by its number across and then
// down; the other half mirrors it.
func waves(f *[patch][patch]float64) (out [patch/2 + 1][patch]float64) {
	var rows [patch][patch/2 + 1]complex128
	for y := range patch {
		for u := range patch/2 + 1 {
			for x := range patch {
				rows[y][u] += complex(f[y][x], 0) * unit[u*x%patch]
			}
		}
	}
	for u := range out {
		for v := range patch {
			var s complex128
			for y := range patch {
				s += rows[y][u] * unit[v*y%patch]
			}
			out[u][v] = real(s)*real(s) + imag(s)*imag(s)
		}
	}
	return out
}

// burnt is the brightness of a mirror's light.
const burnt = 250

// shine returns the share of the hand that is burnt out: paper, foil and glass
// mirror a lamp, skin hardly does.
func (m *mask) shine(g *image.Gray) float64 {
	n := 0
	for i, in := range m.in {
		if in && g.Pix[i] >= burnt {
			n++
		}
	}
	return float64(n) / float64(m.area)
}

const (
	// apart is how far from the hand the ground begins, of the root of its area:
	// the outline itself is an edge.
	apart = 0.08
	// edge is how much the ground may change within three pixels.
	edge = 30
)

// ground returns the share of the ground that has edges: of a sheet, a phone or
// whatever a hand is shown on. The ground is to be plain and dark.
func (m *mask) ground(g *image.Gray) float64 {
	far := max(3, int(apart*math.Sqrt(float64(m.area))))
	near := m.widened(far)
	edges, all := 0, 0
	for y := 3; y < m.h-3; y++ {
		for x := 3; x < m.w-3; x++ {
			i := y*m.w + x
			if near[i] {
				continue
			}
			all++
			dx, dy := int(g.Pix[i+3])-int(g.Pix[i-3]), int(g.Pix[i+3*m.w])-int(g.Pix[i-3*m.w])
			if max(dx, -dx, dy, -dy) > edge {
				edges++
			}
		}
	}
	if all == 0 {
		return 0
	}
	return float64(edges) / float64(all)
}

// widened returns the hand with all that is within a distance of it, by rows and
// then by columns.
func (m *mask) widened(by int) []bool {
	rows := make([]bool, len(m.in))
	for y := range m.h {
		spread(m.in, rows, y*m.w, 1, m.w, by)
	}
	out := make([]bool, len(m.in))
	for x := range m.w {
		spread(rows, out, x, m.w, m.h, by)
	}
	return out
}

// spread widens one row or column of n places.
func spread(from, to []bool, at, step, n, by int) {
	last := -by - 1
	for i := range n {
		if from[at+i*step] {
			last = i
		}
		if i-last <= by {
			to[at+i*step] = true
		}
	}
	last = n + by
	for i := n - 1; i >= 0; i-- {
		if from[at+i*step] {
			last = i
		}
		if last-i <= by {
			to[at+i*step] = true
		}
	}
}
