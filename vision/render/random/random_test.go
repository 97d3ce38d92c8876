package random

import (
	"math"
	"testing"
)

// TestDiceFallAsTheyAlwaysDid pins the numbers: another one would draw every
// shop anew. The first six are the author's own check of PCG32.
func TestDiceFallAsTheyAlwaysDid(t *testing.T) {
	p := New(42, 54)
	for i, want := range []uint32{0xa15c02b7, 0x7b47f409, 0xba1d3330, 0x83d2f293, 0xbfa4784b, 0xcbed606e} {
		if got := p.Next(); got != want {
			t.Errorf("number %d is %#x, want %#x", i, got, want)
		}
	}
	if got := New(42, 55).Next(); got == 0xa15c02b7 {
		t.Error("another stream begins with the same number")
	}
}

func TestDiceAreFair(t *testing.T) {
	p := New(1, 1)
	const n = 20000
	var mean, squares, normal, wild float64
	counts := [6]int{}
	for range n {
		u := p.Between(2, 4)
		mean += u / n
		squares += (u - 3) * (u - 3) / n
		counts[p.Intn(6)]++
		x := p.Normal()
		normal += x / n
		wild += x * x / n
	}
	if math.Abs(mean-3) > 0.02 || math.Abs(squares-1.0/3) > 0.01 || math.Abs(normal) > 0.03 || math.Abs(wild-1) > 0.04 {
		t.Errorf("mean %.3f, variance %.3f, normal's mean %.3f, variance %.3f", mean, squares, normal, wild)
	}
	for i, c := range counts {
		if math.Abs(float64(c)-n/6.0) > 200 {
			t.Errorf("side %d came %d times of %d", i, c, n)
		}
	}
}

func TestGrainIsRoughAndSmoothGrainIsNot(t *testing.T) {
	if Grain(1, 2, 3) != Grain(1, 2, 3) || Grain(1, 2, 3) == Grain(2, 1, 3) {
		t.Error("grain does not depend on the place alone")
	}
	for x := 0.0; x < 5; x += 0.01 {
		if d := math.Abs(SmoothGrain(x, 0.3, 4) - SmoothGrain(x+0.01, 0.3, 4)); d > 0.03 {
			t.Fatalf("smooth grain jumps by %.3f at %.2f", d, x)
		}
	}
}
