package shop

import (
	"math"

	"github.com/vouchledger/vouch/vision/render/random"
)

// Light is what lamps, white balance and exposure multiply red, green and
// blue with in frame n of a camera.
func (s *Stage) Light(n int) (r, g, b float64) {
	t := float64(n) / float64(s.FPS)
	seed := int(s.Seed % 997) //nolint:gosec // below 997
	lamp := 1 + 2*s.Drift*(random.SmoothGrain(t/19, 0, seed)-0.5) + s.Drift*(random.SmoothGrain(t/5, 1, seed)-0.5)
	tint := 0.5 * s.Drift * (random.SmoothGrain(t/31, 2, seed) - 0.5)
	for i, tr := range s.Troubles {
		if tr.What == Lights {
			step := []float64{0.84, 1.14}[(i+seed)%2]
			lamp *= 1 + (step-1)*smooth(tr.At, tr.At+0.4, t)
			tint += 0.02 * (step - 1) * smooth(tr.At, tr.At+0.4, t)
		}
	}
	return lamp * (1 + tint), lamp, lamp * (1 - tint)
}

// Shift is how far the picture is moved in frame n, in pixels of a picture 640
// wide; 0 unless something shakes the cameras.
func (s *Stage) Shift(n int) (dx, dy float64) {
	t := float64(n) / float64(s.FPS)
	for i, tr := range s.Troubles {
		if tr.What == Shake && t >= tr.At && t < tr.At+tr.For {
			fade := smooth(0, 0.2, t-tr.At) * smooth(0, 0.2, tr.At+tr.For-t)
			dx += fade * 1.9 * math.Sin(23*t+float64(i)) * (0.6 + 0.8*random.SmoothGrain(7*t, 0, 31+i))
			dy += fade * 1.6 * math.Sin(29*t+2) * (0.6 + 0.8*random.SmoothGrain(7*t, 1, 31+i))
		}
	}
	return dx, dy
}
