package shelf

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/vision/planogram"
)

// The drawn shop: 320x180, three slots, a wall with a darker board at the
// bottom. Things are drawn as rectangles; 30 frames are a second.
const plan = `{"size": [320, 180], "sku": "tea", "capacity": 1,
 "initial": {"left": 1, "middle": 1, "right": 0},
 "slots": {"left": [[20,60],[80,60],[80,150],[20,150]],
           "middle": [[130,60],[190,60],[190,150],[130,150]],
           "right": [[240,60],[300,60],[300,150],[240,150]]}}`

type colour [3]int

var (
	wall  = colour{170, 175, 180}
	board = colour{110, 130, 150}
	tea   = colour{40, 150, 60}
	cola  = colour{40, 30, 190}
	skin  = colour{130, 160, 210}
)

// thing is something drawn at a place.
type thing struct {
	x, y, w, h int
	c          colour
}

func item(slot int, c colour) thing { return thing{[]int{35, 145, 255}[slot], 80, 30, 70, c} }

// hand reaches from the top edge down to y above the slot.
func hand(slot, y int) thing { return thing{[]int{38, 148, 258}[slot], 0, 24, y, skin} }

// scene is what a camera sees in one frame.
type scene struct {
	things []thing
	gain   float64
	dx, dy int
	noise  int
}

func draw(rng *rand.Rand, s scene) []byte {
	const w, h = 320, 180
	pic := make([]byte, w*h*3)
	if s.gain == 0 {
		s.gain = 1
	}
	for y := range h {
		for x := range w {
			px, py := x-s.dx, y-s.dy
			c := wall
			switch {
			case py >= 150:
				c = board
			case px < 8 || (px > 100 && px < 104 && py > 20 && py < 50):
				c = colour{30, 30, 30}
			}
			for _, t := range s.things {
				if px >= t.x && px < t.x+t.w && py >= t.y && py < t.y+t.h {
					c = t.c
					if t.c != skin && (py-t.y)*70/t.h%24 < 8 { // the label
						c = colour{230, 230, 235}
					}
				}
			}
			for k, v := range c {
				v = int(float64(v) * s.gain)
				if s.noise > 0 {
					v += rng.IntN(2*s.noise+1) - s.noise
				}
				pic[(y*w+x)*3+k] = byte(max(0, min(255, v)))
			}
		}
	}
	return pic
}

// film collects frames.
type film struct {
	scenes []scene
	base   scene // trouble that every frame has
	shake  int
}

func (f *film) show(frames int, things ...thing) {
	for range frames {
		s := f.base
		s.things = things
		f.scenes = append(f.scenes, s)
	}
}

// reach lets a hand come down to the item and, holding it or not, go up again.
func (f *film) reach(slot int, others []thing, before, after *thing) {
	with := func(t *thing, up int) []thing {
		all := slices.Clone(others)
		if t != nil {
			moved := *t
			moved.y -= up
			all = append(all, moved)
		}
		return all
	}
	for y := 10; y <= 84; y += 4 {
		f.show(1, append(with(before, 0), hand(slot, y))...)
	}
	if before == nil && after != nil { // the item comes down with the hand
		f.scenes = f.scenes[:len(f.scenes)-19]
		for y := 10; y <= 84; y += 4 {
			f.show(1, append(with(after, 84-y), hand(slot, y))...)
		}
	}
	f.show(10, append(with(firstOf(before, after), 0), hand(slot, 84))...)
	for y := 84; y >= 10; y -= 4 {
		if before != nil && after == nil {
			f.show(1, append(with(before, 84-y), hand(slot, y))...)
		} else {
			f.show(1, append(with(after, 0), hand(slot, y))...)
		}
	}
}

func firstOf(a, b *thing) *thing {
	if a != nil {
		return a
	}
	return b
}

