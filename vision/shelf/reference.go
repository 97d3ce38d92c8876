package shelf

// rect is a part of the small picture; x1 and y1 are just outside.
type rect struct{ x0, y0, x1, y1 int }

func (r rect) width() int { return r.x1 - r.x0 }
func (r rect) area() int  { return (r.x1 - r.x0) * (r.y1 - r.y0) }

// grow widens the rectangle inside a w x h picture.
func (r rect) grow(side, up, down, w, h int) rect {
	return rect{max(0, r.x0-side), max(0, r.y0-up), min(w, r.x1+side), min(h, r.y1+down)}
}

// join returns the smallest rectangle around both.
func (r rect) join(o rect) rect {
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
	f.each(v, r, func(i, j int) {
		f.raw.luma[i], f.raw.fine[i] = v.luma[j], v.fine[j]
		f.raw.blue[i], f.raw.red[i] = v.blue[j], v.red[j]
	})
	f.spread(r)
}

// follow moves a span slowly towards v.
func (f *reference) follow(p span, v view) {
	i, j, n := f.overlay(p, v)
	for _, planes := range [4][2][]uint8{
		{f.raw.luma, v.luma}, {f.raw.fine, v.fine}, {f.raw.blue, v.blue}, {f.raw.red, v.red},
	} {
		ref, cur := planes[0][i:i+n], planes[1][j:j+n]
		for k, c := range cur {
			if ref[k] != c { // most of a shelf at rest is as it was
				ref[k] = ease(ref[k], c)
			}
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
	found := 0
	for k := range n {
		a, b, c := int(fine[k]), int(blue[k]), int(red[k])
		if a < int(lof[k])-l.fine || a > int(hif[k])+l.fine ||
			b < int(lob[k])-l.colour || b > int(hib[k])+l.colour ||
			c < int(lor[k])-l.colour || c > int(hir[k])+l.colour {
			found++
		}
	}
	return found
}

// ease moves a quarter of the way, and at least a step, so that the
// reference arrives.
func ease(from, to uint8) uint8 {
	d := int(to) - int(from)
	if d > 0 {
		d = (d + 3) / 4
	} else {
		d = (d - 3) / 4
	}
	return clamp8(int(from) + d)
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

// spread computes the neighbourhoods of the part r anew.
func (f *reference) spread(r rect) {
	spreadPlane(f.lo.fine, f.hi.fine, f.raw.fine, f.r, r)
	spreadPlane(f.lo.blue, f.hi.blue, f.raw.blue, f.r, r)
	spreadPlane(f.lo.red, f.hi.red, f.raw.red, f.r, r)
}

// spreadPlane takes minimum and maximum of the 3x3 pixels around each pixel
// of part, in a plane that covers whole. Rows first, then columns.
func spreadPlane(lo, hi, src []uint8, whole, part rect) {
	w := whole.width()
	x0, x1 := part.x0-whole.x0, part.x1-whole.x0
	n := x1 - x0
	var rows [3][2][]uint8
	for k := range rows {
		rows[k] = [2][]uint8{make([]uint8, n), make([]uint8, n)}
	}
	fill := func(y int) {
		y = max(whole.y0, min(whole.y1-1, y))
		s := src[(y-whole.y0)*w:][:w]
		row := rows[(y+3)%3]
		for x := x0; x < x1; x++ {
			a, b, c := s[max(0, x-1)], s[x], s[min(w-1, x+1)]
			row[0][x-x0], row[1][x-x0] = min(a, b, c), max(a, b, c)
		}
	}
	fill(part.y0 - 1)
	fill(part.y0)
	for y := part.y0; y < part.y1; y++ {
		fill(y + 1)
		above, below := max(whole.y0, y-1), min(whole.y1-1, y+1)
		a, b, c := rows[(above+3)%3], rows[y%3], rows[(below+3)%3]
		l, h := lo[(y-whole.y0)*w+x0:][:n], hi[(y-whole.y0)*w+x0:][:n]
		for x := range n {
			l[x] = min(a[0][x], b[0][x], c[0][x])
			h[x] = max(a[1][x], b[1][x], c[1][x])
		}
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
