package qrscene

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"

	"github.com/vouchledger/vouch/vision/qr"
)

// Width and Height are the size of every picture.
const (
	Width  = 640
	Height = 480
)

// A Picture is a drawn code and what it says.
type Picture struct {
	Gray *image.Gray
	Text string
}

// A condition is what is done to a code.
type condition struct {
	name string
	// The code: pixels of a module (0 is 5), turn in radians, lean as the share
	// by which the far side is shorter.
	module, turn, lean float64
	dark               bool // white modules are drawn on a phone that is dim
	inverted           bool
	covered            float64 // share of the code under a thumb
	// The camera.
	sigma    float64 // of its blur, in pixels
	smear    int     // pixels of motion
	noise    float64
	low      bool // 110 to 140 instead of 20 to 235
	glare    bool
	jpegging int // quality; 0 is none
}

var conditions = []condition{
	{name: "clean"},
	{name: "blur 1.0", sigma: 1},
	{name: "blur 1.8", sigma: 1.8},
	{name: "motion 7 px", smear: 7},
	{name: "noise 25", noise: 25},
	{name: "low contrast", low: true, noise: 2},
	{name: "glare", glare: true},
	{name: "JPEG 15", jpegging: 15},
	{name: "modules of 2.2 px", module: 2.2, sigma: 0.5},
	{name: "modules of 1.6 px", module: 1.6, sigma: 0.5},
	{name: "perspective 20 %", lean: 0.2},
	{name: "perspective 35 %", lean: 0.35},
	{name: "turned, leaning, blurred", turn: 0.35, lean: 0.2, sigma: 1.2},
	{name: "inverted", inverted: true},
	{name: "8 % covered", covered: 0.08},
	{name: "dark phone", dark: true, noise: 6},
}

// Conditions returns the names of the conditions.
func Conditions() []string {
	names := make([]string, len(conditions))
	for i, c := range conditions {
		names[i] = c.name
	}
	return names
}

// letters are those of a signed token: the byte mode of a QR code.
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// lengths are those of an opaque token, a short ticket and a long one.
var lengths = []int{48, 90, 140}

// Draw returns the picture with this number in a condition of Conditions.
func Draw(name string, number int) (Picture, error) {
	for _, c := range conditions {
		if c.name == name {
			return c.draw(number)
		}
	}
	return Picture{}, fmt.Errorf("draw %q: no such condition", name)
}

func (c condition) draw(number int) (Picture, error) {
	h := fnv.New64a()
	h.Write([]byte(c.name))                                 //nolint:gosec // a hash takes all
	rnd := rand.New(rand.NewPCG(h.Sum64(), uint64(number))) //nolint:gosec // a drawing comes again by its number
	text := make([]byte, lengths[number%len(lengths)])
	for i := range text {
		text[i] = letters[rnd.IntN(len(letters))]
	}
	code, err := qr.Encode(string(text))
	if err != nil {
		return Picture{}, err
	}
	f := c.paint(code, rnd)
	if c.glare {
		f.glare(rnd)
	}
	if c.sigma > 0 {
		f.gauss(c.sigma)
	}
	if c.smear > 1 {
		f.smear(c.smear, rnd.Float64()*math.Pi)
	}
	g := f.gray(c.noise, rnd)
	if c.jpegging > 0 {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, g, &jpeg.Options{Quality: c.jpegging}); err != nil {
			return Picture{}, err
		}
		m, err := jpeg.Decode(&b)
		if err != nil {
			return Picture{}, err
		}
		g = qr.Gray(m)
	}
	return Picture{Gray: g, Text: string(text)}, nil
}

// levels returns the brightness of the wall, and of black and white modules.
func (c condition) levels() (wall, black, white float64) {
	switch {
	case c.low:
		return 125, 110, 140
	case c.dark:
		return 40, 12, 70
	case c.inverted:
		return 20, 235, 20
	}
	return 170, 20, 235
}

// paint draws the code in its place. Each pixel is the mean of sixteen points,
// which is what a sensor does.
func (c condition) paint(code *qr.Code, rnd *rand.Rand) *field {
	wall, black, white := c.levels()
	module := c.module
	if module == 0 {
		module = min(5, 400/float64(code.Size()+2*qr.Quiet))
	}
	turn := c.turn
	if turn == 0 {
		turn = 0.06
	}
	p := place{
		side: float64(code.Size() + 2*qr.Quiet), module: module, turn: turn * (2*rnd.Float64() - 1),
		lean: c.lean, from: rnd.Float64() * 2 * math.Pi,
		x: Width/2 + 60*(rnd.Float64()-0.5), y: Height/2 + 30*(rnd.Float64()-0.5),
	}
	if c.turn > 0 {
		p.turn = c.turn * (0.5 + 0.5*rnd.Float64())
	}
	thumb := thumbOver(code, c.covered, rnd)
	f := newField(wall)
	const fine = 4
	for y := range Height {
		for x := range Width {
			var sum float64
			for i := range fine * fine {
				u, v := p.module2(float64(x)+(float64(i%fine)+0.5)/fine, float64(y)+(float64(i/fine)+0.5)/fine)
				level := wall
				if u >= 0 && v >= 0 && u < p.side && v < p.side {
					level = white
					if code.Black(int(u)-qr.Quiet, int(v)-qr.Quiet) {
						level = black
					}
					if thumb.over(u-qr.Quiet, v-qr.Quiet) {
						level = 120
					}
				}
				sum += level
			}
			f.v[y*Width+x] = sum / (fine * fine)
		}
	}
	return f
}

// A place is where a code is in the picture: its middle, its turn, and how
// much it leans away in the direction from.
type place struct {
	side, module, turn, lean, from, x, y float64
}

// module2 returns which module, border included, is seen at a pixel.
func (p place) module2(x, y float64) (u, v float64) {
	dx, dy := (x-p.x)/p.module, (y-p.y)/p.module
	if p.lean > 0 {
		// Where the far side is 1-lean as long as the near one, depth grows by
		// k for each half side.
		k := p.lean / (2 - p.lean)
		nx, ny := math.Cos(p.from), math.Sin(p.from)
		along := (dx*nx + dy*ny) / (p.side / 2)
		s := 1 / (1 - k*along)
		if s <= 0 {
			return -1, -1
		}
		dx, dy = dx*s, dy*s
	}
	cos, sin := math.Cos(p.turn), math.Sin(p.turn)
	return dx*cos + dy*sin + p.side/2, dy*cos - dx*sin + p.side/2
}

// A thumb covers a disc of the code, clear of the three finders: a code
// without one is not found by anybody.
type thumb struct{ x, y, r float64 }

func thumbOver(code *qr.Code, share float64, rnd *rand.Rand) thumb {
	if share == 0 {
		return thumb{}
	}
	n := float64(code.Size())
	r := n * math.Sqrt(share/math.Pi)
	for {
		t := thumb{r + rnd.Float64()*(n-2*r), r + rnd.Float64()*(n-2*r), r}
		clear := true
		for _, f := range [][2]float64{{3.5, 3.5}, {n - 3.5, 3.5}, {3.5, n - 3.5}} {
			clear = clear && math.Hypot(t.x-f[0], t.y-f[1]) > r+5
		}
		if clear {
			return t
		}
	}
}

func (t thumb) over(u, v float64) bool { return t.r > 0 && math.Hypot(u-t.x, v-t.y) < t.r }
