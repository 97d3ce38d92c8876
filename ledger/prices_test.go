package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger"
)

// TestSharedPrices prices many picks of few products, and spoils some of the bodies:
// what a decoder remembers of the products changes nothing that is read or refused.
func TestSharedPrices(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	var d ledger.Decoder
	shared := make(map[string]*ledger.ItemPriced)
	same, spoilt := 0, 0
	for n := range 20_000 {
		p := ledger.ItemPriced{
			Detection: ledger.DeriveID(id(1), fmt.Sprint(n)), SKU: ledger.SKU(fmt.Sprintf("sku-%d", rng.IntN(30))),
			Name: pick(rng, "Cola 0.33 l", "Käse", `"Brot"`), Category: "drinks", Unit: usd(int64(rng.IntN(3))), Tax: rule, Price: id(byte(1 + rng.IntN(3))),
		}
		body, err := ledger.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		name := string(bytes.Replace(body, []byte(p.Detection.String()), nil, 1))
		if rng.IntN(3) == 0 {
			for range 1 + rng.IntN(2) {
				body = mutations[rng.IntN(len(mutations))](rng, bytes.Clone(body))
			}
			name = ""
		}
		r := ledger.Record{Kind: ledger.KindItemPriced, Stream: "visit-1", Body: body}
		detection, price, err := d.Priced(ledger.Lend(&r, nil))
		want, wantErr := ledger.Decode(r)
		if (err == nil) != (wantErr == nil) || err != nil && !errors.Is(err, ledger.ErrCorrupt) {
			t.Fatalf("Priced(%s) = %v, Decode = %v", body, err, wantErr)
		}
		if err != nil {
			if name != "" {
				t.Fatalf("Priced(%s) = %v", body, err)
			}
			spoilt++
			continue
		}
		got := *price
		got.Detection = detection
		if diff := cmp.Diff(want.Payload, ledger.Payload(got)); diff != "" || !price.Detection.IsZero() {
			t.Fatalf("Priced(%s) (-Decode +Priced):\n%s", body, diff)
		}
		if name != "" && shared[name] == price {
			same++
		} else if name != "" {
			shared[name] = price
		}
		clear(body) // it was lent
	}
	if same < 10_000 || spoilt < 2000 {
		t.Errorf("%d picks shared their price and %d were spoilt, want most and many", same, spoilt)
	}
}

// TestSharedPricesWithGaps is the same of prices in sealed segments, where most are found
// by the bytes of their values. Some of these bytes mean something else in the next
// event, the id of the event three before this one, and in the next segment, the words.
func TestSharedPricesWithGaps(t *testing.T) {
	var d ledger.Decoder
	for _, goods := range []string{"Käse", "Milch", "Quark"} { // one segment after the other
		var bs []stored
		for n := range 2000 {
			product := n / 18 % 40
			p := ledger.ItemPriced{
				Detection: ledger.DeriveID(id(2), fmt.Sprint(n)), SKU: ledger.SKU(fmt.Sprintf("sku-%d", product)),
				Name: fmt.Sprintf("%s %02d", goods, product), Category: "dairy", Unit: usd(int64(100 + product)), Tax: rule, Price: id(byte(1 + product)),
			}
			switch n % 9 {
			case 8:
				p.Price = ledger.DeriveID(id(1), fmt.Sprint(n-3)) // packedOf names events so
				// Two have these texts, which are too short and few for words.
				p.SKU, p.Name = ledger.SKU(fmt.Sprintf("s%04d", n/18)), fmt.Sprintf("n%04d", n/18)
				p.Category = fmt.Sprintf("c%04d", n/18)
			case 7:
				p.SKU = visitTail
			case 6:
				p.MinAge = 16 + n%3
			}
			body, err := ledger.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			bs = append(bs, stored{ledger.KindItemPriced, body})
		}
		seen, again := make(map[*ledger.ItemPriced]bool), 0
		err := packedOf(bs).each(func(l ledger.Lent) error {
			detection, price, err := d.Priced(l)
			if err != nil {
				return err
			}
			whole, err := l.Whole()
			if err != nil {
				return err
			}
			want, err := ledger.Decode(whole)
			if err != nil {
				return err
			}
			got := *price
			got.Detection = detection
			if diff := cmp.Diff(want.Payload, ledger.Payload(got)); diff != "" || !price.Detection.IsZero() {
				return fmt.Errorf("Priced(%s) (-Decode +Priced):\n%s", whole.Body, diff)
			}
			if seen[price] {
				again++
			}
			seen[price] = true
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if again < 1000 || d.Remembered() < 30 {
			t.Errorf("%d picks shared their price, %d prices are remembered by their values", again, d.Remembered())
		}
	}
}
