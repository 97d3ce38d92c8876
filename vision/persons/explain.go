package persons

import (
	"image"
	"math"

	"github.com/vouchledger/vouch/vision/mount"
	"github.com/vouchledger/vouch/vision/track"
)

const (
	// grid is how far apart in metres the places are where persons are tried.
	grid = 0.12
	// beyond the marks people stand too, by so many metres.
	beyond = 0.8
	// least is the share of a person that has to be in the picture.
	least = 0.35
	// filled is how probable it is that a pixel of a person's outline shows
	// them, ghostly how probable that an empty pixel seems to show somebody; a
	// shadow-like one says a little for somebody.
	filled, ghostly, shaded = 0.75, 0.02, 0.35
	// convincing is how much of what a whole person would say has to be said,
	// without what others explain, for there to be one.
	convincing = 0.3
	// Of who is seen from above so much is enough if so much of the place where
	// their head has to be shows somebody: clothes may be as the floor is, a head
	// is not.
	atLeast, headed = 0.2, 0.8
	// most is how many persons one camera may show.
	most = 24
)

// What a pixel says for a person there, in nats.
var (
	pro = float32(math.Log(filled / ghostly))
	con = float32(math.Log((1 - filled) / (1 - ghostly)))
)

// A stand is a person who stands at a place, as the small picture would show
// them: from row y0 on, from and until which column.
type stand struct {
	at   track.Point
	foot track.Point    // in the large picture; the waist from above
	down [2]track.Point // from the top of the head to the floor, in the large picture
	outline
	area int     // of the whole outline, also outside of the picture
	head outline // where the head is; empty unless seen from above
}

// An outline is what lies between two columns in each row from y0 on.
type outline struct {
	y0   int
	rows [][2]int
}

// cut returns the part of a convex polygon that is in a picture, with its
// area and that of the whole.
func cut(corners []track.Point, w, h int) (o outline, inside, area int) {
	box := mount.Box(corners)
	o.y0 = max(0, box.Min.Y)
	for y := box.Min.Y; y < box.Max.Y; y++ {
		from, until := across(corners, float64(y)+0.5)
		a, b := int(math.Round(from)), int(math.Round(until))
		area += max(0, b-a)
		if y < 0 || y >= h {
			continue
		}
		a, b = max(0, min(w, a)), max(0, min(w, b))
		inside += b - a
		o.rows = append(o.rows, [2]int{a, b})
	}
	return o, inside, area
}

// sum adds up what the pixels of an outline say, by their sums in rows.
func (o outline) sum(sums []float32, w int) float32 {
	sum := float32(0)
	for j, r := range o.rows {
		row := sums[(o.y0+j)*(w+1):]
		sum += row[r[1]] - row[r[0]]
	}
	return sum
}

// stands are all places where a person may be.
func stands(m *mount.Mount, w, h, k int) []stand {
	lo, hi := m.Reach(beyond)
	var all []stand
	for y := lo.Y; y <= hi.Y; y += grid {
		for x := lo.X; x <= hi.X; x += grid {
			if s, ok := standAt(m, track.Point{X: x, Y: y}, w, h, k); ok {
				all = append(all, s)
			}
		}
	}
	return all
}

func standAt(m *mount.Mount, at track.Point, w, h, k int) (stand, bool) {
	corners := shrunk(m.Person(at.X, at.Y), k)
	box := mount.Box(corners)
	if len(corners) == 0 || box.Dx() > 2*w || box.Dy() > 2*h || box.Dx() < 2 || box.Dy() < 4 {
		return stand{}, false // right under the camera, or too far away
	}
	s := stand{at: at}
	s.foot, _ = m.Foot(at.X, at.Y)
	s.down[0], _ = m.Project(at.X, at.Y, mount.Tall)
	s.down[1], _ = m.Project(at.X, at.Y, 0)
	inside := 0
	s.outline, inside, s.area = cut(corners, w, h)
	if m.Above {
		head, seen, whole := cut(shrunk(m.Head(at.X, at.Y), k), w, h)
		if seen == whole {
			s.head = head
		}
	}
	return s, s.area > 0 && float64(inside) >= least*float64(s.area)
}

// shrunk takes an outline into the small picture.
func shrunk(corners []track.Point, k int) []track.Point {
	for i := range corners {
		corners[i].X, corners[i].Y = corners[i].X/float64(k), corners[i].Y/float64(k)
	}
	return corners
}

// across returns where a row cuts a convex outline.
func across(outline []track.Point, y float64) (from, until float64) {
	from, until = math.Inf(1), math.Inf(-1)
	for i, p := range outline {
		q := outline[(i+1)%len(outline)]
		if (p.Y > y) == (q.Y > y) {
			continue
		}
		x := p.X + (y-p.Y)/(q.Y-p.Y)*(q.X-p.X)
		from, until = min(from, x), max(until, x)
	}
	if from > until {
		return 0, 0
	}
	return from, until
}

// An explanation finds who stands where in what differs from the empty shop.
type explanation struct {
	w, h   int
	stands []stand
	say    []float32 // of each pixel for a person
	sums   []float32 // of say, row by row
	by     []int     // how many explain a pixel
}

