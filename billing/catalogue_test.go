package billing_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

func catalogue(t *testing.T, ps ...ledger.Payload) (*billing.Catalogue, *history) {
	t.Helper()
	c, h := &billing.Catalogue{}, &history{stream: "catalogue-main", at: noon}
	for _, p := range ps {
		if err := c.Apply(h.event(p)); err != nil {
			t.Fatalf("Apply(%s) = %v, want nil", p.Kind(), err)
		}
	}
	return c, h
}

func vat(category, rate string, from, until time.Time) ledger.TaxSet {
	return ledger.TaxSet{
		Category: category, Jurisdiction: "DE", Rate: rate, Inclusive: true, Rounding: money.HalfUp, From: from, Until: until,
	}
}

// TestABottleOfBeerIsPricedWithAllThatHangsOnIt checks that deposit, age,
// weight and tax come with the price.
func TestABottleOfBeerIsPricedWithAllThatHangsOnIt(t *testing.T) {
	pfand := ledger.Deposit{Name: "Pfand", Amount: eur(8), TaxCategory: "full"}
	c, _ := catalogue(t,
		ledger.ProductListed{SKU: "beer", Name: "Beer", Category: "drinks", TaxCategory: "full", Deposit: pfand, MinAge: 16, TareGrams: 5},
		ledger.ProductListed{SKU: "apples", Name: "Apples", Category: "fruit", TaxCategory: "food", TareGrams: 12},
		ledger.PriceSet{SKU: "beer", Price: eur(129), From: noon},
		ledger.PriceSet{SKU: "apples", Price: eur(499), From: noon, Per: ledger.PerKilogram},
		vat("full", "0.19", noon, time.Time{}), vat("food", "0.07", noon, time.Time{}),
	)
	full := ledger.TaxRule{Category: "full", Jurisdiction: "DE", Rate: "0.19", Inclusive: true, Rounding: money.HalfUp}
	beer, missing := c.Price("beer", noon, "EUR")
	beer.Price = ledger.ID{}
	want := ledger.ItemPriced{
		SKU: "beer", Name: "Beer", Category: "drinks", Unit: eur(129), Tax: full, Deposit: pfand, DepositTax: full, MinAge: 16,
	}
	if diff := cmp.Diff(want, beer); diff != "" || missing != "" {
		t.Errorf("Price(beer) misses %q (-want +got)\n%s", missing, diff)
	}
	if apples, _ := c.Price("apples", noon, "EUR"); apples.Per != ledger.PerKilogram || apples.TareGrams != 12 {
		t.Errorf("Price(apples) is per %q with a tare of %d g, want kg and 12", apples.Per, apples.TareGrams)
	}
}

// TestATaxCutEnds checks that behind a rate for half a year the one before
// holds again, and that without one there is no tax to price with.
func TestATaxCutEnds(t *testing.T) {
	hour := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }
	c, h := catalogue(t,
		ledger.ProductListed{SKU: "beer", Name: "Beer", Category: "drinks", TaxCategory: "full"},
		ledger.PriceSet{SKU: "beer", Price: eur(129), From: noon},
		vat("full", "0.19", noon, time.Time{}), vat("full", "0.16", hour(2), hour(4)),
	)
	for at, want := range map[int]string{0: "0.19", 1: "0.19", 2: "0.16", 3: "0.16", 4: "0.19", 9: "0.19"} {
		if p, _ := c.Price("beer", hour(at), "EUR"); p.Tax.Rate != want {
			t.Errorf("after %d hours the rate is %q, want %q", at, p.Tax.Rate, want)
		}
	}
	for _, p := range []ledger.Payload{
		ledger.ProductListed{SKU: "wine", Name: "Wine", Category: "drinks", TaxCategory: "wine"},
		ledger.PriceSet{SKU: "wine", Price: eur(999), From: noon},
		vat("wine", "0.19", noon, hour(1)),
	} {
		if err := c.Apply(h.event(p)); err != nil {
			t.Fatal(err)
		}
	}
	if _, missing := c.Price("wine", hour(1), "EUR"); missing != billing.MissingTax {
		t.Errorf("wine misses %q when its rate is over, want %q", missing, billing.MissingTax)
	}
}

