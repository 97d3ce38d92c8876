package qr

import (
	"image"
	"math"
)

// compact returns the picture with its rows packed and its origin at 0, 0.
func compact(g *image.Gray) *image.Gray {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	if g.Stride == w && len(g.Pix) == w*h && g.Rect.Min == (image.Point{}) {
		return g
	}
	out := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		copy(out.Pix[y*w:], g.Pix[y*g.Stride:y*g.Stride+w])
	}
	return out
}

// Gray returns any picture as brightness.
func Gray(m image.Image) *image.Gray {
	if g, ok := m.(*image.Gray); ok {
		return g
	}
	b := m.Bounds()
	out := image.NewGray(image.Rect(0, 0, b.Dx(), b.Dy()))
	for y := range b.Dy() {
		for x := range b.Dx() {
			out.Set(x, y, m.At(b.Min.X+x, b.Min.Y+y))
		}
	}
	return out
}

// mapped applies a table to every pixel.
func mapped(g *image.Gray, table *[256]uint8) *image.Gray {
	out := image.NewGray(g.Rect)
	for i, v := range g.Pix {
		out.Pix[i] = table[v]
	}
	return out
}

// stretch spreads the brightnesses in use over the whole range. One pixel in
// two hundred is given up at each end, so that a lamp does not count.
func stretch(g *image.Gray) *image.Gray {
	var hist [256]int
	for _, v := range g.Pix {
		hist[v]++
	}
	edge := func(from, step int) int {
		left := len(g.Pix) / 200
		for v := from; ; v += step {
			if left -= hist[v]; left < 0 {
				return v
			}
		}
	}
	lo, hi := edge(0, 1), edge(255, -1)
	if hi <= lo {
		return g
	}
	var table [256]uint8
	for v := range table {
		table[v] = clamp(float64(v-lo) * 255 / float64(hi-lo))
	}
	return mapped(g, &table)
}

func invert(g *image.Gray) *image.Gray {
	var table [256]uint8
	for v := range table {
		table[v] = uint8(255 - v) //nolint:gosec // 0 to 255
	}
	return mapped(g, &table)
}

func clamp(v float64) uint8 { return uint8(max(0, min(255, v+0.5))) }

// blur averages over a square of 2r+1 pixels, twice.
func blur(g *image.Gray, r int) *image.Gray {
	return box(box(g, r), r)
}

// box averages with running sums, first along rows and then, row by row, down the
// columns.
func box(g *image.Gray, r int) *image.Gray {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	mid, out := image.NewGray(g.Rect), image.NewGray(g.Rect)
	mean := make([]uint8, 255*(2*r+1)+1) // of a sum
	for sum := range mean {
		mean[sum] = uint8(sum / (2*r + 1)) //nolint:gosec // a mean of bytes
	}
	for y := range h {
		boxRow(mid.Pix[y*w:][:w], g.Pix[y*w:][:w], r, mean)
	}
	row := func(y int) []uint8 { return mid.Pix[max(0, min(h-1, y))*w:][:w] }
	sums := make([]int32, w)
	for y := -r; y <= r; y++ {
		for x, v := range row(y) {
			sums[x] += int32(v)
		}
	}
	for y := range h {
		to, come, gone := out.Pix[y*w:][:w], row(y+r+1), row(y-r)
		for x, sum := range sums {
			to[x] = mean[sum]
			sums[x] = sum + int32(come[x]) - int32(gone[x])
		}
	}
	return out
}

// boxRow averages along one row.
func boxRow(to, row []uint8, r int, mean []uint8) {
	n := len(row)
	at := func(i int) int { return int(row[max(0, min(n-1, i))]) }
	sum := 0
	for i := -r; i <= r; i++ {
		sum += at(i)
	}
	for i := range to {
		to[i] = mean[sum]
		if in, out := i+r+1, i-r; in < n && out >= 0 {
			sum += int(row[in]) - int(row[out])
		} else {
			sum += at(in) - at(out)
		}
	}
}

