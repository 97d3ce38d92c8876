package render

import "math"

func mix(a, b, t float64) float64 { return a + (b-a)*t }

func clamp01(v float64) float64 { return max(0, min(1, v)) }

// smooth rises from 0 at lo to 1 at hi.
func smooth(lo, hi, v float64) float64 {
	t := clamp01((v - lo) / (hi - lo))
	return t * t * (3 - 2*t)
}

// bump is 1 at the middle and falls off over width.
func bump(v, middle, width float64) float64 {
	d := (v - middle) / width
	return math.Exp(-d * d)
}
