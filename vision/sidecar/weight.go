package sidecar

import (
	"encoding/json"
	"fmt"
)

const (
	// maxPoints is more than a minute of a scale that reads a hundred times a
	// second.
	maxPoints = 8192
	// maxSpan and maxGrams bound what is drawn.
	maxSpan  = 3_600_000
	maxGrams = 10_000_000
)

// Weight is what a scale read around a detection.
type Weight struct {
	Scale  string  `json:"scale"`
	Points []Point `json:"points"` // in the order of their time
}

// A Point is one reading: milliseconds from the moment of the detection, which
// are negative before it, and grams.
type Point [2]int

// Marshal returns the stored form.
func (w Weight) Marshal() ([]byte, error) {
	if err := w.check(); err != nil {
		return nil, err
	}
	return json.Marshal(w)
}

// ParseWeight reads the stored form.
func ParseWeight(b []byte) (Weight, error) { return parse(b, Weight.check) }

func (w Weight) check() error {
	if len(w.Points) == 0 || len(w.Points) > maxPoints || len(w.Scale) > maxText {
		return fmt.Errorf("%w: %d readings", ErrForm, len(w.Points))
	}
	for i, p := range w.Points {
		if p[0] < -maxSpan || p[0] > maxSpan || p[1] < -maxGrams || p[1] > maxGrams || i > 0 && p[0] < w.Points[i-1][0] {
			return fmt.Errorf("%w: reading %d is %d g at %d ms", ErrForm, i, p[1], p[0])
		}
	}
	return nil
}

// Change returns by how many grams the last reading differs from the first.
func (w Weight) Change() int { return w.Points[len(w.Points)-1][1] - w.Points[0][1] }
