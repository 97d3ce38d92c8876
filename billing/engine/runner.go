package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger"
)

// A RunnerConfig holds what a runner may be told. Its zero value is what a
// server on one machine needs.
type RunnerConfig struct {
	// Appends is how many appends may be under way at once, each for another
	// visit; the log commits them in groups. 0 means 256.
	Appends int
	// Sends is how many orders may be at the provider at once. 0 means 32.
	Sends int
	// SendTimeout ends a send whose answer does not come: its outcome is then
	// unknown, and it is asked for again. 0 means 20 seconds.
	SendTimeout time.Duration
	// Logger hears of orders whose outcome is not known. nil means nobody.
	Logger *slog.Logger
}

// A Runner carries out what the engine decides: it appends in parallel across
// visits and sends each visit's orders one after the other.
type Runner struct {
	live    *Live
	gateway billing.Gateway
	now     func() time.Time
	config  RunnerConfig
	appends chan struct{} // one token for each append under way
	sends   *turnstile
}

// NewRunner returns a runner that decides with live and moves money through
// gateway.
func NewRunner(live *Live, gateway billing.Gateway, now func() time.Time, config RunnerConfig) *Runner {
	if config.Appends <= 0 {
		config.Appends = 256
	}
	if config.Sends <= 0 {
		config.Sends = 32
	}
	if config.SendTimeout <= 0 {
		config.SendTimeout = 20 * time.Second
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	live.attend()
	return &Runner{
		live: live, gateway: gateway, now: now, config: config,
		appends: make(chan struct{}, config.Appends), sends: newTurnstile(config.Sends),
	}
}

// Run catches up with the log without doing anything, then follows it and
// carries out what is decided, until ctx is done or the log fails. It returns
// nil when ctx ended it. After any other error nothing is lost: start again.
func (r *Runner) Run(ctx context.Context) error {
	if err := r.live.CatchUp(ctx); err != nil {
		return ended(ctx, err)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return r.live.Follow(ctx) })
	g.Go(func() error { return r.decide(ctx, g) })
	return ended(ctx, g.Wait())
}

// ended returns err unless it only says that ctx is done.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// decide asks for decisions whenever the engine moved or a time has come.
func (r *Runner) decide(ctx context.Context, g *errgroup.Group) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		changed := r.live.Changed() // before deciding, so that no change is missed
		now := r.now()
		for _, a := range r.live.Decide(now) {
			g.Go(func() error { return r.carryOut(ctx, a) })
		}
		wait := time.Hour
		if wake := r.live.Wake(); !wake.IsZero() {
			wait = max(0, wake.Sub(now))
		}
		timer.Reset(wait)
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (r *Runner) carryOut(ctx context.Context, a Action) error {
	switch a := a.(type) {
	case Append:
		select {
		case r.appends <- struct{}{}:
			defer func() { <-r.appends }()
		case <-ctx.Done():
			return ctx.Err()
		}
		return r.append(ctx, a)
	case Send:
		if err := r.sends.enter(ctx, a.Before); err != nil {
			return err
		}
		defer r.sends.leave()
		return r.send(ctx, a)
	}
	panic(fmt.Sprintf("engine: action %T", a))
}

func (r *Runner) append(ctx context.Context, a Append) error {
	rs, err := r.live.log.Append(ctx, a.Stream, a.Expected, a.Drafts...)
	for errors.Is(err, ledger.ErrUnavailable) && ctx.Err() == nil {
		// The log is on another machine and away. Whether it was stored is found
		// out by appending it again.
		r.config.Logger.LogAttrs(ctx, slog.LevelWarn, "the log is away; trying again",
			slog.String("stream", string(a.Stream)), slog.String("error", err.Error()))
		r.rest(ctx)
		rs, err = r.live.log.Append(ctx, a.Stream, a.Expected, a.Drafts...)
	}
	switch {
	case err == nil:
		r.live.Appended(a, rs[len(rs)-1].Position)
		return nil
	case errors.Is(err, ledger.ErrConflict), errors.Is(err, ledger.ErrIDReused):
		// Somebody was first; an id that is in use is the same decision made
		// elsewhere at another moment. What they wrote decides.
		if errors.Is(err, ledger.ErrIDReused) {
			r.rest(ctx)
		}
		head, err := r.live.log.Head(ctx)
		for errors.Is(err, ledger.ErrUnavailable) && ctx.Err() == nil {
			r.rest(ctx)
			head, err = r.live.log.Head(ctx)
		}
		if err == nil {
			r.live.Conflicted(a, head)
		}
		return err
	default:
		return fmt.Errorf("append to %s: %w", a.Stream, err)
	}
}

// reuseRest keeps a decision whose id somebody else has taken from being made
// again and again without pause, and a log that is away from being asked so.
const reuseRest = time.Second

func (r *Runner) rest(ctx context.Context) {
	timer := time.NewTimer(reuseRest)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (r *Runner) send(ctx context.Context, s Send) error {
	out, err := Deliver(ctx, r.gateway, s, r.config.SendTimeout)
	if ctx.Err() != nil {
		return ctx.Err() // the next run sends it again with the same key
	}
	if err != nil {
		r.config.Logger.LogAttrs(ctx, slog.LevelWarn, "outcome of an order is not known",
			slog.String("visit", s.Order.Visit), slog.String("op", string(s.Order.Op)),
			slog.String("order", s.Order.ID), slog.String("error", err.Error()))
	}
	r.live.Answered(s, out, err)
	return nil
}

// Deliver puts an order to a gateway, or asks what became of it, within
// timeout; 0 is no limit.
func Deliver(ctx context.Context, g billing.Gateway, s Send, timeout time.Duration) (billing.Outcome, error) {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	if s.Find {
		return g.Find(ctx, s.Order)
	}
	switch s.Order.Op {
	case billing.OpHold:
		return g.Hold(ctx, s.Order)
	case billing.OpIncrement:
		return g.Increment(ctx, s.Order)
	case billing.OpCharge:
		return g.Charge(ctx, s.Order)
	case billing.OpCapture:
		return g.Capture(ctx, s.Order)
	case billing.OpRelease:
		return g.Release(ctx, s.Order)
	case billing.OpRefund:
		return g.Refund(ctx, s.Order)
	}
	return billing.Outcome{}, fmt.Errorf("order %s to %q: %w", s.Order.ID, s.Order.Op, billing.ErrNoOrder)
}
