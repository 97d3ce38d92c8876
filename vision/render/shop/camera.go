package shop

import "math"

// A Vec is a place in the shop in metres: x along the front, y towards the
// back, z up.
type Vec [3]float64

// Add returns v + w.
func (v Vec) Add(w Vec) Vec { return Vec{v[0] + w[0], v[1] + w[1], v[2] + w[2]} }

// Sub returns v - w.
func (v Vec) Sub(w Vec) Vec { return Vec{v[0] - w[0], v[1] - w[1], v[2] - w[2]} }

// Times returns v scaled by f.
func (v Vec) Times(f float64) Vec { return Vec{v[0] * f, v[1] * f, v[2] * f} }

// Dot returns the inner product.
func (v Vec) Dot(w Vec) float64 { return v[0]*w[0] + v[1]*w[1] + v[2]*w[2] }

// Cross returns the outer product.
func (v Vec) Cross(w Vec) Vec {
	return Vec{v[1]*w[2] - v[2]*w[1], v[2]*w[0] - v[0]*w[2], v[0]*w[1] - v[1]*w[0]}
}

// Len returns the length.
func (v Vec) Len() float64 { return math.Sqrt(v.Dot(v)) }

// Unit returns v with length 1.
func (v Vec) Unit() Vec { return v.Times(1 / v.Len()) }

// To returns the place a share t of the way to w.
func (v Vec) To(w Vec, t float64) Vec { return v.Add(w.Sub(v).Times(t)) }

// A CameraKind says where a camera hangs.
type CameraKind string

// The kinds of cameras.
const (
	Entrance CameraKind = "entrance" // above the inside of the door
	Overhead CameraKind = "overhead" // looks straight down
	Oblique  CameraKind = "oblique"  // looks along the aisle from a corner
	OnShelf  CameraKind = "shelf"    // looks at one shelf from above it
)

// A Camera looks at the shop from one place.
type Camera struct {
	Name          string
	Kind          CameraKind
	Shelf         string // that an OnShelf camera looks at
	At, Towards   Vec
	FOV           float64 // degrees across
	Width, Height int
}

// A Lens is a camera made ready for projecting.
type Lens struct {
	At                     Vec
	Right, Down, Forward   Vec
	Focal, MiddleX, Middle float64 // pixels
}

// Lens returns what is needed to project places into the camera's picture.
func (c Camera) Lens() Lens {
	f := c.Towards.Sub(c.At).Unit()
	up := Vec{0, 0, 1}
	if math.Abs(f[2]) > 0.99 { // straight down: the back of the shop is above
		up = Vec{0, 1, 0}
	}
	r := f.Cross(up).Unit()
	return Lens{
		At: c.At, Forward: f, Right: r, Down: f.Cross(r),
		Focal:   float64(c.Width) / 2 / math.Tan(c.FOV*math.Pi/360),
		MiddleX: float64(c.Width) / 2, Middle: float64(c.Height) / 2,
	}
}

// nearest is how close to the camera something may be and still be seen.
const nearest = 0.05

// Project returns where p is in the picture and how far before the camera.
// What lies behind the camera is not seen.
func (l Lens) Project(p Vec) (x, y, depth float64, seen bool) {
	d := p.Sub(l.At)
	depth = d.Dot(l.Forward)
	if depth < nearest {
		return 0, 0, depth, false
	}
	k := l.Focal / depth
	return l.MiddleX + k*d.Dot(l.Right), l.Middle + k*d.Dot(l.Down), depth, true
}

// Inside reports whether p is in the picture of a camera.
func (c Camera) Inside(l Lens, p Vec) bool {
	x, y, _, ok := l.Project(p)
	return ok && x >= 0 && y >= 0 && x < float64(c.Width) && y < float64(c.Height)
}
