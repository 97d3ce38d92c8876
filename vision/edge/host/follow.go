package host

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"time"

	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/edge"
	"github.com/vouchledger/vouch/vision/internal/pause"
	"github.com/vouchledger/vouch/vision/lens"
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
	// lensWidth is how wide the pictures are by which a camera's own troubles
	// are known.
	lensWidth = 320
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
	w := &follower{host: h, run: r, feed: f, start: h.starts(c), rate: f.Rate().Float(), notice: func(t lens.Trouble, over bool, detail string) {
		if state, ok := states[t]; ok {
			h.tell(ctx, edge.Noticed{Camera: c.Name, Run: n, State: state, Over: over, Detail: detail})
		}
	}}
	if w.rate == 0 {
		w.rate = min(c.Rate, cameraRate)
	}
	w.width, w.height = f.Size()
	if err := m.CheckSize(w.width, w.height); err != nil {
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
	host          *Host
	run           *run
	feed          *feed
	people        People
	start         time.Time
	rate          float64
	width, height int
	notice        func(t lens.Trouble, over bool, detail string)
	resized       bool
	told          lens.Trouble
}

func (w *follower) look(ctx context.Context) error {
	sw, sh := cv.EvenSize(w.width, w.height, lensWidth)
	scaler := cv.NewScaler(sw, sh)
	defer scaler.Close()
	eye, small := lens.New(sw, sh, w.rate, nil, nil), make([]byte, 3*sw*sh)
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
		err = w.see(f, at, eye, scaler, small)
		f.Close()
		if err != nil {
			return err
		}
	}
}

// see looks at one picture, if it can be judged.
func (w *follower) see(f *cv.Frame, at time.Time, eye *lens.Lens, scaler *cv.Scaler, small []byte) error {
	if resized := f.Width() != w.width || f.Height() != w.height; resized != w.resized {
		w.resized = resized
		w.notice(lens.Resized, !resized, fmt.Sprintf("%dx%d", f.Width(), f.Height()))
	}
	if w.resized {
		return nil
	}
	if f.Damaged() {
		eye.Damage()
	}
	if err := scaler.Scale(f, small); err != nil {
		return err
	}
	judge, changed := eye.See(small)
	if changed {
		if w.told != lens.Clear {
			w.notice(w.told, true, "")
		}
		now, detail := eye.State()
		if w.told = now; now != lens.Clear {
			w.notice(now, false, detail)
		}
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
