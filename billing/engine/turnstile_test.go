package engine

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// The provider was away and ten orders wait. What lapses first goes first, and
// what never lapses goes last, in the order it came; somebody who stops
// waiting takes no turn from anybody.
func TestWhatLapsesFirstIsSentFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := newTurnstile(2)
		for range 2 {
			if err := gate.enter(t.Context(), time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		evening := time.Date(2026, 11, 30, 20, 0, 0, 0, time.UTC)
		var went []string
		wait := func(ctx context.Context, name string, before time.Time) {
			go func() {
				if gate.enter(ctx, before) == nil {
					went = append(went, name)
				}
			}()
			synctest.Wait()
		}
		gone, leave := context.WithCancel(t.Context())
		wait(t.Context(), "refund", time.Time{})
		wait(t.Context(), "ben", evening.Add(2*time.Hour))
		wait(gone, "nobody", evening)
		wait(t.Context(), "release", time.Time{})
		wait(t.Context(), "anna", evening.Add(time.Hour))
		leave()
		synctest.Wait()
		for range 4 {
			gate.leave()
			synctest.Wait()
		}
		if want := []string{"anna", "ben", "refund", "release"}; !slices.Equal(went, want) {
			t.Errorf("they went as %q, want %q", went, want)
		}
		for range 2 {
			gate.leave()
		}
		if gate.free != 2 {
			t.Errorf("%d places are free, want 2", gate.free)
		}
	})
}
