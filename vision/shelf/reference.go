package shelf

// rect is a part of the small picture; x1 and y1 are just outside.
type rect struct{ x0, y0, x1, y1 int }

func (r rect) width() int { return r.x1 - r.x0 }
func (r rect) area() int  { return (r.x1 - r.x0) * (r.y1 - r.y0) }

// grow widens the rectangle inside a w x h picture.
func (r rect) grow(side, up, down, w, h int) rect {
	return rect{max(0, r.x0-side), max(0, r.y0-up), min(w, r.x1+side), min(h, r.y1+down)}
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

// follow moves the part r slowly towards v, where keep says so.
func (f *reference) follow(v view, r rect, keep func(x, y int) bool) {
	for y := r.y0; y < r.y1; y++ {
		for x := r.x0; x < r.x1; x++ {
			j := v.at(x, y)
			if j < 0 || !keep(x, y) {
				continue
			}
			i := (y-f.r.y0)*f.r.width() + x - f.r.x0
			f.raw.luma[i] = ease(f.raw.luma[i], v.luma[j])
			f.raw.fine[i] = ease(f.raw.fine[i], v.fine[j])
			f.raw.blue[i] = ease(f.raw.blue[i], v.blue[j])
			f.raw.red[i] = ease(f.raw.red[i], v.red[j])
		}
	}
	f.spread(r)
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
