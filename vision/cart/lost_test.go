package cart

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
)

// shelf is what the shopper of the next story takes: no two things, and no sums of
// them, weigh alike. The last is never scanned.
var shelf = []struct {
	name  string
	grams int
}{{"a", 300}, {"b", 700}, {"c", 1500}, {"d", 3100}, {"stranger", 1100}}

// TestWhoLosesSomethingIsAskedWhich: things come and go in any order, one of them
// never scanned. Whenever the last that happened was that a thing of the list left
// without a touch, the shopper is asked about just that; when all that left was
// touched and what was never scanned is gone, nothing is asked.
func TestWhoLosesSomethingIsAskedWhich(t *testing.T) {
	for _, x := range shelf[:4] {
		goods[x.name] = &vision.Product{SKU: ledger.SKU(x.name), Name: x.name, Unit: eur(100), Grams: x.grams}
	}
	rapid.Check(t, func(rt *rapid.T) {
		s := play(t, "weigh 0, enter")
		there, lost := map[string]bool{}, ""
		weigh := func() {
			sum := 0
			for _, x := range shelf {
				if there[x.name] {
					sum += x.grams + rapid.IntRange(-3, 3).Draw(rt, "tremble")
				}
			}
			s.do(fmt.Sprint("weigh ", sum))
		}
		for range rapid.IntRange(1, 12).Draw(rt, "acts") {
			x := rapid.SampledFrom(shelf).Draw(rt, "thing")
			switch {
			case lost != "" && x.name == lost: // lain back
				there[lost], lost = true, ""
			case x.name == "stranger":
				there[x.name] = !there[x.name]
			case !there[x.name] && x.name != lost:
				s.do("scan " + x.name)
				there[x.name] = true
			case lost != "": // one at a time
				s.do("remove " + lost)
				lost = ""
				continue
			default:
				there[x.name], lost = false, x.name
			}
			weigh()
			ask := s.trip.View(Around{Now: s.at}).Ask
			switch {
			case lost != "":
				if ask == nil || ask.Kind != "gone" || !slices.ContainsFunc(ask.Maybe, func(c Choice) bool { return c.Name == lost }) {
					rt.Fatalf("%s left without a touch beside %v, and the shopper is asked %+v", lost, there, ask)
				}
			case there["stranger"]:
				if ask == nil || ask.Kind != "unscanned" {
					rt.Fatalf("a stranger lies in the cart, and the shopper is asked %+v", ask)
				}
			case ask != nil:
				rt.Fatalf("all is well with %v, and the shopper is asked %+v", there, ask)
			}
		}
	})
}
