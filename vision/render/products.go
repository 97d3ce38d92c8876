package render

import (
	"math"
	"slices"

	"github.com/vouchledger/vouch/vision/render/random"
)

// A product is something that stands on the shelf. Sizes are in pixels of a
// picture 640 wide.
type product struct {
	sku           string
	width, height float64
	draw          func(p pose) (rgb, float64)
}

// pose is one point of a product's picture and how the product stands.
type pose struct {
	u, v float64 // across -1 to 1, down 0 to 1
	px   float64 // half the width in pixels, for soft edges
	tall float64 // the height in pixels
	turn float64 // about its upright axis, in radians
}

// products are all that can be drawn, in the order in which slots get them.
var products = []product{
	{"water-still", 58, 186, water},
	{"oat-biscuits", 94, 142, biscuits},
	{"orange-juice", 72, 164, juice},
	{"cola-can", 62, 110, cola},
	{"honey-jar", 76, 112, honey},
	{"apple-spritz", 56, 180, spritz},
	{"tomato-soup", 66, 92, soup},
}

// SKUs returns the products that can be drawn.
func SKUs() []string {
	names := make([]string, len(products))
	for i, p := range products {
		names[i] = p.sku
	}
	return names
}

func productOf(sku string) (product, bool) {
	i := slices.IndexFunc(products, func(p product) bool { return p.sku == sku })
	if i < 0 {
		return product{}, false
	}
	return products[i], true
}

// sprite paints the product at a scale and a turn, anchored at the middle of
// its foot.
func (p product) sprite(scale, turn float64) *sprite {
	w, h := p.width*scale, p.height*scale
	cw, ch := int(w)+8, int(h)+8
	c := newCanvas(cw, ch)
	mx := float64(cw) / 2
	c.fill(func(x, y float64) (rgb, float64) {
		var mean rgb
		sum := 0.0
		for i := range 4 { // print has hard edges: four samples a pixel
			sx, sy := x-0.25+0.5*float64(i&1), y-0.25+0.5*float64(i>>1)
			col, a := p.draw(pose{u: (sx - mx) / (w / 2), v: (sy - 4) / h, px: w / 2, tall: h, turn: turn})
			a = clamp01(a)
			mean = rgb{mean.r + a*clamp01(col.r), mean.g + a*clamp01(col.g), mean.b + a*clamp01(col.b)}
			sum += a
		}
		return mean.times(1 / max(sum, 1e-9)), sum / 4
	})
	return c.sprite(cw/2, ch-4)
}

// round is where a point lies on an upright round thing of half-width r:
// across it, and down it on a ring seen from a little above.
func (p pose) round(r, bow float64) (across, v, cover float64) {
	across = p.u / max(r, 1e-6)
	cover = clamp01((r-math.Abs(p.u))*p.px + 0.5)
	in := math.Sqrt(max(0, 1-across*across))
	v = p.v - bow*in
	// The foot is a ring too: at the sides it ends higher than in front.
	cover *= clamp01((1-bow-v)*p.tall + 0.5)
	return across, v, cover * clamp01(p.v*p.tall+0.5)
}

// lit is the light on a round thing: soft from the left, and two lamps.
func lit(across, gloss float64) (shade, shine float64) {
	z := math.Sqrt(max(0, 1-across*across))
	shade = 0.38 + 0.5*z + 0.2*max(0, -0.55*across+0.5*z)
	shine = gloss * (0.75*bump(across, -0.5, 0.09) + 0.3*bump(across, 0.66, 0.06))
	return shade, shine
}

// profile reads the half-width at v from pairs of v and half-width.
func profile(v float64, pairs ...float64) float64 {
	for i := 2; i < len(pairs); i += 2 {
		if v <= pairs[i] {
			return mix(pairs[i-1], pairs[i+1], smooth(pairs[i-2], pairs[i], v))
		}
	}
	return pairs[len(pairs)-1]
}

