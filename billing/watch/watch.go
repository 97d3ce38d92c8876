package watch

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/vouchledger/vouch/billing/provider"
	"github.com/vouchledger/vouch/ledger"
)

// actor signs what the watcher writes.
const actor = "watch"

// Payments is what a provider says of payments. All methods may be called from
// many goroutines; none changes anything there. An object that the provider
// does not know is [provider.ErrNotFound].
type Payments interface {
	// Fetch returns the payment that an object belongs to, as it is now.
	Fetch(ctx context.Context, object string) (provider.Payment, error)
	// Payments returns those that began or were refunded since an instant.
	Payments(ctx context.Context, since time.Time) iter.Seq2[provider.Payment, error]
	// Changes returns the provider's event list since an instant, latest first.
	Changes(ctx context.Context, since time.Time) iter.Seq2[provider.Change, error]
	// Account says whose money it is.
	Account(ctx context.Context) (provider.Account, error)
}

// Claims is what a provider says of claims and warnings of card networks.
type Claims interface {
	Chargeback(ctx context.Context, id string) (provider.Chargeback, error)
	Chargebacks(ctx context.Context, since time.Time) iter.Seq2[provider.Chargeback, error]
	Warning(ctx context.Context, id string) (provider.Warning, error)
	Warnings(ctx context.Context, since time.Time) iter.Seq2[provider.Warning, error]
}

// Court takes evidence. Upload, Submit and Accept are idempotent by their key;
// Submit is [provider.ErrSubmitted] when evidence was submitted before.
type Court interface {
	Upload(ctx context.Context, key, name string, file []byte) (string, error)
	Stage(ctx context.Context, chargeback, visit, pack string, e provider.Evidence) error
	Submit(ctx context.Context, chargeback, key, op string, e provider.Evidence) error
	Accept(ctx context.Context, chargeback, key string) error
}

// A Store keeps evidence under its digest.
type Store interface {
	// Read returns what is kept under a digest.
	Read(ctx context.Context, d ledger.Digest) ([]byte, error)
	// Keep stores bytes durably and returns their digest.
	Keep(ctx context.Context, b []byte) (ledger.Digest, error)
}

// A Provider is everything that is watched.
type Provider interface {
	Payments
	Claims
	Court
}

// A Config holds what a watcher may be told. Its zero value is what a server
// needs.
type Config struct {
	// Poll is how often the provider's event list is read. 0 means a minute.
	Poll time.Duration
	// Sweep is how often all recent objects are compared. 0 means a day.
	Sweep time.Duration
	// Logger hears of what a person must look at. nil means nobody.
	Logger *slog.Logger
}

// Counts is what a watcher has seen since it started.
type Counts struct {
	Looked   uint64 // objects that were fetched
	External uint64 // movements without an order
	Failed   uint64 // looks that failed and are repeated
}

// A Watcher compares a provider with a log. Its methods are for one goroutine
// at a time, but Counts.
type Watcher struct {
	log      ledger.Log
	provider Provider
	store    Store
	now      func() time.Time
	config   Config

	account atomic.Pointer[string]
	claims  map[string]ledger.VisitID // open ones, by name
	retry   map[string]time.Time      // steps that failed, by claim: when to try again
	fails   map[string]int
	seen    time.Time            // everything up to here was looked at
	noted   time.Time            // and that was written down up to here
	entries map[string]time.Time // of the event list that were looked at
	missed  map[string]bool      // objects whose look failed

	looked, external, failed atomic.Uint64
}