// sharpen adds what a blur of radius r takes away, times amount.
func sharpen(g *image.Gray, r int, amount float64) *image.Gray {
	soft := blur(g, r)
	out := image.NewGray(g.Rect)
	for i, v := range g.Pix {
		out.Pix[i] = clamp(float64(v) + amount*(float64(v)-float64(soft.Pix[i])))
	}
	return out
}

// even takes away slow changes of brightness: half a face in the shade.
func even(g *image.Gray) *image.Gray {
	soft := blur(g, max(8, g.Rect.Dx()/16))
	out := image.NewGray(g.Rect)
	for i, v := range g.Pix {
		out.Pix[i] = clamp(128 + 2*(float64(v)-float64(soft.Pix[i])))
	}
	return stretch(out)
}

// cubic is the Catmull-Rom kernel.
func cubic(x float64) float64 {
	switch x = math.Abs(x); {
	case x < 1:
		return 1.5*x*x*x - 2.5*x*x + 1
	case x < 2:
		return -0.5*x*x*x + 2.5*x*x - 4*x + 2
	}
	return 0
}

// scale resizes with the cubic kernel; shrinking softens first.
func scale(g *image.Gray, by float64) *image.Gray {
	if by < 1 {
		g = box(g, 1)
	}
	w, h := g.Rect.Dx(), g.Rect.Dy()
	nw, nh := int(float64(w)*by), int(float64(h)*by)
	wide := make([]float32, nw*h)
	resample(nw, by, func(x, first int, k *[4]float32) {
		for y := range h {
			row := g.Pix[y*w : y*w+w]
			var v float32
			for i, f := range k {
				v += f * float32(row[max(0, min(w-1, first+i))])
			}
			wide[y*nw+x] = v
		}
	})
	out := image.NewGray(image.Rect(0, 0, nw, nh))
	resample(nh, by, func(y, first int, k *[4]float32) {
		var rows [4][]float32
		for i := range rows {
			at := max(0, min(h-1, first+i)) * nw
			rows[i] = wide[at : at+nw]
		}
		for x := range nw {
			v := k[0]*rows[0][x] + k[1]*rows[1][x] + k[2]*rows[2][x] + k[3]*rows[3][x]
			out.Pix[y*nw+x] = clamp(float64(v))
		}
	})
	return out
}

// resample calls each for every new pixel with the first of the four old ones
// it is made of and their weights.
func resample(to int, by float64, each func(i, first int, k *[4]float32)) {
	for i := range to {
		at := (float64(i)+0.5)/by - 0.5
		first := int(math.Floor(at)) - 1
		var k [4]float32
		for j := range k {
			k[j] = float32(cubic(at - float64(first+j)))
		}
		each(i, first, &k)
	}
}

// keystone undoes a lean: it enlarges one side of the picture and shrinks the
// other. kx is for a lean to the side, ky for one forwards or back.
func keystone(g *image.Gray, kx, ky float64) *image.Gray {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	fw, fh := float64(w), float64(h)
	out := image.NewGray(g.Rect)
	for y := range h {
		v := float64(y)/fh - 0.5
		for x := range w {
			u := float64(x)/fw - 0.5
			far := 1 / (1 + kx*u + ky*v)
			sx, sy := (u*far+0.5)*fw, (v*far+0.5)*fh
			ix, iy := int(sx), int(sy)
			if sx < 0 || sy < 0 || ix >= w-1 || iy >= h-1 {
				out.Pix[y*w+x] = 128 // neither black nor white
				continue
			}
			fx, fy := sx-float64(ix), sy-float64(iy)
			a, b := g.Pix[iy*w+ix:][:2], g.Pix[(iy+1)*w+ix:][:2]
			top := float64(a[0])*(1-fx) + float64(a[1])*fx
			low := float64(b[0])*(1-fx) + float64(b[1])*fx
			out.Pix[y*w+x] = clamp(top*(1-fy) + low*fy)
		}
	}
	return out
}
