package crowd

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

// opening is when the first shop opens; each step of a shop is some
// milliseconds later.
var opening = time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)

const (
	products = 40
	currency = money.Currency("USD")
)

// An Append is what one writer brings in one call of [ledger.Log]'s Append.
type Append struct {
	Stream ledger.StreamID
	Expect ledger.Expected
	Drafts []ledger.Draft
}

// A Shop makes up the events of one shop. It is not for concurrent use; many
// shops side by side are.
type Shop struct {
	chance *rand.Rand
	bytes  *rand.ChaCha8
	now    time.Time

	store     ledger.StoreID
	catalogue ledger.CatalogueID
	seller    ledger.Seller
	policy    ledger.Policy
	tax       ledger.TaxRule
	goods     []ledger.ItemPriced // each product as a pick of it is priced

	opened   []Append // how the shop was set up, not handed out yet
	inside   []*visit
	visits   int
	receipts int
}

// NewShop returns a shop with so many visits open at any time. Shops of
// different numbers share no stream and no id.
func NewShop(seed uint64, number, inside int) (*Shop, error) {
	var key [32]byte
	for i := range 8 {
		key[i], key[8+i] = byte(seed>>(8*i)), byte(number>>(8*i))
	}
	source := rand.NewChaCha8(key)
	s := &Shop{
		chance: rand.New(source), bytes: source, now: opening, //nolint:gosec // likewise
		store:     ledger.StoreID(fmt.Sprintf("shop-%03d", number)),
		catalogue: ledger.CatalogueID(fmt.Sprintf("range-%03d", number)),
		inside:    make([]*visit, inside),
	}
	return s, s.open()
}

// open sets the shop up: seller, rules, tax, products and prices.
func (s *Shop) open() error {
	s.seller = ledger.Seller{
		Name: "Corner & Co", Address: fmt.Sprintf("%d Main St, Seattle", s.chance.IntN(900)+1), TaxID: "WA-123",
		Currency: currency, Timezone: "America/Los_Angeles",
	}
	s.policy = ledger.Policy{
		Hold: usd(6000), ItemMin: 800, ActionMin: 800, PersonMin: 800, ReviewSeconds: 14400,
		OnDeadline: ledger.ForShopper, GraceMillis: 3000, GateSeconds: 10, DisputeDays: 60,
	}
	s.tax = ledger.TaxRule{Category: "food", Jurisdiction: "US-WA", Rate: "0.1035", Rounding: money.HalfUp}
	store, catalogue := ledger.StoreStream(s.store), ledger.CatalogueStream(s.catalogue)
	if err := s.setUp(store, 0, ledger.StoreOpened{Store: s.store, Seller: s.seller, Catalogue: s.catalogue}); err != nil {
		return err
	}
	if err := s.setUp(store, 1, ledger.PolicySet{Store: s.store, Policy: s.policy}); err != nil {
		return err
	}
	if err := s.setUp(catalogue, 0, ledger.TaxSet{
		Category: s.tax.Category, Jurisdiction: s.tax.Jurisdiction, Rate: s.tax.Rate, Rounding: s.tax.Rounding, From: opening,
	}); err != nil {
		return err
	}
	for i := range products {
		sku, unit := ledger.SKU(fmt.Sprintf("sku-%02d", i+1)), usd(int64(s.chance.IntN(600)+60))
		p := ledger.ProductListed{
			SKU: sku, Name: fmt.Sprintf("%s %d", kindsOfGoods[i%len(kindsOfGoods)], i+1),
			Category: kindsOfGoods[i%len(kindsOfGoods)], TaxCategory: s.tax.Category,
		}
		if err := s.setUp(catalogue, uint64(2*i+1), p); err != nil { //nolint:gosec // small
			return err
		}
		if err := s.setUp(catalogue, uint64(2*i+2), ledger.PriceSet{SKU: sku, Price: unit, From: opening}); err != nil { //nolint:gosec // small
			return err
		}
		s.goods = append(s.goods, ledger.ItemPriced{
			SKU: sku, Name: p.Name, Category: p.Category, Unit: unit, Tax: s.tax,
			Price: s.opened[len(s.opened)-1].Drafts[0].ID,
		})
	}
	return nil
}

var kindsOfGoods = []string{"Drinks", "Snacks", "Dairy", "Bakery"}

func usd(minor int64) money.Money { return money.Money{Minor: minor, Currency: currency} }

// setUp remembers an append of the operator.
func (s *Shop) setUp(stream ledger.StreamID, revision uint64, p ledger.Payload) error {
	d, err := s.draft(ledger.ID{}, "operator", p)
	s.opened = append(s.opened, Append{Stream: stream, Expect: ledger.After(revision), Drafts: []ledger.Draft{d}})
	return err
}

// Next returns what is appended next. Appends of one stream must be made in
// their order; those of different streams may overtake each other.
func (s *Shop) Next() (Append, error) {
	if len(s.opened) > 0 {
		a := s.opened[0]
		s.opened = s.opened[1:]
		return a, nil
	}
	s.now = s.now.Add(time.Duration(s.chance.IntN(400_000)+20_000) * time.Microsecond)
	i := s.chance.IntN(len(s.inside))
	if s.inside[i] == nil {
		v, err := s.arrive()
		if err != nil {
			return Append{}, err
		}
		s.inside[i] = v
	}
	v := s.inside[i]
	a, err := v.step(s)
	if len(v.script) == 0 {
		s.inside[i] = nil
	}
	return a, err
}

// draft makes p an event of now. A sensor's or operator's event gets an id of
// its own; what follows from another one has an id derived from it.
func (s *Shop) draft(cause ledger.ID, actor string, p ledger.Payload) (ledger.Draft, error) {
	m := ledger.Meta{Occurred: s.now, Actor: actor, Cause: cause}
	var err error
	if cause.IsZero() {
		m.ID, err = ledger.NewID(s.now, s.bytes)
	} else {
		m.ID = ledger.DeriveID(cause, string(p.Kind()))
	}
	if err != nil {
		return ledger.Draft{}, err
	}
	return ledger.NewDraft(m, p)
}

// arrive makes up a shopper and what they are going to do.
func (s *Shop) arrive() (*visit, error) {
	id, err := ledger.NewID(s.now, s.bytes)
	if err != nil {
		return nil, err
	}
	s.visits++
	v := &visit{id: ledger.VisitID(id.String()), cart: &projections.Cart{}}
	v.stream, v.payment = ledger.VisitStream(v.id), ledger.PaymentStream(v.id)
	v.script = append(v.script, present, hold, held, enter)
	takes, returns, doubts := 10+s.chance.IntN(5), 4+s.chance.IntN(5), s.chance.IntN(5)
	for takes+returns+doubts > 0 {
		switch n := s.chance.IntN(takes + returns + doubts); {
		case n < takes:
			v.script = append(v.script, take, price)
			takes--
		case n < takes+returns:
			v.script = append(v.script, giveBack)
			returns--
		default:
			v.script = append(v.script, doubtfulTake, price, ask, answer)
			doubts--
		}
	}
	v.script = append(v.script, exit, issue, pay, paid, settle)
	return v, nil
}
