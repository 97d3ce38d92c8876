package walks

import (
	"errors"
	"fmt"
	"io"

	"github.com/vouchledger/vouch/vision/cv"
)

// Source plays a clip with a trouble, or a walk over its frames. It is what
// package watch watches.
type Source struct {
	next  func() (*cv.Frame, error)
	close func() error
	w, h  int
	rate  cv.Rate
	spoil *spoiler
}

// Open plays a clip from its file.
func (c Clip) Open(tr Trouble, seed uint64) (*Source, error) {
	r, err := cv.Open(c.Video)
	if err != nil {
		return nil, err
	}
	w, h := r.Size()
	return &Source{next: r.Next, close: r.Close, w: w, h: h, rate: r.Rate(), spoil: newSpoiler(tr, seed, w, h)}, nil
}

// A Film is all frames of a clip in memory, 700 kB each at 640x360: a walk goes
// back and forth over them.
type Film struct {
	frames [][]byte
	w, h   int
	rate   cv.Rate
}

// Film reads all frames of a clip, scaled to w by h pixels, or with 0 as they
// are.
func (c Clip) Film(w, h int) (*Film, error) {
	r, err := cv.Open(c.Video)
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // only read
	f := &Film{rate: r.Rate(), w: w, h: h}
	bytes := func(frame *cv.Frame) ([]byte, error) { return frame.BGR(), nil }
	if w == 0 {
		f.w, f.h = r.Size()
	} else {
		small := cv.NewScaler(w, h)
		defer small.Close()
		bytes = func(frame *cv.Frame) ([]byte, error) {
			pic := make([]byte, w*h*3)
			return pic, small.Scale(frame, pic)
		}
	}
	for {
		frame, err := r.Next()
		if errors.Is(err, io.EOF) {
			return f, nil
		}
		if err != nil {
			return nil, err
		}
		pic, err := bytes(frame)
		frame.Close()
		if err != nil {
			return nil, err
		}
		f.frames = append(f.frames, pic)
	}
}

// Len returns the number of frames.
func (f *Film) Len() int { return len(f.frames) }

// Rate returns the clip's frame rate.
func (f *Film) Rate() cv.Rate { return f.rate }

// Walk plays a walk over the film with a trouble.
func (f *Film) Walk(w Walk, tr Trouble, seed uint64) *Source {
	n := 0
	return &Source{
		next: func() (*cv.Frame, error) {
			if n == len(w.Frames) {
				return nil, io.EOF
			}
			n++
			return cv.NewFrame(f.w, f.h, f.frames[w.Frames[n-1]])
		},
		close: func() error { return nil },
		w:     f.w, h: f.h, rate: f.rate, spoil: newSpoiler(tr, seed, f.w, f.h),
	}
}

// Next returns the next frame, spoilt, or io.EOF.
func (s *Source) Next() (*cv.Frame, error) {
	f, err := s.next()
	if err != nil || s.spoil.tr.plain() {
		return f, err
	}
	defer f.Close()
	pic := f.BGR()
	if len(pic) != s.w*s.h*3 {
		return nil, fmt.Errorf("%w: %d bytes for %dx%d", cv.ErrShape, len(pic), s.w, s.h)
	}
	s.spoil.do(pic)
	return cv.NewFrame(s.w, s.h, pic)
}

// plain reports whether nothing is done to the frames.
func (t Trouble) plain() bool { return !t.Mirror && t.Noise == 0 && t.Shake == 0 && t.Gain == 0 }

// Size returns width and height in pixels.
func (s *Source) Size() (w, h int) { return s.w, s.h }

// Rate returns the clip's frame rate.
func (s *Source) Rate() cv.Rate { return s.rate }

// Live returns false: a clip waits.
func (s *Source) Live() bool { return false }

// Close closes the clip.
func (s *Source) Close() error { return s.close() }
