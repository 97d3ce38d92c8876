package engine_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/billing/simulate"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/memlog"
	"github.com/vouchledger/vouch/projections"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A running world is the same shop with a runner on real time.
type running struct {
	*world
	stop func() error
}

// run starts a runner on the world's log. The world's own clock is not used
// any more.
func run(t testing.TB, w *world, gateway billing.Gateway) *running {
	w.live = engine.NewLive(w.log)
	w.desk = engine.NewDesk(w.live, time.Now, w.ids)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	r := engine.NewRunner(w.live, gateway, time.Now, engine.RunnerConfig{SendTimeout: 50 * time.Millisecond})
	go func() { done <- r.Run(ctx) }()
	var once sync.Once
	var err error
	stop := func() error {
		once.Do(func() {
			cancel()
			err = <-done
		})
		return err
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("Run = %v, want nil when it is stopped", err)
		}
	})
	return &running{w, stop}
}

// until waits for the engine to reach what ok says, event by event.
func (r *running) until(what string, ok func(*engine.Engine) bool) {
	r.t.Helper()
	limit := time.NewTimer(2 * time.Minute)
	defer limit.Stop()
	for {
		changed := r.live.Changed()
		reached := false
		r.live.View(func(e *engine.Engine) { reached = ok(e) })
		if reached {
			return
		}
		select {
		case <-changed:
		case <-limit.C:
			r.tell()
			r.t.Fatalf("waited two minutes for %s", what)
		}
	}
}

func settled(visit string) func(*engine.Engine) bool {
	return func(e *engine.Engine) bool {
		v, ok := e.Visit(ledger.VisitID(visit))
		return ok && v.Cart.Status == projections.StatusSettled &&
			v.Payment.Hold != billing.HoldStands && v.Payment.Open == nil
	}
}

// brisk is a policy for real time.
func brisk() ledger.Policy {
	p := house
	p.GraceMillis = 1
	return p
}

// shopping lets one shopper in, take a cola, and leave, over the desk.
func (r *running) shopping(ctx context.Context, visit string) error {
	id := func(what string) ledger.ID { return ledger.DeriveID(ledger.ID{}, visit, what) }
	answer, err := r.desk.Present(ctx, engine.PresentCommand{
		ID: id("present"), Store: corner, Gate: "gate", Place: ledger.PlaceGate, Credential: ledger.CredentialQR,
		Ticket: visit, Shopper: ledger.ShopperID("shopper-" + visit), PaymentMethod: "pm",
	})
	if err != nil || answer.Decision != engine.GateEntered {
		return fmt.Errorf("Present(%s) = %+v, %w", visit, answer, err)
	}
	if _, err := r.desk.Record(ctx, engine.RecordCommand{ID: id("take"), Detection: ledger.DetectionRecorded{
		Store: corner, Sensor: "cam", Source: ledger.SensorCamera, Slot: "A1", Quantity: 1, Model: "m",
		Items:   []ledger.ItemHypothesis{{SKU: cola, Confidence: 990}},
		Actions: []ledger.ActionHypothesis{{Action: ledger.ActionTake, Confidence: 990}},
		Persons: who(visit, 990),
	}}); err != nil {
		return err
	}
	_, err = r.desk.Exit(ctx, engine.ExitCommand{ID: id("exit"), Visit: ledger.VisitID(visit), Gate: "gate"})
	return err
}

