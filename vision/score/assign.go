package score

import (
	"math"
	"slices"
)

// An edge says that an interaction and a detection may be one, and what that
// is worth.
type edge struct {
	happened, detected int
	gain               float64
}

// assign chooses edges so that none shares an end with another and their gain
// is the largest possible. It takes groups of edges that hang together one by
// one; in a shop they are small.
func assign(edges []edge) []couple {
	var all []couple
	for len(edges) > 0 {
		group, rest := connected(edges)
		all = append(all, hungarian(group)...)
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

// hungarian solves one group with the method of Kuhn and Munkres in the form
// with potentials: rows are added one by one along the cheapest way.
func hungarian(edges []edge) []couple {
	rows, cols := numbered(edges, func(e edge) int { return e.happened }), numbered(edges, func(e edge) int { return e.detected })
	n := max(len(rows), len(cols)) // a square; what is no edge gains nothing
	cost := make([][]float64, n+1)
	for i := range cost {
		cost[i] = make([]float64, n+1)
	}
	for _, e := range edges {
		i, _ := slices.BinarySearch(rows, e.happened)
		k, _ := slices.BinarySearch(cols, e.detected)
		cost[i+1][k+1] = -e.gain
	}
	row, potRow, potCol := make([]int, n+1), make([]float64, n+1), make([]float64, n+1)
	for i := 1; i <= n; i++ {
		addRow(i, cost, row, potRow, potCol)
	}
	var couples []couple
	for k := 1; k <= n; k++ {
		if cost[row[k]][k] < 0 {
			couples = append(couples, couple{rows[row[k]-1], cols[k-1]})
		}
	}
	return couples
}

// addRow finds row i a column, moving others along the cheapest way. row says
// which row each column has; column 0 stands for none.
func addRow(i int, cost [][]float64, row []int, potRow, potCol []float64) {
	n := len(row) - 1
	least, from, seen := make([]float64, n+1), make([]int, n+1), make([]bool, n+1)
	for k := range least {
		least[k] = math.Inf(1)
	}
	row[0] = i
	at := 0
	for row[at] != 0 {
		seen[at] = true
		next, step := 0, math.Inf(1)
		for k := 1; k <= n; k++ {
			if seen[k] {
				continue
			}
			if c := cost[row[at]][k] - potRow[row[at]] - potCol[k]; c < least[k] {
				least[k], from[k] = c, at
			}
			if least[k] < step {
				next, step = k, least[k]
			}
		}
		for k := range least {
			if seen[k] {
				potRow[row[k]] += step
				potCol[k] -= step
			} else {
				least[k] -= step
			}
		}
		at = next
	}
	for at != 0 {
		row[at] = row[from[at]]
		at = from[at]
	}
}

func numbered(edges []edge, end func(e edge) int) []int {
	var all []int
	for _, e := range edges {
		all = append(all, end(e))
	}
	slices.Sort(all)
	return slices.Compact(all)
}