// TestWhatACatalogueDoesNotTake checks that a price below nothing, a currency
// that is not the seller's or is none, and a tax table with a gap are refused,
// and that the catalogue stays as it was.
func TestWhatACatalogueDoesNotTake(t *testing.T) {
	hour := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }
	c, _ := catalogue(t, vat("food", "0.07", noon, hour(5)))
	price := func(m money.Money) ledger.Payload { return ledger.PriceSet{SKU: "cola", Price: m, From: noon} }
	deposit := func(m money.Money) ledger.Payload {
		return ledger.ProductListed{
			SKU: "cola", Name: "Cola", Category: "drinks", TaxCategory: "food", Deposit: ledger.Deposit{Name: "Pfand", Amount: m},
		}
	}
	off := func(m money.Money) ledger.Payload {
		return ledger.PromotionSet{Promotion: ledger.Promotion{
			Promotion: "p", Name: "P", Kind: ledger.PromotionAmount, Amount: m, From: noon, Until: hour(1),
		}}
	}
	for _, tt := range []struct {
		name  string
		facts []ledger.Payload
		want  error
	}{
		{"a price of nothing", []ledger.Payload{price(eur(0))}, nil},
		{"a negative price", []ledger.Payload{price(eur(-1))}, ledger.ErrInvalid},
		{"an unknown currency", []ledger.Payload{price(money.Money{Minor: 1, Currency: "ZZZ"})}, money.ErrCurrency},
		{"another currency than the seller's", []ledger.Payload{price(money.Money{Minor: 1, Currency: "USD"})}, money.ErrCurrency},
		{"a deposit in another currency", []ledger.Payload{deposit(money.Money{Minor: 1, Currency: "USD"})}, money.ErrCurrency},
		{"a deposit below nothing", []ledger.Payload{deposit(eur(-1))}, ledger.ErrInvalid},
		{"a promotion in another currency", []ledger.Payload{off(money.Money{Minor: 1, Currency: "USD"})}, money.ErrCurrency},
		{"a rate that follows at once", []ledger.Payload{vat("food", "0.05", hour(5), time.Time{})}, nil},
		{"a rate that begins before the other ends", []ledger.Payload{vat("food", "0.05", hour(4), hour(9))}, nil},
		{"a rate that leaves an hour without one", []ledger.Payload{vat("food", "0.05", hour(6), time.Time{})}, billing.ErrTaxGap},
		{
			"a table that is whole together",
			[]ledger.Payload{vat("food", "0.06", hour(6), time.Time{}), vat("food", "0.05", hour(5), hour(6))},
			nil,
		},
		{"a table with a gap of its own", []ledger.Payload{vat("x", "0.1", noon, hour(1)), vat("x", "0.2", hour(2), hour(3))}, billing.ErrTaxGap},
	} {
		if err := c.Admit("EUR", tt.facts...); !errors.Is(err, tt.want) || (tt.want == nil) != (err == nil) {
			t.Errorf("Admit(%s) = %v, want %v", tt.name, err, tt.want)
		}
	}
	if c.Events() != 1 || c.Has("cola") {
		t.Errorf("the catalogue has %d events after Admit, want 1: nothing is added", c.Events())
	}
	listed := ledger.ProductListed{SKU: "cola", Name: "Cola", Category: "drinks", TaxCategory: "luxury"}
	if err := c.Untaxed(listed); !errors.Is(err, billing.ErrTaxGap) {
		t.Errorf("Untaxed(a category without a rate) = %v, want ErrTaxGap", err)
	}
	if err := c.Untaxed(listed, vat("luxury", "0.3", noon, time.Time{})); err != nil {
		t.Errorf("Untaxed(with its rate) = %v, want nil", err)
	}
}

// TestPromotionsOfTheDay checks which terms are in force when.
func TestPromotionsOfTheDay(t *testing.T) {
	half := ledger.Promotion{
		Promotion: "half", Name: "Half", Kind: ledger.PromotionPercent, PerMille: 500, From: noon, Until: noon.Add(2 * time.Hour),
	}
	more := half
	more.PerMille = 600
	c, h := catalogue(t, ledger.PromotionSet{Promotion: half})
	h.at = noon.Add(time.Hour)
	if err := c.Apply(h.event(ledger.PromotionSet{Promotion: more})); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		at   time.Duration
		want []int
	}{
		{-time.Microsecond, nil},
		{0, []int{500}},
		{time.Hour, []int{600}},
		{2 * time.Hour, nil},
	} {
		var got []int
		for p := range c.Promotions(noon.Add(tt.at)) {
			got = append(got, p.PerMille)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("promotions after %s (-want +got)\n%s", tt.at, diff)
		}
	}
}
