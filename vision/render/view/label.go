package view

import (
	"math"

	"github.com/vouchledger/vouch/vision/render/random"
	"github.com/vouchledger/vouch/vision/render/shop"
)

// A design is the three colours of a label, and of what the lid is made.
type design struct{ main, second, mark, lid rgb }

// designs by a product's number. Flavours share their layout.
var designs = []design{
	{hex(0xc8102e), hex(0xf6f2ea), hex(0xe9c46a), hex(0xc3c7cc)}, // cola
	{hex(0x1b63c4), hex(0xdff1fb), hex(0xffffff), hex(0x1747b8)}, // still water
	{hex(0x2e7d5b), hex(0xf2e3c2), hex(0xd9a35a), hex(0x2e7d5b)}, // oat biscuits
	{hex(0xfaf5ea), hex(0xf08a18), hex(0xf79a1c), hex(0xe86a10)}, // orange juice
	{hex(0xfbf3dc), hex(0xe0a322), hex(0x7a4a12), hex(0xd8b24c)}, // honey
	{hex(0xf07f13), hex(0xfff0d8), hex(0x3f8f35), hex(0xc3c7cc)}, // orangeade
	{hex(0xf4b183), hex(0xfff3e6), hex(0xd65a31), hex(0xf2f2f2)}, // peach tea
	{hex(0xd7261e), hex(0xfbe8a6), hex(0xf4c542), hex(0xd7261e)}, // salted crisps
	{hex(0xf7f9fb), hex(0x2a6fb5), hex(0x7fb2e5), hex(0x2a6fb5)}, // milk
	{hex(0xf3d26b), hex(0xa8321f), hex(0xffffff), hex(0xf6f1e6)}, // chicken noodles
	{hex(0xb5231d), hex(0xf3ead7), hex(0xd8321f), hex(0xc3c7cc)}, // tomato soup
	{hex(0x1f8f8a), hex(0xe4f7f5), hex(0xffffff), hex(0x0f5f5b)}, // sparkling water
	{hex(0x5a3420), hex(0xf2e3c2), hex(0x8a5a34), hex(0x5a3420)}, // chocolate biscuits
	{hex(0xf6f7e6), hex(0x6aa52f), hex(0xc9352b), hex(0x4c8a2a)}, // apple juice
	{hex(0xfbeef0), hex(0xc22f4d), hex(0x8e1f36), hex(0xb8283f)}, // strawberry jam
	{hex(0x1d1d20), hex(0xd21f34), hex(0xf6f2ea), hex(0xc3c7cc)}, // cola without sugar
	{hex(0xf3d94e), hex(0xfffbe0), hex(0x3f8f35), hex(0xf2f2f2)}, // lemon tea
	{hex(0xd9641e), hex(0xfbe8a6), hex(0xa32516), hex(0xd9641e)}, // paprika crisps
	{hex(0xe9dcc0), hex(0x7d5a34), hex(0xb08b52), hex(0x7d5a34)}, // oat drink
	{hex(0xd8402a), hex(0x2a1512), hex(0xf6c445), hex(0xf6f1e6)}, // chili noodles
	{hex(0x6f8f3a), hex(0xf3ead7), hex(0x8a5a24), hex(0xc3c7cc)}, // lentil soup
	{hex(0xbfe3a0), hex(0xf9ffe9), hex(0xf3d94e), hex(0x3f9a3c)}, // lemonade
	{hex(0x6a4a8c), hex(0xf6eadc), hex(0xd9a35a), hex(0x6a4a8c)}, // muesli
	{hex(0xffffff), hex(0x4aa3d8), hex(0xbfe0f2), hex(0xdfe5e8)}, // yogurt
	{hex(0xfff3e0), hex(0xe08a1e), hex(0xb8620c), hex(0xd88a2a)}, // apricot jam
}

// label returns the colour of a product at a place of its surface, and how
// much it shines there.
func label(p shop.Product, at, n shop.Vec) (rgb, float64) {
	d := designs[p.Design%len(designs)]
	z := at[2] / p.Height
	switch p.Shape {
	case shop.Can, shop.Bottle, shop.Jar, shop.Cup:
		return round(p.Shape, d, math.Atan2(at[1], at[0]), z, math.Hypot(at[0], at[1])/(p.Width/2), n)
	case shop.Carton, shop.Pack, shop.Pouch:
	}
	u := 2 * at[1] / p.Width // across the front, -1 to 1
	if math.Abs(n[1]) > 0.7 {
		u = 2 * at[0] / p.Depth * 0.8
	}
	c := flat(p.Shape, d, u, z)
	if math.Abs(n[1]) > 0.7 {
		c = c.times(0.88)
	}
	if n[2] > 0.9 {
		return d.main.times(0.95), 0.1
	}
	gloss := 0.12
	if p.Shape == shop.Pouch {
		crease := random.SmoothGrain(u*6+9, z*7, p.Design)
		c, gloss = c.times(0.86+0.28*crease), 0.5*smooth(0.55, 0.8, crease)
		if z > 0.94 || z < 0.04 {
			c = d.second.times(0.8 + 0.15*math.Sin(u*60))
		}
	}
	return c, gloss
}

