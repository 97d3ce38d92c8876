//go:build opencv

package cv

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"gocv.io/x/gocv"
)

// Reader reads the frames of a file, an address or a camera in order.
type Reader struct {
	src    string
	cap    *gocv.VideoCapture
	first  *Frame
	rate   Rate
	live   bool
	w, h   int
	pool   pool
	number int64 // by which its decoders are known
	// damaged says that a decoder complained of a frame that was skipped.
	damaged bool
}

// Open opens a video file, a URL, or a camera by its number, and decodes the
// first frame.
func Open(src string) (*Reader, error) {
	device, err := strconv.Atoi(src)
	live := err == nil && device >= 0
	if !live && !strings.Contains(src, "://") {
		info, err := os.Stat(src)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%w: %w", ErrCannotOpen, err)
		case info.IsDir():
			return nil, fmt.Errorf("%w: %s is a folder, name a video file in it", ErrCannotOpen, src)
		case info.Size() == 0:
			return nil, fmt.Errorf("%w: %s is empty, copy it again", ErrNotVideo, src)
		}
	}
	r := &Reader{src: src, live: live || strings.HasPrefix(src, "rtsp://"), number: newSource()}
	working(r.number, func() {
		switch {
		case live:
			r.cap, err = gocv.VideoCaptureDevice(device)
		case strings.Contains(src, "://"):
			r.cap, err = openAddress(src)
		default:
			r.cap, err = gocv.VideoCaptureFile(src)
		}
	})
	if err != nil {
		forget(r.number)
		_ = r.cap.Close()
		return nil, r.refuse(live, err)
	}
	r.rate = RateOf(r.cap.Get(gocv.VideoCaptureFPS))
	// An address may be a film's; of a camera's stream nobody knows the length.
	r.live = r.live || strings.Contains(src, "://") && r.Frames() == 0
	if r.first, err = r.read(); err != nil {
		r.Close() //nolint:errcheck,gosec // it was never read
		return nil, fmt.Errorf("%w: %s opens but ends at once; check that the file is whole", ErrNotVideo, redacted(src))
	}
	r.w, r.h = r.first.Width(), r.first.Height()
	return r, nil
}

// refuse says why the source did not open. A camera or an address that does
// not answer is another matter than a file that is no video.
func (r *Reader) refuse(device bool, err error) error {
	if device {
		return fmt.Errorf("%w: no camera answers as device %s; see v4l2-ctl --list-devices", ErrCannotOpen, r.src)
	}
	if strings.Contains(r.src, "://") {
		if !errors.Is(err, ErrCannotOpen) {
			err = fmt.Errorf("%w: %w", ErrCannotOpen, err)
		}
		return fmt.Errorf("%w: %s does not answer with a video", err, redacted(r.src))
	}
	return fmt.Errorf("%w: %s is no video, or its codec is not known; re-encode it with "+
		"ffmpeg -i %s -c:v libx264 out.mp4", ErrNotVideo, r.src, r.src)
}

// Size returns width and height in pixels.
func (r *Reader) Size() (w, h int) { return r.w, r.h }

// Rate returns the frame rate; the zero Rate if the source does not say.
func (r *Reader) Rate() Rate { return r.rate }

// Live reports whether the source is a camera, whose frames are lost if they
// are not read in time.
func (r *Reader) Live() bool { return r.live }

// Frames returns how many frames the source says it has, or 0.
func (r *Reader) Frames() int {
	return max(0, int(r.cap.Get(gocv.VideoCaptureFrameCount)))
}

// Next returns the next frame, or io.EOF after the last. The caller closes
// the frame.
func (r *Reader) Next() (*Frame, error) {
	if f := r.first; f != nil {
		r.first = nil
		return f, nil
	}
	return r.read()
}

// Skip passes over the next frame, or returns io.EOF after the last. It is decoded,
// because others follow from it, and not made a picture of, which is a quarter of
// the work. What its decoder complained of the next frame says.
func (r *Reader) Skip() error {
	if f := r.first; f != nil {
		r.first = nil
		f.Close()
		return nil
	}
	ok, damaged, resized := r.grab(nil)
	r.damaged = r.damaged || damaged
	switch {
	case ok && resized:
		f, err := r.begunAnew()
		if err == nil {
			f.Close()
		}
		return err
	case !ok:
		return io.EOF
	}
	return nil
}

func (r *Reader) read() (*Frame, error) {
	m := r.pool.get()
	ok, damaged, resized := r.grab(&m)
	if ok && resized {
		r.pool.put(m)
		return r.begunAnew()
	}
	if !ok || m.Empty() {
		r.pool.put(m)
		return nil, io.EOF
	}
	damaged, r.damaged = damaged || r.damaged, false
	return &Frame{mat: m, pool: &r.pool, damaged: damaged}, nil
}

// begunAnew returns the first frame of another size. OpenCV has to open the
// source again for it, which no file can be in its middle.
func (r *Reader) begunAnew() (*Frame, error) {
	if !strings.Contains(r.src, "://") {
		return nil, fmt.Errorf("%w: %s", ErrResized, r.src)
	}
	if err := r.cap.Close(); err != nil {
		return nil, err
	}
	forget(r.number)
	var err error
	working(r.number, func() { r.cap, err = openAddress(r.src) })
	if err != nil {
		return nil, r.refuse(false, err)
	}
	m := r.pool.get()
	ok, damaged, resized := r.grab(&m)
	if !ok || resized || m.Empty() {
		r.pool.put(m)
		return nil, io.EOF
	}
	return &Frame{mat: m, pool: &r.pool, damaged: damaged}, nil
}

// Close closes the source. Frames still held stay valid.
func (r *Reader) Close() error {
	if r.first != nil {
		r.first.Close()
		r.first = nil
	}
	r.pool.close()
	err := r.cap.Close()
	forget(r.number)
	return err
}
