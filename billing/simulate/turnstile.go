package simulate

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/vouchledger/vouch/ledger"
)

// A turnstile lets the appends of all shops through in rounds: when every shop
// waits with one, they go to the log in the order of the shops, and share its
// commits. So shops compute beside each other, the disk is asked once for all
// of them, and the same seed still gives the same log, position by position.
type turnstile struct {
	log      ledger.Log
	requests chan *request
	left     chan struct{} // one for each shop that is done
}

// A request is an append of one shop.
type request struct {
	shop     int
	ctx      context.Context //nolint:containedctx // of the append, which another goroutine carries out
	stream   ledger.StreamID
	expected ledger.Expected
	drafts   []ledger.Draft
	records  []ledger.Record
	err      error
	reply    chan struct{}
}

func newTurnstile(log ledger.Log) *turnstile {
	return &turnstile{log: log, requests: make(chan *request), left: make(chan struct{})}
}

// append hands r in and waits for its round.
func (t *turnstile) append(r *request) ([]ledger.Record, error) {
	select {
	case t.requests <- r:
	case <-r.ctx.Done():
		return nil, r.ctx.Err()
	}
	<-r.reply // the round ends: the log answers, if only that ctx is done
	return r.records, r.err
}

// run turns until every shop is done.
func (t *turnstile) run(ctx context.Context, shops int) error {
	var waiting []*request
	for shops > 0 {
		select {
		case r := <-t.requests:
			waiting = append(waiting, r)
		case <-t.left:
			shops--
		case <-ctx.Done():
			for _, r := range waiting {
				r.err = ctx.Err()
				close(r.reply)
			}
			return ctx.Err()
		}
		if len(waiting) == shops {
			t.round(waiting)
			waiting = waiting[:0]
		}
	}
	return nil
}

// round carries out one append of each shop, in the order of the shops.
func (t *turnstile) round(rs []*request) {
	slices.SortFunc(rs, func(a, b *request) int { return cmp.Compare(a.shop, b.shop) })
	var all sync.WaitGroup
	for _, r := range rs {
		in := &inside{Context: r.ctx, taken: make(chan struct{})}
		all.Go(func() {
			r.records, r.err = t.log.Append(in, r.stream, r.expected, r.drafts...)
			in.once.Do(func() { close(in.taken) })
		})
		<-in.taken
	}
	all.Wait()
	for _, r := range rs {
		close(r.reply)
	}
}

// inside is the context of an append that tells when the log has taken it in
// and waits for the disk: a log that looks at Done has nothing left to do but
// wait. One that looks earlier costs the simulation its order, and no more.
type inside struct {
	context.Context
	once  sync.Once
	taken chan struct{}
}

// Done is the context's.
func (c *inside) Done() <-chan struct{} {
	c.once.Do(func() { close(c.taken) })
	return c.Context.Done()
}
