package persons

import (
	"math"

	"github.com/vouchledger/vouch/vision/track"
)

// leastArm is how many pixels of the small picture an arm has.
const leastArm = 3

// hands returns for each person where in the large picture arms reach farthest
// from them. An arm is what differs from the empty shop, belongs to no outline and
// begins at theirs; what begins at two persons' may be either's.
func (e *explanation) hands(all []found, mask []uint8, k int) [][]track.Point {
	hands, seen := make([][]track.Point, len(all)), make([]bool, len(mask))
	for n := range hands {
		hands[n] = []track.Point{}
	}
	var arm []int
	for i := range mask {
		if seen[i] || !e.loose(mask, i) {
			continue
		}
		if arm = e.grow(i, mask, seen, arm[:0]); len(arm) < leastArm {
			continue
		}
		for n, f := range all {
			if f.touches(arm, e.w) {
				hands[n] = append(hands[n], e.farthest(arm, f.foot, k))
			}
		}
	}
	return hands
}

// loose reports whether a pixel shows something that is no person's.
func (e *explanation) loose(mask []uint8, i int) bool { return mask[i] == solid && e.by[i] == 0 }

// grow adds what hangs together with a loose pixel.
func (e *explanation) grow(i int, mask []uint8, seen []bool, part []int) []int {
	seen[i] = true
	part = append(part, i)
	for n := 0; n < len(part); n++ {
		x, y := part[n]%e.w, part[n]/e.w
		for ny := max(0, y-1); ny <= min(e.h-1, y+1); ny++ {
			for nx := max(0, x-1); nx <= min(e.w-1, x+1); nx++ {
				if j := ny*e.w + nx; !seen[j] && e.loose(mask, j) {
					seen[j] = true
					part = append(part, j)
				}
			}
		}
	}
	return part
}

// farthest returns which pixel is farthest from a point, both in the large picture.
func (e *explanation) farthest(part []int, from track.Point, k int) track.Point {
	tip, most := track.Point{}, math.Inf(-1)
	for _, i := range part {
		p := track.Point{X: (float64(i%e.w) + 0.5) * float64(k), Y: (float64(i/e.w) + 0.5) * float64(k)}
		if d := p.Distance(from); d > most {
			tip, most = p, d
		}
	}
	return tip
}

// touches reports whether a part has a pixel beside an outline.
func (o outline) touches(part []int, w int) bool {
	for _, i := range part {
		x, y := i%w, i/w
		for j := max(0, y-1-o.y0); j < len(o.rows) && j <= y+1-o.y0; j++ {
			if r := o.rows[j]; r[0] < r[1] && r[0] <= x+1 && x <= r[1] {
				return true
			}
		}
	}
	return false
}
