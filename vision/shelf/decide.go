package shelf

import "math"

const (
	// quietShare is the changed share of a cell below which nothing happened.
	quietShare = 0.03
	// ringDirty is the changed share of the ring from which a hand, an arm or
	// their shadow is taken to be there.
	ringDirty = 0.02
	// ringStained is the changed share up to which a ring that has rested for
	// stainSeconds is no hand: the shadow an item took with it or brought. The
	// least seen of a resting hand is 0.09.
	ringStained  = 0.05
	stainSeconds = 0.8
	// movingShare is the share of the zone that may differ from the last rest
	// while it still counts as rest.
	movingShare = 0.006
	// restSeconds is how long a zone must rest, with no hand in the ring,
	// before it is judged: longer than a hand turning round.
	restSeconds = 0.35
	// ghostSeconds is how long a ring that became barer than its reference
	// must rest before the reference is taken to have been wrong, and
	// objectSeconds how long anything else must rest: a new poster stays, a
	// hand does not.
	ghostSeconds  = 1.5
	objectSeconds = 20.0
	// ghostMost is the changed share of the ring above which nothing is left
	// to tell a ghost by: somebody stands before the whole slot.
	ghostMost = 0.5
	// firstSeconds replaces ghostSeconds as long as the ring has not once
	// looked like its reference again after a disturbance: the first frame
	// may have had a hand in it.
	firstSeconds = 0.5
	// followSeconds is how often the reference follows the light.
	followSeconds = 1.0
)

// step looks at one picture.
func (s *slot) step(m *Monitor, frame int, v view) []Change {
	l := s.compare(m, m.ref, v)
	for k, c := range s.cells {
		c.trace.add(frame, c.basis(l, k))
	}
	if l.ring <= ringDirty && l.most() < quietShare {
		s.idle(m, frame, v)
		return nil
	}
	s.calm = 0
	still := s.resting(m, v)
	if l.ring > ringDirty && !(l.ring < ringStained && s.rest >= m.seconds(stainSeconds)) {
		s.dirty++
		s.adopt(m, v, l.ring)
		return nil
	}
	s.clean()
	if !still || s.rest < m.seconds(restSeconds) {
		return nil
	}
	return s.judge(m, frame, v, l)
}

// clean notes that the ring looks like its reference.
func (s *slot) clean() {
	s.proven = s.proven || s.dirty > 0
	s.dirty = 0
}

// idle is a look at a slot where nothing is different.
func (s *slot) idle(m *Monitor, frame int, v view) {
	s.clean()
	s.quiet, s.rest, s.unseen = frame, 0, false
	if s.calm++; s.calm%m.seconds(followSeconds) == 0 {
		s.follow(m, v)
	}
}

// end judges what has not quite come to rest when the pictures end: a hand
// that is still there leaves the question open, half a rest is enough else.
func (s *slot) end(m *Monitor, frame int, v view) []Change {
	l := s.compare(m, m.ref, v)
	if l.ring > ringStained || l.most() < quietShare || s.rest < m.seconds(restSeconds/2) {
		return nil
	}
	out := s.judge(m, frame, v, l)
	for i := range out {
		out[i].Act *= endDoubt
	}
	return out
}

// endDoubt is what is left of the confidence in a change that the end of the
// pictures cut short.
const endDoubt = 0.8

// resting compares the zone with the last rest and starts a new one if it
// moved. While it keeps moving every second picture is enough to find the
// end of it.
func (s *slot) resting(m *Monitor, v view) bool {
	if !s.moved(m, v) {
		s.rest++
		return true
	}
	if s.rest > 0 || m.steps%2 == 0 {
		s.snap.take(v, s.zone)
	}
	s.rest = 0
	return false
}

// moved reports whether more than movingShare of the ring or of a cell
// differs from the last rest.
func (s *slot) moved(m *Monitor, v view) bool {
	counts := make([]int, len(s.cells)+1)
	for _, p := range s.spans {
		n := &counts[p.cell+1]
		*n += s.snap.count(p, v, m.limits)
		size := s.ring
		if p.cell != ringCell {
			size = s.cells[p.cell].area
		}
		if float64(*n) > movingShare*float64(max(1, size)) {
			return true
		}
	}
	return false
}

// follow lets the reference of the ring and the cells drift with the light.
func (s *slot) follow(m *Monitor, v view) {
	m.ref.follow(s.spans, v)
}

// adopt gives up a reference of the ring that is shown to be old.
func (s *slot) adopt(m *Monitor, v view, ring float64) {
	needed := ghostSeconds
	if !s.proven {
		needed = firstSeconds
	}
	if s.rest < m.seconds(needed) {
		return
	}
	was, is := s.outline(m, v)
	ghost := ring < ghostMost && 2*is < was
	if !ghost && s.rest < m.seconds(objectSeconds) {
		return
	}
	for _, p := range s.spans {
		if p.cell == ringCell {
			m.ref.take(v, rect{p.x0, p.y, p.x1, p.y + 1})
		}
	}
}

// outlineStep is the distance of the two pixels compared across the border
// of what changed; compression smears an edge over two or three.
const outlineStep = 3

