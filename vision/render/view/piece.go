package view

import (
	"math"

	"github.com/vouchledger/vouch/vision/render/shop"
)

// A solid is what a product is made of, about its own foot; x looks to who
// stands before the shelf.
type solid struct {
	rings  []ring   // of a thing that is round
	lo, hi shop.Vec // of a thing that is not
	slopes []slope
}

// A ring is part of a round thing, from z0 with radius r0 up to z1 with r1.
type ring struct{ z0, r0, z1, r1 float64 }

// A slope cuts a box: what lies beyond it is not there.
type slope struct {
	normal shop.Vec
	at     float64
}

func solidOf(p shop.Product) solid {
	r, h := p.Width/2, p.Height
	switch p.Shape {
	case shop.Can:
		return solid{rings: []ring{{0, 0.88 * r, 0.04 * h, r}, {0.04 * h, r, 0.93 * h, r}, {0.93 * h, r, h, 0.86 * r}}}
	case shop.Bottle:
		return solid{rings: []ring{
			{0, r, 0.62 * h, r},
			{0.62 * h, r, 0.84 * h, 0.42 * r},
			{0.84 * h, 0.42 * r, 0.92 * h, 0.4 * r},
			{0.92 * h, 0.46 * r, h, 0.46 * r},
		}}
	case shop.Jar:
		return solid{rings: []ring{{0, 0.93 * r, 0.07 * h, r}, {0.07 * h, r, 0.74 * h, r}, {0.74 * h, r, 0.8 * h, 0.84 * r}, {0.8 * h, 0.88 * r, h, 0.88 * r}}}
	case shop.Cup:
		return solid{rings: []ring{{0, 0.76 * r, 0.95 * h, 0.97 * r}, {0.95 * h, r, h, r}}}
	case shop.Carton, shop.Pack, shop.Pouch:
	}
	s := solid{lo: shop.Vec{-p.Depth / 2, -p.Width / 2, 0}, hi: shop.Vec{p.Depth / 2, p.Width / 2, h}}
	switch p.Shape {
	case shop.Carton: // a gable from front to back
		for _, side := range []float64{1, -1} {
			n := shop.Vec{side, 0, 0.9}.Unit()
			s.slopes = append(s.slopes, slope{n, n.Dot(shop.Vec{side * p.Depth / 2, 0, 0.78 * h})})
		}
	case shop.Pouch: // pressed flat above and below
		for _, side := range []float64{1, -1} {
			up, down := shop.Vec{side, 0, 0.55}.Unit(), shop.Vec{side, 0, -0.55}.Unit()
			s.slopes = append(s.slopes, slope{up, up.Dot(shop.Vec{side * p.Depth / 2, 0, 0.62 * h})},
				slope{down, down.Dot(shop.Vec{side * p.Depth / 2, 0, 0.34 * h})})
		}
	case shop.Can, shop.Bottle, shop.Jar, shop.Cup, shop.Pack:
	}
	return s
}

// meet returns where a ray meets the solid, and which way it looks there.
func (s *solid) meet(r ray) (t float64, n shop.Vec, ok bool) {
	if s.rings != nil {
		return s.round(r)
	}
	t, axis, sign, ok := r.slab(s.lo, s.hi)
	if !ok {
		return 0, n, false
	}
	n[axis] = sign
	far := math.Inf(1)
	for i := range 3 { // where the box ends again
		if d := r.dir[i]; math.Abs(d) > 1e-12 {
			far = min(far, max((s.lo[i]-r.from[i])/d, (s.hi[i]-r.from[i])/d))
		}
	}
	for _, c := range s.slopes {
		along, dist := c.normal.Dot(r.dir), c.at-c.normal.Dot(r.from)
		cut := dist / along
		switch {
		case along < 0 && cut > t:
			t, n = cut, c.normal
		case along > 0:
			far = min(far, cut)
		case along == 0 && dist < 0:
			return 0, n, false
		}
	}
	return t, n, t <= far
}

