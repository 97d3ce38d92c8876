package fuse

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// A Platt maps a confidence by a line in log-odds, p to σ(A·logit p + B):
// Platt, "Probabilistic Outputs for Support Vector Machines", 1999. With B = 0
// it is temperature scaling with the temperature 1/A: Guo, Pleiss, Sun and
// Weinberger, "On Calibration of Modern Neural Networks", ICML 2017. The zero
// value maps nothing.
type Platt struct {
	A float64 `json:"a"`
	B float64 `json:"b"`
}

// A Calibration maps the raw confidences of detections.
type Calibration struct {
	Item   Platt `json:"item"`
	Action Platt `json:"action"`
	Person Platt `json:"person"`
}

// ParseCalibration reads a calibration as JSON, as a trial writes it. One
// that turns an order around, or names something unknown, is refused.
func ParseCalibration(b []byte) (Calibration, error) {
	var c Calibration
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return Calibration{}, fmt.Errorf("%w: %w", ErrCalibration, err)
	}
	for _, p := range []Platt{c.Item, c.Action, c.Person} {
		if p.A < 0 || p.A == 0 && p.B != 0 {
			return Calibration{}, fmt.Errorf("%w: a slope of %v", ErrCalibration, p.A)
		}
	}
	return c, nil
}

// An Outcome is a confidence and whether it proved right.
type Outcome struct {
	P     float64
	Right bool
}

// edge keeps log-odds finite: no sensor is surer than one in two thousand.
const edge = 0.0005

func logit(p float64) float64 {
	p = max(edge, min(1-edge, p))
	return math.Log(p / (1 - p))
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// Apply returns the calibrated confidence.
func (c Platt) Apply(p float64) float64 {
	if c == (Platt{}) {
		return p
	}
	return sigmoid(c.A*logit(p) + c.B)
}

// FitPlatt returns the map that makes outcomes most probable, by Newton's
// method. Platt's target for n right and m wrong, (n+1)/(n+2) and 1/(m+2),
// keeps it from being surer than the number of outcomes allows.
func FitPlatt(outcomes []Outcome) (Platt, error) {
	right := 0
	for _, o := range outcomes {
		if o.Right {
			right++
		}
	}
	wrong := len(outcomes) - right
	if len(outcomes) < 20 || right == 0 {
		return Platt{}, fmt.Errorf("%w: %d right and %d wrong", ErrFit, right, wrong)
	}
	hi, lo := float64(right+1)/float64(right+2), 1/float64(wrong+2)
	c := Platt{A: 1}
	for range 100 {
		// The prior of a slope of 1 stands for one outcome: without it a set
		// that is all right has no best slope.
		ga, gb, aa, ab, bb := c.A-1, 0.1*c.B, 1.0, 0.0, 0.1
		for _, o := range outcomes {
			x, y := logit(o.P), lo
			if o.Right {
				y = hi
			}
			p := sigmoid(c.A*x + c.B)
			w := max(p*(1-p), 1e-6)
			ga, gb = ga+(p-y)*x, gb+p-y
			aa, ab, bb = aa+w*x*x, ab+w*x, bb+w
		}
		det := aa*bb - ab*ab
		da, db := (bb*ga-ab*gb)/det, (aa*gb-ab*ga)/det
		step := min(1, 2/max(math.Abs(da), math.Abs(db), 1e-9))
		c.A, c.B = c.A-step*da, c.B-step*db
		if math.Abs(da)+math.Abs(db) < 1e-9 {
			break
		}
	}
	c.A = max(0.05, c.A) // a map that turns the order around would be a fault
	return c, nil
}

// apply maps all confidences of a detection. It makes none surer: nearly all
// are right, and that the few doubtful ones of some shops were right too says
// little of the next one, where nobody would be asked.
func (c Calibration) apply(d *Detection) {
	d.Sure = min(d.Sure, c.Action.Apply(d.Sure))
	lead(d.Items, func(i int) *float64 { return &d.Items[i].P }, c.Item)
	lead(d.Persons, func(i int) *float64 { return &d.Persons[i].P }, c.Person)
}

// lead maps the first confidence of a list, and keeps the others in order.
func lead[T any](list []T, at func(int) *float64, c Platt) {
	if len(list) == 0 || c == (Platt{}) {
		return
	}
	before := *at(0)
	after := min(before, c.Apply(before))
	*at(0) = after
	for i := 1; i < len(list); i++ {
		*at(i) = min(after, *at(i))
	}
}

// A Bin is one bar of a reliability diagram.
type Bin struct {
	From, To float64 // of the confidences
	Count    int
	Mean     float64 // confidence
	Right    float64 // share
}

// Reliability sorts outcomes into ten bins of equal width.
func Reliability(outcomes []Outcome) []Bin {
	const n = 10
	bins := make([]Bin, n)
	for i := range bins {
		bins[i].From, bins[i].To = float64(i)/n, float64(i+1)/n
	}
	for _, o := range outcomes {
		b := &bins[max(0, min(n-1, int(o.P*n)))]
		b.Count++
		b.Mean += o.P
		if o.Right {
			b.Right++
		}
	}
	for i := range bins {
		if k := float64(bins[i].Count); k > 0 {
			bins[i].Mean /= k
			bins[i].Right /= k
		}
	}
	return slices.DeleteFunc(bins, func(b Bin) bool { return b.Count == 0 })
}

// CalibrationError returns the expected calibration error: the mean distance
// of confidence and share of right over the bins, weighted by their counts
// (Naeini, Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities
// Using Bayesian Binning", AAAI 2015).
func CalibrationError(outcomes []Outcome) float64 {
	sum := 0.0
	for _, b := range Reliability(outcomes) {
		sum += float64(b.Count) * math.Abs(b.Mean-b.Right)
	}
	if len(outcomes) == 0 {
		return 0
	}
	return sum / float64(len(outcomes))
}
