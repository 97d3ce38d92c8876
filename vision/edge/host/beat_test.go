package host

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestTheWatchdogIsFedByTheLoopAndByNothingElse lets the loop stand still for a
// minute: systemd, which waits for half of one, would begin the process anew.
func TestTheWatchdogIsFedByTheLoopAndByNothingElse(t *testing.T) {
	cfg := machine(t, "").cfg
	synctest.Test(t, func(t *testing.T) {
		var beats, stands atomic.Int64
		goOn := make(chan struct{})
		cfg.Beat = func() { beats.Add(1) }
		cfg.Now = func() time.Time {
			if stands.CompareAndSwap(1, 2) {
				<-goOn // as a disk that does not answer
			}
			return time.Now()
		}
		h := New(cfg) // in here, so that its rest is seen
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- h.Run(ctx) }()
		heard := func(d time.Duration) int64 {
			before := beats.Load()
			time.Sleep(d)
			synctest.Wait()
			return beats.Load() - before
		}
		if n := heard(20 * time.Second); n < 19 {
			t.Errorf("%d beats in 20 s, want one a second", n)
		}
		stands.Store(1)
		if n := heard(time.Minute); n > 1 {
			t.Errorf("%d beats while the loop stands still, want none after the one it stopped in", n)
		}
		goOn <- struct{}{}
		if n := heard(20 * time.Second); n < 19 {
			t.Errorf("%d beats in the 20 s after it went on, want one a second", n)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
