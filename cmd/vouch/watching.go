package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vouchledger/vouch/api"
	"github.com/vouchledger/vouch/billing/chargeback"
	"github.com/vouchledger/vouch/billing/provider"
	"github.com/vouchledger/vouch/billing/stripe"
	"github.com/vouchledger/vouch/billing/watch"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/evidence"
)

// sweepFile marks a data folder whose log was restored: what moved at the
// payment provider since then must be found before anything is sent.
const sweepFile = "sweep-provider.json"

// A sweepMarker says up to when the log knows what happened.
type sweepMarker struct {
	Position uint64    `json:"position"` // of the last event that was restored
	Since    time.Time `json:"since"`    // when that was recorded
	Restored time.Time `json:"restored"` // when it was restored
}

// write puts the marker into a data folder, durably.
func (m sweepMarker) write(data string) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("mark for the provider's sweep: %w", err)
	}
	path := filepath.Join(data, sweepFile)
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("mark for the provider's sweep: %w", err)
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("mark for the provider's sweep: %w", err)
	}
	folder, err := os.Open(data)
	if err != nil {
		return fmt.Errorf("mark for the provider's sweep: %w", err)
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return fmt.Errorf("mark for the provider's sweep: %w", err)
	}
	return nil
}

// readSweepMarker returns the marker of a data folder, if there is one. One
// that cannot be read stops the server: without it somebody may pay twice.
func readSweepMarker(data string) (m sweepMarker, found bool, err error) {
	text, err := os.ReadFile(filepath.Join(data, sweepFile))
	if errors.Is(err, fs.ErrNotExist) {
		return m, false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err == nil && m.Since.IsZero() {
		err = fmt.Errorf("%w: it names no time", ledger.ErrCorrupt)
	}
	if err != nil {
		return m, false, fmt.Errorf("%s: %w", filepath.Join(data, sweepFile), err)
	}
	return m, true, nil
}

// shelf is the evidence store as the watcher uses it.
type shelf struct{ *evidence.Store }

// Keep implements watch.Store.
func (s shelf) Keep(ctx context.Context, b []byte) (ledger.Digest, error) {
	info, err := s.PutBytes(ctx, b)
	return info.Digest, err
}

// watching keeps the ledger and the payment provider compared.
type watching struct {
	watcher *watch.Watcher
	data    string
	marker  sweepMarker
	restore bool          // the marker is there
	safe    chan struct{} // closed when orders may be sent
	logger  *slog.Logger
}

func newWatching(data string, w *watch.Watcher, logger *slog.Logger) (*watching, error) {
	m, found, err := readSweepMarker(data)
	if err != nil {
		return nil, err
	}
	out := &watching{watcher: w, data: data, marker: m, restore: found, safe: make(chan struct{}), logger: logger}
	if !found {
		close(out.safe)
	}
	return out, nil
}

// Pauses between tries to reach the provider.
const (
	firstPause = time.Second
	lastPause  = time.Minute
)

// insist repeats f until it succeeds. Only what no repetition mends ends it:
// the configuration mixes test and real money.
func (w *watching) insist(ctx context.Context, what string, f func() error) error {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := f()
		if err == nil || errors.Is(err, stripe.ErrLivemode) || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		w.logger.LogAttrs(ctx, slog.LevelWarn, what+" failed; trying again",
			slog.String("error", err.Error()), slog.Duration("pause", pause))
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// run asks whose money it is, sweeps if the log was restored, and watches.
func (w *watching) run(ctx context.Context) error {
	err := w.insist(ctx, "asking the payment provider for its account", func() error { return w.watcher.Begin(ctx) })
	if err != nil {
		return err
	}
	if w.restore {
		if err := w.sweep(ctx); err != nil {
			return err
		}
		close(w.safe)
	}
	return w.watcher.Run(ctx)
}

// sweep finds what moved since the log was restored, and takes the marker away.
func (w *watching) sweep(ctx context.Context) error {
	w.logger.LogAttrs(ctx, slog.LevelWarn, "the log was restored: nothing is sent until the payment provider is swept",
		slog.Uint64("position", w.marker.Position), slog.Time("since", w.marker.Since))
	err := w.insist(ctx, "the sweep after the restore", func() error {
		s, err := w.watcher.Restored(ctx, w.marker.Since)
		if err == nil {
			w.logger.LogAttrs(ctx, slog.LevelWarn, "the payment provider is swept; orders are sent again",
				slog.Int("objects", s.Objects), slog.Int("adopted", s.Adopted))
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(w.data, sweepFile)); err != nil {
		return fmt.Errorf("after the sweep: %w", err)
	}
	return nil
}

// afterSweep runs f when orders may be sent.
func (w *watching) afterSweep(ctx context.Context, f func(context.Context) error) error {
	select {
	case <-w.safe:
		return f(ctx)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// watchMetrics are what an operator is alarmed by.
func watchMetrics(r *prometheus.Registry, w *watch.Watcher, open func() int) {
	counter := func(name, help string, of func(watch.Counts) uint64) {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help},
			func() float64 { return float64(of(w.Counts())) }))
	}
	counter("vouch_provider_looks_total", "Objects at the payment provider that were compared with the ledger.",
		func(c watch.Counts) uint64 { return c.Looked })
	counter("vouch_provider_external_total", "Movements of money at the payment provider without an order of ours.",
		func(c watch.Counts) uint64 { return c.External })
	counter("vouch_provider_failed_looks_total", "Comparisons with the payment provider that failed and are repeated.",
		func(c watch.Counts) uint64 { return c.Failed })
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "vouch_chargebacks_open", Help: "Claims of card networks that are not decided.",
	}, func() float64 { return float64(open()) }))
}

// openWatching makes the watcher and the inbox, and says what they see.
func (s *server) openWatching(cfg serveConfig, metrics *prometheus.Registry, logger *slog.Logger) (*watch.Inbox, error) {
	w := watch.New(s.log, s.gateway, shelf{s.store.Store}, time.Now, watch.Config{Logger: logger})
	var err error
	if s.watching, err = newWatching(cfg.Data, w, logger); err != nil {
		return nil, err
	}
	watchMetrics(metrics, w, func() (open int) {
		s.models.chargebacks.View(func(b *chargeback.Book) { open = b.Open() })
		return open
	})
	return s.newInbox(cfg, logger)
}

// newInbox returns what takes Stripe's webhooks. Without a secret nothing is
// believed, and the event list is all there is.
func (s *server) newInbox(cfg serveConfig, logger *slog.Logger) (*watch.Inbox, error) {
	parse := func([]byte, string) (provider.Notice, error) {
		return provider.Notice{}, fmt.Errorf("%w: no webhook secret is configured", stripe.ErrSignature)
	}
	if secrets := cfg.webhookSecrets(); len(secrets) > 0 {
		hooks, err := stripe.NewWebhooks(s.gateway.Livemode(), time.Now, secrets...)
		if err != nil {
			return nil, err
		}
		parse = hooks.ParseWebhook
	}
	return watch.NewInbox(parse, s.desk, s.log, shelf{s.store.Store}, s.watching.watcher.Account, logger), nil
}

// webhook says in the API's words what is wrong with a webhook.
func webhook(in *watch.Inbox) func(context.Context, []byte, string) error {
	return func(ctx context.Context, body []byte, signature string) error {
		err := in.Take(ctx, body, signature)
		if errors.Is(err, stripe.ErrSignature) || errors.Is(err, stripe.ErrTimestamp) {
			return fmt.Errorf("%w: %w", api.ErrSignature, err)
		}
		return err
	}
}
