package sequences_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/billing/stripe"
	"github.com/vouchledger/vouch/billing/stripesim"
	"github.com/vouchledger/vouch/billing/watch"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/memlog"
	"github.com/vouchledger/vouch/projections/books"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	day = 24 * time.Hour

	secretKey     = "sk_test_sequences"
	webhookSecret = "whsec_sequences"
	// patience is how long the adapter waits for an answer, in real time: long,
	// for a busy machine must not make an answer of it that did not come.
	patience = time.Minute
)

var opening = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// A clock is the one time of a world.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

// A process is what a restart begins anew: everything but the log.
type process struct {
	live    *engine.Live
	desk    *engine.Desk
	watcher *watch.Watcher
	inbox   *watch.Inbox
}

// A world is a shop, its ledger, its processes and its payment provider.
type world struct {
	t       testing.TB
	ctx     context.Context //nolint:containedctx // outlives the test's own, for what is checked at its end
	time    clock
	skew    time.Duration // by which our clock is ahead of everybody else's
	memory  *memlog.Log
	books   ledgerBooks
	sim     *stripesim.Sim
	gateway *stripe.Gateway
	hooks   *stripe.Webhooks
	shelf   *shelf
	cards   map[string]stripe.Card
	policy  ledger.Policy
	process

	killAt  string // the place at which the process is killed; empty for never
	killed  int
	places  int           // that were passed
	down    time.Duration // how long the process stays away after the next kill
	killFor func(place string) bool
	beside  func(place string) // what others do at each place
	away    bool               // the provider cannot be reached, not even at a start
	over    bool               // every visit is over, and must have come to an end
	early   int                // takings that must stand in the books before there is a receipt

	mu   sync.Mutex
	mail []letter // webhooks that arrived and were not taken yet
}

// newWorld opens the shop under a policy.
func newWorld(t testing.TB, change ...func(*ledger.Policy)) *world {
	t.Helper()
	return newWorldOf(t, 1, change...)
}

// newWorldOf does so with a seed for the provider's chances.
func newWorldOf(t testing.TB, seed uint64, change ...func(*ledger.Policy)) *world {
	t.Helper()
	w := &world{t: t, ctx: context.WithoutCancel(t.Context()), shelf: &shelf{kept: map[ledger.Digest][]byte{}}, cards: map[string]stripe.Card{}}
	w.time.set(opening)
	w.policy = house
	for _, f := range change {
		f(&w.policy)
	}
	var err error
	w.sim, err = stripesim.Open(stripesim.Config{
		Now: w.time.Now, Seed: seed, SecretKey: secretKey, ManualPayouts: true, Transport: postbox{w},
		WebhookRetries: []time.Duration{},
	})
	w.must(err)
	t.Cleanup(func() { w.must(w.sim.Close()) })
	w.gateway = w.adapter(patience)
	w.hooks, err = stripe.NewWebhooks(false, w.time.Now, webhookSecret)
	w.must(err)
	w.memory = memlog.New(w.time.Now)
	w.start()
	w.seed()
	return w
}

