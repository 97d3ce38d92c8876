package lens

import "math"

// The lens looks at a picture of at most this width: two pixels of the
// monitor's are one here, so a shake the monitor follows is no move.
const lookWidth = 160

// A Look is how a camera's view is remembered: its brightness, small.
type Look struct {
	W    int    `json:"w"`
	H    int    `json:"h"`
	Luma []byte `json:"luma"` // base64 in a file
}

// LookAt shrinks packed blue-green-red bytes to a look.
func LookAt(bgr []byte, w, h int) Look {
	step := max(1, (w+lookWidth-1)/lookWidth)
	l := Look{W: w / step, H: h / step}
	l.Luma = make([]byte, l.W*l.H)
	for y := range l.H {
		for x := range l.W {
			sum := 0
			for dy := range step {
				row := bgr[((y*step+dy)*w+x*step)*3:][:3*step]
				for i := 0; i < len(row); i += 3 {
					sum += int(row[i]) + 2*int(row[i+1]) + int(row[i+2])
				}
			}
			l.Luma[y*l.W+x] = byte(sum / (4 * step * step))
		}
	}
	return l
}

// Valid reports whether the look has as many bytes as it says.
func (l Look) Valid() bool {
	return l.W > 2*side && l.H > 2*side && l.W <= 4*lookWidth && l.H <= 4*lookWidth && len(l.Luma) == l.W*l.H
}

// Telling reports whether the look has enough structure to be known again.
func (l Look) Telling() bool { return l.Valid() && len(l.patches()) >= fewest }

// Shows reports whether another look is of the same place, as a camera is
// believed to stand where it stood.
func (l Look) Shows(o Look) bool {
	return l.W == o.W && l.H == o.H && l.fit(o, l.patches(), 0, 0, 1) >= knownShare
}

const (
	// side is the width of the patches two looks are compared by.
	side = 10
	// textured is the least spread of a patch that shows anything.
	textured = 7.0
	// alike is the correlation from which two patches show the same. Light
	// does not matter to it.
	alike = 0.6
	// fewest is how many textured patches a view must have to be known again.
	fewest = 6
)

// patch is a part of a look with structure.
type patch struct{ x, y int }

// patches returns the parts of l with something to know them by.
func (l Look) patches() []patch {
	var out []patch
	for y := 0; y+side <= l.H; y += side {
		for x := 0; x+side <= l.W; x += side {
			if _, spread := l.stats(x, y); spread >= textured {
				out = append(out, patch{x, y})
			}
		}
	}
	return out
}

func (l Look) stats(x0, y0 int) (mean, spread float64) {
	var sum, squares float64
	for y := y0; y < y0+side; y++ {
		for _, v := range l.Luma[y*l.W+x0:][:side] {
			sum += float64(v)
			squares += float64(v) * float64(v)
		}
	}
	mean = sum / (side * side)
	return mean, math.Sqrt(max(0, squares/(side*side)-mean*mean))
}

// correlate compares a patch of l with the place dx, dy beside it in o. A
// place outside says nothing.
func (l Look) correlate(o Look, p patch, dx, dy int) (float64, bool) {
	if p.x+dx < 0 || p.y+dy < 0 || p.x+dx+side > o.W || p.y+dy+side > o.H {
		return 0, false
	}
	var a, b, aa, bb, ab int
	for y := range side {
		r := l.Luma[(p.y+y)*l.W+p.x:][:side]
		c := o.Luma[(p.y+dy+y)*o.W+p.x+dx:][:side]
		for i := range r {
			u, v := int(r[i]), int(c[i])
			a, b, aa, bb, ab = a+u, b+v, aa+u*u, bb+v*v, ab+u*v
		}
	}
	const n = side * side
	va, vb := n*aa-a*a, n*bb-b*b
	if va <= 0 || vb <= 0 {
		return 0, true
	}
	return float64(n*ab-a*b) / math.Sqrt(float64(va)*float64(vb)), true
}

// fit is the share of the patches found again at dx, dy, give or take slack.
func (l Look) fit(o Look, ps []patch, dx, dy, slack int) float64 {
	found, seen := 0, 0
	for _, p := range ps {
		hit, inside := false, false
		for sy := -slack; sy <= slack && !hit; sy++ {
			for sx := -slack; sx <= slack && !hit; sx++ {
				c, ok := l.correlate(o, p, dx+sx, dy+sy)
				inside = inside || ok
				hit = ok && c >= alike
			}
		}
		if inside {
			seen++
		}
		if hit {
			found++
		}
	}
	if seen < fewest {
		return 0
	}
	return float64(found) / float64(seen)
}

const (
	// searchReach is how far a pushed camera's view is looked for, in pixels
	// of the look.
	searchReach = 30
	// searchStep is the distance of the places first looked at; patches
	// correlate over about as many pixels as their structure is wide.
	searchStep = 2
)

// search returns where the view of l lies in o and how well it fits there.
func (l Look) search(o Look, ps []patch) (dx, dy int, best float64) {
	for y := -searchReach / 2; y <= searchReach/2; y += searchStep {
		for x := -searchReach; x <= searchReach; x += searchStep {
			if f := l.fit(o, ps, x, y, 1); f > best {
				dx, dy, best = x, y, f
			}
		}
	}
	return dx, dy, best
}

// flat is the share of the patches that have no structure any more.
func (l Look) flat(o Look, ps []patch) float64 {
	n := 0
	for _, p := range ps {
		if _, spread := o.stats(p.x, p.y); spread < textured/4 {
			n++
		}
	}
	return float64(n) / float64(max(1, len(ps)))
}
