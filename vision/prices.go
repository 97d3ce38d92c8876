package vision

import (
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// A Product is what a shop sells, as its price list says it.
type Product struct {
	SKU       ledger.SKU       `json:"sku"`
	GTIN      string           `json:"gtin,omitempty"`
	Name      string           `json:"name"`
	Unit      money.Money      `json:"unit"`
	Per       ledger.PriceUnit `json:"per,omitempty"` // what Unit is for
	TareGrams int              `json:"tare_grams,omitempty"`
	Deposit   money.Money      `json:"deposit,omitzero"`
	MinAge    int              `json:"min_age,omitempty"`
	Grams     int              `json:"grams,omitempty"`     // of a piece; 0 is not known
	TaxAdded  bool             `json:"tax_added,omitempty"` // tax comes on top
}

// Weighed reports whether the scale says what a piece costs.
func (p *Product) Weighed() bool { return p.Per == ledger.PerKilogram }

// Amount returns what a piece costs, as far as a cart can know: with its
// deposit, without tax that is added and without offers. Grams are what the
// scale said, packing included.
func (p *Product) Amount(grams int) (money.Money, error) {
	m := p.Unit
	if p.Weighed() {
		var err error
		if m, err = money.NewRate(uint32(max(0, grams-p.TareGrams)), 1000).Of(p.Unit, money.HalfUp); err != nil { //nolint:gosec // at most MaxCartGrams
			return money.Money{}, err
		}
	}
	if p.Deposit.IsZero() {
		return m, nil
	}
	return m.Add(p.Deposit)
}

// A PriceList is what a shop sells at one moment: what a device in it needs to
// show prices while it is cut off.
type PriceList struct {
	Store         ledger.StoreID `json:"store"`
	At            time.Time      `json:"at"`
	Currency      money.Currency `json:"currency"`
	WeighGrams    int            `json:"weigh_grams"`
	WeighPerMille int            `json:"weigh_per_mille"`
	Products      []Product      `json:"products"`
}