// adapter returns the adapter for Stripe with a patience of its own.
func (w *world) adapter(patience time.Duration) *stripe.Gateway {
	w.t.Helper()
	g, err := stripe.New(stripe.Config{
		SecretKey: secretKey, URL: "http://stripe.invalid", Transport: w.sim.Transport(), Timeout: patience,
	})
	w.must(err)
	return g
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// moveTo moves the clock forward: it may be later already, when a process was
// away. Webhooks under way arrive before, signed with the time at which they
// were sent.
func (w *world) moveTo(t time.Time) {
	w.t.Helper()
	w.must(w.sim.Flush(w.ctx))
	if t.After(w.time.Now()) {
		w.time.set(t)
	}
	w.must(w.sim.Settle())
}

// now is the time by our clock.
func (w *world) now() time.Time { return w.time.Now().Add(w.skew) }

// begin returns a new process on the log.
func (w *world) begin() process {
	w.t.Helper()
	log := mortalLog{w.memory, w}
	live := engine.NewLive(log)
	p := process{
		live: live, desk: engine.NewDesk(live, w.now, rand.NewChaCha8([32]byte{1})),
		watcher: watch.New(log, w.gateway, w.shelf, w.now, watch.Config{}),
	}
	if err := p.watcher.Begin(w.ctx); !w.away { // a server tries until it is there
		w.must(err)
	}
	p.inbox = watch.NewInbox(w.hooks.ParseWebhook, p.desk, log, w.shelf, p.watcher.Account, slog.New(slog.DiscardHandler))
	return p
}

// start drops the process and begins another on what is in the log.
func (w *world) start() { w.process = w.begin() }

// errKilled unwinds to the harness: the process is gone.
var errKilled = errors.New("killed")

// cross kills the process at the place that a test named.
func (w *world) cross(place string) {
	w.places++
	if f := w.beside; f != nil {
		w.beside = nil // not beside itself
		f(place)
		w.beside = f
	}
	if place == w.killAt || w.killFor != nil && w.killFor(place) {
		w.killAt = ""
		w.killed++
		panic(errKilled)
	}
}

// survive runs f, and again with a new process whenever it was killed: a
// device repeats what was not acknowledged.
func (w *world) survive(f func()) {
	for w.dies(f) {
		w.moveTo(w.time.Now().Add(w.down))
		w.down = 0
		w.start()
	}
}

func (w *world) dies(f func()) (died bool) {
	defer func() {
		if r := recover(); r != nil {
			if err, ok := r.(error); !ok || !errors.Is(err, errKilled) {
				panic(r)
			}
			died = true
		}
	}()
	f()
	return false
}

// A mortalLog folds the books after every append. Its writer may be killed
// before an append reaches it ("before payment.held.v1"), or after it is
// durable and before it is acknowledged ("after payment.held.v1").
type mortalLog struct {
	ledger.Log
	w *world
}

func (l mortalLog) Append(ctx context.Context, s ledger.StreamID, x ledger.Expected, ds ...ledger.Draft) ([]ledger.Record, error) {
	kind := string(ds[0].Kind)
	l.w.cross("before " + kind)
	rs, err := l.Log.Append(ctx, s, x, ds...)
	if err == nil {
		l.w.books.fold(l.w)
		l.w.cross("after " + kind)
	}
	return rs, err
}

// ledgerBooks is the journal, folded after every event.
type ledgerBooks struct {
	mu      sync.Mutex
	journal books.Journal
}

// fold takes in what the log has more, and demands that the books balance
// after each event.
func (b *ledgerBooks) fold(w *world) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for r, err := range w.memory.Read(w.ctx, ledger.Query{From: b.journal.Position() + 1}) {
		w.must(err)
		e, err := ledger.Decode(r)
		w.must(err)
		w.must(b.journal.Apply(e))
		var sum int64
		for _, balance := range b.journal.Balances() {
			sum += balance.Amount.Minor
		}
		if sum != 0 {
			w.t.Fatalf("after event %d, a %s, the books are off by %d", e.Position, e.Kind, sum)
		}
	}
}

// A mortalGateway is the adapter for Stripe. Its caller may be killed before an
// order leaves ("send hold") or when it was carried out and the answer is not
// written down ("sent hold").
type mortalGateway struct{ w *world }

func (g mortalGateway) call(
	ctx context.Context, o billing.Order, name string, f func(context.Context, billing.Order) (billing.Outcome, error),
) (billing.Outcome, error) {
	g.w.cross("send " + name)
	out, err := f(ctx, o)
	g.w.cross("sent " + name)
	return out, err
}

func (g mortalGateway) Hold(ctx context.Context, o billing.Order) (billing.Outcome, error) {
	return g.call(ctx, o, "hold", g.w.gateway.Hold)
}

func (g mortalGateway) Increment(ctx context.Context, o billing.Order) (billing.Outcome, error) {
	return g.call(ctx, o, "increment", g.w.gateway.Increment)
}

func (g mortalGateway) Charge(ctx context.Context, o billing.Order) (billing.Outcome, error) {
	return g.call(ctx, o, "charge", g.w.gateway.Charge)
}

func (g mortalGateway) Capture(ctx context.Context, o billing.Order) (billing.Outcome, error) {
	return g.call(ctx, o, "capture", g.w.gateway.Capture)
}

func (g mortalGateway) Release(ctx context.Context, o billing.Order) (billing.Outcome, error) {
	return g.call(ctx, o, "release", g.w.gateway.Release)
}

func (g mortalGateway) Refund(ctx context.Context, o billing.Order) (billing.Outcome, error) {
	return g.call(ctx, o, "refund", g.w.gateway.Refund)
}

func (g mortalGateway) Find(ctx context.Context, o billing.Order) (billing.Outcome, error) {
	return g.call(ctx, o, "find", g.w.gateway.Find)
}

// A shelf is a store of evidence in memory.
type shelf struct {
	mu   sync.Mutex
	kept map[ledger.Digest][]byte
}

func (s *shelf) Read(_ context.Context, d ledger.Digest) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, ok := s.kept[d]; ok {
		return b, nil
	}
	return nil, fmt.Errorf("no evidence %s", d)
}

func (s *shelf) Keep(_ context.Context, b []byte) (ledger.Digest, error) {
	sum := sha256.Sum256(b)
	d := ledger.Digest("sha256:" + hex.EncodeToString(sum[:]))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[d] = b
	return d, nil
}

// A letter is a webhook as it came.
type letter struct {
	body   []byte
	header string
}

// A postbox takes the provider's webhooks in, for the test to open when it
// wants to.
type postbox struct{ w *world }

func (p postbox) RoundTrip(r *http.Request) (*http.Response, error) {
	body := readAll(r.Body)
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.w.mail = append(p.w.mail, letter{body, r.Header.Get("Stripe-Signature")})
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
}
