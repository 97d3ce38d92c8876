package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	mathrand "math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cv"
	visionedge "github.com/vouchledger/vouch/vision/edge"
	"github.com/vouchledger/vouch/vision/edge/host"
	"github.com/vouchledger/vouch/vision/gate"
)

// partCamera is a gate's camera in what the gate reports of itself.
const partCamera = "camera"

const (
	// lookEvery is how often a gate's pictures are asked how the camera does.
	lookEvery = 125 * time.Millisecond
	// coveredFor is how long a trouble lasts until it is told: a phone is held so
	// near that nothing else is seen.
	coveredFor = 5 * time.Second
	// openAgain is when a camera that was lost is opened again: somebody stands
	// before the door.
	openAgain = time.Second
	// stillBorn is how long a camera may bring no picture.
	stillBorn = 20 * time.Second
)

// An eye tells how the camera of a gate does.
type eye struct {
	say func(ledger.DeviceState, string)

	mu      sync.Mutex
	sight   *host.Sight
	looked  time.Time
	waits   time.Time // since when a picture is waited for; zero while none is
	trouble ledger.DeviceState
	detail  string
	since   time.Time
	told    ledger.DeviceState
}

// report begins to report how the gate does, until the returned function is called.
func (r *gateRun) report(ctx context.Context, then func() error) (*eye, func() error) {
	h := host.New(host.Config{
		Store: ledger.StoreID(r.store), Device: ledger.DeviceID(r.id), Program: "vouch-edge/" + version, State: r.outbox,
		Server: r.server, Key: r.key, Client: sameServer(), Box: r.box, Now: time.Now, Roll: mathrand.Float64,
		Beat:   func() {}, // whoever stands at the door is served by the loop over pictures: see pulse
		Logger: slog.Default(),
	})
	running, cancel := context.WithCancel(ctx)
	e := &eye{say: func(state ledger.DeviceState, detail string) { h.Tell(running, partCamera, state, detail) }}
	done := make(chan error, 1)
	go func() { done <- h.Run(running) }()
	var beside sync.WaitGroup
	beside.Go(func() {
		for running.Err() == nil {
			e.miss(time.Now())
			pauseUntil(running, time.Now().Add(time.Second))
		}
	})
	return e, func() error {
		cancel()
		beside.Wait()
		return errors.Join(<-done, then())
	}
}

// open takes a camera that was opened.
func (e *eye) open(w, h int, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	// A phone may be held before all of the picture when the camera is opened, and go.
	everywhere := func(int, int) bool { return true }
	e.sight = host.NewSight(w, h, float64(time.Second/lookEvery), everywhere, func(state ledger.DeviceState, over bool, detail string) {
		switch {
		case state == ledger.DeviceMisfit: // whoever stands in the door covers what it shows
		case !over:
			e.trouble, e.detail, e.since = state, detail, e.looked
		case e.trouble == state:
			e.trouble, e.since = "", e.looked
		}
	})
	e.trouble, e.since = "", now
}

// wait says that the camera is asked for a picture.
func (e *eye) wait(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.waits = now
}

// see takes a picture of the camera.
func (e *eye) see(f *cv.Frame, now time.Time) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.waits = time.Time{}
	if now.Sub(e.looked) < lookEvery {
		return nil
	}
	e.looked = now
	if _, err := e.sight.Judge(f); err != nil {
		return err
	}
	state, detail := e.trouble, e.detail
	if state == "" {
		state, detail = ledger.DeviceWell, ""
	}
	// The first picture says that there is a camera.
	if now.Sub(e.since) >= coveredFor || e.told == "" && state == ledger.DeviceWell {
		e.tell(state, detail)
	}
	return nil
}

// lose says that the camera is lost.
func (e *eye) lose(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sight != nil {
		e.sight.Close()
		e.sight = nil
	}
	e.waits = time.Time{}
	state := ledger.DeviceUnreachable
	if errors.Is(err, cv.ErrResized) {
		state = ledger.DeviceResized
	}
	e.tell(state, err.Error())
}

// miss tells of a camera that brings no picture and does not say why.
func (e *eye) miss(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.waits.IsZero() && now.Sub(e.waits) >= stillBorn {
		e.since = now // that it goes on has to be seen for a while
		e.tell(ledger.DeviceStalled, "no picture for "+stillBorn.String())
	}
}

