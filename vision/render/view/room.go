package view

import (
	"math"

	"github.com/vouchledger/vouch/vision/render/random"
	"github.com/vouchledger/vouch/vision/render/shop"
)

const (
	panelHeight  = 1.42 // of a shelf's back
	headerHeight = 1.66 // of the sign above it
)

// room draws everything that never moves, with four rays a pixel.
func (v *View) room() {
	var all []furniture
	for i, sh := range v.stage.Shelves {
		sin, cos := math.Sincos(sh.Facing + math.Pi/2)
		all = append(all, furniture{sh, panels(sh, i), sin, cos})
	}
	for y := range v.bare.h {
		for x := range v.bare.w {
			i := y*v.bare.w + x
			var sum rgb
			for k := range 4 {
				r := v.through(float64(x)+0.25+0.5*float64(k&1), float64(y)+0.25+0.5*float64(k>>1))
				h := meet(r, all)
				c := v.lit(h, r)
				sum = rgb{sum.r + c.r/4, sum.g + c.g/4, sum.b + c.b/4}
				if k == 0 || float32(h.t) < v.bare.depth[i] {
					v.bare.depth[i] = float32(h.t)
				}
			}
			v.bare.pix[3*i], v.bare.pix[3*i+1], v.bare.pix[3*i+2] = level(sum.b), level(sum.g), level(sum.r)
		}
	}
}

// meet returns the first thing a ray meets.
func meet(r ray, all []furniture) hit {
	h := shell(r)
	for i := range all {
		all[i].meet(r, &h)
	}
	return h
}

// shell is floor, walls, ceiling, and the street before the door.
func shell(r ray) hit {
	h := hit{t: 60, colour: hex(0xdfe6ea), normal: r.dir.Times(-1 / r.dir.Len())}
	plane := func(axis int, at, sign float64, colour func(p shop.Vec) (rgb, bool)) {
		t := (at - r.from[axis]) / r.dir[axis]
		if r.dir[axis]*sign >= 0 || t <= 0 || t >= h.t {
			return
		}
		if c, ok := colour(r.at(t)); ok {
			h = hit{t: t, colour: c}
			h.normal[axis] = sign
		}
	}
	plane(2, 0, 1, func(p shop.Vec) (rgb, bool) { return floor(p), true })
	plane(2, shop.RoomHeight, -1, func(p shop.Vec) (rgb, bool) { return ceiling(p), p[1] > 0 })
	plane(0, 0, 1, func(p shop.Vec) (rgb, bool) { return wall(p[1], p[2]), p[1] > 0 && p[2] < shop.RoomHeight })
	plane(0, shop.RoomWidth, -1, func(p shop.Vec) (rgb, bool) { return wall(p[1], p[2]), p[1] > 0 && p[2] < shop.RoomHeight })
	plane(1, shop.RoomDepth, -1, func(p shop.Vec) (rgb, bool) { return wall(p[0], p[2]), p[2] < shop.RoomHeight })
	plane(1, 0, 1, func(p shop.Vec) (rgb, bool) {
		side := math.Abs(p[0] - shop.DoorX)
		if side < shop.DoorWidth/2 && p[2] < shop.DoorHeight {
			return rgb{}, false
		}
		frame := side < shop.DoorWidth/2+0.07 && p[2] < shop.DoorHeight+0.07
		if frame {
			return hex(0x4b5158), true
		}
		return wall(p[0], p[2]), p[2] < shop.RoomHeight
	})
	return h
}

func floor(p shop.Vec) rgb {
	if p[1] < 0 { // the pavement
		c := hex(0xa9a6a0).times(0.92 + 0.12*random.SmoothGrain(p[0]*9, p[1]*9, 4))
		return c.times(1 - 0.2*bump(math.Mod(p[0]+20, 0.5), 0.25, 0.008))
	}
	const tile = 0.45
	i, j := math.Floor(p[0]/tile), math.Floor(p[1]/tile)
	u, w := p[0]/tile-i, p[1]/tile-j
	c := hex(0xc3bcb0).times(0.95 + 0.07*random.Grain(int(i), int(j), 5) + 0.03*random.SmoothGrain(p[0]*31, p[1]*31, 6))
	joint := max(bump(u, 0, 0.014), bump(u, 1, 0.014), bump(w, 0, 0.014), bump(w, 1, 0.014))
	c = c.times(1 - 0.22*joint)
	if math.Abs(p[0]-shop.DoorX) < 0.6 && p[1] < 1 && p[1] > 0.12 { // a mat
		c = hex(0x3d4046).times(0.9 + 0.2*random.Grain(int(p[0]*120), int(p[1]*120), 8))
	}
	return c
}

func wall(u, z float64) rgb {
	c := hex(0xe9e4d8).times(0.97 + 0.03*random.SmoothGrain(u*3, z*3, 9))
	c = c.to(hex(0x2f6f6a), band(z, 2.05, 2.3, 0.004)) // the shop's stripe
	return c.to(hex(0x59544d), 1-smooth(0.095, 0.1, z))
}

func ceiling(p shop.Vec) rgb {
	u, w := math.Mod(p[0], 1.2), math.Mod(p[1], 1.2)
	c := hex(0xd9d9d6)
	return c.to(white.times(1.5), band(u, 0.3, 0.9, 0.01)*band(w, 0.5, 0.7, 0.01))
}

// A panel is a box of a shelf in the shelf's own measures: along, in, up.
type panel struct {
	lo, hi shop.Vec
	paint  func(p shop.Vec, axis int) rgb
}

// furniture is one shelf and all its parts.
type furniture struct {
	shelf    shop.Shelf
	parts    []panel
	sin, cos float64 // of the shelf's turn
}

