package embedded

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
	"github.com/vouchledger/vouch/ledger/internal/sealed"
)

// Scan implements [ledger.Scanner]: sealed segments one after the other, each
// stream by stream as it lies there, then the open part by position.
func (l *Log) Scan(ctx context.Context, q ledger.Query) iter.Seq2[ledger.Lent, error] {
	return func(yield func(ledger.Lent, error) bool) {
		// What is not sealed is read as any reading does it.
		var lent ledger.Record
		r := reader{cursor: newCursor(l), query: q, yield: func(rec ledger.Record, err error) bool {
			lent = rec
			return yield(ledger.Lend(&lent, nil), err)
		}}
		defer r.close()
		err := q.Validate()
		if err == nil && (q.Stream != "" || q.From != 0 || q.Backwards || q.Limit != 0) {
			err = fmt.Errorf("scan: %w: only prefixes and kinds", ledger.ErrInvalid)
		}
		var s *set
		if err == nil {
			s, err = r.still()
		}
		if err != nil {
			yield(ledger.Lent{}, err)
			return
		}
		defer release(s)
		sc := scanning{reader: &r, yield: yield}
		for _, p := range s.parts {
			if !sc.part(ctx, p) {
				return
			}
		}
		r.up(ctx, s.last())
	}
}

// A scanning is a scan of sealed segments.
type scanning struct {
	*reader
	yield func(ledger.Lent, error) bool
	names frame.Names
	seen  uint // events
}

// still takes in what is durable now and holds the sealed part of that moment.
func (r *reader) still() (*set, error) {
	for {
		s, err := r.log.hold()
		if err != nil {
			return nil, err
		}
		if err := r.look(""); err != nil {
			release(s)
			return nil, err
		}
		if r.view.open[0].seg.first == s.last()+1 {
			return s, nil
		}
		release(s) // a segment was sealed in between
	}
}

// part yields the events of a sealed segment. It reports whether the receiver wants
// more.
func (s *scanning) part(ctx context.Context, p *sealed.Part) bool {
	whole, ok := true, false
	err := disk.Guard(func() (err error) {
		ok, err = s.wanted(p)
		return err
	})
	if err == nil && ok {
		whole, err = p.Scan(s.match, &s.names, func(l ledger.Lent) bool { return s.event(ctx, l) })
	}
	if err != nil {
		s.yield(ledger.Lent{}, s.log.readError(err))
		return false
	}
	return whole
}

// lookEvery is after how many events a scan looks whether it is still wanted.
const lookEvery = 64

// event yields an event if the query wants it.
func (s *scanning) event(ctx context.Context, l ledger.Lent) bool {
	if s.seen++; s.seen%lookEvery == 0 {
		if err := ctx.Err(); err != nil {
			s.yield(ledger.Lent{}, err)
			return false
		}
	}
	if len(s.query.Kinds) > 0 && !slices.Contains(s.query.Kinds, l.Record.Kind) {
		return true
	}
	return s.yield(l, nil)
}
