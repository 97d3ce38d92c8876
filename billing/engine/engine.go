package engine

import (
	"fmt"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/projections/pricing"
)

// An Engine is the fold of the whole log that decides what must happen next.
// It is not safe for concurrent use: [Live] guards it.
//
// What it keeps is of two sorts. What it folded is a function of the events
// alone. What is under way (appends and sends that were handed out and not
// reported back) is forgotten at a restart, and decided again.
type Engine struct {
	position   uint64
	visits     map[ledger.VisitID]*visit
	stores     map[ledger.StoreID]*store
	catalogues map[ledger.CatalogueID]*billing.Catalogue
	questions  map[ledger.ID]*question // by detection, where it was recorded
	receipts   map[string]ledger.VisitID
	disputes   map[ledger.ID]ledger.VisitID
	objects    map[string]ledger.VisitID // at the provider
	shoppers   map[ledger.ShopperID][]*visit
	coupons    map[string]redemption
	palms      map[ledger.ShopperID]*projections.Palm
	unpriced   map[ledger.VisitID]*visit // wait for the catalogue

	supplements map[ledger.ID]ledger.VisitID // by proposal
	cards       map[string]*card             // by payment method
	asked       map[ledger.VisitID]*visit    // wait for a person to find out about money
	withheld    bool                         // nothing is ordered: the provider is looked through first

	queue   []subject // to be decided, each once
	timers  timers
	landing map[uint64][]subject // their appends come back at this position
}

// New returns an engine before the first event.
func New() *Engine {
	return &Engine{
		visits: map[ledger.VisitID]*visit{}, stores: map[ledger.StoreID]*store{},
		catalogues: map[ledger.CatalogueID]*billing.Catalogue{}, questions: map[ledger.ID]*question{},
		receipts: map[string]ledger.VisitID{}, disputes: map[ledger.ID]ledger.VisitID{},
		objects: map[string]ledger.VisitID{}, shoppers: map[ledger.ShopperID][]*visit{}, coupons: map[string]redemption{},
		unpriced: map[ledger.VisitID]*visit{}, landing: map[uint64][]subject{},
		supplements: map[ledger.ID]ledger.VisitID{}, cards: map[string]*card{}, asked: map[ledger.VisitID]*visit{},
		palms: map[ledger.ShopperID]*projections.Palm{},
	}
}

// Withhold keeps the engine from ordering anything of the provider.
func (e *Engine) Withhold() { e.withheld = true }

// Position returns the position of the last event folded.
func (e *Engine) Position() uint64 { return e.position }

// Apply moves the engine past ev. Its errors mean that the log is broken or
// newer than this program: stop.
func (e *Engine) Apply(ev ledger.Event) error {
	if ev.Position <= e.position {
		return fmt.Errorf("engine: position %d after position %d: %w", ev.Position, e.position, ledger.ErrCorrupt)
	}
	var err error
	switch category, id := ev.Stream.Split(); category {
	case ledger.CategoryVisit:
		err = e.visit(ledger.VisitID(id)).apply(e, ev)
	case ledger.CategoryPayment:
		err = e.visit(ledger.VisitID(id)).applyPayment(e, ev)
	case ledger.CategoryStore:
		err = e.store(ledger.StoreID(id)).apply(e, ev)
	case ledger.CategoryCatalogue:
		err = e.applyCatalogue(ledger.CatalogueID(id), ev)
	case ledger.CategoryShopper:
		err = e.palm(ledger.ShopperID(id)).Apply(ev)
	case ledger.CategoryCoupon:
		e.applyCoupon(ev)
	default: // other streams hold nothing that decides about money
	}
	if err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	e.pass(ev.Position)
	return nil
}

// Pass moves the engine past a record of a foreign stream, which no decision
// looks at. Its position counts all the same: somebody may wait for it.
func (e *Engine) Pass(position uint64) error {
	if position <= e.position {
		return fmt.Errorf("engine: position %d after position %d: %w", position, e.position, ledger.ErrCorrupt)
	}
	e.pass(position)
	return nil
}

func (e *Engine) pass(position uint64) {
	e.position = position
	for _, s := range e.landing[position] {
		e.landed(s)
	}
	delete(e.landing, position)
}

