package recognise

import (
	"math"
	"math/rand/v2"
	"sync"
)

// Colours are compared by a bent measure: two histograms that agree by k are
// alike by exp(bend*(k-1)), so that what agrees little agrees in nothing. A
// linear classifier does it with random waves (Rahimi, Recht, NIPS 2007), drawn
// orthogonal by three rounds of signs and Hadamard's matrix (Yu, Suresh,
// Choromanski, Holtmann-Rice, Kumar, NIPS 2016).
const (
	bend = 2
	// bendSide is the side of Hadamard's matrix, a power of two that a colour's
	// numbers fit into; each of its rows is a wave: with a quarter of them every
	// fortieth picture was answered otherwise than by the measure itself.
	bendSide  = 4096
	waves     = bendSide
	bentWidth = 2 * waves
)

// signs are drawn once and for ever: a model is read with those it was trained
// with.
var signs = sync.OnceValue(func() (s [3][bendSide]float32) {
	rng := rand.New(rand.NewPCG(3, 1)) //nolint:gosec // directions, no secret
	for i := range s {
		for k := range s[i] {
			s[i][k] = float32(2*rng.IntN(2) - 1)
		}
	}
	return s
})

// bent returns how the waves see a vector that is one long; that is one long too.
func bent(v []float32) []float32 {
	z := make([]float32, bendSide)
	copy(z, v)
	s := signs()
	for i := range s {
		for k := range z {
			z[k] *= s[i][k]
		}
		hadamard(z)
	}
	out := make([]float32, bentWidth)
	// Each round made z sqrt(bendSide) longer; one of them is wanted, so that a
	// wave's frequencies are as long as a normal vector of bendSide numbers.
	by := math.Sqrt(bend) / bendSide
	for k := range waves {
		sin, cos := math.Sincos(by * float64(z[k]))
		out[k], out[waves+k] = float32(cos), float32(sin)
	}
	scale(out, float32(1/math.Sqrt(waves)))
	return out
}

// hadamard multiplies v with Hadamard's matrix of ones and minus ones.
func hadamard(v []float32) {
	for h := 1; h < len(v); h *= 2 {
		for i := 0; i < len(v); i += 2 * h {
			for j := i; j < i+h; j++ {
				v[j], v[j+h] = v[j]+v[j+h], v[j]-v[j+h]
			}
		}
	}
}
