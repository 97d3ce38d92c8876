package recognise

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestBentColoursAgreeByTheBentMeasure: whatever two histograms agree by, what
// the waves see of them agrees by exp(bend*(k-1)), and each stays one long.
func TestBentColoursAgreeByTheBentMeasure(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	one := func(filled int) []float32 {
		v := make([]float32, colourWidth)
		for range filled {
			v[rng.IntN(60)*40] += rng.Float32()
		}
		unit(v)
		return v
	}
	worst, lowest := 0.0, 1.0
	for range 40 {
		a, b := one(1+rng.IntN(80)), one(1+rng.IntN(80))
		k := float64(dot(a, b))
		x, y := bent(a), bent(b)
		if l := float64(dot(x, x)); math.Abs(l-1) > 1e-3 {
			t.Fatalf("bent() is %v long, want 1", math.Sqrt(l))
		}
		worst, lowest = max(worst, math.Abs(float64(dot(x, y))-math.Exp(bend*(k-1)))), min(lowest, k)
	}
	if worst > 0.08 || lowest > 0.3 {
		t.Errorf("the measure is off by %.3f at most over agreements from %.2f, want 0.08 from 0.3", worst, lowest)
	}
}
