package cart

import (
	"encoding/json"
	"fmt"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
)

// A Book finds products in a price list. Its zero value knows none.
type Book struct {
	List vision.PriceList
	gtin map[string]*vision.Product
	sku  map[ledger.SKU]*vision.Product
}

// ReadBook reads a price list as the server of a shop gives it. A number that
// stands on two products finds neither: which price is meant a person must say.
func ReadBook(b []byte, store ledger.StoreID) (*Book, error) {
	k := &Book{gtin: map[string]*vision.Product{}, sku: map[ledger.SKU]*vision.Product{}}
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
func (k *Book) Barcode(digits string) *vision.Product {
	n, ok := normal(digits)
	if !ok {
		return nil
	}
	return k.gtin[n]
}

// Keyed returns the product of a number that a shopper keys in: a PLU, which
// is the SKU of what has no label, or nil.
func (k *Book) Keyed(number string) *vision.Product { return k.sku[ledger.SKU(number)] }
