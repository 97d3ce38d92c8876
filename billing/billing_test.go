package billing_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func eur(minor int64) money.Money { return money.Money{Minor: minor, Currency: "EUR"} }

// A history makes events of one stream.
type history struct {
	stream ledger.StreamID
	next   uint64
	at     time.Time
}

func (h *history) event(p ledger.Payload) ledger.Event {
	e := ledger.Event{Payload: p, Record: ledger.Record{
		ID: ledger.DeriveID(ledger.ID{}, string(h.stream), fmt.Sprint(h.next)), Kind: p.Kind(), Stream: h.stream,
		Revision: h.next, Position: h.next + 1, Occurred: h.at,
	}}
	h.next++
	return e
}

func range2026(t *testing.T) (*billing.Catalogue, *history) {
	t.Helper()
	c, h := &billing.Catalogue{}, &history{stream: "catalogue-main", at: noon}
	for _, p := range []ledger.Payload{
		ledger.ProductListed{SKU: "cola", Name: "Cola", Category: "Drinks", TaxCategory: "food"},
		ledger.PriceSet{SKU: "cola", Price: eur(150), From: noon},
		ledger.PriceSet{SKU: "cola", Price: eur(170), From: noon.Add(2 * time.Hour)},
		ledger.PriceSet{SKU: "cola", Price: eur(160), From: noon.Add(time.Hour)}, // typed in late
		ledger.TaxSet{Category: "food", Jurisdiction: "DE", Rate: "0.07", Rounding: money.HalfUp, From: noon},
		ledger.TaxSet{
			Category: "food", Jurisdiction: "DE", Rate: "0.19", Rounding: money.HalfUp,
			From: noon.Add(time.Hour),
		},
	} {
		if err := c.Apply(h.event(p)); err != nil {
			t.Fatalf("Apply(%s): %v", p.Kind(), err)
		}
	}
	return c, h
}

func TestPriceInForceAtThePick(t *testing.T) {
	c, h := range2026(t)
	for _, tt := range []struct {
		sku     ledger.SKU
		at      time.Time
		cur     money.Currency
		want    int64
		rate    string
		missing string
	}{
		{"cola", noon, "EUR", 150, "0.07", ""},
		{"cola", noon.Add(time.Hour - time.Microsecond), "EUR", 150, "0.07", ""},
		{"cola", noon.Add(time.Hour), "EUR", 160, "0.19", ""},
		{"cola", noon.Add(48 * time.Hour), "EUR", 170, "0.19", ""},
		{"cola", noon.Add(-time.Microsecond), "EUR", 0, "", billing.MissingPrice}, // never from the future
		{"cola", noon, "USD", 0, "", billing.MissingPrice},
		{"tea", noon, "EUR", 0, "", billing.MissingProduct},
	} {
		p, missing := c.Price(tt.sku, tt.at, tt.cur)
		if missing != tt.missing || p.Unit.Minor != tt.want || p.Tax.Rate != tt.rate {
			t.Errorf("Price(%s, %s, %s) = %s at %q, missing %q; want %d at %q, missing %q",
				tt.sku, tt.at, tt.cur, p.Unit, p.Tax.Rate, missing, tt.want, tt.rate, tt.missing)
		}
	}
	// Of two prices from the same instant the later event wins.
	if err := c.Apply(h.event(ledger.PriceSet{SKU: "cola", Price: eur(155), From: noon})); err != nil {
		t.Fatal(err)
	}
	if p, _ := c.Price("cola", noon, "EUR"); p.Unit != eur(155) {
		t.Errorf("price after a correction = %s, want 1.55", p.Unit)
	}
	// A product that was listed after the pick has its first name; one without a tax rate waits.
	h.at = noon.Add(5 * time.Hour)
	for _, p := range []ledger.Payload{
		ledger.ProductListed{SKU: "tea", Name: "Tea", Category: "Drinks", TaxCategory: "luxury"},
		ledger.PriceSet{SKU: "tea", Price: eur(300), From: noon},
	} {
		if err := c.Apply(h.event(p)); err != nil {
			t.Fatal(err)
		}
	}
	if _, missing := c.Price("tea", noon, "EUR"); missing != billing.MissingTax {
		t.Errorf("tea misses %q, want %s", missing, billing.MissingTax)
	}
}

