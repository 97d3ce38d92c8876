package recognise

import (
	"fmt"
	"math"
)

// What a kind of numbers counts beside the others, as shares of what makes two
// pictures alike. They, the numbers of kinds and axes, the layers of networks and
// the ridge of the classifier were chosen on the Grocery Store Dataset's train
// list alone, see docs/vision-what.md. They are not chosen anew for each shop.
const (
	plainShare   = 1.0 // each of the three
	networkShare = 1.0 // each
)

const (
	shapeWidth = 2 * kindCount * (shapeAxes + places)
	tintWidth  = 2 * kindCount * (tintAxes + places)
	plainWidth = shapeWidth + 2*tintWidth
	// nearby is how far from the middle of a picture, as a share of its sides,
	// a patch counts: what is asked about is there.
	nearby = 0.2
)

// describe returns all numbers of a picture as it is and in a mirror taken
// together, for a thing may stand either way round; those of networks last and
// as the networks give them.
func (m *Model) describe(p Picture, networks []Network) ([]float32, error) {
	x := m.plain(p)
	for i, n := range networks {
		v, err := n.Numbers(p)
		if err == nil {
			var turned []float32
			if turned, err = n.Numbers(p.Mirror()); err == nil && len(turned) == len(v) {
				for k := range v {
					v[k] = (v[k] + turned[k]) / 2
				}
			}
		}
		if err != nil {
			return nil, fmt.Errorf("network %d: %w", i+1, err)
		}
		x = append(x, v...)
	}
	if len(x) != m.width() {
		return nil, fmt.Errorf("%w: %d numbers where %d are due", ErrShape, len(x), m.width())
	}
	return x, nil
}

// plain returns what is seen without networks: shapes near the middle, colours
// everywhere, and colours near the middle.
func (m *Model) plain(p Picture) []float32 {
	shapes, all, middle := m.shapes.newTally(), m.tints.newTally(), m.tints.newTally()
	shape, tint := m.shapes.newView(), m.tints.newView()
	patches(p, func(t patch) {
		near := float32(math.Exp(-float64(t.x*t.x+t.y*t.y) / (2 * nearby * nearby)))
		if !t.flat {
			m.shapes.shorten(shape, t.shape, t.x, t.y)
			for _, x := range shape.ways {
				m.shapes.resemble(shape.q, x)
				shapes.add(shape.q, x, near)
			}
		}
		m.tints.shorten(tint, t.tint, t.x, t.y)
		for _, x := range tint.ways {
			m.tints.resemble(tint.q, x)
			all.add(tint.q, x, 1)
			middle.add(tint.q, x, near)
		}
	})
	x := make([]float32, 0, m.width())
	for _, part := range [][]float32{m.shapes.fisher(shapes), m.tints.fisher(all), m.tints.fisher(middle)} {
		scale(part, m.weight(plainShare))
		x = append(x, part...)
	}
	return x
}

// weight is what a part that is one long is multiplied with, so that all parts
// together are one long.
func (h *Header) weight(share float64) float32 {
	return float32(math.Sqrt(share / (3*plainShare + networkShare*float64(len(h.Networks)))))
}

// level gives each number of a network the same weight: less its mean, by its
// spread, and each network one long before its share.
func (m *Model) level(x []float32) {
	at := plainWidth
	for i := range m.centre {
		x[at+i] = (x[at+i] - m.centre[i]) * m.spread[i]
	}
	for _, net := range m.Networks {
		part := x[at : at+net.Numbers]
		unit(part)
		scale(part, m.weight(networkShare))
		at += net.Numbers
	}
}
