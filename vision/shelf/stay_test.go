package shelf

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/vouchledger/vouch/vision/planogram"
)

const mixedPlan = `{"size": [320, 180], "sku": "tea", "capacity": 1,
 "initial": {"left": 1, "middle": 1, "right": 1},
 "slots": {"left": [[20,60],[80,60],[80,150],[20,150]],
           "middle": [[130,60],[190,60],[190,150],[130,150]],
           "right": [[240,60],[300,60],[300,150],[240,150]]},
 "products": {"right": {"sku": "cola"}}}`

// visits runs a monitor over the film and tells each change with its purpose.
// hand says whose changes are.
func visits(t *testing.T, f *film, planJSON string, hand func(slot string, frame int) Hand) []string {
	t.Helper()
	p, err := planogram.Parse([]byte(planJSON))
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	m := New(p, 30)
	m.Hands(hand)
	var seen []Change
	purposes := map[int]Purpose{}
	take := func(changes []Change) {
		for _, c := range changes {
			if seen = append(seen, c); !c.Open {
				purposes[c.ID] = c.Purpose
			}
		}
		for _, s := range m.Settled() {
			if _, told := purposes[s.ID]; told {
				t.Errorf("purpose of change %d is told twice", s.ID)
			}
			purposes[s.ID] = s.Purpose
		}
	}
	for i, s := range f.scenes {
		if !m.Wants(i) {
			continue
		}
		take(m.Step(i, draw(rng, s)))
	}
	take(m.End())
	var parts []string
	for _, c := range seen {
		purpose, told := purposes[c.ID]
		if !told {
			t.Errorf("purpose of change %d is never told", c.ID)
		}
		part := fmt.Sprintf("%s %s %s", c.Action, c.SKU, c.Slot)
		if purpose != Shopping {
			part += " " + string(purpose)
		}
		if c.Home != "" {
			part += " of " + c.Home
		}
		if c.Untidy {
			part += " untidy"
		}
		parts = append(parts, part)
	}
	return parts
}

// both changes three slots in one visit of hands.
func (f *film) sweep(before, after []thing) {
	hands := []thing{hand(0, 84), hand(1, 84), hand(2, 84)}
	f.show(12, append(slices.Clone(before), hands...)...)
	f.show(12, append(slices.Clone(after), hands...)...)
	f.show(60, after...)
}

func TestItemPutIntoAnotherSlotIsAMove(t *testing.T) {
	left, middle, right := item(0, tea), item(1, tea), item(2, cola)
	stray := item(0, cola)
	var f film
	f.show(30, left, middle, right)
	f.reach(0, []thing{middle, right}, &left, nil)
	f.show(60, middle, right)
	f.reach(2, []thing{middle}, &right, nil)
	f.show(20, middle)
	f.reach(0, []thing{middle}, nil, &stray) // the cola, where tea belongs
	f.show(60, middle, stray)
	f.reach(0, []thing{middle}, &stray, nil) // and somebody takes it from there
	f.show(60, middle)
	f.reach(0, []thing{middle}, nil, &left)
	f.show(60, middle, left)
	want := []string{
		"take tea left", "take cola right", "move cola left of right untidy", "take cola left of right", "return tea left",
	}
	if got := visits(t, &f, mixedPlan, nil); !slices.Equal(got, want) {
		t.Errorf("changes = %q, want %q", got, want)
	}
}

