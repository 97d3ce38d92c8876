package embedded

import (
	"context"
	"fmt"
	"iter"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
	"github.com/vouchledger/vouch/ledger/internal/sealed"
)

// Scan implements [ledger.Scanner]: sealed segments one after the other, each
// stream by stream as it lies there, then the open part by position.
func (l *Log) Scan(ctx context.Context, q ledger.Query) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		r := reader{cursor: newCursor(l), query: q, yield: yield}
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
			yield(ledger.Record{}, err)
			return
		}
		defer release(s)
		for _, p := range s.parts {
			if !r.scan(ctx, p) {
				return
			}
		}
		r.up(ctx, s.last())
	}
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

// scan yields the events of a sealed segment. It reports whether the receiver
// wants more.
func (r *reader) scan(ctx context.Context, p *sealed.Part) bool {
	whole, ok := true, false
	err := disk.Guard(func() (err error) {
		ok, err = r.wanted(p)
		return err
	})
	if err == nil && ok {
		whole, err = p.Scan(r.match, func(f frame.Frame) bool { return r.scanned(ctx, f) })
	}
	if err != nil {
		r.yield(ledger.Record{}, r.log.readError(err))
		return false
	}
	return whole
}

// scanned yields a frame if the query wants it.
func (r *reader) scanned(ctx context.Context, f frame.Frame) bool {
	if err := ctx.Err(); err != nil {
		r.yield(ledger.Record{}, err)
		return false
	}
	if len(r.query.Kinds) > 0 && !wants(r.query, f) {
		return true
	}
	return r.yield(r.decode.Lasting(f), nil)
}
