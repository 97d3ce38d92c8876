package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"syscall"
	"time"

	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/footage"
	"github.com/vouchledger/vouch/vision/lens"
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
	// Faces and Persons find whom the copies for shoppers hide; without both the
	// upper part of whatever moves is hidden.
	Faces   footage.FaceFinder
	Persons Looker
	// Weight says what a scale below the camera read; nil if there is none.
	Weight Weigher
	// Detector confirms sightings; nil for none. Classes are those that count
	// as goods, all but persons if empty.
	Detector Looker
	// Recogniser says what an item looks like; nil for none.
	Recogniser Namer
	Classes    []string
	// Status is told what goes wrong with the camera and when it is over, in
	// the order of the sightings; nil for nobody.
	Status func(Status)
	// Found is told of every sighting as soon as it is certain that something
	// moved, also while its purpose is not known yet: package floor judges these
	// together with what other sensors say. nil for nobody.
	Found func(Sighting)
	// Hand says how probable it is that who reached to a slot at a moment was of
	// staff, or a shopper, by a badge or a track; nil if nobody can say. It is asked
	// of every change, when that has become certain.
	Hand func(slot string, at time.Time) (staff, shopper float64)
}

// Source is where frames come from; a reader of package cv is one.
type Source interface {
	Next() (*cv.Frame, error)
	Size() (w, h int)
	Rate() cv.Rate
	Live() bool
}

// A skipper is a source that can pass over a frame for less than it costs to make
// a picture of it.
type skipper interface{ Skip() error }

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
	lens          *lens.Lens
	ring          *ring
	stats         Stats
	now           shot // that is looked at
	last          shot // whose frame lies in the ring
	spare         chan []byte

	troubles map[lens.Trouble]bool
	waiting  []Sighting // for room on the disk
	tried    int        // the frame in which they were last handed out
	unkept   bool       // the last evidence found no room
	open     []Sighting // whose purpose is not known yet
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
	at    float64   // seconds since the first
	frame *cv.Frame // nil if nobody wants it
	small []byte    // nil if the monitor does not want it
	// resized says that the frame has another size than the planogram.
	resized bool
	// damaged says that the decoder complained since the last look.
	damaged bool
}

// Run watches until the source ends or ctx does, and calls emit for each
// sighting.
func Run(ctx context.Context, cfg Config, emit func(Sighting) error) (Stats, error) {
	w := &watcher{
		cfg: cfg, fps: cfg.Frames.Rate().Float(), spare: make(chan []byte, ahead),
		troubles: map[lens.Trouble]bool{},
	}
	if w.fps == 0 {
		w.fps = cameraRate
	}
	w.width, w.height = cfg.Frames.Size()
	if err := cfg.Plan.CheckSize(w.width, w.height); err != nil {
		return Stats{}, err
	}
	w.monitor = shelf.New(cfg.Plan, w.fps)
	if cfg.Hand != nil {
		w.monitor.Hands(func(slot string, frame int) shelf.Hand {
			return handOf(cfg.Hand(slot, w.moment(w.when(w.now, frame))))
		})
	}
	sw, sh := w.monitor.Size()
	w.lens = lens.New(sw, sh, w.monitor.Rate(), cfg.Plan.Look, w.monitor.Goods)
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
			if s.frame != nil {
				s.frame.Close()
			}
		}
	}()
	for s := range shots {
		if err := w.see(ctx, s, emit); err != nil {
			return w.stats, err
		}
	}
	if err := <-done; err != nil {
		return w.stats, errors.Join(err, w.leave(emit))
	}
	if w.stats.Looked < 2 {
		return w.stats, fmt.Errorf("%w: %d frames", ErrTooShort, w.stats.Frames)
	}
	return w.stats, w.end(ctx, emit)
}

// end hands out what can be said when no more pictures come. Of a video that
// broke off nothing can: whatever was going on, its end is missing.
func (w *watcher) end(ctx context.Context, emit func(Sighting) error) error {
	if err := w.ended(); err != nil {
		return errors.Join(err, w.leave(emit))
	}
	if t, _ := w.lens.State(); t == lens.Clear {
		if err := w.tell(ctx, w.last, w.monitor.End(), emit); err != nil {
			return err
		}
	}
	if err := w.leave(emit); err != nil {
		return err
	}
	if n := len(w.waiting); n > 0 {
		return fmt.Errorf("%w: %d: %w", ErrBacklog, n, syscall.ENOSPC)
	}
	return nil
}