// outline returns the contrast across the border of what changed in the ring,
// in the reference and now. A hand that came has an outline now; one that
// left has it in the reference, while the wall goes on unbroken now.
func (s *slot) outline(m *Monitor, v view) (was, is int) {
	changed := make([]bool, m.w*m.h)
	m.ref.each(v, s.zone, func(i, j int) {
		changed[i] = m.labels[i] == 0 && m.ref.changed(i, &v.planes, j, m.limits)
	})
	pair := func(x, y, dx, dy int) {
		i, k := y*m.w+x, (y+dy)*m.w+x+dx
		if m.labels[i] != 0 || m.labels[k] != 0 || changed[i] == changed[k] {
			return
		}
		a, b := v.at(x, y), v.at(x+dx, y+dy)
		if a < 0 || b < 0 {
			return
		}
		was += contrast(&m.ref.raw, i, k)
		is += contrast(&v.planes, a, b)
	}
	for y := s.zone.y0; y < s.zone.y1-outlineStep; y++ {
		for x := s.zone.x0; x < s.zone.x1-outlineStep; x++ {
			pair(x, y, outlineStep, 0)
			pair(x, y, 0, outlineStep)
		}
	}
	return was, is
}

// contrast is how much two pixels of one picture differ.
func contrast(p *planes, i, k int) int {
	return abs(int(p.luma[i])-int(p.luma[k])) +
		2*abs(int(p.blue[i])-int(p.blue[k])) + 2*abs(int(p.red[i])-int(p.red[k]))
}

// unseenDoubt is what is left of the confidence in a change that happened
// while the camera was blind: that something is gone is seen, not its going.
const unseenDoubt = 0.5

// judge decides for each cell that changed whether its item came, went or
// was only moved. Afterwards the slot as it is now is the reference.
func (s *slot) judge(m *Monitor, frame int, v view, l look) []Change {
	var out []Change
	for k, c := range s.cells {
		if l.cells[k] < quietShare {
			continue
		}
		ch, changed := s.judgeCell(m, c, v, l.cells[k])
		if !changed {
			continue
		}
		ch.Before, ch.Decided = s.quiet, frame
		ch.Frame = c.trace.happened(ch.Action, s.quiet, c.basis(l, k))
		ch = s.name(m, c, ch)
		if ch.Unseen = s.unseen; s.unseen {
			ch.Act *= unseenDoubt
		}
		out = append(out, s.count(c, ch))
	}
	s.unseen = false
	m.ref.take(v, s.zone)
	s.quiet = frame
	for _, c := range s.cells {
		c.trace.clear()
	}
	return out
}

// judgeCell decides whether an item of a cell came or went.
func (s *slot) judgeCell(m *Monitor, c *cell, v view, share float64) (Change, bool) {
	ch := Change{Slot: s.plan.Name, SKU: s.plan.SKU, Quantity: 1, Action: Take, Place: c.place(m)}
	if c.rows != nil {
		return s.judgeRows(c, v, ch)
	}
	full, sure := c.filled(m, v, share)
	if full == c.full {
		return ch, false
	}
	if ch.Act = sure; full {
		ch.Action = Return
	}
	c.full = full
	c.learn(m, v)
	return ch, true
}

// basis is what the time of a change is found by: where items stand, or all of
// a facing in which they may stand anywhere.
func (c *cell) basis(l look, k int) float64 {
	if c.rows != nil {
		return l.cells[k]
	}
	return l.bases[k]
}

const (
	// surest is the most a camera alone is ever sure, guess what it is where
	// it can do no better than the toss of a coin.
	surest = 0.97
	guess  = 0.5
	// filledShare is the share of the difference between bare and filled from
	// which a cell is filled, and clearShare how far from it nothing is left
	// to doubt: an item put back turned differs by a third.
	filledShare = 0.5
	clearShare  = 0.3
	// stayedFit is the correlation from which the item is taken to stand
	// there still: 0.1 to 0.25 was seen for a bare wall, 0.84 and more for an
	// item that was touched.
	stayedFit = 0.5
	clearFit  = 0.3
	// newShare is the least share of a cell that an item never seen before
	// must change.
	newShare = 0.06
	// newSure is how sure such a first item is.
	newSure = 0.85
)

// filled says whether the cell holds an item now, and how sure that is.
func (c *cell) filled(m *Monitor, v view, share float64) (bool, float64) {
	if c.span > 0 {
		ratio := c.share(m, c.empty, v) / c.span
		return ratio > filledShare, certainty(ratio-filledShare, clearShare)
	}
	if c.full {
		fit := c.fit(m, v)
		return fit > stayedFit, certainty(fit-stayedFit, clearFit)
	}
	was, is := c.structure(m, v)
	return share > newShare && is > was, newSure
}

// certainty turns a distance from a threshold into 0.5 to surest.
func certainty(distance, enough float64) float64 {
	return guess + (surest-guess)*math.Min(1, math.Abs(distance)/enough)
}

// share is the part of the cell in which v differs from f.
func (c *cell) share(m *Monitor, f *reference, v view) float64 {
	n := 0
	f.each(v, c.r, func(i, j int) {
		if f.changed(i, &v.planes, j, m.limits) {
			n++
		}
	})
	return float64(n) / float64(max(1, c.area))
}
