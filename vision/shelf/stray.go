package shelf

import "math"

const (
	// strayMargin is how much more an item must look like another product than
	// like the planned one to be taken for it.
	strayMargin = 0.15
	// strayAlike is the least common share of colours with the other product.
	strayAlike = 0.6
	// untidyDoubt is what is left of the confidence in what an item is in a
	// slot that holds a wrong one.
	untidyDoubt = 0.9
)

// recognise says how sure it is that the item put into c is what the
// planogram says, by the colours of those of its kind that were seen. An item
// that looks like another slot's product is that product.
func (s *slot) recognise(m *Monitor, c *cell) float64 {
	own, other, kind := -1.0, -1.0, (*slot)(nil)
	for _, o := range m.slots {
		best := o.alike(c)
		if o.plan.SKU == s.plan.SKU {
			own = max(own, best)
		} else if best > other {
			other, kind = best, o
		}
	}
	if other >= strayAlike && other > own+strayMargin {
		c.holds, c.from = kind.plan.SKU, kind.plan.Name
		return known(other)
	}
	if own < 0 {
		p := c.fresh
		c.palette = &p
		return strangerKnown
	}
	return known(own)
}

// alike is the largest common share of the colours of the item in c with those
// known of this slot's product, -1 if none are.
func (s *slot) alike(c *cell) float64 {
	best := -1.0
	for _, o := range s.cells {
		switch {
		case c.rows == nil && o.palette != nil:
			best = max(best, common(*o.palette, c.fresh))
		case c.rows != nil && o.rows != nil && o.look.luma != nil:
			best = max(best, common(o.look.palette, c.fresh))
		}
	}
	return best
}

// known turns a common share of colours into how sure an item is.
func known(share float64) float64 {
	alike := max(0, min(1, (share-unlikeShare)/(alikeShare-unlikeShare)))
	return leastKnown + (plannedKnown-leastKnown)*alike
}

// untidy reports whether something stands in the slot that belongs elsewhere.
func (s *slot) untidy() bool {
	for _, c := range s.cells {
		if c.holds != "" {
			return true
		}
	}
	return false
}

// name says which item a change was about. One that belongs elsewhere is
// named as what it is: put here it was moved, and taken from here it is not
// what the planogram says.
func (s *slot) name(m *Monitor, c *cell, ch Change) Change {
	if ch.Action == Take {
		ch.Item = c.known
		if c.holds != "" && ch.Quantity == 1 {
			ch.SKU, ch.Home = c.holds, c.from
		} else if s.untidy() {
			ch.Item *= untidyDoubt
		}
		c.holds, c.from = "", ""
		ch.Untidy = s.untidy()
		return ch
	}
	before := s.untidy()
	c.known = s.recognise(m, c)
	ch.Item = c.known
	if c.holds != "" {
		ch.Action, ch.SKU, ch.Home = Move, c.holds, c.from
	} else if before {
		ch.Item *= untidyDoubt
	}
	ch.Untidy = s.untidy()
	return ch
}

// count brings the number of items in a facing up to date.
func (s *slot) count(c *cell, ch Change) Change {
	n := ch.Quantity
	if ch.Action == Take {
		n = -n
	}
	c.items = max(0, min(s.plan.Depth(), c.items+n))
	switch {
	case c.rows != nil && !c.full: // bare to the back
		c.items, c.counted = 0, ch.Act
	case c.rows != nil:
		c.counted *= ch.Act
	case s.plan.Depth() > 1: // the camera was not told where the others are
		c.counted = min(c.counted*ch.Act, guess)
	default:
		c.counted = ch.Act
	}
	ch.Left, ch.LeftSure = s.left()
	return ch
}

// left is how many items are in the slot and how sure that is: as its least
// sure facing, less what stands behind others and is not seen.
func (s *slot) left() (items int, sure float64) {
	sure = 1
	for _, c := range s.cells {
		items += c.items
		sure = min(sure, c.counted*math.Pow(gapDoubt, float64(max(0, c.items-1))))
	}
	return items, sure
}

// A Count is how many items are in a slot as far as a camera can know.
type Count struct {
	Slot  string
	Items int
	Sure  float64
	// Untidy says that something stands there that belongs elsewhere.
	Untidy bool
}

// Counts returns what is in each slot now. Where Sure is low only a scale or a
// person can say: a camera in front sees the front item of each facing.
func (m *Monitor) Counts() []Count {
	out := make([]Count, 0, len(m.slots))
	for _, s := range m.slots {
		items, sure := s.left()
		out = append(out, Count{Slot: s.plan.Name, Items: items, Sure: sure, Untidy: s.untidy()})
	}
	return out
}
