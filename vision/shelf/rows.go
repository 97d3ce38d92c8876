package shelf

import (
	"math"

	"github.com/vouchledger/vouch/vision/planogram"
)

// What a camera in front can know of depth: where the front item of a facing
// stands. An item that stands further back is seen smaller and elsewhere, so a
// take moves the front one row back and a return one row forward. What stands
// behind the front item it does not see; that there are no gaps is taken from
// how shelves are filled, and is why a count is never as sure as a change.

const (
	// rowStep is the least difference, in small pixels, between one row and
	// the next that can be told; where it is less, depth is not watched.
	rowStep = 1.5
	// rowReach is how far to the side of its place an item may stand.
	rowReach = 5.0
	// gridAcross and gridDown are how many places of an item are compared.
	gridAcross, gridDown = 16, 28
	// rowFit is the correlation from which the item stands in a row, rowMargin
	// how much better than at the old row it must fit for no doubt to be left.
	rowFit    = 0.45
	rowMargin = 0.12
	// bareStructure is the share of the item's structure below which a row
	// that shows no item is bare.
	bareStructure = 0.5
	// gapDoubt is what is left of the confidence in a count for each row that
	// stands behind the front one and is not seen.
	gapDoubt = 0.97
)

// spot is a place in the small picture with fractions.
type spot struct{ x0, y0, x1, y1 float64 }

// rows returns where the items of a cell are seen from front to back, or nil
// where the planogram does not say or the camera cannot tell.
func (c *cell) layRows(p planogram.Slot, k int, sx, sy float64) []spot {
	depth := p.Depth()
	if depth < 2 || p.Back == nil {
		return nil
	}
	lo, hi := planogram.Bounds(p.Back)
	wide := float64(hi[0]-lo[0]) / float64(p.Facings) * sx
	back := spot{
		float64(lo[0])*sx + float64(k)*wide, float64(lo[1]) * sy,
		float64(lo[0])*sx + float64(k+1)*wide, float64(hi[1]) * sy,
	}
	front := spot{float64(c.r.x0), 0, float64(c.r.x1), float64(c.r.y1)}
	// The same item has the same shape in front, whatever else the slot holds.
	front.y0 = max(float64(c.r.y0), front.y1-(front.x1-front.x0)*(back.y1-back.y0)/wide)
	ratio := wide / (front.x1 - front.x0)
	out := make([]spot, depth)
	for r := range out {
		t := float64(r) / float64(depth-1)
		if ratio < 0.999 { // evenly far apart in the room, not in the picture
			t = (1 - 1/(1+t*(1/ratio-1))) / (1 - ratio)
		}
		mix := func(a, b float64) float64 { return a + t*(b-a) }
		out[r] = spot{mix(front.x0, back.x0), mix(front.y0, back.y0), mix(front.x1, back.x1), mix(front.y1, back.y1)}
		if r > 0 && out[r].apart(out[r-1]) < rowStep {
			return nil
		}
	}
	return out
}

// apart is the largest distance between edges of two places.
func (f spot) apart(o spot) float64 {
	return max(math.Abs(f.x0-o.x0), math.Abs(f.x1-o.x1), math.Abs(f.y0-o.y0), math.Abs(f.y1-o.y1),
		math.Abs((f.x1-f.x0)-(o.x1-o.x0)))
}

// outer returns the pixels a place touches.
func (f spot) outer() rect {
	return rect{int(f.x0), int(f.y0), int(math.Ceil(f.x1)), int(math.Ceil(f.y1))}
}

// likeness is an item as it looked in some row, on a grid that does not depend
// on how far back it stood.
type likeness struct {
	luma, fine []float64
	palette    palette
}

// seen reads what stands at a place, moved by dx.
func seen(v view, f spot, dx float64) likeness {
	n := gridAcross * gridDown
	l := likeness{luma: make([]float64, 0, n), fine: make([]float64, 0, n)}
	counted := 0.0
	for gy := range gridDown {
		y := f.y0 + (f.y1-f.y0)*(float64(gy)+0.5)/gridDown
		for gx := range gridAcross {
			x := f.x0 + dx + (f.x1-f.x0)*(float64(gx)+0.5)/gridAcross
			l.luma = append(l.luma, v.between(v.luma, x, y))
			l.fine = append(l.fine, v.between(v.fine, x, y))
			if j := v.at(int(x), int(y)); j >= 0 && gx >= gridAcross/4 && gx < 3*gridAcross/4 && gy >= gridDown/4 {
				l.palette[int(v.luma[j]>>6)*64+coarse(v.blue[j])*8+coarse(v.red[j])]++
				counted++
			}
		}
	}
	for i := range l.palette {
		l.palette[i] /= math.Max(1, counted)
	}
	return l
}

