package render

import (
	"math"

	"github.com/vouchledger/vouch/vision/render/random"
)

// gains are what light and exposure do to blue, green and red in one frame.
type gains [3]float64

// exposure works out the light of every frame: the lamps drift and may be
// switched, and the camera follows, late, what dark or bright things do to
// the picture as a whole.
func (s *Shop) exposure() {
	r := random.New(s.Seed, 3)
	slow, warm := r.Between(0, 2*math.Pi), r.Between(0, 2*math.Pi)
	s.light = make([]gains, s.frames)
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
		s.light[n] = gains{g * (1 - tint), g, g * (1 + tint)}
	}
}

const (
	filmSize = 1 << 16 // numbers of noise kept; frames read them from elsewhere each
	filmUnit = 16      // parts of a grey level
)

// film returns noise of the given spread in filmUnit parts.
func film(seed uint64, spread float64) []int16 {
	r := random.New(seed, 4)
	noise := make([]int16, 2*filmSize)
	for i := range filmSize {
		noise[i] = int16(max(-80, min(80, r.Normal()*spread)) * filmUnit)
	}
	copy(noise[filmSize:], noise) // so that a row never runs over the end
	return noise
}

// develop puts light and noise on a frame.
func (s *Shop) develop(f *frame, n int) {
	var curve [3][256]int32
	for c := range curve {
		for v := range curve[c] {
			lit := float64(v) * s.light[n][c]
			if lit > 225 { // bright parts roll off and do not clip
				lit = 225 + 30*(1-math.Exp(-(lit-225)/30))
			}
			curve[c][v] = int32(lit*filmUnit + filmUnit/2)
		}
	}
	expose(f, &curve, s.noise, random.New(s.Seed+uint64(n), 5)) //nolint:gosec // n counts from 0
}

// expose maps every channel and adds noise that is mostly in brightness and
// a little in colour.
func expose(f *frame, curve *[3][256]int32, noise []int16, r *random.PCG) {
	for y := range f.h {
		row := f.pix[3*y*f.w : 3*(y+1)*f.w]
		grey := noise[r.Next()%filmSize:][:f.w]
		colour := noise[r.Next()%filmSize:][:f.w]
		for x, g := range grey {
			p := row[3*x : 3*x+3 : 3*x+3]
			c := int32(colour[x]) / 2
			p[0] = byteOf(curve[0][p[0]] + int32(g) + c)
			p[1] = byteOf(curve[1][p[1]] + int32(g))
			p[2] = byteOf(curve[2][p[2]] + int32(g) - c)
		}
	}
}

func byteOf(v int32) uint8 {
	v /= filmUnit
	if uint32(v) > 255 { // negative numbers become large
		if v < 0 {
			return 0
		}
		return 255
	}
	return uint8(v) //nolint:gosec // 0 to 255
}