// meet replaces h by what the ray meets before it.
func (f *furniture) meet(r ray, h *hit) {
	// In the shelf's own measures x is along to the right, y towards the back.
	sin, cos := f.sin, f.cos
	own := r.turned(shop.Vec{f.shelf.X, f.shelf.Y, 0}, sin, cos)
	half := f.shelf.Width/2 + 0.02
	t, _, _, ok := own.slab(shop.Vec{-half, -0.03, 0}, shop.Vec{half, 0.6, headerHeight})
	if !ok || t >= h.t {
		return
	}
	for i := range f.parts {
		p := &f.parts[i]
		t, axis, sign, ok := own.slab(p.lo, p.hi)
		if !ok || t >= h.t {
			continue
		}
		n := shop.Vec{}
		n[axis] = sign
		h.t, h.colour, h.gloss = t, p.paint(own.at(t), axis), 0
		h.normal = shop.Vec{n[0]*cos - n[1]*sin, n[0]*sin + n[1]*cos, n[2]}
	}
}

func panels(sh shop.Shelf, number int) []panel {
	half := sh.Width / 2
	const top, deep = shop.BoardHeight, shop.BoardDepth
	steel := func(c rgb) func(p shop.Vec, axis int) rgb { return func(shop.Vec, int) rgb { return c } }
	parts := []panel{
		{shop.Vec{-half, 0.05, 0}, shop.Vec{half, deep, 0.12}, steel(hex(0x3a3d42))},
		{shop.Vec{-half, 0.02, 0.12}, shop.Vec{half, deep, top - 0.03}, front},
		{shop.Vec{-half, 0, top - 0.03}, shop.Vec{half, deep, top}, board},
		{shop.Vec{-half, -0.014, top - 0.05}, shop.Vec{half, 0, top + 0.004}, rail(sh)},
		{shop.Vec{-half, deep, 0}, shop.Vec{half, deep + 0.03, panelHeight}, back},
		{shop.Vec{-half, deep - 0.05, panelHeight}, shop.Vec{half, deep + 0.03, headerHeight}, header(number)},
	}
	for _, side := range []float64{-half - 0.014, half} {
		parts = append(parts, panel{
			shop.Vec{side, 0, 0}, shop.Vec{side + 0.014, deep + 0.03, top + 0.11}, steel(hex(0xd9dcde)),
		})
	}
	pitch := sh.Width / float64(len(sh.Slots))
	for i := 1; i < len(sh.Slots); i++ {
		x := pitch*float64(i) - half
		parts = append(parts, panel{
			shop.Vec{x - 0.002, 0.01, top}, shop.Vec{x + 0.002, deep - 0.02, top + 0.025}, steel(hex(0xb9c3c9)),
		})
	}
	return parts
}

func front(p shop.Vec, _ int) rgb {
	c := hex(0xf0efeb).times(0.93 + 0.03*random.SmoothGrain(p[0]*5, p[2]*5, 12))
	return c.times(1 - 0.15*max(bump(p[2], 0.40, 0.006), bump(p[2], 0.66, 0.006)))
}

// board is laminated wood.
func board(p shop.Vec, axis int) rgb {
	vein := random.SmoothGrain(p[0]*7, p[1]*60, 13)*0.6 + random.SmoothGrain(p[0]*40, p[1]*160, 14)*0.4
	c := hex(0xcdb48c).to(hex(0xb1936a), 0.6*vein)
	if axis != 2 {
		return c.times(0.8)
	}
	return c.times(1 - 0.25*bump(p[1], shop.BoardDepth, 0.06))
}

// back is white steel with holes.
func back(p shop.Vec, axis int) rgb {
	c := hex(0xe4e6e6)
	if axis != 1 {
		return c
	}
	u, w := math.Mod(p[0]+9, 0.05)-0.025, math.Mod(p[2], 0.05)-0.025
	return c.times(1 - 0.35*(1-smooth(0.003, 0.006, math.Hypot(u/0.7, w/1.4))))
}

// rail holds a price tag for each slot.
func rail(sh shop.Shelf) func(p shop.Vec, axis int) rgb {
	pitch := sh.Width / float64(len(sh.Slots))
	return func(p shop.Vec, _ int) rgb {
		c := hex(0x8d1f2b)
		slot := math.Floor((p[0] + sh.Width/2) / pitch)
		u := (p[0]+sh.Width/2)/pitch - slot - 0.5 // -0.5 to 0.5
		w := (p[2] - shop.BoardHeight + 0.046) / 0.046
		if math.Abs(u) < 0.17 {
			c = hex(0xfbfaf2)
			if w < 0.55 && u > -0.02 && random.Grain(int(u*90), 0, int(slot)) > 0.35 ||
				w > 0.62 && w < 0.85 && random.Grain(int(u*140), 1, int(slot)) > 0.4 {
				c = hex(0x30302e)
			}
		}
		return c
	}
}

// header is the sign above a shelf, in a colour of its own.
func header(number int) func(p shop.Vec, axis int) rgb {
	colours := []rgb{hex(0x2b6ea3), hex(0x3f8f4a), hex(0xc2812a), hex(0x7a4a86), hex(0xa83a3a)}
	return func(p shop.Vec, axis int) rgb {
		c := colours[number%len(colours)]
		if axis == 1 && math.Abs(p[0]) < 0.28 && math.Abs(p[2]-(panelHeight+headerHeight)/2) < 0.035 &&
			random.Grain(int((p[0]+9)*38), 0, number) > 0.3 {
			c = white
		}
		return c
	}
}
