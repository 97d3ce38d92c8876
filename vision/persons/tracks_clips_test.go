//go:build opencv

package persons_test

import (
	"image"
	"maps"
	"slices"
	"testing"

	"github.com/vouchledger/vouch/internal/given"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/mount"
	"github.com/vouchledger/vouch/vision/persons"
	"github.com/vouchledger/vouch/vision/track"
)

// estimated is the floor of a given clip. Nobody measured it: the camera was
// hung where persons of usual height look as they do.
func estimated(t testing.TB, clip string) *mount.Mount {
	t.Helper()
	m, err := mount.Load("testdata/" + clip + ".floor.json")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestWhoComesAndGoesIsCounted follows the given clip of a camera that looks
// down: one comes in below the camera, stands, leaves to the right; then
// another one.
func TestWhoComesAndGoesIsCounted(t *testing.T) {
	m := estimated(t, "person-a")
	tr, err := track.New(track.Config{
		Cameras: []track.Camera{m.Camera("person-a")}, Likeness: persons.Likeness,
		Lines: []track.Line{
			{Gate: "front", A: track.Point{X: 0.8, Y: 1.05}, B: track.Point{X: 2.5, Y: 1.05}, Inside: track.Point{X: 2, Y: 1.6}},
			{Gate: "side", A: track.Point{X: 2.5, Y: 0.7}, B: track.Point{X: 2.5, Y: 2.4}, Inside: track.Point{X: 2, Y: 1.6}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	r := look(t, "person-a", persons.Config{Mount: m}, func(n int, boxes []track.Box) {
		if err := tr.Observe(track.Frame{Camera: "person-a", At: at(float64(n) / 10), Boxes: boxes}); err != nil {
			t.Fatal(err)
		}
		for _, k := range tr.Tracks() {
			seen[k.ID] = true
		}
	})
	if r.third.Precision() < 0.9 || r.third.Recall() < 0.85 {
		t.Errorf("precision %.2f, recall %.2f of boxes, want 0.9, 0.85", r.third.Precision(), r.third.Recall())
	}
	if len(seen) != 2 {
		t.Errorf("tracks %v, want one for each of two", slices.Collect(maps.Keys(seen)))
	}
	came, left := tr.Crossings("front", at(0), at(60)), tr.Crossings("side", at(0), at(60))
	want := []float64{6, 22.7} // when they came in below, by hand
	gone := []float64{19.8, 44.9}
	if len(came) != 2 || len(left) != 2 {
		t.Fatalf("came %+v, left %+v, want two of each", came, left)
	}
	for i := range 2 {
		if !came[i].In || left[i].In || came[i].Track != left[i].Track {
			t.Errorf("came %+v, left %+v, want the same one in and out", came[i], left[i])
		}
		// The lines lie a step inside of the picture's edges.
		if d := came[i].At.Sub(at(want[i])).Seconds(); d < 0 || d > 2.5 {
			t.Errorf("came at %v, want within 2.5 s after %v", came[i].At, at(want[i]))
		}
		if d := at(gone[i]).Sub(left[i].At).Seconds(); d < 0 || d > 2.5 {
			t.Errorf("left at %v, want within 2.5 s before %v", left[i].At, at(gone[i]))
		}
	}
}

// TestWhoIsHiddenByAnotherStaysThemselves follows two shoppers before whom a
// third one walks by; nobody saw that aisle empty, so a network looks.
func TestWhoIsHiddenByAnotherStaysThemselves(t *testing.T) {
	m := estimated(t, "aisle-demo")
	tr, err := track.New(track.Config{Cameras: []track.Camera{m.Camera("aisle-demo")}, Likeness: persons.Likeness})
	if err != nil {
		t.Fatal(err)
	}
	xl := network(t, cv.Model{Config: given.File(t, "models/yolo-fastest-1.1-xl.cfg"), Weights: given.File(t, "models/yolo-fastest-1.1-xl.weights")})
	want, seen, whose := marked(t, "aisle-demo"), map[int]bool{}, map[string][]int{}
	look(t, "aisle-demo", persons.Config{Still: true, Shaped: xl, Mount: m}, func(n int, boxes []track.Box) {
		if err := tr.Observe(track.Frame{Camera: "aisle-demo", At: at(float64(n) / 15), Boxes: boxes}); err != nil {
			t.Fatal(err)
		}
		for _, k := range tr.Tracks() {
			seen[k.ID] = true
		}
		for _, w := range want[n] {
			best, most := 0, 0.5
			for _, k := range tr.Tracks() {
				b, last, _ := k.Box("aisle-demo")
				if o := overlap(b, image.Rect(w.Box[0], w.Box[1], w.Box[2], w.Box[3])); last.Equal(at(float64(n)/15)) && o > most {
					best, most = k.ID, o
				}
			}
			if w.Seen > 0.5 && best != 0 {
				whose[w.Person] = append(whose[w.Person], best)
			}
		}
	})
	if len(seen) != 3 {
		t.Errorf("tracks %v, want one for each of three", slices.Collect(maps.Keys(seen)))
	}
	for _, name := range []string{"man", "woman", "third"} {
		if ids := slices.Compact(whose[name]); len(ids) != 1 {
			t.Errorf("the %s is tracks %v, want one", name, ids)
		}
	}
}

func overlap(a, b image.Rectangle) float64 {
	in := a.Intersect(b)
	both := float64(in.Dx() * in.Dy())
	return both / (float64(a.Dx()*a.Dy()) + float64(b.Dx()*b.Dy()) - both)
}
