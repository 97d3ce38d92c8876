//go:build opencv

package watch_test

import (
	"errors"
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/vouchledger/vouch/internal/given"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/evidence"
	"github.com/vouchledger/vouch/vision/planogram"
	"github.com/vouchledger/vouch/vision/watch"
)

func open(t testing.TB, name string) *cv.Reader {
	t.Helper()
	r, err := cv.Open(given.File(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// report gives frames a second of the wall clock and of the processors: the
// second does not depend on what else the machine is doing.
func report(b *testing.B, frames int, before time.Duration) {
	b.ReportMetric(float64(frames)/b.Elapsed().Seconds(), "frames/s")
	b.ReportMetric(float64(frames)/(processors(b)-before).Seconds(), "frames/cpu-s")
}

// processors returns the time this process has spent on processors.
func processors(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkDecode is bare decoding of the longest clip, the measure that
// BenchmarkWatch is compared with.
func BenchmarkDecode(b *testing.B) {
	frames, before := 0, processors(b)
	for b.Loop() {
		r := open(b, "video/walk-s2.mp4")
		for {
			f, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			f.Close()
			frames++
		}
		r.Close()
	}
	report(b, frames, before)
}

func benchmarkWatch(b *testing.B, keep bool) {
	plan, err := planogram.Load(given.File(b, "video/planogram.json"))
	if err != nil {
		b.Fatal(err)
	}
	if plan, err = plan.WithInitial(map[string]int{"left": 0}); err != nil {
		b.Fatal(err)
	}
	frames, before := 0, processors(b)
	for b.Loop() {
		r := open(b, "video/walk-s2.mp4")
		cfg := watch.Config{Frames: r, Plan: plan, Now: time.Now}
		if keep {
			store, err := evidence.Open(b.TempDir(), evidence.Config{})
			if err != nil {
				b.Fatal(err)
			}
			cfg.Keeper = watch.Store(store)
		}
		stats, err := watch.Run(b.Context(), cfg, func(watch.Sighting) error { return nil })
		if err != nil {
			b.Fatal(err)
		}
		frames += stats.Frames
		r.Close()
	}
	report(b, frames, before)
}

// BenchmarkWatch is decoding and watching without evidence.
func BenchmarkWatch(b *testing.B) { benchmarkWatch(b, false) }

// BenchmarkWatchKeeping also stores frames and clips of what it sees.
func BenchmarkWatchKeeping(b *testing.B) { benchmarkWatch(b, true) }