// watch runs a monitor over the film.
func watch(t *testing.T, f *film, planJSON string) []Change {
	t.Helper()
	p, err := planogram.Parse([]byte(planJSON))
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	m := New(p, 30)
	var seen []Change
	for i, s := range f.scenes {
		if f.shake > 0 {
			s.dx, s.dy = rng.IntN(2*f.shake+1)-f.shake, rng.IntN(2*f.shake+1)-f.shake
		}
		if m.Wants(i) {
			seen = append(seen, m.Step(i, draw(rng, s))...)
		}
	}
	return append(seen, m.End()...)
}

// story writes changes as "take left".
func story(changes []Change) string {
	var parts []string
	for _, c := range changes {
		parts = append(parts, fmt.Sprintf("%s %s", c.Action, c.Slot))
	}
	return strings.Join(parts, ", ")
}

func TestWhatHappensAtAShelf(t *testing.T) {
	left, middle, right := item(0, tea), item(1, tea), item(2, tea)
	turned := left
	turned.x, turned.w = left.x+4, 28
	for _, tt := range []struct {
		story string
		film  func(f *film)
		want  string
	}{
		{"nobody comes", func(f *film) { f.show(60, left, middle) }, ""},
		{"one is taken", func(f *film) {
			f.show(30, left, middle)
			f.reach(0, []thing{middle}, &left, nil)
			f.show(30, middle)
		}, "take left"},
		{"one is put into the empty slot", func(f *film) {
			f.show(30, left, middle)
			f.reach(2, []thing{left, middle}, nil, &right)
			f.show(30, left, middle, right)
		}, "return right"},
		{"taken and put back elsewhere in the slot", func(f *film) {
			f.show(30, left, middle)
			f.reach(0, []thing{middle}, &left, nil)
			f.show(40, middle)
			f.reach(0, []thing{middle}, nil, &turned)
			f.show(30, middle, turned)
		}, "take left, return left"},
		{"touched only", func(f *film) {
			f.show(30, left, middle)
			f.reach(0, []thing{middle}, &left, &left)
			f.show(30, left, middle)
		}, ""},
		{"touched and moved a little", func(f *film) {
			f.show(30, left, middle)
			f.reach(0, []thing{middle}, &left, &turned)
			f.show(30, middle, turned)
		}, ""},
		{"a hand rests on an item for four seconds", func(f *film) {
			f.show(30, left, middle)
			f.show(120, left, middle, hand(0, 100))
			f.show(30, left, middle)
		}, ""},
		{"a hand is there before the first frame", func(f *film) {
			f.show(60, left, middle, hand(0, 100))
			f.show(60, left, middle)
			f.reach(0, []thing{middle}, &left, nil)
			f.show(30, middle)
		}, "take left"},
		{"two are taken at once", func(f *film) {
			f.show(30, left, middle)
			f.show(20, left, middle, hand(0, 84), hand(1, 84))
			for up := 0; up < 90; up += 6 {
				l, m := left, middle
				l.y, m.y = l.y-up, m.y-up
				f.show(1, l, m, hand(0, 84-up), hand(1, 84-up))
			}
			f.show(30)
		}, "take left, take middle"},
		{"the shelf is already empty", func(f *film) {
			f.show(30, left, middle)
			f.reach(2, []thing{left, middle}, nil, nil)
			f.show(30, left, middle)
		}, ""},
		{"the film ends soon after", func(f *film) {
			f.show(30, left, middle)
			f.reach(0, []thing{middle}, &left, nil)
			f.show(9, middle)
		}, "take left"},
	} {
		for _, trouble := range []struct {
			name string
			film film
		}{
			{"as drawn", film{}},
			{"noise", film{base: scene{noise: 14}}},
			{"shake", film{shake: 1}},
		} {
			f := trouble.film
			tt.film(&f)
			if got := story(watch(t, &f, plan)); got != tt.want {
				t.Errorf("%s (%s): changes = %q, want %q", tt.story, trouble.name, got, tt.want)
			}
		}
	}
}