// bottle is a clear bottle; label gives the paper's colour at an angle and a
// height of 0 to 1.
func bottle(p pose, liquid, lid rgb, label func(angle, v float64) rgb) (rgb, float64) {
	r := profile(p.v, 0, 0.38, 0.085, 0.38, 0.095, 0.44, 0.115, 0.44, 0.125, 0.33, 0.19, 0.34, 0.36, 0.97,
		0.44, 1, 0.76, 1, 0.82, 0.93, 0.88, 1, 0.965, 0.99, 1, 0.86)
	across, v, cover := p.round(r, 0.012)
	shade, shine := lit(across, 1)
	angle := math.Asin(max(-1, min(1, across))) + p.turn
	switch {
	case v < 0.085: // the lid and its ribs
		rib := 0.86 + 0.14*math.Cos(angle*22)
		return lid.times(shade*rib).to(white, 0.6*shine), cover
	case v > 0.42 && v < 0.74:
		t := (v - 0.42) / 0.32
		c := label(angle, t).times(0.35 + 0.72*shade)
		return c.to(white, 0.35*shine), cover
	}
	edge := smooth(0.6, 1, math.Abs(across))
	c := liquid.to(white, 0.34-0.3*edge).times(0.5 + 0.5*shade)
	if v < 0.2 { // empty neck
		c = c.to(white, 0.35)
	}
	ridge := 0.05 * math.Cos(v*150) * smooth(0.74, 0.8, v)
	c = c.times(1+ridge).to(white, 0.85*shine)
	return c, cover * mix(0.78, 0.96, edge)
}

// lines looks like print that cannot be read: rows of bars.
func lines(angle, v, from, to float64, rows int, seed int) float64 {
	if v < from || v > to || math.Abs(angle) > 0.62 {
		return 0
	}
	row := (v - from) / (to - from) * float64(rows)
	inRow := smooth(0.2, 0.3, row-math.Floor(row)) - smooth(0.65, 0.75, row-math.Floor(row))
	letter := random.Grain(int(math.Floor((angle+2)*26)), int(row), seed)
	if letter < 0.25 {
		return 0
	}
	return inRow
}

func water(p pose) (rgb, float64) {
	return bottle(p, hex(0x9cc6de), hex(0x1747b8), func(angle, v float64) rgb {
		c := hex(0x1b63c4).to(hex(0x0c3f93), v)
		wave := 0.62 + 0.1*math.Sin(2*angle+0.6)
		c = c.to(white, smooth(wave-0.03, wave, v)-smooth(wave+0.05, wave+0.08, v))
		c = c.to(hex(0xdff1fb), bump(angle, 0, 0.34)*bump(v, 0.3, 0.17))
		c = c.to(hex(0x1b63c4), bump(angle, 0.02, 0.13)*bump(v, 0.31, 0.09))
		return c.to(white, 0.85*lines(angle, v, 0.78, 0.95, 2, 1))
	})
}

func spritz(p pose) (rgb, float64) {
	return bottle(p, hex(0xd9c04a), hex(0x2f8f3a), func(angle, v float64) rgb {
		c := hex(0xf4f1dc)
		c = c.to(hex(0x4aa23c), smooth(0.7, 0.74, v))
		apple := math.Hypot(angle/0.42, (v-0.4)/0.215) + 0.16*bump(angle, 0, 0.12)*smooth(0.3, 0.2, v)
		c = c.to(hex(0xc9352b).to(hex(0xf29a7c), bump(angle, -0.15, 0.14)*bump(v, 0.3, 0.08)), 1-smooth(0.92, 1.02, apple))
		c = c.to(hex(0x3c7a2d), smooth(0.4, 0.6, bump(angle, 0.14, 0.16)*bump(v, 0.14, 0.05)))
		return c.to(white, lines(angle, v, 0.78, 0.95, 2, 2))
	})
}

