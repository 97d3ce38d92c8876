package embedded

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/frame"
)

// Read implements [ledger.Log].
func (l *Log) Read(ctx context.Context, q ledger.Query) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		r := reader{cursor: newCursor(l), query: q, yield: yield}
		defer r.close()
		err := q.Validate()
		if err == nil {
			err = r.look(q.Stream)
		}
		if err != nil {
			yield(ledger.Record{}, err)
			return
		}
		if q.Backwards {
			r.down(ctx)
			return
		}
		r.up(ctx, start(q))
	}
}

// start returns the index of the first event that q asks for: a revision, or a
// position counted from 0.
func start(q ledger.Query) uint64 {
	if q.Stream == "" && q.From > 0 {
		return q.From - 1
	}
	return q.From
}

// Subscribe implements [ledger.Log]. On a log that is open read-only nothing
// ever comes after what it holds.
func (l *Log) Subscribe(ctx context.Context, q ledger.Query) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		r := reader{cursor: newCursor(l), query: q, yield: yield}
		defer r.close()
		err := q.Validate()
		if err == nil && (q.Backwards || q.Limit > 0) {
			err = fmt.Errorf("subscribe: %w: backwards or with a limit", ledger.ErrInvalid)
		}
		for next := start(q); err == nil; {
			var changed <-chan struct{}
			if changed, err = r.await(q, next); err != nil {
				break
			}
			if changed == nil {
				if !r.up(ctx, next) {
					return
				}
				next = r.count(q)
				continue
			}
			r.rest()
			select {
			case <-changed:
			case <-l.quit:
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		yield(ledger.Record{}, err)
	}
}

// await takes in what is durable now. If that does not hold event next, it
// returns what to wait for. Both are decided under one lock, so nothing is
// missed in between.
func (r *reader) await(q ledger.Query, next uint64) (<-chan struct{}, error) {
	if err := r.look(q.Stream); err != nil {
		return nil, err
	}
	if r.count(q) > next {
		return nil, nil
	}
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped != nil {
		return nil, l.stopped
	}
	if l.durable > r.view.head {
		closed := make(chan struct{})
		close(closed) // something came since
		return closed, nil
	}
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return l.changed, nil
}

// Find implements [ledger.Log].
func (l *Log) Find(ctx context.Context, id ledger.ID) (ledger.Record, error) {
	if err := ctx.Err(); err != nil {
		return ledger.Record{}, err
	}
	r := request{records: []ledger.Record{{ID: id}}}
	for {
		if err := l.lookUp(&r); err != nil {
			return ledger.Record{}, err
		}
		l.mu.Lock()
		stopped, same := l.stopped, l.set.Load() == r.set
		candidates := l.idx.candidates(append([]uint64(nil), r.sealed...), id, fingerprint(l.idx.seed, id))
		candidates = slices.DeleteFunc(candidates, func(p uint64) bool { return p > l.durable }) // on their way
		l.mu.Unlock()
		if stopped != nil {
			return ledger.Record{}, stopped
		}
		if same {
			return l.findAmong(candidates, id)
		}
	}
}

func (l *Log) findAmong(candidates []uint64, id ledger.ID) (ledger.Record, error) {
	c := newCursor(l)
	defer c.close()
	for _, p := range candidates {
		f, err := c.frame(p, false)
		if err != nil {
			return ledger.Record{}, l.readError(err)
		}
		if f.ID() == id {
			return f.Record(), nil
		}
	}
	return ledger.Record{}, fmt.Errorf("event %s: %w", id, ledger.ErrNotFound)
}

// A reader yields what a query asks for.
type reader struct {
	cursor
	query ledger.Query
	sent  int
	yield func(ledger.Record, error) bool
}

// up yields the events of the view from index i on. It reports whether the
// receiver wants more.
func (r *reader) up(ctx context.Context, i uint64) bool {
	for n := r.count(r.query); i < n; i++ {
		if r.query.Stream == "" {
			var err error
			if i, err = r.skip(i); err != nil {
				r.yield(ledger.Record{}, r.log.readError(err))
				return false
			}
			if i >= n {
				break
			}
		}
		if !r.one(ctx, i) {
			return false
		}
	}
	return true
}

// down yields the events of the view from the query's start down to the first.
func (r *reader) down(ctx context.Context) {
	n := r.count(r.query)
	if n == 0 || (r.query.Stream == "" && r.query.From == 0) {
		return
	}
	for i := min(start(r.query), n-1); ; i-- {
		if r.query.Stream == "" {
			var ok bool
			var err error
			if i, ok, err = r.skipDown(i); err != nil {
				r.yield(ledger.Record{}, r.log.readError(err))
				return
			}
			if !ok {
				return
			}
		}
		if !r.one(ctx, i) || i == 0 {
			return
		}
	}
}

// one yields event i if the query wants it.
func (r *reader) one(ctx context.Context, i uint64) bool {
	if err := ctx.Err(); err != nil {
		r.yield(ledger.Record{}, err)
		return false
	}
	f, err := r.event(r.query, i)
	if err != nil {
		r.yield(ledger.Record{}, r.log.readError(err))
		return false
	}
	if len(r.query.Kinds) > 0 || len(r.query.Prefixes) > 0 {
		if !wants(r.query, f) {
			return true
		}
	}
	r.sent++
	return r.yield(r.record(f), nil) && (r.query.Limit == 0 || r.sent < r.query.Limit)
}

// record returns the event that was read last.
func (c *cursor) record(f frame.Frame) ledger.Record {
	if c.lasting {
		return c.decode.Lasting(f)
	}
	return c.decode.Record(f)
}

// wants is [ledger.Query.Wants] on a frame's bytes.
func wants(q ledger.Query, f frame.Frame) bool {
	ok := len(q.Kinds) == 0
	for i := 0; i < len(q.Kinds) && !ok; i++ {
		ok = string(f.Kind()) == string(q.Kinds[i])
	}
	if !ok || len(q.Prefixes) == 0 {
		return ok
	}
	name := f.Stream()
	for _, p := range q.Prefixes {
		if len(name) >= len(p) && string(name[:len(p)]) == p {
			return true
		}
	}
	return false
}

// readError names an error of reading after the log was closed for what it is.
func (l *Log) readError(err error) error {
	if !errors.Is(err, os.ErrClosed) && !errors.Is(err, errGone) {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped != nil {
		return l.stopped
	}
	return err
}