// TestManyShoppersAtOnce: everybody is charged once although they come and go
// at the same time and the process is stopped and started in between.
func TestManyShoppersAtOnce(t *testing.T) {
	const shoppers = 40
	w := newWorld(t)
	w.log = memlog.New(time.Now)
	w.start()
	w.open(brisk())
	r := run(t, w, w.bank)
	var wg sync.WaitGroup
	for i := range shoppers {
		wg.Go(func() {
			if err := r.shopping(t.Context(), fmt.Sprintf("v%02d", i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := r.stop(); err != nil {
		t.Fatalf("Run = %v, want nil when it is stopped", err)
	}
	again := run(t, w, w.bank)
	for i := range shoppers {
		visit := fmt.Sprintf("v%02d", i)
		again.until(visit+" to be settled", settled(visit))
		w.wantEnd(visit, ledger.SettledCharged, 150, 0, 0)
	}
	w.audit()
}

// A silent bank never answers the first call of an order.
type silentBank struct {
	*simulate.Bank
	mu    sync.Mutex
	heard map[string]bool
}

func (b *silentBank) Hold(ctx context.Context, o billing.Order) (billing.Outcome, error) {
	return b.hush(ctx, o, b.Bank.Hold)
}

func (b *silentBank) Capture(ctx context.Context, o billing.Order) (billing.Outcome, error) {
	return b.hush(ctx, o, b.Bank.Capture)
}

func (b *silentBank) hush(
	ctx context.Context, o billing.Order, f func(context.Context, billing.Order) (billing.Outcome, error),
) (billing.Outcome, error) {
	out, err := f(ctx, o)
	b.mu.Lock()
	first := !b.heard[o.ID]
	b.heard[o.ID] = true
	b.mu.Unlock()
	if first {
		<-ctx.Done() // carried out, and no answer
		return billing.Outcome{}, ctx.Err()
	}
	return out, err
}

func TestBankThatDoesNotAnswerIsAskedAgain(t *testing.T) {
	w := newWorld(t)
	w.log = memlog.New(time.Now)
	w.start()
	w.open(brisk())
	r := run(t, w, &silentBank{Bank: w.bank, heard: map[string]bool{}})
	if err := r.shopping(t.Context(), "anna"); err != nil {
		t.Fatal(err)
	}
	r.until("anna to be settled", settled("anna"))
	w.wantEnd("anna", ledger.SettledCharged, 150, 0, 0)
	if n := count(w.kinds("payment-anna"), ledger.KindPaymentUnclear); n != 2 {
		t.Errorf("%d unclear outcomes were recorded, want one of the hold and one of the capture", n)
	}
	w.audit()
}

// TestRunnerStopsWhenTheLogFails: nothing is decided past a log that is gone.
func TestRunnerStopsWhenTheLogFails(t *testing.T) {
	w := newWorld(t).open(house)
	live := engine.NewLive(brokenLog{w.log})
	desk := engine.NewDesk(engine.NewLive(w.log), func() time.Time { return w.now }, w.ids)
	if _, err := desk.Present(t.Context(), engine.PresentCommand{
		Store: corner, Gate: "gate", Place: ledger.PlaceGate, Credential: ledger.CredentialQR, Ticket: "t",
		Shopper: "s", PaymentMethod: "pm",
	}); err != nil {
		t.Fatal(err)
	}
	err := engine.NewRunner(live, w.bank, time.Now, engine.RunnerConfig{}).Run(t.Context())
	if !errors.Is(err, ledger.ErrClosed) {
		t.Errorf("Run on a log that is closed = %v, want %v", err, ledger.ErrClosed)
	}
}

type brokenLog struct{ ledger.Log }

func (brokenLog) Append(
	context.Context, ledger.StreamID, ledger.Expected, ...ledger.Draft,
) ([]ledger.Record, error) {
	return nil, ledger.ErrClosed
}

// BenchmarkRunner measures whole visits through desk and runner on real time:
// from the code at the gate to the captured charge, 64 shoppers at once.
func BenchmarkRunner(b *testing.B) {
	w := newWorld(b)
	w.log = memlog.New(time.Now)
	w.start()
	w.open(brisk())
	r := run(b, w, w.bank)
	var wg sync.WaitGroup
	next := make(chan int)
	for range 64 {
		wg.Go(func() {
			for i := range next {
				if err := r.shopping(b.Context(), fmt.Sprintf("v%d", i)); err != nil {
					b.Error(err)
				}
			}
		})
	}
	b.ResetTimer()
	for i := range b.N {
		next <- i
	}
	close(next)
	wg.Wait()
	for i := range b.N {
		r.until("all to be settled", settled(fmt.Sprintf("v%d", i)))
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "visits/s")
}

// A heldBank keeps every answer back until it is let go, and counts calls.
type heldBank struct {
	*simulate.Bank
	mu    sync.Mutex
	calls int
	began chan struct{} // closed by the first call
	letGo chan struct{}
}

func (b *heldBank) Hold(ctx context.Context, o billing.Order) (billing.Outcome, error) {
	b.mu.Lock()
	if b.calls++; b.calls == 1 {
		close(b.began)
	}
	b.mu.Unlock()
	select {
	case <-b.letGo:
		return b.Bank.Hold(ctx, o)
	case <-ctx.Done():
		return billing.Outcome{}, ctx.Err()
	}
}

// TestOneOrderAtATime: whatever else happens to a visit while an order is at
// the bank, the order is not sent beside itself.
func TestOneOrderAtATime(t *testing.T) {
	w := newWorld(t)
	w.log = memlog.New(time.Now)
	w.start()
	w.open(brisk())
	bank := &heldBank{Bank: w.bank, began: make(chan struct{}), letGo: make(chan struct{})}
	w.live = engine.NewLive(w.log)
	w.desk = engine.NewDesk(w.live, time.Now, w.ids)
	r := engine.NewRunner(w.live, bank, time.Now, engine.RunnerConfig{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	world := &running{world: w}
	shopped := make(chan error, 1)
	go func() { shopped <- world.shopping(t.Context(), "anna") }()
	<-bank.began
	for i := range 10 {
		if _, err := w.desk.Notify(t.Context(), engine.ProviderEvent{
			ID: fmt.Sprintf("evt_%d", i), Type: "x", Object: "o", Visit: "anna", Occurred: time.Now(),
		}); err != nil {
			t.Fatal(err)
		}
	}
	close(bank.letGo)
	if err := <-shopped; err != nil {
		t.Fatal(err)
	}
	world.until("anna to be settled", settled("anna"))
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run = %v, want nil when it is stopped", err)
	}
	if bank.calls != 1 {
		t.Errorf("the bank was asked for the hold %d times, want 1", bank.calls)
	}
}
