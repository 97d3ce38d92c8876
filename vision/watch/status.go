package watch

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/vouchledger/vouch/vision/lens"
)

var (
	// ErrBroken is returned for a file that ends long before it said it would:
	// it was cut off or is damaged. What was seen until then has been handed
	// out; what was in question then is left open.
	ErrBroken = errors.New("the video breaks off")
	// ErrBacklog is returned when so many sightings wait for a full disk that
	// no more can be held; make room and start again.
	ErrBacklog = errors.New("too many sightings wait for the disk")
)

// A Status says that something began to be wrong with a camera or with what
// keeps its sightings, or that it is over. Several troubles may go on at once.
type Status struct {
	Trouble lens.Trouble
	Over    bool
	Detail  string
	// Frame is the frame it was noticed in, T its time in seconds from the
	// first frame, At the same as a moment.
	Frame int
	T     float64
	At    time.Time
}

// trouble tells the receiver of statuses what changed, each once.
func (w *watcher) trouble(s shot, t lens.Trouble, over bool, detail string) {
	if w.troubles[t] == !over {
		return
	}
	w.troubles[t] = !over
	if w.cfg.Status != nil {
		w.cfg.Status(Status{Trouble: t, Over: over, Detail: detail, Frame: s.n, T: s.at, At: w.moment(s.at)})
	}
}

// moment is when t seconds from the first frame were.
func (w *watcher) moment(t float64) time.Time {
	speed := w.cfg.Speed
	if speed == 0 || w.cfg.Frames.Live() {
		speed = 1
	}
	return w.cfg.Start.Add(time.Duration(t / speed * float64(time.Second)))
}

// judged reports whether the monitor may look at a picture. What it must not
// look at makes it blind: what it finds changed afterwards nobody saw happen.
func (w *watcher) judged(s shot) bool {
	w.trouble(s, lens.Resized, !s.resized, s.size())
	if s.resized {
		w.monitor.Blind()
		return false
	}
	if s.damaged {
		w.lens.Damage()
	}
	before, _ := w.lens.State()
	judge, changed := w.lens.See(s.small)
	if changed {
		now, detail := w.lens.State()
		if before != lens.Clear {
			w.trouble(s, before, true, "")
		}
		if now != lens.Clear {
			w.trouble(s, now, false, detail)
		}
	}
	if !judge {
		w.monitor.Blind()
	}
	return judge
}

// size says what size the frame of a shot has.
func (s shot) size() string { return fmt.Sprintf("%dx%d", s.frame.Width(), s.frame.Height()) }

// full reports whether err means that a disk takes no more.
func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// waitingMost bounds the sightings held while the disk is full: a shelf that
// is robbed bare is a hundred.
const waitingMost = 1024

// hand gives a sighting to the receiver, or holds it in memory while the disk
// is full. Those that wait go first.
func (w *watcher) hand(s shot, out Sighting, emit func(Sighting) error) error {
	if len(w.waiting) >= waitingMost {
		return ErrBacklog
	}
	w.waiting = append(w.waiting, out)
	return w.flush(s, emit)
}

// flush hands out what waits, in order, as far as there is room.
func (w *watcher) flush(s shot, emit func(Sighting) error) error {
	w.tried = s.n
	for len(w.waiting) > 0 {
		switch err := emit(w.waiting[0]); {
		case full(err):
			w.trouble(s, lens.Full, false, err.Error())
			return nil
		case err != nil:
			return err
		}
		w.waiting = w.waiting[1:]
		w.stats.Sightings++
	}
	if !w.unkept {
		w.trouble(s, lens.Full, true, "")
	}
	return nil
}

// keep gathers the evidence of a sighting. On a full disk the sighting goes on
// without it and with less confidence: what cannot be shown afterwards is not
// charged without a question.
func (w *watcher) keep(ctx context.Context, s shot, out Sighting) (Sighting, error) {
	var err error
	out.Evidence, err = w.gather(ctx, out, s.frame)
	w.unkept = full(err)
	if !w.unkept {
		return out, err
	}
	w.trouble(s, lens.Full, false, err.Error())
	out.Evidence, out.Act = nil, out.Act*doubt
	return out, nil
}

// ended checks that a source ended where it said it would.
func (w *watcher) ended() error {
	whole, ok := w.cfg.Frames.(interface{ Frames() int })
	if !ok || w.cfg.Frames.Live() {
		return nil
	}
	n := whole.Frames()
	if float64(w.stats.Frames) >= wholeShare*float64(n) {
		return nil
	}
	err := fmt.Errorf("%w: %d of %d frames", ErrBroken, w.stats.Frames, n)
	w.trouble(w.last, lens.Broken, false, err.Error())
	return err
}

// wholeShare is the share of the frames a file promised that make it whole:
// containers count a few more than decode.
const wholeShare = 0.95
