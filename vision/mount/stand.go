package mount

import (
	"cmp"
	"fmt"
	"image"
	"math"
	"slices"

	"github.com/vouchledger/vouch/vision/track"
)

// Standing reports whether it is known where the camera hangs, and so how tall
// persons are in its picture.
func (m *Mount) Standing() bool { return m.stands }

const (
	// lowest and highest are between which heights in metres cameras hang.
	lowest, highest = 0.5, 20.0
	// skewed is by how much a pixel may seem wider than high, and offMiddle how
	// far, as a share of the picture, the lens may seem to point beside its
	// middle: more, and the tape lied.
	skewed, offMiddle = 1.3, 0.3
)

// hang completes the projection by where the camera is, and refuses a place
// that no camera with square pixels could see the floor from as it does.
func (m *Mount) hang() error {
	c := m.Hangs
	if !(c[2] >= lowest && c[2] <= highest) || !(math.Abs(c[0]) <= maxFar && math.Abs(c[1]) <= maxFar) {
		return fmt.Errorf("%w: %v, want metres, between %v and %v high", ErrHangs, c, lowest, highest)
	}
	down := m.floor.Inverse()
	p := m.Points[0]
	if down[6]*p.Floor[0]+down[7]*p.Floor[1]+down[8] < 0 { // what is seen lies before the camera
		for i := range down {
			down[i] = -down[i]
		}
	}
	for i := range 3 {
		a, b, d := down[3*i], down[3*i+1], down[3*i+2]
		m.p[i] = [4]float64{a, b, -(a*c[0] + b*c[1] + d) / c[2], d}
	}
	// The left 3 x 3 of the projection is K R up to scale; its product with its
	// own transpose is K Kt, which has to be that of a camera.
	var w [3][3]float64
	for i := range 3 {
		for j := range 3 {
			for k := range 3 {
				w[i][j] += m.p[i][k] * m.p[j][k]
			}
		}
	}
	cx, cy := w[0][2]/w[2][2], w[1][2]/w[2][2]
	fx, fy := w[0][0]/w[2][2]-cx*cx, w[1][1]/w[2][2]-cy*cy
	ratio := math.Sqrt(fx / fy)
	width, height := float64(m.Width), float64(m.Height)
	switch {
	case !(fx > 0 && fy > 0) || !(ratio < skewed && ratio > 1/skewed):
		return fmt.Errorf("%w: from %v pixels would be %.2f times as wide as high", ErrHangs, c, ratio)
	case math.Abs(cx-width/2) > offMiddle*width || math.Abs(cy-height/2) > offMiddle*width:
		return fmt.Errorf("%w: from %v the middle of the lens would be at [%.0f, %.0f]", ErrHangs, c, cx, cy)
	}
	m.stands = true
	return nil
}

// plane returns the map to the picture from the plane at a height.
func (m *Mount) plane(z float64) track.Homography {
	var h track.Homography
	for i := range 3 {
		h[3*i], h[3*i+1], h[3*i+2] = m.p[i][0], m.p[i][1], m.p[i][2]*z+m.p[i][3]
	}
	return h
}

// Project returns where a place of the shop is in the picture. What lies
// behind the camera is not seen.
func (m *Mount) Project(x, y, z float64) (at track.Point, seen bool) {
	var v [3]float64
	for i := range 3 {
		v[i] = m.p[i][0]*x + m.p[i][1]*y + m.p[i][2]*z + m.p[i][3]
	}
	if !(v[2] > m.near()) {
		return track.Point{}, false
	}
	return track.Point{X: v[0] / v[2], Y: v[1] / v[2]}, true
}

// near is the depth, in the projection's own unit, of what is 5 cm before the
// camera.
func (m *Mount) near() float64 {
	p := m.p[2]
	return 0.05 * math.Sqrt(p[0]*p[0]+p[1]*p[1]+p[2]*p[2])
}

// Foot returns where in the picture the foot of a person is who stands at a
// place, or where their waist is if the camera looks straight down.
func (m *Mount) Foot(x, y float64) (track.Point, bool) {
	if m.Above {
		return m.Project(x, y, waist)
	}
	return m.Project(x, y, 0)
}

