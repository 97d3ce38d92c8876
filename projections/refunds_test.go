package projections_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections/internal/story"
)

// TestRefundsNeverExceedWhatWasPaid takes lines off a paid receipt, piece by
// piece and in whatever order, until nothing is left. Every correction gives
// something back or nothing, and all of them together give back what was paid,
// to the cent, with promotions, coupons, weights and deposits among the lines.
func TestRefundsNeverExceedWhatWasPaid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := story.New()
		must(t, s.Tell("present member=yes\nenter"))
		for range rapid.IntRange(1, 8).Draw(t, "picks") {
			sku := rapid.SampledFrom([]string{"water", "cola", "milk", "gum", "beer", "apples"}).Draw(t, "sku")
			line := fmt.Sprintf("take %s %d", sku, rapid.IntRange(1, 5).Draw(t, "pieces"))
			if sku == "apples" {
				line += fmt.Sprintf(" grams=%d", rapid.IntRange(0, 2000).Draw(t, "grams"))
			}
			must(t, s.Tell(line))
		}
		offers := []string{
			"promote a percent 333 skus=water,beer", "promote b n_for_m 3 2", "promote c mix 2 3.00 skus=cola,milk stacks=yes",
			"promote d member 1.01 skus=beer", "coupon e amount 0.77 limit=2 stacks=yes",
		}
		for _, o := range rapid.SliceOfDistinct(rapid.SampledFrom(offers), rapid.ID[string]).Draw(t, "offers") {
			must(t, s.Tell(o))
		}
		must(t, s.Tell("price\nexit\nreprice water 1.10\nissue"))
		c := s.Cart("v1")
		paid := c.Issued.Gross.Minor
		back := int64(0)
		for n := 0; ; n++ {
			open := slices.DeleteFunc(slices.Clone(c.Latest.Lines), func(l ledger.ReceiptLine) bool { return l.Quantity == 0 })
			if len(open) == 0 {
				break
			}
			l := rapid.SampledFrom(open).Draw(t, "line")
			pieces := rapid.IntRange(1, l.Quantity).Draw(t, "pieces")
			before := c.Latest.Gross.Minor
			must(t, s.Tell(fmt.Sprintf("dispute %d not_taken %d as=d%d\njudge d%d upheld %d\ncorrect", l.No, pieces, n, n, pieces)))
			change := before - c.Latest.Gross.Minor
			if back += change; change < 0 || back > paid {
				t.Fatalf("%d pieces less of line %d give back %d; %d of %d paid are back", pieces, l.No, change, back, paid)
			}
		}
		if back != paid {
			t.Fatalf("nothing is left, %d were paid and %d given back", paid, back)
		}
	})
}
