package render

import (
	"fmt"
	"math"

	"github.com/vouchledger/vouch/vision/qr"
	"github.com/vouchledger/vouch/vision/render/film"
	"github.com/vouchledger/vouch/vision/render/random"
)

// GateClip says how a phone is held before a gate's camera.
type GateClip struct {
	Seed          uint64
	Code          string // what the QR code on the phone says
	Seconds       float64
	Width, Height int
	FPS           int
	Noise         float64
}

// NewGateClip returns a clip of four seconds, 640 x 480.
func NewGateClip(seed uint64, code string) GateClip {
	return GateClip{Seed: seed, Code: code, Seconds: 4, Width: 640, Height: 480, FPS: DefaultFPS, Noise: DefaultNoise}
}

// A Gate draws the frames of one clip. It is not for several goroutines.
type Gate struct {
	GateClip
	frames int
	scale  float64
	empty  *frame
	phone  *sprite
	film   film.Film
	sway   [8]float64
}

// Size of the phone's picture in its own pixels, about three for each that is
// shown.
const (
	phoneW = 720
	phoneH = 1440
)

// NewGate paints the entrance and the phone.
func NewGate(c GateClip) (*Gate, error) {
	switch {
	case c.Width < 320 || c.Width > 1920 || c.Width%2 != 0 || c.Height%2 != 0 ||
		c.Height < c.Width/2 || c.Height > c.Width:
		return nil, fmt.Errorf("%w: %d x %d, the width must be 320 or more", ErrSize, c.Width, c.Height)
	case c.FPS < 5 || c.FPS > 120 || c.Seconds < 1.5 || c.Seconds > 3600:
		return nil, fmt.Errorf("%w: %g seconds at %d frames a second", ErrScenario, c.Seconds, c.FPS)
	}
	code, err := qr.Encode(c.Code)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrScenario, err)
	}
	g := &Gate{
		GateClip: c, frames: int(math.Round(c.Seconds * float64(c.FPS))), scale: float64(c.Width) / 640,
		film: film.New(c.Seed, c.Noise),
	}
	r := random.New(c.Seed, 7)
	for i := range g.sway {
		g.sway[i] = r.Between(0, 2*math.Pi)
	}
	g.phone = phone(code, randomArm(r)).halved()
	g.empty = entrance(c.Width, c.Height, g.scale)
	return g, nil
}

// Frames returns how many frames there are.
func (g *Gate) Frames() int { return g.frames }

// phone paints a hand that holds a phone with a ticket on its screen.
func phone(code *qr.Code, look armLook) *canvas {
	c := newCanvas(phoneW+300, phoneH+360)
	const x0, y0 = 150.0, 60.0
	skin := func(along, across float64) rgb { return look.skin.times(1 - 0.08*along + 0.03*across) }
	// The palm is behind the phone, the fingers come around its left side.
	c.limb(limb{x0 + 560, 1790, 250, x0 + 430, 1210, 230}, skin)
	c.limb(limb{x0 + 640, 1500, 120, x0 + 700, 1080, 76}, skin)
	c.panel(box{x0, y0, x0 + phoneW, y0 + phoneH}, 92, func(x, _ float64) rgb {
		return hex(0x24262b).times(0.8 + 0.6*bump(x, x0+10, 12) + 0.4*bump(x, x0+phoneW-10, 10))
	})
	c.panel(box{x0 + 26, y0 + 26, x0 + phoneW - 26, y0 + phoneH - 26}, 70, func(_, y float64) rgb {
		return hex(0xf4f6fa).to(hex(0xdfe6f2), (y-y0)/phoneH)
	})
	c.panel(box{x0 + 26, y0 + 26, x0 + phoneW - 26, y0 + 300}, 70, plain(hex(0x1d3f72)))
	c.panel(box{x0 + 26, y0 + 200, x0 + phoneW - 26, y0 + 300}, 4, plain(hex(0x1d3f72)))
	c.panel(box{x0 + 270, y0 + 48, x0 + 450, y0 + 78}, 15, plain(hex(0x0c0d10)))
	for i, row := range [][3]float64{{150, 190, 300}, {218, 190, 480}} { // a greeting that cannot be read
		col := white.to(hex(0x1d3f72), 0.35*float64(i))
		c.panel(box{x0 + row[1], y0 + row[0], x0 + row[1] + row[2], y0 + row[0] + 38}, 10, plain(col))
	}
	module := math.Floor(620 / float64(code.Size()+2*qr.Quiet))
	side := module * float64(code.Size()+2*qr.Quiet)
	left, top := x0+(phoneW-side)/2, y0+370.0
	c.panel(box{left, top, left + side, top + side}, 10, func(x, y float64) rgb {
		if code.Black(int((x-left)/module)-qr.Quiet, int((y-top)/module)-qr.Quiet) {
			return hex(0x101114)
		}
		return white
	})
	for i, w := range []float64{420, 300, 360} {
		y := top + side + 60 + 70*float64(i)
		c.panel(box{x0 + (phoneW-w)/2, y, x0 + (phoneW+w)/2, y + 26}, 8, plain(hex(0xa9b3c4)))
	}
	for i := range 4 { // finger tips
		y := 620 + 175*float64(i)
		c.limb(limb{x0 - 60, y + 40, 62, x0 + 34, y, 46}, skin)
	}
	c.limb(limb{x0 + phoneW + 40, 1180, 88, x0 + phoneW - 46, 800, 62}, func(along, across float64) rgb {
		nail := smooth(0.3, 0.8, bump(along, 0.9, 0.12)*bump(across, 0, 0.6))
		return skin(along, across).to(hex(0xf3d3c5), 0.6*nail)
	})
	return c
}