// round meets the rings and the flat top.
func (s *solid) round(r ray) (t float64, n shop.Vec, ok bool) {
	t = math.Inf(1)
	top := s.rings[len(s.rings)-1]
	if r.dir[2] < 0 {
		if d := (top.z1 - r.from[2]) / r.dir[2]; d > 0 {
			if p := r.at(d); math.Hypot(p[0], p[1]) < top.r1 {
				t, n = d, shop.Vec{0, 0, 1}
			}
		}
	}
	for _, g := range s.rings {
		k := (g.r1 - g.r0) / (g.z1 - g.z0) // r(z) = r0 + k (z - z0)
		base, slant := g.r0+k*(r.from[2]-g.z0), k*r.dir[2]
		a := r.dir[0]*r.dir[0] + r.dir[1]*r.dir[1] - slant*slant
		b := r.from[0]*r.dir[0] + r.from[1]*r.dir[1] - base*slant
		c := r.from[0]*r.from[0] + r.from[1]*r.from[1] - base*base
		root := b*b - a*c
		if root < 0 || a == 0 {
			continue
		}
		d := (-b - math.Sqrt(root)) / a
		if z := r.from[2] + d*r.dir[2]; d > 0 && d < t && z >= g.z0 && z <= g.z1 {
			p := r.at(d)
			t, n = d, shop.Vec{p[0], p[1], -k * math.Hypot(p[0], p[1])}.Unit()
		}
	}
	return t, n, !math.IsInf(t, 1)
}

// A patch is a thing as a camera sees it: colour, cover and depth of each
// pixel it touches.
type patch struct {
	x0, y0, w, h int
	colour       []rgb
	cover        []float32 // in quarters; 0 is nothing
	depth        []float32
}

// patch draws a thing where it stands or is carried, with four rays a pixel.
func (v *View) patch(st *shop.Stand) *patch {
	prod := st.Piece.Product
	x0, y0, x1, y1, ok := v.around(st.Foot, 0.72*max(prod.Width, prod.Depth), prod.Height)
	if !ok {
		return &patch{}
	}
	p := &patch{x0: x0, y0: y0, w: x1 - x0, h: y1 - y0}
	n := p.w * p.h
	p.colour, p.cover, p.depth = make([]rgb, n), make([]float32, n), make([]float32, n)
	b := solidOf(prod)
	for i := range n {
		v.ray4(p, i, &b, st)
	}
	return p
}

// ray4 draws one pixel of a patch.
func (v *View) ray4(p *patch, i int, body *solid, st *shop.Stand) {
	sin, cos := math.Sincos(st.Turn)
	var sum rgb
	near, hits := math.Inf(1), 0.0
	for k := range 4 {
		r := v.through(float64(p.x0+i%p.w)+0.25+0.5*float64(k&1), float64(p.y0+i/p.w)+0.25+0.5*float64(k>>1))
		own := r.turned(st.Foot, sin, cos)
		t, n, ok := body.meet(own)
		if !ok {
			continue
		}
		colour, gloss := label(st.Piece.Product, own.at(t), n)
		turned := shop.Vec{n[0]*cos - n[1]*sin, n[0]*sin + n[1]*cos, n[2]}
		c := v.lit(hit{t, turned, colour, gloss}, r)
		sum = rgb{sum.r + c.r, sum.g + c.g, sum.b + c.b}
		hits, near = hits+1, min(near, t)
	}
	if hits > 0 {
		p.colour[i], p.cover[i], p.depth[i] = sum.times(1/hits), float32(hits/4), float32(near)
	}
}

// lay puts a patch where nothing nearer is.
func (p picture) lay(t *patch) {
	for i, cover := range t.cover {
		at := (t.y0+i/t.w)*p.w + t.x0 + i%t.w
		if cover == 0 || t.depth[i] >= p.depth[at] {
			continue
		}
		p.blend(at, t.colour[i], float64(cover))
		if cover >= 0.5 {
			p.depth[at] = t.depth[i]
		}
	}
}

// blend lays a colour over a pixel.
func (p picture) blend(i int, c rgb, cover float64) {
	at := p.pix[3*i : 3*i+3 : 3*i+3]
	if cover >= 1 {
		at[0], at[1], at[2] = level(c.b), level(c.g), level(c.r)
		return
	}
	rest := 1 - cover
	at[0] = uint8(rest*float64(at[0]) + cover*float64(level(c.b)))
	at[1] = uint8(rest*float64(at[1]) + cover*float64(level(c.g)))
	at[2] = uint8(rest*float64(at[2]) + cover*float64(level(c.r)))
}
