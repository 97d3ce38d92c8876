package engine

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger"
)

// A Live is an engine that is kept up with a log and shared: the [Desk] reads
// it, the [Runner] follows with it. All methods may be called from many
// goroutines at once.
type Live struct {
	log      ledger.Log
	decoders sync.Pool // of *ledger.Decoder; whoever brings an event folds it

	mu        sync.Mutex
	engine    *Engine
	changed   chan struct{}                     // closed and replaced whenever the engine moves
	gates     map[ledger.StreamID]chan struct{} // closed when that visit moves
	following bool
	runner    bool  // one was made, and will carry out what is decided
	broken    error // why the engine can fold no more
}

// NewLive returns an engine before the first event of log.
func NewLive(log ledger.Log) *Live {
	return &Live{
		log: log, engine: New(), changed: make(chan struct{}), gates: map[ledger.StreamID]chan struct{}{},
		decoders: sync.Pool{New: func() any { return new(ledger.Decoder) }},
	}
}

// View calls f with the engine, which must not be kept or changed.
func (l *Live) View(f func(*Engine)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(l.engine)
}

// Position returns the position of the last event folded.
func (l *Live) Position() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.engine.Position()
}

// CatchUp folds what the log holds now. Afterwards the engine has seen every
// event that was durable at the call.
func (l *Live) CatchUp(ctx context.Context) error {
	if head, err := l.log.Head(ctx); err != nil || l.Position() >= head {
		return err
	}
	for r, err := range l.log.Read(ctx, ledger.Query{From: l.Position() + 1}) {
		if err == nil {
			err = l.fold(r)
		}
		if err != nil {
			return fmt.Errorf("catch up: %w", err)
		}
	}
	return nil
}

// Follow folds events as they come, until ctx is done.
func (l *Live) Follow(ctx context.Context) error {
	l.setFollowing(true)
	defer l.setFollowing(false)
	for r, err := range l.log.Subscribe(ctx, ledger.Query{From: l.Position() + 1}) {
		if err == nil {
			err = l.fold(r)
		}
		if err != nil {
			return fmt.Errorf("follow: %w", err)
		}
	}
	return nil
}

// WaitFor returns when the engine has folded the event at position pos. While
// nobody follows the log it catches up by itself.
func (l *Live) WaitFor(ctx context.Context, pos uint64) error {
	for {
		l.mu.Lock()
		done, following, changed, broken := l.engine.Position() >= pos, l.following, l.changed, l.broken
		l.mu.Unlock()
		switch {
		case broken != nil:
			return broken
		case done:
			return nil
		case !following:
			return l.CatchUp(ctx)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Sync makes the engine see every event that was durable at the call.
func (l *Live) Sync(ctx context.Context) error {
	head, err := l.log.Head(ctx)
	if err != nil {
		return err
	}
	return l.WaitFor(ctx, head)
}

// Decide returns what must happen at now; see [Engine.Decide].
func (l *Live) Decide(now time.Time) []Action {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.engine.Decide(now)
}

// Withhold keeps everything from the provider, and writes no order down, until
// [Live.Resume]. After a restore the log may lack the end of what was done: the
// provider is looked through first, or it would be done again.
func (l *Live) Withhold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.engine.Withhold()
}

// Resume ends [Live.Withhold]: what is due is ordered and sent.
func (l *Live) Resume() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.engine.withheld = false
	for _, v := range sorted(l.engine.visits) {
		l.engine.enqueue(v)
	}
	l.wake()
}

// Changed returns a channel that is closed when the engine next moves.
func (l *Live) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

// fold applies r unless that was done already. Events come in order from every
// caller, each from at or before where the engine stands, so none is skipped.
func (l *Live) fold(r ledger.Record) error {
	foreign := !r.Stream.Own()
	var e ledger.Event
	var err error
	if !foreign {
		d := l.decoders.Get().(*ledger.Decoder) //nolint:forcetypeassert // nothing else is put there
		e, err = d.Decode(r)                    // outside the lock: it is the dear part
		l.decoders.Put(d)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return l.broken
	}
	if r.Position <= l.engine.Position() {
		return nil
	}
	switch {
	case err != nil:
	case foreign:
		err = l.engine.Pass(r.Position)
	default:
		err = l.engine.Apply(e)
	}
	l.broken = err
	l.wake()
	if c := l.gates[r.Stream]; c != nil {
		close(c)
		delete(l.gates, r.Stream)
	}
	return err
}

// moved returns a channel that is closed when the visit's stream next moves. A
// gate waits for it: in a full shop [Live.Changed] would wake every gate for
// everybody.
func (l *Live) moved(visit ledger.VisitID) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	name := ledger.VisitStream(visit)
	c := l.gates[name]
	if c == nil {
		c = make(chan struct{})
		l.gates[name] = c
	}
	return c
}

// wake tells all who wait that something changed. l.mu is held.
func (l *Live) wake() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// attended reports whether a runner was made for the engine, so that what a
// caller waits for will come.
func (l *Live) attended() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.runner
}

func (l *Live) attend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.runner = true
}

func (l *Live) setFollowing(f bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.following = f
	l.wake()
}

// Wake returns when Decide may say more without a new event; see
// [Engine.Wake].
func (l *Live) Wake() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.engine.Wake()
}

// Appended reports a durable append; see [Engine.Appended].
func (l *Live) Appended(a Append, pos uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.engine.Appended(a, pos)
	l.wake()
}

// Conflicted reports a refused append; see [Engine.Conflicted].
func (l *Live) Conflicted(a Append, head uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.engine.Conflicted(a, head)
	l.wake()
}

// Answered reports how a send ended; see [Engine.Answered].
func (l *Live) Answered(s Send, o billing.Outcome, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.engine.Answered(s, o, err)
	l.wake()
}
