// Package memlog keeps a ledger in memory, for tests.
//
// The one idea: a slice of records under one lock. It keeps every invariant of
// a [ledger.Log] but that it outlives the process.
package memlog

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// A Log is a [ledger.Log] in memory.
type Log struct {
	now func() time.Time

	mu      sync.Mutex
	records []ledger.Record // records[i] has position i+1
	streams map[ledger.StreamID][]int
	ids     map[ledger.ID]int
	changed chan struct{} // closed at the next append; nil if nobody waits
}

// New returns an empty log that takes the recorded time from now.
func New(now func() time.Time) *Log {
	return &Log{now: now, streams: make(map[ledger.StreamID][]int), ids: make(map[ledger.ID]int)}
}

// Append implements [ledger.Log].
func (l *Log) Append(
	ctx context.Context, stream ledger.StreamID, expect ledger.Expected, drafts ...ledger.Draft,
) ([]ledger.Record, error) {
	if err := ledger.ValidateAppend(stream, drafts); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	next := uint64(len(l.streams[stream]))
	if stored, found := l.stored(drafts); found {
		rs, err := ledger.Repeated(stream, expect, next, drafts, stored)
		return copies(rs), err
	}
	if !expect.Meets(next) {
		return nil, &ledger.ConflictError{Stream: stream, Want: expect, Next: next}
	}
	recorded := ledger.Instant(l.now())
	if n := len(l.records); n > 0 && recorded.Before(l.records[n-1].Recorded) {
		recorded = l.records[n-1].Recorded
	}
	first := len(l.records)
	for i, d := range drafts {
		l.streams[stream] = append(l.streams[stream], first+i)
		l.ids[d.ID] = first + i
		l.records = append(l.records, ledger.Record{
			ID: d.ID, Kind: d.Kind, Stream: stream,
			Revision: next + uint64(i), Position: uint64(first+i) + 1, //nolint:gosec // counts
			Recorded: recorded, Occurred: d.Occurred, Actor: d.Actor, Cause: d.Cause, Trace: d.Trace,
			Body: bytes.Clone(d.Body), Metadata: bytes.Clone(d.Metadata), Binary: d.Binary,
		})
	}
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
	return copies(l.records[first:]), nil
}

// stored returns, for each draft, the record with its id.
func (l *Log) stored(drafts []ledger.Draft) (stored []ledger.Record, found bool) {
	stored = make([]ledger.Record, len(drafts))
	for i, d := range drafts {
		if at, ok := l.ids[d.ID]; ok {
			stored[i], found = l.records[at], true
		}
	}
	return stored, found
}

// copies returns rs with bodies of their own, so that no caller reaches ours.
func copies(rs []ledger.Record) []ledger.Record {
	rs = slices.Clone(rs)
	for i := range rs {
		rs[i].Body, rs[i].Metadata = bytes.Clone(rs[i].Body), bytes.Clone(rs[i].Metadata)
	}
	return rs
}

// Read implements [ledger.Log].
func (l *Log) Read(ctx context.Context, q ledger.Query) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		if err := q.Validate(); err != nil {
			yield(ledger.Record{}, err)
			return
		}
		rs, _, _ := l.after(q, 0)
		rs = slices.DeleteFunc(rs, func(r ledger.Record) bool {
			at := place(q, r)
			return q.Backwards && at > q.From || !q.Backwards && at < q.From
		})
		if q.Backwards {
			slices.Reverse(rs)
		}
		if q.Limit > 0 && len(rs) > q.Limit {
			rs = rs[:q.Limit]
		}
		for _, r := range rs {
			if err := ctx.Err(); err != nil {
				yield(ledger.Record{}, err)
				return
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// place returns what q counts by: the revision or the position of r.
func place(q ledger.Query, r ledger.Record) uint64 {
	if q.Stream != "" {
		return r.Revision
	}
	return r.Position
}

// after returns the records at positions above seen that q's filters want, the
// last position, and a channel that is closed when there are more.
func (l *Log) after(q ledger.Query, seen int) (rs []ledger.Record, head int, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !q.Backwards && q.Stream == "" && q.From > 1 { // records[i] has position i+1
		seen = max(seen, int(min(q.From-1, uint64(len(l.records))))) //nolint:gosec // bounded by a length
	}
	for _, r := range l.records[seen:] {
		if q.Wants(r.Stream, r.Kind) {
			rs = append(rs, r)
		}
	}
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return copies(rs), len(l.records), l.changed
}

// Subscribe implements [ledger.Log].
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
		for seen := 0; ; {
			rs, head, changed := l.after(q, seen)
			seen = head
			for _, r := range rs {
				if place(q, r) < q.From {
					continue
				}
				if err := ctx.Err(); err != nil {
					yield(ledger.Record{}, err)
					return
				}
				if !yield(r, nil) {
					return
				}
			}
			select {
			case <-changed:
			case <-ctx.Done():
				yield(ledger.Record{}, ctx.Err())
				return
			}
		}
	}
}

// Find implements [ledger.Log].
func (l *Log) Find(ctx context.Context, id ledger.ID) (ledger.Record, error) {
	if err := ctx.Err(); err != nil {
		return ledger.Record{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	at, ok := l.ids[id]
	if !ok {
		return ledger.Record{}, fmt.Errorf("event %s: %w", id, ledger.ErrNotFound)
	}
	return copies(l.records[at : at+1])[0], nil
}

// Head implements [ledger.Log].
func (l *Log) Head(ctx context.Context) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return uint64(len(l.records)), nil
}
