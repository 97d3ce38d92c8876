package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vouchledger/vouch/billing/provider"
	"github.com/vouchledger/vouch/ledger"
)

const (
	// SweepMargin is how far before an instant payments are compared that may
	// have moved since: a hold lives at most seven days.
	SweepMargin = 8 * 24 * time.Hour
	// claimMargin is the same for claims: an inquiry may become a claim for 120
	// days.
	claimMargin = 130 * 24 * time.Hour
	// overlap is read again of the event list each time: an entry may appear
	// there late.
	overlap = 10 * time.Minute
	// firstPoll is how far the list is read when nothing is known: as long as
	// the provider tries to deliver a webhook.
	firstPoll = 3 * 24 * time.Hour
	// sweptEvery is how often at most it is written down that all is compared.
	sweptEvery = time.Hour
)

// Why a sweep was made.
const (
	causeRestore  = "restore"
	causeSchedule = "schedule"
)

// A Swept is what a sweep came to.
type Swept struct {
	From, Until time.Time
	Objects     int // looked at
	Adopted     int // of which the ledger lacked something
}

// Begin finds out whose money it is, which mode it is of, and which claims are
// open. Everything else needs it to have succeeded once.
func (w *Watcher) Begin(ctx context.Context) error {
	account, err := w.provider.Account(ctx)
	if err != nil {
		return err
	}
	w.account.Store(&account.ID)
	q := ledger.Query{
		Prefixes: []string{ledger.CategoryPayment + "-"},
		Kinds:    []ledger.Kind{ledger.KindChargebackOpened, ledger.KindChargebackClosed},
	}
	for r, err := range w.log.Read(ctx, q) {
		if err != nil {
			return fmt.Errorf("open claims: %w", err)
		}
		if err := w.follow(r); err != nil {
			return fmt.Errorf("open claims: %w", err)
		}
	}
	w.noted, err = w.lastSwept(ctx)
	w.seen = w.noted
	return err
}

// Account returns whose money it is; empty before Begin. Any goroutine may
// call it.
func (w *Watcher) Account() string {
	if a := w.account.Load(); a != nil {
		return *a
	}
	return ""
}

// follow keeps the list of open claims.
func (w *Watcher) follow(r ledger.Record) error {
	e, err := ledger.Decode(r)
	if err != nil {
		return err
	}
	_, visit := e.Stream.Split()
	switch p := e.Payload.(type) { // only these open and close
	case ledger.ChargebackOpened:
		w.claims[p.Chargeback] = ledger.VisitID(visit)
	case ledger.ChargebackClosed:
		delete(w.claims, p.Chargeback)
		delete(w.retry, p.Chargeback)
	}
	return nil
}

// lastSwept returns up to when everything was compared before.
func (w *Watcher) lastSwept(ctx context.Context) (time.Time, error) {
	q := ledger.Query{
		Stream: ledger.ProviderStream(w.Account()), Kinds: []ledger.Kind{ledger.KindProviderSwept}, Backwards: true,
		From: ledger.End, Limit: 1,
	}
	for r, err := range w.log.Read(ctx, q) {
		if err != nil {
			return time.Time{}, fmt.Errorf("last sweep: %w", err)
		}
		e, err := ledger.Decode(r)
		if err != nil {
			return time.Time{}, fmt.Errorf("last sweep: %w", err)
		}
		if p, ok := e.Payload.(ledger.ProviderSwept); ok {
			return p.Until, nil
		}
	}
	return w.now().Add(-firstPoll), nil
}

// Restored compares everything that may have moved since an instant up to
// which the log was restored, and adopts it: the outcome of an order that the
// log has, and whatever was done by one that it lost. It is over before the
// engine sends anything, or the engine would do again what is done.
func (w *Watcher) Restored(ctx context.Context, since time.Time) (Swept, error) {
	return w.sweep(ctx, since, causeRestore)
}

// Sweep compares all recent objects, for what no notice told.
func (w *Watcher) Sweep(ctx context.Context) (Swept, error) {
	return w.sweep(ctx, w.now(), causeSchedule)
}

