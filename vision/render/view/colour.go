package view

import "math"

// rgb is a colour; 1 is white.
type rgb struct{ r, g, b float64 }

func (c rgb) times(f float64) rgb { return rgb{c.r * f, c.g * f, c.b * f} }

func (c rgb) to(d rgb, t float64) rgb {
	return rgb{c.r + (d.r-c.r)*t, c.g + (d.g-c.g)*t, c.b + (d.b-c.b)*t}
}

var white, black = rgb{1, 1, 1}, rgb{}

// hex reads a colour as 0xRRGGBB.
func hex(v int) rgb {
	return rgb{float64(v>>16&255) / 255, float64(v>>8&255) / 255, float64(v&255) / 255}
}

func level(v float64) uint8 { return uint8(max(0, min(255, v*255+0.5))) }

func smooth(lo, hi, v float64) float64 {
	t := max(0, min(1, (v-lo)/(hi-lo)))
	return t * t * (3 - 2*t)
}

// bump is 1 at the middle and falls off over width.
func bump(v, middle, width float64) float64 {
	d := (v - middle) / width
	return math.Exp(-d * d)
}

// band is 1 between lo and hi with an edge as wide as soft.
func band(v, lo, hi, soft float64) float64 {
	return smooth(lo-soft, lo+soft, v) * (1 - smooth(hi-soft, hi+soft, v))
}
