package render

import (
	"math"

	"github.com/vouchledger/vouch/vision/render/random"
)

// Where things are, in pixels of a picture 640 x 360.
const (
	lampY  = 22.0  // underside of the shelf above
	boardY = 258.0 // where board and back wall meet
	footY  = 285.0 // where products stand
	railY  = 300.0 // upper edge of the price rail
	floorY = 328.0 // lower edge of the price rail
)

// scenery paints the empty shelf: what is there when everything is sold.
func (s *Shop) scenery() *frame {
	c := newCanvas(s.Width, s.Height)
	k := s.scale
	wall(c, k)
	board(c, k)
	rail(c, k)
	for _, sl := range s.slots {
		s.priceTag(c, sl)
	}
	s.below(c)
	lamp(c, k)
	f := &frame{w: s.Width, h: s.Height, pix: make([]uint8, 3*s.Width*s.Height)}
	for i := range s.Width * s.Height {
		f.pix[3*i], f.pix[3*i+1], f.pix[3*i+2] = level(c.pix[4*i+2]), level(c.pix[4*i+1]), level(c.pix[4*i])
	}
	return f
}

// wall is painted steel with slots punched into it, lit from above.
func wall(c *canvas, k float64) {
	c.fill(func(x, y float64) (rgb, float64) {
		x, y = x/k, y/k
		light := 0.80 - 0.30*smooth(lampY, 250, y) + 0.05*math.Sin(x/170+0.7)
		light *= 1 + 0.016*(random.SmoothGrain(x/23, y/31, 11)-0.5)
		col := hex(0xf3efe6).times(light)
		seam := math.Mod(x+64, 213)
		col = col.times(1 - 0.13*bump(seam, 2, 1.1) + 0.06*bump(seam, 4.2, 1.1))
		hx, hy := math.Mod(x+4, 16)-8, math.Mod(y, 22)-11 // punched holes
		hole := math.Hypot(hx/1.6, hy/3.4)
		return col.times(1 - 0.20*(1-smooth(0.7, 1.2, hole))), 1
	})
	// The shelf above throws its shadow.
	c.paint(box{0, 0, float64(c.w), 90 * k}, func(_, y float64) (rgb, float64) {
		return black, 0.36 * (1 - smooth(lampY*k, 66*k, y))
	})
}

// board is laminated wood seen at a flat angle.
func board(c *canvas, k float64) {
	c.paint(box{0, boardY * k, float64(c.w), railY*k + 1}, func(x, y float64) (rgb, float64) {
		x, y = x/k, y/k
		depth := (y - boardY) / (railY - boardY)
		// The vein runs along the board and grows towards the camera.
		vein := random.SmoothGrain(x/60+3*depth, depth*22/(0.5+depth), 3)*0.6 + random.SmoothGrain(x/9, depth*40, 4)*0.4
		col := hex(0xd9c3a0).to(hex(0xb8986a), 0.55*vein)
		return col.times(0.62 + 0.40*depth), 1
	})
	c.paint(box{0, (boardY - 9) * k, float64(c.w), (boardY + 10) * k}, func(_, y float64) (rgb, float64) {
		return black, 0.34 * bump(y/k, boardY, 5)
	})
	c.paint(box{0, (railY - 4) * k, float64(c.w), railY * k}, func(_, y float64) (rgb, float64) {
		return white, 0.22 * smooth(railY-4, railY-1, y/k)
	})
}

// rail is the strip of plastic that holds the price tags.
func rail(c *canvas, k float64) {
	c.paint(box{0, railY * k, float64(c.w), floorY * k}, func(x, y float64) (rgb, float64) {
		t := (y/k - railY) / (floorY - railY)
		col := hex(0xc9ced3).times(0.72 + 0.34*bump(t, 0.2, 0.2) - 0.22*smooth(0.6, 1, t))
		return col.times(1 + 0.01*(random.SmoothGrain(x/k/40, 0, 5)-0.5)), 1
	})
	c.paint(box{0, railY * k, float64(c.w), (railY + 3) * k}, func(_, y float64) (rgb, float64) {
		return black, 0.35 * bump(y/k, railY, 1.2)
	})
}