func (w *Watcher) sweep(ctx context.Context, since time.Time, cause string) (Swept, error) {
	s := Swept{From: since.Add(-SweepMargin), Until: w.now()}
	note := func(n int) {
		s.Objects++
		if n > 0 {
			s.Adopted++
		}
	}
	for p, err := range w.provider.Payments(ctx, s.From) {
		if err != nil && !errors.Is(err, provider.ErrNotFound) {
			return s, fmt.Errorf("sweep: %w", err)
		}
		n, err := w.payment(ctx, p, cause == causeRestore)
		if err == nil && n > 0 && cause == causeRestore {
			err = w.orphan(ctx, p)
		}
		if err != nil {
			return s, fmt.Errorf("sweep of %s: %w", p.Object, err)
		}
		note(n)
	}
	for c, err := range w.provider.Chargebacks(ctx, since.Add(-claimMargin)) {
		if err == nil {
			err = w.chargeback(ctx, c)
		}
		if err != nil && !errors.Is(err, provider.ErrNotFound) {
			return s, fmt.Errorf("sweep of %s: %w", c.ID, err)
		}
		note(0)
	}
	for f, err := range w.provider.Warnings(ctx, s.From) {
		if err == nil {
			err = w.warning(ctx, f)
		}
		if err != nil && !errors.Is(err, provider.ErrNotFound) {
			return s, fmt.Errorf("sweep of %s: %w", f.ID, err)
		}
		note(0)
	}
	return s, w.swept(ctx, s, cause)
}

// orphan asks a person about a payment whose visit is not in the log at all.
func (w *Watcher) orphan(ctx context.Context, p provider.Payment) error {
	visit := ledger.VisitID(p.Visit)
	for _, err := range w.log.Read(ctx, ledger.Query{Stream: ledger.VisitStream(visit), Limit: 1}) {
		return err // it is there, or cannot be read
	}
	if p.Held.Minor == 0 && p.Captured.Minor <= p.Refunded.Minor {
		return nil // nobody has anything of anybody
	}
	reason := fmt.Sprintf("the log was restored to before this visit, and the provider has %s held and %s captured for it (%s)",
		p.Held, p.Captured, p.Object)
	_, err := w.append(ctx, visit, func(k *known) []ledger.Payload {
		if k.flagged[reason] {
			return nil
		}
		return []ledger.Payload{ledger.PaymentEscalated{Intent: ledger.DeriveID(ledger.ID{}, "orphan", p.Object), Reason: reason}}
	})
	return err
}

// swept writes down that everything was compared.
func (w *Watcher) swept(ctx context.Context, s Swept, cause string) error {
	p := ledger.ProviderSwept{
		Provider: w.Account(), From: ledger.Instant(s.From), Until: ledger.Instant(s.Until), Objects: s.Objects, Adopted: s.Adopted,
		Cause: cause,
	}
	d, err := ledger.NewDraft(ledger.Meta{
		ID:       ledger.DeriveID(ledger.ID{}, "swept", w.Account(), cause, fmt.Sprint(s)),
		Occurred: ledger.Instant(w.now()), Actor: actor,
	}, p)
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	if _, err := w.log.Append(ctx, ledger.ProviderStream(w.Account()), ledger.Any(), d); err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	w.seen, w.noted = s.Until, s.Until
	w.config.Logger.LogAttrs(ctx, slog.LevelInfo, "the provider is compared", slog.String("cause", cause),
		slog.Int("objects", s.Objects), slog.Int("adopted", s.Adopted))
	return nil
}

// Poll reads the provider's event list since everything was seen, and looks at
// each object in it once. What fails is looked at again the next time.
func (w *Watcher) Poll(ctx context.Context) (Swept, error) {
	s := Swept{From: w.seen.Add(-overlap), Until: w.now()}
	objects, entries := map[string]bool{}, []string{}
	for c, err := range w.provider.Changes(ctx, s.From) {
		if err != nil {
			return s, fmt.Errorf("poll: %w", err)
		}
		if _, old := w.entries[c.Event]; old {
			continue
		}
		entries = append(entries, c.Event)
		object := c.Payment
		if object == "" || prefixed(c.Type, "charge.dispute.", "radar.") {
			object = c.Object
		}
		if object != "" {
			objects[object] = true
		}
	}
	for object := range w.missed {
		objects[object] = true
	}
	w.missed = map[string]bool{}
	var failed error
	for _, object := range slices.Sorted(maps.Keys(objects)) {
		before := w.external.Load()
		if err := w.Look(ctx, object); err != nil {
			w.miss(object)
			failed = errors.Join(failed, err)
			continue
		}
		s.Objects++
		if w.external.Load() > before {
			s.Adopted++
		}
	}
	for _, e := range entries {
		w.entries[e] = s.Until // their objects are looked at, or missed
	}
	maps.DeleteFunc(w.entries, func(_ string, at time.Time) bool { return s.Until.Sub(at) > 2*overlap })
	w.seen = s.Until
	if failed == nil && (s.Adopted > 0 || s.Until.Sub(w.noted) >= sweptEvery) {
		return s, w.swept(ctx, s, causeSchedule)
	}
	return s, failed
}

// miss notes an object that could not be looked at.
func (w *Watcher) miss(object string) {
	w.failed.Add(1)
	w.missed[object] = true
}

func prefixed(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}
