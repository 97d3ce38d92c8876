package recognise

import "math"

// What is printed on a product and how it is shaped shows in small squares on a
// dense grid. Each is described twice: its gradients as SIFT does it (Lowe, IJCV
// 60(2), 2004) in three opponent colours (van de Sande, Gevers, Snoek, IEEE TPAMI
// 32(9), 2010), and the mean and the spread of its colours, cell by cell
// (Clinchant, Csurka, Perronnin, Renders, CLEF 2007).
const (
	cell      = 4 // pixels of a cell, and from one patch to the next
	cellsWide = 4 // cells of a patch, each way
	turns     = 8 // directions of a gradient
	cellsAll  = cellsWide * cellsWide
	shapeSize = 3 * cellsAll * turns
	tintSize  = 3 * cellsAll * 2
	// tooFlat is the sum of gradients under which a patch shows a wall.
	tooFlat = 60
)

// patchSides are the shorter sides that patches are cut at.
var patchSides = [...]int{160, 112, 80}

// A patch is one square of a picture; its numbers are overwritten by the next.
type patch struct {
	shape []float32 // shapeSize
	tint  []float32 // tintSize
	flat  bool      // it shows a wall: its shape says nothing
	x, y  float32   // from the middle of the picture, as shares of its sides
}

// patches calls use with each patch of a picture.
func patches(p Picture, use func(patch)) {
	t := patch{shape: make([]float32, shapeSize), tint: make([]float32, tintSize)}
	for _, side := range patchSides {
		q := p.scaled(side)
		var grids [3][]float32
		for c := range 3 {
			grids[c] = cells(opponent(q, c), q.W, q.H)
		}
		tints := tintsOf(q)
		cols, rows := q.W/cell, q.H/cell
		for cy := range rows - cellsWide + 1 {
			for cx := range cols - cellsWide + 1 {
				t.flat = !describe(t.shape, &grids, cols, cx, cy)
				for y := range cellsWide {
					at := (cy+y)*cols + cx
					copy(t.tint[y*cellsWide*6:(y+1)*cellsWide*6], tints[at*6:(at+cellsWide)*6])
				}
				t.x = (float32(cx)+cellsWide/2)/float32(cols) - 0.5
				t.y = (float32(cy)+cellsWide/2)/float32(rows) - 0.5
				use(t)
			}
		}
	}
}

// inMirror returns where each number of a patch's shape and tint comes from when
// the picture is seen in a mirror.
func inMirror() (shape [shapeSize]int, tint [tintSize]int) {
	for y := range cellsWide {
		for x := range cellsWide {
			to, from := y*cellsWide+x, y*cellsWide+cellsWide-1-x
			for c := range 3 {
				for a := range turns {
					shape[(c*cellsAll+to)*turns+a] = (c*cellsAll+from)*turns + (turns/2-a+turns)%turns
				}
			}
			for k := range 6 {
				tint[to*6+k] = from*6 + k
			}
		}
	}
	return shape, tint
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
func cells(v []float32, w, h int) []float32 {
	cols, rows := w/cell, h/cell
	grid := make([]float32, cols*rows*turns)
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
	return grid
}

// describe fills d from the cells of one patch: each colour made one long,
// no entry above a fifth (Lowe's guard against highlights), then the root of
// each (Arandjelović, Zisserman, CVPR 2012).
func describe(d []float32, grids *[3][]float32, cols, cx, cy int) bool {
	const each = shapeSize / 3
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

// tintsOf returns of each cell the means and the spreads of its colours.
func tintsOf(p Picture) []float32 {
	cols, rows := p.W/cell, p.H/cell
	out := make([]float32, cols*rows*6)
	for cy := range rows {
		for cx := range cols {
			var sum, square [3]float64
			for k := range cell * cell {
				i := 3 * ((cy*cell+k/cell)*p.W + cx*cell + k%cell)
				for c, v := range lab(p.RGB[i], p.RGB[i+1], p.RGB[i+2]) {
					sum[c] += v
					square[c] += v * v
				}
			}
			at := out[(cy*cols+cx)*6:]
			for c := range 3 {
				mean := sum[c] / (cell * cell)
				at[c], at[3+c] = float32(mean), float32(math.Sqrt(max(0, square[c]/(cell*cell)-mean*mean)))
			}
		}
	}
	return out
}
