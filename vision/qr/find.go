package qr

import "image"

const (
	// cell is the side of the squares that a picture is judged by.
	cell = 16

	// lively is by how much a cell's brightest and darkest pixels differ, of the
	// picture's, to be part of a code: less, and it is wall, sleeve or counter.
	lively = 4 // a quarter

	// margin is how many cells are kept around what was found: a code needs
	// its quiet border, and a lean must not cut a corner off.
	margin = 2
)

// find returns the part of the picture that a code would be in: the largest
// group of neighbouring cells in which black and white alternate. Looking there
// only makes the many versions of a picture affordable. It returns nil when no
// part looks like a code, and g itself when most of it does.
func find(g *image.Gray) *image.Gray {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	cw, ch := w/cell, h/cell
	if cw < 4 || ch < 4 {
		return g
	}
	soft := box(g, 1) // noise is no pattern
	ranges, most := make([]int, cw*ch), 0
	for cy := range ch {
		for cx := range cw {
			lo, hi := uint8(255), uint8(0)
			for y := cy * cell; y < (cy+1)*cell; y++ {
				for _, v := range soft.Pix[y*w+cx*cell:][:cell] {
					lo, hi = min(lo, v), max(hi, v)
				}
			}
			if hi > lo {
				ranges[cy*cw+cx] = int(hi - lo)
				most = max(most, int(hi-lo))
			}
		}
	}
	group, ok := largest(ranges, cw, ch, max(8, most/lively))
	if !ok {
		return nil
	}
	r := image.Rect((group.Min.X-margin)*cell, (group.Min.Y-margin)*cell, (group.Max.X+margin)*cell, (group.Max.Y+margin)*cell)
	r = r.Intersect(image.Rect(0, 0, w, h))
	if r.Dx()*r.Dy() > w*h*9/10 {
		return g
	}
	out := image.NewGray(image.Rect(0, 0, r.Dx(), r.Dy()))
	for y := range r.Dy() {
		copy(out.Pix[y*out.Stride:], g.Pix[(r.Min.Y+y)*w+r.Min.X:][:r.Dx()])
	}
	return out
}

// largest returns the bounds of the largest group of neighbouring cells of at
// least this range, corners counted as neighbours. A group narrower than three
// cells is an edge and no code.
func largest(ranges []int, cw, ch, least int) (best image.Rectangle, ok bool) {
	seen := make([]bool, len(ranges))
	most := 0
	var stack []int
	for start := range ranges {
		if seen[start] || ranges[start] < least {
			continue
		}
		seen[start], stack = true, append(stack[:0], start)
		size, r := 0, image.Rectangle{}
		for len(stack) > 0 {
			i := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			x, y := i%cw, i/cw
			size++
			r = r.Union(image.Rect(x, y, x+1, y+1))
			for ny := max(0, y-1); ny <= min(ch-1, y+1); ny++ {
				for nx := max(0, x-1); nx <= min(cw-1, x+1); nx++ {
					if n := ny*cw + nx; !seen[n] && ranges[n] >= least {
						seen[n], stack = true, append(stack, n)
					}
				}
			}
		}
		if size > most && r.Dx() >= 3 && r.Dy() >= 3 {
			most, best, ok = size, r, true
		}
	}
	return best, ok
}
