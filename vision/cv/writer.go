//go:build opencv

package cv

import (
	"fmt"
	"os"

	"gocv.io/x/gocv"
)

// Writer writes frames as an mp4 file that browsers play.
type Writer struct {
	path string
	out  *gocv.VideoWriter
	w, h int
	n    int
}

// Create opens path for writing; the name must end in .mp4. Width and height
// must be even, which H.264 needs; see [EvenSize].
func Create(path string, fps float64, w, h int) (*Writer, error) {
	if w%2 != 0 || h%2 != 0 || w <= 0 || h <= 0 {
		return nil, fmt.Errorf("%w: %dx%d, H.264 needs even sizes", ErrCannotWrite, w, h)
	}
	out, err := gocv.VideoWriterFile(path, ClipCodec, fps, w, h, true)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCannotWrite, err)
	}
	if !out.IsOpened() {
		_ = out.Close()
		return nil, fmt.Errorf("%w: %s does not open for writing", ErrCannotWrite, path)
	}
	return &Writer{path: path, out: out, w: w, h: h}, nil
}

// Write appends a frame, scaled if its size differs from the clip's.
func (w *Writer) Write(f *Frame) error {
	if f.Width() != w.w || f.Height() != w.h {
		small := f.Resize(w.w, w.h)
		defer small.Close()
		f = small
	}
	if err := w.out.Write(f.mat); err != nil {
		return fmt.Errorf("%w: %w", ErrCannotWrite, err)
	}
	w.n++
	return nil
}

// Close finishes the file and checks that something was written; OpenCV
// itself reports no error for a full disk.
func (w *Writer) Close() error {
	if err := w.out.Close(); err != nil {
		return fmt.Errorf("%w: %w", ErrCannotWrite, err)
	}
	info, err := os.Stat(w.path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCannotWrite, err)
	}
	if w.n > 0 && info.Size() == 0 {
		return fmt.Errorf("%w: %s is empty", ErrCannotWrite, w.path)
	}
	return nil
}
