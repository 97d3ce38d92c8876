package convoy_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/vouchledger/vouch/ledger/internal/convoy"
)

// TestAllWhoWereReleasedGoOnFirst checks that a committer waits for a few
// writers until all have been running, and for many until so many have.
func TestAllWhoWereReleasedGoOnFirst(t *testing.T) {
	for _, writers := range []int{0, 1, 16, convoy.Most, convoy.Most + 1, 300} {
		synctest.Test(t, func(t *testing.T) {
			var c convoy.Convoy
			met := convoy.NewPlace()
			awaited := make(chan struct{})
			go func() {
				c.Await(met, min(writers, convoy.Most))
				close(awaited)
			}()
			for left := range min(writers, convoy.Most) {
				synctest.Wait()
				select {
				case <-awaited:
					t.Fatalf("of %d writers only %d had been running", writers, left)
				default:
				}
				c.Leave(met)
			}
			<-awaited // a convoy that is never complete deadlocks here, and fails
			for range max(0, writers-convoy.Most) {
				c.Leave(met)
			}
		})
	}
}

// TestNobodyIsWaitedForInVain checks that a committer never stops, however
// writers leave: before they are released, at the same time, or late, from an
// earlier convoy.
func TestNobodyIsWaitedForInVain(t *testing.T) {
	met := convoy.NewPlace()
	var left atomic.Int64
	var wg sync.WaitGroup
	const rounds, writers = 3_000, 40
	for round := range rounds {
		c := new(convoy.Convoy)
		n := round % writers
		released := make(chan struct{})
		for w := range n {
			wg.Go(func() {
				if w%5 > 0 { // every fifth does not wait to be released
					<-released
				}
				c.Leave(met)
				left.Add(1)
			})
		}
		close(released)
		c.Await(met, min(n, convoy.Most))
	}
	wg.Wait()
	if want := int64(rounds / writers * (writers * (writers - 1) / 2)); left.Load() != want {
		t.Errorf("%d writers have left, want %d", left.Load(), want)
	}
}