// round is what is printed on round things: angle 0 is the front.
func round(s shop.Shape, d design, angle, z, r float64, n shop.Vec) (rgb, float64) {
	top := n[2] > 0.9
	u := angle / 0.9
	print := func(lo, hi float64) rgb {
		v := (z - lo) / (hi - lo)
		c := d.main.to(d.main.times(0.72), 0.5*(1-v))
		wave := 0.46 + 0.13*math.Sin(1.7*angle+0.4)
		c = c.to(d.second, band(v, wave-0.02, wave+0.13, 0.02))
		c = c.to(d.second, 1-smooth(0.85, 1, math.Hypot(u/0.62, (v-0.74)/0.15)))
		c = c.to(d.mark, 1-smooth(0.85, 1, math.Hypot(u/0.36, (v-0.74)/0.09)))
		return c.to(d.mark, 0.8*words(u, v, 0.1, 0.28))
	}
	switch s {
	case shop.Can:
		switch {
		case top:
			c := hex(0xc9ccd0).times(1 - 0.25*bump(r, 0.74, 0.04))
			return c.to(hex(0x8d9196), band(r*math.Cos(angle), 0.05, 0.45, 0.05)*band(math.Abs(r*math.Sin(angle)), -1, 0.16, 0.04)), 0.3
		case z < 0.05 || z > 0.93:
			return hex(0xc4c8cd), 0.6
		}
		return print(0.05, 0.93), 0.35
	case shop.Bottle:
		switch {
		case top || z > 0.92:
			return d.lid.times(0.92 + 0.08*math.Cos(angle*18)), 0.2
		case z > 0.20 && z < 0.56:
			return print(0.2, 0.56), 0.25
		}
		liquid := d.main.to(hex(0xcfe3ee), 0.55)
		return liquid.times(0.95 + 0.05*math.Cos(z*70)), 0.6
	case shop.Jar:
		switch {
		case top || z > 0.8:
			return d.lid.times(0.92 + 0.08*math.Cos(angle*24)), 0.35
		case math.Abs(u) < 1.15 && z > 0.12 && z < 0.66:
			return print(0.12, 0.66), 0.1
		}
		return d.second.times(0.75), 0.6
	case shop.Cup:
		switch {
		case top:
			c := d.lid.to(d.main, 1-smooth(0.55, 0.62, r))
			return c.to(d.second, 0.9*words(1.4*r*math.Sin(angle), 0.5+0.5*r*math.Cos(angle), 0.4, 0.6)), 0.4
		case z > 0.94:
			return d.lid, 0.2
		}
		return print(0, 0.94), 0.1
	case shop.Carton, shop.Pack, shop.Pouch:
	}
	panic("view: a shape that is not round")
}

// flat is what is printed on the front of a box.
func flat(s shop.Shape, d design, u, z float64) rgb {
	c := d.main.to(d.main.times(0.78), 0.5*(1-z))
	switch s {
	case shop.Carton:
		c = c.to(d.second, 1-smooth(0.20, 0.22, z+0.05*math.Sin(3*u)))
		c = c.to(d.mark, 1-smooth(0.88, 1, math.Hypot(u/0.62, (z-0.42)/0.14)))
		c = c.to(d.second, 0.9*words(u*0.8, z, 0.60, 0.72))
		if z > 0.9 {
			c = d.lid.to(white, 0.4)
		}
		return c
	case shop.Pouch:
		c = c.to(d.second, 1-smooth(0.9, 1, math.Hypot(u/0.78, (z-0.66)/0.15)))
		c = c.to(d.mark, 0.9*words(u, z, 0.60, 0.72))
		for i := range 5 {
			x, y := 0.7*random.Grain(i, 1, 3)*float64(i&1*2-1), 0.16+0.26*random.Grain(i, 2, 3)
			c = c.to(d.mark, 1-smooth(0.8, 1, math.Hypot((u-x)/0.28, (z-y)/0.075)))
		}
		return c
	case shop.Pack:
		c = c.to(d.second, band(z, 0.62, 0.88, 0.01))
		c = c.to(d.main.times(0.6), words(u*0.85, z, 0.66, 0.84))
		for i := range 4 {
			x, y := -0.55+0.37*float64(i), 0.22+0.20*float64(i&1)
			c = c.to(d.mark.times(0.8+0.3*random.SmoothGrain(u*9, z*12, i)), 1-smooth(0.88, 1, math.Hypot((u-x)/0.34, (z-y)/0.15)))
		}
		return c
	case shop.Can, shop.Bottle, shop.Jar, shop.Cup:
	}
	panic("view: a shape that is not flat")
}

// words looks like print that cannot be read.
func words(u, v, lo, hi float64) float64 {
	if v < lo || v > hi || math.Abs(u) > 0.6 {
		return 0
	}
	if random.Grain(int((u+3)*16), 0, 7) < 0.28 {
		return 0
	}
	return band((v-lo)/(hi-lo), 0.15, 0.85, 0.08)
}