func TestWhatStaffDoIsNoShopping(t *testing.T) {
	left, middle, right := item(0, tea), item(1, tea), item(2, cola)
	all := []thing{left, middle, right}
	staffs := func(string, int) Hand { return StaffsHand }
	atLeft := func(slot string, _ int) Hand {
		if slot == "left" {
			return StaffsHand
		}
		return UnknownHand
	}
	atFirst := func(_ string, frame int) Hand {
		if frame < 60 {
			return StaffsHand
		}
		return UnknownHand
	}
	empty := `"initial": {"left": 0, "middle": 0, "right": 0}`
	bare := `{"size": [320, 180], "sku": "tea", ` + empty + mixedPlan[len(`{"size": [320, 180], "sku": "tea", "capacity": 1,
 "initial": {"left": 1, "middle": 1, "right": 1}`):]
	for _, tt := range []struct {
		story string
		plan  string
		hand  func(string, int) Hand
		film  func(f *film)
		want  []string
	}{
		{"three come that nobody had", bare, nil, func(f *film) {
			f.show(30)
			f.sweep(nil, all)
		}, []string{"return tea left restocking", "return tea middle restocking", "return cola right restocking"}},
		{"one comes back, and nobody knows whose it was", bare, nil, func(f *film) {
			f.show(30)
			f.reach(0, nil, nil, &left)
			f.show(80, left)
		}, []string{"return tea left"}},
		{"a shopper brings back all three", mixedPlan, nil, func(f *film) {
			f.show(30, all...)
			f.sweep(all, nil)
			f.show(90)
			f.sweep(nil, all)
		}, []string{
			"take tea left", "take tea middle", "take cola right",
			"return tea left", "return tea middle", "return cola right",
		}},
		{"known staff bring one", bare, staffs, func(f *film) {
			f.show(30)
			f.reach(0, nil, nil, &left)
			f.show(80, left)
		}, []string{"return tea left restocking"}},
		{"known staff take one out and set it back", mixedPlan, staffs, func(f *film) {
			f.show(30, all...)
			f.reach(0, []thing{middle, right}, &left, nil)
			f.show(20, middle, right)
			f.reach(0, []thing{middle, right}, nil, &left)
			f.show(80, all...)
		}, []string{"take tea left tidying", "return tea left tidying"}},
		{"known staff take one away", mixedPlan, staffs, func(f *film) {
			f.show(30, all...)
			f.reach(0, []thing{middle, right}, &left, nil)
			f.show(80, middle, right)
		}, []string{"take tea left clearing"}},
		{"staff clear the left slot and a shopper beside them takes from the others", mixedPlan, atLeft, func(f *film) {
			f.show(30, all...)
			f.sweep(all, nil)
			f.show(80)
		}, []string{"take tea left clearing", "take tea middle", "take cola right"}},
		{"staff fill the left slot while a shopper, who took from the middle, puts it back", mixedPlan, atLeft, func(f *film) {
			f.show(30, all...)
			f.sweep(all, []thing{right})
			f.sweep([]thing{right}, all)
			f.show(80, all...)
		}, []string{"take tea left clearing", "take tea middle", "return tea left restocking", "return tea middle"}},
		{"what staff put down a shopper takes at once", bare, atFirst, func(f *film) {
			f.show(30)
			f.reach(0, nil, nil, &left)
			f.show(12, left)
			f.reach(0, nil, &left, nil)
			f.show(80)
		}, []string{"return tea left restocking", "take tea left"}},
		{"a shopper takes one out and sets it back", mixedPlan, nil, func(f *film) {
			f.show(30, all...)
			f.reach(0, []thing{middle, right}, &left, nil)
			f.show(20, middle, right)
			f.reach(0, []thing{middle, right}, nil, &left)
			f.show(80, all...)
		}, []string{"take tea left", "return tea left"}},
	} {
		var f film
		tt.film(&f)
		if got := visits(t, &f, tt.plan, tt.hand); !slices.Equal(got, tt.want) {
			t.Errorf("%s: changes = %q, want %q", tt.story, got, tt.want)
		}
	}
}

// TestWhatAShopperBringsIsToldAtOnce: where it is known whose hand it was, nobody
// waits until they left; else eight seconds may pass, and the scale has long spoken.
func TestWhatAShopperBringsIsToldAtOnce(t *testing.T) {
	left := item(0, tea)
	p, err := planogram.Parse([]byte(`{"size": [320, 180], "sku": "tea", "capacity": 1, "initial": {"left": 0}, "slots": {"left": [[20,60],[80,60],[80,150],[20,150]]}}`))
	if err != nil {
		t.Fatal(err)
	}
	for hand, open := range map[Hand]bool{ShoppersHand: false, UnknownHand: true, StaffsHand: true} {
		var f film
		f.show(30)
		f.reach(0, nil, nil, &left)
		f.show(80, left)
		m := New(p, 30)
		m.Hands(func(string, int) Hand { return hand })
		rng := rand.New(rand.NewPCG(1, 2))
		var seen []Change
		for i, s := range f.scenes {
			if m.Wants(i) {
				seen = append(seen, m.Step(i, draw(rng, s))...)
			}
		}
		if len(seen) != 1 || seen[0].Action != Return || seen[0].Open != open {
			t.Errorf("hand %d: %+v, want a return that is open: %v", hand, seen, open)
		}
	}
}

func TestCountsSayWhichSlotIsUntidy(t *testing.T) {
	p, err := planogram.Parse([]byte(mixedPlan))
	if err != nil {
		t.Fatal(err)
	}
	m := New(p, 30)
	want := []Count{{"left", 1, 1, false}, {"middle", 1, 1, false}, {"right", 1, 1, false}}
	if got := m.Counts(); !slices.Equal(got, want) {
		t.Errorf("Counts() = %v, want %v", got, want)
	}
	m.slots[0].cells[0].holds = "cola"
	if got := m.Counts(); !got[0].Untidy || got[1].Untidy {
		t.Errorf("Counts() = %v, want the left slot untidy and no other", got)
	}
}