func TestBrokenStreamsAreRefused(t *testing.T) {
	c, h := range2026(t)
	h.next += 3
	before := c.Events()
	err := c.Apply(h.event(ledger.PriceSet{SKU: "cola", Price: eur(1), From: noon}))
	if !errors.Is(err, ledger.ErrCorrupt) || c.Events() != before {
		t.Errorf("a gap in the catalogue = %v after %d events, want %v after %d", err, c.Events(),
			ledger.ErrCorrupt, before)
	}
	var p billing.Payment
	if err := p.Apply((&history{stream: "payment-v", next: 1}).event(ledger.Held{})); !errors.Is(err,
		ledger.ErrCorrupt) {
		t.Errorf("a payment from its second event = %v, want %v", err, ledger.ErrCorrupt)
	}
	if err := p.Apply((&history{stream: "payment-v"}).event(ledger.GateExited{})); !errors.Is(err,
		ledger.ErrUnknownKind) {
		t.Errorf("an exit in a payment = %v, want %v", err, ledger.ErrUnknownKind)
	}
}

// TestCatalogueIsNotOfTheOrder: prices with different beginnings may be typed
// in in any order.
func TestCatalogueIsNotOfTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hours := rapid.SliceOfNDistinct(rapid.IntRange(0, 100), 1, 20, rapid.ID[int]).Draw(t, "hours")
		build := func(order []int) *billing.Catalogue {
			c, h := &billing.Catalogue{}, &history{stream: "catalogue-main", at: noon}
			ps := []ledger.Payload{
				ledger.ProductListed{SKU: "cola", Name: "Cola", Category: "Drinks", TaxCategory: "food"},
				ledger.TaxSet{Category: "food", Jurisdiction: "DE", Rate: "0.07", Rounding: money.HalfUp, From: noon},
			}
			for _, hour := range order {
				ps = append(ps, ledger.PriceSet{
					SKU: "cola", Price: eur(int64(hour)), From: noon.Add(time.Duration(hour) * time.Hour),
				})
			}
			for _, p := range ps {
				if err := c.Apply(h.event(p)); err != nil {
					t.Fatal(err)
				}
			}
			return c
		}
		a, b := build(hours), build(rapid.Permutation(hours).Draw(t, "order"))
		at := noon.Add(time.Duration(rapid.IntRange(0, 120).Draw(t, "at")) * time.Hour)
		x, missingX := a.Price("cola", at, "EUR")
		y, missingY := b.Price("cola", at, "EUR")
		if x.Unit != y.Unit || missingX != missingY {
			t.Fatalf("Price at %s = %s %q or %s %q, by the order it was typed in", at, x.Unit, missingX,
				y.Unit, missingY)
		}
	})
}

func TestKeys(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{billing.HoldKey("corner", "v", 1), "v1/corner/v/hold/1"},
		{billing.CaptureKey("corner", "v", 2), "v1/corner/v/capture/2"},
		{billing.ReleaseKey("corner", "v", 1), "v1/corner/v/release/1"},
		{billing.RefundKey("corner", "v", "corner-2026-000002", 1), "v1/corner/v/refund/corner-2026-000002/1"},
	} {
		if tt.got != tt.want {
			t.Errorf("key = %q, want %q: keys are stored and never change", tt.got, tt.want)
		}
	}
	long := billing.RefundKey(ledger.StoreID(strings.Repeat("s", 60)), "0191b6c0-0000-7000-8000-000000000000",
		strings.Repeat("s", 60)+"-2026-000001", 99)
	if len(long) > ledger.MaxKeyBytes {
		t.Errorf("the longest key has %d bytes, at most %d are taken", len(long), ledger.MaxKeyBytes)
	}
}

