package api

import (
	"strings"
	"testing"
)

// shopFile returns a shop file with one product at a price.
func shopFile(store, from, price string) map[string]any {
	return map[string]any{
		"store": store, "catalogue": store + "-goods", "valid_from": from,
		"seller": map[string]any{"name": "Corner", "address": "1 Main St", "tax_id": "1", "currency": "EUR", "timezone": "Europe/Berlin"},
		"policy": map[string]any{
			"hold": "50.00", "item_min": 800, "action_min": 800, "person_min": 900, "review_seconds": 3600,
			"on_deadline": "for_shopper", "grace_ms": 0, "gate_seconds": 20, "dispute_days": 60,
		},
		"taxes":    []any{map[string]any{"category": "food", "jurisdiction": "DE", "rate": "0.07", "inclusive": true, "rounding": "half_up"}},
		"products": []any{map[string]any{"sku": "milk", "gtin": "", "name": "Milk", "category": "dairy", "tax_category": "food", "price": price}},
	}
}

// TestAShopIsSetUpOnARunningServer opens a shop, says it again, changes a
// price, and sends files that are refused with what is wrong.
func TestAShopIsSetUpOnARunningServer(t *testing.T) {
	s := openShop(t)
	put := func(file map[string]any) call { return s.send("olga", "PUT", "/v1/shops/hamburg-1", file) }
	for _, step := range []struct {
		name, from, price string
		want              int
	}{
		{"a new shop", "2026-11-01T00:00:00Z", "1.19", 5},
		{"the same again", "2026-11-01T00:00:00Z", "1.19", 0},
		{"dearer from December on", "2026-12-01T00:00:00Z", "1.29", 5},
	} {
		var got shopAnswer
		put(shopFile("hamburg-1", step.from, step.price)).want(200, &got)
		if got.Appended != step.want {
			t.Errorf("%s: appended = %d, want %d", step.name, got.Appended, step.want)
		}
	}
	put(shopFile("hamburg-2", "2026-11-01T00:00:00Z", "1.19")).want(422)
	put(shopFile("hamburg-1", "2026-11-01T00:00:00Z", "-1.19")).want(422)
	put(shopFile("hamburg-1", "2026-11-01T00:00:00Z", "1.195")).want(422)
	put(map[string]any{"store": "hamburg-1"}).want(400)

	before := must(s.log.Head(t.Context()))(t)
	vat := func(from, until string) map[string]any {
		return map[string]any{
			"category": "new", "jurisdiction": "DE", "rate": "0.07", "inclusive": true, "rounding": "half_up", "from": from, "until": until,
		}
	}
	gap := shopFile("hamburg-1", "2026-11-01T00:00:00Z", "1.19")
	gap["taxes"] = append(gap["taxes"].([]any),
		vat("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"), vat("2026-12-02T00:00:00Z", "2027-01-01T00:00:00Z"))
	if c := put(gap).want(422); !strings.Contains(c.Body.String(), "tax table has a gap") {
		t.Errorf("a tax table with a gap answers %s, want what is wrong", c.Body.String())
	}
	unknown := shopFile("hamburg-1", "2026-11-01T00:00:00Z", "1.19")
	unknown["seller"].(map[string]any)["currency"] = "ZZZ"
	put(unknown).want(422)
	if after := must(s.log.Head(t.Context()))(t); after != before {
		t.Errorf("files that were refused moved the log from %d to %d", before, after)
	}
}
