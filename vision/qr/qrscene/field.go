package qrscene

import (
	"image"
	"math"
	"math/rand/v2"
)

// A field is a picture whose brightnesses are not rounded yet.
type field struct{ v []float64 }

func newField(level float64) *field {
	f := &field{v: make([]float64, Width*Height)}
	for i := range f.v {
		f.v[i] = level
	}
	return f
}

func (f *field) at(x, y int) float64 {
	return f.v[max(0, min(Height-1, y))*Width+max(0, min(Width-1, x))]
}

// glare adds a lamp's reflection: bright in the middle, gone after a quarter
// of the code.
func (f *field) glare(rnd *rand.Rand) {
	cx, cy := Width/2+120*(rnd.Float64()-0.5), Height/2+120*(rnd.Float64()-0.5)
	for y := range Height {
		for x := range Width {
			d := math.Hypot(float64(x)-cx, float64(y)-cy) / 60
			f.v[y*Width+x] += 150 * math.Exp(-d*d)
		}
	}
}

// gauss blurs as a lens out of focus does.
func (f *field) gauss(sigma float64) {
	r := int(math.Ceil(3 * sigma))
	kernel, sum := make([]float64, 2*r+1), 0.0
	for i := range kernel {
		d := float64(i-r) / sigma
		kernel[i] = math.Exp(-d * d / 2)
		sum += kernel[i]
	}
	f.weigh(func(x, y int) float64 {
		var v float64
		for i, k := range kernel {
			v += k * f.at(x+i-r, y)
		}
		return v / sum
	})
	f.weigh(func(x, y int) float64 {
		var v float64
		for i, k := range kernel {
			v += k * f.at(x, y+i-r)
		}
		return v / sum
	})
}

// smear blurs along a line, as a phone that moves is.
func (f *field) smear(n int, angle float64) {
	dx, dy := math.Cos(angle), math.Sin(angle)
	f.weigh(func(x, y int) float64 {
		var v float64
		for i := range n {
			d := float64(i) - float64(n-1)/2
			fx, fy := float64(x)+d*dx, float64(y)+d*dy
			ix, iy := int(math.Floor(fx)), int(math.Floor(fy))
			ax, ay := fx-float64(ix), fy-float64(iy)
			v += (f.at(ix, iy)*(1-ax)+f.at(ix+1, iy)*ax)*(1-ay) + (f.at(ix, iy+1)*(1-ax)+f.at(ix+1, iy+1)*ax)*ay
		}
		return v / float64(n)
	})
}

func (f *field) weigh(at func(x, y int) float64) {
	out := make([]float64, len(f.v))
	for y := range Height {
		for x := range Width {
			out[y*Width+x] = at(x, y)
		}
	}
	f.v = out
}

// gray rounds the picture, with the noise of a sensor.
func (f *field) gray(noise float64, rnd *rand.Rand) *image.Gray {
	g := image.NewGray(image.Rect(0, 0, Width, Height))
	for i, v := range f.v {
		if noise > 0 {
			v += noise * rnd.NormFloat64()
		}
		g.Pix[i] = uint8(max(0, min(255, math.Round(v))))
	}
	return g
}
