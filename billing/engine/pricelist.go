package engine

import (
	"fmt"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// A PriceList is what a shop sells at one instant: what a device in it needs
// to show prices while it cannot ask.
type PriceList struct {
	Store         ledger.StoreID
	At            time.Time
	Currency      money.Currency
	WeighGrams    int // what a cart may be off by
	WeighPerMille int // and of its weight besides
	Products      []billing.Listed
}

// PriceList returns what a shop sells at the instant at, by SKU.
func (e *Engine) PriceList(id ledger.StoreID, at time.Time) (PriceList, error) {
	s := e.stores[id]
	if s == nil || s.opened == nil {
		return PriceList{}, fmt.Errorf("prices of %s: %w", id, ErrUnknownStore)
	}
	l := PriceList{Store: id, At: at, Currency: s.opened.Seller.Currency}
	if s.policy != nil {
		l.WeighGrams, l.WeighPerMille = billing.WeighTolerance(s.policy, 0), s.policy.WeighPerMille
	}
	if c := e.catalogues[s.opened.Catalogue]; c != nil {
		l.Products = c.List(at, l.Currency)
	}
	return l, nil
}
