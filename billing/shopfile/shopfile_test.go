package shopfile_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/shopfile"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/memlog"
)

const corner = `{
 "store": "s1", "catalogue": "corner", "valid_from": "2026-11-01T00:00:00Z",
 "seller": {"name": "Corner", "address": "1 Main St", "tax_id": "1", "currency": "USD", "timezone": "America/Los_Angeles"},
 "policy": {"hold": "50.00", "item_min": 800, "action_min": 800, "person_min": 900, "review_seconds": 3600,
  "on_deadline": "for_shopper", "grace_ms": 3000, "gate_seconds": 20, "dispute_days": 60},
 "taxes": [{"category": "food", "jurisdiction": "US-WA", "rate": "0.1035", "inclusive": false, "rounding": "half_up"}],
 "products": [{"sku": "cola", "gtin": "4006381333931", "name": "Cola", "category": "drinks", "tax_category": "food", "price": "1.99"}],
 "planograms": [{"sensor": "cam-1", "digest": "sha256:0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f",
  "slots": [{"slot": "left", "sku": "cola", "capacity": 3, "initial": 3}]}]
}`

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// TestApplyingTwiceChangesNothing opens a shop, opens it again, adds a
// product, and changes a price from a later day on.
func TestApplyingTwiceChangesNothing(t *testing.T) {
	log := memlog.New(func() time.Time { return now })
	apply := func(text string) int {
		t.Helper()
		f, err := shopfile.Parse([]byte(text))
		if err != nil {
			t.Fatalf("Parse = %v, want a file", err)
		}
		n, err := shopfile.Apply(t.Context(), log, f, now, "operator:test")
		if err != nil {
			t.Fatalf("Apply = %v, want nil", err)
		}
		return n
	}
	chips := strings.Replace(corner, `"products": [`, `"products": [{"sku": "chips", "gtin": "", "name": "Chips", "category": "snacks", "tax_category": "food", "price": "2.49"}, `, 1)
	dearer := strings.NewReplacer("2026-11-01", "2026-12-01", "1.99", "2.09").Replace(corner)
	for _, step := range []struct {
		name, text string
		want       int
	}{
		{"a new shop", corner, 6},
		{"the same again", corner, 0},
		{"one product more", chips, 2},
		{"the first file again", corner, 0},
		{"a dearer month", dearer, 6},
	} {
		if got := apply(step.text); got != step.want {
			t.Errorf("%s: Apply = %d events, want %d", step.name, got, step.want)
		}
	}
}

// TestFilesThatAreRefused checks that nothing half-right is taken.
func TestFilesThatAreRefused(t *testing.T) {
	for name, edit := range map[string][2]string{
		"an unknown field":        {`"store"`, `"shop"`},
		"a price of three places": {"1.99", "1.999"},
		"a negative price":        {"1.99", "-1.99"},
		"an unknown currency":     {"USD", "ZZZ"},
		"a wrong check digit":     {"4006381333931", "4006381333932"},
		"an unlisted product":     {`"sku": "cola", "capacity"`, `"sku": "kola", "capacity"`},
		"an impossible slot":      {`"initial": 3`, `"initial": 4`},
		"a tax above one":         {"0.1035", "10.35"},
		"no time for a review":    {`"review_seconds": 3600`, `"review_seconds": 0`},
		"a hold of nothing":       {"50.00", "0"},
		"no JSON":                 {"{", "["},
		"a debt in words":         {`"dispute_days"`, `"debt_limit": "much", "dispute_days"`},
		"a deposit below nothing": {`"price": "1.99"`, `"price": "1.99", "deposit": {"name": "Deposit", "amount": "-0.05"}`},
		"a price by the pound":    {`"price": "1.99"`, `"price": "1.99", "per": "lb"`},
		"parts of another rate":   {`"rounding"`, `"parts": "WA=0.065", "rounding"`},
		"a promotion of nothing":  {`"planograms"`, `"promotions": [{"promotion": "p", "name": "P", "kind": "percent", "from": "2026-11-01T00:00:00Z", "until": "2026-12-01T00:00:00Z"}], "planograms"`},
	} {
		text := strings.Replace(corner, edit[0], edit[1], 1)
		if text == corner {
			t.Fatalf("%s: the edit changes nothing", name)
		}
		if _, err := shopfile.Parse([]byte(text)); err == nil {
			t.Errorf("Parse(%s) = nil error, want a refusal", name)
		}
	}
	twice := strings.Replace(corner, `"products": [`, `"products": [{"sku": "cola", "gtin": "", "name": "Cola", "category": "d", "tax_category": "food", "price": ""}, `, 1)
	if _, err := shopfile.Parse([]byte(twice)); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("Parse(a product twice) = %v, want ErrInvalid", err)
	}
}

