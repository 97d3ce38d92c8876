package host

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/edge"
	"github.com/vouchledger/vouch/vision/internal/pause"
	"github.com/vouchledger/vouch/vision/mount"
	"github.com/vouchledger/vouch/vision/track"
)

// People finds the persons in the pictures of one camera.
type People interface {
	track.Detector[*cv.Frame]
	Close() error
}

const (
	// personsRate is how many pictures a second are looked at for persons where
	// nobody says how many: who walks is a step further in each.
	personsRate = 8
	// cameraRate is what a camera is taken to give that does not say.
	cameraRate = 25
	// newest is how many pictures wait: who stood where a second ago is worth
	// less than who stands where now.
	newest = 1
)

// errFloor marks a floor file that cannot be read.
var errFloor = fmt.Errorf("%w: floor", errPlan)

// follow opens a camera that looks for persons and looks until it ends.
func (h *Host) follow(ctx context.Context, r *run, n int) error {
	m, err := mount.Load(h.file(r.camera.Floor))
	if err != nil {
		return fmt.Errorf("%w: %w", errFloor, err)
	}
	c := r.camera
	if c.Rate == 0 {
		c.Rate = personsRate
	}
	f, err := h.feed(ctx, c, n, newest)
	if err != nil {
		return err
	}
	defer f.close()
	w := &follower{host: h, run: r, feed: f, start: h.starts(c), rate: f.Rate().Float()}
	if w.rate == 0 {
		w.rate = min(c.Rate, cameraRate)
	}
	width, height := f.Size()
	if err := m.CheckSize(width, height); err != nil {
		return err
	}
	people, err := h.people(c, m, w.rate)
	if err != nil {
		return err
	}
	defer people.Close() //nolint:errcheck // only read
	w.people = people
	r.mu.Lock()
	r.feed = f
	r.mu.Unlock()
	w.sight = NewSight(width, height, w.rate, nil, func(state ledger.DeviceState, over bool, detail string) {
		h.tell(ctx, edge.Noticed{Camera: c.Name, Run: n, State: state, Over: over, Detail: detail})
	})
	defer w.sight.Close()
	defer context.AfterFunc(ctx, func() { f.end(ctx.Err()) })()
	return w.look(ctx)
}

// people opens what finds persons in a camera's pictures.
func (h *Host) people(c edge.Camera, m *mount.Mount, rate float64) (People, error) {
	if h.cfg.People == nil {
		return nil, fmt.Errorf("%w: this program looks for no persons", errEyes)
	}
	p, err := h.cfg.People(c, h.file(c.Detector), m, rate)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errEyes, err)
	}
	return p, nil
}

// A follower looks for persons in one camera's pictures.
type follower struct {
	host   *Host
	run    *run
	feed   *feed
	people People
	sight  *Sight
	start  time.Time
	rate   float64
}

func (w *follower) look(ctx context.Context) error {
	begun := w.host.cfg.Now()
	for n := 0; ; n++ {
		f, err := w.feed.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		at := w.host.cfg.Now()
		if !w.feed.Live() {
			t := time.Duration(float64(n) / w.rate * float64(time.Second))
			if s := w.run.camera.Speed; s > 0 {
				t = time.Duration(float64(t) / s)
				pause.For(ctx, begun.Add(t).Sub(at))
			}
			at = w.start.Add(t)
		}
		err = w.see(f, at)
		f.Close()
		if err != nil {
			return err
		}
	}
}

// see looks at one picture, if it can be judged.
func (w *follower) see(f *cv.Frame, at time.Time) error {
	judge, err := w.sight.Judge(f)
	if err != nil {
		return err
	}
	if !judge {
		w.show(nil)
		return nil
	}
	boxes, err := w.people.People(f)
	if err != nil {
		return err
	}
	w.show(boxes)
	if w.host.cfg.Followed != nil {
		w.host.cfg.Followed(track.Frame{Camera: w.run.camera.Name, At: at, Boxes: boxes})
	}
	return nil
}

// show keeps where persons are for the page.
func (w *follower) show(boxes []track.Box) {
	there := make([]image.Rectangle, 0, len(boxes))
	for _, b := range boxes {
		there = append(there, b.Rect)
	}
	w.run.mu.Lock()
	w.run.there = there
	w.run.mu.Unlock()
}

// checkFloor says why a camera that looks for persons cannot.
func (h *Host) checkFloor(c edge.Camera) error {
	m, err := mount.Load(h.file(c.Floor))
	if err != nil {
		return err
	}
	p, err := h.people(c, m, personsRate)
	if err != nil {
		return err
	}
	return p.Close()
}
