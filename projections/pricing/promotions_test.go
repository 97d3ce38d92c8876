package pricing_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections/pricing"
)

// shop is what the baskets of TestPromotions are made of.
func shop(sku ledger.SKU, pieces int) pricing.Item {
	price := map[ledger.SKU]int64{"cola": 199, "chips": 249, "gum": 33, "apples": 499, "wine": 1999}[sku]
	it := goods(sku, pieces, price, "EUR", food)
	if sku == "apples" {
		it.Priced.Per, it.Grams, it.Pieces = ledger.PerKilogram, pieces, 1
	}
	return it
}

// told writes the discounts of lines, one row each.
func told(ls []pricing.Line) string {
	var b strings.Builder
	for _, l := range ls {
		for _, d := range l.Discounts {
			fmt.Fprintf(&b, "%s: -%s %s on %d: %s\n", l.First.SKU, d.Amount.Decimal(), d.Promotion, d.Pieces, d.Reason)
		}
	}
	return b.String()
}

// TestPromotions tells what shoppers with a few things in their bag pay, and
// what their receipts say about it.
func TestPromotions(t *testing.T) {
	half := promotion(ledger.Promotion{Promotion: "half", Kind: ledger.PromotionPercent, PerMille: 500, SKUs: []ledger.SKU{"cola"}})
	fifth := promotion(ledger.Promotion{Promotion: "fifth", Kind: ledger.PromotionPercent, PerMille: 125})
	twoForOne := promotion(ledger.Promotion{Promotion: "2for1", Kind: ledger.PromotionNForM, Take: 2, Pay: 1, Limit: 1, SKUs: []ledger.SKU{"cola"}})
	threeForTwo := promotion(ledger.Promotion{Promotion: "3for2", Kind: ledger.PromotionNForM, Take: 3, Pay: 2})
	mix := promotion(ledger.Promotion{Promotion: "lunch", Kind: ledger.PromotionMix, Take: 2, Amount: amount(350, "EUR"), SKUs: []ledger.SKU{"cola", "chips"}})
	member := promotion(ledger.Promotion{Promotion: "club", Kind: ledger.PromotionMember, Members: true, Amount: amount(399, "EUR"), SKUs: []ledger.SKU{"apples"}})
	off := promotion(ledger.Promotion{Promotion: "off", Kind: ledger.PromotionAmount, Amount: amount(50, "EUR"), SKUs: []ledger.SKU{"gum", "apples"}})
	coupon := promotion(ledger.Promotion{Promotion: "five", Kind: ledger.PromotionAmount, Coupon: true, Amount: amount(500, "EUR"), Limit: 1, Stacks: true, SKUs: []ledger.SKU{"wine"}})
	first, second := coupon, coupon
	first.Coupon, second.Coupon = "c1", "c2"
	cheaper := shop("cola", 1)
	cheaper.Unit.Minor = 149
	late := shop("cola", 1)
	late.At = half.Until
	for _, tt := range []struct {
		name   string
		items  []pricing.Item
		offers []pricing.Offer
		member bool
		want   string
		net    int64 // list price less discounts
	}{
		{"half price", []pricing.Item{shop("cola", 3)}, []pricing.Offer{half}, false, "cola: -3.00 half on 3: 50 % off\n", 297},
		{
			"an eighth off everything",
			[]pricing.Item{shop("cola", 1), shop("gum", 1)},
			[]pricing.Offer{fifth},
			false,
			"cola: -0.25 fifth on 1: 12.5 % off\ngum: -0.04 fifth on 1: 12.5 % off\n", 203,
		},
		{
			"the better of two that compete",
			[]pricing.Item{shop("cola", 2)},
			[]pricing.Offer{fifth, half},
			false,
			"cola: -2.00 half on 2: 50 % off\n", 198,
		},
		{
			"of equal ones the first",
			[]pricing.Item{shop("cola", 2)},
			[]pricing.Offer{half, twoForOne},
			false,
			"cola: -2.00 half on 2: 50 % off\n", 198,
		},
		{
			"one free, the other two at half price",
			[]pricing.Item{shop("cola", 4)},
			[]pricing.Offer{half, twoForOne},
			false,
			"cola: -4.00 half on 4: 50 % off\n", 396,
		},
		{
			"two for one, once",
			[]pricing.Item{shop("cola", 5)},
			[]pricing.Offer{twoForOne},
			false,
			"cola: -1.99 2for1 on 2: 2 for 1: 1 of 2 free\n", 796,
		},
		{
			"the cheapest of three is free",
			[]pricing.Item{shop("cola", 2), cheaper},
			[]pricing.Offer{threeForTwo},
			false,
			"cola: -1.49 3for2 on 1: 3 for 2: 1 of 1 free\n", 398,
		},
		{"three different things are not three of one", []pricing.Item{shop("cola", 2), shop("chips", 1)}, []pricing.Offer{threeForTwo}, false, "", 647},
		{
			"any two",
			[]pricing.Item{shop("cola", 2), shop("chips", 1)},
			[]pricing.Offer{mix},
			false,
			"cola: -0.44 lunch on 1: any 2 for 3.50\nchips: -0.54 lunch on 1: any 2 for 3.50\n", 549,
		},
		{"any two that cost less alone", []pricing.Item{shop("cola", 1), cheaper}, []pricing.Offer{mix}, false, "", 348},
		{
			"members",
			[]pricing.Item{shop("apples", 735)},
			[]pricing.Offer{member},
			true,
			"apples: -0.74 club on 1: members pay 3.99 per kg\n", 293,
		},
		{"no member", []pricing.Item{shop("apples", 735)}, []pricing.Offer{member}, false, "", 367},
		{
			"never below zero",
			[]pricing.Item{shop("gum", 2), shop("apples", 100)},
			[]pricing.Offer{off},
			false,
			"gum: -0.66 off on 2: 0.50 off each\napples: -0.05 off on 1: 0.50 off per kg\n", 45,
		},
		{
			"two coupons on one bottle and a discount",
			[]pricing.Item{shop("wine", 1)},
			[]pricing.Offer{fifth, second, first},
			false,
			"wine: -2.50 fifth on 1: 12.5 % off\nwine: -5.00 five on 1: 5.00 off each, with a coupon\nwine: -5.00 five on 1: 5.00 off each, with a coupon\n", 749,
		},
		{"picked when it was over", []pricing.Item{late}, []pricing.Offer{half}, false, "", 199},
		{"goods by weight have no pieces", []pricing.Item{shop("apples", 500), shop("apples", 500), shop("apples", 500)}, []pricing.Offer{threeForTwo}, false, "", 750},
	} {
		b := &pricing.Basket{Currency: "EUR", Member: tt.member, Items: tt.items, Offers: tt.offers}
		ls := lines(t, b)
		if diff := cmp.Diff(tt.want, told(ls)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.name, diff)
		}
		if got := total(ls).Gross.Minor; got != tt.net {
			t.Errorf("%s: costs %d, want %d", tt.name, got, tt.net)
		}
	}
}