// New returns a watcher. It asks nobody anything.
func New(log ledger.Log, p Provider, store Store, now func() time.Time, config Config) *Watcher {
	if config.Poll <= 0 {
		config.Poll = time.Minute
	}
	if config.Sweep <= 0 {
		config.Sweep = 24 * time.Hour
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	return &Watcher{
		log: log, provider: p, store: store, now: now, config: config,
		claims: map[string]ledger.VisitID{}, retry: map[string]time.Time{}, fails: map[string]int{}, missed: map[string]bool{},
		entries: map[string]time.Time{},
	}
}

// Counts returns what the watcher has seen. Any goroutine may call it.
func (w *Watcher) Counts() Counts {
	return Counts{Looked: w.looked.Load(), External: w.external.Load(), Failed: w.failed.Load()}
}

// Look compares one object with the ledger: a payment, a charge or a refund, a
// claim, or a fraud warning. Other objects are nobody's business here.
func (w *Watcher) Look(ctx context.Context, object string) error {
	w.looked.Add(1)
	kind, _, _ := strings.Cut(object, "_")
	var err error
	switch kind {
	case "pi", "ch", "py", "re", "pyr":
		var p provider.Payment
		if p, err = w.provider.Fetch(ctx, object); err == nil {
			_, err = w.payment(ctx, p, false)
		}
	case "dp", "du":
		var c provider.Chargeback
		if c, err = w.provider.Chargeback(ctx, object); err == nil {
			err = w.chargeback(ctx, c)
		}
	case "issfr":
		var f provider.Warning
		if f, err = w.provider.Warning(ctx, object); err == nil {
			err = w.warning(ctx, f)
		}
	}
	if errors.Is(err, provider.ErrNotFound) {
		return nil
	}
	return err
}

// payment compares a payment, and returns how many events that led to.
func (w *Watcher) payment(ctx context.Context, p provider.Payment, adopt bool) (int, error) {
	if p.Visit == "" {
		return 0, nil // not of a visit: the books' reconciliation finds it
	}
	return w.append(ctx, ledger.VisitID(p.Visit), func(k *known) []ledger.Payload { return k.lacks(p, adopt) })
}

// visitOf returns the visit that a payment at the provider is of.
func (w *Watcher) visitOf(ctx context.Context, payment, about string) (ledger.VisitID, error) {
	if payment == "" {
		return "", nil
	}
	p, err := w.provider.Fetch(ctx, payment)
	if err != nil {
		return "", err
	}
	if p.Visit == "" {
		w.config.Logger.LogAttrs(ctx, slog.LevelWarn, "the provider has something about a payment that is not ours",
			slog.String("object", about), slog.String("payment", payment))
	}
	return ledger.VisitID(p.Visit), nil
}

// chargeback compares a claim.
func (w *Watcher) chargeback(ctx context.Context, c provider.Chargeback) error {
	visit, ok := w.claims[c.ID]
	if !ok {
		var err error
		if visit, err = w.visitOf(ctx, c.Payment, c.ID); err != nil || visit == "" {
			return err
		}
	}
	_, err := w.append(ctx, visit, func(k *known) []ledger.Payload { return k.lacksClaim(c) })
	if err == nil && c.Outcome == "" {
		w.claims[c.ID] = visit
	}
	return err
}

// warning compares a fraud warning.
func (w *Watcher) warning(ctx context.Context, f provider.Warning) error {
	visit, err := w.visitOf(ctx, f.Payment, f.ID)
	if err != nil || visit == "" {
		return err
	}
	_, err = w.append(ctx, visit, func(k *known) []ledger.Payload { return k.lacksWarning(f) })
	return err
}

// append writes down what a payment's stream lacks, at the revision at which
// it lacks it. When somebody else was first it looks again.
func (w *Watcher) append(ctx context.Context, visit ledger.VisitID, lacks func(*known) []ledger.Payload) (int, error) {
	for {
		k, err := readKnown(ctx, w.log, visit)
		if err != nil {
			return 0, err
		}
		revision, last := k.events, k.last
		ps := lacks(k)
		if len(ps) == 0 {
			return 0, nil
		}
		drafts := make([]ledger.Draft, 0, len(ps))
		for i, p := range ps {
			d, err := ledger.NewDraft(ledger.Meta{
				ID: idOf(last, p, i), Occurred: ledger.Instant(w.now()), Actor: actor, Cause: last,
			}, p)
			if err != nil {
				return 0, fmt.Errorf("visit %s: %w", visit, err)
			}
			drafts = append(drafts, d)
		}
		_, err = w.log.Append(ctx, ledger.PaymentStream(visit), ledger.After(revision), drafts...)
		if errors.Is(err, ledger.ErrConflict) && ctx.Err() == nil {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("visit %s: %w", visit, err)
		}
		w.tell(ctx, visit, ps)
		return len(ps), nil
	}
}

// idOf names what follows from the last event of a stream. The outcome of an
// order has the name that the engine gives it.
func idOf(last ledger.ID, p ledger.Payload, i int) ledger.ID {
	switch p := p.(type) { // only outcomes answer an order
	case ledger.Held:
		return ledger.DeriveID(p.Intent, "outcome")
	case ledger.Captured:
		return ledger.DeriveID(p.Intent, "outcome")
	case ledger.Charged:
		return ledger.DeriveID(p.Intent, "outcome")
	case ledger.Refunded:
		return ledger.DeriveID(p.Intent, "outcome")
	case ledger.ExternalObserved:
		return ledger.DeriveID(last, string(p.Kind()), string(p.What), p.Object)
	}
	return ledger.DeriveID(last, string(p.Kind()), fmt.Sprint(i))
}

// readKnown folds a payment's stream.
func readKnown(ctx context.Context, log ledger.Log, visit ledger.VisitID) (*known, error) {
	k := newKnown(visit)
	for r, err := range log.Read(ctx, ledger.Query{Stream: ledger.PaymentStream(visit)}) {
		if err != nil {
			return nil, fmt.Errorf("visit %s: %w", visit, err)
		}
		e, err := ledger.Decode(r)
		if err != nil {
			return nil, fmt.Errorf("visit %s: %w", visit, err)
		}
		k.apply(e)
	}
	return k, nil
}

// tell says what a person must look at.
func (w *Watcher) tell(ctx context.Context, visit ledger.VisitID, ps []ledger.Payload) {
	for _, p := range ps {
		attrs := []slog.Attr{slog.String("visit", string(visit)), slog.String("event", string(p.Kind()))}
		switch p := p.(type) { // the others are expected
		case ledger.ExternalObserved:
			w.external.Add(1)
			w.config.Logger.LogAttrs(ctx, slog.LevelWarn, "money moved without an order of ours",
				append(attrs, slog.String("what", string(p.What)), slog.String("object", p.Object), slog.String("amount", p.Amount.String()))...)
		case ledger.RefundFailed:
			w.config.Logger.LogAttrs(ctx, slog.LevelWarn, "a refund came back", append(attrs, slog.String("refund", p.Refund))...)
		case ledger.ChargebackOpened:
			w.config.Logger.LogAttrs(ctx, slog.LevelWarn, "a card network claims money back", append(attrs,
				slog.String("chargeback", p.Chargeback), slog.Time("due_by", p.DueBy), slog.Bool("inquiry", p.Inquiry))...)
		case ledger.FraudWarningReceived, ledger.PaymentEscalated, ledger.HoldLapsed:
			w.config.Logger.LogAttrs(ctx, slog.LevelWarn, "a person may have to look", attrs...)
		}
	}
}

// instant is the form of times in events; the zero time stays.
func instant(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return ledger.Instant(t)
}