func newExplanation(w, h int, all []stand) *explanation {
	return &explanation{
		w: w, h: h, stands: all, say: make([]float32, w*h), sums: make([]float32, (w+1)*h), by: make([]int, w*h),
	}
}

// A found is a person as explained.
type found struct {
	*stand
	sure float64 // the share of what a whole person would say
}

// explain returns who stands where, the surest first.
func (e *explanation) explain(mask []uint8) []found {
	clear(e.by)
	var all []found
	for len(all) < most {
		e.weigh(mask)
		f, ok := e.best()
		if !ok {
			break
		}
		e.cover(f.stand, 1)
		all = append(all, f)
	}
	// Each was the best for those before; now for all others.
	for range 2 {
		moved := false
		for i := range all {
			e.cover(all[i].stand, -1)
			e.weigh(mask)
			f, ok := e.best()
			if ok && f.stand != all[i].stand && f.at.Distance(all[i].at) < 1 {
				all[i], moved = f, true
			}
			e.cover(all[i].stand, 1)
		}
		if !moved {
			break
		}
	}
	return all
}

// weigh takes what each pixel says, those that somebody explains nothing.
func (e *explanation) weigh(mask []uint8) {
	for y := range e.h {
		sum := float32(0)
		row := e.sums[y*(e.w+1):]
		row[0] = 0
		for x := range e.w {
			i := y*e.w + x
			switch {
			case e.by[i] > 0:
			case mask[i] == solid:
				sum += pro
			case mask[i] == shade:
				sum += shaded
			default:
				sum += con
			}
			row[x+1] = sum
		}
	}
}

// best returns who explains most.
func (e *explanation) best() (found, bool) {
	var b found
	most := float32(0)
	for i := range e.stands {
		s := &e.stands[i]
		sum := s.sum(e.sums, e.w)
		if sum <= most {
			continue
		}
		sure := float64(sum) / (float64(pro) * float64(s.area))
		if sure >= convincing || sure >= atLeast && e.headed(s) {
			b, most = found{s, sure}, sum
		}
	}
	return b, b.stand != nil
}

// headed reports whether somebody's head is to be seen where it has to be.
func (e *explanation) headed(s *stand) bool {
	n := 0
	for _, r := range s.head.rows {
		n += r[1] - r[0]
	}
	sum := float64(s.head.sum(e.sums, e.w))
	return n > 0 && sum >= float64(n)*(headed*float64(pro)+(1-headed)*float64(con))
}

func (e *explanation) cover(s *stand, by int) {
	for j, r := range s.rows {
		row := e.by[(s.y0+j)*e.w:]
		for x := r[0]; x < r[1]; x++ {
			row[x] += by
		}
	}
}

// pixels lists those of a person's outline.
func (e *explanation) pixels(s *stand) []int {
	var all []int
	for j, r := range s.rows {
		for x := r[0]; x < r[1]; x++ {
			all = append(all, (s.y0+j)*e.w+x)
		}
	}
	return all
}

// band returns which of a look's bands a pixel of the large picture is: how far
// down from the head it lies, in whatever direction that is.
func (s *stand) band(x, y int) int {
	dx, dy := s.down[1].X-s.down[0].X, s.down[1].Y-s.down[0].Y
	f := ((float64(x)-s.down[0].X)*dx + (float64(y)-s.down[0].Y)*dy) / (dx*dx + dy*dy)
	return max(0, min(track.Bands-1, int(math.Floor(track.Bands*f))))
}

// box returns where the person is in the large picture: the outline, drawn in
// to what is seen of them and out to an arm.
func (e *explanation) box(s *stand, mask []uint8, k int) image.Rectangle {
	outline := image.Rectangle{}
	for j, r := range s.rows {
		if r[1] > r[0] {
			outline = outline.Union(image.Rect(r[0], s.y0+j, r[1], s.y0+j+1))
		}
	}
	dx, dy := outline.Dx()/3, outline.Dy()/8
	seen := image.Rectangle{}
	wide := image.Rect(outline.Min.X-dx, outline.Min.Y-dy, outline.Max.X+dx, outline.Max.Y+dy).Intersect(image.Rect(0, 0, e.w, e.h))
	e.cover(s, -1)
	for y := wide.Min.Y; y < wide.Max.Y; y++ {
		for x := wide.Min.X; x < wide.Max.X; x++ {
			if i := y*e.w + x; mask[i] == solid && e.by[i] == 0 {
				seen = seen.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	e.cover(s, 1)
	b := outline
	if !seen.Empty() {
		b = image.Rect(
			max(seen.Min.X, outline.Min.X-dx), max(seen.Min.Y, outline.Min.Y-dy),
			min(seen.Max.X, outline.Max.X+dx), min(seen.Max.Y, outline.Max.Y+dy))
		// Where others stand before them, the outline knows better.
		if b.Dx() < outline.Dx()*2/3 {
			b.Min.X, b.Max.X = outline.Min.X, outline.Max.X
		}
		if b.Dy() < outline.Dy()*2/3 {
			b.Min.Y, b.Max.Y = outline.Min.Y, outline.Max.Y
		}
	}
	return image.Rect(b.Min.X*k, b.Min.Y*k, b.Max.X*k, b.Max.Y*k)
}
