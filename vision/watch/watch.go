package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/planogram"
	"github.com/vouchledger/vouch/vision/shelf"
)

// ErrTooShort is returned for a source that ends before the shelf could be
// looked at even twice; record a longer one.
var ErrTooShort = errors.New("the video ends at once")

// ModelName is what sightings name as having decided, before the detector's
// own name if one is configured.
const ModelName = "vouch-shelf/1"

// Config says how a source is watched. Frames and Plan are needed.
type Config struct {
	Frames Source
	Plan   planogram.Planogram
	// Start is the moment of the first frame.
	Start time.Time
	// Speed paces a file: 1 is real time, 0 as fast as it decodes. A camera
	// paces itself.
	Speed float64
	// Now is this device's clock; it is read for pacing and for cameras only.
	Now func() time.Time
	// Keeper stores evidence; without one sightings have none.
	Keeper Keeper
	// Detector confirms sightings; nil for none. Classes are those that count
	// as goods, all but persons if empty.
	Detector Looker
	Classes  []string
}

// Source is where frames come from; a reader of package cv is one.
type Source interface {
	Next() (*cv.Frame, error)
	Size() (w, h int)
	Rate() cv.Rate
	Live() bool
}

// Stats says what a run went through.
type Stats struct {
	Frames    int
	Looked    int
	Sightings int
}

// cameraRate is taken for a camera that does not say its frame rate.
const cameraRate = 30

type watcher struct {
	cfg           Config
	fps           float64
	width, height int
	monitor       *shelf.Monitor
	ring          *ring
	stats         Stats
	last          shot // whose frame lies in the ring
	spare         chan []byte
}

// buffer returns memory for a small picture, used before if there is one.
func (w *watcher) buffer(n int) []byte {
	select {
	case b := <-w.spare:
		return b
	default:
		return make([]byte, n)
	}
}

// shot is one decoded frame on its way to the monitor.
type shot struct {
	n     int
	at    float64 // seconds since the first
	frame *cv.Frame
	small []byte // nil if the monitor does not want it
}

// Run watches until the source ends or ctx does, and calls emit for each
// sighting.
func Run(ctx context.Context, cfg Config, emit func(Sighting) error) (Stats, error) {
	w := &watcher{cfg: cfg, fps: cfg.Frames.Rate().Float(), spare: make(chan []byte, ahead)}
	if w.fps == 0 {
		w.fps = cameraRate
	}
	w.width, w.height = cfg.Frames.Size()
	if err := cfg.Plan.CheckSize(w.width, w.height); err != nil {
		return Stats{}, err
	}
	w.monitor = shelf.New(cfg.Plan, w.fps)
	w.ring = newRing(w.fps)
	defer w.ring.close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	shots, done := make(chan shot, ahead), make(chan error, 1)
	go func() {
		defer close(shots)
		done <- w.decode(ctx, shots)
	}()
	// The decoder is waited for in every case: it uses the source that the
	// caller closes next.
	defer func() {
		stop()
		for s := range shots {
			s.frame.Close()
		}
	}()
	for s := range shots {
		if err := w.see(ctx, s, emit); err != nil {
			return w.stats, err
		}
	}
	if err := <-done; err != nil {
		return w.stats, err
	}
	if w.stats.Looked < 2 {
		return w.stats, fmt.Errorf("%w: %d frames", ErrTooShort, w.stats.Frames)
	}
	for _, ch := range w.monitor.End() {
		if err := w.report(ctx, w.last, ch, emit); err != nil {
			return w.stats, err
		}
	}
	return w.stats, nil
}

// ahead is how many frames may be decoded before they are looked at: enough
// to go on while a clip is encoded, without holding seconds of video.
const ahead = 8

// decode reads, paces and shrinks; it runs beside the monitor, so that on two
// cores a look costs hardly any time of its own.
func (w *watcher) decode(ctx context.Context, shots chan<- shot) error {
	width, height := w.monitor.Size()
	scaler := cv.NewScaler(width, height)
	defer scaler.Close()
	var begun time.Time
	for n := 0; ctx.Err() == nil; n++ {
		f, err := w.cfg.Frames.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		s := shot{n: n, at: float64(n) / w.fps, frame: f}
		switch {
		case w.cfg.Frames.Live():
			if n == 0 {
				begun = w.cfg.Now()
			}
			s.at = w.cfg.Now().Sub(begun).Seconds()
		case w.cfg.Speed > 0:
			if n == 0 {
				begun = w.cfg.Now()
			}
			pause(ctx, time.Duration(s.at/w.cfg.Speed*float64(time.Second))-w.cfg.Now().Sub(begun))
		}
		if w.monitor.Wants(n) {
			s.small = w.buffer(3 * width * height)
			if err := scaler.Scale(f, s.small); err != nil {
				f.Close()
				return err
			}
		}
		select {
		case shots <- s:
		case <-ctx.Done():
			f.Close()
		}
	}
	return ctx.Err()
}

func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// see looks at one frame and hands out what became certain by it.
func (w *watcher) see(ctx context.Context, s shot, emit func(Sighting) error) error {
	w.stats.Frames++
	var changes []shelf.Change
	if s.small != nil {
		w.stats.Looked++
		changes = w.monitor.Step(s.n, s.small)
		select {
		case w.spare <- s.small:
		default:
		}
	}
	for _, ch := range changes {
		if err := w.report(ctx, s, ch, emit); err != nil {
			s.frame.Close()
			return err
		}
	}
	if w.ring.wants(s.n) {
		w.ring.add(s.n, s.frame)
		w.last = s
	} else {
		s.frame.Close()
	}
	return nil
}

func (w *watcher) report(ctx context.Context, s shot, ch shelf.Change, emit func(Sighting) error) error {
	out := Sighting{Change: ch, Model: ModelName}
	var err error
	if d := w.cfg.Detector; d != nil {
		out.Model += " " + d.Label()
		if out.Change, err = confirm(d, w.cfg.Classes, ch, w.ring.at(ch.Before), s.frame); err != nil {
			return err
		}
	}
	out.Delay = float64(s.n-ch.Frame) / w.fps
	// Counted back from the frame at hand, because a camera's frames come
	// less evenly than its rate says.
	out.T = math.Max(0, s.at-out.Delay)
	speed := w.cfg.Speed
	if speed == 0 || w.cfg.Frames.Live() {
		speed = 1
	}
	out.At = w.cfg.Start.Add(time.Duration(out.T / speed * float64(time.Second)))
	if w.cfg.Keeper != nil {
		if out.Evidence, err = w.gather(ctx, out.Change, s.frame); err != nil {
			return err
		}
	}
	w.stats.Sightings++
	return emit(out)
}
