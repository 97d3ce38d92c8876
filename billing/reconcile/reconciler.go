package reconcile

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/vouchledger/vouch/billing/provider"
	"github.com/vouchledger/vouch/ledger"
)

// A Source is a payment provider's record of our money. Lists may come in any
// order.
type Source interface {
	// Account says whose money it is.
	Account(ctx context.Context) (provider.Account, error)
	// Balance returns the movements on our balance since an instant.
	Balance(ctx context.Context, since time.Time) iter.Seq2[ledger.BalanceTransaction, error]
	// Payouts returns the payouts that were made since an instant.
	Payouts(ctx context.Context, since time.Time) iter.Seq2[provider.Payout, error]
}

// overlap is how far before the last movement that we know the provider is
// asked again: its lists may show a movement late.
const overlap = 48 * time.Hour

// payoutTime is how long a payout may take until the provider has named all of
// its parts.
const payoutTime = 14 * 24 * time.Hour

// batch bounds the movements of one event.
const batch = 500

// A Reconciler fetches what the provider says, records it, and opens and closes
// exceptions. Its methods may be called from many goroutines.
type Reconciler struct {
	log    ledger.Log
	source Source
	now    func() time.Time
	config Config
	logger *slog.Logger

	mu   sync.Mutex // one round at a time; guards the rest
	book Book
	dec  ledger.Decoder
	done time.Time // when the last round that came to its end began
}

// Reconciled returns when the last round began that came to its end; zero if
// there was none since the start.
func (r *Reconciler) Reconciled() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.done
}

// New returns a reconciler over log. A nil source is none: only what is in the
// log is compared. Rules that cannot be used are an [ErrConfig].
func New(log ledger.Log, source Source, now func() time.Time, config Config, logger *slog.Logger) (*Reconciler, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	return &Reconciler{log: log, source: source, now: now, config: config, logger: logger}, nil
}

// Run reconciles every so often until ctx is done. A round that fails is
// logged and the next one begins where it should: nothing is half done.
func (r *Reconciler) Run(ctx context.Context, every time.Duration) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		if _, err := r.Once(ctx); err != nil && ctx.Err() == nil {
			r.logger.LogAttrs(ctx, slog.LevelWarn, "reconciliation did not come to its end", slog.String("error", err.Error()))
		}
		timer.Reset(every)
	}
}

// A Round says what one reconciliation did.
type Round struct {
	Transactions int // movements that were new
	Payouts      int // payouts that were new, or failed since
	Opened       int
	Closed       int
	Open         int // exceptions that are open now
}

// Once fetches what is new and compares everything.
func (r *Reconciler) Once(ctx context.Context) (Round, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var round Round
	began := r.now()
	if err := r.catchUp(ctx); err != nil {
		return round, err
	}
	if r.source != nil {
		if err := r.fetch(ctx, &round); err != nil {
			return round, err
		}
	}
	facts, err := r.book.Decide(r.now(), r.config)
	if err != nil {
		return round, err
	}
	for _, f := range facts {
		if err := overtaken(r.write(ctx, f.Stream, f.Expected, actor, f.Label, f.Payload)); err != nil {
			return round, err
		}
		if f.Payload.Kind() == ledger.KindExceptionOpened {
			round.Opened++
		} else {
			round.Closed++
		}
	}
	if err := r.catchUp(ctx); err != nil {
		return round, err
	}
	for _, x := range r.book.exceptions { // in any order: only counted
		if x.Open() {
			round.Open++
		}
	}
	r.done = began
	return round, nil
}

// actor signs what is recorded without a person.
const actor = "reconciler"

// catchUp folds what the log holds beyond the book.
func (r *Reconciler) catchUp(ctx context.Context) error {
	q := ledger.Query{Prefixes: ledger.OwnPrefixes(), Kinds: Kinds, From: r.book.Position() + 1}
	for rec, err := range r.log.Read(ctx, q) {
		if err != nil {
			return fmt.Errorf("reconcile: %w", err)
		}
		e, err := r.dec.Decode(rec)
		if err != nil {
			return fmt.Errorf("reconcile: %w", err)
		}
		if err := r.book.Apply(e); err != nil {
			return err
		}
	}
	return nil
}

