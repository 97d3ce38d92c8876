package track

import (
	"fmt"
	"math"
)

// A Point is a place: on the floor in metres, in a picture in pixels.
type Point struct{ X, Y float64 }

// Distance returns how far apart two points are.
func (p Point) Distance(q Point) float64 { return math.Hypot(p.X-q.X, p.Y-q.Y) }

// A spread is the covariance of a point: xx, xy, yy.
type spread struct{ xx, xy, yy float64 }

func (s spread) plus(o spread) spread { return spread{s.xx + o.xx, s.xy + o.xy, s.yy + o.yy} }

func (s spread) det() float64 { return s.xx*s.yy - s.xy*s.xy }

// off returns the squared Mahalanobis distance of a difference.
func (s spread) off(dx, dy float64) float64 {
	return (dx*dx*s.yy - 2*dx*dy*s.xy + dy*dy*s.xx) / s.det()
}

// A Homography maps a picture's points to the floor, row by row as 3 x 3.
type Homography [9]float64

// FitHomography returns the homography that maps each point of the picture
// to the floor point of the same index, with the least squared error of the
// direct linear equations (Hartley and Zisserman, Multiple View Geometry,
// 4.1). Four points that are no three on a line fix it; more make it better.
func FitHomography(picture, floor []Point) (Homography, error) {
	if len(picture) != len(floor) || len(picture) < 4 {
		return Homography{}, fmt.Errorf("%w: %d in the picture, %d on the floor, want four or more of each",
			ErrHomography, len(picture), len(floor))
	}
	from, to := normalise(picture), normalise(floor)
	var m [8][9]float64 // normal equations, the last column is the right side
	for i := range picture {
		p, q := from.apply(picture[i]), to.apply(floor[i])
		add(&m, [9]float64{p.X, p.Y, 1, 0, 0, 0, -p.X * q.X, -p.Y * q.X, q.X})
		add(&m, [9]float64{0, 0, 0, p.X, p.Y, 1, -p.X * q.Y, -p.Y * q.Y, q.Y})
	}
	x, ok := solve(m)
	if !ok {
		return Homography{}, fmt.Errorf("%w: three of them lie on a line", ErrHomography)
	}
	h := Homography{x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7], 1}
	return to.Inverse().times(h).times(from), nil
}

// add adds one equation to the normal equations.
func add(m *[8][9]float64, row [9]float64) {
	for i := range 8 {
		for j := range 9 {
			m[i][j] += row[i] * row[j]
		}
	}
}

// solve eliminates with row pivots.
func solve(m [8][9]float64) (x [8]float64, ok bool) {
	for i := range 8 {
		pivot := i
		for r := i + 1; r < 8; r++ {
			if math.Abs(m[r][i]) > math.Abs(m[pivot][i]) {
				pivot = r
			}
		}
		if math.Abs(m[pivot][i]) < 1e-9 {
			return x, false
		}
		m[i], m[pivot] = m[pivot], m[i]
		for r := range 8 {
			if r == i {
				continue
			}
			f := m[r][i] / m[i][i]
			for c := i; c < 9; c++ {
				m[r][c] -= f * m[i][c]
			}
		}
	}
	for i := range 8 {
		x[i] = m[i][8] / m[i][i]
	}
	return x, true
}

// normalise returns the map that moves points around the origin at a mean
// distance of about 1, without which pixels and metres do not mix well.
func normalise(points []Point) Homography {
	var c Point
	for _, p := range points {
		c.X, c.Y = c.X+p.X/float64(len(points)), c.Y+p.Y/float64(len(points))
	}
	mean := 0.0
	for _, p := range points {
		mean += p.Distance(c) / float64(len(points))
	}
	if mean == 0 {
		mean = 1
	}
	return Homography{1 / mean, 0, -c.X / mean, 0, 1 / mean, -c.Y / mean, 0, 0, 1}
}

func (h Homography) times(o Homography) (r Homography) {
	for i := range 3 {
		for j := range 3 {
			for k := range 3 {
				r[3*i+j] += h[3*i+k] * o[3*k+j]
			}
		}
	}
	return r
}

// Inverse returns the map back, up to scale, which a homography has none of.
func (h Homography) Inverse() Homography {
	return Homography{
		h[4]*h[8] - h[5]*h[7], h[2]*h[7] - h[1]*h[8], h[1]*h[5] - h[2]*h[4],
		h[5]*h[6] - h[3]*h[8], h[0]*h[8] - h[2]*h[6], h[2]*h[3] - h[0]*h[5],
		h[3]*h[7] - h[4]*h[6], h[1]*h[6] - h[0]*h[7], h[0]*h[4] - h[1]*h[3],
	}
}

func (h Homography) apply(p Point) Point {
	w := h[6]*p.X + h[7]*p.Y + h[8]
	return Point{(h[0]*p.X + h[1]*p.Y + h[2]) / w, (h[3]*p.X + h[4]*p.Y + h[5]) / w}
}

// Floor returns where on the floor a point of the picture lies.
func (h Homography) Floor(p Point) Point { return h.apply(p) }

// Picture returns where in the picture a point of the floor lies.
func (h Homography) Picture(p Point) Point { return h.Inverse().apply(p) }

// spreadAt returns what an uncertainty of sx and sy pixels at p means on the
// floor, to first order.
func (h Homography) spreadAt(p Point, sx, sy float64) spread {
	w := h[6]*p.X + h[7]*p.Y + h[8]
	f := h.apply(p)
	a, b := (h[0]-f.X*h[6])/w*sx, (h[1]-f.X*h[7])/w*sy
	c, d := (h[3]-f.Y*h[6])/w*sx, (h[4]-f.Y*h[7])/w*sy
	return spread{a*a + b*b, a*c + b*d, c*c + d*d}
}
