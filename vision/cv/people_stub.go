//go:build !opencv

package cv

// People finds persons; without OpenCV there is none.
type People struct{}

// NewPeople answers ErrNoOpenCV.
func NewPeople() (*People, error) { return nil, ErrNoOpenCV }

// Label returns nothing.
func (*People) Label() string { return PeopleLabel }

// Find answers ErrNoOpenCV.
func (*People) Find(*Frame) ([]Box, error) { return nil, ErrNoOpenCV }

// Close does nothing.
func (*People) Close() error { return nil }
