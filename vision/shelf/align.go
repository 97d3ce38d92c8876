package shelf

import "slices"

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
	// stayBonus is what another shift must be better by, so that a picture
	// without structure is not pushed about by noise.
	stayBonus = 0.97
)

// block is a part of the reference with edges to hold on to.
type block struct{ x, y int }

// shift is where the picture lies against the reference, in small pixels.
type shift struct{ dx, dy int }

// pickBlocks chooses the places of ref with the strongest edges, half of
// them upright, half lying, each with room for the whole reach.
func pickBlocks(ref planes, w, h int) []block {
	type scored struct {
		block
		across, down int
	}
	var all []scored
	for y := reach; y+blockSide+reach < h; y += blockSide {
		for x := reach; x+blockSide+reach < w; x += blockSide {
			s := scored{block: block{x, y}}
			for dy := range blockSide {
				for dx := range blockSide {
					i := (y+dy)*w + x + dx
					s.across += abs(int(ref.luma[i+1]) - int(ref.luma[i]))
					s.down += abs(int(ref.luma[i+w]) - int(ref.luma[i]))
				}
			}
			all = append(all, s)
		}
	}
	var blocks []block
	take := func(n int, key func(scored) int) {
		slices.SortStableFunc(all, func(a, b scored) int { return key(b) - key(a) })
		for _, s := range all {
			if n == 0 || key(s) < 2*blockSide*blockSide {
				return
			}
			if !slices.Contains(blocks, s.block) {
				blocks = append(blocks, s.block)
				n--
			}
		}
	}
	take(maxBlocks/2, func(s scored) int { return s.across })
	take(maxBlocks/2, func(s scored) int { return s.down })
	return blocks
}

// align finds the shift at which the blocks fit best, looking near the last
// one first and everywhere only if that fits badly.
func align(ref, cur planes, blocks []block, w int, last shift, gain int) shift {
	if len(blocks) == 0 {
		return shift{}
	}
	score := func(s shift) float64 {
		total := 0
		for _, b := range blocks {
			total += blockCost(ref, cur, b, s, w, gain)
		}
		return float64(total)
	}
	best, low := last, score(last)*stayBonus
	try := func(s shift) {
		if s == last || max(abs(s.dx), abs(s.dy)) > reach {
			return
		}
		if c := score(s); c < low {
			best, low = s, c
		}
	}
	for dy := -1; dy <= 1; dy++ {
		for dx := -1; dx <= 1; dx++ {
			try(shift{last.dx + dx, last.dy + dy})
		}
	}
	if low > float64(len(blocks)*blockSide*blockSide)*blockCap/2 {
		for dy := -reach; dy <= reach; dy++ {
			for dx := -reach; dx <= reach; dx++ {
				try(shift{dx, dy})
			}
		}
	}
	return best
}

func blockCost(ref, cur planes, b block, s shift, w, gain int) int {
	cost := 0
	for dy := range blockSide {
		r := ref.luma[(b.y+dy)*w+b.x:][:blockSide]
		c := cur.luma[(b.y+dy+s.dy)*w+b.x+s.dx:][:blockSide]
		for i, v := range r {
			cost += abs(int(v)*gain>>10 - int(c[i]))
		}
	}
	return min(cost, blockSide*blockSide*blockCap)
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
	var blues, reds [256]int
	n := 0
	for y := reach; y < h-reach; y += sampleStep {
		for x := reach; x < w-reach; x += sampleStep {
			i, j := y*w+x, (y+s.dy)*w+x+s.dx
			if ref.luma[i] < 24 || ref.luma[i] > 245 || cur.luma[j] > 250 {
				continue // too dark or burnt out to show a gain
			}
			gains[min(4*unit-1, int(cur.luma[j])*unit/int(ref.luma[i]))]++
			blues[middle+clampShift(int(cur.blue[j])-int(ref.blue[i]))]++
			reds[middle+clampShift(int(cur.red[j])-int(ref.red[i]))]++
			n++
		}
	}
	if n < 20 {
		return light{gain: unit}
	}
	return light{
		gain: max(unit/2, min(2*unit, median(gains[:], n))),
		blue: median(blues[:], n) - middle, red: median(reds[:], n) - middle,
	}
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
