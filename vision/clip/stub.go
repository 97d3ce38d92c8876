//go:build !opencv

package clip

import "fmt"

// A Writer encodes nothing in a binary that was built without OpenCV.
type Writer struct{}

// New returns ErrCannotEncode.
func New(int, int, float64) (*Writer, error) {
	return nil, fmt.Errorf("%w: built without OpenCV (go build -tags opencv)", ErrCannotEncode)
}

// Add returns ErrCannotEncode.
func (*Writer) Add([]byte) error { return ErrCannotEncode }

// End returns ErrCannotEncode.
func (*Writer) End() ([]byte, error) { return nil, ErrCannotEncode }

// Close does nothing.
func (*Writer) Close() {}
