//go:build !opencv

package cv

// Faces finds faces; without OpenCV none can be loaded.
type Faces struct{}

// NewFaces answers ErrNoOpenCV.
func NewFaces(FaceModel) (*Faces, error) { return nil, ErrNoOpenCV }

// Label returns nothing.
func (*Faces) Label() string { return "" }

// Find answers ErrNoOpenCV.
func (*Faces) Find(*Frame) ([]Box, error) { return nil, ErrNoOpenCV }

// Close does nothing.
func (*Faces) Close() error { return nil }
