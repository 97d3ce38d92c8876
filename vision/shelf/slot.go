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
	trace       trace
}

// slot is one place of the planogram with the zone around it through which
// a hand must come.
type slot struct {
	plan  planogram.Slot
	cells []*cell
	zone  rect
	// ring is the number of pixels of the zone outside all slots.
	ring int

	snap  *reference // the zone as it looked when it last came to rest
	rest  int        // looks since then
	quiet int        // the last frame that looked like the reference
	dirty int        // looks since the ring was last clean
	// proven says that the ring has looked like its reference again after a
	// hand, so the reference shows no hand itself.
	proven bool
	calm   int // looks in a row that looked like the reference
}

const (
	// sideShare, upShare and downShare are the size of the zone beside, above
	// and below a slot, as shares of the slot: a forearm is about as wide as
	// a bottle.
	sideShare = 0.30
	upShare   = 0.45
	downShare = 0.05
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
	first := uint16(1)
	for _, other := range m.slots {
		first += uint16(len(other.cells)) //nolint:gosec // slots fit a picture
	}
	for k := range p.Facings {
		c := &cell{label: first + uint16(k), full: k < p.Initial} //nolint:gosec // see above
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
		s.cells = append(s.cells, c)
	}
	s.zone = r.grow(int(sideShare*float64(r.width())), int(upShare*float64(r.y1-r.y0)),
		int(downShare*float64(r.y1-r.y0)), m.w, m.h)
	return s
}

// start counts the ring, which needs the labels of all slots.
func (s *slot) start(m *Monitor, frame int) {
	for y := s.zone.y0; y < s.zone.y1; y++ {
		for x := s.zone.x0; x < s.zone.x1; x++ {
			if m.labels[y*m.w+x] == 0 {
				s.ring++
			}
		}
	}
	s.quiet = frame
	s.snap = newReference(s.zone)
	s.snap.take(view{planes: m.cur, r: rect{0, 0, m.w, m.h}}, s.zone)
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

// compare looks at the slot's zone of v against a reference.
func (s *slot) compare(m *Monitor, f *reference, v view) look {
	first := s.cells[0].label
	last := first + uint16(len(s.cells)) - 1 //nolint:gosec // slots fit a picture
	counts := make([]int, len(s.cells))
	bases := make([]int, len(s.cells))
	ring, baseRow := 0, s.cells[0].base
	for y := s.zone.y0; y < s.zone.y1; y++ {
		i := (y-f.r.y0)*f.r.width() + s.zone.x0 - f.r.x0
		for x := s.zone.x0; x < s.zone.x1; x, i = x+1, i+1 {
			label := m.labels[y*m.w+x]
			if label != 0 && (label < first || label > last) {
				continue
			}
			j := v.at(x, y)
			if j < 0 || !f.changed(i, &v.planes, j, m.limits) {
				continue
			}
			if label == 0 {
				ring++
				continue
			}
			counts[label-first]++
			if y >= baseRow {
				bases[label-first]++
			}
		}
	}
	l := look{cells: make([]float64, len(counts)), bases: make([]float64, len(counts))}
	l.ring = float64(ring) / float64(max(1, s.ring))
	for k, c := range s.cells {
		l.cells[k] = float64(counts[k]) / float64(max(1, c.area))
		l.bases[k] = float64(bases[k]) / (baseShare * float64(max(1, c.area)))
	}
	return l
}
