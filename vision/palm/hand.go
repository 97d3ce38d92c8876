package palm

import (
	"cmp"
	"fmt"
	"image"
	"math"
	"slices"
)

const (
	// minHand is the least part of a picture that a hand fills: less, and its
	// lines are not seen.
	minHand = 0.03
	// shallow is how deep a valley between fingers is, of the square root of the
	// hand's area.
	shallow = 0.12
	// crooked bounds how far three valleys may be from equal steps along a line.
	crooked = 1.0
)

type point struct{ x, y float64 }

func (p point) minus(q point) point      { return point{p.x - q.x, p.y - q.y} }
func (p point) plus(q point) point       { return point{p.x + q.x, p.y + q.y} }
func (p point) times(f float64) point    { return point{p.x * f, p.y * f} }
func (p point) length() float64          { return math.Hypot(p.x, p.y) }
func (p point) cross(q point) float64    { return p.x*q.y - p.y*q.x }
func (p point) dot(q point) float64      { return p.x*q.x + p.y*q.y }
func (p point) distance(q point) float64 { return p.minus(q).length() }

// otsu returns the brightness that parts a picture's two groups best.
func otsu(g *image.Gray) uint8 {
	var hist [256]float64
	for _, v := range g.Pix {
		hist[v]++
	}
	var sum, all float64
	for v, n := range hist {
		sum += float64(v) * n
		all += n
	}
	var best, low, lowSum float64
	at := 0
	for v, n := range hist {
		low += n
		lowSum += float64(v) * n
		if low == 0 || low == all {
			continue
		}
		d := lowSum/low - (sum-lowSum)/(all-low)
		if between := low * (all - low) * d * d; between > best {
			best, at = between, v
		}
	}
	return uint8(at) //nolint:gosec // an index of 256
}

// A mask says which pixels are the hand.
type mask struct {
	w, h  int
	in    []bool
	area  int
	first int // its first pixel, in reading order
}

func (m *mask) at(x, y int) bool {
	return x >= 0 && y >= 0 && x < m.w && y < m.h && m.in[y*m.w+x]
}

// cutOut returns the largest bright thing.
func cutOut(g *image.Gray) (*mask, error) {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	level := otsu(g)
	seen := make([]bool, w*h)
	var best []int
	var stack, group []int
	for start := range seen {
		if seen[start] || g.Pix[start] <= level {
			continue
		}
		stack, group = append(stack[:0], start), group[:0]
		seen[start] = true
		for len(stack) > 0 {
			i := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			group = append(group, i)
			x := i % w
			for _, n := range [4]int{i - 1, i + 1, i - w, i + w} {
				if n < 0 || n >= w*h || seen[n] || g.Pix[n] <= level || (n == i-1 && x == 0) || (n == i+1 && x == w-1) {
					continue
				}
				seen[n], stack = true, append(stack, n)
			}
		}
		if len(group) > len(best) {
			best = slices.Clone(group)
		}
	}
	if float64(len(best)) < minHand*float64(w*h) {
		return nil, fmt.Errorf("%w: nothing bright is large enough", ErrNoHand)
	}
	m := &mask{w: w, h: h, in: make([]bool, w*h), area: len(best), first: slices.Min(best)}
	for _, i := range best {
		m.in[i] = true
	}
	return m, nil
}

// around are the eight neighbours, clockwise from the left.
var around = [8]image.Point{{X: -1}, {X: -1, Y: -1}, {Y: -1}, {X: 1, Y: -1}, {X: 1}, {X: 1, Y: 1}, {Y: 1}, {X: -1, Y: 1}}

// contour walks around the hand, clockwise, from its first pixel (Moore).
func (m *mask) contour() []point {
	start := image.Pt(m.first%m.w, m.first/m.w)
	p, from := start, 0
	var out []point
	for range 4 * (m.w + m.h) * 4 {
		out = append(out, point{float64(p.X), float64(p.Y)})
		moved := false
		for i := range 8 {
			d := (from + i) % 8
			if q := p.Add(around[d]); m.at(q.X, q.Y) {
				p, from, moved = q, (d+5)%8, true // look again from behind
				break
			}
		}
		if !moved || p == start {
			break
		}
	}
	return out
}

