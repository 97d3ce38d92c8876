// Package line listens to devices that speak line by line on a serial line or a
// pipe: scales, scanners, card readers. Cables have noise and plugs are pulled; a
// device that is lost is opened again, and one that says nothing of use is told of.
//
// The package does not know what a line means.
package line

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/internal/pause"
)

const (
	// again is how long to wait before a device that is lost is opened again: a
	// plug that was pulled is put back within seconds.
	again = time.Second
	// beginEvery is how often a device that says nothing is asked to begin.
	beginEvery = 3 * time.Second
	// manyBad is after how many lines that say nothing somebody has to look: noise
	// on a cable makes some, a wrong speed or unit makes all.
	manyBad = 20
	// longest bounds a line; what is longer is noise.
	longest = 512
)

// ErrNothing is what who hears a line says of one that may say nothing.
var ErrNothing = errors.New("nothing")

// A Device speaks line by line. Hear and Told are called by one goroutine.
type Device struct {
	Open  func() (io.ReadWriteCloser, error)
	Begin []byte // what a device that says nothing is told; empty: it speaks when somebody uses it
	// Hear takes a line without its end; the bytes are the device's again when it
	// returns. [ErrNothing] says that it may be so, any other error that it is
	// nothing of use.
	Hear func(line []byte) error
	// Told is told how the device does, as often as that is noticed.
	Told func(state ledger.DeviceState, detail string)
}

// Listen hears a device, and opens it again when it is lost, until ctx ends.
func (d Device) Listen(ctx context.Context) {
	for {
		err := d.hear(ctx)
		if ctx.Err() != nil {
			return
		}
		d.Told(ledger.DeviceUnreachable, err.Error())
		if !pause.For(ctx, again) {
			return
		}
	}
}

func (d Device) hear(ctx context.Context) error {
	l, err := d.Open()
	if err != nil {
		return err
	}
	if len(d.Begin) == 0 {
		d.Told(ledger.DeviceWell, "")
	}
	ctx, stop := context.WithCancel(ctx)
	heard := make(chan struct{}, 1)
	var beside sync.WaitGroup
	beside.Go(func() { d.ask(ctx, l, heard) })
	unblock := context.AfterFunc(ctx, func() { _ = l.Close() }) // only read
	defer func() {
		stop()
		beside.Wait()
		if unblock() {
			_ = l.Close() // only read
		}
	}()
	bad := 0
	return Each(l, func(b []byte) {
		switch err := d.Hear(b); {
		case err == nil:
			bad = 0
			select {
			case heard <- struct{}{}:
			default:
			}
		case errors.Is(err, ErrNothing):
		default:
			if bad++; bad == manyBad {
				d.Told(ledger.DeviceMisconfigured, err.Error())
			}
		}
	})
}

// ask tells a device to begin, and again whenever it says nothing.
func (d Device) ask(ctx context.Context, l io.Writer, heard <-chan struct{}) {
	if len(d.Begin) == 0 {
		return
	}
	quiet := time.NewTimer(0)
	defer quiet.Stop()
	for {
		select {
		case <-heard:
		case <-quiet.C:
			if _, err := l.Write(d.Begin); err != nil {
				return // its reader says so
			}
		case <-ctx.Done():
			return
		}
		quiet.Reset(beginEvery)
	}
}

// Each calls f with every line that r says, whatever ends it and however much
// noise is between. It returns when r does.
func Each(r io.Reader, f func([]byte)) error {
	var line []byte
	long := false
	buf := make([]byte, longest)
	for {
		n, err := r.Read(buf)
		for _, b := range buf[:n] {
			switch {
			case b == '\n' || b == '\r':
				if !long && len(line) > 0 {
					f(line)
				}
				line, long = line[:0], false
			case len(line) >= longest:
				long = true
			default:
				line = append(line, b)
			}
		}
		if err != nil {
			return err
		}
	}
}
