package device

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"time"

	"github.com/vouchledger/vouch/vision/cart"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/scale"
)

// A Frame is a picture of the cart's camera.
type Frame struct {
	At     time.Duration // since the first
	Gray   *image.Gray   // nobody changes it any more
	Colour *cv.Frame     // nil if the camera has none; whoever takes the frame closes it
}

// Frames are the pictures of the cart's camera. Next returns io.EOF after the
// last.
type Frames interface {
	Next() (Frame, error)
}

// A Recording is a trip in files. Each part may be missing.
type Recording struct {
	Frames  Frames
	Scale   []cart.Reading // in order of time
	Fingers []Finger       // in order of time
}

// ReadScale reads the readings of a scale, one a line.
func ReadScale(b []byte) ([]cart.Reading, error) {
	var all []cart.Reading
	err := eachLine(b, func(line []byte) error {
		r, err := cart.ReadReading(line)
		if err == nil && (r.T < 0 || len(all) > 0 && r.T < all[len(all)-1].T) {
			err = fmt.Errorf("%w: it has no time, or goes back in time", scale.ErrReading)
		}
		all = append(all, r)
		return err
	})
	return all, err
}

// ReadFingers reads touches, one a line.
func ReadFingers(b []byte) ([]Finger, error) {
	var all []Finger
	err := eachLine(b, func(line []byte) error {
		f, err := ReadFinger(line)
		if err == nil && len(all) > 0 && f.T < all[len(all)-1].T {
			err = fmt.Errorf("%w: it goes back in time", ErrTouch)
		}
		all = append(all, f)
		return err
	})
	return all, err
}

func eachLine(b []byte, f func([]byte) error) error {
	n := 0
	for line := range bytes.Lines(b) {
		n++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if err := f(line); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	return nil
}

// A Player hands a cart what its camera, its scale and its screen say.
type Player struct {
	Cart     *Cart
	Start    time.Time // of the first frame
	Capacity int       // of the scale in grams; 0 is not known
	HasScale bool      // then its silence is a fault

	// Now tells a live trip its time. A recording has its own.
	Now func() time.Time

	eyes    cart.Eyes
	settler cart.Settler
	sample  int64 // of a recording
	done    int64 // the last that the journal has
	began   bool
	since   time.Time // of a live cart: when it was switched on
}

// fresh counts a sample and reports whether the journal lacks what follows
// from it: after a kill a recording is looked at again from its beginning.
func (p *Player) fresh() bool {
	p.sample++
	return p.sample > p.done
}

func (p *Player) begin() {
	if p.began {
		return
	}
	p.began = true
	p.settler.Capacity = p.Capacity
	_, _, p.done = p.Cart.Trip()
}

// moment returns the time of a moment of the trip.
func (p *Player) moment(t time.Duration) time.Time {
	if !p.since.IsZero() {
		return p.since.Add(t)
	}
	return p.Start.Add(t)
}

// frame looks at a picture. n is its sample, 0 of a live camera.
func (p *Player) frame(f Frame, n int64, fresh bool) error {
	t := f.At
	text, err := p.eyes.See(f.Gray, t)
	if err == nil {
		err = p.remember(f)
	}
	if err != nil {
		return err
	}
	p.Cart.See(p.eyes.Fault())
	if text == "" || !fresh {
		return nil
	}
	return p.Cart.Shown(text, p.moment(t), n)
}

// remember gives a picture to the memory, if there is one.
func (p *Player) remember(f Frame) error {
	if w := p.Cart.cfg.Memory; w != nil {
		return w.Saw(f)
	}
	if f.Colour != nil {
		f.Colour.Close()
	}
	return nil
}

func (p *Player) reading(r cart.Reading, n int64, fresh bool) error {
	if w := p.Cart.cfg.Memory; w != nil {
		w.Read(r)
	}
	w, ok := p.settler.See(r)
	if !ok || !fresh {
		return nil
	}
	if w.Fault == cart.FaultNone {
		w.Reached = p.eyes.Reached(p.settler.Left())
	}
	return p.Cart.Weighed(w, p.moment(r.T), n)
}

// tick lets time pass.
func (p *Player) tick(t time.Duration, n int64, fresh bool) error {
	if p.HasScale {
		if w, ok := p.settler.Silent(t); ok && fresh {
			if err := p.Cart.Weighed(w, p.moment(t), n); err != nil {
				return err
			}
		}
	}
	return p.Cart.Tick(p.moment(t))
}

// Play plays a recording: in the order of its times, as fast as it goes or, if
// pace is not nil, waiting with it for each moment. It waits for the server
// while a code is being asked about, as a shopper does. A recording that was
// played before goes on behind what the journal has.
func (p *Player) Play(ctx context.Context, r Recording, pace func(context.Context, time.Duration)) error {
	p.begin()
	var picture *Frame
	for more := r.Frames != nil; ctx.Err() == nil; {
		if more && picture == nil {
			f, err := r.Frames.Next()
			switch {
			case errors.Is(err, io.EOF):
				more = false
			case err != nil:
				return err
			default:
				picture = &f
			}
		}
		t, ok := r.next(picture)
		if !ok {
			return nil
		}
		if pace != nil {
			pace(ctx, t)
		}
		var err error
		switch fresh := p.fresh(); {
		case picture != nil && picture.At == t:
			err, picture = p.frame(*picture, p.sample, fresh), nil
		case len(r.Scale) > 0 && r.Scale[0].T == t:
			err, r.Scale = p.reading(r.Scale[0], p.sample, fresh), r.Scale[1:]
		default:
			if fresh {
				err = p.Cart.Touched(r.Fingers[0], p.moment(t), p.sample)
			}
			r.Fingers = r.Fingers[1:]
		}
		if err == nil {
			fresh := p.fresh() // what time alone does is a sample of its own
			err = p.tick(t, p.sample, fresh)
		}
		if err != nil {
			return err
		}
		if err := p.Cart.While(ctx, cart.PhaseAsking); err != nil {
			return nil //nolint:nilerr // interrupted: the journal knows where
		}
	}
	return nil
}

// next returns when the next thing of the recording is, if there is one.
func (r *Recording) next(picture *Frame) (t time.Duration, ok bool) {
	first := func(at time.Duration) {
		if !ok || at < t {
			t, ok = at, true
		}
	}
	if picture != nil {
		first(picture.At)
	}
	if len(r.Scale) > 0 {
		first(r.Scale[0].T)
	}
	if len(r.Fingers) > 0 {
		first(r.Fingers[0].at())
	}
	return t, ok
}
