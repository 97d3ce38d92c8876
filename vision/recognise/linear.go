package recognise

import (
	"math"
	"runtime"
	"sync"
)

const (
	// ridge is what a large weight costs against an example that is missed.
	ridge = 0.01
	// kinship is what the group of a product counts beside the product.
	kinship = 0.5
	// mostPictures bounds what is learned together: the table of how alike any
	// two pictures are takes 1.6 GB then, and the rest a quarter of an hour.
	mostPictures = 20_000
)

// A lesson is what a classifier learns: the lower half of the table of how alike
// its rows are, see [alike], and the class of each row and the group of each class.
type lesson struct {
	table  [][]float64
	class  []int
	groups []int
}

// learn finds for each class a linear function that is high for its rows and low
// for all others, by regularised least squares (Rifkin, Yeo, Poggio 2003), and as
// a sum over rows: it answers what each row counts, class by class. There are
// fewer rows than numbers in each, so that the table is factored once, in its
// place, and serves all classes. The order of work does not hang on how many
// processors there are, so that any number gives the same bytes.
func (l lesson) learn() [][]float64 {
	for i := range l.table {
		l.table[i][i] += ridge
	}
	factor(l.table)
	out := make([][]float64, len(l.groups))
	each(len(out), func(c int) {
		out[c] = l.goals(c)
		solveLower(l.table, out[c])
	})
	return out
}

// goals are what a class's function should be of each row: above nothing for the
// class, below for others, and for others of its group a little less so: a
// product is rather taken for its like than for anything.
func (l lesson) goals(c int) []float64 {
	out := make([]float64, len(l.class))
	for i, k := range l.class {
		out[i] = l.goal(c, k)
	}
	return out
}

// goal is what the function of class c should be of a row of class k.
func (l lesson) goal(c, k int) float64 {
	out, group := -1.0, -kinship
	if k == c {
		out = 1
	}
	if l.groups[k] == l.groups[c] {
		group = kinship
	}
	return out + group
}

// like is how alike two rows are.
func (l lesson) like(i, j int) float64 {
	if j > i {
		i, j = j, i
	}
	return l.table[i][j]
}

// weigh turns what rows count into a row of weights and a bias for each class.
func weigh(rows [][]float32, counts [][]float64) []float32 {
	width := len(rows[0]) + 1
	out := make([]float32, len(counts)*width)
	each(len(counts), func(c int) {
		w := out[c*width : (c+1)*width]
		for i, x := range rows {
			by := float32(counts[c][i])
			for j, v := range x {
				w[j] += by * v
			}
			w[width-1] += by
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
			row(a, i, k, i+1, ridge/10)
		}
		each(len(a)-end, func(i int) { row(a, end+i, k, end, ridge/10) })
	}
}

// row finds a row's numbers from column k to before end; those before k are
// found, and so are the rows above. No square is less than the least.
func row(a [][]float64, i, k, end int, least float64) {
	for j := k; j < end; j++ {
		v := a[i][j] - dot(a[i][:j], a[j][:j])
		if i == j {
			a[i][i] = math.Sqrt(max(v, least))
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

// inverse returns the upper half of the transposed inverse of a lower half L: row
// r begins with column r. The inverse of L L' has then at r and s the inner product
// of rows r and s.
func inverse(l [][]float64) [][]float64 {
	n := len(l)
	out := make([][]float64, n)
	each((n+tile-1)/tile, func(t int) {
		from, to := t*tile, min(n, (t+1)*tile)
		for r := from; r < to; r++ {
			out[r] = make([]float64, 1, n-r)
			out[r][0] = 1 / l[r][r]
		}
		for k := from + 1; k < n; k++ {
			for r := from; r < min(to, k); r++ {
				out[r] = append(out[r], -dot(out[r], l[k][r:k])/l[k][k])
			}
		}
	})
	return out
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
