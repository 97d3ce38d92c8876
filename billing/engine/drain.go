package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger"
)

// Drain carries out, one after the other, everything that must happen at now,
// and returns how many actions that were. It is the [Runner] without
// goroutines and without a clock: for simulations and tests, where the same
// seed must give the same log.
func (l *Live) Drain(ctx context.Context, g billing.Gateway, now time.Time) (int, error) {
	for n := 0; ; {
		if err := l.CatchUp(ctx); err != nil {
			return n, err
		}
		actions := l.Decide(now)
		if len(actions) == 0 {
			return n, nil
		}
		for _, a := range actions {
			if err := l.carryOut(ctx, g, a); err != nil {
				return n, err
			}
			n++
		}
	}
}

func (l *Live) carryOut(ctx context.Context, g billing.Gateway, a Action) error {
	switch a := a.(type) {
	case Append:
		rs, err := l.log.Append(ctx, a.Stream, a.Expected, a.Drafts...)
		if err == nil {
			l.Appended(a, rs[len(rs)-1].Position)
			return nil
		}
		if !errors.Is(err, ledger.ErrConflict) {
			return fmt.Errorf("append to %s: %w", a.Stream, err)
		}
		head, err := l.log.Head(ctx)
		if err == nil {
			l.Conflicted(a, head)
		}
		return err
	case Send:
		out, err := Deliver(ctx, g, a, 0)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		l.Answered(a, out, err)
		return nil
	}
	panic(fmt.Sprintf("engine: action %T", a))
}