// market says all that a shop file can say.
const market = `{
 "store": "s1", "catalogue": "corner", "valid_from": "2026-11-01T00:00:00Z",
 "seller": {"name": "Markt", "address": "Weg 1", "tax_id": "DE1", "currency": "EUR", "timezone": "Europe/Berlin", "country": "DE", "entity": "markt-gmbh"},
 "policy": {"hold": "50.00", "item_min": 800, "action_min": 800, "person_min": 900, "review_seconds": 3600,
  "on_deadline": "for_shopper", "grace_ms": 3000, "gate_seconds": 20, "dispute_days": 60, "price_rule": "pick", "debt_limit": "5.00",
  "adjust_hold": true, "capture_margin_seconds": 7200, "retries": 2, "supplement_seconds": 3600, "fraud_refund_limit": "25.00", "unknown": true},
 "taxes": [
  {"category": "full", "jurisdiction": "DE", "rate": "0.19", "inclusive": true, "rounding": "half_up", "basis": "receipt", "until": "2027-01-01T00:00:00Z"},
  {"category": "full", "jurisdiction": "DE", "rate": "0.16", "inclusive": true, "rounding": "half_up", "from": "2027-01-01T00:00:00Z"}],
 "products": [
  {"sku": "beer", "gtin": "", "name": "Beer", "category": "drinks", "tax_category": "full", "price": "1.29", "min_age": 16,
   "deposit": {"name": "Pfand", "amount": "0.08", "tax_category": "full"}},
  {"sku": "apples", "gtin": "", "name": "Apples", "category": "fruit", "tax_category": "full", "price": "4.99", "per": "kg", "tare_grams": 12}],
 "promotions": [
  {"promotion": "club", "name": "Club price", "kind": "member", "members": true, "amount": "3.99", "skus": ["apples"],
   "from": "2026-11-01T00:00:00Z", "until": "2026-12-01T00:00:00Z"}],
 "planograms": []
}`

// TestAMarket checks that the ledger holds what the file says, and that a
// table with a gap and a product without a rate are refused with nothing
// written.
func TestAMarket(t *testing.T) {
	log := memlog.New(func() time.Time { return now })
	apply := func(text string) (int, error) {
		t.Helper()
		f, err := shopfile.Parse([]byte(text))
		if err != nil {
			t.Fatalf("Parse() = %v, want a file", err)
		}
		return shopfile.Apply(t.Context(), log, f, now, "operator:test")
	}
	if n, err := apply(market); err != nil || n != 9 {
		t.Fatalf("Apply() = %d, %v, want 9 events", n, err)
	}
	var c billing.Catalogue
	for r, err := range log.Read(t.Context(), ledger.Query{Stream: "catalogue-corner"}) {
		if err != nil {
			t.Fatal(err)
		}
		e, err := ledger.Decode(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	beer, missing := c.Price("beer", now, "EUR")
	if missing != "" || beer.Deposit.Amount.Minor != 8 || beer.DepositTax.Basis != ledger.TaxPerReceipt || beer.MinAge != 16 {
		t.Errorf("Price(beer) = %+v, missing %q", beer, missing)
	}
	if apples, _ := c.Price("apples", now.AddDate(0, 3, 0), "EUR"); apples.Per != ledger.PerKilogram || apples.Tax.Rate != "0.16" {
		t.Errorf("Price(apples next year) = %+v, want by the kilogram at 16 %%", apples)
	}
	if p, ok := c.Promotion("club", now); !ok || !p.Members || p.Amount.Minor != 399 {
		t.Errorf("Promotion(club) = %+v, want 3.99 for members", p.Promotion)
	}
	head, err := log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string]*strings.Replacer{
		"a tax table with a gap":   strings.NewReplacer(`"full"`, `"new"`, `"from": "2027-01-01`, `"from": "2027-01-02`),
		"a product without a rate": strings.NewReplacer(`"tax_category": "full"`, `"tax_category": "none"`),
	} {
		if _, err := apply(edit.Replace(market)); !errors.Is(err, billing.ErrTaxGap) || !errors.Is(err, ledger.ErrInvalid) {
			t.Errorf("Apply(%s) = %v, want ErrTaxGap", name, err)
		}
	}
	if after, err := log.Head(t.Context()); err != nil || after != head {
		t.Errorf("refusals moved the log from %d to %d, %v", head, after, err)
	}
}
