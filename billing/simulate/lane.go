package simulate

import (
	"context"
	"iter"
	"sync/atomic"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// A Clock is the latest instant that any simulated shop has reached. Hand its
// Now to the log, so that recorded times are of the simulated days.
type Clock struct{ micros atomic.Int64 }

// NewClock returns a clock that stands at the opening of the first day.
func NewClock() *Clock {
	c := &Clock{}
	c.reach(firstDay)
	return c
}

// firstDay is when every simulation begins.
var firstDay = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// Now returns the latest instant reached.
func (c *Clock) Now() time.Time { return time.UnixMicro(c.micros.Load()).UTC() }

func (c *Clock) reach(t time.Time) {
	for {
		was := c.micros.Load()
		if now := t.UnixMicro(); now <= was || c.micros.CompareAndSwap(was, now) {
			return
		}
	}
}

// A lane is one shop's view of the common log: all streams to append to and
// to read, and of the whole log only what came through here. So every shop has
// an engine of its own that folds its own events, shops run beside each other,
// and what happens in one hangs on nothing in another.
type lane struct {
	ledger.Log
	shop int
	gate *turnstile
	tail []ledger.Record // appended here, not folded yet
	head uint64
}

func (l *lane) Append(
	ctx context.Context, s ledger.StreamID, x ledger.Expected, ds ...ledger.Draft,
) ([]ledger.Record, error) {
	rs, err := l.gate.append(&request{
		shop: l.shop, ctx: ctx, stream: s, expected: x, drafts: ds, reply: make(chan struct{}),
	})
	if err == nil && rs[0].Position > l.head { // a repetition is folded already
		l.tail = append(l.tail, rs...)
		l.head = rs[len(rs)-1].Position
	}
	return rs, err
}

func (l *lane) Head(context.Context) (uint64, error) { return l.head, nil }

func (l *lane) Read(ctx context.Context, q ledger.Query) iter.Seq2[ledger.Record, error] {
	if q.Stream != "" {
		return l.Log.Read(ctx, q)
	}
	tail := l.tail
	l.tail = l.tail[len(l.tail):]
	return func(yield func(ledger.Record, error) bool) {
		for _, r := range tail {
			if r.Position >= q.From && !yield(r, nil) {
				return
			}
		}
	}
}
