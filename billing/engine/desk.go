package engine

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/vouchledger/vouch/billing/receipt"
	"github.com/vouchledger/vouch/ledger"
)

// A Desk takes the commands of gates, sensors, shoppers and staff. Each is
// decided on what the log holds at that moment, and refused with a sentinel
// of this package, or appended. All methods may be called from many
// goroutines at once; when one returns without error its event is durable and
// the engine has seen it.
//
// Every command carries the id of its event, made by whoever gives it. The
// same id again gives the first result and changes nothing.
type Desk struct {
	live   *Live
	now    func() time.Time
	random io.Reader

	mu       sync.Mutex // guards random
	shoppers [64]sync.Mutex
}

// NewDesk returns a desk over a live engine. It reads random only for
// commands that come without an id.
func NewDesk(live *Live, now func() time.Time, random io.Reader) *Desk {
	return &Desk{live: live, now: now, random: random}
}

// Live returns the engine that the desk decides on.
func (d *Desk) Live() *Live { return d.live }

// A proposal is what a command wants to append.
type proposal struct {
	stream   ledger.StreamID
	expected ledger.Expected
	payload  ledger.Payload
}

// errAgain makes commit look again.
var errAgain = errors.New("look again")

// commit decides on the engine's present state and appends, again if another
// writer was first. If the command's event is stored already it is returned.
func (d *Desk) commit(ctx context.Context, m ledger.Meta, decide func(*Engine) (proposal, error)) (Recorded, error) {
	if err := d.live.Sync(ctx); err != nil {
		return Recorded{}, err
	}
	m, err := d.fill(m)
	if err != nil {
		return Recorded{}, err
	}
	for {
		var p proposal
		d.live.View(func(e *Engine) { p, err = decide(e) })
		if err != nil {
			return d.first(ctx, m.ID, p, err)
		}
		draft, err := ledger.NewDraft(m, p.payload)
		if err != nil {
			return Recorded{}, err
		}
		before := d.live.Position()
		rs, err := d.live.log.Append(ctx, p.stream, p.expected, draft)
		if errors.Is(err, ledger.ErrConflict) && ctx.Err() == nil {
			if err := d.live.Sync(ctx); err != nil {
				return Recorded{}, err
			}
			continue
		}
		if err != nil {
			return Recorded{}, err
		}
		return Recorded{Record: rs[0], Duplicate: rs[0].Position <= before}, d.live.WaitFor(ctx, rs[0].Position)
	}
}

// first returns the event of an earlier try of the same command, which may be
// why the command is refused now; else the refusal.
func (d *Desk) first(ctx context.Context, id ledger.ID, p proposal, refusal error) (Recorded, error) {
	r, err := d.live.log.Find(ctx, id)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		return Recorded{}, refusal
	case err != nil:
		return Recorded{}, err
	case p.payload != nil && p.payload.Kind() != r.Kind:
		return Recorded{}, fmt.Errorf("event %s is a %s: %w", id, r.Kind, ledger.ErrIDReused)
	}
	return Recorded{Record: r, Duplicate: true}, nil
}

// fill completes what a command left out.
func (d *Desk) fill(m ledger.Meta) (ledger.Meta, error) {
	if m.Occurred.IsZero() {
		m.Occurred = d.now()
	}
	m.Occurred = ledger.Instant(m.Occurred)
	if !m.ID.IsZero() {
		return m, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	id, err := ledger.NewID(d.now(), d.random)
	m.ID = id
	return m, err
}

// lockShopper lets one credential of a shopper through at a time: two gates
// must not both find that the shopper is outside.
func (d *Desk) lockShopper(s ledger.ShopperID) *sync.Mutex {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s)) // never fails
	return &d.shoppers[h.Sum32()%uint32(len(d.shoppers))]
}

// OpenStore opens a shop, or changes who sells there for visits from now on.
func (d *Desk) OpenStore(ctx context.Context, m ledger.Meta, p ledger.StoreOpened) (Recorded, error) {
	if len(p.Store) > maxStoreBytes {
		return Recorded{}, fmt.Errorf("store %q: %w: longer than %d bytes", p.Store, ledger.ErrInvalid, maxStoreBytes)
	}
	if _, err := time.LoadLocation(p.Seller.Timezone); err != nil {
		return Recorded{}, fmt.Errorf("store %s: %w: time zone %q: use a name such as Europe/Berlin",
			p.Store, ledger.ErrInvalid, p.Seller.Timezone)
	}
	if ms := receipt.MissingOfSeller(p.Seller); len(ms) > 0 {
		return Recorded{}, fmt.Errorf("store %s: %w: every receipt of this seller would miss: %s", p.Store, ledger.ErrInvalid, ms[0])
	}
	if e := p.Seller.Entity; len(e) > maxEntityBytes || strings.ContainsFunc(e, notInNumbers) {
		return Recorded{}, fmt.Errorf("store %s: %w: entity %q: it begins receipt numbers, so use at most %d letters, digits and dashes",
			p.Store, ledger.ErrInvalid, e, maxEntityBytes)
	}
	return d.seed(ctx, m, ledger.StoreStream(p.Store), p, func(e *Engine) error {
		if other, same := e.numbersAs(p); same {
			return fmt.Errorf("store %s: %w: its receipts would be numbered like those of %s: give it another id or entity",
				p.Store, ledger.ErrInvalid, other)
		}
		return nil
	})
}