// write appends one event, whose id follows from what it says about whom: the
// same round after a crash writes the same.
func (r *Reconciler) write(
	ctx context.Context, stream ledger.StreamID, expected ledger.Expected, by string, label []string, ps ...ledger.Payload,
) error {
	var ds []ledger.Draft
	for i, p := range ps {
		id := ledger.DeriveID(ledger.ID{}, append([]string{string(stream), string(p.Kind()), fmt.Sprint(i)}, label...)...)
		d, err := ledger.NewDraft(ledger.Meta{ID: id, Occurred: ledger.Instant(r.now()), Actor: by}, p)
		if err != nil {
			return fmt.Errorf("%s: %w", stream, err)
		}
		ds = append(ds, d)
	}
	_, err := r.log.Append(ctx, stream, expected, ds...)
	if err != nil {
		return fmt.Errorf("%s: %w", stream, err)
	}
	return nil
}

// overtaken turns the news that somebody else was first into none: the next
// round sees what is there.
func overtaken(err error) error {
	if errors.Is(err, ledger.ErrConflict) || errors.Is(err, ledger.ErrIDReused) {
		return nil
	}
	return err
}

// fetch records what the provider has and the log has not.
func (r *Reconciler) fetch(ctx context.Context, round *Round) error {
	account, err := r.source.Account(ctx)
	if err != nil {
		return fmt.Errorf("reconcile: %w", err)
	}
	since := time.Unix(0, 0).UTC()
	if !r.book.latest.IsZero() {
		since = r.book.latest.Add(-overlap)
	}
	var fresh []ledger.BalanceTransaction
	for t, err := range r.source.Balance(ctx, since) {
		if err != nil {
			return fmt.Errorf("reconcile: %w", err)
		}
		if r.book.txns[t.Transaction] == nil {
			fresh = append(fresh, t)
		}
	}
	slices.SortStableFunc(fresh, func(a, b ledger.BalanceTransaction) int { return a.Created.Compare(b.Created) })
	for part := range slices.Chunk(fresh, batch) {
		p := ledger.BalanceRecorded{Provider: account.ID, Transactions: slices.Clone(part)}
		label := []string{part[0].Transaction, part[len(part)-1].Transaction, fmt.Sprint(len(part))}
		if err := overtaken(r.write(ctx, ledger.ProviderStream(account.ID), ledger.Any(), actor, label, p)); err != nil {
			return err
		}
	}
	round.Transactions = len(fresh)
	if err := r.payouts(ctx, account.ID, round); err != nil {
		return err
	}
	return r.catchUp(ctx)
}

// payouts records payouts whose parts are known, and those that failed.
func (r *Reconciler) payouts(ctx context.Context, account string, round *Round) error {
	since := time.Unix(0, 0).UTC()
	for _, po := range r.book.payouts { // in any order: the latest is what counts
		if d, err := time.Parse(time.DateOnly, string(po.Arrival)); err == nil && d.Add(-payoutTime).After(since) {
			since = d.Add(-payoutTime)
		}
	}
	for p, err := range r.source.Payouts(ctx, since) {
		if err != nil {
			return fmt.Errorf("reconcile: %w", err)
		}
		known := r.book.payouts[p.ID]
		stream := ledger.PayoutStream(p.ID)
		manual := len(p.Transactions) == 0 && !p.Complete
		if known == nil && (p.Complete || p.Failed || manual) {
			if err := overtaken(r.write(ctx, stream, ledger.None(), actor, nil, payoutEvents(account, p)...)); err != nil {
				return err
			}
			round.Payouts++
			known = &payout{}
		}
		if known != nil && p.Failed && !known.failed {
			e := ledger.PayoutFailed{Payout: p.ID, Amount: p.Amount, Code: p.Code}
			if err := overtaken(r.write(ctx, stream, ledger.Exists(), actor, nil, e)); err != nil {
				return err
			}
			round.Payouts++
		}
	}
	return nil
}

// payoutEvents are the parts of a payout, as many as it takes.
func payoutEvents(account string, p provider.Payout) []ledger.Payload {
	whole := ledger.PayoutRecorded{
		Payout: p.ID, Provider: account, Amount: p.Amount, Arrival: p.Arrival, Reference: p.Reference, Transactions: []string{},
	}
	if len(p.Transactions) == 0 {
		return []ledger.Payload{whole}
	}
	var ps []ledger.Payload
	for part := range slices.Chunk(p.Transactions, ledger.MaxStatementLines) {
		e := whole
		e.Transactions, e.More = slices.Clone(part), true
		ps = append(ps, e)
	}
	last, _ := ps[len(ps)-1].(ledger.PayoutRecorded)
	last.More = false
	ps[len(ps)-1] = last
	return ps
}
