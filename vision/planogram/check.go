package planogram

import (
	"fmt"
	"math"
)

const (
	// minArea is the smallest slot in pixels; below it no item can be told
	// from noise.
	minArea = 64
	// sharedLimit is the share of the smaller slot that may be claimed by
	// both: corners set by hand touch now and then.
	sharedLimit = 0.01
)

// check looks at the planogram as a whole.
func (p Planogram) check() error {
	for _, s := range p.Slots {
		if err := s.check(p.Width, p.Height); err != nil {
			return err
		}
	}
	for i, a := range p.Slots {
		for _, b := range p.Slots[:i] {
			shared := shared(a, b, p.Width, p.Height)
			if float64(shared) > sharedLimit*math.Min(Area(a.Polygon), Area(b.Polygon)) {
				return fmt.Errorf("%w: %q and %q share %d pixels; draw a border between them",
					ErrOverlap, b.Name, a.Name, shared)
			}
		}
	}
	return nil
}

func (s Slot) check(w, h int) error {
	if s.Name == "" {
		return fmt.Errorf("%w: a slot has an empty name", ErrFormat)
	}
	if s.SKU == "" {
		return fmt.Errorf("%w: %q; set sku for all or products for this slot", ErrNoSKU, s.Name)
	}
	if len(s.Polygon) < 3 || Area(s.Polygon) < minArea {
		return fmt.Errorf("%w: %q has %d corners and %.0f pixels, want at least 3 and %d",
			ErrPolygon, s.Name, len(s.Polygon), Area(s.Polygon), minArea)
	}
	for _, c := range s.Polygon {
		if c[0] < 0 || c[1] < 0 || c[0] > w || c[1] > h {
			return fmt.Errorf("%w: corner %v of %q, the picture is %dx%d", ErrOutside, c, s.Name, w, h)
		}
	}
	if err := s.checkBack(w, h); err != nil {
		return err
	}
	return s.checkCounts()
}

// checkBack checks the place of the rearmost items, if it is drawn.
func (s Slot) checkBack(w, h int) error {
	if s.Back == nil {
		return nil
	}
	if len(s.Back) < 3 || Area(s.Back) < minArea || Area(s.Back) > Area(s.Polygon) {
		return fmt.Errorf("%w: the back of %q has %d corners and %.0f pixels, want at least 3 and %d to those of its front",
			ErrPolygon, s.Name, len(s.Back), Area(s.Back), minArea)
	}
	for _, c := range s.Back {
		if c[0] < 0 || c[1] < 0 || c[0] > w || c[1] > h {
			return fmt.Errorf("%w: corner %v of the back of %q, the picture is %dx%d", ErrOutside, c, s.Name, w, h)
		}
	}
	return nil
}

func (s Slot) checkCounts() error {
	switch {
	case s.Capacity < 1:
		return fmt.Errorf("%w: capacity %d of %q, want 1 or more", ErrCount, s.Capacity, s.Name)
	case s.Facings < 1 || s.Facings > s.Capacity:
		return fmt.Errorf("%w: facings %d of %q, want 1 to its capacity %d", ErrCount, s.Facings, s.Name, s.Capacity)
	case s.Initial < 0 || s.Initial > s.Capacity:
		return fmt.Errorf("%w: initial %d of %q, want 0 to its capacity %d", ErrCount, s.Initial, s.Name, s.Capacity)
	}
	return nil
}

// Area returns the polygon's area in square pixels.
func Area(polygon []Point) float64 {
	sum := 0
	for i, a := range polygon {
		b := polygon[(i+1)%len(polygon)]
		sum += a[0]*b[1] - b[0]*a[1]
	}
	return math.Abs(float64(sum)) / 2
}

// Mask returns which pixels of a w x h picture the polygon covers, the
// polygon being drawn on a pw x ph one.
func Mask(polygon []Point, pw, ph, w, h int) []bool {
	mask := make([]bool, w*h)
	if len(polygon) == 0 {
		return mask
	}
	for y := range h {
		py := (float64(y) + 0.5) * float64(ph) / float64(h)
		for x := range w {
			px := (float64(x) + 0.5) * float64(pw) / float64(w)
			mask[y*w+x] = inside(polygon, px, py)
		}
	}
	return mask
}

// inside counts the edges to the right of a point: an odd number means it
// lies inside.
func inside(polygon []Point, x, y float64) bool {
	in := false
	for i, a := range polygon {
		b := polygon[(i+1)%len(polygon)]
		ax, ay, bx, by := float64(a[0]), float64(a[1]), float64(b[0]), float64(b[1])
		if (ay > y) != (by > y) && x < ax+(y-ay)*(bx-ax)/(by-ay) {
			in = !in
		}
	}
	return in
}

// Bounds returns the smallest upright rectangle around the polygon.
func Bounds(polygon []Point) (lo, hi Point) {
	lo, hi = polygon[0], polygon[0]
	for _, c := range polygon {
		for k := range c {
			lo[k], hi[k] = min(lo[k], c[k]), max(hi[k], c[k])
		}
	}
	return lo, hi
}

// shared counts the pixels two slots both cover. Only where their bounds
// meet is looked at.
func shared(a, b Slot, w, h int) int {
	alo, ahi := Bounds(a.Polygon)
	blo, bhi := Bounds(b.Polygon)
	n := 0
	for y := max(0, alo[1], blo[1]); y < min(h, ahi[1], bhi[1]); y++ {
		for x := max(0, alo[0], blo[0]); x < min(w, ahi[0], bhi[0]); x++ {
			px, py := float64(x)+0.5, float64(y)+0.5
			if inside(a.Polygon, px, py) && inside(b.Polygon, px, py) {
				n++
			}
		}
	}
	return n
}