// TestMoreOffersThanAreTried checks that beyond eight competing offers none
// makes a basket dearer.
func TestMoreOffersThanAreTried(t *testing.T) {
	b := &pricing.Basket{Currency: "EUR", Items: []pricing.Item{shop("cola", 2)}}
	for i := range 12 {
		o := promotion(ledger.Promotion{
			Promotion: fmt.Sprintf("p%02d", i), Kind: ledger.PromotionPercent, PerMille: 10 * (i + 1), Limit: 1,
		})
		b.Offers = append(b.Offers, o)
	}
	want := "cola: -0.14 p06 on 1: 7 % off\ncola: -0.16 p07 on 1: 8 % off\n"
	if diff := cmp.Diff(want, told(lines(t, b))); diff != "" {
		t.Errorf("of twelve offers (-want +got)\n%s", diff)
	}
	alone := *b
	alone.Offers = b.Offers[:8]
	if got, of := total(lines(t, b)).Gross.Minor, total(lines(t, &alone)).Gross.Minor; got > of {
		t.Errorf("with four more offers it costs %d, before it cost %d", got, of)
	}
}

// TestWeighing checks a scale's line: net weight, price by the kilogram,
// rounded as the tax rule says, and nothing for what was not weighed.
func TestWeighing(t *testing.T) {
	for _, tt := range []struct {
		grams, tare int
		round       money.Rounding
		net         int
		want        int64
	}{
		{735, 0, money.HalfUp, 735, 367}, // 3.66765
		{812, 12, money.HalfUp, 800, 399},
		{250, 0, money.Down, 250, 124},
		{250, 0, money.HalfUp, 250, 125},
		{10, 12, money.HalfUp, 0, 0}, // less than its packing
		{0, 0, money.HalfUp, 0, 0},
	} {
		it := shop("apples", tt.grams)
		it.Priced.TareGrams, it.Priced.Tax.Rounding, it.Scale = tt.tare, tt.round, "scale-1"
		l := lines(t, &pricing.Basket{Currency: "EUR", Items: []pricing.Item{it}})[0]
		r := l.Item("")
		if r.Grams != tt.net || r.Gross.Minor != tt.want || r.TareGrams != tt.tare || r.Scale != "scale-1" {
			t.Errorf("%d g less %d g: %d g for %s on %q, want %d g for %d", tt.grams, tt.tare, r.Grams, r.Gross, r.Scale, tt.net, tt.want)
		}
	}
	heavy := shop("apples", ledger.MaxGrams+1)
	if _, err := pricing.Lines(&pricing.Basket{Currency: "EUR", Items: []pricing.Item{heavy}}); !errors.Is(err, money.ErrRange) {
		t.Errorf("Lines(more than a scale weighs) = %v, want ErrRange", err)
	}
}

// TestUnreadableRate checks that a rate that is none is an error and no tax.
func TestUnreadableRate(t *testing.T) {
	it := shop("cola", 1)
	it.Priced.Tax.Rate = "a tenth"
	if ls, err := pricing.Lines(&pricing.Basket{Currency: "EUR", Items: []pricing.Item{it}}); err == nil {
		t.Errorf("Lines(a rate of %q) = %v, want an error", it.Priced.Tax.Rate, ls)
	}
}
