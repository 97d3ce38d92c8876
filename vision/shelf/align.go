package shelf

import (
	"math"
	"slices"
)

const (
	// blockSide and maxBlocks say how much of the picture is compared to find
	// a shake: 24 blocks of 10x10 are 4 % of it and give the shift of the rest.
	blockSide = 10
	maxBlocks = 24
	// reach is the largest shake followed, in small pixels: 4 of 320 are 8 of
	// 640, more than a fixed camera on a shelf moves.
	reach = 4
	// blockCap stops a block behind a hand from outvoting the others, in
	// steps a pixel.
	blockCap = 12
	// farPenalty is what a shift costs for each pixel, so that a picture
	// without structure is not pushed about by noise.
	farPenalty = 0.01
	// badShare is the share of the largest cost from which the whole reach is
	// searched.
	badShare = 0.5
)

// block is a part of the picture with edges to hold on to, as it looked when
// it was chosen. It keeps its own look: a reference that follows the light
// would carry small errors of the shift along and drift away.
type block struct {
	x, y int
	luma [blockSide * blockSide]uint8
	lost int // looks since it last fitted
	lit  [blockSide * blockSide]int32
}

// light computes how the block looks at this gain.
func (b *block) light(gain int) {
	for i, v := range b.luma {
		b.lit[i] = int32(int(v) * gain >> 10) //nolint:gosec // twice a byte at most
	}
}

// shift is where the picture lies against the reference, in small pixels.
type shift struct{ dx, dy int }

// anchor holds the picture in place against shake.
type anchor struct {
	blocks []block
	last   shift
}

// pick chooses new places of ref with strong edges until there are enough,
// half of them upright, half lying, each with room for the whole reach. Of
// the old ones those that still fit stay.
func (a *anchor) pick(ref planes, w, h, patience int) {
	a.blocks = slices.DeleteFunc(a.blocks, func(b block) bool { return b.lost > patience })
	type scored struct{ x, y, across, down int }
	var all []scored
	for y := reach; y+blockSide+reach < h; y += blockSide {
		for x := reach; x+blockSide+reach < w; x += blockSide {
			s := scored{x: x, y: y}
			for i := range blockSide * blockSide {
				at := (y+i/blockSide)*w + x + i%blockSide
				s.across += abs(int(ref.luma[at+1]) - int(ref.luma[at]))
				s.down += abs(int(ref.luma[at+w]) - int(ref.luma[at]))
			}
			if !slices.ContainsFunc(a.blocks, func(b block) bool { return b.x == x && b.y == y }) {
				all = append(all, s)
			}
		}
	}
	missing := maxBlocks - len(a.blocks)
	take := func(n int, key func(scored) int) {
		slices.SortStableFunc(all, func(a, b scored) int { return key(b) - key(a) })
		for n > 0 && len(all) > 0 && key(all[0]) >= 2*blockSide*blockSide {
			b := block{x: all[0].x, y: all[0].y}
			for i := range b.luma {
				b.luma[i] = ref.luma[(b.y+i/blockSide)*w+b.x+i%blockSide]
			}
			a.blocks, all, n = append(a.blocks, b), all[1:], n-1
		}
	}
	take(missing/2, func(s scored) int { return s.across })
	take(missing-missing/2, func(s scored) int { return s.down })
}

// find returns the shift at which the blocks fit best, looking near the last
// one and near none first, and everywhere only if that fits badly.
func (a *anchor) find(cur planes, w, gain int) shift {
	if len(a.blocks) == 0 {
		return shift{}
	}
	for i := range a.blocks {
		a.blocks[i].light(gain)
	}
	best, low := a.last, math.Inf(1)
	try := func(s shift) {
		if max(abs(s.dx), abs(s.dy)) > reach {
			return
		}
		// A far shift has to be better, not just as good.
		far := 1 + farPenalty*float64(abs(s.dx)+abs(s.dy))
		total := 0
		for i := range a.blocks {
			total += a.blocks[i].cost(cur, s, w)
			if float64(total)*far >= low {
				return // the blocks to come cannot make it better
			}
		}
		best, low = s, float64(total)*far
	}
	for _, middle := range []shift{{}, a.last} {
		for dy := -1; dy <= 1; dy++ {
			for dx := -1; dx <= 1; dx++ {
				try(shift{middle.dx + dx, middle.dy + dy})
			}
		}
		if a.last == (shift{}) {
			break
		}
	}
	if low > float64(len(a.blocks)*blockSide*blockSide)*blockCap*badShare {
		for dy := -reach; dy <= reach; dy++ {
			for dx := -reach; dx <= reach; dx++ {
				try(shift{dx, dy})
			}
		}
	}
	a.last = best
	for i := range a.blocks {
		b := &a.blocks[i]
		if b.lost++; b.cost(cur, best, w) < blockSide*blockSide*blockCap/2 {
			b.lost = 0
		}
	}
	return best
}

// cost is how badly the block fits at a shift, bounded so that a block behind
// a hand does not outvote the others. It has to be lit before.
func (b *block) cost(cur planes, s shift, w int) int {
	cost := int32(0)
	for dy := range blockSide {
		r := b.lit[dy*blockSide:][:blockSide]
		c := cur.luma[(b.y+dy+s.dy)*w+b.x+s.dx:][:blockSide]
		for i, v := range r {
			d := v - int32(c[i])
			cost += max(d, -d)
		}
	}
	return min(int(cost), blockSide*blockSide*blockCap)
}

func abs(v int) int {
	if v < 0 {
		return -v
	}
	return v
}

// sampleStep is the distance of the pixels that are asked about the light:
// 240 of 57,600 give a median steady to a step.
const sampleStep = 15

// measure compares the light of cur with ref by medians, so that a hand or a
// missing bottle does not count as light.
func measure(ref, cur planes, w, h int, s shift) light {
	var gains [4 * unit]int
	var pairs [][2]int
	for y := reach; y < h-reach; y += sampleStep {
		for x := reach; x < w-reach; x += sampleStep {
			i, j := y*w+x, (y+s.dy)*w+x+s.dx
			if ref.luma[i] < tooDark || ref.luma[i] > tooBright || cur.luma[j] > tooBright {
				continue
			}
			gains[min(4*unit-1, int(cur.luma[j])*unit/int(ref.luma[i]))]++
			pairs = append(pairs, [2]int{i, j})
		}
	}
	if len(pairs) < fewestSamples {
		return light{gain: unit}
	}
	l := light{gain: max(unit/2, min(2*unit, median(gains[:], len(pairs))))}
	var blues, reds [256]int
	for _, p := range pairs {
		blues[middle+clampShift(tint(cur.blue[p[1]], ref.blue[p[0]], l.gain))]++
		reds[middle+clampShift(tint(cur.red[p[1]], ref.red[p[0]], l.gain))]++
	}
	l.blue, l.red = median(blues[:], len(pairs))-middle, median(reds[:], len(pairs))-middle
	return l
}

const (
	// tooDark and tooBright are brightnesses that show no gain: noise, and
	// what is burnt out.
	tooDark   = 24
	tooBright = 240
	// fewestSamples is what a median needs to be one.
	fewestSamples = 20
)

// tint is how far a colour difference lies from the reference's at this gain.
func tint(cur, ref uint8, gain int) int {
	return int(cur) - middle - (int(ref)-middle)*gain/unit
}

func clampShift(v int) int { return max(-middle, min(middle-1, v)) }

func median(counts []int, n int) int {
	seen := 0
	for v, c := range counts {
		if seen += c; 2*seen >= n {
			return v
		}
	}
	return len(counts) - 1
}
