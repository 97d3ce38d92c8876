package recognise

import "math"

// Shape by gradients on a dense grid of small patches, each described as
// SIFT does it (Lowe, IJCV 60(2), 2004) in three opponent colours (van de
// Sande, Gevers, Snoek, IEEE TPAMI 32(9), 2010).
const (
	cell      = 4 // pixels of a cell
	cellsWide = 4 // cells of a patch, each way
	turns     = 8 // directions of a gradient
	patchSize = 3 * cellsWide * cellsWide * turns
	// tooFlat is the sum of gradients under which a patch shows a wall.
	tooFlat = 60
)

// patchSides are the shorter sides that patches are cut at, with the step
// between patches in cells.
var patchSides = [...]struct{ side, step int }{{144, 2}, {96, 2}, {64, 1}}

// patches calls use with the description of each patch and its middle, as
// shares of the picture. The description is overwritten by the next.
func patches(p Picture, use func(d []float32, x, y float64)) {
	d := make([]float32, patchSize)
	for _, s := range patchSides {
		q := p.scaled(s.side)
		var grids [3][]float32
		var cols, rows int
		for c := range 3 {
			grids[c], cols, rows = cells(opponent(q, c), q.W, q.H)
		}
		for cy := 0; cy+cellsWide <= rows; cy += s.step {
			for cx := 0; cx+cellsWide <= cols; cx += s.step {
				if describe(d, &grids, cols, cx, cy) {
					use(d, (float64(cx)+cellsWide/2.0)/float64(cols), (float64(cy)+cellsWide/2.0)/float64(rows))
				}
			}
		}
	}
}

// opponent returns brightness, red against green, or yellow against blue.
func opponent(p Picture, channel int) []float32 {
	out := make([]float32, p.W*p.H)
	for i := range out {
		r, g, b := float32(p.RGB[3*i]), float32(p.RGB[3*i+1]), float32(p.RGB[3*i+2])
		switch channel {
		case 0:
			out[i] = (r + g + b) / 3
		case 1:
			out[i] = (r - g) / math.Sqrt2
		default:
			out[i] = (r + g - 2*b) / 2.4494897
		}
	}
	return out
}

// cells sums gradients by direction in squares, each shared out between the
// nearest four squares and two directions.
func cells(v []float32, w, h int) (grid []float32, cols, rows int) {
	cols, rows = w/cell, h/cell
	grid = make([]float32, cols*rows*turns)
	for y := 1; y < h-1; y++ {
		fy := (float64(y)+0.5)/cell - 0.5
		y0 := int(math.Floor(fy))
		uy := float32(fy - float64(y0))
		for x := 1; x < w-1; x++ {
			i := y*w + x
			gx, gy := v[i+1]-v[i-1], v[i+w]-v[i-w]
			m := float32(math.Sqrt(float64(gx*gx + gy*gy)))
			if m < 1 {
				continue
			}
			a := (math.Atan2(float64(gy), float64(gx))/(2*math.Pi) + 1) * turns
			a0 := int(a)
			ua := float32(a - float64(a0))
			fx := (float64(x)+0.5)/cell - 0.5
			x0 := int(math.Floor(fx))
			ux := float32(fx - float64(x0))
			for k := range 4 {
				cx, cy, share := x0+k&1, y0+k>>1, m
				if cx < 0 || cy < 0 || cx >= cols || cy >= rows {
					continue
				}
				share *= [2]float32{1 - ux, ux}[k&1] * [2]float32{1 - uy, uy}[k>>1]
				at := (cy*cols + cx) * turns
				grid[at+a0%turns] += share * (1 - ua)
				grid[at+(a0+1)%turns] += share * ua
			}
		}
	}
	return grid, cols, rows
}

// describe fills d from the cells of one patch: each colour made one long,
// no entry above a fifth (Lowe's guard against highlights), then the root of
// each (Arandjelović, Zisserman, CVPR 2012).
func describe(d []float32, grids *[3][]float32, cols, cx, cy int) bool {
	const each = patchSize / 3
	for c := range 3 {
		out, sum := d[c*each:c*each:(c+1)*each], float32(0)
		for y := range cellsWide {
			at := ((cy+y)*cols + cx) * turns
			out = append(out, grids[c][at:at+cellsWide*turns]...)
		}
		for _, v := range out {
			sum += v
		}
		if c == 0 && sum < tooFlat {
			return false
		}
		if sum < tooFlat/4 {
			clear(out)
			continue
		}
		unit(out)
		for i, v := range out {
			out[i] = min(v, 0.2)
		}
		sum = 0
		for _, v := range out {
			sum += v
		}
		for i, v := range out {
			out[i] = float32(math.Sqrt(float64(v / sum)))
		}
	}
	return true
}
