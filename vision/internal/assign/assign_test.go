package assign

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// leastByHand tries every way to join rows and columns.
func leastByHand(costs [][]float64, alone []float64, row int, taken map[int]bool) float64 {
	if row == len(costs) {
		return 0
	}
	best := alone[row] + leastByHand(costs, alone, row+1, taken)
	for c, cost := range costs[row] {
		if taken[c] {
			continue
		}
		taken[c] = true
		best = min(best, cost+leastByHand(costs, alone, row+1, taken))
		delete(taken, c)
	}
	return best
}

func TestBoxesAndTracksAreJoinedAtTheLeastCost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, columns := rapid.IntRange(0, 5).Draw(t, "rows"), rapid.IntRange(0, 5).Draw(t, "columns")
		cost := rapid.Custom(func(t *rapid.T) float64 {
			if rapid.IntRange(0, 4).Draw(t, "forbidden") == 0 {
				return math.Inf(1)
			}
			return float64(rapid.IntRange(-20, 20).Draw(t, "cost"))
		})
		costs, alone := make([][]float64, rows), make([]float64, rows)
		for r := range costs {
			costs[r] = make([]float64, columns)
			for c := range costs[r] {
				costs[r][c] = cost.Draw(t, "c")
			}
			alone[r] = float64(rapid.IntRange(-5, 5).Draw(t, "alone"))
		}
		sum, used := 0.0, map[int]bool{}
		for r, c := range Join(costs, alone) {
			if c < 0 {
				sum += alone[r]
				continue
			}
			if used[c] {
				t.Fatalf("Join(%v) gives column %d twice", costs, c)
			}
			used[c] = true
			sum += costs[r][c]
		}
		if want := leastByHand(costs, alone, 0, map[int]bool{}); math.Abs(sum-want) > 1e-9 {
			t.Fatalf("Join(%v, %v) costs %v, want %v", costs, alone, sum, want)
		}
	})
}
