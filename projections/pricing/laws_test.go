package pricing_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections/pricing"
)

var rules = []ledger.TaxRule{
	food,
	{Category: "drinks", Jurisdiction: "DE", Rate: "0.19", Inclusive: true, Rounding: money.HalfEven, Basis: ledger.TaxPerReceipt},
	{Category: "all", Jurisdiction: "US-WA", Rate: "0.1035", Rounding: money.HalfUp, Parts: "US-WA=0.065 US-WA-SEATTLE=0.0385"},
	{Category: "all", Jurisdiction: "US-NY", Rate: "0.08875", Rounding: money.HalfUp, Basis: ledger.TaxPerReceipt},
	{Category: "exempt", Jurisdiction: "US-WA", Rate: "0", Rounding: money.Down},
}

func anyItem(t *rapid.T, n int, c money.Currency) pricing.Item {
	sku := rapid.SampledFrom([]ledger.SKU{"cola", "chips", "gum", "apples", "milk"}).Draw(t, "sku")
	it := goods(sku, rapid.IntRange(1, 4).Draw(t, "pieces"), rapid.SampledFrom([]int64{0, 1, 99, 100, 333, 1999}).Draw(t, "price"), c,
		rapid.SampledFrom(rules).Draw(t, "rule"))
	it.Priced.Category = rapid.SampledFrom([]string{"drinks", "snacks"}).Draw(t, "category")
	it.Detection = ledger.DeriveID(ledger.ID{}, fmt.Sprint(n))
	switch sku {
	case "apples":
		it.Priced.Per, it.Priced.TareGrams = ledger.PerKilogram, 12
		it.Grams = rapid.IntRange(0, 3000).Draw(t, "grams")
	case "cola":
		it.Priced.Deposit = ledger.Deposit{Name: "Deposit", Amount: amount(25, c)}
		if rapid.Bool().Draw(t, "deposit taxed") {
			it.Priced.DepositTax = rapid.SampledFrom(rules).Draw(t, "rule of the deposit")
		}
	}
	if rapid.Bool().Draw(t, "cheaper at the exit") && it.Unit.Minor > 0 {
		it.Unit.Minor--
	}
	it.At = noon.Add(time.Duration(rapid.IntRange(-1, 2).Draw(t, "hour")) * time.Hour)
	return it
}

func anyOffer(t *rapid.T, n int, c money.Currency) pricing.Offer {
	p := ledger.Promotion{
		Promotion: fmt.Sprintf("p%d", n), Name: "Promotion",
		Kind: rapid.SampledFrom([]ledger.PromotionKind{
			ledger.PromotionPercent, ledger.PromotionAmount, ledger.PromotionMember, ledger.PromotionNForM, ledger.PromotionMix,
		}).Draw(t, "kind"),
		Stacks: rapid.Bool().Draw(t, "stacks"), Priority: rapid.IntRange(0, 2).Draw(t, "priority"),
		Limit: rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "limit"), From: noon, Until: noon.Add(2 * time.Hour),
	}
	switch p.Kind {
	case ledger.PromotionPercent:
		p.PerMille = rapid.IntRange(1, 1000).Draw(t, "per mille")
	case ledger.PromotionAmount:
		p.Amount = amount(rapid.Int64Range(1, 500).Draw(t, "off"), c)
	case ledger.PromotionMember:
		p.Members, p.Amount = true, amount(rapid.Int64Range(1, 500).Draw(t, "members pay"), c)
	case ledger.PromotionNForM:
		p.Take = rapid.IntRange(2, 4).Draw(t, "take")
		p.Pay = rapid.IntRange(1, p.Take-1).Draw(t, "pay")
	case ledger.PromotionMix:
		p.Take, p.Amount = rapid.IntRange(2, 4).Draw(t, "take"), amount(rapid.Int64Range(1, 2000).Draw(t, "together"), c)
	}
	switch rapid.IntRange(0, 2).Draw(t, "names") {
	case 0:
		p.SKUs = rapid.SliceOfNDistinct(rapid.SampledFrom([]ledger.SKU{"cola", "chips", "gum", "apples", "milk"}), 1, 3,
			rapid.ID[ledger.SKU]).Draw(t, "skus")
	case 1:
		p.Categories = []string{rapid.SampledFrom([]string{"drinks", "snacks"}).Draw(t, "of category")}
	}
	o := pricing.Offer{Promotion: &p}
	if rapid.IntRange(0, 3).Draw(t, "coupon") == 0 {
		o.Coupon, p.Coupon = fmt.Sprintf("c%d", n), true
	}
	return o
}

