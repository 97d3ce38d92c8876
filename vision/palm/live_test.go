package palm

import (
	"errors"
	"flag"
	"image"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/vouchledger/vouch/vision/palm/palmtest"
)

var attacks = flag.Int("attacks", 3, "people whose drawn hands and pictures of hands are told apart")

// moved is a flat picture of a hand that is held before the camera again: moved,
// turned, nearer and tilted.
func moved(g *image.Gray, r *rand.Rand, size float64) *image.Gray {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	turn, lean := 0.25*r.NormFloat64(), 1+0.05*r.NormFloat64()
	cos, sin := math.Cos(turn)/size, math.Sin(turn)/size
	cx, cy := float64(w)/2+20*r.NormFloat64(), float64(h)/2+12*r.NormFloat64()
	out := image.NewGray(g.Rect)
	for y := range h {
		for x := range w {
			dx, dy := (float64(x)-cx)*lean, float64(y)-cy
			p := point{dx*cos + dy*sin + float64(w)/2, dy*cos - dx*sin + float64(h)/2}
			v := 18.0
			if p.x >= 0 && p.y >= 0 && p.x < float64(w) && p.y < float64(h) {
				v = between(g, p)
			}
			out.Pix[y*w+x] = uint8(max(0, min(255, v+4*r.NormFloat64())))
		}
	}
	return out
}

// lit is a picture on a screen: its dots, and the frame of the phone.
func lit(g *image.Gray, r *rand.Rand) *image.Gray {
	out := image.NewGray(g.Rect)
	period, phase := 2.2+1.3*r.Float64(), 6*r.Float64()
	for i, v := range g.Pix {
		x, y := i%g.Stride, i/g.Stride
		level := float64(v) * (1 + 0.12*math.Sin(2*math.Pi*float64(x)/period+phase)*math.Sin(2*math.Pi*float64(y)/period))
		out.Pix[i] = uint8(max(0, min(255, level)))
	}
	return out
}

// framed is a picture with the edge of a phone or a sheet around it.
func framed(g *image.Gray) *image.Gray {
	out := image.NewGray(g.Rect)
	copy(out.Pix, g.Pix)
	for y := range g.Rect.Dy() {
		for x := range g.Rect.Dx() {
			if x < 60 || y < 12 || x > g.Rect.Dx()-60 {
				out.Pix[y*g.Stride+x] = 85
			}
		}
	}
	return out
}

// glossy is a picture behind glass in which a lamp is mirrored.
func glossy(g *image.Gray, r *rand.Rand) *image.Gray {
	out := image.NewGray(g.Rect)
	cx, cy := 320+20*r.NormFloat64(), 290+20*r.NormFloat64()
	for i, v := range g.Pix {
		d := math.Hypot(float64(i%g.Stride)-cx, float64(i/g.Stride)-cy) / 30
		out.Pix[i] = uint8(min(255, float64(v)+220*math.Exp(-d*d)))
	}
	return out
}

// seen returns what a picture shows, drawing again while no hand is found.
func seen(t *testing.T, draw func() *image.Gray) Capture {
	t.Helper()
	for range 20 {
		c, err := See(draw())
		if err == nil {
			return c
		}
		if !errors.Is(err, ErrNoHand) {
			t.Fatal(err)
		}
	}
	t.Fatal("twenty drawings of a hand and no hand is seen")
	return Capture{}
}

// living shows captures to a session and returns what it says in the end.
func living(captures []Capture, asked ...Challenge) error {
	s := NewSession(len(captures), asked...)
	for _, c := range captures {
		s.Add(c)
	}
	return s.Err()
}

// passes reports whether pictures are taken for a living hand. One in which no hand
// is seen is not.
func passes(t *testing.T, pictures []*image.Gray, asked ...Challenge) bool {
	t.Helper()
	s := NewSession(len(pictures), asked...)
	for _, g := range pictures {
		c, err := See(g)
		if errors.Is(err, ErrNoHand) {
			return false
		}
		if err != nil {
			t.Fatal(err)
		}
		s.Add(c)
	}
	return s.Complete()
}