// leave hands out what waited for somebody to leave or for room on the disk.
func (w *watcher) leave(emit func(Sighting) error) error {
	w.monitor.Leave()
	return errors.Join(w.tell(context.Background(), w.last, nil, emit), w.flush(w.last, emit))
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
	damaged := false
	for n := 0; ctx.Err() == nil; n++ {
		f, err := w.next(n)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		s := shot{n: n, at: float64(n) / w.fps, frame: f}
		if n == 0 && (w.cfg.Frames.Live() || w.cfg.Speed > 0) {
			begun = w.cfg.Now()
		}
		switch {
		case w.cfg.Frames.Live():
			s.at = w.cfg.Now().Sub(begun).Seconds()
		case w.cfg.Speed > 0:
			pause(ctx, time.Duration(s.at/w.cfg.Speed*float64(time.Second))-w.cfg.Now().Sub(begun))
		}
		if f != nil {
			damaged = damaged || f.Damaged()
			s.resized = f.Width() != w.width || f.Height() != w.height
		}
		if w.monitor.Wants(n) && !s.resized {
			s.small, s.damaged, damaged = w.buffer(3*width*height), damaged, false
			if err := scaler.Scale(f, s.small); err != nil {
				f.Close()
				return err
			}
		}
		select {
		case shots <- s:
		case <-ctx.Done():
			if f != nil {
				f.Close()
			}
		}
	}
	return ctx.Err()
}

// next returns the next frame, or nil for one that neither the monitor looks at
// nor evidence is made of.
func (w *watcher) next(n int) (*cv.Frame, error) {
	if s, ok := w.cfg.Frames.(skipper); ok && !w.monitor.Wants(n) && !w.ring.wants(n) {
		return nil, s.Skip()
	}
	return w.cfg.Frames.Next()
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
	if len(w.waiting) > 0 && s.n-w.tried >= int(w.fps) {
		if err := w.flush(s, emit); err != nil {
			if s.frame != nil {
				s.frame.Close()
			}
			return err
		}
	}
	if s.frame == nil {
		return nil
	}
	var changes []shelf.Change
	if s.small != nil || s.resized {
		w.stats.Looked++
		if w.judged(s) {
			w.now = s
			changes = w.monitor.Step(s.n, s.small)
		}
	}
	if s.small != nil {
		select {
		case w.spare <- s.small:
		default:
		}
	}
	if err := w.tell(ctx, s, changes, emit); err != nil {
		s.frame.Close()
		return err
	}
	if w.ring.wants(s.n) && !s.resized {
		w.ring.add(s.n, s.frame)
		w.last = s
	} else {
		s.frame.Close()
	}
	return nil
}

// tell hands out what became certain. A return of which nobody knows yet
// whether a shopper or staff brought it waits until that is settled, and comes
// before whatever happened in its slot afterwards.
func (w *watcher) tell(ctx context.Context, s shot, changes []shelf.Change, emit func(Sighting) error) error {
	var sure []Sighting
	for _, ch := range changes {
		out, err := w.report(ctx, s, ch)
		if err != nil {
			return err
		}
		if w.cfg.Found != nil {
			w.cfg.Found(out)
		}
		if out.Open {
			w.open = append(w.open, out)
		} else {
			sure = append(sure, out)
		}
	}
	var now []Sighting
	for _, settled := range w.monitor.Settled() {
		i := slices.IndexFunc(w.open, func(o Sighting) bool { return o.ID == settled.ID })
		if i < 0 {
			continue // it came certain and was told at once
		}
		out := w.open[i]
		w.open = slices.Delete(w.open, i, i+1)
		out.Open, out.Purpose = false, settled.Purpose
		now = append(now, out)
	}
	for _, out := range append(now, sure...) {
		if err := w.hand(s, out, emit); err != nil {
			return err
		}
	}
	return nil
}

// surely is how sure it must be whose hand it was. What is less sure is told as a
// shopper's or waits, so that a shopper beside staff is charged or somebody is asked.
const surely = 0.95

func handOf(staff, shopper float64) shelf.Hand {
	switch {
	case staff >= surely:
		return shelf.StaffsHand
	case shopper >= surely:
		return shelf.ShoppersHand
	}
	return shelf.UnknownHand
}

// when is the time of a frame, in seconds from the first: counted back from the one
// at hand, because a camera's frames come less evenly than its rate says.
func (w *watcher) when(s shot, frame int) float64 {
	return math.Max(0, s.at-float64(s.n-frame)/w.fps)
}

// report makes a sighting of a change, with what shows it.
func (w *watcher) report(ctx context.Context, s shot, ch shelf.Change) (Sighting, error) {
	out := Sighting{Change: ch, Model: ModelName}
	var err error
	if d := w.cfg.Detector; d != nil {
		out.Model += " " + d.Label()
		if out.Change, err = confirm(d, w.cfg.Classes, ch, w.ring.at(ch.Before), s.frame); err != nil {
			return out, err
		}
	}
	if n := w.cfg.Recogniser; n != nil {
		out.Model += " " + n.Label()
		if out.Items, err = appearance(n, out.Change, w.ring.at(ch.Before), s.frame); err != nil {
			return out, err
		}
	}
	out.Delay = float64(s.n-ch.Frame) / w.fps
	out.T = w.when(s, ch.Frame)
	out.At = w.moment(out.T)
	if w.cfg.Keeper != nil {
		if out, err = w.keep(ctx, s, out); err != nil {
			return out, err
		}
	}
	return out, nil
}