// entrance paints a shop's entrance out of focus: glass doors, floor, lamps.
func entrance(w, h int, k float64) *frame {
	c := newCanvas(w, h)
	fw, fh := float64(w), float64(h)
	c.fill(func(_, y float64) (rgb, float64) {
		t := y / fh
		return hex(0x6d7680).to(hex(0x3c4148), smooth(0, 0.62, t)).to(hex(0x8b8173), smooth(0.62, 0.72, t)), 1
	})
	for i := range 6 { // lamps on the ceiling
		x, y := fw*(0.08+0.17*float64(i)), fh*(0.09+0.03*random.Grain(i, 0, 31))
		c.blob(x, y, 46*k, 7*k, hex(0xfff4d6), 0.9)
	}
	for i := range 4 { // shelves far away
		x, wide := fw*(0.015+0.25*float64(i)), 0.2*fw
		c.panel(box{x, fh * 0.2, x + wide, fh * 0.66}, 3, plain(hex(0x4a4f55)))
		for j := range 32 {
			col := []rgb{hex(0x9a3b34), hex(0x3b6c98), hex(0xb79a3c), hex(0x4b7f55), hex(0xc9c2b2)}[int(random.Grain(i, j, 32)*5)]
			px, foot := x+wide*(0.03+0.12*float64(j%8)), fh*(0.31+0.11*float64(j/8))
			c.panel(box{px, foot - fh*(0.05+0.04*random.Grain(i, j, 33)), px + 0.1*wide, foot}, 2, plain(col.times(0.8)))
			c.panel(box{x, foot, x + wide, foot + fh*0.012}, 0, plain(hex(0xb9bdc2)))
		}
	}
	c.soften(max(1, int(5*k)))
	for _, x := range []float64{0.02, 0.9} { // the gate's pillars, nearer
		c.panel(box{fw * x, fh * 0.5, fw*x + 50*k, fh + 20}, 12*k, func(px, _ float64) rgb {
			return hex(0xc6cbd0).times(0.45 + 0.6*bump((px-fw*x)/(50*k), 0.35, 0.35))
		})
		c.blob(fw*x+25*k, fh*0.56, 12*k, 5*k, hex(0x57d67a), 0.9)
	}
	c.soften(max(1, int(1.4*k)))
	f := &frame{w: w, h: h, pix: make([]uint8, 3*w*h)}
	for i := range w * h {
		f.pix[3*i], f.pix[3*i+1], f.pix[3*i+2] = level(c.pix[4*i+2]), level(c.pix[4*i+1]), level(c.pix[4*i])
	}
	return f
}

// Frame draws frame n into dst as packed blue-green-red bytes.
func (g *Gate) Frame(n int, dst []byte) {
	if len(dst) != 3*g.Width*g.Height {
		panic(fmt.Sprintf("render: %d bytes for a frame of %d x %d", len(dst), g.Width, g.Height))
	}
	f := &frame{w: g.Width, h: g.Height, pix: dst}
	copy(f.pix, g.empty.pix)
	now, before := g.pose(float64(n)), g.pose(float64(n)-0.5)
	g.project(f, now, before)
	lamp := 1 + 0.03*math.Sin(float64(n)/41)
	g.film.Develop(f.pix, f.w, film.Hard(film.Gains{lamp, lamp, lamp}), random.New(g.Seed+uint64(n), 8)) //nolint:gosec // n counts from 0
}

// plane turns a place in the frame into one of the phone's picture: a
// projective map, divided by its third row.
type plane [9]float64

func (p *plane) at(x, y float64) (u, v float64) {
	w := 1 / (p[6]*x + p[7]*y + p[8])
	return (p[0]*x + p[1]*y + p[2]) * w, (p[3]*x + p[4]*y + p[5]) * w
}

