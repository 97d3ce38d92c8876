// Package assign joins things of two kinds in pairs: persons seen with persons
// known, what was detected with what happened.
package assign

import "math"

// Join joins each row with at most one column so that the sum of costs is
// the least possible, and returns for each row its column or -1. A row may
// stay alone at the cost alone[row]; a column may always.
//
// It is the shortest augmenting path method of Jonker and Volgenant ("A
// Shortest Augmenting Path Algorithm for Dense and Sparse Linear Assignment
// Problems", Computing 38, 1987) without their initial heuristics: there is a
// handful of rows. A cost of +Inf never is chosen.
func Join(costs [][]float64, alone []float64) []int {
	rows := len(costs)
	if rows == 0 {
		return nil
	}
	columns := len(costs[0])
	// One private column for each row stands for staying alone.
	cost := func(r, c int) float64 {
		switch {
		case c < columns:
			return costs[r][c]
		case c-columns == r:
			return alone[r]
		}
		return math.Inf(1)
	}
	p := newPaths(rows, columns+rows)
	for r := range rows {
		p.augment(r, cost)
	}
	joined := make([]int, rows)
	for c, r := range p.rowOf {
		if r < 0 {
			continue
		}
		joined[r] = c
		if c >= columns {
			joined[r] = -1
		}
	}
	return joined
}

// paths is the state of the method: potentials, and which row each column
// has.
type paths struct {
	u, v  []float64
	rowOf []int
}

func newPaths(rows, columns int) *paths {
	p := &paths{u: make([]float64, rows), v: make([]float64, columns), rowOf: make([]int, columns)}
	for c := range p.rowOf {
		p.rowOf[c] = -1
	}
	return p
}

// augment gives row start a column, moving others along the shortest path.
func (p *paths) augment(start int, cost func(r, c int) float64) {
	n := len(p.v)
	least, from, done := make([]float64, n), make([]int, n), make([]bool, n)
	for c := range least {
		least[c], from[c] = math.Inf(1), -1
	}
	row, column := start, -1
	visited := []int{start}
	for {
		next, step := -1, math.Inf(1)
		for c := range n {
			if done[c] {
				continue
			}
			if reduced := cost(row, c) - p.u[row] - p.v[c]; reduced < least[c] {
				least[c], from[c] = reduced, column
			}
			if least[c] < step {
				next, step = c, least[c]
			}
		}
		// Staying alone has a finite cost, so there always is a next column.
		for _, r := range visited {
			p.u[r] += step
		}
		for c := range n {
			if done[c] {
				p.v[c] -= step
			} else {
				least[c] -= step
			}
		}
		column = next
		if p.rowOf[column] < 0 {
			break
		}
		done[column] = true
		row = p.rowOf[column]
		visited = append(visited, row)
	}
	for from[column] >= 0 {
		p.rowOf[column] = p.rowOf[from[column]]
		column = from[column]
	}
	p.rowOf[column] = start
}