// hull returns the indices of the contour's points on its convex hull, in the
// contour's order.
func hull(c []point) []int {
	order := make([]int, len(c))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(c[a].x, c[b].x), cmp.Compare(c[a].y, c[b].y))
	})
	half := func(order []int) (h []int) {
		for _, i := range order {
			for len(h) > 1 && c[h[len(h)-1]].minus(c[h[len(h)-2]]).cross(c[i].minus(c[h[len(h)-2]])) <= 0 {
				h = h[:len(h)-1]
			}
			h = append(h, i)
		}
		return h
	}
	low := half(order)
	slices.Reverse(order)
	all := append(low, half(order)...)
	slices.Sort(all)
	return slices.Compact(all)
}

// valleys returns the deepest point between each two neighbours of the hull
// that is deep enough.
func (m *mask) valleys(c []point) (out []point) {
	on := hull(c)
	least := shallow * math.Sqrt(float64(m.area))
	for i, from := range on {
		to := on[(i+1)%len(on)]
		a, edge := c[from], c[to].minus(c[from])
		if edge.length() == 0 {
			continue
		}
		deepest, at := least, point{}
		for j := from; j != to; j = (j + 1) % len(c) {
			if d := math.Abs(edge.cross(c[j].minus(a))) / edge.length(); d > deepest {
				deepest, at = d, c[j]
			}
		}
		if deepest > least {
			out = append(out, at)
		}
	}
	return out
}

// A frame is where a palm lies: its middle valley, the direction across the
// fingers, the one down the palm, and the width of two fingers.
type frame struct {
	origin, across, down point
	width                float64
	valleys              [3]point // in a row
}

// find returns the frames that the hand may have, best first: for each three
// valleys in a row, the nearer to equal steps on a line the better. The thumb's
// valley is neither, but of a hand that leans the thumb may look right; its
// square is then not on the palm.
func (m *mask) find(contour []point) ([]frame, error) {
	vs := m.valleys(contour)
	middle := m.middle()
	type judged struct {
		frame
		cost float64
	}
	var all []judged
	for i, a := range vs {
		for j, b := range vs {
			for _, d := range vs[i+1:] {
				if j == i || b == d {
					continue
				}
				if f, cost := m.judge(a, b, d, middle); cost < crooked {
					all = append(all, judged{f, cost})
				}
			}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: %d valleys, and no three between four fingers", ErrNoHand, len(vs))
	}
	slices.SortFunc(all, func(a, b judged) int { return cmp.Compare(a.cost, b.cost) })
	out := make([]frame, len(all))
	for i, j := range all {
		out[i] = j.frame
	}
	return out, nil
}

// judge returns the frame of three valleys, and how far they are from equal
// steps on a line over the middle of the hand.
func (m *mask) judge(a, b, d, middle point) (f frame, cost float64) {
	line, root := d.minus(a), math.Sqrt(float64(m.area))
	width := line.length()
	if width < 0.15*root || width > 0.9*root || b.minus(a).dot(line) < 0 || b.minus(d).dot(line) > 0 {
		return f, math.Inf(1)
	}
	down := point{-line.y, line.x}.times(1 / width)
	if middle.minus(b).dot(down) < 0 {
		down = down.times(-1)
	}
	half := a.plus(d).times(0.5)
	bend := math.Abs(line.cross(b.minus(a))) / width / width
	steps := math.Abs(a.distance(b)-b.distance(d)) / width
	aside := math.Abs(middle.minus(half).dot(line)) / width / width
	across := point{down.y, -down.x}
	if line.dot(across) < 0 {
		a, d = d, a // always from the same side of the palm
	}
	return frame{half, across, down, width, [3]point{a, b, d}}, 2*bend + steps + aside
}

// middle returns the middle of the hand.
func (m *mask) middle() point {
	var s point
	for i, in := range m.in {
		if in {
			s.x += float64(i % m.w)
			s.y += float64(i / m.w)
		}
	}
	return s.times(1 / float64(m.area))
}
