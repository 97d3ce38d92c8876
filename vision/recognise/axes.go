package recognise

import (
	"math"
	"math/rand/v2"
)

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

// unit makes the length of v one; nothing stays nothing.
func unit(v []float32) {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if sum > 0 {
		scale(v, float32(1/math.Sqrt(sum)))
	}
}

func scale(v []float32, by float32) {
	for i := range v {
		v[i] *= by
	}
}

// covariance is that of centred descriptions, laid end to end.
func covariance(sample []float32, n, size int) []float64 {
	c := make([]float64, size*size)
	for i := range n {
		d := sample[i*size : (i+1)*size]
		for j, v := range d {
			if v == 0 {
				continue
			}
			row := c[j*size : (j+1)*size]
			for k := j; k < size; k++ {
				row[k] += float64(v * d[k])
			}
		}
	}
	for j := range size {
		for k := range j {
			c[j*size+k] = c[k*size+j]
		}
	}
	return c
}

// mainAxes finds the directions of largest spread by orthogonal iteration.
func mainAxes(c []float64, size, axes int, rng *rand.Rand) []float32 {
	q := make([][]float64, axes)
	for k := range q {
		q[k] = make([]float64, size)
		for i := range q[k] {
			q[k][i] = rng.NormFloat64()
		}
	}
	for range 2 * rounds {
		for k, v := range q {
			next := make([]float64, size)
			for i := range next {
				next[i] = dot(c[i*size:(i+1)*size], v)
			}
			q[k] = next
		}
		orthogonal(q)
	}
	out := make([]float32, 0, axes*size)
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
			along := dot(v, u)
			for i := range v {
				v[i] -= along * u[i]
			}
		}
		sum := dot(v, v)
		if sum == 0 {
			continue // fewer directions than axes: a catalogue of plain walls
		}
		for i := range v {
			v[i] /= math.Sqrt(sum)
		}
	}
}
