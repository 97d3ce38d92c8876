package shelf

// rect is a part of the small picture; x1 and y1 are just outside.
type rect struct{ x0, y0, x1, y1 int }

func (r rect) width() int { return r.x1 - r.x0 }
func (r rect) area() int  { return (r.x1 - r.x0) * (r.y1 - r.y0) }

// grow widens the rectangle inside a w x h picture.
func (r rect) grow(side, up, down, w, h int) rect {
	return rect{max(0, r.x0-side), max(0, r.y0-up), min(w, r.x1+side), min(h, r.y1+down)}
}

// join returns the smallest rectangle around both; one of no size is around
// nothing.
func (r rect) join(o rect) rect {
	if r == (rect{}) {
		return o
	}
	return rect{min(r.x0, o.x0), min(r.y0, o.y0), max(r.x1, o.x1), max(r.y1, o.y1)}
}

// view is planes that cover the rectangle r of the small picture, lying
// shifted by a shake.
type view struct {
	planes
	r rect
	s shift
}

// at returns where pixel x, y of the reference lies in the view, or -1.
func (v view) at(x, y int) int {
	x, y = x+v.s.dx, y+v.s.dy
	if x < v.r.x0 || x >= v.r.x1 || y < v.r.y0 || y >= v.r.y1 {
		return -1
	}
	return (y-v.r.y0)*v.r.width() + x - v.r.x0
}

// reference is how a part of the picture is expected to look. Beside the
// values it keeps the lowest and highest of each pixel's neighbourhood: an
// edge that trembles by a pixel, or an item put back a pixel further, is no
// change.
type reference struct {
	r      rect
	raw    planes
	lo, hi planes
}

func newReference(r rect) *reference {
	n := r.area()
	return &reference{r: r, raw: newPlanes(n), lo: newPlanes(n), hi: newPlanes(n)}
}

// view returns the reference as something to compare with another one.
func (f *reference) view() view { return view{planes: f.raw, r: f.r} }

// take makes the part r look like v from now on.
func (f *reference) take(v view, r rect) {
	for y := r.y0; y < r.y1; y++ {
		i, j, n := f.overlay(span{y: y, x0: r.x0, x1: r.x1}, v)
		copy(f.raw.luma[i:i+n], v.luma[j:j+n])
		copy(f.raw.fine[i:i+n], v.fine[j:j+n])
		copy(f.raw.blue[i:i+n], v.blue[j:j+n])
		copy(f.raw.red[i:i+n], v.red[j:j+n])
	}
	f.spread(r)
}

// follow moves spans slowly towards v.
func (f *reference) follow(spans []span, v view) {
	var moved [3]rect // of each plane whose neighbourhoods are kept
	for _, p := range spans {
		i, j, n := f.overlay(p, v)
		ease(f.raw.luma[i:i+n], v.luma[j:j+n])
		for k, to := range v.spreading() {
			if ease(f.raw.spreading()[k][i:i+n], to[j:j+n]) {
				moved[k] = moved[k].join(rect{p.x0, p.y, p.x1, p.y + 1})
			}
		}
	}
	for k, r := range moved {
		if r.area() > 0 {
			spreadPlane(f.lo.spreading()[k], f.hi.spreading()[k], f.raw.spreading()[k], f.r, f.around(r))
		}
	}
}

// overlay returns where a span begins in the reference and in the view and
// how much of it both have.
func (f *reference) overlay(p span, v view) (i, j, n int) {
	y := p.y + v.s.dy
	x0, x1 := max(p.x0, v.r.x0-v.s.dx), min(p.x1, v.r.x1-v.s.dx)
	if y < v.r.y0 || y >= v.r.y1 || x0 >= x1 {
		return 0, 0, 0
	}
	i = (p.y-f.r.y0)*f.r.width() + x0 - f.r.x0
	j = (y-v.r.y0)*v.r.width() + x0 + v.s.dx - v.r.x0
	return i, j, x1 - x0
}

// count returns how many pixels of a span differ. It is where the monitor
// spends its time: the same test as changed, without its detours.
func (f *reference) count(p span, v view, l limits) int {
	i, j, n := f.overlay(p, v)
	fine, blue, red := v.fine[j:j+n], v.blue[j:j+n], v.red[j:j+n]
	lof, hif := f.lo.fine[i:i+n], f.hi.fine[i:i+n]
	lob, hib := f.lo.blue[i:i+n], f.hi.blue[i:i+n]
	lor, hir := f.lo.red[i:i+n], f.hi.red[i:i+n]
	// Less than the lowest by more than the limit wraps around to very much, so
	// one comparison does for both ends.
	found, lf, lc := 0, l.fine, l.colour
	for k := range n {
		f, b, r := int(lof[k]), int(lob[k]), int(lor[k])
		if uint(int(fine[k])-f+lf) > uint(int(hif[k])-f+2*lf) || //nolint:gosec // wrapping is meant
			uint(int(blue[k])-b+lc) > uint(int(hib[k])-b+2*lc) || //nolint:gosec // likewise
			uint(int(red[k])-r+lc) > uint(int(hir[k])-r+2*lc) { //nolint:gosec // likewise
			found++
		}
	}
	return found
}

