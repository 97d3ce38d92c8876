package shopfile_test

import (
	"errors"
	"strings"
	"testing"
	"time"

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