// can is a tin with a lid seen from a little above.
func can(p pose, bow float64, paper func(angle, v float64) rgb) (rgb, float64) {
	r := profile(p.v, 0, 0.9, 0.06, 0.9, 0.12, 1, 0.93, 1, 1, 0.9)
	across, v, cover := p.round(r, bow)
	shade, shine := lit(across, 1)
	angle := math.Asin(max(-1, min(1, across))) + p.turn
	lidY := bow * 1.15
	// The lid is the ring that lies above the near edge.
	if d := math.Hypot(p.u/0.9, (p.v-lidY)/bow); d < 1 || v < 0 {
		c := hex(0xc9ccd0).times(0.75 + 0.25*math.Cos(3*p.u+1))
		c = c.to(hex(0x8d9196), smooth(0.78, 0.86, d)-smooth(0.9, 0.97, d))
		return c, clamp01(min((1-d)*p.px*bow*2+0.5, 1)) * clamp01((0.92-math.Abs(p.u))*p.px+0.5)
	}
	if v < 0.05 || v > 0.94-bow {
		return hex(0xc4c8cd).times(0.3+0.75*shade).to(white, 0.8*shine), cover
	}
	return paper(angle, v).times(0.28+0.8*shade).to(white, 0.5*shine), cover
}

func cola(p pose) (rgb, float64) {
	return can(p, 0.055, func(angle, v float64) rgb {
		c := hex(0xc8102e).to(hex(0x8c0a20), v)
		wave := 0.5 + 0.16*math.Sin(angle*1.6+0.4)
		c = c.to(white, smooth(wave-0.02, wave, v)-smooth(wave+0.07, wave+0.09, v))
		c = c.to(hex(0xf3d9a0), smooth(wave+0.1, wave+0.12, v)-smooth(wave+0.13, wave+0.15, v))
		logo := math.Hypot(angle/0.46, (v-0.29)/0.105)
		c = c.to(white, 1-smooth(0.94, 1.04, logo))
		c = c.to(hex(0xa80d26), 0.9*lines(angle*1.5, v, 0.235, 0.345, 2, 9)*(1-smooth(0.7, 0.8, logo)))
		return c.to(white, 0.7*lines(angle, v, 0.78, 0.88, 2, 3))
	})
}

func soup(p pose) (rgb, float64) {
	return can(p, 0.075, func(angle, v float64) rgb {
		c := hex(0xf3ead7)
		c = c.to(hex(0xb5231d), 1-smooth(0.44, 0.47, v))
		c = c.to(hex(0xe8b23a), bump(v, 0.46, 0.025))
		tomato := math.Hypot(angle/0.5, (v-0.67)/0.16)
		c = c.to(hex(0xd8321f).to(hex(0xf6765a), bump(angle, -0.15, 0.2)), 1-smooth(0.9, 1, tomato))
		c = c.to(hex(0x3c7a2d), bump(angle, 0, 0.16)*bump(v, 0.55, 0.025))
		return c.to(white, 0.9*lines(angle, v, 0.16, 0.38, 2, 4))
	})
}

func honey(p pose) (rgb, float64) {
	r := profile(p.v, 0, 0.8, 0.2, 0.8, 0.21, 0.72, 0.26, 0.74, 0.38, 1, 0.9, 1, 1, 0.88)
	bow := 0.045
	across, v, cover := p.round(r, bow)
	shade, shine := lit(across, 1)
	angle := math.Asin(max(-1, min(1, across))) + p.turn
	if d := math.Hypot(p.u/0.8, (p.v-bow)/bow); d < 1 || v < 0 {
		return hex(0xd8b24c).times(0.85), clamp01((1-d)*p.px*bow*2 + 0.5)
	}
	if v < 0.18 {
		return hex(0xc79a2e).times((0.3+0.75*shade)*(0.9+0.1*math.Cos(angle*30))).to(white, 0.6*shine), cover
	}
	if d := math.Hypot(angle/0.72, (v-0.6)/0.23); d < 1 {
		c := hex(0xfbf3dc)
		c = c.to(hex(0x7a4a12), smooth(0.86, 0.89, d)-smooth(0.93, 0.96, d))
		c = c.to(hex(0xe0a322), bump(angle, 0, 0.26)*bump(v, 0.55, 0.1))
		c = c.to(hex(0x5b3508), lines(angle, v, 0.66, 0.76, 2, 5))
		return c.times(0.3+0.76*shade).to(white, 0.3*shine), cover
	}
	c := hex(0xd98a12).to(hex(0x8f4d05), smooth(0.3, 1, math.Abs(across))).times(0.55 + 0.5*shade)
	return c.to(white, 0.8*shine), cover * 0.96
}