// anyBasket draws a basket of up to eight picks and six offers: enough that
// offers compete, few enough that all combinations are tried.
func anyBasket(t *rapid.T) *pricing.Basket {
	c := rapid.SampledFrom([]money.Currency{"EUR", "USD", "JPY", "KWD"}).Draw(t, "currency")
	b := &pricing.Basket{Currency: c, Member: rapid.Bool().Draw(t, "member")}
	for i := range rapid.IntRange(0, 8).Draw(t, "items") {
		b.Items = append(b.Items, anyItem(t, i, c))
	}
	for i := range rapid.IntRange(0, 6).Draw(t, "offers") {
		b.Offers = append(b.Offers, anyOffer(t, i, c))
	}
	return b
}

func priced(t *rapid.T, b *pricing.Basket) []pricing.Line {
	t.Helper()
	ls, err := pricing.Lines(b)
	if err != nil {
		t.Fatalf("Lines() = %v, want nil", err)
	}
	return ls
}

// unsound returns what is wrong with the sums of a basket's lines.
func unsound(b *pricing.Basket, ls []pricing.Line) error {
	pieces := 0
	for _, it := range b.Items {
		pieces += it.Pieces
	}
	for _, l := range ls {
		pieces -= l.Quantity
		paid := l.Goods.Net
		if l.First.Tax.Inclusive {
			paid = l.Goods.Gross
		}
		for _, d := range l.Discounts {
			if d.Amount.Minor <= 0 || d.Pieces < 1 || d.Pieces > l.Quantity || d.Reason == "" {
				return fmt.Errorf("%s: a discount of %s on %d of %d pieces, %q", l.First.SKU, d.Amount, d.Pieces, l.Quantity, d.Reason)
			}
			paid.Minor += d.Amount.Minor
		}
		if paid != l.List {
			return fmt.Errorf("%s: what is paid and the discounts are %s, the list price is %s", l.First.SKU, paid, l.List)
		}
		if l.Goods.Net.Minor < 0 || l.Goods.Gross.Minor < 0 {
			return fmt.Errorf("%s costs less than nothing: %v", l.First.SKU, l.Goods)
		}
		for _, a := range []pricing.Amount{l.Goods, l.Deposited} {
			if a.Net.Minor+a.Tax.Minor != a.Gross.Minor {
				return fmt.Errorf("%s: %s and %s are not %s", l.First.SKU, a.Net, a.Tax, a.Gross)
			}
		}
		deposit := l.Deposited.Net
		if l.First.DepositTax.Inclusive {
			deposit = l.Deposited.Gross
		}
		if deposit.Minor != l.First.Deposit.Amount.Minor*int64(l.Quantity) {
			return fmt.Errorf("%s: deposits of %s for %d pieces", l.First.SKU, deposit, l.Quantity)
		}
	}
	if pieces != 0 {
		return fmt.Errorf("%d pieces are on no line", pieces)
	}
	return nil
}

func TestLinesSumToTotals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := anyBasket(t)
		if err := unsound(b, priced(t, b)); err != nil {
			t.Fatal(err)
		}
	})
}

// TestDiscountsStayWithinTheListPrice also breaks the law on purpose: a cent
// more off a line is found.
func TestDiscountsStayWithinTheListPrice(t *testing.T) {
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		b := anyBasket(t)
		ls := priced(t, b)
		for i := range ls {
			off := int64(0)
			for _, d := range ls[i].Discounts {
				off += d.Amount.Minor
			}
			if off < 0 || off > ls[i].List.Minor {
				t.Fatalf("%s: %d off a list price of %s", ls[i].First.SKU, off, ls[i].List)
			}
			if len(ls[i].Discounts) > 0 {
				ls[i].Discounts[0].Amount.Minor++
				if unsound(b, ls) == nil {
					t.Fatalf("%s: a cent more off was not found", ls[i].First.SKU)
				}
				ls[i].Discounts[0].Amount.Minor--
				found++
			}
		}
	})
	if found == 0 {
		t.Error("no basket had a discount")
	}
}

