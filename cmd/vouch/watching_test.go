package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing/stripe"
	"github.com/vouchledger/vouch/billing/stripesim"
	"github.com/vouchledger/vouch/billing/watch"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/memlog"
	"github.com/vouchledger/vouch/vision/evidence"
)

// atStripe is a log and a watcher at a simulated Stripe.
func atStripe(t *testing.T, live bool) (*memlog.Log, *stripesim.Sim, *watch.Watcher) {
	t.Helper()
	sim, err := stripesim.Open(stripesim.Config{Now: time.Now, ManualPayouts: true, Livemode: live})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	g, err := stripe.New(stripe.Config{SecretKey: "sk_test_x", Transport: sim.Transport(), URL: "http://stripe.invalid"})
	if err != nil {
		t.Fatal(err)
	}
	store, err := evidence.Open(t.TempDir(), evidence.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	log := memlog.New(time.Now)
	return log, sim, watch.New(log, g, shelf{store}, time.Now, watch.Config{})
}

// TestNothingIsSentBeforeTheSweep: a data folder that was restored says so, and
// the engine waits until the provider was swept, however often that fails
// first. Then the mark is gone.
func TestNothingIsSentBeforeTheSweep(t *testing.T) {
	data := t.TempDir()
	mark := sweepMarker{Position: 7, Since: time.Now().Add(-time.Hour).UTC(), Restored: time.Now().UTC()}
	if err := mark.write(data); err != nil {
		t.Fatal(err)
	}
	log, sim, w := atStripe(t, false)
	// The first try to list payments fails.
	if _, err := sim.Fault(stripesim.Fault{Op: "payment_intents.list", Kind: stripesim.Error503, Times: 1}); err != nil {
		t.Fatal(err)
	}
	watching, err := newWatching(data, w, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	sent := make(chan int)
	done := make(chan error, 2)
	go func() { done <- watching.run(ctx) }()
	go func() {
		done <- watching.afterSweep(ctx, func(context.Context) error {
			swept := 0
			for r, err := range log.Read(ctx, ledger.Query{Kinds: []ledger.Kind{ledger.KindProviderSwept}}) {
				if err == nil && strings.Contains(string(r.Body), `"cause":"restore"`) {
					swept++
				}
			}
			sent <- swept
			return nil
		})
	}()
	if swept := <-sent; swept != 1 {
		t.Errorf("orders are sent after %d sweeps, want 1", swept)
	}
	if _, err := os.Stat(filepath.Join(data, sweepFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the mark is still there: %v", err)
	}
	stop()
	for range 2 {
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
	}
	// The next start finds no mark, and sends at once.
	next, err := newWatching(data, w, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := next.afterSweep(t.Context(), func(context.Context) error { return nil }); err != nil {
		t.Error(err)
	}
}

// TestABrokenMarkStopsTheServer: without it somebody may pay twice.
func TestABrokenMarkStopsTheServer(t *testing.T) {
	for _, text := range []string{"", "{", `{"position":7}`} {
		data := t.TempDir()
		if err := os.WriteFile(filepath.Join(data, sweepFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := newWatching(data, nil, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("a mark of %q was taken for none", text)
		}
	}
}

// TestATestKeyAtRealMoneyStopsTheServer and is not tried again.
func TestATestKeyAtRealMoneyStopsTheServer(t *testing.T) {
	_, _, w := atStripe(t, true)
	watching, err := newWatching(t.TempDir(), w, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := watching.run(t.Context()); !errors.Is(err, stripe.ErrLivemode) {
		t.Errorf("run = %v, want %v", err, stripe.ErrLivemode)
	}
}

// TestAnEmptySecretIsRefused: a secret that is there and empty is a mistake,
// wherever it stands; one that is not there at all means no webhooks.
func TestAnEmptySecretIsRefused(t *testing.T) {
	load := func(args ...string) (serveConfig, error) {
		cmd := newServeCommand()
		if err := cmd.ParseFlags(args); err != nil {
			t.Fatal(err)
		}
		return loadServeConfig(cmd)
	}
	const key = "--stripe-key=sk_test_x"
	if _, err := load(); !errors.Is(err, errUsage) {
		t.Errorf("no API key = %v, want %v", err, errUsage)
	}
	if _, err := load("--stripe-key="); !errors.Is(err, errUsage) {
		t.Errorf("an empty API key = %v, want %v", err, errUsage)
	}
	if c, err := load(key); err != nil || len(c.webhookSecrets()) != 0 {
		t.Errorf("no webhook secret = %v, %v, want none", c.webhookSecrets(), err)
	}
	if _, err := load(key, "--webhook-secret="); !errors.Is(err, errUsage) {
		t.Errorf("an empty webhook secret = %v, want %v", err, errUsage)
	}
	if c, err := load(key, "--webhook-secret=whsec_new,whsec_old"); err != nil || len(c.webhookSecrets()) != 2 {
		t.Errorf("two webhook secrets = %v, %v", c.webhookSecrets(), err)
	}
	file := filepath.Join(t.TempDir(), "vouch.yaml")
	if err := os.WriteFile(file, []byte("webhook-secret: \"\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := load(key, "--config="+file); !errors.Is(err, errUsage) {
		t.Errorf("an empty webhook secret in the file = %v, want %v", err, errUsage)
	}
	t.Setenv("VOUCH_WEBHOOK_SECRET", "")
	if _, err := load(key); !errors.Is(err, errUsage) {
		t.Errorf("an empty webhook secret in the environment = %v, want %v", err, errUsage)
	}
	t.Setenv("VOUCH_WEBHOOK_SECRET", "whsec_new,")
	c, err := load(key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stripe.NewWebhooks(false, time.Now, c.webhookSecrets()...); !errors.Is(err, stripe.ErrConfig) {
		t.Errorf("a secret and an empty one = %v, want %v", err, stripe.ErrConfig)
	}
}
