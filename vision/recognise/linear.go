package recognise

import (
	"math"
	"runtime"
	"sync"
)

const (
	// ridge is what a large weight costs against an example that is missed.
	ridge = 0.03
	// mostPictures bounds what is learned together: the table of how alike any
	// two pictures are takes 1.6 GB then, and the rest a quarter of an hour.
	mostPictures = 20_000
)

// separate learns for each class a linear function that is 1 for its rows and
// -1 for all others, by regularised least squares (Rifkin, Yeo, Poggio 2003):
// there are fewer rows than numbers in each, so that the table of their inner
// products is factored once, and serves all classes. The answer has a row of
// weights and a bias for each class. The order of work does not hang on how many
// processors there are, so that any number gives the same bytes.
func separate(rows [][]float32, class []int, classes int) []float32 {
	n, width := len(rows), len(rows[0])+1
	lower := alike(rows)
	for i := range n {
		lower[i][i] += ridge
	}
	factor(lower)
	out := make([]float32, classes*width)
	each(classes, func(c int) {
		a := make([]float64, n)
		for i := range a {
			if a[i] = -1; class[i] == c {
				a[i] = 1
			}
		}
		solveLower(lower, a)
		w := out[c*width : (c+1)*width]
		for i, x := range rows {
			for j, v := range x {
				w[j] += float32(a[i]) * v
			}
			w[width-1] += float32(a[i])
		}
	})
	return out
}

// each calls do for 0 to n-1 on all processors.
func each(n int, do func(i int)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

// Inner products are taken of tiles of rows, a strip of numbers at a time, which
// a processor's cache holds.
const (
	tile  = 32
	strip = 2048
)

// alike returns the lower half of the table of inner products of rows, each with
// a further number that is 1.
func alike(rows [][]float32) [][]float64 {
	n := len(rows)
	out := make([][]float64, n)
	for i := range out {
		out[i] = make([]float64, i+1)
		for j := range out[i] {
			out[i][j] = 1
		}
	}
	each((n+tile-1)/tile, func(t int) {
		from, to := t*tile, min(n, (t+1)*tile)
		for other := 0; other <= from; other += tile {
			for at := 0; at < len(rows[0]); at += strip {
				end := min(len(rows[0]), at+strip)
				for i := from; i < to; i++ {
					x := rows[i][at:end]
					for j := other; j < min(other+tile, i+1); j++ {
						out[i][j] += float64(dot(x, rows[j][at:end]))
					}
				}
			}
		}
	})
	return out
}

// factor replaces the lower half of a symmetric table by Cholesky's factor, row
// by row in tiles.
func factor(a [][]float64) {
	for k := 0; k < len(a); k += tile {
		end := min(len(a), k+tile)
		for i := k; i < end; i++ {
			row(a, i, k, i+1)
		}
		each(len(a)-end, func(i int) { row(a, end+i, k, end) })
	}
}

// row finds a row's numbers from column k to before end; those before k are
// found, and so are the rows above.
func row(a [][]float64, i, k, end int) {
	for j := k; j < end; j++ {
		v := a[i][j] - dot(a[i][:j], a[j][:j])
		if i == j {
			a[i][i] = math.Sqrt(max(v, ridge/10))
			continue
		}
		a[i][j] = v / a[j][j]
	}
}

// solveLower replaces b by the solution of L L' x = b.
func solveLower(l [][]float64, b []float64) {
	for i := range b {
		b[i] = (b[i] - dot(l[i][:i], b[:i])) / l[i][i]
	}
	for i := len(b) - 1; i >= 0; i-- {
		b[i] /= l[i][i]
		for j, v := range l[i][:i] {
			b[j] -= v * b[i]
		}
	}
}

// scores returns how far x lies on each class's side.
func scores(weights, x []float32) []float32 {
	width := len(x) + 1
	out := make([]float32, len(weights)/width)
	for c := range out {
		w := weights[c*width : (c+1)*width]
		out[c] = dot(x, w) + w[width-1]
	}
	return out
}
