package palm

import "math/bits"

const (
	shifts = (2*shift + 1) * (2*shift + 1)
	words  = ways * grid / 2
)

// packed is a code as it is compared: two rows a word.
type packed [words]uint64

func pack(c *Code) (p packed) {
	for i := range p {
		k, y := 2*i/grid, 2*i%grid
		p[i] = uint64(c[k][y]) | uint64(c[k][y+1])<<32
	}
	return p
}

// A probe is a code that is held against many: moved to every place that a hand
// may be off by, once.
type probe struct {
	moved [shifts]packed
	cover [shifts]packed // which bits both have then
	bits  [shifts]int    // how many
}

func newProbe(c Code) *probe {
	p := &probe{}
	for s := range shifts {
		dy, dx := s/(2*shift+1)-shift, s%(2*shift+1)-shift
		var moved, cover Code
		for k := range ways {
			for y := max(0, -dy); y < min(grid, grid-dy); y++ {
				if dx >= 0 {
					moved[k][y], cover[k][y] = c[k][y+dy]>>dx, ^uint32(0)>>dx
				} else {
					moved[k][y], cover[k][y] = c[k][y+dy]<<-dx, ^uint32(0)<<-dx
				}
			}
		}
		p.moved[s], p.cover[s] = pack(&moved), pack(&cover)
		p.bits[s] = ways * (grid - max(dy, -dy)) * (grid - max(dx, -dx))
	}
	return p
}

// distance returns the share of unequal bits at the best shift.
func (p *probe) distance(other *packed) float64 {
	best := 1.0
	for s := range p.moved {
		moved, cover := &p.moved[s], &p.cover[s]
		unequal := 0
		for i := range other {
			unequal += bits.OnesCount64((other[i] ^ moved[i]) & cover[i])
		}
		best = min(best, float64(unequal)/float64(p.bits[s]))
	}
	return best
}

func packAll(codes []Code) []packed {
	all := make([]packed, len(codes))
	for i := range codes {
		all[i] = pack(&codes[i])
	}
	return all
}

// nearest returns the distance of the nearest of some codes.
func (p *probe) nearest(codes []packed) float64 {
	best := 1.0
	for i := range codes {
		best = min(best, p.distance(&codes[i]))
	}
	return best
}
