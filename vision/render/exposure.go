package render

import (
	"math"

	"github.com/vouchledger/vouch/vision/render/film"
	"github.com/vouchledger/vouch/vision/render/random"
)

// exposure works out the light of every frame: the lamps drift and may be
// switched, and the camera follows, late, what dark or bright things do to
// the picture as a whole.
func (s *Shop) exposure() {
	r := random.New(s.Seed, 3)
	slow, warm := r.Between(0, 2*math.Pi), r.Between(0, 2*math.Pi)
	s.light = make([]film.Gains, s.frames)
	auto := 0.0
	for n := range s.light {
		t := float64(n) / s.fps
		lamp := 1 + s.Drift*math.Sin(2*math.Pi*t/37+slow) + 0.4*s.Drift*math.Sin(2*math.Pi*t/11+warm)
		dark := 0.0 // how much darker the picture is than the bare shelf
		for _, sl := range s.slots {
			if sl.at(n) != nil {
				dark += 0.006
			}
		}
		for _, a := range s.actors {
			lamp *= a.lamp(float64(n))
			if a.from <= n && n <= a.to {
				dark += a.dark()
			}
		}
		auto += (dark - auto) / (0.7 * s.fps)
		if n == 0 {
			auto = dark
		}
		g := lamp * (1 + auto)
		tint := 0.3 * s.Drift * math.Sin(2*math.Pi*t/53+warm)
		s.light[n] = film.Gains{g * (1 - tint), g, g * (1 + tint)}
	}
}
