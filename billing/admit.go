package billing

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// ErrTaxGap means that a tax table would have a time without a rate between
// two rates, or a product a category without any: picks of that time could not
// be priced. Set the missing rate in the same file, or let the one before end
// later; nothing was written.
var ErrTaxGap = errors.New("tax table has a gap")

// Admit returns why facts may not be added to c together by a seller in
// currency cur: a negative price, a currency that is unknown or not the
// seller's ([money.ErrCurrency]), or a tax table with a gap ([ErrTaxGap]).
// Nothing is added.
func (c *Catalogue) Admit(cur money.Currency, facts ...ledger.Payload) error {
	after := c.clone()
	for _, p := range facts {
		if err := p.Validate(); err != nil {
			return fmt.Errorf("%s: %w", p.Kind(), err)
		}
		if m, what := amountOf(p); m.Currency != "" && m.Currency != cur {
			return fmt.Errorf("%s: %w: %w: %s in %s at a seller in %s", p.Kind(), ledger.ErrInvalid, money.ErrCurrency, what, m.Currency, cur)
		}
		after.put(ledger.ID{}, time.Time{}, p)
	}
	for _, p := range facts {
		if t, ok := p.(ledger.TaxSet); ok {
			if err := gap(after.taxes[t.Category]); err != nil {
				return err
			}
		}
	}
	return nil
}

// Untaxed returns the first product of facts whose tax category, or whose
// deposit's, has no rate at all, as an [ErrTaxGap].
func (c *Catalogue) Untaxed(facts ...ledger.Payload) error {
	rated := map[string]bool{"": true}
	for category := range c.taxes {
		rated[category] = true
	}
	for _, p := range facts {
		if t, ok := p.(ledger.TaxSet); ok {
			rated[t.Category] = true
		}
	}
	for _, p := range facts {
		l, ok := p.(ledger.ProductListed)
		if !ok {
			continue
		}
		for _, category := range []string{l.TaxCategory, l.Deposit.TaxCategory} {
			if !rated[category] {
				return fmt.Errorf("product %s: %w: %w: no rate of category %q", l.SKU, ledger.ErrInvalid, ErrTaxGap, category)
			}
		}
	}
	return nil
}

// amountOf returns the money that a fact of a catalogue names, and what it is.
func amountOf(p ledger.Payload) (money.Money, string) {
	switch p := p.(type) { // the others name none
	case ledger.PriceSet:
		return p.Price, "price of " + string(p.SKU)
	case ledger.ProductListed:
		return p.Deposit.Amount, "deposit of " + string(p.SKU)
	case ledger.PromotionSet:
		return p.Promotion.Amount, "amount of " + p.Promotion.Promotion
	}
	return money.Money{}, ""
}

// gap refuses rates, in the order in which they begin, that leave a time
// without one.
func gap(rates []taxing) error {
	until := rates[0].Until
	for _, next := range rates[1:] {
		switch {
		case until.IsZero():
			return nil // for ever
		case until.Before(next.From):
			return fmt.Errorf("tax %s: %w: %w: none from %s to %s", next.Category, ledger.ErrInvalid, ErrTaxGap,
				until.Format(time.RFC3339), next.From.Format(time.RFC3339))
		case next.Until.IsZero() || next.Until.After(until):
			until = next.Until
		}
	}
	return nil
}

// clone returns a copy of what [Catalogue.Admit] looks at.
func (c *Catalogue) clone() *Catalogue {
	d := &Catalogue{
		products: map[ledger.SKU][]listing{}, prices: map[ledger.SKU][]pricing{}, promotions: map[string][]promoting{},
		taxes: map[string][]taxing{},
	}
	for category, rates := range c.taxes {
		d.taxes[category] = slices.Clone(rates)
	}
	return d
}
