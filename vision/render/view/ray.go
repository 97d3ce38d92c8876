package view

import (
	"math"

	"github.com/vouchledger/vouch/vision/render/shop"
)

// A ray goes from a place in a direction whose length along the camera's axis
// is 1, so that how far it goes is the depth of what it meets.
type ray struct{ from, dir shop.Vec }

// A hit is what a ray meets: how far, which way the surface looks, and its
// colour before light falls on it. gloss is how much it shines.
type hit struct {
	t      float64
	normal shop.Vec
	colour rgb
	gloss  float64
}

// through returns the ray through a place of the picture.
func (v *View) through(x, y float64) ray {
	l := v.lens
	return ray{l.At, l.Forward.Add(l.Right.Times((x - l.MiddleX) / l.Focal)).Add(l.Down.Times((y - l.Middle) / l.Focal))}
}

func (r ray) at(t float64) shop.Vec { return r.from.Add(r.dir.Times(t)) }

// turned returns the ray as seen from a place that is turned about its
// upright axis by the angle of sin and cos.
func (r ray) turned(origin shop.Vec, sin, cos float64) ray {
	f, d := r.from.Sub(origin), r.dir
	return ray{
		shop.Vec{f[0]*cos + f[1]*sin, -f[0]*sin + f[1]*cos, f[2]},
		shop.Vec{d[0]*cos + d[1]*sin, -d[0]*sin + d[1]*cos, d[2]},
	}
}

// slab meets an upright box between two corners; axis says which side was met
// and sign which way it looks.
func (r ray) slab(lo, hi shop.Vec) (t float64, axis int, sign float64, ok bool) {
	near, far := 0.0, math.Inf(1)
	axis = -1
	for i := range 3 {
		if math.Abs(r.dir[i]) < 1e-12 {
			if r.from[i] < lo[i] || r.from[i] > hi[i] {
				return 0, 0, 0, false
			}
			continue
		}
		a, b := (lo[i]-r.from[i])/r.dir[i], (hi[i]-r.from[i])/r.dir[i]
		s := -1.0
		if a > b {
			a, b, s = b, a, 1
		}
		if a > near {
			near, axis, sign = a, i, s
		}
		far = min(far, b)
	}
	return near, axis, sign, axis >= 0 && near <= far
}

// lamps light the room: most comes from above, some from all around, and a
// little from where the camera is, so that fronts are not dark.
func (v *View) lit(h hit, r ray) rgb {
	back := r.dir.Times(-1 / r.dir.Len())
	light := 0.58 + 0.30*max(0, h.normal[2]) + 0.16*max(0, 0.5*h.normal[0]+0.3*h.normal[1]+0.5*h.normal[2]) +
		0.20*max(0, h.normal.Dot(back))
	c := h.colour.times(light)
	if h.gloss > 0 {
		mirror := h.normal.Times(2 * h.normal.Dot(back)).Sub(back)
		lamp := 0.25*mirror[0] + 0.15*mirror[1] + 0.95*mirror[2]
		c = c.to(white, h.gloss*smooth(0.80, 0.99, lamp))
	}
	return c
}
