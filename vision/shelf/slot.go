package shelf

import (
	"image"

	"github.com/vouchledger/vouch/vision/planogram"
)

// cell is the place of one item that the camera can see: a slot, or one of
// its facings.
type cell struct {
	label uint16
	r     rect
	area  int
	base  int // first row of the part an item stands on
	full  bool
	// empty and item are how the cell looks bare and filled, once seen; span
	// is how much the two differ, as a share of the cell.
	empty, item *reference
	span        float64
	// palette is the colours of the item last known to belong here, fresh
	// those of the last one seen, known how sure the one here is the right one.
	palette *palette
	fresh   palette
	known   float64
	trace   trace

	// rows is where the items behind each other are seen, front to back; nil
	// for a facing whose depth is not watched. row is where the front item
	// stands, len(rows) if none does, look how it looks.
	rows []spot
	row  int
	look likeness
	// items is how many stand here, counted how sure that is.
	items   int
	counted float64
	// holds is the product that stands here instead of the planned one, from
	// is its slot; both empty if nothing is known to be in the wrong place.
	holds, from string
}

// slot is one place of the planogram with the zone around it through which
// a hand must come.
type slot struct {
	plan  planogram.Slot
	cells []*cell
	zone  rect
	// ring is the number of pixels of the zone outside all slots.
	ring  int
	spans []span

	snap  *reference // the zone as it looked when it last came to rest
	rest  int        // looks since then
	quiet int        // the last frame that looked like the reference
	dirty int        // looks since the ring was last clean
	// proven says that the ring has looked like its reference again after a
	// hand, so the reference shows no hand itself.
	proven bool
	calm   int // looks in a row that looked like the reference
	// unseen says that the camera was blind since the slot was last known.
	unseen bool
}

const (
	// sideShare, upShare and downShare are the size of the zone beside, above
	// and below a slot, as shares of the slot: a forearm is about as wide as
	// a bottle.
	sideShare = 0.30
	upShare   = 0.45
	downShare = 0.30
	// baseShare is the lowest part of a cell, where an item stands: a hand at
	// the neck of a bottle does not reach it.
	baseShare = 0.30
)

func newSlot(m *Monitor, p planogram.Slot) *slot {
	s := &slot{plan: p}
	lo, hi := planogram.Bounds(p.Polygon)
	sx, sy := float64(m.w)/float64(m.plan.Width), float64(m.h)/float64(m.plan.Height)
	r := rect{int(float64(lo[0]) * sx), int(float64(lo[1]) * sy), int(float64(hi[0])*sx + 0.999), int(float64(hi[1])*sy + 0.999)}
	r = rect{max(0, r.x0), max(0, r.y0), min(m.w, r.x1), min(m.h, r.y1)}
	inside := planogram.Mask(p.Polygon, m.plan.Width, m.plan.Height, m.w, m.h)
	behind := planogram.Mask(p.Back, m.plan.Width, m.plan.Height, m.w, m.h)
	first := uint16(1)
	for _, other := range m.slots {
		first += uint16(len(other.cells)) //nolint:gosec // slots fit a picture
	}
	for k := range p.Facings {
		c := &cell{label: first + uint16(k), known: plannedKnown, counted: 1} //nolint:gosec // see above
		c.items = p.Items(k, p.Initial)
		c.full = c.items > 0
		c.r = rect{r.x0 + k*r.width()/p.Facings, r.y0, r.x0 + (k+1)*r.width()/p.Facings, r.y1}
		c.base = c.r.y1 - int(baseShare*float64(c.r.y1-c.r.y0))
		for y := c.r.y0; y < c.r.y1; y++ {
			for x := c.r.x0; x < c.r.x1; x++ {
				if inside[y*m.w+x] {
					m.labels[y*m.w+x] = c.label
					c.area++
				}
			}
		}
		if c.rows = c.layRows(p, k, sx, sy); c.rows != nil {
			s.deepen(m, c, behind)
			r = r.join(c.r)
			if !c.full {
				c.row = len(c.rows)
			}
		}
		s.cells = append(s.cells, c)
	}
	s.zone = r.grow(int(sideShare*float64(r.width())), int(upShare*float64(r.y1-r.y0)),
		int(downShare*float64(r.y1-r.y0)), m.w, m.h)
	return s
}

