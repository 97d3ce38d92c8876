package billing

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// A Catalogue is the fold of one catalogue stream: what a shop sells, and the
// prices, tax rates and promotions that are in force at any instant. The zero
// value is an empty catalogue.
//
// # Invariants
//
//   - An answer about an instant depends on the events alone, not on when it
//     is asked for: nothing here reads a clock.
//   - Of two prices (or rates) from the same instant the later event wins.
type Catalogue struct {
	products   map[ledger.SKU][]listing
	prices     map[ledger.SKU][]pricing
	taxes      map[string][]taxing
	promotions map[string][]promoting
	names      []string // of promotions, in order
	count      uint64   // events folded
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

type promoting struct {
	at time.Time
	id ledger.ID
	*ledger.Promotion
}

// Apply moves c past e. Its errors mean that the stream is broken; c is then
// as it was before.
func (c *Catalogue) Apply(e ledger.Event) error {
	if e.Revision != c.count {
		return fmt.Errorf("%s: event %d where %d is due: %w", e.Stream, e.Revision, c.count, ledger.ErrCorrupt)
	}
	if !c.put(e.ID, e.Occurred, e.Payload) {
		return fmt.Errorf("%s/%d: %w: %s in a catalogue", e.Stream, e.Revision, ledger.ErrUnknownKind, e.Kind)
	}
	c.count++
	return nil
}

// put adds a fact, and reports whether it is one of a catalogue.
func (c *Catalogue) put(id ledger.ID, at time.Time, p ledger.Payload) bool {
	if c.products == nil {
		c.products = map[ledger.SKU][]listing{}
		c.prices = map[ledger.SKU][]pricing{}
		c.taxes = map[string][]taxing{}
		c.promotions = map[string][]promoting{}
	}
	switch p := p.(type) { // all others do not belong here
	case ledger.ProductListed:
		c.products[p.SKU] = insert(c.products[p.SKU], listing{at, p})
	case ledger.PriceSet:
		c.prices[p.SKU] = insert(c.prices[p.SKU], pricing{id, p})
	case ledger.TaxSet:
		c.taxes[p.Category] = insert(c.taxes[p.Category], taxing{p})
	case ledger.PromotionSet:
		name := p.Promotion.Promotion
		if i, ok := slices.BinarySearch(c.names, name); !ok {
			c.names = slices.Insert(c.names, i, name)
		}
		c.promotions[name] = insert(c.promotions[name], promoting{at, id, &p.Promotion})
	default:
		return false
	}
	return true
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

// Price returns the price, name, deposit and tax of sku in currency cur as in
// force at the instant at, or which of [MissingProduct], [MissingPrice] and
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
	product := inForceOrFirst(listings, at)
	price, ok := inForce(c.prices[sku], at)
	if !ok || price.Price.Currency != cur {
		return ledger.ItemPriced{}, MissingPrice
	}
	tax, ok := c.tax(product.TaxCategory, at)
	if !ok {
		return ledger.ItemPriced{}, MissingTax
	}
	p = ledger.ItemPriced{
		SKU: sku, Name: product.Name, Category: product.Category, Unit: price.Price, Price: price.id, Tax: tax,
		Per: price.Per, MinAge: product.MinAge, Grams: product.Grams,
	}
	if price.Per == ledger.PerKilogram {
		p.TareGrams = product.TareGrams
	}
	if product.Deposit.Amount.Minor == 0 {
		return p, ""
	}
	if product.Deposit.Amount.Currency != cur {
		return ledger.ItemPriced{}, MissingPrice
	}
	p.Deposit = product.Deposit
	if p.Deposit.TaxCategory == "" {
		return p, ""
	}
	if p.DepositTax, ok = c.tax(p.Deposit.TaxCategory, at); !ok {
		return ledger.ItemPriced{}, MissingTax
	}
	return p, ""
}

// A Listed is a product that is sold at some instant, at its price.
type Listed struct {
	GTIN string // of its barcode; empty if it has none
	ledger.ItemPriced
}

// List returns what is sold in currency cur at the instant at, by SKU. What
// lacks a price or a tax then is left out, and so is what is listed only later.
func (c *Catalogue) List(at time.Time, cur money.Currency) []Listed {
	var all []Listed
	for _, sku := range slices.Sorted(maps.Keys(c.products)) {
		product, ok := inForce(c.products[sku], at)
		if !ok {
			continue
		}
		if p, missing := c.Price(sku, at, cur); missing == "" {
			all = append(all, Listed{GTIN: product.GTIN, ItemPriced: p})
		}
	}
	return all
}

// tax returns the rule of a tax category at an instant. Behind a rate that was
// set for a while the one before holds again.
func (c *Catalogue) tax(category string, at time.Time) (ledger.TaxRule, bool) {
	for _, t := range slices.Backward(c.taxes[category]) {
		if !t.From.After(at) && (t.Until.IsZero() || at.Before(t.Until)) {
			return ledger.TaxRule{
				Category: t.Category, Jurisdiction: t.Jurisdiction, Rate: t.Rate, Inclusive: t.Inclusive, Rounding: t.Rounding,
				Basis: t.Basis, Parts: t.Parts,
			}, true
		}
	}
	return ledger.TaxRule{}, false
}

// A Promoted is a promotion as a catalogue has it, and the event that set it.
type Promoted struct {
	*ledger.Promotion
	Set ledger.ID
}

// Promotion returns the promotion id as set at the instant at; one that was
// set only later is taken as first set. It may not be in force.
func (c *Catalogue) Promotion(id string, at time.Time) (Promoted, bool) {
	versions := c.promotions[id]
	if len(versions) == 0 {
		return Promoted{}, false
	}
	p := inForceOrFirst(versions, at)
	return Promoted{p.Promotion, p.id}, true
}

// Promotions yields the promotions in force at the instant at, by id.
func (c *Catalogue) Promotions(at time.Time) iter.Seq[Promoted] {
	return func(yield func(Promoted) bool) {
		for _, id := range c.names {
			p, _ := c.Promotion(id, at)
			if !at.Before(p.From) && at.Before(p.Until) && !yield(p) {
				return
			}
		}
	}
}

// A dated thing is in force from an instant on.
type dated interface{ from() time.Time }

func (l listing) from() time.Time   { return l.at }
func (p pricing) from() time.Time   { return p.From }
func (t taxing) from() time.Time    { return t.From }
func (p promoting) from() time.Time { return p.at }

// insert keeps list in the order of from; a newcomer goes behind its equals.
func insert[D dated](list []D, d D) []D {
	i := len(list)
	for i > 0 && list[i-1].from().After(d.from()) {
		i--
	}
	return slices.Insert(list, i, d)
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

// inForceOrFirst is inForce, or the first of list if none began by then. The
// list is not empty.
func inForceOrFirst[D dated](list []D, at time.Time) D {
	if d, ok := inForce(list, at); ok {
		return d
	}
	return list[0]
}