// maxStoreBytes and maxEntityBytes keep an idempotency key, which holds the
// store twice and the entity once, below the provider's 255 bytes.
const (
	maxStoreBytes  = 60
	maxEntityBytes = 40
)

func notInNumbers(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
}

// SetPolicy sets the rules for visits that begin from now on.
func (d *Desk) SetPolicy(ctx context.Context, m ledger.Meta, p ledger.PolicySet) (Recorded, error) {
	return d.seed(ctx, m, ledger.StoreStream(p.Store), p, func(e *Engine) error {
		s, ok := e.Store(p.Store)
		if !ok {
			return fmt.Errorf("policy of %s: %w", p.Store, ErrUnknownStore)
		}
		if c := s.Opened.Seller.Currency; p.Policy.Hold.Currency != c {
			return fmt.Errorf("policy of %s: %w: a hold of %s at a seller in %s", p.Store, ledger.ErrInvalid, p.Policy.Hold, c)
		}
		return nil
	})
}

// SetPlanogram says which product lies where before a sensor.
func (d *Desk) SetPlanogram(ctx context.Context, m ledger.Meta, p ledger.PlanogramSet) (Recorded, error) {
	return d.seed(ctx, m, ledger.StoreStream(p.Store), p, func(e *Engine) error {
		s, ok := e.Store(p.Store)
		if !ok {
			return fmt.Errorf("planogram of %s: %w", p.Store, ErrUnknownStore)
		}
		for _, slot := range p.Slots {
			if c := e.catalogues[s.Opened.Catalogue]; c == nil || !c.Has(slot.SKU) {
				return fmt.Errorf("planogram of %s: slot %s holds %s: %w", p.Store, slot.Slot, slot.SKU, ErrUnknownSKU)
			}
		}
		return nil
	})
}

// ListProduct lists a product in a catalogue.
func (d *Desk) ListProduct(
	ctx context.Context, m ledger.Meta, c ledger.CatalogueID, p ledger.ProductListed,
) (Recorded, error) {
	return d.list(ctx, m, c, p)
}

// maxPrice keeps a visit's sums within the bounds of package money: a line
// holds at most some thousand pieces.
const maxPrice = 1_000_000_000

// SetPrice sets the price of a product from an instant on.
func (d *Desk) SetPrice(
	ctx context.Context, m ledger.Meta, c ledger.CatalogueID, p ledger.PriceSet,
) (Recorded, error) {
	if p.Price.Minor > maxPrice {
		return Recorded{}, fmt.Errorf("price %s of %s: %w: above %d minor units", p.Price, p.SKU, ledger.ErrInvalid, maxPrice)
	}
	return d.list(ctx, m, c, p)
}

// SetTax sets a tax rate from an instant on.
func (d *Desk) SetTax(ctx context.Context, m ledger.Meta, c ledger.CatalogueID, p ledger.TaxSet) (Recorded, error) {
	return d.list(ctx, m, c, p)
}

// seed appends what staff says of a shop or a catalogue. Such facts do not
// depend on each other, so any may come first.
func (d *Desk) seed(
	ctx context.Context, m ledger.Meta, stream ledger.StreamID, p ledger.Payload, check func(*Engine) error,
) (Recorded, error) {
	if m.Actor == "" {
		m.Actor = "operator"
	}
	return d.commit(ctx, m, func(e *Engine) (proposal, error) {
		return proposal{stream, ledger.Any(), p}, check(e)
	})
}

// Notify takes what the payment provider told us by webhook. It is appended
// once for each of the provider's events, and makes the engine ask again
// about an order whose outcome is not known.
func (d *Desk) Notify(ctx context.Context, n ProviderEvent) (Recorded, error) {
	m := ledger.Meta{
		ID: ledger.DeriveID(ledger.ID{}, "provider", n.ID), Occurred: n.Occurred, Actor: "provider",
	}
	return d.commit(ctx, m, func(e *Engine) (proposal, error) {
		visit := n.Visit
		if v := e.visits[visit]; v == nil || v.payment.Events() == 0 {
			if visit = e.objects[n.Object]; visit == "" {
				visit = e.objects[n.Payment]
			}
		}
		if visit == "" {
			return proposal{}, fmt.Errorf("provider event %s about %s: %w", n.ID, n.Object, ErrUnknownObject)
		}
		return proposal{
			ledger.PaymentStream(visit), ledger.Exists(),
			ledger.PaymentNotified{Event: n.ID, Type: n.Type, Object: n.Object},
		}, nil
	})
}