// UnderHead returns where the foot of a person of usual height is whose head
// is at a point of the picture: for who is hidden from the waist down.
func (m *Mount) UnderHead(head track.Point) (track.Point, bool) {
	if !m.stands || m.Above {
		return track.Point{}, false
	}
	at := m.plane(Tall).Inverse().Floor(head)
	if _, seen := m.Project(at.X, at.Y, Tall); !seen {
		return track.Point{}, false
	}
	return m.Foot(at.X, at.Y)
}

// rings are a grown person's outline: how wide in metres at which height, feet
// to hair.
var rings = [...]struct{ z, r float64 }{{0.02, 0.16}, {0.3, 0.17}, {0.8, 0.22}, {1.1, 0.25}, {1.4, 0.25}, {1.58, 0.13}, {Tall, 0.09}}

// Tall is how tall in metres a grown person usually is.
const Tall = 1.74

// ringSides is how many corners a ring has.
const ringSides = 10

// Person returns the outline, as a convex polygon, of a person of usual height
// who stands at a place on the floor; nil if a part of them is behind the
// camera.
func (m *Mount) Person(x, y float64) []track.Point { return m.outline(x, y, 0) }

// Head returns the outline of their head alone.
func (m *Mount) Head(x, y float64) []track.Point { return m.outline(x, y, len(rings)-2) }

// outline is that of the rings from one on.
func (m *Mount) outline(x, y float64, from int) []track.Point {
	var corners []track.Point
	for _, ring := range rings[from:] {
		for i := range ringSides {
			sin, cos := math.Sincos(2 * math.Pi * float64(i) / ringSides)
			p, ok := m.Project(x+ring.r*cos, y+ring.r*sin, ring.z)
			if !ok {
				return nil
			}
			corners = append(corners, p)
		}
	}
	return hull(corners)
}

// Box returns the rectangle around an outline.
func Box(outline []track.Point) image.Rectangle {
	if len(outline) == 0 {
		return image.Rectangle{}
	}
	lo, hi := outline[0], outline[0]
	for _, p := range outline {
		lo = track.Point{X: min(lo.X, p.X), Y: min(lo.Y, p.Y)}
		hi = track.Point{X: max(hi.X, p.X), Y: max(hi.Y, p.Y)}
	}
	return image.Rect(int(math.Floor(lo.X)), int(math.Floor(lo.Y)), int(math.Ceil(hi.X)), int(math.Ceil(hi.Y)))
}

// hull is the convex hull of points, by Andrew's monotone chain.
func hull(points []track.Point) []track.Point {
	slices.SortFunc(points, func(a, b track.Point) int { return cmp.Or(cmp.Compare(a.X, b.X), cmp.Compare(a.Y, b.Y)) })
	left := func(a, b, c track.Point) float64 { return (b.X-a.X)*(c.Y-a.Y) - (b.Y-a.Y)*(c.X-a.X) }
	var h []track.Point
	for range 2 {
		start := len(h)
		for _, p := range points {
			for len(h) >= start+2 && left(h[len(h)-2], h[len(h)-1], p) <= 0 {
				h = h[:len(h)-1]
			}
			h = append(h, p)
		}
		h = h[:len(h)-1]
		slices.Reverse(points)
	}
	return h
}

// Reach returns the part of the floor that may be in the picture: around the
// marks, and margin metres more.
func (m *Mount) Reach(margin float64) (lo, hi track.Point) {
	lo, hi = track.Point{X: math.Inf(1), Y: math.Inf(1)}, track.Point{X: math.Inf(-1), Y: math.Inf(-1)}
	for _, p := range m.Points {
		lo = track.Point{X: min(lo.X, p.Floor[0]-margin), Y: min(lo.Y, p.Floor[1]-margin)}
		hi = track.Point{X: max(hi.X, p.Floor[0]+margin), Y: max(hi.Y, p.Floor[1]+margin)}
	}
	return lo, hi
}
