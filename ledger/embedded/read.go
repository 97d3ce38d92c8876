package embedded

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// A view is what was durable at one moment. Its slices are shared with the
// index, which only appends to them.
type view struct {
	seed      uint32
	segments  []*segment
	end       int64 // end of the last segment
	places    []place
	positions []uint32 // of one stream, by revision
}

// view returns what is durable now, with the positions of one stream if one is
// named.
func (l *Log) view(name ledger.StreamID) (*view, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.viewLocked(name)
}

func (l *Log) viewLocked(name ledger.StreamID) (*view, error) {
	if l.stopped != nil {
		return nil, l.stopped
	}
	v := &view{seed: l.seed, segments: l.segments, end: l.end, places: l.idx.places}
	if s := l.idx.streams[name]; s != nil {
		v.positions = s.positions
	}
	return v, nil
}

// count returns how many events v holds of what q is about.
func (v *view) count(q ledger.Query) uint64 {
	if q.Stream != "" {
		return uint64(len(v.positions))
	}
	return uint64(len(v.places))
}

// position returns the position of the i-th of them, from 0.
func (v *view) position(q ledger.Query, i uint64) uint64 {
	if q.Stream != "" {
		return uint64(v.positions[i])
	}
	return i + 1
}

// Read implements [ledger.Log].
func (l *Log) Read(ctx context.Context, q ledger.Query) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		if err := q.Validate(); err != nil {
			yield(ledger.Record{}, err)
			return
		}
		v, err := l.view(q.Stream)
		if err != nil {
			yield(ledger.Record{}, err)
			return
		}
		r := reader{log: l, query: q, yield: yield}
		if q.Backwards {
			r.down(ctx, v)
			return
		}
		r.up(ctx, v, start(q))
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
		err := q.Validate()
		if err == nil && (q.Backwards || q.Limit > 0) {
			err = fmt.Errorf("subscribe: %w: backwards or with a limit", ledger.ErrInvalid)
		}
		if err != nil {
			yield(ledger.Record{}, err)
			return
		}
		r := reader{log: l, query: q, yield: yield}
		for next := start(q); ; {
			v, changed, err := l.await(q, next)
			if err != nil {
				yield(ledger.Record{}, err)
				return
			}
			if v != nil {
				if !r.up(ctx, v, next) {
					return
				}
				next = v.count(q)
				continue
			}
			select {
			case <-changed:
			case <-l.quit:
			case <-ctx.Done():
				yield(ledger.Record{}, ctx.Err())
				return
			}
		}
	}
}

// await returns a view that holds event next, or what to wait for. Both are
// decided under one lock, so nothing is missed in between.
func (l *Log) await(q ledger.Query, next uint64) (*view, <-chan struct{}, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	v, err := l.viewLocked(q.Stream)
	if err != nil {
		return nil, nil, err
	}
	if v.count(q) > next {
		return v, nil, nil
	}
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return nil, l.changed, nil
}

// Find implements [ledger.Log].
func (l *Log) Find(ctx context.Context, id ledger.ID) (ledger.Record, error) {
	if err := ctx.Err(); err != nil {
		return ledger.Record{}, err
	}
	l.mu.Lock()
	v, err := l.viewLocked("")
	candidates := l.idx.ids.candidates(nil, id)
	l.mu.Unlock()
	if err != nil {
		return ledger.Record{}, err
	}
	for _, p := range candidates {
		f, err := v.frame(&window{}, uint64(p), false)
		if err != nil {
			return ledger.Record{}, l.readError(err)
		}
		if f.id() == id {
			return f.record(), nil
		}
	}
	return ledger.Record{}, fmt.Errorf("event %s: %w", id, ledger.ErrNotFound)
}

// A reader yields what a query asks for.
type reader struct {
	log    *Log
	query  ledger.Query
	window window
	sent   int
	yield  func(ledger.Record, error) bool
}

// up yields the events of v from index i on. It reports whether the receiver
// wants more.
func (r *reader) up(ctx context.Context, v *view, i uint64) bool {
	for n := v.count(r.query); i < n; i++ {
		if !r.one(ctx, v, i) {
			return false
		}
	}
	return true
}

