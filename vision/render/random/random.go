// Package random holds the dice of everything that is drawn: numbers that a
// seed decides for ever, on every machine and with every version of Go.
package random

import "math"

// A PCG is O'Neill's PCG32 (XSH-RR). It is our own so that no change of a
// library changes a drawn shop.
type PCG struct{ state, inc uint64 }

// New returns the dice of a seed; each stream of it is independent.
func New(seed, stream uint64) *PCG {
	p := &PCG{inc: stream<<1 | 1}
	p.Next()
	p.state += seed
	p.Next()
	return p
}

// Next returns 32 random bits.
func (p *PCG) Next() uint32 {
	old := p.state
	p.state = old*6364136223846793005 + p.inc
	x := uint32((old>>18 ^ old) >> 27) //nolint:gosec // PCG keeps the low half
	rot := uint(old >> 59)
	return x>>rot | x<<(-rot&31)
}

// Unit returns a number in 0 to 1, without 1.
func (p *PCG) Unit() float64 { return float64(p.Next()) / (1 << 32) }

// Between returns a number in lo to hi.
func (p *PCG) Between(lo, hi float64) float64 { return lo + (hi-lo)*p.Unit() }

// Intn returns 0 to n-1.
func (p *PCG) Intn(n int) int { return int(uint64(p.Next()) * uint64(n) >> 32) } //nolint:gosec // below n

// Normal returns a number of mean 0 and spread 1.
func (p *PCG) Normal() float64 {
	r := math.Sqrt(-2 * math.Log(1-p.Unit()))
	return r * math.Cos(2*math.Pi*p.Unit())
}

// Grain is a fixed pattern in 0 to 1 over whole numbers.
func Grain(x, y, seed int) float64 {
	h := uint32(x)*0x9e3779b1 ^ uint32(y)*0x85ebca77 ^ uint32(seed)*0xc2b2ae3d //nolint:gosec // a hash
	h ^= h >> 15
	h *= 0x2c1b3c6d
	h ^= h >> 12
	h *= 0x297a2d39
	h ^= h >> 15
	return float64(h) / (1 << 32)
}

// SmoothGrain is Grain without edges.
func SmoothGrain(x, y float64, seed int) float64 {
	fx, fy := math.Floor(x), math.Floor(y)
	tx, ty := x-fx, y-fy
	tx, ty = tx*tx*(3-2*tx), ty*ty*(3-2*ty)
	ix, iy := int(fx), int(fy)
	top := mix(Grain(ix, iy, seed), Grain(ix+1, iy, seed), tx)
	low := mix(Grain(ix, iy+1, seed), Grain(ix+1, iy+1, seed), tx)
	return mix(top, low, ty)
}

func mix(a, b, t float64) float64 { return a + (b-a)*t }
