package mount

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

	"github.com/vouchledger/vouch/vision/track"
)

// The colours of the grid: each metre, half of it, the marks, persons.
var (
	metreColour  = color.RGBA{0, 220, 255, 255}
	halfColour   = color.RGBA{0, 140, 170, 255}
	markColour   = color.RGBA{255, 60, 60, 255}
	personColour = color.RGBA{255, 220, 0, 255}
)

// Grid draws the floor as the file has it into a picture of the camera: a line
// each half metre with its coordinates, the marks, and if it is known where the
// camera hangs, the outline of a person each metre and a half. Where the lines
// lie beside the tiles or a person floats, a measure is wrong.
func (m *Mount) Grid(dst draw.Image) error {
	b := dst.Bounds()
	if err := m.CheckSize(b.Dx(), b.Dy()); err != nil {
		return err
	}
	lo, hi := m.Reach(beyond)
	x0, x1, y0, y1 := math.Ceil(2*lo.X), math.Floor(2*hi.X), math.Ceil(2*lo.Y), math.Floor(2*hi.Y)
	for x := x0; x <= x1; x++ {
		m.line(dst, track.Point{X: x / 2, Y: lo.Y}, track.Point{X: x / 2, Y: hi.Y}, lineColour(x))
	}
	for y := y0; y <= y1; y++ {
		m.line(dst, track.Point{X: lo.X, Y: y / 2}, track.Point{X: hi.X, Y: y / 2}, lineColour(y))
	}
	for x := math.Ceil(lo.X); x <= hi.X; x++ {
		for y := math.Ceil(lo.Y); y <= hi.Y; y++ {
			if p, ok := m.see(track.Point{X: x, Y: y}); ok {
				write(dst, p, fmt.Sprintf("%g,%g", x+0, y+0), metreColour)
			}
		}
	}
	if m.stands {
		for x := lo.X + beyond + 0.5; x < hi.X; x += personsApart {
			for y := lo.Y + beyond + 0.5; y < hi.Y; y += personsApart {
				polygon(dst, m.Person(x, y), personColour)
			}
		}
	}
	for i, p := range m.Points {
		at := track.Point{X: p.Picture[0], Y: p.Picture[1]}
		segment(dst, track.Point{X: at.X - 5, Y: at.Y}, track.Point{X: at.X + 5, Y: at.Y}, markColour)
		segment(dst, track.Point{X: at.X, Y: at.Y - 5}, track.Point{X: at.X, Y: at.Y + 5}, markColour)
		write(dst, track.Point{X: at.X + 4, Y: at.Y - 3}, fmt.Sprint(i+1), markColour)
	}
	return nil
}

const (
	// beyond is how many metres the grid goes beyond the marks, personsApart how
	// far apart persons are drawn.
	beyond, personsApart = 0.5, 1.5
)

func lineColour(half float64) color.RGBA {
	if math.Mod(half, 2) == 0 {
		return metreColour
	}
	return halfColour
}

// see returns where a place of the floor is in the picture, if it lies on the
// camera's side of the horizon.
func (m *Mount) see(p track.Point) (track.Point, bool) {
	h := m.floor
	at := h.Picture(p)
	first := m.Points[0].Picture
	side := func(x, y float64) bool { return h[6]*x+h[7]*y+h[8] > 0 }
	if math.IsNaN(at.X) || math.IsInf(at.X, 0) || side(at.X, at.Y) != side(first[0], first[1]) {
		return at, false
	}
	return at, at.X > -float64(m.Width) && at.X < 2*float64(m.Width) && at.Y > -float64(m.Height) && at.Y < 2*float64(m.Height)
}

// line draws a line of the floor piece by piece: a part of it may be behind
// the camera.
func (m *Mount) line(dst draw.Image, p, q track.Point, c color.Color) {
	n := int(10*p.Distance(q)) + 1
	for i := range n {
		at := func(i int) track.Point {
			f := float64(i) / float64(n)
			return track.Point{X: p.X + f*(q.X-p.X), Y: p.Y + f*(q.Y-p.Y)}
		}
		a, ok := m.see(at(i))
		b, too := m.see(at(i + 1))
		if ok && too {
			segment(dst, a, b, c)
		}
	}
}

func polygon(dst draw.Image, corners []track.Point, c color.Color) {
	for i, p := range corners {
		segment(dst, p, corners[(i+1)%len(corners)], c)
	}
}

// segment draws a line between two points of the picture.
func segment(dst draw.Image, p, q track.Point, c color.Color) {
	n := int(max(math.Abs(q.X-p.X), math.Abs(q.Y-p.Y))) + 1
	corner := dst.Bounds().Min
	for i := range n + 1 {
		f := float64(i) / float64(n)
		at := image.Pt(corner.X+int(math.Round(p.X+f*(q.X-p.X))), corner.Y+int(math.Round(p.Y+f*(q.Y-p.Y))))
		if at.In(dst.Bounds()) {
			dst.Set(at.X, at.Y, c)
		}
	}
}

// write puts text to the right of a point.
func write(dst draw.Image, p track.Point, text string, c color.Color) {
	d := font.Drawer{
		Dst: dst, Src: image.NewUniform(c), Face: basicfont.Face7x13,
		Dot: fixed.P(dst.Bounds().Min.X+int(p.X)+2, dst.Bounds().Min.Y+int(p.Y)-2),
	}
	d.DrawString(text)
}
