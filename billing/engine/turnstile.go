package engine

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// A turnstile lets a number of sends be at the provider at once. Of those that
// wait the one whose hold lapses first goes first: after hours in which the
// provider was away, the money that is nearest to being lost is fetched before
// the rest.
type turnstile struct {
	mu      sync.Mutex
	free    int
	arrived uint64
	waiting waiters
}

// A waiter is one send that is not let in yet.
type waiter struct {
	before  time.Time // when its hold lapses; zero if nothing lapses
	arrived uint64
	turn    chan struct{} // closed when it is let in
	place   int           // in the heap; -1 when it was let in
}

func newTurnstile(n int) *turnstile { return &turnstile{free: n} }

// enter waits for a turn, or for ctx to be done. Who entered leaves.
func (t *turnstile) enter(ctx context.Context, before time.Time) error {
	t.mu.Lock()
	if t.free > 0 {
		t.free--
		t.mu.Unlock()
		return nil
	}
	w := &waiter{before: before, arrived: t.arrived, turn: make(chan struct{})}
	t.arrived++
	heap.Push(&t.waiting, w)
	t.mu.Unlock()
	select {
	case <-w.turn:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if w.place < 0 { // let in meanwhile: pass the turn on
		t.pass()
		return ctx.Err()
	}
	heap.Remove(&t.waiting, w.place)
	return ctx.Err()
}

func (t *turnstile) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pass()
}

func (t *turnstile) pass() {
	if len(t.waiting) == 0 {
		t.free++
		return
	}
	w := heap.Pop(&t.waiting).(*waiter) //nolint:forcetypeassert // the heap holds nothing else
	close(w.turn)
}

type waiters []*waiter

func (h waiters) Len() int { return len(h) }

func (h waiters) Less(i, j int) bool {
	a, b := h[i], h[j]
	switch {
	case a.before.Equal(b.before):
		return a.arrived < b.arrived
	case a.before.IsZero() || b.before.IsZero():
		return b.before.IsZero()
	}
	return a.before.Before(b.before)
}

func (h waiters) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

func (h *waiters) Push(x any) {
	w := x.(*waiter) //nolint:forcetypeassert // the heap holds nothing else
	w.place = len(*h)
	*h = append(*h, w)
}

func (h *waiters) Pop() any {
	last := len(*h) - 1
	w := (*h)[last]
	(*h)[last], *h = nil, (*h)[:last]
	w.place = -1
	return w
}