// down yields the events of v from the query's start down to the first.
func (r *reader) down(ctx context.Context, v *view) {
	n := v.count(r.query)
	if n == 0 || (r.query.Stream == "" && r.query.From == 0) {
		return
	}
	for i := min(start(r.query), n-1); r.one(ctx, v, i) && i > 0; i-- {
		continue
	}
}

// one yields event i if the query wants it.
func (r *reader) one(ctx context.Context, v *view, i uint64) bool {
	if err := ctx.Err(); err != nil {
		r.yield(ledger.Record{}, err)
		return false
	}
	f, err := v.frame(&r.window, v.position(r.query, i), r.query.Backwards)
	if err != nil {
		r.yield(ledger.Record{}, r.log.readError(err))
		return false
	}
	if len(r.query.Kinds) > 0 || len(r.query.Prefixes) > 0 {
		if !r.query.Wants(f.names()) {
			return true
		}
	}
	r.sent++
	return r.yield(f.record(), nil) && (r.query.Limit == 0 || r.sent < r.query.Limit)
}

// readError names an error of reading after the log was closed for what it is.
func (l *Log) readError(err error) error {
	if !errors.Is(err, os.ErrClosed) {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped != nil {
		return l.stopped
	}
	return err
}

// frame returns the frame of a position, read through w and checked. It is
// valid until w is used again.
func (v *view) frame(w *window, position uint64, backwards bool) (frame, error) {
	at := v.places[position-1]
	seg := v.segments[at.segment()]
	w.backwards, w.limit = backwards, v.end
	if at.segment() < len(v.segments)-1 {
		w.limit = seg.size
	}
	damage := func(reason string) error {
		return &DamageError{File: seg.name, Offset: at.offset(), Position: position, Reason: reason}
	}
	b, err := w.bytes(seg, at.offset(), frameHeader)
	if err != nil {
		return nil, err
	}
	n, err := frameLength(b)
	if err != nil {
		return nil, damage(err.Error())
	}
	if b, err = w.bytes(seg, at.offset(), n); err != nil {
		return nil, err
	}
	f, err := parseFrame(v.seed, b)
	if err != nil {
		return nil, damage(err.Error())
	}
	if f.position() != position {
		return nil, damage(fmt.Sprintf("position %d lies there", f.position()))
	}
	return f, nil
}

// A window is the part of a segment that a reader has in memory. It never holds
// bytes beyond what was durable when it was filled, so it does not grow stale.
type window struct {
	seg       *segment
	start     int64
	buf       []byte
	next      int64 // how much to read the next time
	limit     int64 // where durable bytes end in the segment asked for
	backwards bool
}

// Reading starts small, for a stream whose events lie apart, and grows while
// one piece follows the other.
const (
	minWindow = 4 << 10
	maxWindow = 256 << 10
)

// bytes returns n bytes at an offset of a segment.
func (w *window) bytes(seg *segment, at int64, n int) ([]byte, error) {
	end := at + int64(n)
	if w.seg == seg && at >= w.start && end <= w.start+int64(len(w.buf)) {
		return w.buf[at-w.start : end-w.start], nil
	}
	if end > w.limit {
		return nil, &DamageError{File: seg.name, Offset: at, Reason: "frame reaches behind the end"}
	}
	near := w.seg == seg && at <= w.start+int64(len(w.buf))+minWindow && at >= w.start-minWindow
	w.next = min(max(w.next*2, minWindow), maxWindow)
	if !near {
		w.next = minWindow
	}
	from, to := at, max(at+w.next, end)
	if w.backwards {
		from, to = max(segmentHeader, at-w.next+minWindow/2), max(at+minWindow/2, end)
	}
	to = min(to, w.limit)
	if int64(cap(w.buf)) < to-from {
		w.buf = make([]byte, to-from)
	}
	w.buf, w.seg, w.start = w.buf[:to-from], seg, from
	if _, err := seg.file.ReadAt(w.buf, from); err != nil {
		w.seg = nil
		return nil, fmt.Errorf("read %s at %d: %w", seg.name, from, err)
	}
	return w.buf[at-from : end-from], nil
}

func fromMicro(us int64) time.Time { return time.UnixMicro(us).UTC() }
