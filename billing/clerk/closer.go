package clerk

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// Closer is who closed a day that no person had to look at.
const Closer = "finance:closer"

// Days says which days may be closed: those over before until.
type Days func(ctx context.Context, until time.Time) ([]ledger.DayClosed, error)

// A DayCloser closes the days that reconciliation has left without an open
// exception, in order, as a person of finance would.
type DayCloser struct {
	Log ledger.Log
	// Days returns what [books.Journal.Due] says as the log now stands.
	Days Days
	// Reconciled returns when the last complete reconciliation began: what
	// nobody has compared yet may still be an exception.
	Reconciled func() time.Time
	// After is how long a day must have been over.
	After  time.Duration
	Logger *slog.Logger
}

// Once closes every day that is due and returns how many there were. A day
// that somebody else closed meanwhile, or to whose shop something was booked,
// is looked at again.
func (d *DayCloser) Once(ctx context.Context) (int, error) {
	at := d.Reconciled()
	if at.IsZero() {
		return 0, nil
	}
	closed := 0
	for {
		due, err := d.Days(ctx, at.Add(-d.After))
		if err != nil || len(due) == 0 {
			return closed, err
		}
		for _, p := range due {
			switch _, err := CloseDay(ctx, d.Log, ledger.Meta{Occurred: at}, p); {
			case errors.Is(err, ledger.ErrConflict): // somebody was first
			case err != nil:
				return closed, err
			default:
				closed++
				d.Logger.LogAttrs(ctx, slog.LevelInfo, "day closed", slog.String("shop", string(p.Store)),
					slog.String("day", string(p.Day)), slog.Int("number", p.Number), slog.Int("receipts", p.Receipts))
			}
		}
	}
}

// Run closes what is due every so often until ctx is done. What fails is
// logged and tried again.
func (d *DayCloser) Run(ctx context.Context, every time.Duration) error {
	timer := time.NewTicker(every)
	defer timer.Stop()
	for {
		if _, err := d.Once(ctx); err != nil && ctx.Err() == nil {
			d.Logger.LogAttrs(ctx, slog.LevelWarn, "days could not be closed", slog.String("error", err.Error()))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
	}
}