// pay applies a payment's events.
func pay(t *testing.T, ps ...func(h *history) ledger.Payload) *billing.Payment {
	t.Helper()
	p, h := &billing.Payment{}, &history{stream: "payment-v", at: noon}
	for _, f := range ps {
		if err := p.Apply(h.event(f(h))); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// intent returns the id of the event at a revision.
func intent(rev int) ledger.ID { return ledger.DeriveID(ledger.ID{}, "payment-v", fmt.Sprint(rev)) }

func say(p ledger.Payload) func(*history) ledger.Payload {
	return func(*history) ledger.Payload { return p }
}

var (
	hold = say(ledger.HoldIntended{
		Visit: "v", Store: "s", Amount: eur(5000), PaymentMethod: "pm",
		Key: "v1/s/v/hold/1",
	})
	held    = say(ledger.Held{Intent: intent(0), Object: "pi", Amount: eur(5000)})
	capture = say(ledger.CaptureIntended{
		Visit: "v", Store: "s", Amount: eur(300), Object: "pi",
		Receipt: "r", Key: "c1",
	})
)

func TestPaymentCountsAnOutcomeOnce(t *testing.T) {
	done := say(ledger.Captured{Intent: intent(2), Object: "pi", Amount: eur(300)})
	p := pay(t, hold, held, capture, done, done)
	if p.Captured != eur(300) || p.Open != nil || len(p.Odd) != 1 || p.Tries(billing.OpCapture, "") != 1 {
		t.Errorf("captured twice: %s, open %v, odd %v, tries %d; want 3.00, none, one, 1",
			p.Captured, p.Open, p.Odd, p.Tries(billing.OpCapture, ""))
	}
}

func TestCounterGrowsAfterADefiniteOutcomeOnly(t *testing.T) {
	unclear := say(ledger.PaymentUnclear{Intent: intent(2), Attempt: 1, Detail: billing.DetailPending})
	p := pay(t, hold, held, capture, unclear)
	if p.Tries(billing.OpCapture, "") != 0 || p.Open == nil || !p.Open.Pending || p.Open.Attempts != 1 {
		t.Errorf("unclear: tries %d, open %+v; want 0 tries, one pending order", p.Tries(billing.OpCapture,
			""), p.Open)
	}
	p = pay(t, hold, held, capture, unclear, say(ledger.PaymentDeclined{Intent: intent(2), Code: "card_declined"}))
	if p.Tries(billing.OpCapture, "") != 1 || p.Open != nil || p.Hold != billing.HoldStands || !p.CaptureAsked {
		t.Errorf("declined: %+v; want one try, the hold standing", p)
	}
	p = pay(t, hold, held, capture, unclear, say(ledger.PaymentDeclined{
		Intent: intent(2),
		Code:   billing.CodeNeverArrived,
	}))
	if p.Tries(billing.OpCapture, "") != 1 || p.CaptureAsked {
		t.Errorf("never arrived: %+v; want to be asked again under the next key", p)
	}
}

func TestOddMoneyIsNotedNotCounted(t *testing.T) {
	p := pay(t, hold, hold, held, capture,
		say(ledger.Captured{Intent: intent(3), Object: "pi", Amount: money.Money{Minor: 300, Currency: "USD"}}),
		say(ledger.Refunded{Intent: intent(3), Object: "re", Amount: eur(300)}),
		say(ledger.PaymentDeclined{Intent: intent(1), Code: "x"}),
		say(ledger.PaymentUnclear{Intent: intent(1), Attempt: 1}),
		say(ledger.Released{Intent: intent(1), Object: "pi"}))
	if p.Captured != eur(0) || p.Refunded != eur(0) || len(p.Odd) != 6 {
		t.Errorf("captured %s, refunded %s, odd %q; want nothing counted and six oddities", p.Captured,
			p.Refunded, p.Odd)
	}
}

// TestParseKey: a key says which order it was made for, and what is no key of
// ours says nothing.
func TestParseKey(t *testing.T) {
	for k, want := range map[string]string{
		billing.HoldKey("s1", "v", 2):                     "hold  2 true",
		billing.CaptureKey("s1", "v", 1):                  "capture  1 true",
		billing.RefundKey("s1", "v", "s1-2026-000001", 3): "refund s1-2026-000001 3 true",
		"":                     "  0 false",
		"v1/s1/v/hold/0":       "  0 false",
		"v1/s1/v/hold/x":       "  0 false",
		"v0/s1/v/hold/1":       "  0 false",
		"v1/s1/v/refund/a/b/1": "  0 false",
	} {
		op, label, n, ok := billing.ParseKey(k)
		if got := fmt.Sprint(op, " ", label, " ", n, " ", ok); got != want {
			t.Errorf("ParseKey(%q) = %s, want %s", k, got, want)
		}
	}
}