func TestLampDimsWhileSomethingIsTaken(t *testing.T) {
	left, middle := item(0, tea), item(1, tea)
	var f film
	f.show(30, left, middle)
	f.base.gain = 0.8
	f.show(30, left, middle)
	f.reach(0, []thing{middle}, &left, nil)
	f.base.gain = 0.7
	f.show(60, middle)
	if got, want := story(watch(t, &f, plan)), "take left"; got != want {
		t.Errorf("changes = %q, want %q", got, want)
	}
}

func TestTimeOfTheEventIsFoundAfterwards(t *testing.T) {
	left, middle := item(0, tea), item(1, tea)
	var f film
	f.show(30, left, middle)
	f.reach(0, []thing{middle}, &left, nil)
	f.show(60, middle)
	seen := watch(t, &f, plan)
	if len(seen) != 1 {
		t.Fatalf("changes = %v, want one", seen)
	}
	// 30 at rest, 19 down, 10 holding: the lift begins at frame 59.
	c := seen[0]
	if c.Frame < 57 || c.Frame > 66 {
		t.Errorf("Frame = %d, want about 60", c.Frame)
	}
	if c.Before >= c.Frame || c.Decided <= c.Frame || c.Decided > c.Frame+45 {
		t.Errorf("Before, Frame, Decided = %d, %d, %d, want rising, decided within 45 frames", c.Before, c.Frame, c.Decided)
	}
}

func TestAStrangerInASlotIsDoubtful(t *testing.T) {
	left, middle, wrong := item(0, tea), item(1, tea), item(0, cola)
	item := func(back thing) float64 {
		var f film
		f.show(30, left, middle)
		f.reach(0, []thing{middle}, &left, nil)
		f.show(40, middle)
		f.reach(0, []thing{middle}, nil, &back)
		f.show(40, middle, back)
		seen := watch(t, &f, plan)
		if got, want := story(seen), "take left, return left"; got != want {
			t.Fatalf("changes = %q, want %q", got, want)
		}
		return seen[1].Item
	}
	if same, other := item(left), item(wrong); same < 0.9 || other > 0.7 {
		t.Errorf("item confidence = %.2f for tea, %.2f for cola, want at least 0.9, at most 0.7", same, other)
	}
}

func TestFacingsAreWatchedOneByOne(t *testing.T) {
	const wide = `{"size": [320, 180], "sku": "tea", "initial": {"row": 2},
		"slots": {"row": [[20,60],[190,60],[190,150],[20,150]]},
		"products": {"row": {"capacity": 2, "facings": 2}}}`
	left, middle := item(0, tea), item(1, tea)
	var f film
	f.show(30, left, middle)
	f.reach(1, []thing{left}, &middle, nil)
	f.show(40, left)
	f.reach(0, nil, &left, nil)
	f.show(40)
	f.reach(1, nil, nil, &middle)
	f.show(40, middle)
	if got, want := story(watch(t, &f, wide)), "take row, take row, return row"; got != want {
		t.Errorf("changes = %q, want %q", got, want)
	}
}

func TestSamePicturesGiveTheSameChanges(t *testing.T) {
	left, middle := item(0, tea), item(1, tea)
	f := film{base: scene{noise: 8}, shake: 1}
	f.show(30, left, middle)
	f.reach(0, []thing{middle}, &left, nil)
	f.show(40, middle)
	if diff := cmp.Diff(watch(t, &f, plan), watch(t, &f, plan)); diff != "" {
		t.Errorf("second run differs (-first +second):\n%s", diff)
	}
}

func TestAlignFindsAShake(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	p := newPlanes(320 * 180)
	b := newBuilder(320, 180)
	b.colours(p, draw(rng, scene{things: []thing{item(0, tea), item(1, tea)}}))
	var a anchor
	a.pick(p, 320, 180, 0)
	for _, want := range []shift{{0, 0}, {1, 0}, {0, -1}, {2, 1}, {-3, 2}, {4, 4}, {0, 0}} {
		b.colours(p, draw(rng, scene{things: []thing{item(0, tea), hand(1, 100)}, dx: want.dx, dy: want.dy, noise: 5}))
		if got := a.find(p, 320, unit); got != want {
			t.Errorf("find(shaken by %v) = %v", want, got)
		}
	}
}
