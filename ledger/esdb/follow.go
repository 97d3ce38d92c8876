package esdb

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// prefixes are the cluster's streams that are worth sending for the wanted
// prefixes of the ledger.
func (l *Log) prefixes(wanted []string) []string {
	if len(wanted) == 0 {
		if l.cfg.Namespace == "" {
			return nil
		}
		return []string{l.cfg.Namespace}
	}
	ps := make([]string, len(wanted))
	for i, p := range wanted {
		if ps[i] = l.cfg.Namespace + p; ps[i] == "" {
			return nil
		}
	}
	return ps
}

// keep keeps the index up until the log is closed or the index broken.
func (l *Log) keep() {
	p := &passage{
		prefixes: l.prefixes(nil),
		take: func(_ context.Context, s sighting) (bool, error) {
			double, err := l.index.apply(s, func(recorded time.Time) (ledger.Record, error) { return l.record(s, recorded) })
			if double != nil {
				l.logger.Error("an event id is stored twice: two servers appended it to two streams at the same moment",
					slog.String("event", double.ID.String()), slog.Uint64("first", double.First), slog.Uint64("second", double.Second))
			}
			return true, err
		},
		looked: l.index.look,
		state:  l.index.reach,
		after:  l.index.from(),
	}
	for n := 1; ; n++ {
		err := l.travel(l.life, p)
		if l.life.Err() != nil || errors.Is(err, ledger.ErrCorrupt) || errors.Is(err, ledger.ErrClosed) {
			l.index.stop(err)
			return
		}
		l.index.reach(false, err) // a matter of rights, most likely: it may be mended in the cluster
		l.logger.Error("the index cannot go on", slog.String("error", err.Error()))
		l.link.rest(l.life, n)
	}
}

// from returns the commit position after which the index goes on.
func (x *index) from() *uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	if p := max(x.head, x.looked); p > 0 {
		return commit(p)
	}
	return nil
}

// commit returns the cluster's form of a position.
func commit(position uint64) *uint64 {
	c := position - 1
	return &c
}

// A passage is a subscription that outlives its connections.
type passage struct {
	prefixes []string
	stream   string  // one stream instead of the whole cluster
	after    *uint64 // where to go on: commit position, or revision; nil is the start
	take     func(context.Context, sighting) (more bool, err error)
	looked   func(position uint64)
	state    func(live bool, trouble error)
}

// travel hands each event to take, once and in order, until take has enough or
// errs, or ctx ends. When the connection is lost it gets another one and goes on
// after the last event.
func (l *Log) travel(ctx context.Context, p *passage) error {
	for n := 0; ; n++ {
		moved, err := l.leg(ctx, p)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !trouble(err) {
			return err
		}
		if p.state != nil {
			p.state(false, err)
		}
		if moved {
			n = 0
		}
		l.link.rest(ctx, n+1)
	}
}

// leg travels on one connection.
func (l *Log) leg(ctx context.Context, p *passage) (moved bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, f, err := l.board(ctx, p)
	if err != nil {
		return false, err
	}
	for {
		it := f.next(ctx)
		if it.err != nil {
			err := translate(it.err)
			if trouble(err) && ctx.Err() == nil && !errors.Is(err, errDropped) {
				l.link.retire(s, err)
			}
			return moved, err
		}
		moved = true
		switch {
		case it.caughtUp && p.state != nil:
			p.state(true, nil)
		case it.looked != nil:
			p.after = it.looked
			if p.looked != nil {
				p.looked(*it.looked + 1)
			}
		case it.event != nil:
			if more, err := l.pass(ctx, p, *it.event); err != nil || !more {
				return moved, err
			}
		}
	}
}

// board subscribes from where p stands.
func (l *Log) board(ctx context.Context, p *passage) (*session, *feed, error) {
	wait, cancel := context.WithTimeoutCause(ctx, l.attempt(), errSlow)
	defer cancel()
	s, err := l.link.session(wait)
	if err != nil {
		return nil, nil, err
	}
	var f *feed
	if p.stream != "" {
		f, err = s.followStream(wait, ctx, p.stream, p.after)
	} else {
		f, err = s.followAll(wait, ctx, p.after, p.prefixes)
	}
	err = translate(err)
	if trouble(err) && !errors.Is(err, errLeader) && ctx.Err() == nil {
		l.link.retire(s, err)
	}
	return s, f, err
}

// pass hands one event on, unless it was before or is not to be seen.
func (l *Log) pass(ctx context.Context, p *passage, e event) (more bool, err error) {
	place := e.commit
	if p.stream != "" {
		place = e.revision
	}
	if p.after != nil && place <= *p.after {
		return true, nil
	}
	if s, ok := l.sight(e); ok {
		if more, err = p.take(ctx, s); err != nil || !more {
			return more, err
		}
	}
	p.after = &place
	return true, nil
}