// TestPicturesOfHandsAreTold: sheets, screens and glass before the camera. The
// hands and what is shown of them are drawn, so the shares are of drawings.
func TestPicturesOfHandsAreTold(t *testing.T) {
	var hands, spreading, sheets, screens, frames, glass Rate
	for n := range *attacks {
		p := palmtest.NewPerson(uint64(n))
		p.Bright = 120 // a lamp that burns nothing out
		r := rand.New(rand.NewPCG(uint64(n), 9))
		together, apart := *p, *p
		together.Spread, apart.Spread = 0.75, 1.5
		first := seen(t, func() *image.Gray { return together.Capture(r) })
		still, spread := NewSession(MinCaptures), NewSession(MinCaptures, Spread)
		still.Add(first)
		spread.Add(first)
		for range 3 { // a camera sees the hand for some seconds
			next := seen(t, func() *image.Gray { return apart.Capture(r) })
			still.Add(next)
			spread.Add(next)
		}
		hands.count(!still.Complete())
		spreading.count(!spread.Complete())
		for _, size := range []float64{0.9, 1, 1.1} {
			flat := moved(p.Capture(r), r, 1)
			again := moved(p.Capture(r), r, size)
			sheet := moved(flat, r, size)
			sheets.count(passes(t, []*image.Gray{flat, sheet}, Spread))
			screens.count(passes(t, []*image.Gray{lit(flat, r), lit(again, r)}))
			glass.count(passes(t, []*image.Gray{flat, glossy(again, r)}))
			frames.count(passes(t, []*image.Gray{flat, framed(again)}))
		}
	}
	t.Logf("hands refused %v, when asked to spread their fingers %v", hands, spreading)
	t.Logf("taken for hands: sheets that are moved, asked to spread %v, screens %v, glass with a lamp %v, a frame in sight %v",
		sheets, screens, glass, frames)
	if hands.Share() > 0.05 || spreading.Share() > 0.1 {
		t.Errorf("hands refused %v, spreading %v: want at most 5 and 10 %%", hands, spreading)
	}
	for what, r := range map[string]Rate{"sheets": sheets, "screens": screens, "glass": glass, "frames": frames} {
		if r.Share() > 0.05 {
			t.Errorf("%s taken for hands: %v, want at most 5 %%", what, r)
		}
	}
}

// TestAHandDoesWhatItIsAsked: in the order in which it is asked, and a picture that
// is only held does not.
func TestAHandDoesWhatItIsAsked(t *testing.T) {
	codes := drawn(1, 3)
	at := func(i int, width, turn, finger float64) Capture {
		c := Capture{Code: codes[i], Width: width, Turn: turn, whole: true}
		for k := range c.marks {
			c.marks[k] = point{float64(k%4) * width, float64(k/4) * width}
		}
		c.marks[5].y += finger * width
		return c
	}
	first, near, spread := at(0, 100, 0, 0), at(1, 115, 0, 0), at(2, 115, 0.02, 0.4)
	for story, tt := range map[string]struct {
		captures []Capture
		asked    []Challenge
		want     error
	}{
		"it comes nearer and spreads":        {[]Capture{first, near, spread}, []Challenge{Nearer, Spread}, nil},
		"the other way around":               {[]Capture{first, near, spread}, []Challenge{Spread, Nearer}, ErrNotAlive},
		"it was to go back":                  {[]Capture{first, near, spread}, []Challenge{Farther, Spread}, ErrNotAlive},
		"it was to turn":                     {[]Capture{first, near, spread}, []Challenge{Turned, Spread}, ErrNotAlive},
		"it turns, all the way around":       {[]Capture{at(0, 100, 3.1, 0), at(1, 100, -3.0, 0)}, []Challenge{Turned}, nil},
		"a picture is held, asked to spread": {[]Capture{first, near}, []Challenge{Spread}, ErrNotAlive},
		"the same picture":                   {[]Capture{first, first}, nil, ErrNotAlive},
		"too few":                            {[]Capture{first, near}, []Challenge{Nearer, Spread}, ErrNotAlive},
		"another hand after the first":       {[]Capture{first, {Code: drawn(2, 1)[0], Width: 120}}, []Challenge{Nearer}, ErrCaptures},
		"one capture alone":                  {[]Capture{first}, nil, ErrCaptures},
	} {
		if err := living(tt.captures, tt.asked...); !errors.Is(err, tt.want) {
			t.Errorf("%s: the session says %v, want %v", story, err, tt.want)
		}
	}
	s := NewSession(3, Nearer)
	for i, c := range []Capture{first, near, spread} {
		if asks := s.Asks(); (asks == Nearer.Asks()) != (i == 1) {
			t.Errorf("before capture %d it asks %q", i+1, asks)
		}
		if s.Add(c) != (i == 2) {
			t.Errorf("capture %d: complete = %v", i+1, s.Complete())
		}
	}
	if got := s.Codes(); len(got) != 3 || Distance(s.Best(), got[1]) > Same {
		t.Errorf("%d codes are kept, want all three and the best among them", len(got))
	}
	for range 50 {
		d := Draw()
		if len(d) != 2 || d[0] == d[1] || d[0] != Spread && d[1] != Spread {
			t.Fatalf("Draw = %v, want a movement and Spread", d)
		}
		for _, c := range d {
			if c.Asks() == Challenge("").Asks() {
				t.Errorf("%s asks nothing of its own", c)
			}
		}
	}
}
