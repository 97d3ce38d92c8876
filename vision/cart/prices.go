package cart

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// A Product is what a shop sells, as the server's price list says it.
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

// A PriceList is what a shop sold at one moment.
type PriceList struct {
	Store         ledger.StoreID `json:"store"`
	At            time.Time      `json:"at"`
	Currency      money.Currency `json:"currency"`
	WeighGrams    int            `json:"weigh_grams"`
	WeighPerMille int            `json:"weigh_per_mille"`
	Products      []Product      `json:"products"`
}

// A Book finds products in a price list. Its zero value knows none.
type Book struct {
	List PriceList
	gtin map[string]*Product
	sku  map[ledger.SKU]*Product
}

// ReadBook reads a price list as the server of a shop gives it. A number that
// stands on two products finds neither: which price is meant a person must say.
func ReadBook(b []byte, store ledger.StoreID) (*Book, error) {
	k := &Book{gtin: map[string]*Product{}, sku: map[ledger.SKU]*Product{}}
	if err := json.Unmarshal(b, &k.List); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPrices, err)
	}
	switch l := &k.List; {
	case l.Store != store:
		return nil, fmt.Errorf("%w: it is of shop %q, not of %q", ErrPrices, l.Store, store)
	case l.At.IsZero():
		return nil, fmt.Errorf("%w: it does not say of when it is", ErrPrices)
	}
	if _, err := k.List.Currency.Exponent(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPrices, err)
	}
	for i := range k.List.Products {
		p := &k.List.Products[i]
		if p.Unit.Currency != k.List.Currency || p.Unit.Minor < 0 || p.SKU == "" || p.Name == "" || p.Grams < 0 || p.TareGrams < 0 {
			return nil, fmt.Errorf("%w: product %q at %s", ErrPrices, p.SKU, p.Unit)
		}
		k.sku[p.SKU] = p
		n, ok := normal(p.GTIN)
		if !ok {
			continue
		}
		if _, twice := k.gtin[n]; twice {
			k.gtin[n] = nil
			continue
		}
		k.gtin[n] = p
	}
	return k, nil
}

// normal returns a GTIN with 14 digits, and whether it is one.
func normal(gtin string) (string, bool) {
	if gtin == "" || ledger.ValidateGTIN(gtin) != nil {
		return "", false
	}
	return "00000000000000"[:14-len(gtin)] + gtin, true
}

// Barcode returns the product on whose label the digits stand, or nil.
func (k *Book) Barcode(digits string) *Product {
	n, ok := normal(digits)
	if !ok {
		return nil
	}
	return k.gtin[n]
}

// Keyed returns the product of a number that a shopper keys in: a PLU, which
// is the SKU of what has no label, or nil.
func (k *Book) Keyed(number string) *Product { return k.sku[ledger.SKU(number)] }
