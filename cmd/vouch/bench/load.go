package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/projections/crowd"
)

// seed is what the visits are made up from.
const seed = 1

// crowdOf returns how many shops make up so many events, and how many visits
// are inside each at any time: a hundred shops with forty, and in a small log
// so few that most visits come to their end.
func crowdOf(events uint64) (shops, inside int) {
	const ofVisit = 44
	shops = int(min(100, max(4, events/2500)))                         //nolint:gosec // small
	return shops, int(min(40, max(4, events/uint64(shops)/ofVisit/8))) //nolint:gosec // small
}

// A loaded is what has been appended to the large log.
type loaded struct {
	mu      sync.Mutex
	settled []ledger.StreamID // visits that are over
	events  atomic.Int64
	bytes   atomic.Int64 // of bodies
}

// load makes the large log and returns visits that are over, spread over the
// whole of it.
func (r *run) load(ctx context.Context) ([]ledger.StreamID, error) {
	log, err := embedded.Open(ctx, r.path(), embedded.Config{Now: r.Now})
	if err != nil {
		return nil, err
	}
	var l loaded
	start := r.Now()
	g, ctx := errgroup.WithContext(ctx)
	shops, inside := crowdOf(r.Events)
	for n := range shops {
		g.Go(func() error {
			s, err := crowd.NewShop(seed, n, inside)
			if err != nil {
				return err
			}
			return r.fill(ctx, log, s, &l)
		})
	}
	err = g.Wait()
	took := r.Now().Sub(start)
	if err = errors.Join(err, log.Close()); err != nil {
		return nil, err
	}
	r.report.Events = uint64(l.events.Load()) //nolint:gosec // counted up
	n := float64(l.events.Load())
	r.report.Figure("mean body of the made-up events", float64(l.bytes.Load())/n, "bytes")
	r.report.Figure(fmt.Sprintf("made up and appended by %d writers, with sealing", shops), n/took.Seconds(), "events/s")
	return spread(l.settled, r.Visits), nil
}

// rest seals what was full when the writers stopped, as a server does in its next quiet
// second.
func (r *run) rest(ctx context.Context) error {
	log, err := embedded.Open(ctx, r.path(), embedded.Config{Now: r.Now})
	if err != nil {
		return err
	}
	r.progress("sealing the rest", 0, 1)
	start := r.Now()
	err = log.Sealed(ctx)
	took := r.Now().Sub(start)
	r.report.Figure("sealing what was full when the writers stopped", took.Seconds(), "s")
	return errors.Join(err, log.Close())
}

// spread returns n visits from all over the log, in no order that a cache could
// profit from.
func spread(visits []ledger.StreamID, n int) []ledger.StreamID {
	n = min(n, len(visits))
	out := make([]ledger.StreamID, n)
	for i := range out {
		out[i] = visits[i*len(visits)/n]
	}
	rand.New(rand.NewPCG(seed, seed)).Shuffle(n, func(i, j int) { out[i], out[j] = out[j], out[i] }) //nolint:gosec // no secret
	return out
}

// fill appends what happens in one shop until there are enough events.
func (r *run) fill(ctx context.Context, log ledger.Log, s *crowd.Shop, l *loaded) error {
	for {
		a, err := s.Next()
		if err != nil {
			return err
		}
		n := l.events.Add(int64(len(a.Drafts)))
		if n > int64(r.Events) { //nolint:gosec // not so many
			l.events.Add(-int64(len(a.Drafts)))
			return nil
		}
		if _, err := log.Append(ctx, a.Stream, a.Expect, a.Drafts...); err != nil {
			return err
		}
		for _, d := range a.Drafts {
			l.bytes.Add(int64(len(d.Body)))
			if d.Kind == ledger.KindVisitSettled {
				l.mu.Lock()
				l.settled = append(l.settled, a.Stream)
				l.mu.Unlock()
			}
		}
		if n%16384 == 0 {
			r.progress("making up visits", n, int64(r.Events)) //nolint:gosec // not so many
		}
	}
}
