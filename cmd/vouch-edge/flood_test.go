//go:build opencv

package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vouchledger/vouch/cmd/vouch-edge/bench"
	"github.com/vouchledger/vouch/internal/given"
	"github.com/vouchledger/vouch/internal/peer"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/edge/host"
)

// floodAt is what the addresses of cameras begin with that send a thousand frames
// a second, a hundred at once: more than any processor looks at.
const (
	floodAt    = "rtsp://flood/"
	floodEvery = 100 * time.Millisecond
	floodBurst = 100
)

// A flood is such a camera: a shelf on which nothing happens, seen by a sensor
// that makes some noise.
type flood struct {
	w, h    int
	picture []byte
	n       uint64
	next    *time.Ticker
}

func openFlood(clip string) (*flood, error) {
	r, err := cv.Open(clip)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	f, err := r.Next()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return &flood{w: f.Width(), h: f.Height(), picture: f.BGR(), next: time.NewTicker(floodEvery)}, nil
}

func (f *flood) Next() (*cv.Frame, error) {
	if f.n++; f.n%floodBurst == 0 {
		<-f.next.C
	}
	binary.LittleEndian.PutUint64(f.picture, f.n) // no two pictures are the same
	return cv.NewFrame(f.w, f.h, f.picture)
}

func (f *flood) Size() (w, h int) { return f.w, f.h }
func (f *flood) Rate() cv.Rate    { return cv.RateOf(25) }
func (f *flood) Live() bool       { return true }
func (f *flood) Close() error     { f.next.Stop(); return nil }

var _ = alsoChild("VOUCH_EDGE_FLOOD", runFlood)

// runFlood is `vouch-edge run` where some cameras flood it with a clip's picture.
func runFlood() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	c, err := loadShop(os.Args[len(os.Args)-1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	open := func(source string) (host.Camera, error) {
		if strings.HasPrefix(source, floodAt) {
			return openFlood(os.Getenv("VOUCH_EDGE_FLOOD"))
		}
		return openCamera(source)
	}
	if err := runShop(ctx, c, "", false, bench.Taps{Open: open, Log: os.Stderr}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// TestAMachineThatCannotKeepUpDropsFramesAndNoEvent gives one processor four
// cameras that send a thousand frames a second, and a film that waits. Frames are
// dropped, counted and told; the film's events are all found, kept and sent; and
// memory stays what it is for five cameras, whatever came.
func TestAMachineThatCannotKeepUpDropsFramesAndNoEvent(t *testing.T) {
	clip, err := filepath.Abs(given.File(t, "video/bottle-a.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := filepath.Abs(given.File(t, "video/planogram.json"))
	if err != nil {
		t.Fatal(err)
	}
	var names, cameras []string
	for n := range 4 {
		names = append(names, fmt.Sprintf("flood-%d", n))
		cameras = append(cameras, fmt.Sprintf("  - {name: %s, source: %q, planogram: %q, initial: {left: 1, middle: 1, right: 1}}", names[n], floodAt+names[n], plan))
	}
	f, url := newFar(t)
	config := writeShop(t, url, append(cameras, filmCamera(t, "film", ""))...)
	status := peer.Address(t)
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, []byte(strings.Replace(string(text), "127.0.0.1:0", status, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	c := startEdge(t, config, "GOMAXPROCS=1", "VOUCH_EDGE_FLOOD="+clip)
	f.until("everybody who floods it is told to be too much", func() bool {
		for _, name := range names {
			if f.state(name) != ledger.DeviceOverloaded {
				return false
			}
		}
		return true
	})
	f.until("the film was played and its events came", func() bool { return f.state("film") == ledger.DeviceEnded && len(f.seen) >= 4 })

	res, err := http.Get("http://" + status + "/status.json") //nolint:noctx // loopback
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var v host.View
	if err := json.NewDecoder(res.Body).Decode(&v); err != nil {
		t.Fatal(err)
	}
	dropped := 0
	for _, cam := range v.Cameras {
		if strings.HasPrefix(cam.Name, "flood") && 2*cam.Dropped < cam.Frames {
			t.Errorf("%s: %d of %d frames are dropped, want most", cam.Name, cam.Dropped, cam.Frames)
		}
		dropped += cam.Dropped
	}
	const picture = 640 * 360 * 3 / 1000 // kB
	peak := peakMemory(t, c.cmd.Process.Pid)
	if peak > mostMemory || dropped*picture < 4*mostMemory {
		t.Errorf("%d MB at most were in use and frames of %d MB dropped, want less than %d MB, and more than four times that: else the test shows nothing",
			peak/1000, dropped*picture/1000, mostMemory/1000)
	}
	if err := c.end(); err != nil {
		t.Errorf("vouch-edge run that was told to end = %v, want 0", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if lost := missing(c.safe, f.seen); len(lost) > 0 || len(c.safe) != 4 || len(f.seen) != 4 {
		t.Errorf("of %d that were kept these were lost: %v; %d came, want the film's four", len(c.safe), lost, len(f.seen))
	}
	if !strings.Contains(f.story(), "were dropped for want of time") {
		t.Errorf("nobody is told how many were dropped:\n%s", f.story())
	}
	t.Logf("%d frames dropped, %d MB at most in use", dropped, peak/1000)
}

// mostMemory in kB is what five cameras of 640 x 360 may take: of each 16 frames on
// their way, and the seconds that may become clips; see docs/operating/shop.md.
const mostMemory = 500_000

// peakMemory is the most memory in kB that a process had.
func peakMemory(t *testing.T, pid int) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	kB, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kB
}
