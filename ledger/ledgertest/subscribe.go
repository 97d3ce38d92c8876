package ledgertest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger"
)

func testSubscribe(t *testing.T, s *shop) {
	ctx := within(t)
	all := s.fill(t)
	seen := make(chan ledger.Record)
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		for r, err := range s.Subscribe(ctx, ledger.Query{From: all[2].Position}) {
			if err != nil {
				if !errors.Is(err, context.Canceled) {
					t.Errorf("Subscribe ended with %v, want context canceled", err)
				}
				return
			}
			select {
			case seen <- r:
			case <-ctx.Done():
				return
			}
		}
	})
	next := func(want ledger.Record) {
		t.Helper()
		select {
		case got := <-seen:
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("subscription (-want +got):\n%s", diff)
			}
		case <-ctx.Done():
			t.Fatal("subscription does not go on")
		}
	}
	for _, want := range all[2:] {
		next(want)
	}
	for range 5 { // live now
		for _, want := range s.must(t, bert, ledger.Any(), s.drafts(2)...) {
			next(want)
		}
	}
	cancel()
	wg.Wait()
}

// testSubscribeLoad starts subscriptions while writers are at it, so that some
// hand-over from catching up to live falls between any two appends.
func testSubscribeLoad(t *testing.T, s *shop) {
	const writers, appends, subscribers = 4, 50, 6
	ctx := within(t)
	got := make([][]ledger.Record, subscribers)
	queries := make([]ledger.Query, subscribers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			stream := ledger.StreamID("visit-" + string(rune('a'+w)))
			for i := range appends {
				n := uint64(2 * (w*appends + i)) //nolint:gosec // small
				if _, err := s.Append(ctx, stream, ledger.Any(), Draft(n), Draft(n+1)); err != nil {
					t.Errorf("append: %v", err)
				}
			}
		})
	}
	for i := range subscribers {
		switch i % 3 {
		case 1:
			queries[i].Prefixes = []string{"visit-b", "visit-c"}
		case 2:
			queries[i].Stream = "visit-b"
		}
		want := []int{2 * writers * appends, 4 * appends, 2 * appends}[i%3]
		wg.Go(func() {
			var err error
			if got[i], err = collect(s.Subscribe(ctx, queries[i]), want); err != nil {
				t.Errorf("subscription %d ended after %d of %d events: %v", i, len(got[i]), want, err)
			}
		})
	}
	wg.Wait()
	for i, q := range queries {
		if diff := cmp.Diff(s.read(t, q), got[i]); diff != "" {
			t.Errorf("subscription %d (-read afterwards +seen live):\n%s", i, diff)
		}
	}
}

func testSubscribeStream(t *testing.T, s *shop) {
	ctx := within(t)
	var got []ledger.Record
	var wg sync.WaitGroup
	wg.Go(func() {
		var err error
		if got, err = collect(s.Subscribe(ctx, ledger.Query{Stream: anna, From: 1}), 2); err != nil {
			t.Errorf("Subscribe = %v", err)
		}
	})
	s.must(t, bert, ledger.None(), s.draft())
	want := s.must(t, anna, ledger.None(), s.drafts(2)...)[1:]
	s.must(t, bert, ledger.Any(), s.draft())
	want = append(want, s.must(t, anna, ledger.Any(), s.draft())...)
	wg.Wait()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("subscription (-want +got):\n%s", diff)
	}
}

func testSlowSubscriber(t *testing.T, s *shop) {
	ctx := within(t)
	s.must(t, anna, ledger.None(), s.draft())
	first, goOn := make(chan struct{}), make(chan struct{})
	var got []ledger.Record
	var wg sync.WaitGroup
	wg.Go(func() {
		for r, err := range s.Subscribe(ctx, ledger.Query{}) {
			if err != nil {
				t.Errorf("Subscribe = %v", err)
				return
			}
			if got = append(got, r); len(got) == 1 {
				close(first)
				<-goOn // asleep while the shop goes on
			}
			if len(got) == 101 {
				return
			}
		}
	})
	<-first
	for range 100 {
		s.must(t, bert, ledger.Any(), s.draft())
	}
	if rs := s.all(t); len(rs) != 101 {
		t.Errorf("%d events are stored beside a slow subscriber, want 101", len(rs))
	}
	close(goOn)
	wg.Wait()
	if diff := cmp.Diff(s.all(t), got); diff != "" {
		t.Errorf("the slow subscriber (-want +got):\n%s", diff)
	}
}

func testSubscribeEnds(t *testing.T, s *shop) {
	s.must(t, anna, ledger.None(), s.drafts(2)...)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen := 0
	for _, err := range s.Subscribe(ctx, ledger.Query{}) {
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Subscribe ended with %v, want context canceled", err)
			}
			break
		}
		if seen++; seen == 2 {
			cancel()
		}
	}
	if seen != 2 {
		t.Errorf("saw %d events before the end, want 2", seen)
	}
	if _, err := collect(s.Subscribe(ctx, ledger.Query{Stream: bert}), -1); !errors.Is(err, context.Canceled) {
		t.Errorf("Subscribe(cancelled) = %v", err)
	}
}