// ease moves values a quarter of the way to others, and at least a step, so that
// the reference arrives. It reports whether any moved: most of a shelf at rest is
// as it was.
func ease(values, to []uint8) (moved bool) {
	values = values[:len(to)]
	for k, c := range to {
		d := int(c) - int(values[k])
		if d == 0 {
			continue
		}
		if d > 0 {
			d = (d + 3) / 4
		} else {
			d = (d - 3) / 4
		}
		values[k] = clamp8(int(values[k]) + d)
		moved = true
	}
	return moved
}

func (f *reference) each(v view, r rect, do func(i, j int)) {
	for y := r.y0; y < r.y1; y++ {
		i := (y-f.r.y0)*f.r.width() + r.x0 - f.r.x0
		for x := r.x0; x < r.x1; x++ {
			if j := v.at(x, y); j >= 0 {
				do(i, j)
			}
			i++
		}
	}
}

// spread computes the neighbourhoods of the part r anew, and of the pixels around
// it that have neighbours in it.
func (f *reference) spread(r rect) {
	for k, raw := range f.raw.spreading() {
		spreadPlane(f.lo.spreading()[k], f.hi.spreading()[k], raw, f.r, f.around(r))
	}
}

// around is a part and the pixels beside it.
func (f *reference) around(r rect) rect {
	return rect{max(f.r.x0, r.x0-1), max(f.r.y0, r.y0-1), min(f.r.x1, r.x1+1), min(f.r.y1, r.y1+1)}
}

// spreadPlane takes minimum and maximum of the 3x3 pixels around each pixel
// of part, in a plane that covers whole. Rows first, then columns.
func spreadPlane(lo, hi, src []uint8, whole, part rect) {
	w := whole.width()
	x0, n := part.x0-whole.x0, part.width()
	var rows [3][2][]uint8
	room := make([]uint8, 6*n)
	for k := range rows {
		rows[k] = [2][]uint8{room[2*k*n:][:n], room[(2*k+1)*n:][:n]}
	}
	fill := func(y int) {
		y = max(whole.y0, min(whole.y1-1, y))
		row := rows[(y+3)%3]
		spreadRow(row[0], row[1], src[(y-whole.y0)*w:][:w], x0)
	}
	fill(part.y0 - 1)
	fill(part.y0)
	for y := part.y0; y < part.y1; y++ {
		fill(y + 1)
		above, below := max(whole.y0, y-1), min(whole.y1-1, y+1)
		a, b, c := rows[(above+3)%3], rows[y%3], rows[(below+3)%3]
		at := (y-whole.y0)*w + x0
		least(lo[at:][:n], a[0], b[0], c[0])
		greatest(hi[at:][:n], a[1], b[1], c[1])
	}
}

// spreadRow takes minimum and maximum of three neighbours in a row, from x0 on.
// At an end of the row there are two.
func spreadRow(lo, hi, row []uint8, x0 int) {
	n := len(lo)
	edge := func(x int) {
		a, b, c := row[max(0, x-1)], row[x], row[min(len(row)-1, x+1)]
		lo[x-x0], hi[x-x0] = min(a, b, c), max(a, b, c)
	}
	if n < 3 {
		for i := range n {
			edge(x0 + i)
		}
		return
	}
	edge(x0)
	edge(x0 + n - 1)
	in := row[x0:][:n]
	before, after := in[:n-2], in[2:]
	in, lo, hi = in[1:][:n-2], lo[1:][:n-2], hi[1:][:n-2]
	for i, b := range in {
		a, c := before[i], after[i]
		lo[i], hi[i] = min(a, b, c), max(a, b, c)
	}
}

func least(to, a, b, c []uint8) {
	a, b, c = a[:len(to)], b[:len(to)], c[:len(to)]
	for i := range to {
		to[i] = min(a[i], b[i], c[i])
	}
}

func greatest(to, a, b, c []uint8) {
	a, b, c = a[:len(to)], b[:len(to)], c[:len(to)]
	for i := range to {
		to[i] = max(a[i], b[i], c[i])
	}
}

// limits is how far outside its neighbourhood a pixel must lie to count as
// changed.
type limits struct {
	fine, colour int
}

// changed reports whether pixel j of p lies outside the neighbourhood of
// pixel i.
func (f *reference) changed(i int, p *planes, j int, l limits) bool {
	v := int(p.fine[j])
	if v < int(f.lo.fine[i])-l.fine || v > int(f.hi.fine[i])+l.fine {
		return true
	}
	v = int(p.blue[j])
	if v < int(f.lo.blue[i])-l.colour || v > int(f.hi.blue[i])+l.colour {
		return true
	}
	v = int(p.red[j])
	return v < int(f.lo.red[i])-l.colour || v > int(f.hi.red[i])+l.colour
}
