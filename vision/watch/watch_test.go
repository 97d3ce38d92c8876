//go:build opencv

package watch

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/planogram"
)

// drawn is a shelf of 320x180 with a striped box that is gone from frame
// leaves on. It closes nothing: the watcher has to.
type drawn struct {
	n, frames, leaves int
}

func (d *drawn) Size() (w, h int) { return 320, 180 }
func (d *drawn) Rate() cv.Rate    { return cv.Rate{Num: 30, Den: 1} }
func (d *drawn) Live() bool       { return false }

func (d *drawn) Next() (*cv.Frame, error) {
	if d.n == d.frames {
		return nil, io.EOF
	}
	pic := bytes.Repeat([]byte{180, 175, 170}, 320*180)
	for y := 80; y < 150 && d.n < d.leaves; y++ {
		for x := 35; x < 65; x++ {
			copy(pic[(y*320+x)*3:], []byte{byte(40 + y%20*8), 150, 60})
		}
	}
	d.n++
	return cv.NewFrame(320, 180, pic)
}

func config(t *testing.T, frames, leaves int) Config {
	t.Helper()
	plan, err := planogram.Parse([]byte(`{"size": [320, 180], "sku": "tea", "initial": {"left": 1},
		"slots": {"left": [[20,60],[80,60],[80,150],[20,150]]}}`))
	if err != nil {
		t.Fatal(err)
	}
	return Config{
		Frames: &drawn{frames: frames, leaves: leaves}, Plan: plan,
		Start: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC), Now: time.Now,
	}
}

// memory keeps bytes in memory.
type memory map[ledger.Digest][]byte

func (m memory) Keep(_ context.Context, b []byte) (ledger.Digest, error) {
	d := ledger.DigestOf(b)
	m[d] = b
	return d, nil
}

func TestSightingShowsTheShelfBeforeAndAfter(t *testing.T) {
	cfg, stored := config(t, 150, 75), memory{}
	cfg.Keeper = stored
	var seen []Sighting
	stats, err := Run(t.Context(), cfg, func(s Sighting) error {
		for _, e := range s.Evidence {
			if _, ok := stored[e.Digest]; !ok {
				t.Errorf("%s %s is not stored yet", e.Role, e.Digest)
			}
		}
		seen = append(seen, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if stats.Frames != 150 || len(seen) != 1 {
		t.Fatalf("frames, sightings = %d, %d, want 150, 1", stats.Frames, len(seen))
	}
	s := seen[0]
	if s.T < 2.4 || s.T > 2.7 || !s.At.Equal(cfg.Start.Add(time.Duration(s.T*float64(time.Second)))) {
		t.Errorf("T, At = %.2f, %v, want about 2.5 s after the start", s.T, s.At)
	}
	// In the middle of the box: green before, wall after.
	for role, want := range map[string]bool{ledger.RoleBefore: true, ledger.RoleAfter: false} {
		i := slices.IndexFunc(s.Evidence, func(e ledger.EvidenceRef) bool { return e.Role == role })
		f, err := cv.DecodeImage(stored[s.Evidence[i].Digest])
		if err != nil {
			t.Fatal(err)
		}
		px := f.BGR()[(115*320+50)*3:][:3]
		if green := int(px[1]) > int(px[2])+40; green != want {
			t.Errorf("%s: colour of the place = %v, item there = %v, want %v", s.Evidence[i].Role, px, green, want)
		}
		f.Close()
	}
}

func TestVideoOfOneFrameIsRefused(t *testing.T) {
	if _, err := Run(t.Context(), config(t, 1, 9), nil); !errors.Is(err, ErrTooShort) {
		t.Errorf("Run(one frame) = %v, want ErrTooShort", err)
	}
}

func TestVideoOfAnotherSizeIsRefused(t *testing.T) {
	cfg := config(t, 60, 99)
	cfg.Plan.Width = 640
	if _, err := Run(t.Context(), cfg, nil); !errors.Is(err, planogram.ErrSize) {
		t.Errorf("Run(another size) = %v, want ErrSize", err)
	}
}

func TestFailingReceiverEndsTheWatch(t *testing.T) {
	full := errors.New("disk full")
	if _, err := Run(t.Context(), config(t, 3000, 75), func(Sighting) error { return full }); !errors.Is(err, full) {
		t.Errorf("Run() = %v, want %v", err, full)
	}
}

func TestWatchEndsWithItsContext(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	cfg := config(t, 3000, 75)
	cfg.Speed = 1 // would take 100 s
	time.AfterFunc(50*time.Millisecond, stop)
	if _, err := Run(ctx, cfg, func(Sighting) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("Run() = %v, want context.Canceled", err)
	}
}
