package score

import (
	"math"
	"slices"

	"github.com/vouchledger/vouch/vision/internal/assign"
)

// An edge says that an interaction and a detection may be one, and what that
// is worth.
type edge struct {
	happened, detected int
	gain               float64
}

// pair chooses edges so that none shares an end with another and their gain
// is the largest possible. It takes groups of edges that hang together one by
// one; in a shop they are small.
func pair(edges []edge) []couple {
	var all []couple
	for len(edges) > 0 {
		group, rest := connected(edges)
		all = append(all, joined(group)...)
		edges = rest
	}
	slices.SortFunc(all, func(a, b couple) int { return a.happened - b.happened })
	return all
}

// connected returns the edges that hang together with the first one, and the
// others.
func connected(edges []edge) (group, rest []edge) {
	rows, cols := map[int]bool{edges[0].happened: true}, map[int]bool{}
	rest = edges
	for grown := true; grown; {
		grown = false
		var left []edge
		for _, e := range rest {
			if !rows[e.happened] && !cols[e.detected] {
				left = append(left, e)
				continue
			}
			rows[e.happened], cols[e.detected] = true, true
			group, grown = append(group, e), true
		}
		rest = left
	}
	return group, rest
}

// joined solves one group.
func joined(edges []edge) []couple {
	rows, cols := numbered(edges, func(e edge) int { return e.happened }), numbered(edges, func(e edge) int { return e.detected })
	costs := make([][]float64, len(rows))
	for i := range costs {
		costs[i] = slices.Repeat([]float64{math.Inf(1)}, len(cols))
	}
	for _, e := range edges {
		i, _ := slices.BinarySearch(rows, e.happened)
		k, _ := slices.BinarySearch(cols, e.detected)
		costs[i][k] = -e.gain
	}
	var couples []couple
	for i, k := range assign.Join(costs, make([]float64, len(rows))) { // alone nothing is gained
		if k >= 0 {
			couples = append(couples, couple{rows[i], cols[k]})
		}
	}
	return couples
}

func numbered(edges []edge, end func(e edge) int) []int {
	var all []int
	for _, e := range edges {
		all = append(all, end(e))
	}
	slices.Sort(all)
	return slices.Compact(all)
}
