package pricing_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections/pricing"
)

// tenLines is a basket of ten products: one weighed, two with a deposit.
func tenLines(offers ...pricing.Offer) *pricing.Basket {
	b := &pricing.Basket{Currency: "USD", Offers: offers}
	for i := range 10 {
		it := goods(ledger.SKU(fmt.Sprintf("sku-%d", i)), 1+i%3, 199+int64(i)*37, "USD", rules[3-i%2])
		switch {
		case i == 4:
			it.Priced.Per, it.Grams, it.Priced.TareGrams = ledger.PerKilogram, 812, 12
		case i%5 == 1:
			it.Priced.Deposit = ledger.Deposit{Name: "Deposit", Amount: amount(5, "USD")}
		}
		b.Items = append(b.Items, it)
	}
	return b
}

func promotion(p ledger.Promotion) pricing.Offer {
	p.Name, p.From, p.Until = p.Promotion, noon.Add(-time.Hour), noon.Add(time.Hour)
	return pricing.Offer{Promotion: &p}
}

// BenchmarkLines prices ten lines, without promotions and with three of which
// two compete.
func BenchmarkLines(b *testing.B) {
	for name, basket := range map[string]*pricing.Basket{
		"plain": tenLines(),
		"promotions": tenLines(
			promotion(ledger.Promotion{Promotion: "tenth", Kind: ledger.PromotionPercent, PerMille: 100, SKUs: []ledger.SKU{"sku-2", "sku-5"}}),
			promotion(ledger.Promotion{Promotion: "3 for 2", Kind: ledger.PromotionNForM, Take: 3, Pay: 2, SKUs: []ledger.SKU{"sku-2"}}),
			promotion(ledger.Promotion{Promotion: "any two", Kind: ledger.PromotionMix, Take: 2, Amount: amount(400, "USD"), SKUs: []ledger.SKU{"sku-0", "sku-7"}}),
		),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := pricing.Lines(basket); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
