package palm

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// A Challenge is what a person is asked to do before the camera, so that a picture
// on a stand is not enough.
type Challenge string

// The challenges.
const (
	Nearer  Challenge = "nearer"  // come nearer
	Farther Challenge = "farther" // go back
	Turned  Challenge = "turned"  // turn the hand
	Spread  Challenge = "spread"  // move the fingers against each other: no stiff sheet can
)

// Draw returns two challenges by lot, in their order: to move the hand, and to move
// the fingers. A film that was made of one order fits one time in six.
func Draw() []Challenge {
	moves := []Challenge{Nearer, Farther, Turned}
	asked := []Challenge{moves[rand.IntN(len(moves))], Spread} //nolint:gosec // ChaCha8 with a seed of the system's: nobody foresees it
	if rand.IntN(2) == 0 {                                     //nolint:gosec // likewise
		asked[0], asked[1] = asked[1], asked[0]
	}
	return asked
}

// Asks says a challenge to a person.
func (c Challenge) Asks() string {
	switch c {
	case Nearer:
		return "Bring your hand nearer, slowly."
	case Farther:
		return "Take your hand back, slowly."
	case Turned:
		return "Turn your hand a little, slowly."
	case Spread:
		return "Spread your fingers, or bring them together."
	}
	return "Move your hand."
}

const (
	// still is what two captures of a living hand differ by at least, of their
	// bits: more than a camera's noise turns.
	still = 0.004
	// sized is by how much the hand grows or shrinks when it was asked to.
	sized = 1.08
	// turned is by how much it turns, in radians.
	turned = 0.10
	// stiff is by how much the fingers of a sheet seem to move against each other
	// at most, in widths of two fingers, however it is turned, tilted and moved.
	stiff = 0.045
	// dotted bounds how much a fine period may stand out.
	dotted = 100
	// shiny bounds what may be burnt out, and busy what of the ground has edges.
	shiny = 0.01
	busy  = 0.004
)

// Alive refuses captures that are the same picture: a living hand is never held
// twice the same. It is all that codes alone can show.
func Alive(captures []Code) error {
	for i, c := range captures {
		for _, d := range captures[:i] {
			if Distance(c, d) < still {
				return fmt.Errorf("%w: two captures are one picture", ErrNotAlive)
			}
		}
	}
	return nil
}

// suspect returns what in a picture is no hand's.
func (c Capture) suspect() error {
	switch {
	case c.Grid > dotted:
		return fmt.Errorf("%w: it has the dots of a screen or a print", ErrNotAlive)
	case c.Shine > shiny:
		return fmt.Errorf("%w: it shines as paper and glass do; less light helps a hand", ErrNotAlive)
	case c.Ground > busy:
		return fmt.Errorf("%w: the ground has edges; it must be plain and dark", ErrNotAlive)
	}
	return nil
}

// Answered reports whether a hand did what it was asked between two captures.
func (c Challenge) Answered(before, after Capture) bool {
	switch c {
	case Nearer:
		return after.Width > sized*before.Width
	case Farther:
		return before.Width > sized*after.Width
	case Turned:
		return math.Abs(math.Remainder(after.Turn-before.Turn, 2*math.Pi)) > turned
	case Spread:
		return before.whole && after.whole && Moved(before, after) > stiff
	}
	return false
}

// Moved returns by how much the fingers moved against each other between two
// captures, in widths of two fingers: what the best affine map of the one hand's
// places onto the other's leaves. A flat picture that is moved, turned and tilted
// far from the camera leaves about nothing.
func Moved(before, after Capture) float64 {
	return residual(before.marks, after.marks) / ((before.Width + after.Width) / 2)
}

// residual returns the root of the mean square that the best affine map of a onto b
// leaves. A map of the plane moves one coordinate at a time, so that each is a
// least-squares problem of three unknowns.
func residual(a, b [marks]point) float64 {
	var n [3][3]float64
	var rx, ry [3]float64
	for i, p := range a {
		row := [3]float64{p.x, p.y, 1}
		for j := range 3 {
			for k := range 3 {
				n[j][k] += row[j] * row[k]
			}
			rx[j] += row[j] * b[i].x
			ry[j] += row[j] * b[i].y
		}
	}
	mx, ok := solve(n, rx)
	my, ok2 := solve(n, ry)
	if !ok || !ok2 {
		return 0
	}
	sum := 0.0
	for i, p := range a {
		q := point{mx[0]*p.x + mx[1]*p.y + mx[2], my[0]*p.x + my[1]*p.y + my[2]}
		d := q.distance(b[i])
		sum += d * d
	}
	return math.Sqrt(sum / marks)
}

// solve solves three equations (Cramer).
func solve(n [3][3]float64, r [3]float64) (out [3]float64, ok bool) {
	det := determinant(n)
	if math.Abs(det) < 1e-6 {
		return out, false
	}
	for i := range 3 {
		m := n
		for j := range 3 {
			m[j][i] = r[j]
		}
		out[i] = determinant(m) / det
	}
	return out, true
}

func determinant(m [3][3]float64) float64 {
	return m[0][0]*(m[1][1]*m[2][2]-m[1][2]*m[2][1]) - m[0][1]*(m[1][0]*m[2][2]-m[1][2]*m[2][0]) +
		m[0][2]*(m[1][0]*m[2][1]-m[1][1]*m[2][0])
}