// deepen adds what lies behind to a cell, as far as it is no other slot's.
func (s *slot) deepen(m *Monitor, c *cell, behind []bool) {
	back := c.rows[len(c.rows)-1].outer()
	for y := max(0, back.y0); y < min(m.h, back.y1); y++ {
		for x := max(0, back.x0); x < min(m.w, back.x1); x++ {
			if i := y*m.w + x; behind[i] && m.labels[i] == 0 {
				m.labels[i] = c.label
				c.area++
			}
		}
	}
	c.r = c.r.join(rect{max(0, back.x0), max(0, back.y0), min(m.w, back.x1), min(m.h, back.y1)})
}

// start cuts the zone, which needs the labels of all slots.
func (s *slot) start(m *Monitor, frame int) {
	s.cut(m)
	s.quiet = frame
	s.snap = newReference(s.zone)
	v := view{planes: m.cur, r: rect{0, 0, m.w, m.h}}
	s.snap.take(v, s.zone)
	for _, c := range s.cells {
		if c.rows != nil && c.full {
			c.look = seen(v, c.rows[0], 0) // shelves are faced up when they open
		}
	}
}

// place returns the cell in pixels of the planogram.
func (c *cell) place(m *Monitor) image.Rectangle {
	sx, sy := float64(m.plan.Width)/float64(m.w), float64(m.plan.Height)/float64(m.h)
	return image.Rect(int(float64(c.r.x0)*sx), int(float64(c.r.y0)*sy), int(float64(c.r.x1)*sx), int(float64(c.r.y1)*sy))
}

// look is what one comparison of a zone found, as shares of the parts.
type look struct {
	ring  float64
	cells []float64
	bases []float64
}

// most returns the largest share of the cells.
func (l look) most() float64 {
	top := 0.0
	for _, v := range l.cells {
		top = max(top, v)
	}
	return top
}

// span is a part of a row of the zone that belongs to the ring or to one
// cell.
type span struct {
	y, x0, x1 int
	cell      int // index into cells, ringCell for the ring
}

// ringCell marks a span outside all slots.
const ringCell = -1

// cut cuts the zone into parts that can be run through without asking for
// every pixel what it belongs to.
func (s *slot) cut(m *Monitor) {
	first := int(s.cells[0].label)
	for y := s.zone.y0; y < s.zone.y1; y++ {
		for x := s.zone.x0; x < s.zone.x1; {
			label, from := m.labels[y*m.w+x], x
			for x < s.zone.x1 && m.labels[y*m.w+x] == label {
				x++
			}
			if cell := int(label) - first; label == 0 {
				s.spans = append(s.spans, span{y, from, x, ringCell})
				s.ring += x - from
			} else if cell >= 0 && cell < len(s.cells) {
				s.spans = append(s.spans, span{y, from, x, cell})
			}
		}
	}
}

// compare looks at the slot's zone of v against a reference.
func (s *slot) compare(m *Monitor, f *reference, v view) look {
	l := look{cells: make([]float64, len(s.cells)), bases: make([]float64, len(s.cells))}
	for _, p := range s.spans {
		n := float64(f.count(p, v, m.limits))
		switch p.cell {
		case ringCell:
			l.ring += n
		default:
			l.cells[p.cell] += n
			if p.y >= s.cells[p.cell].base {
				l.bases[p.cell] += n
			}
		}
	}
	l.ring /= float64(max(1, s.ring))
	for k, c := range s.cells {
		area := float64(max(1, c.area))
		l.cells[k] /= area
		l.bases[k] /= baseShare * area
	}
	return l
}
