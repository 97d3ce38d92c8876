package watch_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/billing/stripe"
	"github.com/vouchledger/vouch/billing/stripesim"
	"github.com/vouchledger/vouch/billing/watch"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/memlog"
	"github.com/vouchledger/vouch/ledger/money"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	corner = ledger.StoreID("corner")
	cola   = ledger.SKU("cola")
)

func usd(minor int64) money.Money { return money.Money{Minor: minor, Currency: "USD"} }

var house = ledger.Policy{
	Hold: usd(5000), ItemMin: 800, ActionMin: 800, PersonMin: 800, ReviewSeconds: 3600, OnDeadline: ledger.ForShopper,
	GraceMillis: 500, GateSeconds: 10, DisputeDays: 14,
}

// A world is a shop whose log, engine and watcher are ours and whose money is
// at a simulated Stripe.
type world struct {
	*testing.T
	time    atomic.Pointer[time.Time] // the provider reads it too, by itself
	log     *memlog.Log
	sim     *stripesim.Sim
	gateway *stripe.Gateway
	card    stripe.Card
	live    *engine.Live
	desk    *engine.Desk
	watcher *watch.Watcher
	store   *shelf
	account string
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
	return nil, errors.New("no such evidence")
}

func (s *shelf) Keep(_ context.Context, b []byte) (ledger.Digest, error) {
	sum := sha256.Sum256(b)
	d := ledger.Digest("sha256:" + hex.EncodeToString(sum[:]))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[d] = b
	return d, nil
}

func newWorld(t *testing.T, policy ledger.Policy) *world {
	t.Helper()
	w := &world{T: t, store: &shelf{kept: map[ledger.Digest][]byte{}}}
	w.set(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))
	var err error
	w.sim, err = stripesim.Open(stripesim.Config{Now: w.now, Seed: 7, ManualPayouts: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.sim.Close() })
	w.gateway, err = stripe.New(stripe.Config{SecretKey: "sk_test_x", Transport: w.sim.Transport(), URL: "http://stripe.invalid"})
	if err != nil {
		t.Fatal(err)
	}
	w.card, _, err = w.gateway.Enrol(t.Context(), stripe.Enrolment{Key: "k", Shopper: "anna", PaymentMethod: "pm_card_visa"})
	if err != nil {
		t.Fatal(err)
	}
	w.log = memlog.New(w.now)
	w.start()
	w.seed(policy)
	return w
}

// start begins a new process on the log.
func (w *world) start() {
	w.Helper()
	w.live = engine.NewLive(w.log)
	w.desk = engine.NewDesk(w.live, w.now, rand.NewChaCha8([32]byte{1}))
	w.watcher = watch.New(w.log, w.gateway, w.store, w.now, watch.Config{})
	if err := w.watcher.Begin(w.Context()); err != nil {
		w.Fatal(err)
	}
	w.account = w.watcher.Account()
}

