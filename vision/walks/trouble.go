package walks

import (
	"math"
	"math/rand/v2"

	"github.com/vouchledger/vouch/vision/planogram"
)

// Trouble is what is done to the frames of a clip.
type Trouble struct {
	Name   string
	Mirror bool
	// Noise is the spread of each value in steps of 256, Shake that of the
	// camera in pixels from frame to frame, Gain how far the light wanders as a
	// share of it.
	Noise, Shake, Gain float64
}

// Troubles are those every clip is made with again. A shake of 1.5 pixels is
// what a camera on a shelf does when somebody leans on it.
func Troubles() []Trouble {
	return []Trouble{
		{Name: "shake 1.5 px", Shake: 1.5},
		{Name: "gain 20 %", Gain: 0.2},
		{Name: "noise 12", Noise: 12},
		{Name: "mirrored", Mirror: true},
	}
}

// Mirrored returns the planogram of the mirrored clip: slots keep their names.
func Mirrored(p planogram.Planogram) planogram.Planogram {
	flip := func(polygon []planogram.Point) []planogram.Point {
		var out []planogram.Point
		for _, c := range polygon {
			out = append(out, planogram.Point{p.Width - c[0], c[1]})
		}
		return out
	}
	slots := p.Slots
	p.Slots, p.Look = nil, nil
	for _, s := range slots {
		s.Polygon, s.Back = flip(s.Polygon), flip(s.Back)
		p.Slots = append(p.Slots, s)
	}
	return p
}

// spoiler does a trouble to frames of one size, one after the other.
type spoiler struct {
	tr       Trouble
	rng      *rand.Rand
	w, h, n  int
	grain    []int16
	phase    float64
	dx, dy   float64
	from     []byte // the frame before it is moved
	brighter [256]int32
}

func newSpoiler(tr Trouble, seed uint64, w, h int) *spoiler {
	s := &spoiler{tr: tr, rng: rand.New(rand.NewPCG(seed, 11)), w: w, h: h} //nolint:gosec // no secret
	s.phase = 2 * math.Pi * s.rng.Float64()
	if tr.Noise > 0 {
		s.grain = make([]int16, 2*w*h*3)
		for i := range s.grain {
			s.grain[i] = int16(math.Round(s.rng.NormFloat64() * tr.Noise))
		}
	}
	return s
}

const (
	// wander is how fast light wanders: once around in 19 seconds at 30 frames
	// a second.
	wander = 1.0 / 90
	// sway is how much of a shake is left in the next frame.
	sway = 0.7
)

// do spoils a frame in place.
func (s *spoiler) do(pic []byte) {
	if s.tr.Mirror {
		s.mirror(pic)
	}
	if s.tr.Shake > 0 {
		s.dx = sway*s.dx + sway*s.rng.NormFloat64()*s.tr.Shake
		s.dy = sway*s.dy + sway*s.rng.NormFloat64()*s.tr.Shake
		s.move(pic)
	}
	gain := 1 + s.tr.Gain*math.Sin(s.phase+float64(s.n)*wander)
	s.n++
	if s.tr.Gain == 0 && s.grain == nil {
		return
	}
	for v := range s.brighter {
		s.brighter[v] = int32(float64(v)*gain + 0.5)
	}
	if s.grain == nil {
		for i, v := range pic {
			pic[i] = byte(min(255, s.brighter[v]))
		}
		return
	}
	grain := s.grain[s.rng.IntN(len(pic)):][:len(pic)]
	for i, v := range pic {
		pic[i] = byte(max(0, min(255, s.brighter[v]+int32(grain[i]))))
	}
}

func (s *spoiler) mirror(pic []byte) {
	for y := range s.h {
		row := pic[y*s.w*3:][:s.w*3]
		for a, b := 0, 3*(s.w-1); a < b; a, b = a+3, b-3 {
			for k := range 3 {
				row[a+k], row[b+k] = row[b+k], row[a+k]
			}
		}
	}
}

// move shifts the frame by fractions of a pixel, repeating its border.
func (s *spoiler) move(pic []byte) {
	s.from = append(s.from[:0], pic...)
	ix, iy := math.Floor(s.dx), math.Floor(s.dy)
	fx, fy := int((s.dx-ix)*256), int((s.dy-iy)*256)
	for y := range s.h {
		y0 := max(0, min(s.h-1, y+int(iy)))
		y1 := max(0, min(s.h-1, y+int(iy)+1))
		a, b := s.from[y0*s.w*3:][:s.w*3], s.from[y1*s.w*3:][:s.w*3]
		out := pic[y*s.w*3:][:s.w*3]
		for x := range s.w {
			l := 3 * max(0, min(s.w-1, x+int(ix)))
			r := 3 * max(0, min(s.w-1, x+int(ix)+1))
			for k := range 3 {
				top := int(a[l+k])*(256-fx) + int(a[r+k])*fx
				low := int(b[l+k])*(256-fx) + int(b[r+k])*fx
				out[3*x+k] = byte((top*(256-fy) + low*fy) >> 16)
			}
		}
	}
}
