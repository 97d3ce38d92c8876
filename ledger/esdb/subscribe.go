package esdb

import (
	"context"
	"fmt"
	"iter"

	"github.com/vouchledger/vouch/ledger"
)

// Subscribe implements [ledger.Log]. When the connection is lost it goes on
// with another one, after the last event that it has handed out.
func (l *Log) Subscribe(ctx context.Context, q ledger.Query) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		err := q.Validate()
		if err == nil && (q.Backwards || q.Limit > 0) {
			err = fmt.Errorf("subscribe: %w: backwards or with a limit", ledger.ErrInvalid)
		}
		stopped := false
		if err == nil {
			err = l.subscribe(ctx, q, func(r ledger.Record) bool {
				stopped = !yield(r, nil)
				return !stopped
			})
		}
		if !stopped {
			yield(ledger.Record{}, err)
		}
	}
}

func (l *Log) subscribe(ctx context.Context, q ledger.Query, yield func(ledger.Record) bool) error {
	ctx, cancel := l.living(ctx)
	defer cancel()
	p := &passage{}
	due := uint64(0) // of one stream of ours, the revision that comes next
	if q.Stream != "" {
		p.stream = l.cfg.Namespace + string(q.Stream)
		if q.From > maxPlace {
			<-ctx.Done()
			return l.over(ctx)
		}
		if due = q.From; due > 0 {
			p.after = commit(due)
		}
	} else {
		p.prefixes = l.prefixes(q.Prefixes)
		if from := l.index.before(max(q.From, l.cfg.Since+1)); from > 0 {
			p.after = commit(from)
		}
	}
	p.take = func(ctx context.Context, s sighting) (bool, error) {
		if q.Stream != "" {
			if s.name.Own() && s.revision != due {
				return false, gap(s.position, s.name, s.revision, due)
			}
			due = s.revision + 1
		} else if s.position < q.From {
			return true, nil
		}
		if !q.Wants(s.name, s.kind) {
			return true, nil
		}
		r, err := l.complete(ctx, s)
		if err != nil {
			return false, err
		}
		if err := ctx.Err(); err != nil {
			return false, err
		}
		return yield(r), nil
	}
	if err := l.travel(ctx, p); err != nil {
		if ctx.Err() != nil {
			return l.over(ctx)
		}
		return err
	}
	return nil
}

// maxPlace is the last place that a cluster can count to.
const maxPlace = 1<<63 - 2

// living returns ctx bound to the life of the log.
func (l *Log) living(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(l.life, func() { cancel(ledger.ErrClosed) })
	return ctx, func() { stop(); cancel(nil) }
}

// over says why a living context ended.
func (l *Log) over(ctx context.Context) error {
	if l.life.Err() != nil {
		return ledger.ErrClosed
	}
	return ctx.Err()
}
