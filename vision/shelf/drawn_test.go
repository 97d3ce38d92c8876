package shelf_test

import (
	"slices"
	"testing"

	"github.com/vouchledger/vouch/vision/planogram"
	"github.com/vouchledger/vouch/vision/render/shop"
	"github.com/vouchledger/vouch/vision/render/view"
	"github.com/vouchledger/vouch/vision/shelf"
)

// seen watches the first shelf of a drawn shop, three deep, and returns what
// its camera found, what that was for, and what it counts in the end.
// From second staff on who is there wears a badge.
func seen(t testing.TB, story string, staff float64) ([]shelf.Change, []shelf.Count, *shop.Stage) {
	t.Helper()
	sc, err := shop.Convenience(4, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err = sc.Parse(story); err != nil {
		t.Fatal(err)
	}
	sc.Resize(320, 180)
	stage, err := shop.New(sc)
	if err != nil {
		t.Fatal(err)
	}
	v, err := view.New(stage, "shelf-a")
	if err != nil {
		t.Fatal(err)
	}
	text, err := stage.Planogram(v.Camera(), "shelf-a")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := planogram.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	m := shelf.New(plan, float64(stage.FPS))
	m.Hands(func(_ string, frame int) shelf.Hand {
		if stage.Time(frame) >= staff {
			return shelf.StaffsHand
		}
		return shelf.UnknownHand
	})
	var found []shelf.Change
	tell := func(changes []shelf.Change) {
		found = append(found, changes...)
		for _, s := range m.Settled() {
			i := slices.IndexFunc(found, func(c shelf.Change) bool { return c.ID == s.ID })
			found[i].Open, found[i].Purpose = false, s.Purpose
		}
	}
	picture := make([]byte, 3*320*180)
	for n := range v.Frames() {
		v.Frame(n, picture)
		tell(m.Step(n, picture))
	}
	tell(m.End())
	return found, m.Counts(), stage
}

func count(counts []shelf.Count, slot string) int {
	i := slices.IndexFunc(counts, func(c shelf.Count) bool { return c.Slot == slot })
	return counts[i].Items
}

func TestADrawnShelfIsCountedToItsDepth(t *testing.T) {
	found, counts, stage := seen(t, `anna enters 0s: take a3, take a3 after 1s, take a1, return a1 after 1s
seconds 22`, 99)
	takes := 0
	for _, c := range found {
		if c.Action == shelf.Take {
			takes += c.Quantity
		}
	}
	stock := stage.Stock(stage.Frames() - 1)
	for _, slot := range []string{"a1", "a3", "a5"} {
		if got := count(counts, slot); got != stock[slot] {
			t.Errorf("%s: %d counted, %d stand there; changes %+v", slot, got, stock[slot], found)
		}
	}
	if takes != 3 {
		t.Errorf("%d pieces taken, want three; changes %+v", takes, found)
	}
}

func TestADrawnStrayIsAMoveAndStaffsWorkIsNoShopping(t *testing.T) {
	found, _, _ := seen(t, `anna enters 0s: take a1, take a3, misplace a3=cola-can after 1s, take a5, take a5, take a4
staff dora enters 24s: restock a5, restock a4, restock a1
seconds 46`, 24)
	stray := slices.IndexFunc(found, func(c shelf.Change) bool { return c.Action == shelf.Move })
	if stray < 0 || found[stray].SKU != "cola-can" || found[stray].Slot != "a3" || found[stray].Home != "a1" || !found[stray].Untidy {
		t.Errorf("changes %+v, want a can that strayed into a3", found)
	}
	restocked := 0
	for _, c := range found {
		if c.Purpose == shelf.Restocking {
			restocked += c.Quantity
		}
		if c.Frame > 24*15 && c.Action != shelf.Take && c.Purpose == shelf.Shopping {
			t.Errorf("%+v is taken for shopping, and staff filled the shelf", c)
		}
	}
	if restocked < 3 {
		t.Errorf("%d pieces restocked, want three at least; changes %+v", restocked, found)
	}
}
