// Package palmtest draws hands, for tests: people have none to give away. Two
// drawings of one person differ in place, turn, size, fingers, skin and light, as
// captures do.
//
// A drawing is no hand. What is measured on it says nothing of people.
package palmtest

import (
	"image"
	"math"
	"math/rand/v2"
)

type point struct{ x, y float64 }

func (p point) minus(q point) point      { return point{p.x - q.x, p.y - q.y} }
func (p point) plus(q point) point       { return point{p.x + q.x, p.y + q.y} }
func (p point) times(f float64) point    { return point{p.x * f, p.y * f} }
func (p point) dot(q point) float64      { return p.x*q.x + p.y*q.y }
func (p point) distance(q point) float64 { return math.Hypot(p.x-q.x, p.y-q.y) }

// A Person is what a drawn palm has of its own: lines, wrinkles and ridges. The
// three principal lines are jittered from one topology, which is harder than
// people are told apart by.
type Person struct {
	lines  [][4]point // cubic curves in palm coordinates, 0..1
	widths []float64
	ridge  [2]float64
	length [5]float64 // of the fingers
	skin   []float64  // how dark the palm is at each place of a fine square

	Spread float64 // how far the fingers are apart, 1 as usual
	Bright float64 // of the skin
	Size   float64 // of the hand in the picture, 1 as usual
	Turn   float64 // of the hand, in radians
}

// NewPerson returns one of as many people as there are seeds.
func NewPerson(seed uint64) *Person {
	r := rand.New(rand.NewPCG(seed, 77)) //nolint:gosec // drawn hands are to be drawn again
	j := func(p point, by float64) point { return point{p.x + by*r.NormFloat64(), p.y + by*r.NormFloat64()} }
	p := &Person{Spread: 1, Bright: 150, Size: 1, ridge: [2]float64{r.Float64() * math.Pi, 28 + 10*r.Float64()}}
	for _, l := range [][4]point{
		{{0.98, 0.32}, {0.75, 0.42}, {0.5, 0.38}, {0.33, 0.08}}, // heart
		{{0.03, 0.35}, {0.3, 0.38}, {0.6, 0.48}, {0.93, 0.68}},  // head
		{{0.04, 0.38}, {0.3, 0.42}, {0.44, 0.65}, {0.36, 0.97}}, // life
	} {
		p.lines = append(p.lines, [4]point{j(l[0], 0.03), j(l[1], 0.05), j(l[2], 0.05), j(l[3], 0.03)})
		p.widths = append(p.widths, 0.010+0.005*r.Float64())
	}
	for range 8 + r.IntN(6) {
		a := point{0.1 + 0.8*r.Float64(), 0.1 + 0.8*r.Float64()}
		b := j(a, 0.15)
		p.lines = append(p.lines, [4]point{a, j(a, 0.05), j(b, 0.05), b})
		p.widths = append(p.widths, 0.004+0.003*r.Float64())
	}
	for i, l := range [5]float64{0.62, 0.82, 0.92, 0.84, 0.62} {
		p.length[i] = l * (0.95 + 0.1*r.Float64())
	}
	p.skin = p.lay()
	return p
}

func (c cubic) at(t float64) point {
	u := 1 - t
	return c[0].times(u * u * u).plus(c[1].times(3 * u * u * t)).plus(c[2].times(3 * u * t * t)).plus(c[3].times(t * t * t))
}

type cubic [4]point

const fine = 256

// lay returns how dark the palm is at each place of a fine square.
func (p *Person) lay() []float64 {
	out := make([]float64, fine*fine)
	for i, l := range p.lines {
		w := p.widths[i]
		for t := 0.0; t <= 1; t += 0.004 {
			q := cubic(l).at(t)
			for y := int((q.y - 3*w) * fine); y <= int((q.y+3*w)*fine); y++ {
				for x := int((q.x - 3*w) * fine); x <= int((q.x+3*w)*fine); x++ {
					if x < 0 || y < 0 || x >= fine || y >= fine {
						continue
					}
					d := math.Hypot(float64(x)/fine-q.x, float64(y)/fine-q.y) / w
					out[y*fine+x] = max(out[y*fine+x], 0.35*math.Exp(-d*d/2))
				}
			}
		}
	}
	cos, sin := math.Cos(p.ridge[0]), math.Sin(p.ridge[0])
	for y := range fine {
		for x := range fine {
			u := (float64(x)*cos + float64(y)*sin) / fine
			out[y*fine+x] += 0.02 * math.Sin(2*math.Pi*p.ridge[1]*u)
		}
	}
	return out
}

// Capture draws the hand once: turned, moved, nearer or farther, its fingers
// spread, its skin stretched, light from a side, noise.
func (p *Person) Capture(r *rand.Rand) *image.Gray {
	const w, h = 640, 480
	turn, size := p.Turn+0.2*r.NormFloat64(), 165*p.Size*(1+0.06*r.NormFloat64())
	cx, cy := w/2+25*r.NormFloat64(), 290+12*r.NormFloat64()
	cos, sin := math.Cos(turn), math.Sin(turn)
	lx, ly, bright := 0.15*r.NormFloat64(), 0.15*r.NormFloat64(), p.Bright+15*r.NormFloat64()
	ex, ey, ep := 0.012*r.NormFloat64(), 0.012*r.NormFloat64(), r.Float64()*6
	lean := 0.05 * r.NormFloat64()
	var fingers [5][2]point // from, to; palm coordinates
	for i, x := range [5]float64{0.02, 0.13, 0.38, 0.63, 0.87} {
		angle := [5]float64{-0.9, -0.26, -0.05, 0.1, 0.3}[i]*p.Spread + 0.05*r.NormFloat64()
		from := point{x, 0.06}
		if i == 0 {
			from = point{0.08, 0.62}
		}
		fingers[i] = [2]point{from, from.plus(point{math.Sin(angle), -math.Cos(angle)}.times(p.length[i]))}
	}
	g := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			dx, dy := (float64(x)-cx)/size, (float64(y)-cy)/size
			s := 1 + lean*dx
			u, v := (dx*cos+dy*sin)*s+0.5, (dy*cos-dx*sin)*s+0.5
			level := 18.0
			if inside(point{u, v}, fingers) {
				level = bright * (1 + lx*dx + ly*dy)
				su, sv := u+ex*math.Sin(5*v+ep), v+ey*math.Sin(5*u+ep)
				if ix, iy := int(su*fine), int(sv*fine); ix >= 0 && iy >= 0 && ix < fine && iy < fine {
					level *= 1 - p.skin[iy*fine+ix]
				}
			}
			g.Pix[y*w+x] = uint8(max(0, min(255, level+4*r.NormFloat64())))
		}
	}
	return g
}

func inside(p point, fingers [5][2]point) bool {
	if p.x > 0 && p.x < 1 && p.y > 0 && p.y < 1.05 || p.x > 0.2 && p.x < 0.8 && p.y >= 1 && p.y < 1.3 {
		return true
	}
	for _, f := range fingers {
		edge := f[1].minus(f[0])
		t := max(0, min(1, p.minus(f[0]).dot(edge)/edge.dot(edge)))
		if p.distance(f[0].plus(edge.times(t))) < 0.1 {
			return true
		}
	}
	return false
}
