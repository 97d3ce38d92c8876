package recognise

import "math"

// lab returns CIE L*a*b* of sRGB under D65, each axis scaled to 0..1 over the
// part of it that goods fill.
func lab(r, g, b byte) [3]float64 {
	lr, lg, lb := linearTable[r], linearTable[g], linearTable[b]
	x := cube((0.4124*lr + 0.3576*lg + 0.1805*lb) / 0.9505)
	y := cube(0.2126*lr + 0.7152*lg + 0.0722*lb)
	z := cube((0.0193*lr + 0.1192*lg + 0.9505*lb) / 1.0890)
	clip := func(v float64) float64 { return max(0, min(0.9999, v)) }
	return [3]float64{clip((116*y - 16) / 100), clip((500*(x-y) + 64) / 128), clip((200*(y-z) + 64) / 128)}
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

func cube(t float64) float64 {
	if t > 0.008856 {
		return math.Cbrt(t)
	}
	return 7.787*t + 16.0/116
}
