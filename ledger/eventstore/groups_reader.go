package eventstore

import (
	"context"
	"sync/atomic"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/eventstore/groups"
)

// system is who the server is when it reads for itself.
var system = User{Name: "system", Groups: []string{GroupAdmins}}

// A source reads what a group shares out, in order, and hands it over one by
// one. Whoever takes sets the pace: nothing is read ahead but one batch.
type source struct {
	s      *Server
	key    groupKey
	filter *filter
	links  *atomic.Bool // follow links
	batch  *atomic.Int64
	live   *atomic.Bool // the end was reached
	out    chan<- groups.Input

	next    uint64 // place of the next record to read
	skipped uint64 // records that the filter hid, since the last word about it
}

// run hands over everything from next on until ctx is done.
func (r *source) run(ctx context.Context) error {
	for {
		n, err := r.readBatch(ctx, int(r.batch.Load()))
		if err != nil {
			return err
		}
		if n > 0 {
			continue
		}
		r.live.Store(true)
		if err := r.tellSkipped(ctx); err != nil {
			return err
		}
		if err := r.wait(ctx); err != nil {
			return err
		}
		r.live.Store(false)
	}
}

// readBatch reads up to most records and returns how many there were.
func (r *source) readBatch(ctx context.Context, most int) (int, error) {
	records := r.s.log.Read(ctx, ledger.Query{From: r.next, Limit: most})
	if r.key.source != allStream {
		records = r.s.readable(ctx, r.key.source, r.next)
	}
	n := 0
	for rec, err := range records {
		if err != nil {
			return n, err
		}
		if err := r.take(ctx, rec); err != nil {
			return n, err
		}
		if n++; n == most {
			break
		}
	}
	return n, ctx.Err()
}

// placeOf returns where rec lies in the source.
func (r *source) placeOf(rec ledger.Record) uint64 {
	if r.key.source == allStream {
		return rec.Position
	}
	return rec.Revision
}

// take hands rec over, or passes it.
func (r *source) take(ctx context.Context, rec ledger.Record) error {
	at := r.placeOf(rec)
	r.next = at + 1
	if r.filter != nil && !r.filter.wants(rec) {
		r.skipped++
		if interval := r.filter.interval; interval > 0 && r.skipped >= interval || r.skipped >= skipInterval {
			return r.tellSkipped(ctx)
		}
		return nil
	}
	e := groups.Event{At: at, Record: rec}
	if r.links.Load() && rec.Kind == kindLink {
		resolved, err := r.s.resolve(ctx, system, rec, true)
		if err != nil {
			return err
		}
		e.Link = true
		if resolved.record.Position > 0 {
			e.Target = &resolved.record
		}
	}
	r.skipped = 0
	return r.hand(ctx, groups.Arrived{Event: e})
}

// skipInterval is how many hidden records may go by before the group hears of
// it, so that a restart does not look at more of them again.
const skipInterval = 10_000

// tellSkipped lets the checkpoint pass what the filter has hidden.
func (r *source) tellSkipped(ctx context.Context) error {
	if r.skipped == 0 {
		return nil
	}
	r.skipped = 0
	return r.hand(ctx, groups.Passed{At: r.next - 1})
}

func (r *source) hand(ctx context.Context, in groups.Input) error {
	select {
	case r.out <- in:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wait returns when the source has a record at next or behind. One that readers
// do not see any more is stepped over.
func (r *source) wait(ctx context.Context) error {
	q := ledger.Query{From: r.next}
	if r.key.source != allStream {
		q.Stream = r.key.source
	}
	for rec, err := range r.s.log.Subscribe(ctx, q) {
		if err != nil {
			return err
		}
		if r.key.source == allStream {
			return nil
		}
		if rec.Kind == kindDeleted { // nothing can come behind it
			<-ctx.Done()
			return ctx.Err()
		}
		st, err := r.s.state(ctx, r.key.source)
		if err != nil {
			return err
		}
		first, err := r.s.visible(ctx, st) // of a deleted stream the end of all revisions
		r.next = max(r.next, min(first, st.next))
		return err
	}
	return ctx.Err()
}