// carton is a box with a front and, where it is turned, a side. paper gets
// the place on the front, across -1 to 1.
func carton(p pose, top float64, paper func(x, v float64) rgb) (rgb, float64) {
	split := 0.74
	u := p.u
	if p.turn < 0 {
		u = -u
	}
	depth := (u + 1) / 2 // for the slanted upper edge
	cover := clamp01((1-math.Abs(p.u))*p.px+0.5) * clamp01((1-p.v)*p.tall+0.5)
	cover *= clamp01((p.v-top*0.3*depth)*p.tall + 0.5)
	if u > split { // the side lies in the shade
		foot := 1 - 0.03*(u-split)/(1-split)
		cover *= clamp01((foot-p.v)*p.tall + 0.5)
		edge := paper(0.9, p.v).times(0.5)
		return edge.times(0.9 + 0.1*smooth(0, 1, p.v)), cover
	}
	x := (u+1)/(split+1)*2 - 1
	if p.turn < 0 {
		x = -x
	}
	c := paper(x, p.v).times(0.93 - 0.1*x - 0.1*p.v)
	fold := 1 - 0.25*bump(u, split, 0.025)
	return c.times(fold).to(white, 0.10*bump(p.v-0.35*p.u, 0.25, 0.12)), cover
}

func biscuits(p pose) (rgb, float64) {
	return carton(p, 0.06, func(x, v float64) rgb {
		c := hex(0x2e7d5b).to(hex(0x1d5a40), v)
		c = c.to(hex(0xf2e3c2), smooth(0.1, 0.12, v)-smooth(0.36, 0.38, v))
		c = c.to(hex(0x7b3f14), lines(x*0.75, v, 0.14, 0.34, 2, 6))
		for i, at := range [][2]float64{{-0.42, 0.54}, {0.36, 0.52}, {-0.3, 0.79}, {0.46, 0.78}, {0.04, 0.66}} {
			d := math.Hypot((x-at[0])/0.4, (v-at[1])/0.118)
			biscuit := hex(0xd9a35a).times(0.82 + 0.3*random.SmoothGrain(x*11, v*38, i))
			biscuit = biscuit.to(hex(0x8a5a24), smooth(0.8, 1, d))
			c = c.to(black, 0.35*(1-smooth(0.95, 1.2, d)))
			c = c.to(biscuit, 1-smooth(0.96, 1, d))
		}
		return c
	})
}

func juice(p pose) (rgb, float64) {
	if p.v < 0.17 { // the gable
		r := mix(0.8, 1, smooth(0.02, 0.17, p.v))
		cover := clamp01((r-math.Abs(p.u))*p.px+0.5) * clamp01(p.v*p.tall+0.5)
		if p.v < 0.045 {
			return hex(0xe9e4d8).times(0.95 - 0.1*p.u), cover
		}
		slope := hex(0xf6f1e6).times(0.78 - 0.12*p.u)
		lid := math.Hypot(p.u*p.px, (p.v-0.105)*p.tall) / (0.05 * p.tall)
		return slope.to(hex(0xe86a10).times(0.75+0.3*bump(p.u, -0.1, 0.2)), 1-smooth(0.9, 1.05, lid)), cover
	}
	return carton(p, 0, func(x, v float64) rgb {
		c := hex(0xfaf5ea)
		c = c.to(hex(0xf08a18), smooth(0.78, 0.8, v+0.06*math.Sin(3*x)))
		d := math.Hypot(x/0.62, (v-0.55)/0.125)
		flesh := hex(0xf79a1c).to(hex(0xd96b06), smooth(0.3, 1, d))
		flesh = flesh.to(hex(0xffd27a), bump(x, -0.2, 0.16)*bump(v, 0.51, 0.035))
		c = c.to(flesh, 1-smooth(0.96, 1.02, d))
		c = c.to(hex(0x3f8f35), smooth(0.4, 0.6, bump(x, 0.22, 0.24)*bump(v, 0.415, 0.022)))
		c = c.to(hex(0x2b6a2a), 0.9*lines(x*0.7, v, 0.22, 0.32, 1, 7))
		return c.to(white, 0.9*lines(x*0.7, v, 0.86, 0.95, 2, 8))
	})
}
