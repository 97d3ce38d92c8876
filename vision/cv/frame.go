//go:build opencv

package cv

import (
	"fmt"
	"image"
	"sync"

	"gocv.io/x/gocv"
)

// Frame is one picture, blue-green-red, eight bits each. It holds memory
// outside Go: Close it.
type Frame struct {
	mat  gocv.Mat
	pool *pool
	once sync.Once
	// damaged says that the decoder complained.
	damaged bool
}

// pool keeps the pictures of closed frames for the next ones of a reader: a
// new picture of this size costs more than decoding into an old one.
type pool struct {
	mu     sync.Mutex
	free   []gocv.Mat
	closed bool
}

func (p *pool) get() gocv.Mat {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		m := p.free[n-1]
		p.free = p.free[:n-1]
		return m
	}
	return gocv.NewMat()
}

// poolSize bounds what a pool keeps; above it pictures are freed.
const poolSize = 16

func (p *pool) put(m gocv.Mat) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.free) >= poolSize {
		m.Close() //nolint:gosec // frees memory
		return
	}
	p.free = append(p.free, m)
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, m := range p.free {
		m.Close() //nolint:gosec // frees memory
	}
	p.free = nil
}

// NewFrame makes a frame of packed blue-green-red bytes, which it copies.
func NewFrame(w, h int, bgr []byte) (*Frame, error) {
	if w <= 0 || h <= 0 || len(bgr) != w*h*3 {
		return nil, fmt.Errorf("%w: %d bytes for %dx%d", ErrShape, len(bgr), w, h)
	}
	m, err := gocv.NewMatFromBytes(h, w, gocv.MatTypeCV8UC3, bgr)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrShape, err)
	}
	return &Frame{mat: m}, nil
}

// ReadImage reads a picture file.
func ReadImage(path string) (*Frame, error) {
	m := gocv.IMRead(path, gocv.IMReadColor)
	if m.Empty() {
		m.Close() //nolint:gosec // frees memory
		return nil, fmt.Errorf("%w: %s", ErrNotPicture, path)
	}
	return &Frame{mat: m}, nil
}

// DecodeImage reads a picture held in memory.
func DecodeImage(b []byte) (*Frame, error) {
	if len(b) == 0 {
		return nil, fmt.Errorf("%w: no bytes", ErrNotPicture)
	}
	m, err := gocv.IMDecode(b, gocv.IMReadColor)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotPicture, err)
	}
	if m.Empty() {
		m.Close() //nolint:gosec // frees memory
		return nil, fmt.Errorf("%w: %d bytes", ErrNotPicture, len(b))
	}
	return &Frame{mat: m}, nil
}

// Close gives the picture back; a second Close does nothing.
func (f *Frame) Close() {
	f.once.Do(func() {
		if f.pool != nil {
			f.pool.put(f.mat)
			return
		}
		f.mat.Close() //nolint:gosec // frees memory
	})
}

// Damaged reports whether the decoder complained of damaged data while this
// frame was read. The frame itself may look well and a later one not.
func (f *Frame) Damaged() bool { return f.damaged }

// Width returns the width in pixels.
func (f *Frame) Width() int { return f.mat.Cols() }

// Height returns the height in pixels.
func (f *Frame) Height() int { return f.mat.Rows() }

// BGR returns a copy of the packed blue-green-red bytes, row by row.
func (f *Frame) BGR() []byte { return f.mat.ToBytes() }

// Gray returns the brightness of each pixel, row by row.
func (f *Frame) Gray() []byte {
	g := gocv.NewMat()
	defer g.Close()
	gocv.CvtColor(f.mat, &g, gocv.ColorBGRToGray)
	return g.ToBytes()
}

// Clone returns a copy that outlives the frame.
func (f *Frame) Clone() *Frame {
	return &Frame{mat: f.mat.Clone()}
}

// Resize returns a new frame of the given size.
func (f *Frame) Resize(w, h int) *Frame {
	m := gocv.NewMat()
	gocv.Resize(f.mat, &m, image.Pt(w, h), 0, 0, interpolation(f, w))
	return &Frame{mat: m}
}

// interpolation averages when shrinking, so that noise falls and edges do
// not flicker, and blends when growing.
func interpolation(f *Frame, w int) gocv.InterpolationFlags {
	if w < f.Width() {
		return gocv.InterpolationArea
	}
	return gocv.InterpolationLinear
}

// JPEG encodes the frame with [JPEGQuality].
func (f *Frame) JPEG() ([]byte, error) {
	buf, err := gocv.IMEncodeWithParams(gocv.JPEGFileExt, f.mat, []int{gocv.IMWriteJpegQuality, JPEGQuality})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCannotWrite, err)
	}
	defer buf.Close()
	if buf.Len() == 0 {
		return nil, fmt.Errorf("%w: empty JPEG", ErrCannotWrite)
	}
	return append([]byte(nil), buf.GetBytes()...), nil
}

// PNG encodes the frame without loss.
func (f *Frame) PNG() ([]byte, error) {
	buf, err := gocv.IMEncode(gocv.PNGFileExt, f.mat)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCannotWrite, err)
	}
	defer buf.Close()
	if buf.Len() == 0 {
		return nil, fmt.Errorf("%w: empty PNG", ErrCannotWrite)
	}
	return append([]byte(nil), buf.GetBytes()...), nil
}

// Scaler shrinks frames to one fixed size into the caller's memory, without
// allocating for each frame.
type Scaler struct {
	w, h int
	mat  gocv.Mat
}

// NewScaler returns a scaler to w x h pixels.
func NewScaler(w, h int) *Scaler {
	return &Scaler{w: w, h: h, mat: gocv.NewMat()}
}

// Scale writes the frame's packed blue-green-red bytes at the scaler's size
// into dst, which must have room for exactly those.
func (s *Scaler) Scale(f *Frame, dst []byte) error {
	if len(dst) != s.w*s.h*3 {
		return fmt.Errorf("%w: %d bytes for %dx%d", ErrShape, len(dst), s.w, s.h)
	}
	gocv.Resize(f.mat, &s.mat, image.Pt(s.w, s.h), 0, 0, interpolation(f, s.w))
	view, err := s.mat.DataPtrUint8()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrShape, err)
	}
	copy(dst, view)
	return nil
}

// Close gives the scaler's memory back.
func (s *Scaler) Close() { s.mat.Close() } //nolint:gosec // frees memory