// priceTag hangs a tag with unreadable print and a price under a slot.
func (s *Shop) priceTag(c *canvas, sl *slot) {
	k := s.scale
	x, y := sl.x*k, (railY+4.5)*k
	w, h := 23*k, 19*k
	c.panel(box{x - w, y + 1.5*k, x + w, y + h + 1.5*k}, 1.5*k, plain(black.to(hex(0xc9ced3), 0.55)))
	c.panel(box{x - w, y, x + w, y + h}, 1.5*k, func(px, py float64) rgb {
		tx, ty := (px-x)/w, (py-y)/h // -1..1, 0..1
		col := hex(0xfdfcf5)
		if tx < -0.74 {
			return []rgb{hex(0xd33a2c), hex(0x2b7fc3), hex(0x3f9a4a), hex(0xe2a41d)}[sl.index%4]
		}
		if tx < 0.5 && random.Grain(int((tx+1)*17), 0, sl.index) > 0.3 && ty > 0.14 && ty < 0.3 {
			return col.to(black, 0.62)
		}
		return col.to(hex(0x1c1c1c), digits(tx, ty, sl.index))
	})
}

// segments of the digits 0 to 9, as on a pocket calculator: top, upper left,
// upper right, middle, lower left, lower right, bottom.
var segments = [10]uint8{
	0b1110111, 0b0100100, 0b1011101, 0b1101101, 0b0101110,
	0b1101011, 0b1111011, 0b0100101, 0b1111111, 0b1101111,
}

// digits prints a price like 2.49 on the lower half of a tag.
func digits(tx, ty float64, seed int) float64 {
	y := (ty - 0.46) / 0.44
	if y < 0 || y > 1 {
		return 0
	}
	price := []int{1 + seed%3, 4 + int(random.Grain(seed, 1, 9)*6), 9}
	for i, d := range price {
		x := (tx - 0.02 - 0.29*float64(i)) / 0.2
		if i > 0 {
			x -= 0.28
		}
		if x < 0 || x > 1 {
			continue
		}
		on := func(bit int) bool { return segments[d]>>bit&1 == 1 }
		thin, half := 0.24, 0.5
		if on(0) && y < 0.16 || on(3) && math.Abs(y-half) < 0.09 || on(6) && y > 0.84 ||
			on(1) && x < thin && y < half || on(2) && x > 1-thin && y < half ||
			on(4) && x < thin && y > half || on(5) && x > 1-thin && y > half {
			return 0.92
		}
	}
	if math.Abs(tx-0.27) < 0.03 && y > 0.84 {
		return 0.92
	}
	return 0
}

// below is the dark gap under the rail and the blurred tops of what stands on
// the shelf underneath.
func (s *Shop) below(c *canvas) {
	k := s.scale
	c.paint(box{0, floorY * k, float64(c.w), float64(c.h)}, func(x, y float64) (rgb, float64) {
		t := (y/k - floorY) / 32
		return hex(0x4a4640).times(0.35 + 0.55*t + 0.02*random.SmoothGrain(x/k/30, t*3, 6)), 1
	})
	low := newCanvas(c.w, c.h)
	colours := []rgb{hex(0x8e2f2a), hex(0x2d5d8a), hex(0xb58b2c), hex(0x3b6e45), hex(0x6b4a7a)}
	for i := range 9 {
		x := (38 + 72*float64(i) + 16*random.Grain(i, 0, 21)) * k
		r := (17 + 9*random.Grain(i, 1, 21)) * k
		top := (340 + 9*random.Grain(i, 2, 21)) * k
		col := colours[int(random.Grain(i, 3, 21)*5)]
		low.panel(box{x - r, top, x + r, 380 * k}, 6*k, func(px, _ float64) rgb {
			return col.times(0.34 + 0.4*bump((px-x)/r, -0.3, 0.6))
		})
	}
	low.soften(int(1.6 * k))
	for i := range c.w * c.h {
		if a := low.pix[4*i+3]; a > 0 && float64(i/c.w) > floorY*k {
			for j := range 3 {
				c.pix[4*i+j] = c.pix[4*i+j]*(1-a) + low.pix[4*i+j]
			}
		}
	}
}

// lamp is the shelf above with a strip of light under its edge.
func lamp(c *canvas, k float64) {
	c.paint(box{0, 0, float64(c.w), lampY*k + 1}, func(x, y float64) (rgb, float64) {
		t := y / k / lampY
		col := hex(0xb9bec4).times(0.55 + 0.35*bump(t, 0.3, 0.35) - 0.2*smooth(0.75, 1, t))
		return col.times(1 + 0.01*(random.SmoothGrain(x/k/50, 0, 8)-0.5)), clamp01(lampY*k - y + 0.5)
	})
	c.paint(box{0, (lampY - 6) * k, float64(c.w), (lampY + 60) * k}, func(x, y float64) (rgb, float64) {
		y /= k
		ends := smooth(-20, 60, x/k) * (1 - smooth(580, 660, x/k))
		strip := ends * (smooth(lampY-4.5, lampY-3.5, y) - smooth(lampY-0.5, lampY+0.5, y))
		glow := 0.16 * ends * bump(y, lampY, 16)
		return hex(0xfff8e6), strip*0.97 + glow*(1-strip)
	})
}
