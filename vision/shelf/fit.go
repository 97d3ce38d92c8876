package shelf

import "math"

const (
	// fitAcross and fitDown are how far an item put back or knocked may have
	// moved and still be found, in small pixels.
	fitAcross = 10
	fitDown   = 2
	// fitStep leaves out pixels: a quarter of them give the same answer.
	fitStep = 2
)

// fit searches the item that stood in the cell in the new picture and
// returns the best correlation of fine structure, -1 to 1. An item that was
// turned or moved keeps its outline; a bare wall has none.
func (c *cell) fit(m *Monitor, v view) float64 {
	best := -1.0
	for dy := -fitDown; dy <= fitDown; dy++ {
		for dx := -fitAcross; dx <= fitAcross; dx += fitStep {
			best = max(best, c.correlate(m, v, dx, dy))
		}
	}
	return best
}

func (c *cell) correlate(m *Monitor, v view, dx, dy int) float64 {
	var n, sa, sb, saa, sbb, sab float64
	for y := c.r.y0; y < c.r.y1; y += fitStep {
		for x := c.r.x0; x < c.r.x1; x += fitStep {
			j := v.at(x+dx, y+dy)
			if j < 0 {
				continue
			}
			a := math.Abs(float64(m.ref.raw.fine[y*m.w+x]) - middle)
			b := math.Abs(float64(v.fine[j]) - middle)
			n++
			sa, sb, saa, sbb, sab = sa+a, sb+b, saa+a*a, sbb+b*b, sab+a*b
		}
	}
	va, vb := saa-sa*sa/n, sbb-sb*sb/n
	if va < n || vb < n {
		return 0 // less than a step of structure
	}
	return (sab - sa*sb/n) / math.Sqrt(va*vb)
}

// structure returns the mean fine structure of the cell before and now.
func (c *cell) structure(m *Monitor, v view) (was, is float64) {
	n := 0.0
	m.ref.each(v, c.r, func(i, j int) {
		was += math.Abs(float64(m.ref.raw.fine[i]) - middle)
		is += math.Abs(float64(v.fine[j]) - middle)
		n++
	})
	return was / max(1, n), is / max(1, n)
}
