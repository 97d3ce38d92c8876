package recognise

import (
	"math"
	"math/rand/v2"
)

const (
	// axes is what each patch is shortened to; wordCount how many kinds of
	// patches there are.
	axes      = 64
	wordCount = 64
	// sampled is how many patches the words are learned from, about forty
	// for each number of a description.
	sampled = 24_000
	rounds  = 12 // of refinement of axes and of words
)

// words are the kinds of patches that a catalogue shows, and how patches are
// compared: the aggregation of Jégou, Douze, Schmid, Pérez (CVPR 2010, VLAD),
// with the parts made one long each (Arandjelović, Zisserman, CVPR 2013).
type words struct {
	mean  []float32 // patchSize
	axis  []float32 // axes x patchSize
	words []float32 // wordCount x axes
}

// aggregate sums, for each kind of patch, how the picture's patches differ
// from it.
func (w *words) aggregate(p Picture) []float32 {
	out := make([]float32, wordCount*axes)
	short := make([]float32, axes)
	patches(p, func(d []float32, _, _ float64) {
		w.shorten(d, short)
		k := w.nearest(short)
		part, word := out[k*axes:(k+1)*axes], w.words[k*axes:(k+1)*axes]
		for i, v := range short {
			part[i] += v - word[i]
		}
	})
	for k := range wordCount {
		unit(out[k*axes : (k+1)*axes])
	}
	for i, v := range out {
		out[i] = float32(math.Copysign(math.Sqrt(math.Abs(float64(v))), float64(v)))
	}
	unit(out)
	return out
}

func (w *words) shorten(d, short []float32) {
	for i := range d {
		d[i] -= w.mean[i]
	}
	for k := range short {
		short[k] = dot(d, w.axis[k*patchSize:(k+1)*patchSize])
	}
}

func (w *words) nearest(v []float32) int {
	best, at := float32(math.Inf(1)), 0
	for k := range wordCount {
		if d := apart(v, w.words[k*axes:(k+1)*axes]); d < best {
			best, at = d, k
		}
	}
	return at
}

func apart(a, b []float32) float32 {
	var s float32
	for i, v := range a {
		d := v - b[i]
		s += d * d
	}
	return s
}

// dot is written out fourfold: the compiler does not do so, and training is
// made of this. The classifier's table takes it of float64: what tells products
// apart is a small part of it.
func dot[T float32 | float64](a, b []T) T {
	var s0, s1, s2, s3 T
	b = b[:len(a)]
	for len(a) >= 4 && len(b) >= 4 {
		s0 += a[0] * b[0]
		s1 += a[1] * b[1]
		s2 += a[2] * b[2]
		s3 += a[3] * b[3]
		a, b = a[4:], b[4:]
	}
	for i, v := range a {
		s0 += v * b[i]
	}
	return s0 + s1 + s2 + s3
}

// learnWords finds axes and words from patches, laid end to end.
func learnWords(sample []float32, rng *rand.Rand) *words {
	n := len(sample) / patchSize
	w := &words{mean: make([]float32, patchSize)}
	for i := range n {
		for j, v := range sample[i*patchSize : (i+1)*patchSize] {
			w.mean[j] += v / float32(n)
		}
	}
	for i := range n {
		for j := range patchSize {
			sample[i*patchSize+j] -= w.mean[j]
		}
	}
	w.axis = mainAxes(spreadOf(sample, n), rng)
	short := make([]float32, n*axes)
	for i := range n {
		for k := range axes {
			short[i*axes+k] = dot(sample[i*patchSize:(i+1)*patchSize], w.axis[k*patchSize:(k+1)*patchSize])
		}
	}
	w.words = kinds(short, n, rng)
	return w
}

// spreadOf returns the covariance of centred descriptions.
func spreadOf(sample []float32, n int) []float64 {
	c := make([]float64, patchSize*patchSize)
	for i := range n {
		d := sample[i*patchSize : (i+1)*patchSize]
		for j, v := range d {
			if v == 0 {
				continue
			}
			row := c[j*patchSize : (j+1)*patchSize]
			for k := j; k < patchSize; k++ {
				row[k] += float64(v * d[k])
			}
		}
	}
	for j := range patchSize {
		for k := range j {
			c[j*patchSize+k] = c[k*patchSize+j]
		}
	}
	return c
}

// mainAxes finds the directions of largest spread by orthogonal iteration.
func mainAxes(c []float64, rng *rand.Rand) []float32 {
	q := make([][]float64, axes)
	for k := range q {
		q[k] = make([]float64, patchSize)
		for i := range q[k] {
			q[k][i] = rng.NormFloat64()
		}
	}
	for range 2 * rounds {
		for k, v := range q {
			next := make([]float64, patchSize)
			for i := range next {
				row := c[i*patchSize : (i+1)*patchSize]
				sum := 0.0
				for j, x := range v {
					sum += row[j] * x
				}
				next[i] = sum
			}
			q[k] = next
		}
		orthogonal(q)
	}
	out := make([]float32, 0, axes*patchSize)
	for _, v := range q {
		for _, x := range v {
			out = append(out, float32(x))
		}
	}
	return out
}

func orthogonal(q [][]float64) {
	for k, v := range q {
		for _, u := range q[:k] {
			along := 0.0
			for i, x := range v {
				along += x * u[i]
			}
			for i := range v {
				v[i] -= along * u[i]
			}
		}
		sum := 0.0
		for _, x := range v {
			sum += x * x
		}
		if sum == 0 {
			continue // fewer directions than axes: a catalogue of plain walls
		}
		for i := range v {
			v[i] /= math.Sqrt(sum)
		}
	}
}

// kinds groups short descriptions by Lloyd's rounds, begun as k-means++ does.
func kinds(short []float32, n int, rng *rand.Rand) []float32 {
	at := func(i int) []float32 { return short[i*axes : (i+1)*axes] }
	out := append(make([]float32, 0, wordCount*axes), at(rng.IntN(n))...)
	far := make([]float64, n)
	for i := range far {
		far[i] = math.Inf(1)
	}
	for len(out) < wordCount*axes {
		last, sum := out[len(out)-axes:], 0.0
		for i := range far {
			far[i] = min(far[i], float64(apart(at(i), last)))
			sum += far[i]
		}
		pick, i := rng.Float64()*sum, 0
		for ; i < n-1 && pick > far[i]; i++ {
			pick -= far[i]
		}
		out = append(out, at(i)...)
	}
	w := &words{words: out}
	for range rounds {
		sums, counts := make([]float64, wordCount*axes), make([]int, wordCount)
		for i := range n {
			k := w.nearest(at(i))
			counts[k]++
			for j, v := range at(i) {
				sums[k*axes+j] += float64(v)
			}
		}
		for k, c := range counts {
			for j := 0; c > 0 && j < axes; j++ {
				out[k*axes+j] = float32(sums[k*axes+j] / float64(c))
			}
		}
	}
	return out
}
