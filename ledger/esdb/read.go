package esdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/vouchledger/vouch/ledger"
)

func ignoreEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// Find implements [ledger.Log].
func (l *Log) Find(ctx context.Context, id ledger.ID) (ledger.Record, error) {
	if err := ctx.Err(); err != nil {
		return ledger.Record{}, err
	}
	ctx, cancel := l.bounded(ctx)
	defer cancel()
	at, err := l.index.find(id)
	if err == nil && at == 0 && !id.IsZero() {
		// Another server may have appended it since the index looked.
		if _, err = l.Head(ctx); err == nil {
			at, err = l.index.find(id)
		}
	}
	if err != nil {
		return ledger.Record{}, fmt.Errorf("event %s: %w", id, err)
	}
	if at == 0 {
		return ledger.Record{}, fmt.Errorf("event %s: %w", id, ledger.ErrNotFound)
	}
	r, err := l.read1(ctx, at)
	if err == nil && r.ID != id {
		err = fmt.Errorf("event %s: %w: at its position %d is now %s", id, ledger.ErrCorrupt, at, r.ID)
	}
	return r, err
}

// read1 returns the record at a position where there is one.
func (l *Log) read1(ctx context.Context, position uint64) (ledger.Record, error) {
	var found *event
	err := l.link.do(ctx, l.attempt(), func(ctx context.Context, s *session) error {
		f, err := s.readAll(ctx, ctx, commit(position), false, 1)
		if err != nil {
			return err
		}
		defer f.stop()
		it := f.next(ctx)
		found = it.event
		return ignoreEnd(it.err)
	})
	if err != nil {
		return ledger.Record{}, err
	}
	if found != nil {
		if s, ok := l.sight(*found); ok && s.position == position {
			return l.complete(ctx, s)
		}
	}
	return ledger.Record{}, fmt.Errorf("position %d: %w: the event that was there is gone", position, ledger.ErrCorrupt)
}

// headPage is how many events head looks at from behind at a time.
const headPage = 64

// Head implements [ledger.Log]. It asks the cluster, since another server may
// have appended.
func (l *Log) Head(ctx context.Context) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	ctx, cancel := l.bounded(ctx)
	defer cancel()
	l.mu.Lock()
	tail := l.tail
	l.mu.Unlock()
	l.index.mu.Lock()
	tail, broken := max(tail, l.index.looked), l.index.broken
	l.index.mu.Unlock()
	if broken != nil {
		return 0, broken
	}
	last, end, err := l.lastSeen(ctx, tail)
	if err != nil {
		return 0, fmt.Errorf("head: %w", err)
	}
	if err := l.await(ctx, func() bool { return l.index.head >= last }); err != nil {
		return 0, fmt.Errorf("head: %w", err)
	}
	l.mu.Lock()
	l.tail = max(l.tail, end)
	l.mu.Unlock()
	_, head, err := l.index.length("")
	return head, err
}

// lastSeen looks from the end of the cluster back to tail for the last event of
// this ledger, and returns its position, or 0, and that of the end.
func (l *Log) lastSeen(ctx context.Context, tail uint64) (last, end uint64, err error) {
	var from *uint64
	for done := false; !done && err == nil; {
		err = l.link.do(ctx, l.attempt(), func(ctx context.Context, s *session) error {
			f, err := s.readAll(ctx, ctx, from, true, headPage)
			if err != nil {
				return err
			}
			defer f.stop()
			for range headPage {
				it := f.next(ctx)
				if it.err != nil {
					done = errors.Is(it.err, io.EOF)
					return ignoreEnd(it.err)
				}
				from = &it.event.commit
				end = max(end, it.event.commit+1)
				seen, ok := l.sight(*it.event)
				if seen.position <= tail {
					done = true
					return nil
				}
				if ok {
					last, done = seen.position, true
					return nil
				}
			}
			return nil
		})
	}
	return last, end, err
}

// Read implements [ledger.Log].
func (l *Log) Read(ctx context.Context, q ledger.Query) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		if err := q.Validate(); err != nil {
			yield(ledger.Record{}, err)
			return
		}
		stopped := false
		err := ctx.Err()
		if err == nil {
			err = l.read(ctx, q, func(r ledger.Record) bool {
				stopped = !yield(r, nil)
				return !stopped
			})
		}
		if err != nil && !stopped {
			yield(ledger.Record{}, err)
		}
	}
}

func (l *Log) read(ctx context.Context, q ledger.Query, yield func(ledger.Record) bool) error {
	ctx, cancel := l.living(ctx)
	defer cancel()
	next, head, err := l.index.length(q.Stream)
	if err != nil {
		return err
	}
	if q.Backwards && q.From == 0 && q.Stream == "" || !q.Backwards && q.From > maxPlace {
		return nil
	}
	r := &reading{log: l, q: q, yield: yield, owed: head}
	if q.Stream != "" {
		r.owed = next
	}
	r.start()
	wait := &patience{life: ctx, limit: l.cfg.Timeout, attempt: l.attempt()}
	defer wait.end()
	for n := 1; ; n++ {
		wait.begin()
		err := r.leg(ctx, wait)
		if err == nil || !trouble(err) {
			return err
		}
		if ctx.Err() != nil {
			return l.over(ctx)
		}
		if wait.all.Err() != nil {
			return fmt.Errorf("%w: %w", ledger.ErrUnavailable, err)
		}
		l.link.rest(wait.all, n)
	}
}
