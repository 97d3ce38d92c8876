package track

import (
	"image"
	"slices"
	"testing"

	"github.com/vouchledger/vouch/ledger"
)

// TestAHandThatIsElsewhereWasNotHere checks that of two who stand as near to a slot
// it was the one whose hands were free, whatever is known of the other's: the place,
// or one of several.
func TestAHandThatIsElsewhereWasNotHere(t *testing.T) {
	tr := twoAtOneShelf(t)
	between, annas, bens := Place{Floor: Point{0.5, 5.3}}, Place{Floor: Point{0.5, 6}}, Place{Floor: Point{0.5, 4.6}}
	of := func(visit ledger.VisitID, others ...Act) float64 {
		return Visits(tr.Who(at(20), between, others...)).Of(visit)
	}
	alone := of("v-ben")
	if alone < 0.3 || alone > 0.7 {
		t.Fatalf("between the two it is ben with %.2f, want doubt", alone)
	}
	for name, x := range map[string]struct {
		act      Act
		from, to float64
	}{
		"anna's at once":                  {Act{at(20.2), []Place{annas}}, 0.9, 1},
		"ben's at once":                   {Act{at(19.8), []Place{bens}}, 0, 0.1},
		"either's at once":                {Act{at(20), []Place{annas, bens}}, alone - 0.05, alone + 0.05},
		"anna's, from one of two slots":   {Act{at(20), []Place{annas, {Floor: Point{3, 1.5}}}}, 0.9, 1},
		"anna's, when it may be the next": {Act{at(20).Add(turn), []Place{annas}}, alone - 1e-9, alone + 1e-9},
		"at the same place":               {Act{at(20.3), []Place{between}}, alone - 1e-9, alone + 1e-9},
		"nobody's, far away":              {Act{at(20), []Place{{Floor: Point{3, 1.5}}}}, alone - 0.02, alone + 0.02},
	} {
		if got := of("v-ben", x.act); got < x.from || got > x.to {
			t.Errorf("with another act, %s: ben with %.3f, want %.2f to %.2f", name, got, x.from, x.to)
		}
	}
	// Two acts at once need two persons, also if one of them is nobody that is known.
	both := tr.Who(at(20), between, Act{at(20), []Place{annas}}, Act{at(20), []Place{bens}})
	sum := 0.0
	for _, w := range both {
		sum += w.P
	}
	if sum < 0 || sum > 0.9 {
		t.Errorf("three acts at once of two persons: one of the two with %.2f, want doubt", sum)
	}
}

// TestWhoseArmReachesToTheSlotTookFromIt checks that of two who stand as near to a
// slot it was the one whose arm came to it, where a camera tells arms.
func TestWhoseArmReachesToTheSlotTookFromIt(t *testing.T) {
	slot := image.Rect(290, 20, 310, 40)
	place := Place{Floor: Point{3, 0.3}, Front: Point{0, 1}, In: map[string]image.Rectangle{"above": slot}}
	look := func(annas, bens []Point) *Tracker {
		tr, err := New(Config{Cameras: []Camera{{ID: "above", Width: 600, Height: 400, Floor: Homography{0.01, 0, 0, 0, 0.01, 0, 0, 0, 1}, Middle: true}}})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 60 {
			person := func(x int, hands []Point) Box {
				if s := float64(i) / 10; s < 2.8 || s > 3.2 {
					hands = slices.Clone(hands[:0]) // as nil as they were
				}
				return Box{Rect: image.Rect(x-20, 80, x+20, 120), Score: 0.9, Hands: hands}
			}
			if err := tr.Observe(Frame{Camera: "above", At: at(float64(i) / 10), Boxes: []Box{person(265, annas), person(335, bens)}}); err != nil {
				t.Fatal(err)
			}
		}
		return tr
	}
	there, elsewhere := []Point{{302, 44}}, []Point{{390, 42}}
	for name, x := range map[string]struct {
		annas, bens []Point
		from, to    float64 // of anna's probability
	}{
		"anna's":               {there, []Point{}, 0.95, 1},
		"anna's, ben's beside": {there, elsewhere, 0.95, 1},
		"ben's":                {[]Point{}, there, 0, 0.05},
		"either's":             {there, there, 0.45, 0.55},
		"nobody's":             {[]Point{}, []Point{}, 0.45, 0.55},
		"not told":             {nil, nil, 0.45, 0.55},
	} {
		tr := look(x.annas, x.bens)
		p := map[bool]float64{}
		for _, w := range tr.Who(at(3), place) {
			p[tr.find(w.Track).At().X < 3] += w.P
		}
		if got := p[true] / (p[true] + p[false]); got < x.from || got > x.to {
			t.Errorf("an arm at the slot that is %s: anna with %.3f, want %.2f to %.2f", name, got, x.from, x.to)
		}
	}
}