// between reads a plane between its pixels; outside it is the middle.
func (v view) between(plane []uint8, x, y float64) float64 {
	x, y = x-0.5, y-0.5
	x0, y0 := int(math.Floor(x)), int(math.Floor(y))
	fx, fy := x-float64(x0), y-float64(y0)
	at := func(x, y int) float64 {
		if j := v.at(x, y); j >= 0 {
			return float64(plane[j])
		}
		return middle
	}
	return (1-fy)*((1-fx)*at(x0, y0)+fx*at(x0+1, y0)) + fy*((1-fx)*at(x0, y0+1)+fx*at(x0+1, y0+1))
}

// like is how alike two items are, -1 to 1: the mean of how their brightness
// and their structure correlate.
func (l likeness) like(o likeness) float64 {
	return (correlation(l.luma, o.luma) + correlation(l.fine, o.fine)) / 2
}

// structure is how much there is to see.
func (l likeness) structure() float64 {
	sum := 0.0
	for _, v := range l.fine {
		sum += math.Abs(v - middle)
	}
	return sum / float64(max(1, len(l.fine)))
}

func correlation(a, b []float64) float64 {
	var sa, sb, saa, sbb, sab float64
	for i, u := range a {
		w := b[i]
		sa, sb, saa, sbb, sab = sa+u, sb+w, saa+u*u, sbb+w*w, sab+u*w
	}
	n := float64(len(a))
	va, vb := saa-sa*sa/n, sbb-sb*sb/n
	if va < n || vb < n { // less than a step of structure
		return 0
	}
	return (sab - sa*sb/n) / math.Sqrt(va*vb)
}

// fitRow returns how well the cell's item is seen in a row, and what is seen
// there.
func (c *cell) fitRow(v view, r int) (float64, likeness) {
	best, at := -1.0, likeness{}
	for dx := -rowReach; dx <= rowReach; dx++ {
		l := seen(v, c.rows[r], dx)
		if fit := c.look.like(l); fit > best {
			best, at = fit, l
		}
	}
	return best, at
}

// front returns the row in which the front item stands, len(c.rows) if the
// facing is bare, and how sure that is; ok is false if the camera cannot say.
func (c *cell) front(v view) (row int, sure float64, at likeness, ok bool) {
	fits := make([]float64, len(c.rows))
	row = -1
	for r := range c.rows {
		var l likeness
		if fits[r], l = c.fitRow(v, r); row < 0 || fits[r] > fits[row] {
			row, at = r, l
		}
	}
	if fits[row] >= rowFit {
		next := -1.0
		for r, f := range fits {
			if r != row {
				next = max(next, f)
			}
		}
		return row, certainty(fits[row]-next, rowMargin), at, true
	}
	most := 0.0
	for r := range c.rows {
		most = max(most, seen(v, c.rows[r], 0).structure())
	}
	if most < bareStructure*c.look.structure() {
		return len(c.rows), newSure, at, true
	}
	// Something stands there that is not what stood there.
	return max(0, c.row-1), guess, at, false
}

// judgeRows decides what happened in a facing with depth.
func (s *slot) judgeRows(c *cell, v view, ch Change) (Change, bool) {
	if c.look.luma == nil { // nothing has ever stood here
		l := seen(v, c.rows[len(c.rows)-1], 0)
		for r := range c.rows {
			if f := seen(v, c.rows[r], 0); f.structure() > l.structure() {
				l = f
			}
		}
		c.look = l
	}
	row, sure, at, known := c.front(v)
	moved := row - c.row
	if moved == 0 {
		return ch, false
	}
	ch.Action, ch.Act, ch.Quantity = Take, sure, moved
	if moved < 0 {
		ch.Action, ch.Quantity = Return, -moved
	}
	if row == len(c.rows) && c.items > 0 {
		ch.Quantity = c.items // however many stood behind: all are gone
	}
	c.row, c.full = row, row < len(c.rows)
	if moved < 0 {
		if !known {
			at = seen(v, c.rows[row], 0)
		}
		c.fresh = at.palette
	}
	return ch, true
}
