package esdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// patience is a limit on how long nothing may move: altogether, and on one
// connection.
type patience struct {
	life    context.Context
	limit   time.Duration
	attempt time.Duration
	all     context.Context // ends when patience does
	now     context.Context // ends when patience with one connection does
	cancel  [2]context.CancelFunc
	moved   bool // since all began
}

// begin begins again: with a connection, and altogether if something has moved.
func (p *patience) begin() {
	if p.all == nil || p.moved {
		p.end()
		p.all, p.cancel[0] = context.WithTimeoutCause(p.life, p.limit, errSlow)
		p.moved = false
	} else {
		p.cancel[1]()
	}
	p.now, p.cancel[1] = context.WithTimeoutCause(p.all, p.attempt, errSlow)
}

func (p *patience) end() {
	for _, cancel := range p.cancel {
		if cancel != nil {
			cancel()
		}
	}
}

// A reading is one Read, over as many connections as it takes.
type reading struct {
	log   *Log
	q     ledger.Query
	yield func(ledger.Record) bool

	from  *uint64 // where the next connection reads from; nil is the start or the end
	place uint64  // last place that was passed: position or revision
	begun bool    // place says something
	given int     // records handed out
	owed  uint64  // head, or length of the stream, that a node must have reached
}

// start sets from to a place that the cluster surely takes: of the whole log it
// reads from where an event begins, and nowhere else.
func (r *reading) start() {
	x, q := r.log.index, r.q
	var at uint64
	switch {
	case q.Stream != "" && !q.Backwards && q.From > 0:
		r.from = &q.From
	case q.Stream != "" && q.Backwards && q.From < r.owed:
		r.from = &q.From
	case q.Stream == "" && q.Backwards && q.From < ledger.End:
		at = x.after(q.From)
	case q.Stream == "" && !q.Backwards && (q.From > 0 || r.log.cfg.Since > 0):
		at = x.before(max(q.From, r.log.cfg.Since) + 1)
	}
	if at > 0 {
		r.from = commit(at)
	}
}

// leg reads over one connection. nil means that the reading is over.
func (r *reading) leg(life context.Context, wait *patience) error {
	life, cancel := context.WithCancel(life)
	defer cancel()
	s, err := r.log.link.session(wait.now)
	if err != nil {
		return err
	}
	var f *feed
	if r.q.Stream != "" {
		f, err = s.readStream(wait.now, life, r.log.cfg.Namespace+string(r.q.Stream), r.from, r.q.Backwards, noLimit)
	} else {
		f, err = s.readAll(wait.now, life, r.from, r.q.Backwards, noLimit)
	}
	for err == nil {
		it := f.next(wait.now)
		if it.event == nil {
			if err = it.err; err != nil {
				break
			}
			continue
		}
		more, took := r.take(life, *it.event)
		if took != nil || !more {
			return took
		}
		if wait.moved = true; len(f.items) == 0 { // it may take its time again
			wait.begin()
		}
	}
	return r.done(life, s, err)
}

// done says what it means that a connection brings no more.
func (r *reading) done(life context.Context, s *session, err error) error {
	if err = translate(err); errors.Is(err, io.EOF) || errors.Is(err, errNone) {
		return r.whole(err)
	}
	if errors.Is(err, errDeleted) {
		return r.cut()
	}
	if trouble(err) && life.Err() == nil && !errors.Is(err, errLeader) {
		r.log.link.retire(s, err)
	}
	return err
}

// errBehind means that a node has less than others have shown before.
var errBehind = errors.New("the node lags behind, or the stream was deleted in the cluster")

// whole checks that the reading has come as far as the index had at its
// beginning: nothing that was seen before may be missing.
func (r *reading) whole(err error) error {
	switch {
	case r.q.Backwards && r.begun, r.owed == 0:
		return nil
	case r.q.Stream != "" && errors.Is(err, errNone) && r.owed > 0:
		return r.cut()
	case r.q.Backwards && r.q.Stream != "":
		return nil
	case r.q.Stream != "" && max(r.q.From, r.next()) < r.owed,
		r.q.Stream == "" && !r.q.Backwards && r.q.From <= r.owed && r.place < r.owed:
		return errBehind
	}
	return nil
}

// last is the last place that the index had at the beginning.
func (r *reading) last() uint64 {
	if r.q.Stream != "" && r.owed > 0 {
		return r.owed - 1
	}
	return r.owed
}

func (r *reading) next() uint64 {
	if !r.begun {
		return 0
	}
	return r.place + 1
}

// cut says what it means that a stream is gone that had events.
func (r *reading) cut() error {
	if !r.q.Stream.Own() {
		return nil
	}
	return fmt.Errorf("stream %s: %w: it had %d events and was deleted in the cluster", r.q.Stream, ledger.ErrCorrupt, r.owed)
}

// take passes one event.
func (r *reading) take(ctx context.Context, e event) (more bool, err error) {
	s, ok := r.log.sight(e)
	q := r.q
	at := s.position
	if q.Stream != "" {
		at = s.revision
	}
	if r.begun && (q.Backwards && at >= r.place || !q.Backwards && at <= r.place) {
		return true, nil // again, after another connection
	}
	if !r.begun && q.Backwards && q.From == ledger.End && at < r.last() {
		return false, errBehind
	}
	if err := r.check(s, ok); err != nil {
		return false, err
	}
	wanted := ok && q.Wants(s.name, s.kind) && (q.Backwards && at <= q.From || !q.Backwards && at >= q.From)
	var record ledger.Record
	if wanted {
		if record, err = r.log.complete(ctx, s); err != nil {
			return false, err
		}
	}
	// Nothing below can fail: another connection goes on behind this event.
	r.pass(e, at, ok)
	switch {
	case q.Backwards && q.Stream == "" && s.position <= r.log.cfg.Since:
		return false, nil
	case !wanted:
		return true, nil
	case ctx.Err() != nil:
		return false, r.log.over(ctx)
	}
	r.given++
	return r.yield(record) && (q.Limit == 0 || r.given < q.Limit), nil
}

// pass notes that the reading is behind an event.
func (r *reading) pass(e event, at uint64, seen bool) {
	if r.q.Stream == "" {
		r.from = &e.commit
	} else {
		r.from = &at
	}
	if seen || r.q.Stream == "" {
		r.place, r.begun = at, true
	}
}

// check finds a stream of ours that misses a revision.
func (r *reading) check(s sighting, seen bool) error {
	if r.q.Stream == "" || !seen || !s.name.Own() {
		return nil
	}
	due := s.revision
	switch {
	case r.begun && r.q.Backwards:
		due = r.place - 1
	case r.begun:
		due = r.place + 1
	case !r.q.Backwards:
		due = r.q.From
	}
	if s.revision != due {
		return gap(s.position, s.name, s.revision, due)
	}
	return nil
}
