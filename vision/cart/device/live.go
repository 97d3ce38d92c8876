package device

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cart"
	"github.com/vouchledger/vouch/vision/internal/pause"
	"github.com/vouchledger/vouch/vision/line"
	"github.com/vouchledger/vouch/vision/scale"
)

// The parts of a cart that it reports on, beside its clock and its disk.
const (
	PartCamera  = "camera"
	PartScale   = "scale"
	PartScanner = "scanner"
)

const (
	// again is how long to wait before a camera that is lost is opened again: a
	// plug that was pulled is put back within seconds.
	again = time.Second
	// blindAfter is how long a camera may bring no picture.
	blindAfter = 5 * time.Second
	// leaveWithin is how long devices get to close at the end; a decoder that
	// hangs cannot be broken off.
	leaveWithin = 3 * time.Second
)

const blindWords = "The camera does not answer. Key in numbers, or ask staff."

// A Camera is an open camera.
type Camera interface {
	Frames
	Close() error
}

// Devices open what a live cart looks at. Each may be nil. One that is lost is
// opened again.
type Devices struct {
	Camera  func() (Camera, error)
	Scale   func() (io.ReadWriteCloser, error) // says its readings line by line: see [cart.ReadLine]
	Scanner func() (io.ReadWriteCloser, error) // says codes line by line
	// Capacity is what the scale can carry in grams; 0 is not known.
	Capacity int
	// Told is told how a part does, whenever that changes; nil: nobody is.
	Told func(part string, state ledger.DeviceState, detail string)
}

// happened is what a device says.
type happened struct {
	frame   *Frame
	reading *cart.Reading
	code    string
	part    string // or how it does
	state   ledger.DeviceState
	detail  string
}

// Live hands on what devices say until ctx ends. It may be called again with
// others: the trip goes on.
func (p *Player) Live(ctx context.Context, d Devices) error {
	p.begin()
	p.settler.Capacity, p.HasScale = d.Capacity, d.Scale != nil
	if p.since.IsZero() {
		p.since = p.Now()
	}
	p.blind("")
	ctx, stop := context.WithCancel(ctx)
	said := make(chan happened)
	var beside sync.WaitGroup
	if d.Camera != nil {
		beside.Go(func() { look(ctx, d.Camera, said) })
	}
	if d.Scale != nil {
		beside.Go(func() { listen(ctx, PartScale, d.Scale, scale.Begin, said, reading) })
	}
	if d.Scanner != nil {
		beside.Go(func() { listen(ctx, PartScanner, d.Scanner, nil, said, scanned) })
	}
	err := p.hear(ctx, d, said)
	stop()
	gone := make(chan struct{})
	go func() { beside.Wait(); close(gone) }()
	late := time.NewTimer(leaveWithin)
	defer late.Stop()
	select {
	case <-gone:
	case <-late.C:
	}
	return err
}

// hear takes what devices say, one after the other.
func (p *Player) hear(ctx context.Context, d Devices, said <-chan happened) error {
	since := func() time.Duration { return p.Now().Sub(p.since) }
	s := states{told: d.Told, is: map[string]ledger.DeviceState{}}
	seen := since()
	tick := time.NewTicker(time.Second / 4)
	defer tick.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case h := <-said:
			switch {
			case h.frame != nil:
				seen, h.frame.At = since(), since()
				if err = p.frame(*h.frame, 0, true); err == nil {
					s.set(PartCamera, p.eyes.Blind(), p.eyes.Fault())
				}
			case h.reading != nil:
				h.reading.T = since()
				if err = p.reading(*h.reading, 0, true); err == nil {
					s.set(PartScale, ledger.DeviceWell, "")
				}
			case h.code != "":
				err = p.Cart.Shown(h.code, p.Now(), 0)
			default:
				s.set(h.part, h.state, h.detail)
				if h.part == PartCamera {
					p.blind(blindWords)
				}
			}
		case <-tick.C:
			err = p.tick(since(), 0, true)
			if s.is[PartScale] == ledger.DeviceWell && p.settler.Fault() == cart.FaultSilent {
				s.set(PartScale, ledger.DeviceStalled, "it says nothing")
			}
			if d.Camera != nil && since()-seen > blindAfter {
				p.blind(blindWords)
				if s.is[PartCamera] == ledger.DeviceWell {
					s.set(PartCamera, ledger.DeviceStalled, "no picture for "+blindAfter.String())
				}
			}
		}
		if err != nil {
			return err
		}
	}
}

// blind says that the camera shows nothing, and forgets what it saw last: nobody
// knows who reached in meanwhile.
func (p *Player) blind(words string) {
	p.eyes = cart.Eyes{}
	p.Cart.See(words)
}

// states tells of each part what changes.
type states struct {
	told func(part string, state ledger.DeviceState, detail string)
	is   map[string]ledger.DeviceState
}

func (s *states) set(part string, state ledger.DeviceState, detail string) {
	if s.is[part] == state {
		return
	}
	s.is[part] = state
	if s.told != nil {
		s.told(part, state, detail)
	}
}

// tell sends what happened, unless the cart is switched off meanwhile.
func tell(ctx context.Context, to chan<- happened, h happened) {
	select {
	case to <- h:
	case <-ctx.Done():
		if h.frame != nil && h.frame.Colour != nil {
			h.frame.Colour.Close()
		}
	}
}

// look hands on pictures, and opens the camera again when it is lost.
func look(ctx context.Context, open func() (Camera, error), to chan<- happened) {
	for {
		err := watchCamera(ctx, open, to)
		if ctx.Err() != nil {
			return
		}
		tell(ctx, to, happened{part: PartCamera, state: ledger.DeviceUnreachable, detail: err.Error()})
		if !pause.For(ctx, again) {
			return
		}
	}
}

func watchCamera(ctx context.Context, open func() (Camera, error), to chan<- happened) error {
	c, err := open()
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // only read
	for ctx.Err() == nil {
		f, err := c.Next()
		if err != nil {
			return fmt.Errorf("camera: %w", err)
		}
		tell(ctx, to, happened{frame: &f})
	}
	return ctx.Err()
}

// listen hands on what a device says line by line.
func listen(
	ctx context.Context, part string, open func() (io.ReadWriteCloser, error), begin []byte, to chan<- happened,
	read func([]byte) (happened, error),
) {
	line.Device{
		Open: open, Begin: begin,
		Hear: func(b []byte) error {
			h, err := read(b)
			if err == nil {
				tell(ctx, to, h)
			}
			return err
		},
		Told: func(state ledger.DeviceState, detail string) {
			tell(ctx, to, happened{part: part, state: state, detail: detail})
		},
	}.Listen(ctx)
}

func reading(b []byte) (happened, error) {
	r, err := cart.ReadLine(b)
	return happened{reading: &r}, err
}

// scanned reads a code of a scanner. What is no text was not sent by one.
func scanned(b []byte) (happened, error) {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return happened{}, line.ErrNothing
	}
	for _, c := range b {
		if c < ' ' || c > '~' {
			return happened{}, fmt.Errorf("%w: %.40q is no code", ErrTouch, b)
		}
	}
	if len(b) > maxText {
		return happened{}, fmt.Errorf("%w: a code of %d letters", ErrTouch, len(b))
	}
	return happened{code: string(b)}, nil
}
