package recognise

import (
	"math/rand/v2"
	"runtime"
	"sync"
)

const (
	// passes bounds the rounds over all pictures; the duals settle earlier.
	passes = 60
	// settled is the projected gradient below which a round ends the search.
	settled = 0.1
)

// separate trains for each class a linear support vector machine, squared
// hinge loss, against all other classes, by dual coordinate descent (Hsieh,
// Chang, Lin, Keerthi, Sundararajan, ICML 2008, algorithm 1). Rows are the
// features; the answer has a row of weights and a bias for each class.
func separate(rows [][]float32, class []int, classes int, cost float32) []float32 {
	width := len(rows[0]) + 1
	out := make([]float32, classes*width)
	norms := make([]float32, len(rows))
	for i, x := range rows {
		norms[i] = dot(x, x) + 1
	}
	var wg sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for c := range next {
				one(rows, norms, class, c, cost, out[c*width:(c+1)*width])
			}
		})
	}
	for c := range classes {
		next <- c
	}
	close(next)
	wg.Wait()
	return out
}

// one trains the machine of class c into w. Its order of visits depends on
// nothing but c, so that any number of processors gives the same bytes.
func one(rows [][]float32, norms []float32, class []int, c int, cost float32, w []float32) {
	rng := rand.New(rand.NewPCG(7, uint64(c))) //nolint:gosec // an order, no secret
	alpha := make([]float32, len(rows))
	order := make([]int, len(rows))
	for i := range order {
		order[i] = i
	}
	diagonal := 1 / (2 * cost)
	bias := len(w) - 1
	for range passes {
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		worst := float32(0)
		for _, i := range order {
			y := float32(-1)
			if class[i] == c {
				y = 1
			}
			g := y*(dot(rows[i], w)+w[bias]) - 1 + diagonal*alpha[i]
			projected := g
			if alpha[i] == 0 {
				projected = min(g, 0)
			}
			worst = max(worst, projected, -projected)
			if projected == 0 {
				continue
			}
			before := alpha[i]
			alpha[i] = max(before-g/(norms[i]+diagonal), 0)
			step := (alpha[i] - before) * y
			for j, v := range rows[i] {
				w[j] += step * v
			}
			w[bias] += step
		}
		if worst < settled {
			return
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
