package recognise

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestTheClassifierIsThatOfLeastSquares: the residual of the equations that
// define it is nothing, for more rows than a tile holds.
func TestTheClassifierIsThatOfLeastSquares(t *testing.T) {
	const n, width, classes = 70, 130, 4
	rng := rand.New(rand.NewPCG(4, 4))
	rows, class := make([][]float32, n), make([]int, n)
	for i := range rows {
		rows[i], class[i] = make([]float32, width), i%classes
		for k := range rows[i] {
			rows[i][k] = float32(rng.NormFloat64())
		}
		rows[i][class[i]] += 4
		unit(rows[i])
	}
	l := lesson{table: alike(rows), class: class, groups: []int{0, 0, 1, 1}}
	w := weigh(rows, l.learn())
	for c := range classes {
		// Of least squares: for each number the sum over the rows of what is missed
		// is the ridge times its weight.
		pull := make([]float64, width+1)
		for i, x := range rows {
			missed := l.goals(c)[i] - float64(scores(w, x)[c])
			for k, v := range x {
				pull[k] += missed * float64(v)
			}
			pull[width] += missed
		}
		for k, v := range pull {
			if off := math.Abs(v - ridge*float64(w[c*(width+1)+k])); off > 1e-3 {
				t.Fatalf("class %d, number %d: off by %v, want the solution", c, k, off)
			}
		}
	}
}
