package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/billing/stripe"
	"github.com/vouchledger/vouch/billing/stripesim"
	"github.com/vouchledger/vouch/internal/goals"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
)

// A settling is what a round of visits came to.
type settling struct {
	perSecond       float64 // visits
	events          float64 // of a visit
	eventsPerSecond float64
	busy            float64 // processor time of a visit, in microseconds
	wait, waitP99   float64 // from the exit to the receipt, in milliseconds
}

// benchShops is among how many shops the visits are spread. A shop numbers one
// receipt at a time, and waits for the disk each time.
const benchShops = 20

func benchStore(shopper int) ledger.StoreID {
	return ledger.StoreID(fmt.Sprint("bench-", shopper%benchShops))
}

// A till is shops with everything a server has but the network.
type till struct {
	cfg     BillingConfig
	log     *embedded.Log
	sim     *stripesim.Sim
	gateway *stripe.Gateway
	desk    *engine.Desk
	live    *engine.Live
	cards   []stripe.Card

	mu      sync.Mutex
	waiting map[ledger.StreamID]map[ledger.Kind]chan struct{}
}

// settle lets shoppers go through a shop, many at once and then one after the
// other.
func settle(ctx context.Context, cfg BillingConfig, dir string) (s settling, err error) {
	t, err := openTill(ctx, cfg, dir)
	if err != nil {
		return s, err
	}
	defer func() {
		t.gateway.Close()
		err = errors.Join(err, t.sim.Close(), t.log.Close())
	}()
	run, stop := context.WithCancel(ctx)
	g, run := errgroup.WithContext(run)
	runner := engine.NewRunner(t.live, t.gateway, cfg.Now, engine.RunnerConfig{})
	g.Go(func() error {
		if err := runner.Run(run); err != nil {
			return fmt.Errorf("runner: %w", err)
		}
		return nil
	})
	g.Go(func() error { return t.follow(run) })
	g.Go(func() (err error) {
		defer stop()
		if err := t.furnish(run); err != nil {
			return fmt.Errorf("shop: %w", err)
		}
		if err := t.crowd(run, &s); err != nil {
			return fmt.Errorf("many shoppers: %w", err)
		}
		if err := t.queue(run, &s); err != nil {
			return fmt.Errorf("one shopper: %w", err)
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		return s, err
	}
	return s, t.audit()
}

func openTill(ctx context.Context, cfg BillingConfig, dir string) (*till, error) {
	t := &till{cfg: cfg, waiting: map[ledger.StreamID]map[ledger.Kind]chan struct{}{}}
	var err error
	if t.log, err = embedded.Open(ctx, dir, embedded.Config{Now: cfg.Now, Random: cfg.Random}); err != nil {
		return nil, err
	}
	t.sim, err = stripesim.Open(stripesim.Config{
		Now: cfg.Now, KeepEvents: 1000, KeepRequests: 1000, ManualPayouts: true,
	})
	if err != nil {
		return nil, errors.Join(err, t.log.Close())
	}
	t.gateway, err = stripe.New(stripe.Config{SecretKey: "sk_test_bench", URL: "http://stripe.invalid", Transport: t.sim.Transport()})
	if err != nil {
		return nil, errors.Join(err, t.sim.Close(), t.log.Close())
	}
	t.live = engine.NewLive(t.log)
	t.desk = engine.NewDesk(t.live, cfg.Now, cfg.Random)
	return t, nil
}

// furnish opens the shops and enrols its shoppers.
func (t *till) furnish(ctx context.Context) error {
	var m ledger.Meta
	for i := range benchShops {
		if _, err := t.desk.OpenStore(ctx, m, ledger.StoreOpened{Store: benchStore(i), Catalogue: "bench", Seller: benchSeller}); err != nil {
			return err
		}
		if _, err := t.desk.SetPolicy(ctx, m, ledger.PolicySet{Store: benchStore(i), Policy: benchPolicy}); err != nil {
			return err
		}
	}
	for _, p := range benchFacts(t.cfg.Now().Add(-time.Hour).Truncate(time.Second).UTC()) {
		var err error
		switch p := p.(type) { // what a catalogue is made of
		case ledger.TaxSet:
			_, err = t.desk.SetTax(ctx, m, "bench", p)
		case ledger.ProductListed:
			_, err = t.desk.ListProduct(ctx, m, "bench", p)
		case ledger.PriceSet:
			_, err = t.desk.SetPrice(ctx, m, "bench", p)
		}
		if err != nil {
			return err
		}
	}
	for i := range t.cfg.Shoppers {
		name := fmt.Sprint("shopper-", i)
		card, code, err := t.gateway.Enrol(ctx, stripe.Enrolment{Key: name, Shopper: name, PaymentMethod: "pm_card_visa"})
		if err != nil || code != "" {
			return fmt.Errorf("enrol %s: %q: %w", name, code, err)
		}
		t.cards = append(t.cards, card)
	}
	return nil
}

// crowd lets all shoppers go in and out until the visits are done.
func (t *till) crowd(ctx context.Context, s *settling) error {
	before, err := t.log.Head(ctx)
	if err != nil {
		return err
	}
	start, busy := t.cfg.Now(), goals.ProcessorTime()
	next := make(chan int)
	g, inside := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(next)
		for i := range t.cfg.Visits {
			select {
			case next <- i:
			case <-inside.Done():
				return inside.Err()
			}
		}
		return nil
	})
	for shopper := range t.cfg.Shoppers {
		g.Go(func() error {
			for i := range next {
				settled := t.expect(ledger.VisitID(fmt.Sprint("crowd-", i)), ledger.KindVisitSettled)
				if err := t.shop(inside, shopper, fmt.Sprint("crowd-", i)); err != nil {
					return err
				}
				if err := wait(inside, settled); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	took, used := t.cfg.Now().Sub(start).Seconds(), goals.ProcessorTime()-busy
	after, err := t.log.Head(ctx)
	s.perSecond = float64(t.cfg.Visits) / took
	s.busy = float64(used.Microseconds()) / float64(t.cfg.Visits)
	s.eventsPerSecond = float64(after-before) / took
	s.events = float64(after-before) / float64(t.cfg.Visits)
	return err
}

// queue lets one shopper after the other out, and takes the time from the exit
// to the receipt.
func (t *till) queue(ctx context.Context, s *settling) error {
	var waits []float64
	for i := range min(t.cfg.Visits, 500) {
		visit := fmt.Sprint("queue-", i)
		issued := t.expect(ledger.VisitID(visit), ledger.KindReceiptIssued)
		settled := t.expect(ledger.VisitID(visit), ledger.KindVisitSettled)
		if err := t.enter(ctx, i%t.cfg.Shoppers, visit); err != nil {
			return err
		}
		start := t.cfg.Now()
		if err := t.leave(ctx, visit); err != nil {
			return err
		}
		if err := wait(ctx, issued); err != nil {
			return err
		}
		waits = append(waits, float64(t.cfg.Now().Sub(start).Microseconds())/1000)
		if err := wait(ctx, settled); err != nil {
			return err
		}
	}
	slices.Sort(waits)
	s.wait, s.waitP99 = goals.Median(waits), waits[len(waits)*99/100]
	return nil
}

func (t *till) shop(ctx context.Context, shopper int, visit string) error {
	if err := t.enter(ctx, shopper, visit); err != nil {
		return err
	}
	return t.leave(ctx, visit)
}

// enter shows a credential, waits for the gate to open, and takes three pieces.
func (t *till) enter(ctx context.Context, shopper int, visit string) error {
	a, err := t.desk.Present(ctx, engine.PresentCommand{
		Store: benchStore(shopper), Gate: "gate", Place: ledger.PlaceGate, Credential: ledger.CredentialQR, Ticket: visit,
		Shopper: ledger.ShopperID(fmt.Sprint("shopper-", shopper)), Customer: t.cards[shopper].Customer,
		PaymentMethod: t.cards[shopper].PaymentMethod, Actor: "device:gate",
	})
	if err == nil && a.Decision != engine.GateEntered {
		err = fmt.Errorf("%w: the gate said %s %s to %s", ledger.ErrInvalid, a.Decision, a.Reason, visit)
	}
	if err == nil {
		_, err = t.desk.Record(ctx, engine.RecordCommand{Detection: benchDetection(benchStore(shopper), ledger.VisitID(visit), shopper%10, 3)})
	}
	return err
}

func (t *till) leave(ctx context.Context, visit string) error {
	_, err := t.desk.Exit(ctx, engine.ExitCommand{Visit: ledger.VisitID(visit), Gate: "gate", Actor: "device:gate"})
	return err
}

// expect returns what is closed when an event of that kind is durable in a
// visit's stream.
func (t *till) expect(visit ledger.VisitID, k ledger.Kind) <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	stream := ledger.VisitStream(visit)
	if t.waiting[stream] == nil {
		t.waiting[stream] = map[ledger.Kind]chan struct{}{}
	}
	c := make(chan struct{})
	t.waiting[stream][k] = c
	return c
}

// follow tells who expects an event.
func (t *till) follow(ctx context.Context) error {
	q := ledger.Query{Kinds: []ledger.Kind{ledger.KindReceiptIssued, ledger.KindVisitSettled}}
	for r, err := range t.log.Subscribe(ctx, q) {
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		t.mu.Lock()
		if c := t.waiting[r.Stream][r.Kind]; c != nil {
			close(c)
			delete(t.waiting[r.Stream], r.Kind)
		}
		t.mu.Unlock()
	}
	return nil
}

func wait(ctx context.Context, c <-chan struct{}) error {
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// audit refuses a rate at which somebody was charged twice or not at all.
func (t *till) audit() error {
	a := t.sim.Audit()
	if len(a.Doubled) > 0 {
		return fmt.Errorf("%w: orders carried out twice: %v", ledger.ErrInvalid, a.Doubled)
	}
	charged := 0
	for _, v := range a.Visits {
		if v.Holds == 1 && v.Captures == 1 && v.Captured > 0 {
			charged++
		}
	}
	if want := t.cfg.Visits + min(t.cfg.Visits, 500); charged != want {
		return fmt.Errorf("%w: %d of %d visits were charged once", ledger.ErrInvalid, charged, want)
	}
	return nil
}
