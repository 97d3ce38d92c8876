package simulate

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/audit"
	"github.com/vouchledger/vouch/ledger"
)

// ErrNotEmpty means that the log holds something already. A simulation makes
// a ledger of its own: give it an empty folder.
var ErrNotEmpty = errors.New("ledger is not empty")

// A Config says what to simulate.
type Config struct {
	Seed    uint64
	Visits  int
	Shops   int // 0 means DefaultShops(Visits)
	Profile Profile
	Clock   *Clock                  // the log's clock; nil if it has another
	Bank    *Bank                   // nil means one of its own, with some declined cards and lost answers
	Done    func(done, total int64) // hears of visits that are over; may be nil
}

// DefaultShops returns over how many shops visits are spread unless it is
// said: 8 to 200, about 40 visits each. Shops share the disk's commits, so
// many are faster than few.
func DefaultShops(visits int) int { return min(visits, max(8, min(200, visits/40))) }

// A Tally counts what happened in the shops.
type Tally struct {
	Presented  int                          `json:"presented"` // codes shown at gates
	Refused    map[ledger.RefusalReason]int `json:"refused"`   // gates that stayed shut
	Detections int                          `json:"detections"`
	Repeated   int                          `json:"repeated"` // detections that came twice
	Late       int                          `json:"late"`     // detections that came late
	Doubts     int                          `json:"doubts"`   // detections that were asked about
	Reviewed   int                          `json:"reviewed"` // by a person; the deadline answered the rest
	Disputes   int                          `json:"disputes"`
	Upheld     int                          `json:"upheld"`
}

// A Summary is what a simulation came to.
type Summary struct {
	Seed    uint64       `json:"seed"`
	Profile string       `json:"profile"`
	Shops   int          `json:"shops"`
	Visits  int          `json:"visits"`
	Tally   Tally        `json:"tally"`
	Audit   audit.Report `json:"audit"`
}

// Run simulates visits into log, which must be empty, and audits it.
func Run(ctx context.Context, log ledger.Log, c Config) (Summary, error) {
	head, err := log.Head(ctx)
	if err != nil {
		return Summary{}, err
	}
	if head > 0 {
		return Summary{}, fmt.Errorf("simulate: %w: it ends at position %d", ErrNotEmpty, head)
	}
	if c.Visits < 1 {
		return Summary{}, fmt.Errorf("simulate: %w: %d visits", ledger.ErrInvalid, c.Visits)
	}
	if c.Shops <= 0 {
		c.Shops = DefaultShops(c.Visits)
	}
	if c.Clock == nil {
		c.Clock = NewClock()
	}
	if c.Bank == nil {
		c.Bank = NewBank()
		c.Bank.Script = c.luck
	}
	sum := Summary{
		Seed: c.Seed, Profile: c.Profile.Name, Shops: c.Shops, Visits: c.Visits,
		Tally: Tally{Refused: map[ledger.RefusalReason]int{}},
	}
	if err := c.shops(ctx, log, &sum.Tally); err != nil {
		return sum, fmt.Errorf("simulate: %w", err)
	}
	sum.Audit, err = Check(ctx, log, c.Bank)
	return sum, err
}

// shops runs every shop to its end, beside each other.
func (c *Config) shops(ctx context.Context, log ledger.Log, total *Tally) error {
	var mu sync.Mutex
	var done atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	gate := newTurnstile(log)
	g.Go(func() error { return gate.run(ctx, c.Shops) })
	for i := range c.Shops {
		visits := c.Visits / c.Shops
		if i < c.Visits%c.Shops {
			visits++
		}
		s := newShop(c, i, &lane{Log: log, shop: i, gate: gate})
		s.over = func() {
			n := done.Add(1)
			if c.Done != nil {
				mu.Lock()
				defer mu.Unlock()
				c.Done(n, int64(c.Visits))
			}
		}
		g.Go(func() error {
			if err := s.run(ctx, visits); err != nil {
				return fmt.Errorf("shop %s: %w", s.id, err)
			}
			mu.Lock()
			total.add(s.tally)
			mu.Unlock()
			select {
			case gate.left <- struct{}{}:
			case <-ctx.Done():
			}
			return nil
		})
	}
	return g.Wait()
}

func (t *Tally) add(o Tally) {
	t.Presented += o.Presented
	t.Detections += o.Detections
	t.Repeated += o.Repeated
	t.Late += o.Late
	t.Doubts += o.Doubts
	t.Reviewed += o.Reviewed
	t.Disputes += o.Disputes
	t.Upheld += o.Upheld
	for r, n := range o.Refused {
		t.Refused[r] += n
	}
}

// luck says what goes wrong at the bank, from the order alone, so that it
// does not hang on which shop calls first: of a thousand cards 15 are declined
// at the gate and 2 at the exit, and of a thousand answers 5 are lost.
func (c *Config) luck(o billing.Order, n int) Fault {
	f := fnv.New64a()
	_, _ = fmt.Fprintf(f, "%d %d %s", c.Seed, n, o.ID) // never fails
	h := f.Sum64() % 1000
	switch {
	case o.Op == billing.OpHold && h < 15, o.Op == billing.OpCapture && h < 2:
		return Refused
	case h >= 995:
		return Lost
	}
	return NoFault
}
