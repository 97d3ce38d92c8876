package billing

import (
	"fmt"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// A Catalogue is the fold of one catalogue stream: what a shop sells, and the
// prices and tax rates that are in force at any instant. The zero value is an
// empty catalogue.
//
// # Invariants
//
//   - An answer about an instant depends on the events alone, not on when it
//     is asked for: nothing here reads a clock.
//   - Of two prices (or rates) from the same instant the later event wins.
type Catalogue struct {
	products map[ledger.SKU][]listing
	prices   map[ledger.SKU][]pricing
	taxes    map[string][]taxing
	count    uint64 // events folded
}

type listing struct {
	at time.Time
	ledger.ProductListed
}

type pricing struct {
	id ledger.ID
	ledger.PriceSet
}

type taxing struct{ ledger.TaxSet }

// Apply moves c past e. Its errors mean that the stream is broken; c is then
// as it was before.
func (c *Catalogue) Apply(e ledger.Event) error {
	if e.Revision != c.count {
		return fmt.Errorf("%s: event %d where %d is due: %w", e.Stream, e.Revision, c.count, ledger.ErrCorrupt)
	}
	if c.products == nil {
		c.products = map[ledger.SKU][]listing{}
		c.prices = map[ledger.SKU][]pricing{}
		c.taxes = map[string][]taxing{}
	}
	switch p := e.Payload.(type) { // all others do not belong here
	case ledger.ProductListed:
		c.products[p.SKU] = insert(c.products[p.SKU], listing{e.Occurred, p})
	case ledger.PriceSet:
		c.prices[p.SKU] = insert(c.prices[p.SKU], pricing{e.ID, p})
	case ledger.TaxSet:
		c.taxes[p.Category] = insert(c.taxes[p.Category], taxing{p})
	case ledger.PromotionSet:
	default:
		return fmt.Errorf("%s/%d: %w: %s in a catalogue", e.Stream, e.Revision, ledger.ErrUnknownKind, e.Kind)
	}
	c.count++
	return nil
}

// Events returns how many events c has folded.
func (c *Catalogue) Events() uint64 { return c.count }

// Has reports whether the product was ever listed.
func (c *Catalogue) Has(sku ledger.SKU) bool { return len(c.products[sku]) > 0 }

// What may be missing when a pick is priced: the values of
// ledger.PricingFailed.
const (
	MissingProduct = "product"
	MissingPrice   = "price"
	MissingTax     = "tax"
)

// Price returns the price, name and tax of one piece of sku in currency cur as
// in force at the instant at, or which of [MissingProduct], [MissingPrice] and
// [MissingTax] the catalogue lacks. The detection of the result is empty: the
// caller knows which pick it prices.
//
// A product that was listed only after the pick is taken as first listed: the
// thing lay on the shelf, whoever typed its name was late. A price is never
// taken from the future, and one in another currency is no price.
func (c *Catalogue) Price(sku ledger.SKU, at time.Time, cur money.Currency) (p ledger.ItemPriced, missing string) {
	listings := c.products[sku]
	if len(listings) == 0 {
		return ledger.ItemPriced{}, MissingProduct
	}
	product, ok := inForce(listings, at)
	if !ok {
		product = listings[0]
	}
	price, ok := inForce(c.prices[sku], at)
	if !ok || price.Price.Currency != cur {
		return ledger.ItemPriced{}, MissingPrice
	}
	tax, ok := inForce(c.taxes[product.TaxCategory], at)
	if !ok {
		return ledger.ItemPriced{}, MissingTax
	}
	return ledger.ItemPriced{
		SKU: sku, Name: product.Name, Category: product.Category, Unit: price.Price, Price: price.id,
		Tax: ledger.TaxRule{
			Category: tax.Category, Jurisdiction: tax.Jurisdiction, Rate: tax.Rate,
			Inclusive: tax.Inclusive, Rounding: tax.Rounding,
		},
	}, ""
}

// A dated thing is in force from an instant on.
type dated interface{ from() time.Time }

func (l listing) from() time.Time { return l.at }
func (p pricing) from() time.Time { return p.From }
func (t taxing) from() time.Time  { return t.From }

// insert keeps list in the order of from; a newcomer goes behind its equals.
func insert[D dated](list []D, d D) []D {
	i := len(list)
	for i > 0 && list[i-1].from().After(d.from()) {
		i--
	}
	list = append(list, d)
	copy(list[i+1:], list[i:])
	list[i] = d
	return list
}

// inForce returns the last of list that began at or before at.
func inForce[D dated](list []D, at time.Time) (d D, ok bool) {
	for i := len(list) - 1; i >= 0; i-- {
		if !list[i].from().After(at) {
			return list[i], true
		}
	}
	return d, false
}
