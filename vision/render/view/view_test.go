package view

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"github.com/vouchledger/vouch/vision/planogram"
	"github.com/vouchledger/vouch/vision/render/shop"
	"github.com/vouchledger/vouch/vision/score"
	"github.com/vouchledger/vouch/vision/shelf"
	"github.com/vouchledger/vouch/vision/truth"
)

const story = `
anna enters 1s: take a2, touch a3 after 1s, take a4, return a4
ben with anna enters 2s: take a1, misplace a2=cola-can after 4s
staff dora enters 14s: tidy a2, restock a1
shake 9s for 1s
lights 12s
`

func stage(t testing.TB, w, h int) *shop.Stage {
	t.Helper()
	sc, err := shop.Convenience(3, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := sc.Parse(story); err != nil {
		t.Fatal(err)
	}
	sc.Resize(w, h)
	s, err := shop.New(sc)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func open(t testing.TB, s *shop.Stage, camera string) (v *View, frame func(n int) []byte) {
	t.Helper()
	v, err := New(s, camera)
	if err != nil {
		t.Fatal(err)
	}
	return v, func(n int) []byte {
		dst := make([]byte, 3*v.Camera().Width*v.Camera().Height)
		v.Frame(n, dst)
		return dst
	}
}

// differs returns the mean difference of two pictures in a box.
func differs(a, b []byte, w int, box [4]int) float64 {
	sum, n := 0.0, 0
	for y := box[1]; y < box[3]; y++ {
		for i := 3 * (y*w + box[0]); i < 3*(y*w+box[2]); i++ {
			sum, n = sum+math.Abs(float64(a[i])-float64(b[i])), n+1
		}
	}
	return sum / float64(max(1, n))
}

func TestFramesAreTheSameInWhateverOrder(t *testing.T) {
	s := stage(t, 160, 90)
	for _, camera := range []string{"aisle", "shelf-a"} {
		_, one := open(t, s, camera)
		_, two := open(t, s, camera)
		forth := map[int][]byte{}
		for _, n := range []int{0, 60, 90, 95, 120, 140, 200, 300} {
			forth[n] = one(n)
		}
		for _, n := range []int{300, 140, 95, 0, 200, 120, 60, 90} {
			if !bytes.Equal(forth[n], two(n)) {
				t.Errorf("%s: frame %d depends on what was drawn before", camera, n)
			}
		}
		if bytes.Equal(forth[90], forth[95]) {
			t.Errorf("%s: nothing moves", camera)
		}
	}
}

func TestPersonsAreWhereTheTruthHasThem(t *testing.T) {
	s := stage(t, 320, 180)
	for _, camera := range []string{"entrance", "overhead", "aisle"} {
		v, frame := open(t, s, camera)
		empty := frame(0)
		seen := 0
		for n := 20; n < 130; n += 15 {
			picture := frame(n)
			for _, b := range s.Boxes(v.Camera(), n) {
				if b.Seen < 0.5 {
					continue
				}
				seen++
				if d := differs(empty, picture, 320, b.Box); d < 14 {
					t.Errorf("%s frame %d: %s differs by %.1f from the empty shop in %v", camera, n, b.Person, d, b.Box)
				}
			}
			if len(s.Boxes(v.Camera(), n)) == 0 {
				if d := differs(empty, picture, 320, [4]int{0, 0, 320, 180}); d > 6 {
					t.Errorf("%s frame %d: nobody is there, and the picture differs by %.1f", camera, n, d)
				}
			}
		}
		if seen == 0 {
			t.Errorf("%s saw nobody", camera)
		}
	}
}

// TestTakesAndPutsAreSeenInTheirFrame looks at the place where the thing
// stood: it is there before a take and not after, and the other way round.
func TestTakesAndPutsAreSeenInTheirFrame(t *testing.T) {
	s := stage(t, 320, 180)
	v, frame := open(t, s, "shelf-a")
	lens := v.Camera().Lens()
	checked := 0
	for _, g := range s.Gestures() {
		if s.Shelves[g.Shelf].Name != "a" || g.End+8 >= s.Frames() {
			continue
		}
		x, y, _, _ := lens.Project(g.Feet[0].Add(shop.Vec{0, 0, 0.05}))
		box := [4]int{int(x) - 5, int(y) - 5, int(x) + 5, int(y) + 5}
		before, after := frame(g.Start-1), frame(g.End+1)
		changed := differs(before, after, 320, box) > 12
		moved := s.Stock(g.At)[s.Shelves[g.Shelf].Slots[g.Slot].Name] != s.Stock(g.At - 1)[s.Shelves[g.Shelf].Slots[g.Slot].Name]
		if changed != moved {
			t.Errorf("%s in slot %d at frame %d: picture changed %t (%.1f), stock changed %t",
				g.Event, g.Slot, g.At, changed, differs(before, after, 320, box), moved)
		}
		checked++
	}
	if checked < 6 {
		t.Errorf("%d gestures, want 6 at least", checked)
	}
}

func TestShakeMovesThePictureAndLightChangesIt(t *testing.T) {
	s := stage(t, 320, 180)
	_, frame := open(t, s, "overhead")
	still, shaken := frame(0), frame(9*15+8)
	whole := [4]int{240, 20, 320, 160} // nobody walks there
	noise := differs(still, frame(3), 320, whole)
	if d := differs(still, shaken, 320, whole); d < noise+0.3 {
		t.Errorf("shaken picture differs by %.2f, an untouched one by %.2f", d, noise)
	}
	if d := differs(still, frame(14*15), 320, whole); d < noise+8 {
		t.Errorf("picture in other light differs by %.2f, an untouched one by %.2f", d, noise)
	}
}

func TestCameraThatIsNotThereIsRefused(t *testing.T) {
	if _, err := New(stage(t, 64, 64), "cellar"); !errors.Is(err, shop.ErrScenario) {
		t.Errorf("New(cellar) = %v, want ErrScenario", err)
	}
}

// TestShelfMonitorSeesWhatIsDrawn lets the real monitor look at a drawn shelf
// on which nothing stands behind anything.
func TestShelfMonitorSeesWhatIsDrawn(t *testing.T) {
	sc, err := shop.Crowd(11, 1, 10, 2, shop.Normal)
	if err != nil {
		t.Fatal(err)
	}
	sc.Arrange(2, 1)
	sc.Troubles = nil
	sc.Resize(320, 180)
	s, err := shop.New(sc)
	if err != nil {
		t.Fatal(err)
	}
	v, _ := open(t, s, "shelf-a")
	text, err := s.Planogram(v.Camera(), "shelf-a.mp4")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := planogram.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	m := shelf.New(plan, float64(s.FPS))
	var seen, want []score.Event
	frame := make([]byte, 3*320*180)
	for n := range s.Frames() {
		v.Frame(n, frame)
		for _, c := range m.Step(n, frame) {
			seen = append(seen, score.Event{Slot: c.Slot, Action: string(c.Action), T: s.Time(c.Frame)})
		}
	}
	for _, in := range s.Truth().Interactions {
		if action := map[truth.Event]string{truth.Take: "take", truth.Put: "return"}[in.Event]; action != "" {
			want = append(want, score.Event{Slot: in.Slot, Action: action, T: in.T})
		}
	}
	if r := score.Compare(want, seen, 1.5); len(want) < 6 || r.F1() < 0.8 {
		t.Errorf("F1 %.2f of %d events (%d right, %d false, %d missed), want 0.8", r.F1(), len(want), r.Right, r.False, r.Missed)
	}
}

func BenchmarkFrame(b *testing.B) {
	for _, size := range [][2]int{{320, 180}, {640, 360}} {
		s := stage(b, size[0], size[1])
		for _, camera := range []string{"aisle", "shelf-a"} {
			v, err := New(s, camera)
			if err != nil {
				b.Fatal(err)
			}
			dst := make([]byte, 3*size[0]*size[1])
			b.Run(camera, func(b *testing.B) {
				for i := range b.N {
					v.Frame(i%s.Frames(), dst)
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "frames/s")
			})
		}
	}
}
