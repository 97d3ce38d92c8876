package render

import "math"

// rgb is a colour; 1 is white.
type rgb struct{ r, g, b float64 }

func (c rgb) times(f float64) rgb { return rgb{c.r * f, c.g * f, c.b * f} }

func (c rgb) to(d rgb, t float64) rgb {
	return rgb{mix(c.r, d.r, t), mix(c.g, d.g, t), mix(c.b, d.b, t)}
}

var (
	white = rgb{1, 1, 1}
	black = rgb{0, 0, 0}
)

// hex reads a colour as 0xRRGGBB.
func hex(v int) rgb {
	return rgb{float64(v>>16&255) / 255, float64(v>>8&255) / 255, float64(v&255) / 255}
}

// A canvas is where things are painted once, before the video begins: four
// numbers a pixel, red, green, blue and cover, multiplied by cover.
type canvas struct {
	w, h int
	pix  []float32
}

func newCanvas(w, h int) *canvas { return &canvas{w: w, h: h, pix: make([]float32, 4*w*h)} }

// box is a part of a canvas in pixels.
type box struct{ x0, y0, x1, y1 float64 }

// paint lays a colour with a cover over every pixel of a part.
func (c *canvas) paint(b box, f func(x, y float64) (rgb, float64)) {
	for y := max(0, int(b.y0)); y < min(c.h, int(math.Ceil(b.y1))); y++ {
		for x := max(0, int(b.x0)); x < min(c.w, int(math.Ceil(b.x1))); x++ {
			col, a := f(float64(x)+0.5, float64(y)+0.5)
			if a <= 0 {
				continue
			}
			a = min(a, 1)
			p := c.pix[4*(y*c.w+x):][:4]
			rest := float32(1 - a)
			p[0] = p[0]*rest + float32(clamp01(col.r)*a)
			p[1] = p[1]*rest + float32(clamp01(col.g)*a)
			p[2] = p[2]*rest + float32(clamp01(col.b)*a)
			p[3] = p[3]*rest + float32(a)
		}
	}
}

// fill paints the whole canvas.
func (c *canvas) fill(f func(x, y float64) (rgb, float64)) {
	c.paint(box{0, 0, float64(c.w), float64(c.h)}, f)
}

// panel paints a rectangle with rounded corners.
func (c *canvas) panel(b box, radius float64, col func(x, y float64) rgb) {
	mx, my := (b.x0+b.x1)/2, (b.y0+b.y1)/2
	hx, hy := (b.x1-b.x0)/2-radius, (b.y1-b.y0)/2-radius
	c.paint(box{b.x0 - 1, b.y0 - 1, b.x1 + 1, b.y1 + 1}, func(x, y float64) (rgb, float64) {
		dx, dy := max(0, math.Abs(x-mx)-hx), max(0, math.Abs(y-my)-hy)
		return col(x, y), clamp01(radius - math.Hypot(dx, dy) + 0.5)
	})
}

func plain(col rgb) func(x, y float64) rgb { return func(_, _ float64) rgb { return col } }

// blob darkens or tints a soft ellipse.
func (c *canvas) blob(x, y, rx, ry float64, col rgb, strength float64) {
	c.paint(box{x - 3*rx, y - 3*ry, x + 3*rx, y + 3*ry}, func(px, py float64) (rgb, float64) {
		dx, dy := (px-x)/rx, (py-y)/ry
		return col, strength * math.Exp(-dx*dx-dy*dy)
	})
}

// limb is a tapered rod with round ends: a finger, an arm.
type limb struct {
	ax, ay, ar float64
	bx, by, br float64
}

// light falls from the upper left and the front.
var lightX, lightY, lightZ = unit3(-0.42, -0.62, 0.66)

func unit3(x, y, z float64) (float64, float64, float64) {
	n := math.Sqrt(x*x + y*y + z*z)
	return x / n, y / n, z / n
}

// limb paints a rod as if it were round. col gets the place along it and
// across it, -1 to 1.
func (c *canvas) limb(l limb, col func(along, across float64) rgb) {
	r := max(l.ar, l.br) + 2
	dx, dy := l.bx-l.ax, l.by-l.ay
	long := max(1e-6, dx*dx+dy*dy)
	length := math.Sqrt(long)
	b := box{min(l.ax, l.bx) - r, min(l.ay, l.by) - r, max(l.ax, l.bx) + r, max(l.ay, l.by) + r}
	c.paint(b, func(x, y float64) (rgb, float64) {
		t := clamp01(((x-l.ax)*dx + (y-l.ay)*dy) / long)
		rad := mix(l.ar, l.br, t)
		ox, oy := x-l.ax-t*dx, y-l.ay-t*dy
		d := math.Hypot(ox, oy)
		cover := clamp01(rad - d + 0.5)
		if cover == 0 {
			return black, 0
		}
		nx, ny := ox/rad, oy/rad
		nz := math.Sqrt(max(0, 1-nx*nx-ny*ny))
		lit := max(0, nx*lightX+ny*lightY+nz*lightZ)
		across := (dx*oy - dy*ox) / length / rad
		rim := smooth(0.72, 1, math.Sqrt(nx*nx+ny*ny))
		return col(t, across).times((0.56 + 0.5*lit) * (1 - 0.17*rim)), cover
	})
}

// soften blurs the canvas three times with a box, which is nearly a Gaussian.
func (c *canvas) soften(r int) {
	if r < 1 {
		return
	}
	tmp := make([]float32, len(c.pix))
	for range 3 {
		for y := range c.h {
			smear(tmp[4*y*c.w:], c.pix[4*y*c.w:], c.w, 4, r)
		}
		for x := range c.w {
			smear(c.pix[4*x:], tmp[4*x:], c.h, 4*c.w, r)
		}
	}
}

// smear averages n pixels that lie step apart over 2r+1.
func smear(dst, src []float32, n, step, r int) {
	var sum [4]float32
	at := func(i int) []float32 { i = max(0, min(n-1, i)) * step; return src[i : i+4] }
	for i := -r; i <= r; i++ {
		for k, v := range at(i) {
			sum[k] += v
		}
	}
	f := 1 / float32(2*r+1)
	for i := range n {
		add, sub := at(i+r+1), at(i-r)
		for k := range sum {
			dst[i*step+k] = sum[k] * f
			sum[k] += add[k] - sub[k]
		}
	}
}
