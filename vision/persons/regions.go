package persons

import "image"

const (
	// joined is how far apart, as a share of the picture's height, two pieces
	// of one person may be, one above the other.
	joined = 0.06
	// smallest is the least height of a person, as a share of the picture's.
	smallest = 0.15
	// slim and stout bound width by height: two side by side are one region,
	// which is better than none. Who comes in at the picture's edge may be
	// stouter.
	slim, stout = 0.15, 1.8
	// full is the least share of its box that a person fills.
	full = 0.3
	// plain is the score of a region: that it is a person nothing else says.
	plain = 0.5
)

// A region is what differs and hangs together, in the small picture.
type region struct {
	box    image.Rectangle
	pixels []int
}

// regions returns what is of a person's shape.
func (g *ground) regions() []somebody {
	seen := make([]bool, len(g.mask))
	var all []region
	for i, m := range g.mask {
		if m == solid && !seen[i] {
			all = append(all, g.grow(i, seen))
		}
	}
	gap := int(joined * float64(g.h))
	for merged := true; merged; {
		merged = false
		for i := range all {
			for j := range all {
				if i != j && len(all[i].pixels) > 0 && len(all[j].pixels) > 0 && near(all[i].box, all[j].box, gap) {
					all[i] = region{all[i].box.Union(all[j].box), append(all[i].pixels, all[j].pixels...)}
					all[j].pixels, merged = nil, true
				}
			}
		}
	}
	var kept []somebody
	for _, r := range all {
		if r.person(g.w, g.h) {
			b := image.Rect(r.box.Min.X*g.k, r.box.Min.Y*g.k, r.box.Max.X*g.k, r.box.Max.Y*g.k)
			kept = append(kept, somebody{box: b, score: plain, pixels: r.pixels})
		}
	}
	return kept
}

// grow collects what hangs together with pixel i.
func (g *ground) grow(i int, seen []bool) region {
	r := region{}
	seen[i] = true
	stack := []int{i}
	for len(stack) > 0 {
		p := stack[len(stack)-1]
		stack, r.pixels = stack[:len(stack)-1], append(r.pixels, p)
		x, y := p%g.w, p/g.w
		r.box = r.box.Union(image.Rect(x, y, x+1, y+1))
		for ny := max(0, y-1); ny <= min(g.h-1, y+1); ny++ {
			for nx := max(0, x-1); nx <= min(g.w-1, x+1); nx++ {
				if q := ny*g.w + nx; g.mask[q] == solid && !seen[q] {
					seen[q] = true
					stack = append(stack, q)
				}
			}
		}
	}
	return r
}

// near reports whether two pieces may be one person's: one is above the other,
// or they overlap.
func near(a, b image.Rectangle, gap int) bool {
	across := min(a.Max.X, b.Max.X) - max(a.Min.X, b.Min.X)
	down := max(a.Min.Y, b.Min.Y) - min(a.Max.Y, b.Max.Y)
	return 2*across > min(a.Dx(), b.Dx()) && down <= gap
}

func (r region) person(w, h int) bool {
	if float64(r.box.Dy()) < smallest*float64(h) || float64(len(r.pixels)) < full*float64(r.box.Dx()*r.box.Dy()) {
		return false
	}
	if r.box.Max.Y >= h-1 || r.box.Min.X <= 0 || r.box.Max.X >= w {
		return r.box.Dx() < w/2
	}
	wide := float64(r.box.Dx()) / float64(r.box.Dy())
	return wide >= slim && wide <= stout
}
