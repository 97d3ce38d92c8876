//go:build opencv

package main

import (
	"context"
	"image"
	"image/draw"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/edge/host"
	"github.com/vouchledger/vouch/vision/qr"
	"github.com/vouchledger/vouch/vision/terminal"
)

// A stuck is where decisions are printed to, and does not come back until it may.
type stuck struct {
	goOn chan struct{}
	said string
}

func (s *stuck) Write(b []byte) (int, error) {
	<-s.goOn
	s.said += string(b)
	return len(b), nil
}

// hangs lets a program hang for two minutes in what somebody does after half a minute,
// and requires that the watchdog, which waits for one, is fed before and after and
// not meanwhile. It goes on for as long as another half a minute.
func hangs(t *testing.T, beats *atomic.Int64, out *stuck, do func()) {
	t.Helper()
	heard := func(d time.Duration) int64 {
		before := beats.Load()
		time.Sleep(d)
		synctest.Wait()
		return beats.Load() - before
	}
	if n := heard(30 * time.Second); n < 28 || n > 31 {
		t.Errorf("%d beats in 30 s, want one a second", n)
	}
	do()
	heard(5 * time.Second)
	if n := heard(2 * time.Minute); n != 0 {
		t.Errorf("%d beats while it hangs, want none", n)
	}
	close(out.goOn)
	if n := heard(30 * time.Second); n < 28 || n > 40 {
		t.Errorf("%d beats in the 30 s after it went on, want one a second", n)
	}
}

// TestAGatesWatchdogIsFedByTheLoopAndByNothingElse lets a gate hang with a code before
// its camera.
func TestAGatesWatchdogIsFedByTheLoopAndByNothingElse(t *testing.T) {
	clip := filepath.Join(t.TempDir(), "gate.mp4")
	const w, h, seconds = 320, 240, 200
	film, err := cv.Create(clip, 1, w, h)
	if err != nil {
		t.Fatal(err)
	}
	for second := range seconds {
		img := image.NewGray(image.Rect(0, 0, w, h))
		draw.Draw(img, img.Rect, image.White, image.Point{}, draw.Src)
		if second == 32 {
			code, err := qr.Encode("VT1-ONE")
			if err != nil {
				t.Fatal(err)
			}
			draw.Draw(img, img.Rect.Add(image.Pt(60, 20)), code.Image(5), image.Point{}, draw.Src)
		}
		bgr := make([]byte, 0, 3*w*h)
		for _, v := range img.Pix {
			bgr = append(bgr, v, v, v)
		}
		if err := writeFrame(film, w, h, bgr); err != nil {
			t.Fatal(err)
		}
	}
	if err := film.Close(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		var beats atomic.Int64
		out := &stuck{goOn: make(chan struct{})}
		r := &gateRun{
			gateFlags: &gateFlags{video: clip, speed: 1, id: "gate-1"}, start: time.Now(), text: out,
			pulse: pulse{feed: func() { beats.Add(1) }},
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.look(ctx) }()
		hangs(t, &beats, out, func() {}) // its film shows the code
		stop()
		if err := <-done; err != nil || !strings.Contains(out.said, "VT1-ONE") {
			t.Errorf("the gate = %v and said %q, want the code", err, out.said)
		}
	})
}

// TestATerminalsWatchdogIsFedByTheLoopAndByNothingElse lets a terminal hang with a card
// before its reader, while what it reports goes on beside.
func TestATerminalsWatchdogIsFedByTheLoopAndByNothingElse(t *testing.T) {
	dir := t.TempDir()
	key, err := terminal.OpenKey(filepath.Join(dir, "cards.key"))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		var beats atomic.Int64
		out := &stuck{goOn: make(chan struct{})}
		r := &terminalRun{
			gateRun: &gateRun{
				gateFlags: &gateFlags{id: "door-1"}, start: time.Now(), text: out, pulse: pulse{feed: func() { beats.Add(1) }},
			},
			cards: &terminal.Reader{Key: key, As: ledger.CredentialCard},
		}
		h := host.New(host.Config{State: dir, Now: time.Now, Roll: rand.Float64, Beat: r.beat, Logger: slog.Default()})
		ctx, stop := context.WithCancel(t.Context())
		done, tapped := make(chan error), make(chan error, 1)
		go func() { done <- h.Run(ctx) }()
		hangs(t, &beats, out, func() {
			go func() { tapped <- r.hear(ctx, []byte("4242424242424242")) }()
		})
		if err := <-tapped; err == nil || !strings.Contains(out.said, "payment card") {
			t.Errorf("the terminal said %q, %v, want what it thinks of a payment card", out.said, err)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
