package shelf

import (
	"fmt"
	"slices"
	"testing"
)

// A slot of two facings, three deep: the front items are 40 wide and 80 high,
// the rearmost are seen at 0.7 of that and stand 20 higher in the picture.
const deepPlan = `{"size": [320, 180], "sku": "tea", "initial": {"row": 6},
 "slots": {"row": [[90,76],[210,76],[210,162],[90,162]]},
 "products": {"row": {"capacity": 6, "facings": 2, "back": [[108,84],[192,84],[192,140],[108,140]]}}}`

// deepItem is what stands in a facing and row of that slot, shoved aside.
func deepItem(facing, row, aside int, c colour) thing {
	scale := []float64{1, 0.8235, 0.7}[row]
	far := (1 - scale) / 0.3 // of the way to the back
	w, h := int(40*scale), int(80*scale)
	middle := 120.0 + 60*float64(facing)
	middle += far * (150 + (middle-150)*0.7 - middle)
	return thing{int(middle) - w/2 + aside, 160 - int(20*far) - h, w, h, c}
}

// deep draws n items in each facing behind the first rows given.
func deep(rows ...[]int) []thing {
	var all []thing
	for _, facing := range []int{0, 1} {
		for _, row := range []int{2, 1, 0} { // from behind
			if slices.Contains(rows[facing], row) {
				all = append(all, deepItem(facing, row, row-1, tea))
			}
		}
	}
	return all
}

// grab lets a hand come to a facing, hold on, and leave things changed.
func (f *film) grab(facing int, before, after []thing) {
	arm := func(y int) thing { return thing{106 + 60*facing, 0, 26, y, skin} }
	for y := 10; y <= 100; y += 5 {
		f.show(1, append(slices.Clone(before), arm(y))...)
	}
	f.show(8, append(slices.Clone(before), arm(100))...)
	for y := 100; y >= 10; y -= 5 {
		f.show(1, append(slices.Clone(after), arm(y))...)
	}
	f.show(30, after...)
}

// counts writes changes as "take 1 row, 5 left".
func counts(changes []Change) (parts []string) {
	for _, c := range changes {
		parts = append(parts, fmt.Sprintf("%s %d %s, %d left", c.Action, c.Quantity, c.Slot, c.Left))
	}
	return parts
}

func TestItemsBehindEachOtherAreCounted(t *testing.T) {
	full, one, two, none := []int{0, 1, 2}, []int{1, 2}, []int{2}, []int{}
	for _, tt := range []struct {
		story string
		film  func(f *film)
		want  []string
	}{
		{"nobody comes", func(f *film) { f.show(60, deep(full, full)...) }, nil},
		{"touched only", func(f *film) { f.grab(0, deep(full, full), deep(full, full)) }, nil},
		{"the front one is taken", func(f *film) {
			f.grab(0, deep(full, full), deep(one, full))
		}, []string{"take 1 row, 5 left"}},
		{"one after the other is taken", func(f *film) {
			f.grab(1, deep(full, full), deep(full, one))
			f.grab(1, deep(full, one), deep(full, two))
			f.grab(1, deep(full, two), deep(full, none))
		}, []string{"take 1 row, 5 left", "take 1 row, 4 left", "take 1 row, 3 left"}},
		{"two are taken at once", func(f *film) {
			f.grab(0, deep(full, full), deep(two, full))
		}, []string{"take 2 row, 4 left"}},
		{"a facing is emptied at once", func(f *film) {
			f.grab(0, deep(full, full), deep(none, full))
		}, []string{"take 3 row, 3 left"}},
		{"taken and put back in front", func(f *film) {
			f.grab(0, deep(full, full), deep(one, full))
			f.grab(0, deep(one, full), deep(full, full))
		}, []string{"take 1 row, 5 left", "return 1 row, 6 left"}},
		{"the second is touched", func(f *film) {
			f.grab(0, deep(full, full), deep(one, full))
			f.grab(0, deep(one, full), deep(one, full))
		}, []string{"take 1 row, 5 left"}},
	} {
		for _, trouble := range []struct {
			name string
			film film
		}{{"as drawn", film{}}, {"noise", film{base: scene{noise: 10}}}, {"shake", film{shake: 1}}} {
			f := trouble.film
			f.show(30, deep(full, full)...)
			tt.film(&f)
			if got := counts(watch(t, &f, deepPlan)); !slices.Equal(got, tt.want) {
				t.Errorf("%s (%s): %q, want %q", tt.story, trouble.name, got, tt.want)
			}
		}
	}
}

func TestCountIsLessSureThanTheChange(t *testing.T) {
	full, one := []int{0, 1, 2}, []int{1, 2}
	var f film
	f.show(30, deep(full, full)...)
	f.grab(0, deep(full, full), deep(one, full))
	seen := watch(t, &f, deepPlan)
	if len(seen) != 1 || seen[0].LeftSure >= seen[0].Act || seen[0].LeftSure < 0.5 {
		t.Errorf("changes = %+v, want one whose count is less sure than itself: nobody sees behind the front item", seen)
	}
}

func TestDepthThatCannotBeSeenIsLeftToTheScale(t *testing.T) {
	const flat = `{"size": [320, 180], "sku": "tea", "initial": {"row": 6},
 "slots": {"row": [[90,76],[210,76],[210,162],[90,162]]},
 "products": {"row": {"capacity": 6, "facings": 2}}}`
	full, none := []int{0, 1, 2}, []int{}
	var f film
	f.show(30, deep(full, full)...)
	f.grab(0, deep(full, full), deep(none, full))
	seen := watch(t, &f, flat)
	if len(seen) != 1 || seen[0].Action != Take || seen[0].LeftSure > 0.5 {
		t.Errorf("changes = %+v, want one take and a count that is a guess: the planogram says nothing of the depth", seen)
	}
}