func (w *world) seed(policy ledger.Policy) {
	w.Helper()
	ctx, from, m := w.Context(), w.now().Add(-time.Hour), ledger.Meta{}
	_, err := w.desk.OpenStore(ctx, m, ledger.StoreOpened{Store: corner, Catalogue: "main", Seller: ledger.Seller{
		Name: "Corner Inc", Address: "1 Pike St", TaxID: "US1", Currency: "USD", Timezone: "America/Los_Angeles",
	}})
	w.must(err)
	_, err = w.desk.SetPolicy(ctx, m, ledger.PolicySet{Store: corner, Policy: policy})
	w.must(err)
	_, err = w.desk.ListProduct(ctx, m, "main", ledger.ProductListed{SKU: cola, Name: "Cola", Category: "drinks", TaxCategory: "food"})
	w.must(err)
	_, err = w.desk.SetPrice(ctx, m, "main", ledger.PriceSet{SKU: cola, Price: usd(500), From: from})
	w.must(err)
	_, err = w.desk.SetTax(ctx, m, "main", ledger.TaxSet{
		Category: "food", Jurisdiction: "US", Rate: "0", Rounding: money.HalfUp, From: from,
	})
	w.must(err)
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// settle does all that is due now.
func (w *world) settle() {
	w.Helper()
	_, err := w.live.Drain(w.Context(), w.gateway, w.now())
	w.must(err)
}

func (w *world) now() time.Time { return *w.time.Load() }

func (w *world) set(now time.Time) { w.time.Store(&now) }

// pass lets time go by.
func (w *world) pass(d time.Duration) {
	w.Helper()
	w.set(w.now().Add(d))
	w.must(w.sim.Settle())
	w.settle()
}

func (w *world) id(name string) ledger.ID { return ledger.DeriveID(ledger.ID{}, name) }

// enter shows a credential at the gate, and the gate opens.
func (w *world) enter(visit string) {
	w.Helper()
	w.present(visit)
	w.settle()
}

func (w *world) present(visit string) {
	w.Helper()
	_, err := w.desk.Present(w.Context(), engine.PresentCommand{
		ID: w.id("present " + visit), Occurred: w.now(), Actor: "device:gate", Store: corner, Gate: "gate", Place: ledger.PlaceGate,
		Credential: ledger.CredentialQR, Ticket: visit, Shopper: ledger.ShopperID("shopper-" + visit), Customer: w.card.Customer,
		PaymentMethod: w.card.PaymentMethod,
	})
	w.must(err)
}

func (w *world) takes(visit string, n int) {
	w.Helper()
	_, err := w.desk.Record(w.Context(), engine.RecordCommand{
		ID: w.id("take " + visit), Occurred: w.now(), Detection: ledger.DetectionRecorded{
			Store: corner, Sensor: "cam", Source: ledger.SensorCamera, Slot: "A1",
			Items:   []ledger.ItemHypothesis{{SKU: cola, Confidence: 970}},
			Actions: []ledger.ActionHypothesis{{Action: ledger.ActionTake, Confidence: 970}},
			Persons: []ledger.PersonHypothesis{{Visit: ledger.VisitID(visit), Confidence: 970}}, Quantity: n, Model: "test 1",
		},
	})
	w.must(err)
	w.settle()
}

func (w *world) leaves(visit string) {
	w.Helper()
	_, err := w.desk.Exit(w.Context(), engine.ExitCommand{
		ID: w.id("exit " + visit), Occurred: w.now(), Actor: "device:gate", Visit: ledger.VisitID(visit), Gate: "gate",
	})
	w.must(err)
	w.pass(time.Second)
}

// shops is a whole visit with n colas; its payment at the provider.
func (w *world) shops(visit string, n int) string {
	w.Helper()
	w.enter(visit)
	if n > 0 {
		w.takes(visit, n)
	}
	w.leaves(visit)
	return w.visit(visit).Payment.HoldObject
}

func (w *world) visit(id string) engine.VisitView {
	w.Helper()
	w.must(w.live.CatchUp(w.Context()))
	var v engine.VisitView
	var ok bool
	w.live.View(func(e *engine.Engine) { v, ok = e.Visit(ledger.VisitID(id)) })
	if !ok {
		w.Fatalf("visit %s is unknown", id)
	}
	return v
}

// poll reads the provider's list.
func (w *world) poll() {
	w.Helper()
	_, err := w.watcher.Poll(w.Context())
	w.must(err)
	w.settle()
}

// tend does what is due about claims.
func (w *world) tend() {
	w.Helper()
	_, err := w.watcher.Tend(w.Context())
	w.must(err)
	w.settle()
}

// events returns the payloads of a kind in a payment's stream.
func events[P ledger.Payload](w *world, visit string) []P {
	w.Helper()
	var out []P
	for r, err := range w.log.Read(w.Context(), ledger.Query{Stream: ledger.PaymentStream(ledger.VisitID(visit))}) {
		w.must(err)
		e, err := ledger.Decode(r)
		w.must(err)
		if p, ok := e.Payload.(P); ok {
			out = append(out, p)
		}
	}
	return out
}

// dashboard moves money as a person on the provider's own pages does.
func (w *world) dashboard(path string, form map[string]string) {
	w.Helper()
	w.must(post(w, path, form))
}
