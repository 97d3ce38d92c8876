package recognise

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// wares are the products of the drawn catalogue: a ground, a print and how
// the print lies.
var wares = []struct {
	sku           string
	ground, print color.RGBA
	stripe        int // width of the print's stripes; 0 is dots
	upright       bool
}{
	{"apple-red", color.RGBA{200, 30, 40, 255}, color.RGBA{230, 120, 90, 255}, 0, false},
	{"banana", color.RGBA{235, 210, 60, 255}, color.RGBA{150, 110, 40, 255}, 12, true},
	{"cola", color.RGBA{60, 20, 20, 255}, color.RGBA{220, 20, 30, 255}, 6, false},
	{"ginger", color.RGBA{190, 160, 110, 255}, color.RGBA{130, 100, 60, 255}, 0, false},
	{"juice-orange", color.RGBA{245, 150, 30, 255}, color.RGBA{255, 255, 255, 255}, 8, true},
	{"lime", color.RGBA{110, 190, 50, 255}, color.RGBA{60, 130, 30, 255}, 0, false},
	{"milk", color.RGBA{240, 240, 245, 255}, color.RGBA{40, 80, 200, 255}, 8, false},
	{"plum", color.RGBA{90, 40, 110, 255}, color.RGBA{50, 20, 70, 255}, 0, false},
	{"soap", color.RGBA{250, 180, 200, 255}, color.RGBA{90, 200, 220, 255}, 5, true},
	{"water", color.RGBA{140, 200, 230, 255}, color.RGBA{250, 250, 250, 255}, 10, false},
}

// snap draws one picture of a product; each is another view of it.
func snap(ware, view int) *image.RGBA {
	w := wares[ware]
	rng := rand.New(rand.NewPCG(uint64(ware), uint64(view)))
	img := image.NewRGBA(image.Rect(0, 0, 72, 80))
	shift, light := rng.IntN(20), 0.85+0.3*rng.Float64()
	cx, cy, r := 36+rng.IntN(7)-3, 40+rng.IntN(7)-3, 26+rng.IntN(6)
	for y := range 80 {
		for x := range 72 {
			c := color.RGBA{120, 118, 115, 255} // the shelf
			if dx, dy := x-cx, y-cy; dx*dx+dy*dy < r*r {
				c = w.ground
				at := y
				if w.upright {
					at = x
				}
				switch {
				case w.stripe > 0 && (at+shift)/w.stripe%2 == 0, w.stripe == 0 && (x+shift)%9 < 3 && (y+shift)%9 < 3:
					c = w.print
				}
			}
			lit := func(v uint8) uint8 { return uint8(max(0, min(255, float64(v)*light+8*rng.NormFloat64()))) }
			img.SetRGBA(x, y, color.RGBA{lit(c.R), lit(c.G), lit(c.B), 255})
		}
	}
	return img
}

// photograph writes pictures of products, a folder each, and lists them.
func photograph(t testing.TB, which []int, from, until int) []Sample {
	t.Helper()
	dir := t.TempDir()
	for _, ware := range which {
		folder := filepath.Join(dir, wares[ware].sku)
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		for view := from; view < until; view++ {
			f, err := os.Create(filepath.Join(folder, fmt.Sprintf("%03d.png", view)))
			if err != nil {
				t.Fatal(err)
			}
			if err := png.Encode(f, snap(ware, view)); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	samples, err := ReadCatalogue(dir)
	if err != nil {
		t.Fatal(err)
	}
	return samples
}

func all(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// mirror is a network that gives a few numbers of a picture.
type mirror struct{ n int }

func (m mirror) Numbers(p Picture) ([]float32, error) {
	out := make([]float32, m.n)
	for i, v := range p.RGB {
		out[i%m.n] += float32(v) / 255
	}
	return out, nil
}
