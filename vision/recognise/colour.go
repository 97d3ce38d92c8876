package recognise

import "math"

// Colour is what tells fruit apart best: joint histograms of hue, saturation
// and value, and of Lab, over the whole picture, its middle, and four parts
// of it.
const (
	hsvBins = 16 * 4 * 4
	labBins = 4 * 8 * 8
)

// colourSide is the shorter side that colours are counted at.
const colourSide = 96

// colours returns six histograms, each of length one.
func colours(p Picture) []float32 {
	p = p.scaled(colourSide)
	n := hsvBins + labBins
	out := make([]float32, 3*n+4*hsvBins)
	whole, middle, core := out[:n], out[n:2*n], out[2*n:3*n]
	parts := out[3*n:]
	for y := range p.H {
		for x := range p.W {
			i := 3 * (y*p.W + x)
			r, g, b := float64(p.RGB[i])/255, float64(p.RGB[i+1])/255, float64(p.RGB[i+2])/255
			h, s, v := hsv(r, g, b)
			l, ca, cb := lab(r, g, b)
			dx, dy := math.Abs(float64(2*x+1)/float64(p.W)-1), math.Abs(float64(2*y+1)/float64(p.H)-1)
			put := func(hist []float32) {
				spread(hist[:hsvBins], [3]float64{h * 16, s * 4, v * 4}, [3]int{16, 4, 4})
				spread(hist[hsvBins:], [3]float64{l * 4, ca * 8, cb * 8}, [3]int{4, 8, 8})
			}
			put(whole)
			if max(dx, dy) < 0.6 {
				put(middle)
			}
			if max(dx, dy) < 0.35 {
				put(core)
			}
			q := 2*(2*y/p.H) + 2*x/p.W
			spread(parts[q*hsvBins:(q+1)*hsvBins], [3]float64{h * 16, s * 4, v * 4}, [3]int{16, 4, 4})
		}
	}
	for k := range 3 {
		root(out[k*n : k*n+hsvBins])
		root(out[k*n+hsvBins : (k+1)*n])
	}
	for q := range 4 {
		part := parts[q*hsvBins : (q+1)*hsvBins]
		root(part)
		scale(part, 0.5)
	}
	return out
}

// spread adds one to a joint histogram, shared out linearly between
// neighbouring bins so that a small change of light is a small change. The
// first axis of hue goes round.
func spread(hist []float32, at [3]float64, size [3]int) {
	var lo [3]int
	var up [3]float64
	for k := range 3 {
		f := at[k] - 0.5 //nolint:gosec // three of three
		lo[k] = int(math.Floor(f))
		up[k] = f - float64(lo[k])
	}
	for m := range 8 {
		w, at := 1.0, 0
		for k := range 3 {
			b := lo[k] + m>>k&1
			if m>>k&1 == 1 {
				w *= up[k]
			} else {
				w *= 1 - up[k]
			}
			if k == 0 && size[0] == 16 {
				b = (b + size[0]) % size[0]
			}
			at = at*size[k] + max(0, min(size[k]-1, b))
		}
		hist[at] += float32(w)
	}
}

func hsv(r, g, b float64) (h, s, v float64) {
	v = max(r, g, b)
	d := v - min(r, g, b)
	if v > 0 {
		s = d / v
	}
	if d == 0 {
		return 0, s, v
	}
	switch v {
	case r:
		h = (g - b) / d
	case g:
		h = 2 + (b-r)/d
	default:
		h = 4 + (r-g)/d
	}
	h /= 6
	return h - math.Floor(h), s, v
}

// lab returns CIE L*a*b* of sRGB under D65, each axis scaled to 0..1 over the
// part of it that goods fill.
func lab(r, g, b float64) (l, ca, cb float64) {
	r, g, b = linear(r), linear(g), linear(b)
	x := cube((0.4124*r + 0.3576*g + 0.1805*b) / 0.9505)
	y := cube(0.2126*r + 0.7152*g + 0.0722*b)
	z := cube((0.0193*r + 0.1192*g + 0.9505*b) / 1.0890)
	clip := func(v float64) float64 { return max(0, min(0.9999, v)) }
	return clip((116*y - 16) / 100), clip((500*(x-y) + 64) / 128), clip((200*(y-z) + 64) / 128)
}

// linearTable saves a power for each channel of each pixel.
var linearTable = func() (t [256]float64) {
	for i := range t {
		v := float64(i) / 255
		if t[i] = v / 12.92; v > 0.04045 {
			t[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return t
}()

func linear(v float64) float64 { return linearTable[int(v*255+0.5)] }

func cube(t float64) float64 {
	if t > 0.008856 {
		return math.Cbrt(t)
	}
	return 7.787*t + 16.0/116
}

// root takes square roots and makes the length one: the inner product of two
// histograms is then Hellinger's affinity, which a linear classifier does far
// better with than with counts.
func root(h []float32) {
	for i, v := range h {
		h[i] = float32(math.Sqrt(float64(v)))
	}
	unit(h)
}

// unit makes the length of v one; nothing stays nothing.
func unit(v []float32) {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if sum > 0 {
		scale(v, float32(1/math.Sqrt(sum)))
	}
}

func scale(v []float32, by float32) {
	for i := range v {
		v[i] *= by
	}
}
