package host

import (
	"sync"
	"time"

	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/edge"
)

const (
	// queued is how many frames of a camera wait at most: with those that the
	// watcher has in hand a second of video.
	queued = 8
	// pictureEvery and pictureWanted: while somebody looks at the page there are
	// two pictures a second, else none.
	pictureEvery  = 500 * time.Millisecond
	pictureWanted = 5 * time.Second
)

// A feed stands between a camera and its watcher: it counts, keeps to a frame
// rate, and drops what a watcher that is late does not take from a camera. A
// film waits instead.
type feed struct {
	camera  Camera
	live    bool
	thin    edge.Thinner
	queue   *edge.Queue[*cv.Frame] // of a camera; nil for a film
	reading sync.WaitGroup
	report  func(frames, dropped int)
	now     func() time.Time

	mu      sync.Mutex
	frames  int
	told    time.Time
	asked   time.Time // for a picture
	taken   time.Time
	picture []byte
}

func newFeed(c Camera, want edge.Camera, waiting int, report func(frames, dropped int), now func() time.Time) *feed {
	f := &feed{
		camera: c, live: want.Live(), thin: edge.Thinner{From: c.Rate().Float(), To: want.Rate}, report: report, now: now,
	}
	if f.live {
		f.queue = edge.NewQueue(waiting, (*cv.Frame).Close)
		f.reading.Go(f.read)
	}
	return f
}

// read takes frames from the camera as they come.
func (f *feed) read() {
	for {
		frame, err := f.next()
		if err != nil {
			f.queue.Close(err)
			return
		}
		f.queue.Put(frame)
		if f.queue.Ended() {
			return
		}
	}
}

// next returns the next frame that is kept.
func (f *feed) next() (*cv.Frame, error) {
	for {
		keep := f.thin.Keep()
		frame, err := f.take(keep)
		if err != nil {
			return nil, err
		}
		if keep {
			return frame, nil
		}
		if frame != nil {
			frame.Close()
		}
	}
}

// A skipper passes over a frame for less than it costs to make a picture of it;
// a reader of package cv is one.
type skipper interface{ Skip() error }

// take takes the next frame from the camera and counts it. There is none of one
// that nobody wants.
func (f *feed) take(wanted bool) (*cv.Frame, error) {
	if s, ok := f.camera.(skipper); ok && !wanted && !f.shooting(f.now()) {
		if err := s.Skip(); err != nil {
			return nil, err
		}
		f.note(nil)
		return nil, nil //nolint:nilnil // nobody wants it
	}
	frame, err := f.camera.Next()
	if err == nil {
		f.note(frame)
	}
	return frame, err
}

// Skip passes over the next frame that is kept.
func (f *feed) Skip() error {
	if f.queue != nil {
		frame, err := f.queue.Next()
		if err == nil {
			frame.Close()
		}
		return err
	}
	for {
		keep := f.thin.Keep()
		frame, err := f.take(false)
		if frame != nil {
			frame.Close()
		}
		if keep || err != nil {
			return err
		}
	}
}

// shooting reports whether somebody looks at the page and waits for a picture.
func (f *feed) shooting(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return now.Sub(f.asked) < pictureWanted && now.Sub(f.taken) >= pictureEvery
}

// note counts a frame, says so from time to time, and keeps a picture of it
// while somebody looks.
func (f *feed) note(frame *cv.Frame) {
	now := f.now()
	f.mu.Lock()
	f.frames++
	frames, say := f.frames, now.Sub(f.told) >= progressEvery || f.frames == 1
	if say {
		f.told = now
	}
	f.mu.Unlock()
	if say {
		f.report(frames, f.dropped())
	}
	if frame == nil || !f.shooting(now) {
		return
	}
	b, err := frame.JPEG()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.taken = now; err == nil {
		f.picture = b
	}
}

func (f *feed) dropped() int {
	if f.queue == nil {
		return 0
	}
	return f.queue.Dropped()
}

// shot returns the last picture and asks for more.
func (f *feed) shot() []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = f.now()
	return f.picture
}

// Next implements watch.Source.
func (f *feed) Next() (*cv.Frame, error) {
	if f.queue == nil {
		return f.next()
	}
	return f.queue.Next()
}

// Size implements watch.Source.
func (f *feed) Size() (w, h int) { return f.camera.Size() }

// Rate implements watch.Source.
func (f *feed) Rate() cv.Rate {
	if r := f.thin.Rate(); r != f.thin.From {
		return cv.RateOf(r)
	}
	return f.camera.Rate()
}

// Live implements watch.Source.
func (f *feed) Live() bool { return f.live }

// Frames returns how many frames a film says it has, of those that are kept.
func (f *feed) Frames() int {
	n, ok := f.camera.(interface{ Frames() int })
	if !ok || f.live {
		return 0
	}
	if f.thin.From <= 0 {
		return n.Frames()
	}
	return int(float64(n.Frames()) * f.thin.Rate() / f.thin.From)
}

// end lets who waits for a frame go.
func (f *feed) end(err error) {
	if f.queue != nil {
		f.queue.Close(err)
	}
}

// close gives the camera back once nobody reads from it.
func (f *feed) close() {
	f.end(errClosed)
	f.reading.Wait()
	for f.queue != nil {
		frame, err := f.queue.Next()
		if err != nil {
			break
		}
		frame.Close()
	}
	_ = f.camera.Close()
}
