//go:build !opencv

package cv

import "image"

// Frame is one picture; without OpenCV there is none.
type Frame struct{}

// NewFrame answers ErrNoOpenCV.
func NewFrame(_, _ int, _ []byte) (*Frame, error) { return nil, ErrNoOpenCV }

// ReadImage answers ErrNoOpenCV.
func ReadImage(string) (*Frame, error) { return nil, ErrNoOpenCV }

// DecodeImage answers ErrNoOpenCV.
func DecodeImage([]byte) (*Frame, error) { return nil, ErrNoOpenCV }

// Close does nothing.
func (*Frame) Close() {}

// Damaged returns false.
func (*Frame) Damaged() bool { return false }

// Width returns 0.
func (*Frame) Width() int { return 0 }

// Height returns 0.
func (*Frame) Height() int { return 0 }

// BGR returns nothing.
func (*Frame) BGR() []byte { return nil }

// Gray returns nothing.
func (*Frame) Gray() []byte { return nil }

// Clone returns the frame.
func (f *Frame) Clone() *Frame { return f }

// Resize returns the frame.
func (f *Frame) Resize(_, _ int) *Frame { return f }

// JPEG answers ErrNoOpenCV.
func (*Frame) JPEG() ([]byte, error) { return nil, ErrNoOpenCV }

// PNG answers ErrNoOpenCV.
func (*Frame) PNG() ([]byte, error) { return nil, ErrNoOpenCV }

// Scaler shrinks frames; without OpenCV it refuses.
type Scaler struct{}

// NewScaler returns a scaler that refuses.
func NewScaler(_, _ int) *Scaler { return &Scaler{} }

// Scale answers ErrNoOpenCV.
func (*Scaler) Scale(*Frame, []byte) error { return ErrNoOpenCV }

// Close does nothing.
func (*Scaler) Close() {}

// Reader reads frames; without OpenCV none can be opened.
type Reader struct{}

// Open answers ErrNoOpenCV.
func Open(string) (*Reader, error) { return nil, ErrNoOpenCV }

// Size returns zeros.
func (*Reader) Size() (w, h int) { return 0, 0 }

// Rate returns the zero Rate.
func (*Reader) Rate() Rate { return Rate{} }

// Live returns false.
func (*Reader) Live() bool { return false }

// Frames returns 0.
func (*Reader) Frames() int { return 0 }

// Skip returns ErrNoOpenCV.
func (*Reader) Skip() error { return ErrNoOpenCV }

// Next answers ErrNoOpenCV.
func (*Reader) Next() (*Frame, error) { return nil, ErrNoOpenCV }

// Close does nothing.
func (*Reader) Close() error { return nil }

// Writer writes clips; without OpenCV none can be created.
type Writer struct{}

// Create answers ErrNoOpenCV.
func Create(string, float64, int, int) (*Writer, error) { return nil, ErrNoOpenCV }

// Write answers ErrNoOpenCV.
func (*Writer) Write(*Frame) error { return ErrNoOpenCV }

// Close does nothing.
func (*Writer) Close() error { return nil }

// Detector finds things; without OpenCV none can be loaded.
type Detector struct{}

// NewDetector answers ErrNoOpenCV.
func NewDetector(Model) (*Detector, error) { return nil, ErrNoOpenCV }

// Label returns nothing.
func (*Detector) Label() string { return "" }

// Names returns nothing.
func (*Detector) Names() []string { return nil }

// Detect answers ErrNoOpenCV.
func (*Detector) Detect(*Frame) ([]Box, error) { return nil, ErrNoOpenCV }

// DetectIn answers ErrNoOpenCV.
func (*Detector) DetectIn(*Frame, image.Rectangle) ([]Box, error) { return nil, ErrNoOpenCV }

// Close does nothing.
func (*Detector) Close() error { return nil }

// Embedder looks through a network's inner layers; without OpenCV none can be
// loaded.
type Embedder struct{}

// NewEmbedder answers ErrNoOpenCV.
func NewEmbedder(Model, []string) (*Embedder, error) { return nil, ErrNoOpenCV }

// Size returns 0.
func (*Embedder) Size() int { return 0 }

// Layers returns nothing.
func (*Embedder) Layers() []string { return nil }

// Embed answers ErrNoOpenCV.
func (*Embedder) Embed(*Frame) ([]float32, error) { return nil, ErrNoOpenCV }

// Close does nothing.
func (*Embedder) Close() error { return nil }
