package view

import (
	"math"

	"github.com/vouchledger/vouch/vision/render/shop"
)

// shade darkens the level ground around a place: a soft shadow. What stands
// higher or lower than the ground is left alone.
func (v *View) shade(p picture, at shop.Vec, radius, strength float64) {
	x0, y0, x1, y1, ok := v.around(at, radius, 0)
	if !ok {
		return
	}
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			r := v.through(float64(x)+0.5, float64(y)+0.5)
			t := (at[2] - r.from[2]) / r.dir[2]
			i := y*p.w + x
			if t <= 0 || math.Abs(t-float64(p.depth[i])) > 0.03 {
				continue
			}
			q := r.at(t)
			d := math.Hypot(q[0]-at[0], q[1]-at[1]) / radius
			if d >= 1 {
				continue
			}
			k := uint32(256 * (1 - strength*(1-d*d)*(1-d*d)))
			for c := range 3 {
				p.pix[3*i+c] = uint8(uint32(p.pix[3*i+c]) * k >> 8) //nolint:gosec // darker
			}
		}
	}
}

// around returns the pixels that can see an upright cylinder.
func (v *View) around(foot shop.Vec, radius, height float64) (x0, y0, x1, y1 int, ok bool) {
	lo, hi := [2]float64{math.Inf(1), math.Inf(1)}, [2]float64{math.Inf(-1), math.Inf(-1)}
	for i := range 8 {
		corner := foot
		corner[0] += radius * float64(i&1*2-1)
		corner[1] += radius * float64(i>>1&1*2-1)
		corner[2] += height * float64(i>>2)
		x, y, _, seen := v.lens.Project(corner)
		if !seen {
			return 0, 0, 0, 0, false
		}
		lo = [2]float64{min(lo[0], x), min(lo[1], y)}
		hi = [2]float64{max(hi[0], x), max(hi[1], y)}
	}
	w, h := float64(v.bare.w), float64(v.bare.h)
	if hi[0] < 0 || hi[1] < 0 || lo[0] >= w || lo[1] >= h {
		return 0, 0, 0, 0, false
	}
	return int(max(0, lo[0]-1)), int(max(0, lo[1]-1)), int(min(w, hi[0]+2)), int(min(h, hi[1]+2)), true
}
