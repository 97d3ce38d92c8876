package shelf

import "math"

// palette is which colours an item has: shares of coarse brightness and
// colour, taken where the item differs from the bare shelf.
type palette [paletteBins]float64

const (
	// paletteBins is 4 steps of brightness by 8 and 8 of colour: coarse,
	// because a lamp moves a colour by a step or two of 256.
	paletteBins = 4 * 8 * 8
	// plannedKnown is how sure an item is what the planogram says as long as
	// nothing has been put there, strangerKnown where one was put back and no
	// other of its kind has been seen, leastKnown where it has no colour of
	// those that have.
	plannedKnown  = 0.95
	strangerKnown = 0.8
	leastKnown    = 0.3
	// alikeShare is the common share of two palettes from which they are the
	// same product as far as colours can say (the same bottle twice had 0.75
	// to 0.90), unlikeShare what any two have in common, shadows and labels.
	alikeShare  = 0.7
	unlikeShare = 0.2
)

// learn keeps how the cell looks bare and filled, now that both were seen.
func (c *cell) learn(m *Monitor, v view) {
	old, now := newReference(c.r), newReference(c.r)
	old.take(m.ref.view(), c.r)
	now.take(v, c.r)
	if c.full {
		c.empty, c.item = old, now
	} else {
		c.item, c.empty = old, now
	}
	c.span = c.share(m, c.empty, c.item.view())
	p := c.colours(m)
	if !c.full && c.palette == nil && c.holds == "" {
		c.palette = &p // what the planogram meant, until now
	}
	c.fresh = p
}

// colours returns the palette of the item in the cell.
func (c *cell) colours(m *Monitor) palette {
	var p palette
	n := 0.0
	c.empty.each(c.item.view(), c.r, func(i, j int) {
		if c.empty.changed(i, &c.item.raw, j, m.limits) {
			it := &c.item.raw
			p[int(it.luma[j]>>6)*64+coarse(it.blue[j])*8+coarse(it.red[j])]++
			n++
		}
	})
	for i := range p {
		p[i] /= math.Max(1, n)
	}
	return p
}

// coarse puts a colour difference into one of 8 steps of 12 around none;
// stronger ones are rare and share the outer steps.
func coarse(v uint8) int { return max(0, min(7, (int(v)-middle+48)/12)) }

// common is the share two palettes have in common.
func common(a, b palette) float64 {
	sum := 0.0
	for i := range a {
		sum += math.Min(a[i], b[i])
	}
	return sum
}
