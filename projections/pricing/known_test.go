package pricing_test

import (
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections/pricing"
)

var (
	noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

	food   = ledger.TaxRule{Category: "food", Jurisdiction: "DE", Rate: "0.07", Inclusive: true, Rounding: money.HalfUp}
	drinks = ledger.TaxRule{Category: "drinks", Jurisdiction: "DE", Rate: "0.19", Inclusive: true, Rounding: money.HalfUp}
)

func amount(minor int64, c money.Currency) money.Money { return money.Money{Minor: minor, Currency: c} }

// goods is a pick of pieces of a product.
func goods(sku ledger.SKU, pieces int, price int64, c money.Currency, rule ledger.TaxRule) pricing.Item {
	p := &ledger.ItemPriced{
		Detection: ledger.DeriveID(ledger.ID{}, string(sku)), SKU: sku, Name: strings.ToUpper(string(sku)),
		Category: rule.Category, Unit: amount(price, c), Tax: rule,
	}
	return pricing.Item{Priced: p, Unit: p.Unit, Pieces: pieces, At: noon}
}

func lines(t *testing.T, b *pricing.Basket) []pricing.Line {
	t.Helper()
	ls, err := pricing.Lines(b)
	if err != nil {
		t.Fatalf("Lines() = %v, want nil", err)
	}
	return ls
}

// total sums lines and their deposits.
func total(ls []pricing.Line) (sum pricing.Amount) {
	for _, l := range ls {
		for _, a := range []pricing.Amount{l.Goods, l.Deposited} {
			sum.Net.Minor += a.Net.Minor
			sum.Tax.Minor += a.Tax.Minor
			sum.Gross.Minor += a.Gross.Minor
		}
	}
	return sum
}

// TestKnownBaskets checks what others have computed: by hand, by law, or by
// another program.
func TestKnownBaskets(t *testing.T) {
	lago := func(basis ledger.TaxBasis) *pricing.Basket {
		rule := ledger.TaxRule{Category: "all", Jurisdiction: "FR", Rate: "0.20", Rounding: money.HalfUp, Basis: basis}
		b := &pricing.Basket{Currency: "EUR"}
		for i, price := range []int64{6833, 6833, 5750, 8500} {
			b.Items = append(b.Items, goods(ledger.SKU("fee-"+string(rune('a'+i))), 1, price, "EUR", rule))
		}
		return b
	}
	washington := ledger.TaxRule{Category: "all", Jurisdiction: "US-WA", Rate: "0.1035", Rounding: money.HalfUp}
	even := washington
	even.Rounding = money.HalfEven
	apples := goods("apples", 1, 499, "EUR", food)
	apples.Priced.Per, apples.Grams = ledger.PerKilogram, 735
	cola := goods("cola", 2, 109, "EUR", drinks)
	cola.Priced.Deposit = ledger.Deposit{Name: "Pfand", Amount: amount(25, "EUR"), TaxCategory: "drinks"}
	cola.Priced.DepositTax = drinks
	yen := ledger.TaxRule{Category: "food", Jurisdiction: "JP", Rate: "0.08", Rounding: money.Down}
	fils := ledger.TaxRule{Category: "food", Jurisdiction: "BH", Rate: "0.10", Rounding: money.HalfUp}
	for _, tt := range []struct {
		name            string
		basket          *pricing.Basket
		net, tax, gross int64
	}{
		{"Lago's invoice, tax once", lago(ledger.TaxPerReceipt), 27916, 5583, 33499},
		{"Lago's invoice, tax by line", lago(ledger.TaxPerLine), 27916, 5584, 33500},
		// 10.00 at 10.35 % is 1.035: the third decimal above four rounds up.
		{"Washington", &pricing.Basket{Currency: "USD", Items: []pricing.Item{goods("a", 1, 1000, "USD", washington)}}, 1000, 104, 1104},
		{"a banker", &pricing.Basket{Currency: "USD", Items: []pricing.Item{goods("a", 1, 1000, "USD", even)}}, 1000, 104, 1104},
		{"a banker, down", &pricing.Basket{Currency: "USD", Items: []pricing.Item{goods("a", 1, 3000, "USD", even)}}, 3000, 310, 3310},
		{"Washington, up", &pricing.Basket{Currency: "USD", Items: []pricing.Item{goods("a", 1, 3000, "USD", washington)}}, 3000, 311, 3311},
		// Apples 0.735 kg at 4.99, two colas at 1.09, twice Pfand at 0.25.
		{"a German basket", &pricing.Basket{Currency: "EUR", Items: []pricing.Item{apples, cola}}, 568, 67, 635},
		{"yen have no cents", &pricing.Basket{Currency: "JPY", Items: []pricing.Item{goods("a", 1, 119, "JPY", yen)}}, 119, 9, 128},
		{"dinars have three places", &pricing.Basket{Currency: "BHD", Items: []pricing.Item{goods("a", 1, 1235, "BHD", fils)}}, 1235, 124, 1359},
	} {
		got := total(lines(t, tt.basket))
		if got.Net.Minor != tt.net || got.Tax.Minor != tt.tax || got.Gross.Minor != tt.gross {
			t.Errorf("%s: net %d, tax %d, gross %d; want %d, %d, %d", tt.name,
				got.Net.Minor, got.Tax.Minor, got.Gross.Minor, tt.net, tt.tax, tt.gross)
		}
	}
}
