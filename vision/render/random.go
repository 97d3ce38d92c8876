package render

import "math"

// pcg is O'Neill's PCG32 (XSH-RR). It is our own so that no change of a
// library changes a drawn shop.
type pcg struct{ state, inc uint64 }

func newPCG(seed, stream uint64) *pcg {
	p := &pcg{inc: stream<<1 | 1}
	p.next()
	p.state += seed
	p.next()
	return p
}

func (p *pcg) next() uint32 {
	old := p.state
	p.state = old*6364136223846793005 + p.inc
	x := uint32((old>>18 ^ old) >> 27) //nolint:gosec // PCG keeps the low half
	rot := uint(old >> 59)
	return x>>rot | x<<(-rot&31)
}

// unit returns a number in 0 to 1, without 1.
func (p *pcg) unit() float64 { return float64(p.next()) / (1 << 32) }

// between returns a number in lo to hi.
func (p *pcg) between(lo, hi float64) float64 { return lo + (hi-lo)*p.unit() }

// intn returns 0 to n-1.
func (p *pcg) intn(n int) int { return int(uint64(p.next()) * uint64(n) >> 32) } //nolint:gosec // below n

// normal returns a number of mean 0 and spread 1.
func (p *pcg) normal() float64 {
	r := math.Sqrt(-2 * math.Log(1-p.unit()))
	return r * math.Cos(2*math.Pi*p.unit())
}

// grain is a fixed pattern in 0 to 1 over whole numbers.
func grain(x, y, seed int) float64 {
	h := uint32(x)*0x9e3779b1 ^ uint32(y)*0x85ebca77 ^ uint32(seed)*0xc2b2ae3d //nolint:gosec // a hash
	h ^= h >> 15
	h *= 0x2c1b3c6d
	h ^= h >> 12
	h *= 0x297a2d39
	h ^= h >> 15
	return float64(h) / (1 << 32)
}

// smoothGrain is grain without edges.
func smoothGrain(x, y float64, seed int) float64 {
	fx, fy := math.Floor(x), math.Floor(y)
	tx, ty := x-fx, y-fy
	tx, ty = tx*tx*(3-2*tx), ty*ty*(3-2*ty)
	ix, iy := int(fx), int(fy)
	top := mix(grain(ix, iy, seed), grain(ix+1, iy, seed), tx)
	low := mix(grain(ix, iy+1, seed), grain(ix+1, iy+1, seed), tx)
	return mix(top, low, ty)
}

func mix(a, b, t float64) float64 { return a + (b-a)*t }

func clamp01(v float64) float64 { return max(0, min(1, v)) }

// smooth rises from 0 at lo to 1 at hi.
func smooth(lo, hi, v float64) float64 {
	t := clamp01((v - lo) / (hi - lo))
	return t * t * (3 - 2*t)
}

// bump is 1 at the middle and falls off over width.
func bump(v, middle, width float64) float64 {
	d := (v - middle) / width
	return math.Exp(-d * d)
}