func (e *Engine) visit(id ledger.VisitID) *visit {
	v := e.visits[id]
	if v == nil {
		v = &visit{id: id}
		e.visits[id] = v
	}
	return v
}

func (e *Engine) store(id ledger.StoreID) *store {
	s := e.stores[id]
	if s == nil {
		s = &store{id: id, numbers: map[string]int{}, inside: map[ledger.VisitID]*visit{}}
		e.stores[id] = s
	}
	return s
}

func (e *Engine) applyCatalogue(id ledger.CatalogueID, ev ledger.Event) error {
	c := e.catalogues[id]
	if c == nil {
		c = &billing.Catalogue{}
		e.catalogues[id] = c
	}
	if err := c.Apply(ev); err != nil {
		return err
	}
	for _, v := range sorted(e.unpriced) {
		if v.cart.Presented.Catalogue == id {
			e.enqueue(v)
		}
	}
	return nil
}

// price returns what sku cost at the instant at in v's catalogue.
func (e *Engine) price(v *visit, sku ledger.SKU, at time.Time) (ledger.ItemPriced, string) {
	c := e.catalogues[v.cart.Presented.Catalogue]
	if c == nil {
		return ledger.ItemPriced{}, billing.MissingProduct
	}
	return c.Price(sku, at, v.cart.Currency())
}

// atRisk returns what the claimed pieces cost, as far as that is known, without
// what promotions may take off.
func atRisk(p ledger.ItemPriced, missing string, claim *ledger.DetectionRecorded, c money.Currency) money.Money {
	if missing != "" {
		return money.Zero(c)
	}
	it := pricing.Item{Priced: &p, Unit: p.Unit, Pieces: claim.Quantity, Grams: projections.Weight(claim.Grams)}
	m, err := it.List()
	if err != nil {
		return money.Zero(c)
	}
	return m
}

// A VisitView is what the engine knows of a visit.
type VisitView struct {
	Cart    *projections.Cart // a copy
	Payment billing.Payment   // a copy, for reading
	Owed    money.Money       // gross less what was charged and kept; zero until the money is settled
	Overdue money.Money       // captured beyond the receipt and not given back yet
	Stuck   string            // why nothing more can be decided; empty when all is well
}

// Visit returns what the engine knows of a visit.
func (e *Engine) Visit(id ledger.VisitID) (VisitView, bool) {
	v := e.visits[id]
	if v == nil || v.cart.Status == projections.StatusNone {
		return VisitView{}, false
	}
	return VisitView{
		Cart: v.cart.Clone(), Payment: v.payment, Owed: v.owed(), Overdue: v.overpaid(), Stuck: v.stuck,
	}, true
}

// VisitOfReceipt returns the visit that a document belongs to.
func (e *Engine) VisitOfReceipt(number string) (ledger.VisitID, bool) {
	v, ok := e.receipts[number]
	return v, ok
}

// VisitOfDispute returns the visit that a dispute belongs to.
func (e *Engine) VisitOfDispute(id ledger.ID) (ledger.VisitID, bool) {
	v, ok := e.disputes[id]
	return v, ok
}

// StoreOfVisit returns the shop a visit is in.
func (e *Engine) StoreOfVisit(id ledger.VisitID) (ledger.StoreID, bool) {
	v := e.visits[id]
	if v == nil || v.cart.Status == projections.StatusNone {
		return "", false
	}
	return v.cart.Presented.Store, true
}

// A StoreView is what the engine knows of a shop.
type StoreView struct {
	Opened     ledger.StoreOpened
	Policy     *ledger.Policy // nil until one is set
	Planograms map[ledger.DeviceID]ledger.PlanogramSet
}

// Store returns what the engine knows of a shop.
func (e *Engine) Store(id ledger.StoreID) (StoreView, bool) {
	s := e.stores[id]
	if s == nil || s.opened == nil {
		return StoreView{}, false
	}
	view := StoreView{Opened: *s.opened, Planograms: map[ledger.DeviceID]ledger.PlanogramSet{}}
	if s.policy != nil {
		p := *s.policy
		view.Policy = &p
	}
	for d, p := range s.planograms {
		view.Planograms[d] = p
	}
	return view, true
}
