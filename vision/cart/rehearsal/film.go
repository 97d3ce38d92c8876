package rehearsal

import (
	"image"
	"io"
	"math"
	"math/rand/v2"
	"time"

	"github.com/vouchledger/vouch/vision/barcode"
	"github.com/vouchledger/vouch/vision/qr"
)

// The camera of a cart.
const (
	Width  = 640
	Height = 480
	FPS    = 10
)

// A Film is what the cart's camera sees. It is not for several goroutines.
type Film struct {
	s      *Scenario
	empty  []float32
	noise  []float32
	random *rand.Rand
	codes  map[string]pattern
	n      int
}

// pattern is a flat picture with its size: 0 black, 1 white.
type pattern struct {
	pix  []float32
	w, h int
}

// Film returns the film of a scenario, before its first frame.
func (s *Scenario) Film() (*Film, error) {
	f := &Film{s: s, random: rand.New(rand.NewPCG(s.Seed, 12)), codes: map[string]pattern{}} //nolint:gosec // a film comes again by its seed
	f.basket()
	f.noise = make([]float32, 1<<17+13)
	for i := range f.noise {
		f.noise[i] = float32(s.Noise * f.random.NormFloat64())
	}
	for _, a := range s.acts {
		var err error
		switch a.do {
		case "scan", "torn":
			f.codes[a.do+a.what], err = label(s.Things[a.what].GTIN, a.do == "torn")
		case "show":
			f.codes[a.do+a.what], err = ticket(a.what)
		}
		if err != nil {
			return nil, err
		}
	}
	return f, nil
}

// label draws a bar code; a torn one lacks its middle.
func label(gtin string, torn bool) (pattern, error) {
	c, err := barcode.Encode(gtin)
	if err != nil {
		return pattern{}, err
	}
	const px, height = 3, 170
	g := c.Image(px, height)
	p := flat(g)
	if torn {
		for y := range p.h {
			for x := p.w / 3; x < p.w/2; x++ {
				p.pix[y*p.w+x] = 0.9
			}
		}
	}
	return p, nil
}

func ticket(text string) (pattern, error) {
	c, err := qr.Encode(text)
	if err != nil {
		return pattern{}, err
	}
	return flat(c.Image(max(3, 360/(c.Size()+2*qr.Quiet)))), nil
}

func flat(g *image.Gray) pattern {
	p := pattern{w: g.Rect.Dx(), h: g.Rect.Dy(), pix: make([]float32, len(g.Pix))}
	for i, v := range g.Pix {
		p.pix[i] = float32(v) / 255
	}
	return p
}

// basket draws the bottom of the cart: wires over a grey floor, darker to the
// edges.
func (f *Film) basket() {
	f.empty = make([]float32, Width*Height)
	for y := range Height {
		for x := range Width {
			v := 96 + 18*math.Cos(float64(x)/210) + 10*math.Sin(float64(y)/90)
			if x%48 < 5 || y%48 < 5 {
				v += 46
			}
			dx, dy := float64(x-Width/2)/Width, float64(y-Height/2)/Height
			f.empty[y*Width+x] = float32(v * (1 - 0.8*(dx*dx+dy*dy)))
		}
	}
}

// Frames returns how many frames there are.
func (f *Film) Frames() int { return int(f.s.Seconds * FPS) }

// Next returns the next frame, or io.EOF.
func (f *Film) Next() (*image.Gray, time.Duration, error) {
	if f.n >= f.Frames() {
		return nil, 0, io.EOF
	}
	t := time.Duration(f.n) * time.Second / FPS
	f.n++
	pix := append([]float32(nil), f.empty...)
	for _, a := range f.s.acts {
		switch a.do {
		case "scan", "torn", "show":
			if t >= a.at && t < a.at+showFor {
				f.hold(pix, f.codes[a.do+a.what], t-a.at, a.at)
			}
		case "lay", "out":
			if d := t - a.at; d > -handFor && d < handFor {
				hand(pix, d)
			}
		}
	}
	g := image.NewGray(image.Rect(0, 0, Width, Height))
	from := f.random.IntN(1 << 15)
	for i, v := range pix {
		g.Pix[i] = uint8(max(0, min(255, v+f.noise[(from+i)&(1<<17-1)]+0.5)))
	}
	return g, t, nil
}

// hold shows a code: it comes in, hangs a little askew and sways.
func (f *Film) hold(pix []float32, p pattern, d, seed time.Duration) {
	x := d.Seconds()
	phase := float64(seed) / 1e9
	angle := 0.05*math.Sin(phase*3) + 0.01*math.Sin(6*x)
	scale := 0.86 + 0.06*math.Sin(phase*5)
	in := math.Max(0, 1-x/0.3) // the way in
	cx, cy := Width/2+26*math.Sin(phase)+3*math.Sin(4*x)+300*in, Height/2+20*math.Cos(phase)+3*math.Cos(3*x)+260*in
	sin, cos := math.Sincos(angle)
	reach := int(0.75*math.Hypot(float64(p.w), float64(p.h))*scale) + 30
	for y := max(0, int(cy)-reach); y < min(Height, int(cy)+reach); y++ {
		for x := max(0, int(cx)-reach); x < min(Width, int(cx)+reach); x++ {
			var sum float32
			hit := 0
			for _, o := range [4][2]float64{{-0.25, -0.25}, {0.25, -0.25}, {-0.25, 0.25}, {0.25, 0.25}} {
				dx, dy := float64(x)+o[0]-cx, float64(y)+o[1]-cy
				u, v := (dx*cos+dy*sin)/scale+float64(p.w)/2, (dy*cos-dx*sin)/scale+float64(p.h)/2
				const edge = 22 // of the package around the label
				switch {
				case u >= 0 && v >= 0 && u < float64(p.w) && v < float64(p.h):
					sum, hit = sum+28+200*p.pix[int(v)*p.w+int(u)], hit+1
				case u > -edge && v > -edge && u < float64(p.w)+edge && v < float64(p.h)+edge:
					sum, hit = sum+150, hit+1
				}
			}
			if hit > 0 {
				i := y*Width + x
				pix[i] = (sum + float32(4-hit)*pix[i]) / 4
			}
		}
	}
}

// hand reaches in from below; d is the time to the moment the thing rests.
func hand(pix []float32, d time.Duration) {
	in := 1 - math.Abs(d.Seconds())/handFor.Seconds()
	top := Height - int(in*float64(Height)*0.8)
	for y := max(0, top); y < Height; y++ {
		wide := 60 + (y-top)/6
		for x := Width/2 - wide; x < Width/2+wide; x++ {
			pix[y*Width+x] = 172 - 20*float32(math.Abs(float64(x-Width/2)))/float32(wide)
		}
	}
}

// BGR writes a frame as a camera gives it in colour.
func BGR(g *image.Gray, dst []byte) {
	for i, v := range g.Pix {
		dst[3*i], dst[3*i+1], dst[3*i+2] = v, v, v
	}
}

// Busy reports whether something is to be seen near the time t: pictures of
// other moments may be left out.
func (s *Scenario) Busy(t time.Duration) bool {
	for _, a := range s.acts {
		d := t - a.at
		switch a.do {
		case "scan", "torn", "show":
			if d > -handFor/3 && d < showFor+handFor/3 {
				return true
			}
		case "lay", "out":
			if d > -handFor && d < handFor {
				return true
			}
		}
	}
	return false
}
