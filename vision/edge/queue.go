package edge

import "sync"

// A Queue holds what a camera gave until somebody looks at it. When it is full
// the oldest is dropped and counted: a camera does not wait, and the newest
// picture is worth most. What was seen in pictures is never in a queue: that
// is in the outbox. Put is called by one goroutine, Next by one, Close by any.
type Queue[F any] struct {
	mu      sync.Mutex
	some    sync.Cond
	items   []F
	size    int
	drop    func(F)
	dropped int
	err     error
}

// NewQueue returns a queue of at most size. What is dropped is given to drop.
func NewQueue[F any](size int, drop func(F)) *Queue[F] {
	q := &Queue[F]{size: max(1, size), drop: drop}
	q.some.L = &q.mu
	return q
}

// Put adds f. After Close f is dropped and not counted.
func (q *Queue[F]) Put(f F) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil {
		q.drop(f)
		return
	}
	if len(q.items) >= q.size {
		q.drop(q.items[0])
		q.items = append(q.items[:0], q.items[1:]...)
		q.dropped++
	}
	q.items = append(q.items, f)
	q.some.Signal()
}

// Next waits for the oldest. Once the queue is closed and empty it returns the
// error it was closed with.
func (q *Queue[F]) Next() (F, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.items) == 0 && q.err == nil {
		q.some.Wait()
	}
	var none F
	if len(q.items) == 0 {
		return none, q.err
	}
	f := q.items[0]
	q.items = append(q.items[:0], q.items[1:]...)
	return f, nil
}

// Close ends the queue with err; the first one counts.
func (q *Queue[F]) Close(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err == nil {
		q.err = err
	}
	q.some.Broadcast()
}

// Dropped returns how many were dropped because the queue was full.
func (q *Queue[F]) Dropped() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}

// A Thinner decides which frames of a source are kept, so that so many a
// second remain, evenly.
type Thinner struct {
	From, To float64 // frames a second; To 0 keeps all
	due      float64
}

// Keep reports whether the next frame is kept.
func (t *Thinner) Keep() bool {
	if t.To <= 0 || t.From <= t.To {
		return true
	}
	t.due += t.To / t.From
	if t.due < 1-1e-9 {
		return false
	}
	t.due--
	return true
}

// Rate returns the frames a second that remain.
func (t *Thinner) Rate() float64 {
	if t.To > 0 && t.To < t.From {
		return t.To
	}
	return t.From
}

// Ended reports whether Close was called.
func (q *Queue[F]) Ended() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.err != nil
}
