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
		frame, err := f.camera.Next()
		if err != nil {
			return nil, err
		}
		f.note(frame)
		if f.thin.Keep() {
			return frame, nil
		}
		frame.Close()
	}
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
	shoot := now.Sub(f.asked) < pictureWanted && now.Sub(f.taken) >= pictureEvery
	if shoot {
		f.taken = now
	}
	f.mu.Unlock()
	if say {
		f.report(frames, f.dropped())
	}
	if !shoot {
		return
	}
	if b, err := frame.JPEG(); err == nil {
		f.mu.Lock()
		f.picture = b
		f.mu.Unlock()
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
