package fiscal

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vouchledger/vouch/ledger"
)

// actor signs what the runner writes.
const actor = "fiscal"

// patience is how long a device may take for one answer.
const patience = 10 * time.Second

// A Runner asks a device for what is due and writes down what it said.
type Runner struct {
	log    ledger.Log
	device Device
	now    func() time.Time
	logger *slog.Logger

	mu      sync.Mutex // guards book
	book    Book
	changed chan struct{} // holds one when the book has moved
}

// NewRunner returns a runner over log. A nil device is none: every document of
// a seller who needs signatures is then marked as not signed.
func NewRunner(log ledger.Log, device Device, now func() time.Time, logger *slog.Logger) *Runner {
	if device == nil {
		device = none{}
	}
	return &Runner{log: log, device: device, now: now, logger: logger, changed: make(chan struct{}, 1)}
}

// Run follows the log and signs, until ctx is done or the log fails. It returns
// nil when ctx ended it. After any other error nothing is lost: start again.
func (r *Runner) Run(ctx context.Context) error {
	if err := r.CatchUp(ctx); err != nil { // what was signed must be known before anything is
		return done(ctx, err)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return r.read(r.log.Subscribe(ctx, r.query())) })
	g.Go(func() error { return r.sign(ctx) })
	return done(ctx, g.Wait())
}

// CatchUp reads what the log holds, and does nothing about it.
func (r *Runner) CatchUp(ctx context.Context) error {
	head, err := r.log.Head(ctx)
	if err != nil {
		return fmt.Errorf("fiscal: %w", err)
	}
	if err := r.read(r.log.Read(ctx, r.query())); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.book.position = max(r.book.position, head)
	return nil
}

func done(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (r *Runner) position() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.book.Position()
}

func (r *Runner) query() ledger.Query {
	return ledger.Query{
		Prefixes: []string{ledger.CategoryVisit + "-"}, From: r.position() + 1,
		Kinds: []ledger.Kind{
			ledger.KindGatePresented, ledger.KindGateEntered, ledger.KindReceiptIssued, ledger.KindReceiptCorrected,
			ledger.KindVisitSettled, ledger.KindFiscalStarted, ledger.KindFiscalSigned, ledger.KindFiscalFailed,
		},
	}
}

// read folds records as they come.
func (r *Runner) read(records func(yield func(ledger.Record, error) bool)) error {
	var dec ledger.Decoder
	for rec, err := range records {
		if err != nil {
			return fmt.Errorf("fiscal: %w", err)
		}
		e, err := dec.Decode(rec)
		if err != nil {
			return fmt.Errorf("fiscal: %w", err)
		}
		r.mu.Lock()
		r.book.Apply(e)
		r.mu.Unlock()
		select {
		case r.changed <- struct{}{}:
		default:
		}
	}
	return nil
}

// sign does what is due whenever the book moved or a time has come.
func (r *Runner) sign(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		wake, err := r.Step(ctx)
		if err != nil {
			return err
		}
		wait := time.Hour
		if !wake.IsZero() {
			wait = max(0, wake.Sub(r.now()))
		}
		timer.Reset(wait)
		select {
		case <-r.changed:
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Step does what is due now, and returns when something is due next.
func (r *Runner) Step(ctx context.Context) (wake time.Time, err error) {
	r.mu.Lock()
	tasks, wake := r.book.Due(r.now())
	r.mu.Unlock()
	for _, t := range tasks {
		if err := r.do(ctx, t); err != nil {
			return wake, err
		}
	}
	return wake, nil
}

// do asks the device for one thing and writes its answer down. What it answers
// is the same whenever it is asked, so an answer that is in the log already is
// found there.
func (r *Runner) do(ctx context.Context, t Task) error {
	p, err := r.ask(ctx, t)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.logger.LogAttrs(ctx, slog.LevelWarn, "the signing device did not answer",
			slog.String("visit", string(t.Visit)), slog.String("receipt", t.Receipt), slog.String("error", err.Error()))
		if t.Begin {
			return nil // the transaction begins with its end, if need be
		}
		p = ledger.FiscalFailed{Visit: t.Visit, Receipt: t.Receipt, Regime: t.Regime, Detail: shorten(err.Error())}
	}
	label := []string{string(p.Kind())}
	if p.Kind() == ledger.KindFiscalFailed {
		label = append(label, fmt.Sprint(t.Tried+1))
	}
	d, err := ledger.NewDraft(ledger.Meta{
		ID: ledger.DeriveID(t.Cause, label...), Occurred: ledger.Instant(r.now()), Actor: actor, Cause: t.Cause,
	}, p)
	if err != nil {
		return fmt.Errorf("fiscal: visit %s: the device's answer: %w", t.Visit, err)
	}
	_, err = r.log.Append(ctx, ledger.VisitStream(t.Visit), ledger.Exists(), d)
	if errors.Is(err, ledger.ErrIDReused) { // another runner was first; its answer counts
		return nil
	}
	if err != nil {
		return fmt.Errorf("fiscal: visit %s: %w", t.Visit, err)
	}
	return nil
}

func (r *Runner) ask(ctx context.Context, t Task) (ledger.Payload, error) {
	if t.Fault != "" {
		return nil, errors.New(t.Fault)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if t.Begin {
		b, err := r.device.Begin(ctx, t.Key)
		if err != nil {
			return nil, err
		}
		return ledger.FiscalStarted{
			Visit: t.Visit, Regime: t.Regime, Device: b.Device, Transaction: b.Transaction, At: ledger.Instant(b.At),
		}, nil
	}
	s, err := r.device.Finish(ctx, t.Key, t.Process, t.Data)
	if err != nil {
		return nil, err
	}
	if _, err := base64.StdEncoding.DecodeString(s.Value); err != nil {
		return nil, fmt.Errorf("check value %q: %w", s.Value, err)
	}
	return ledger.FiscalSigned{
		Visit: t.Visit, Receipt: t.Receipt, Regime: t.Regime, Register: s.Register, Device: s.Device,
		Transaction: s.Transaction, Counter: s.Counter, Started: ledger.Instant(s.At), Finished: ledger.Instant(s.Finished),
		Process: t.Process, Data: t.Data, Algorithm: s.Algorithm, Key: s.Key, Value: s.Value,
	}, nil
}

func shorten(s string) string { return s[:min(len(s), ledger.MaxText)] }

// none is the device of a server that has none.
type none struct{}

func (none) Begin(context.Context, string) (Begun, error) { return Begun{}, ErrNoDevice }

func (none) Finish(context.Context, string, string, string) (Signature, error) {
	return Signature{}, ErrNoDevice
}