// TestTaxIsSharedOutExactly computes the tax of each rule of a receipt again,
// in one piece.
func TestTaxIsSharedOutExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := anyBasket(t)
		type sum struct{ price, tax int64 }
		sums := map[ledger.TaxRule]sum{}
		put := func(rule ledger.TaxRule, a pricing.Amount) {
			price := a.Net.Minor
			if rule.Inclusive {
				price = a.Gross.Minor
			}
			sums[rule] = sum{sums[rule].price + price, sums[rule].tax + a.Tax.Minor}
		}
		for _, l := range priced(t, b) {
			put(l.First.Tax, l.Goods)
			put(l.First.DepositTax, l.Deposited)
			for _, a := range []pricing.Amount{l.Goods, l.Deposited} {
				if a.Gross.Minor == 0 && a.Tax.Minor != 0 {
					t.Fatalf("%s: nothing is taxed with %s", l.First.SKU, a.Tax)
				}
			}
		}
		for rule, have := range sums {
			if rule.Basis != ledger.TaxPerReceipt {
				continue
			}
			want, err := pricing.TaxOf(amount(have.price, b.Currency), &rule)
			if err != nil || want.Tax.Minor != have.tax {
				t.Fatalf("the lines of %s have %d of tax, their sum %v, %v", rule.Jurisdiction, have.tax, want.Tax, err)
			}
		}
	})
}

func TestAFurtherPromotionNeverRaisesTheTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := anyBasket(t)
		price := func() (sum int64) {
			for _, l := range priced(t, b) {
				sum += l.List.Minor
				for _, d := range l.Discounts {
					sum -= d.Amount.Minor
				}
			}
			return sum
		}
		before := price()
		b.Offers = append(b.Offers, anyOffer(t, rapid.IntRange(-9, 9).Draw(t, "name"), b.Currency))
		if after := price(); after > before {
			t.Fatalf("with one more promotion the basket costs %d, before it cost %d", after, before)
		}
	})
}

func TestTheOrderOfPicksDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := anyBasket(t)
		before := priced(t, b)
		b.Items = rapid.Permutation(b.Items).Draw(t, "items in another order")
		b.Offers = rapid.Permutation(b.Offers).Draw(t, "offers in another order")
		after := priced(t, b)
		if got, want := total(after), total(before); got != want {
			t.Fatalf("told in another order the basket costs %v, not %v", got, want)
		}
		for _, l := range before {
			i := slices.IndexFunc(after, func(m pricing.Line) bool { return m.Key() == l.Key() })
			if i < 0 || fmt.Sprint(after[i].Discounts) != fmt.Sprint(l.Discounts) {
				t.Fatalf("told in another order %s has other discounts", l.First.SKU)
			}
		}
	})
}

// TestPiecesThatGoTakeTheirShare takes pieces off a line in whatever steps:
// what is left is never below nothing, never more than before, and explained.
func TestPiecesThatGoTakeTheirShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := anyBasket(t)
		for _, l := range priced(t, b) {
			base := l.Item("")
			last := base
			for n := base.Quantity; n >= 0; n-- {
				left, err := pricing.Keep(base, n)
				if err != nil {
					t.Fatalf("Keep(%d of %d) = %v, want nil", n, base.Quantity, err)
				}
				if left.Gross.Minor < 0 || left.Gross.Minor > last.Gross.Minor || left.Net.Minor > last.Net.Minor {
					t.Fatalf("%d of %d pieces of %s cost %s, one more %s", n, base.Quantity, l.First.SKU, left.Gross, last.Gross)
				}
				if n == 0 && (left.Gross.Minor != 0 || left.Grams != 0 || len(left.Discounts) > 0) {
					t.Fatalf("no piece of %s costs %s", l.First.SKU, left.Gross)
				}
				paid := left.Net
				if left.TaxRule.Inclusive {
					paid = left.Gross
				}
				for _, d := range left.Discounts {
					paid.Minor += d.Amount.Minor
				}
				if len(left.Discounts) > 0 && paid != left.List {
					t.Fatalf("%d of %d pieces of %s: %s is not the list price %s", n, base.Quantity, l.First.SKU, paid, left.List)
				}
				last = left
			}
		}
	})
}
