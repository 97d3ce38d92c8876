package render

// A sprite is a painted thing in bytes, ready to be laid over a frame: blue,
// green, red and cover, multiplied by cover. ox and oy are where its anchor
// lies inside it.
type sprite struct {
	w, h, ox, oy int
	pix          []uint8
}

// sprite cuts the painted part out of the canvas.
func (c *canvas) sprite(ox, oy int) *sprite {
	x0, y0, x1, y1 := c.w, c.h, 0, 0
	for i := range c.w * c.h {
		if c.pix[4*i+3] > 1.0/512 {
			x, y := i%c.w, i/c.w
			x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x+1), max(y1, y+1)
		}
	}
	if x1 <= x0 {
		return &sprite{}
	}
	s := &sprite{w: x1 - x0, h: y1 - y0, ox: ox - x0, oy: oy - y0}
	s.pix = make([]uint8, 4*s.w*s.h)
	for y := range s.h {
		for x := range s.w {
			p, q := c.pix[4*((y+y0)*c.w+x+x0):], s.pix[4*(y*s.w+x):]
			q[0], q[1], q[2], q[3] = level(p[2]), level(p[1]), level(p[0]), level(p[3])
		}
	}
	return s
}

func level(v float32) uint8 { return uint8(max(0, min(255, v*255+0.5))) }

// shadow returns the soft shape of a sprite in black.
func (s *sprite) shadow(soft int, strength float64) *sprite {
	if s.w == 0 {
		return s
	}
	pad := 3*soft + 1
	c := newCanvas(s.w+2*pad, s.h+2*pad)
	for y := range s.h {
		for x := range s.w {
			c.pix[4*((y+pad)*c.w+x+pad)+3] = float32(s.pix[4*(y*s.w+x)+3]) / 255 * float32(strength)
		}
	}
	c.soften(soft)
	return c.sprite(s.ox+pad, s.oy+pad)
}

// A frame is a picture in the making: blue, green, red, row by row.
type frame struct {
	w, h int
	pix  []uint8
}

// lay puts a sprite with its anchor at x, y.
func (f *frame) lay(s *sprite, x, y int) {
	x, y = x-s.ox, y-s.oy
	x0, x1 := max(0, -x), min(s.w, f.w-x)
	if x1 <= x0 {
		return
	}
	for sy := max(0, -y); sy < min(s.h, f.h-y); sy++ {
		src := s.pix[4*(sy*s.w+x0) : 4*(sy*s.w+x1)]
		dst := f.pix[3*((sy+y)*f.w+x+x0):]
		over(dst, src)
	}
}

// over lays a row of a sprite over a row of a frame.
func over(dst, src []uint8) {
	for i, j := 0, 0; i+3 < len(src); i, j = i+4, j+3 {
		a := uint32(src[i+3])
		switch a {
		case 0:
		case 255:
			dst[j], dst[j+1], dst[j+2] = src[i], src[i+1], src[i+2]
		default:
			k := 257 * (255 - a) // 65535 is one
			dst[j] = sum(src[i], uint32(dst[j])*k>>16)
			dst[j+1] = sum(src[i+1], uint32(dst[j+1])*k>>16)
			dst[j+2] = sum(src[i+2], uint32(dst[j+2])*k>>16)
		}
	}
}

func sum(a uint8, b uint32) uint8 { return uint8(min(255, uint32(a)+b)) } //nolint:gosec // bounded

// layMoving puts a sprite that goes from x0, y0 to x1, y1 while the shutter
// is open: the mean of both places. A still sprite costs no more than lay.
func (f *frame) layMoving(s *sprite, x0, y0, x1, y1 int) {
	if x0 == x1 && y0 == y1 {
		f.lay(s, x0, y0)
		return
	}
	dx, dy := x1-x0, y1-y0
	x, y := x0-s.ox, y0-s.oy
	left, right := max(0, x+min(0, dx)), min(f.w, x+s.w+max(0, dx))
	if left >= right {
		return
	}
	row := make([]uint8, 4*(right-left))
	for py := max(0, y+min(0, dy)); py < min(f.h, y+s.h+max(0, dy)); py++ {
		clear(row)
		s.half(row, left-x, right-left, py-y)
		s.half(row, left-x-dx, right-left, py-y-dy)
		over(f.pix[3*(py*f.w+left):], row)
	}
}

// half adds half of a sprite's row sy to row, beginning at column sx.
func (s *sprite) half(row []uint8, sx, n, sy int) {
	if sy < 0 || sy >= s.h {
		return
	}
	from, to := max(0, sx), min(s.w, sx+n)
	if from >= to {
		return
	}
	src := s.pix[4*(sy*s.w+from) : 4*(sy*s.w+to)]
	dst := row[4*(from-sx):]
	for i, v := range src {
		dst[i] += v >> 1
	}
}