// pose returns how the phone is held at time t in frames: it comes up, sways,
// leans, comes nearer, and goes.
func (g *Gate) pose(t float64) plane {
	sec, end := t/float64(g.FPS), float64(g.frames)/float64(g.FPS)
	away := 1 - ease(sec/0.9) + ease((sec-end+0.8)/0.7)
	wave := func(i int, period float64) float64 { return math.Sin(2*math.Pi*sec/period + g.sway[i]) }
	zoom := (0.345 + 0.02*wave(0, 2.9) - 0.05*away) * g.scale
	turn := 0.10*wave(1, 3.7) + 0.35*away
	leanX, leanY := 0.16*wave(2, 2.3)+0.1*wave(3, 1.1), 0.13*wave(4, 2.7)
	cx := float64(g.Width)*0.5 + 22*g.scale*wave(5, 1.9)
	cy := float64(g.Height)*0.53 + 14*g.scale*wave(6, 1.3) + away*float64(g.Height)*1.1
	// Forwards: the phone's middle at the origin, turned about three axes and
	// seen from a distance of 2600 of its pixels. The inverse of a rotation
	// seen from afar is worked out by inverting the 3 x 3 matrix.
	const far = 2600
	cz, sz := math.Cos(turn), math.Sin(turn)
	cyw, syw := math.Cos(leanX), math.Sin(leanX)
	cp, sp := math.Cos(leanY), math.Sin(leanY)
	r := [9]float64{ // rows: x, y, depth of the unit vectors along the phone
		cz * cyw, -sz*cp + cz*syw*sp, 0,
		sz * cyw, cz*cp + sz*syw*sp, 0,
		-syw / far, cyw * sp / far, 1,
	}
	mx, my := float64(phoneW)/2+150, float64(phoneH)*0.45+60
	m := multiply([9]float64{zoom, 0, cx, 0, zoom, cy, 0, 0, 1}, r)
	m = multiply(m, [9]float64{1, 0, -mx, 0, 1, -my, 0, 0, 1})
	return invert3(m)
}

func multiply(a, b [9]float64) (c [9]float64) {
	for i := range 3 {
		for j := range 3 {
			c[3*i+j] = a[3*i]*b[j] + a[3*i+1]*b[3+j] + a[3*i+2]*b[6+j]
		}
	}
	return c
}

// invert3 returns the inverse up to a factor, which a projective map ignores.
func invert3(m [9]float64) plane {
	return plane{
		m[4]*m[8] - m[5]*m[7], m[2]*m[7] - m[1]*m[8], m[1]*m[5] - m[2]*m[4],
		m[5]*m[6] - m[3]*m[8], m[0]*m[8] - m[2]*m[6], m[2]*m[3] - m[0]*m[5],
		m[3]*m[7] - m[4]*m[6], m[1]*m[6] - m[0]*m[7], m[0]*m[4] - m[1]*m[3],
	}
}

// project lays the phone over the frame: the mean of four samples, two in
// each of the places it has while the shutter is open.
func (g *Gate) project(f *frame, now, before plane) {
	w, h := float64(2*g.phone.w), float64(2*g.phone.h)
	for y := range f.h {
		for x := range f.w {
			fx, fy := float64(x), float64(y)
			u, v := now.at(fx+0.25, fy+0.75)
			if u < -40 || v < -40 || u > w+40 || v > h+40 {
				continue
			}
			var sum [4]uint32
			g.phone.sample(&sum, u, v)
			u, v = now.at(fx+0.75, fy+0.25)
			g.phone.sample(&sum, u, v)
			u, v = before.at(fx+0.25, fy+0.25)
			g.phone.sample(&sum, u, v)
			u, v = before.at(fx+0.75, fy+0.75)
			g.phone.sample(&sum, u, v)
			p, rest := f.pix[3*(y*f.w+x):][:3], 1020-sum[3]
			for c := range p {
				p[c] = uint8(min(255, (sum[c]+uint32(p[c])*rest/255+2)/4)) //nolint:gosec // bounded
			}
		}
	}
}

// sample adds the pixel at u, v of the picture the sprite was halved from.
func (s *sprite) sample(sum *[4]uint32, u, v float64) {
	x, y := int(u/2), int(v/2)
	if u < 0 || v < 0 || x >= s.w || y >= s.h {
		return
	}
	p := s.pix[4*(y*s.w+x):][:4]
	for k := range sum {
		sum[k] += uint32(p[k])
	}
}

// halved returns the canvas at half its size. All of it is kept, so that
// places stay where they were.
func (c *canvas) halved() *sprite {
	s := &sprite{w: c.w / 2, h: c.h / 2}
	s.pix = make([]uint8, 4*s.w*s.h)
	for y := range s.h {
		for x := range s.w {
			for k := range 4 {
				at, below := 4*(2*y*c.w+2*x)+k, 4*((2*y+1)*c.w+2*x)+k
				v := (c.pix[at] + c.pix[at+4] + c.pix[below] + c.pix[below+4]) / 4
				s.pix[4*(y*s.w+x)+[4]int{2, 1, 0, 3}[k]] = level(v)
			}
		}
	}
	return s
}
