package simulate

import (
	"container/heap"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// A shop is one simulated shop: its people, its clock and its engine.
type shop struct {
	config    *Config
	id        ledger.StoreID
	catalogue ledger.CatalogueID
	rng       *rand.Rand
	live      *engine.Live
	desk      *engine.Desk
	now       time.Time
	agenda    agenda
	seq       int
	skus      []ledger.SKU
	inside    []ledger.VisitID // in the shop now, as its people know
	tally     Tally
	over      func()
}

func newShop(c *Config, i int, l *lane) *shop {
	s := &shop{
		config: c, id: ledger.StoreID(fmt.Sprintf("shop-%03d", i+1)),
		catalogue: ledger.CatalogueID(fmt.Sprintf("range-%03d", i+1)),
		rng:       rand.New(rand.NewPCG(c.Seed, uint64(i)+1)), //nolint:gosec // a simulation repeats itself on purpose
		live:      engine.NewLive(l), now: firstDay, tally: Tally{Refused: map[ledger.RefusalReason]int{}},
	}
	s.desk = engine.NewDesk(s.live, func() time.Time { return s.now }, bytesOf{s.rng})
	return s
}

// bytesOf makes ids from the shop's own randomness.
type bytesOf struct{ *rand.Rand }

func (b bytesOf) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(b.Uint32())
	}
	return len(p), nil
}

// A happening is something that people or devices do at an instant.
type happening struct {
	at  time.Time
	seq int // of two at the same instant the one planned first comes first
	do  func(context.Context) error
}

type agenda []happening

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at.Before(a[j].at) || (a[i].at.Equal(a[j].at) && a[i].seq < a[j].seq)
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }

// Push is heap's.
func (a *agenda) Push(x any) { *a = append(*a, x.(happening)) } //nolint:forcetypeassert // pushed by plan alone

// Pop is heap's.
func (a *agenda) Pop() any {
	old := *a
	h := old[len(old)-1]
	old[len(old)-1] = happening{}
	*a = old[:len(old)-1]
	return h
}

// plan puts something on the agenda.
func (s *shop) plan(at time.Time, do func(context.Context) error) {
	s.seq++
	heap.Push(&s.agenda, happening{ledger.Instant(at), s.seq, do})
}

// run opens the shop, lets its visits happen, and ends when nothing is left
// to happen or to decide.
func (s *shop) run(ctx context.Context, visits int) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	for _, at := range s.arrivals(visits) {
		s.plan(at, func(ctx context.Context) error { return s.arrive(ctx) })
	}
	for {
		next := s.live.Wake()
		if len(s.agenda) > 0 && (next.IsZero() || !s.agenda[0].at.After(next)) {
			next = s.agenda[0].at
		}
		if next.IsZero() {
			return nil
		}
		s.now = next
		if s.config.Clock != nil {
			s.config.Clock.reach(next)
		}
		if len(s.agenda) > 0 && s.agenda[0].at.Equal(next) {
			h := heap.Pop(&s.agenda).(happening) //nolint:forcetypeassert // the heap holds nothing else
			if err := h.do(ctx); err != nil {
				return err
			}
		}
		if _, err := s.live.Drain(ctx, s.config.Bank, s.now); err != nil {
			return err
		}
	}
}

// arrivals spreads visits over the opening hours of as many days as they take.
func (s *shop) arrivals(visits int) []time.Time {
	p := s.config.Profile
	opens := time.Duration(24-p.Hours) * time.Hour / 2
	peak := p.Hours / 2
	times := make([]time.Time, visits)
	for i := range times {
		hour := peak
		if !s.chance(p.Peak) {
			hour = s.rng.IntN(p.Hours - 1)
			if hour >= peak {
				hour++
			}
		}
		day := firstDay.AddDate(0, 0, i/p.PerDay).Add(opens + time.Duration(hour)*time.Hour)
		times[i] = day.Add(time.Duration(s.rng.Int64N(int64(time.Hour))))
	}
	slices.SortFunc(times, time.Time.Compare)
	return times
}

// products is how many products a shop lists; the last has no price at first.
const products = 40

func (s *shop) open(ctx context.Context) error {
	opened := ledger.StoreOpened{Store: s.id, Catalogue: s.catalogue, Seller: ledger.Seller{
		Name: "Simulated Shops Inc.", Address: string(s.id), TaxID: "SIM-1", Currency: "USD", Timezone: "America/New_York",
	}}
	policy := ledger.Policy{
		Hold: money.Money{
			Minor:    40 * s.config.Profile.MeanMinor,
			Currency: "USD",
		}, ItemMin: 800, ActionMin: 800, PersonMin: 800,
		ReviewSeconds: 4 * 3600, OnDeadline: ledger.ForShopper, GraceMillis: 5000, GateSeconds: 10, DisputeDays: 60,
	}
	tax := ledger.TaxSet{
		Category: "general", Jurisdiction: "NY", Rate: "0.08875", Rounding: money.HalfUp, From: firstDay,
	}
	_, err := s.desk.OpenStore(ctx, ledger.Meta{}, opened)
	if err == nil {
		_, err = s.desk.SetPolicy(ctx, ledger.Meta{}, ledger.PolicySet{Store: s.id, Policy: policy})
	}
	if err == nil {
		_, err = s.desk.SetTax(ctx, ledger.Meta{}, s.catalogue, tax)
	}
	for i := 0; err == nil && i < products; i++ {
		err = s.list(ctx, i)
	}
	return err
}

// list lists a product; prices run from a quarter to seven quarters of the
// mean, so that their mean is the profile's.
func (s *shop) list(ctx context.Context, i int) error {
	sku := ledger.SKU(fmt.Sprintf("sku-%02d", i+1))
	s.skus = append(s.skus, sku)
	_, err := s.desk.ListProduct(ctx, ledger.Meta{}, s.catalogue, ledger.ProductListed{
		SKU: sku, Name: fmt.Sprintf("Product %d", i+1), Category: []string{
			"Drinks", "Snacks",
			"Meals",
		}[i%3], TaxCategory: "general",
	})
	if err != nil {
		return err
	}
	mean := s.config.Profile.MeanMinor
	price := ledger.PriceSet{
		SKU: sku, From: firstDay,
		Price: money.Money{Minor: mean/4 + mean*3/2*int64(i)/(products-1), Currency: "USD"},
	}
	if i < products-1 {
		_, err = s.desk.SetPrice(ctx, ledger.Meta{}, s.catalogue, price)
		return err
	}
	s.plan(firstDay.Add(20*time.Hour), func(ctx context.Context) error { // somebody types it in that evening
		_, err := s.desk.SetPrice(ctx, ledger.Meta{}, s.catalogue, price)
		return err
	})
	return nil
}

// chance is true in n of a thousand cases.
func (s *shop) chance(n int) bool { return s.rng.IntN(1000) < n }

// around returns a time with this median: most between a third of it and
// twice it, none below a second.
func (s *shop) around(median time.Duration) time.Duration {
	f := 0.4 + 0.6*s.rng.Float64() + 0.8*s.rng.Float64()*s.rng.Float64()*2
	return max(time.Second, time.Duration(float64(median)*f))
}
