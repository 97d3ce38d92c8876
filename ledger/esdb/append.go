package esdb

import (
	"context"
	"errors"
	"fmt"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/envelope"
)

// Append implements [ledger.Log].
//
// It never asks the cluster for more than one exact revision. What the index
// knows of the ids and of the stream, it knows as of one moment; when an append
// at the revision after that moment succeeds, nothing came between, and so none
// of the ids had come into this stream.
func (l *Log) Append(
	ctx context.Context, stream ledger.StreamID, expect ledger.Expected, drafts ...ledger.Draft,
) ([]ledger.Record, error) {
	events, err := l.proposals(stream, drafts)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx, cancel := l.bounded(ctx)
	defer cancel()
	unlock, err := l.streams.lock(ctx, stream)
	if err != nil {
		return nil, err
	}
	defer unlock()
	for fresh := false; ; {
		records, next, err := l.tryAppend(ctx, stream, expect, drafts, events)
		switch {
		case errors.Is(err, errMovedOn):
			// Another server was faster. What it wrote decides.
			err = l.await(ctx, func() bool { return l.index.next[stream] > next })
		case errors.Is(err, ledger.ErrConflict) && !fresh:
			// The index may be behind what the caller knows from elsewhere.
			fresh = true
			err = l.freshen(ctx, stream)
		default:
			return records, err
		}
		if err != nil {
			return nil, err
		}
	}
}

// proposals checks an append and puts it into the cluster's form.
func (l *Log) proposals(stream ledger.StreamID, drafts []ledger.Draft) ([]esdb.EventData, error) {
	if err := ledger.ValidateAppend(stream, drafts); err != nil {
		return nil, err
	}
	if len(stream) > l.MaxStreamBytes() {
		return nil, fmt.Errorf("stream %q: %w: at most %d bytes beside namespace %q", stream, ledger.ErrInvalid, l.MaxStreamBytes(), l.cfg.Namespace)
	}
	if system(l.cfg.Namespace + string(stream)) {
		return nil, fmt.Errorf("stream %q: %w: names with $ in front are the cluster's own", stream, ledger.ErrInvalid)
	}
	events := make([]esdb.EventData, len(drafts))
	for i, d := range drafts {
		metadata, err := envelope.OfDraft(d).Marshal()
		if err != nil {
			return nil, fmt.Errorf("append %s to %s: %w", d.ID, stream, err)
		}
		events[i] = proposal(d, metadata)
	}
	return events, nil
}

// tryAppend appends once. It returns the next revision that it went by.
func (l *Log) tryAppend(
	ctx context.Context, stream ledger.StreamID, expect ledger.Expected, drafts []ledger.Draft, events []esdb.EventData,
) ([]ledger.Record, uint64, error) {
	claim, stored, next, err := l.index.claim(ctx, stream, drafts)
	if err != nil {
		return nil, next, err
	}
	if claim == nil {
		records, err := l.repeated(ctx, stream, expect, next, drafts, stored)
		return records, next, err
	}
	defer l.index.giveBack(claim)
	if !expect.Meets(next) {
		return nil, next, &ledger.ConflictError{Stream: stream, Want: expect, Next: next}
	}
	err = l.link.do(ctx, l.attempt(), func(ctx context.Context, s *session) error {
		return s.append(ctx, l.cfg.Namespace+string(stream), next, events)
	})
	if errors.Is(err, errDeleted) || errors.Is(err, errNone) {
		err = fmt.Errorf("append to %s: %w: it was deleted in the cluster", stream, ledger.ErrCorrupt)
	}
	if err != nil {
		return nil, next, err
	}
	if err := l.await(ctx, func() bool { return claim.missing == 0 }); err != nil {
		return nil, next, err
	}
	// The cluster compares ids alone; and the index hands over whoever was first.
	records, err := ledger.Repeated(stream, expect, next, drafts, claim.records)
	return records, next, err
}

// repeated answers an append of which some ids are stored.
func (l *Log) repeated(
	ctx context.Context, stream ledger.StreamID, expect ledger.Expected, next uint64, drafts []ledger.Draft, stored []uint64,
) ([]ledger.Record, error) {
	found := make(map[ledger.ID]ledger.Record, len(drafts))
	records := make([]ledger.Record, len(drafts))
	for i, d := range drafts {
		if stored[i] == 0 {
			continue
		}
		if _, ok := found[d.ID]; !ok {
			if err := l.fetch(ctx, stored[i], len(drafts)-i, found); err != nil {
				return nil, fmt.Errorf("append to %s: %w", stream, err)
			}
		}
		records[i] = found[d.ID]
	}
	return ledger.Repeated(stream, expect, next, drafts, records)
}

// fetch puts the record at a position into found and, since what was appended
// together lies together, up to n-1 that follow in its stream.
func (l *Log) fetch(ctx context.Context, position uint64, n int, found map[ledger.ID]ledger.Record) error {
	r, err := l.read1(ctx, position)
	if err != nil {
		return err
	}
	found[r.ID] = r
	if n == 1 {
		return nil
	}
	for r, err := range l.Read(ctx, ledger.Query{Stream: r.Stream, From: r.Revision + 1, Limit: n - 1}) {
		if err != nil {
			return err
		}
		if at, err := l.index.find(r.ID); err != nil {
			return err
		} else if at == r.Position { // not the second of a double
			found[r.ID] = r
		}
	}
	return nil
}

// freshen brings the index up to the end of a stream.
func (l *Log) freshen(ctx context.Context, stream ledger.StreamID) error {
	last, err := l.last(ctx, func(ctx context.Context, s *session) (*feed, error) {
		return s.readStream(ctx, ctx, l.cfg.Namespace+string(stream), nil, true, 1)
	})
	if err != nil && !errors.Is(err, errNone) {
		return err
	}
	next := uint64(0)
	if last != nil {
		next = last.revision + 1
	}
	return l.await(ctx, func() bool { return l.index.next[stream] >= next })
}