// tell tells a state, once.
func (e *eye) tell(state ledger.DeviceState, detail string) {
	if e.told == state {
		return
	}
	e.told = state
	if state.Trouble() {
		slog.Warn("the camera is not well", slog.String("state", string(state)), slog.String("why", detail))
	}
	e.say(state, detail)
}

// look goes through the pictures.
func (r *gateRun) look(ctx context.Context) error {
	if r.image != "" {
		f, err := cv.ReadImage(r.image)
		if err != nil {
			return err
		}
		defer f.Close()
		var w gate.Watcher
		_, err = r.see(ctx, &w, f, 0)
		return err
	}
	source, err := visionedge.Camera{Source: r.video}.Address(os.Getenv)
	if err != nil {
		return fmt.Errorf("%w: --video: %w", errUsage, err)
	}
	v := &viewing{gateRun: r, source: source}
	for {
		v.pulse.turn(time.Now())
		ended, err := v.view(ctx)
		if ended {
			return r.count(math.MaxInt64)
		}
		var lost *lostError
		if r.eye == nil || !errors.As(err, &lost) {
			return err
		}
		r.eye.lose(lost.err)
		pauseUntil(ctx, time.Now().Add(openAgain))
		if ctx.Err() != nil {
			return r.count(math.MaxInt64)
		}
	}
}

// A lostError says that a camera is lost, and not the gate.
type lostError struct{ err error }

// Error gives the error's words.
func (e *lostError) Error() string { return e.err.Error() }

// Unwrap returns the error.
func (e *lostError) Unwrap() error { return e.err }

// errCameraEnds is a camera that stopped to send.
var errCameraEnds = errors.New("its stream ended")

// A viewing goes through the pictures of a video, or of a camera as often as it
// is opened.
type viewing struct {
	*gateRun
	source  string
	watcher gate.Watcher
	begun   time.Time
}

// view opens the source and looks until enough was seen, or until it ends or ctx does.
func (v *viewing) view(ctx context.Context) (ended bool, err error) {
	src, err := cv.Open(v.source)
	if err != nil {
		return false, &lostError{err}
	}
	defer src.Close() //nolint:errcheck // only read
	v.begin(src)
	for n := 0; ctx.Err() == nil; n++ {
		v.pulse.turn(time.Now())
		if v.eye != nil {
			v.eye.wait(time.Now())
		}
		f, err := src.Next()
		switch {
		case errors.Is(err, io.EOF) && v.eye != nil && src.Live():
			return false, &lostError{errCameraEnds}
		case errors.Is(err, io.EOF):
			return true, nil
		case err != nil:
			return false, &lostError{err}
		}
		if end, err := v.next(ctx, src, f, n); end || err != nil {
			return false, err
		}
	}
	return true, nil // interrupted: the usual end of a camera
}

// begin takes a source that was opened.
func (v *viewing) begin(src *cv.Reader) {
	if v.begun.IsZero() {
		v.begun = time.Now()
		if src.Live() && v.gateFlags.start == "" { // opening a camera takes its time
			v.start = v.begun
			if v.door != nil {
				v.door.crossings = gate.Follow(v.crossings, v.begun)
			}
		}
	}
	if v.eye != nil {
		w, h := src.Size()
		v.eye.open(w, h, time.Now())
	}
}

// next looks at a picture. It returns true when enough was seen.
func (v *viewing) next(ctx context.Context, src *cv.Reader, f *cv.Frame, n int) (bool, error) {
	defer f.Close()
	at := time.Duration(src.Rate().Seconds(n) * float64(time.Second))
	if src.Live() {
		at = time.Since(v.begun)
	} else if v.speed > 0 {
		at = time.Duration(float64(at) / v.speed)
		pauseUntil(ctx, v.begun.Add(at))
	}
	if v.eye != nil {
		if err := v.eye.see(f, time.Now()); err != nil {
			return false, err
		}
	}
	end, err := v.see(ctx, &v.watcher, f, at)
	return end, errors.Join(err, v.count(at))
}

func pauseUntil(ctx context.Context, t time.Time) {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
