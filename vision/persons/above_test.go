package persons_test

import (
	"slices"
	"testing"

	"github.com/vouchledger/vouch/vision/render/shop"
	"github.com/vouchledger/vouch/vision/track"
)

// dressed is a shop in which one shopper of a look takes something.
func dressed(t *testing.T, look int) watched {
	t.Helper()
	sc, err := shop.Convenience(1, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := sc.Parse("anna enters 1s: take a2, look a5, touch a4\nseconds 16"); err != nil {
		t.Fatal(err)
	}
	sc.Parties[0].Persons[0].Look = look
	sc.FPS = 5
	sc.Resize(320, 180)
	s, err := shop.New(sc)
	if err != nil {
		t.Fatal(err)
	}
	return watch(t, s, "above-left")
}

// at returns the box of who is found within 60 cm of a place.
func (w watched) at(boxes []track.Box, floor [2]float64) (track.Box, bool) {
	cam := w.mount.Camera(w.Name)
	i := slices.IndexFunc(boxes, func(b track.Box) bool {
		return cam.Floor.Floor(b.Foot).Distance(track.Point{X: floor[0], Y: floor[1]}) < 0.6
	})
	if i < 0 {
		return track.Box{}, false
	}
	return boxes[i], true
}

func TestWhoIsDressedAsTheFloorIsFoundFromAbove(t *testing.T) {
	for _, look := range []int{8, 20, 27} { // white tops, plain, striped and in checks
		w := dressed(t, look)
		seen, found, others := 0, 0, 0
		for n, boxes := range w.people(t, w.mount) {
			truth := w.stage.Boxes(w.Camera, n)
			if len(truth) == 0 {
				others += len(boxes)
				continue
			}
			if truth[0].Seen < 0.7 {
				continue
			}
			seen++
			if _, ok := w.at(boxes, truth[0].Floor); ok {
				found++
			}
			others += max(0, len(boxes)-1)
		}
		if seen < 20 || float64(found) < 0.97*float64(seen) || others > 1 {
			t.Errorf("look %d is found in %d of %d frames, and %d times somebody who is not there; want 97 %%, once at most", look, found, seen, others)
		}
	}
}

// TestAnArmThatReachesOutIsSeenFromAbove checks that from above an arm ends where
// the hand is while somebody reaches into a shelf, and that nothing comes near it
// while they stand by.
func TestAnArmThatReachesOutIsSeenFromAbove(t *testing.T) {
	w := dressed(t, 3)
	cam := w.mount.Camera(w.Name)
	reached, idle := [2]int{}, [2]int{}
	for n, boxes := range w.people(t, w.mount) {
		for _, p := range w.stage.Poses(n) {
			b, ok := w.at(boxes, p.Floor)
			if !ok {
				continue
			}
			if b.Hands == nil {
				t.Fatal("a camera that looks straight down does not tell arms")
			}
			shelf := w.stage.Shelves[0]
			for i := range shelf.Slots {
				front := shelf.Outline(i)[0].To(shelf.Outline(i)[1], 0.5)
				at, _ := w.mount.Project(front[0], front[1], front[2])
				if at.X < 0 || at.X > float64(cam.Width) {
					continue
				}
				near := slices.ContainsFunc(b.Hands, func(h track.Point) bool { return h.Distance(at) < 15 })
				aside := p.Hand[0] - front[0]
				switch {
				case p.Reach == 1 && aside > -0.1 && aside < 0.1:
					reached[1]++
					if near {
						reached[0]++
					}
				case p.Reach == 0 || aside < -0.45 || aside > 0.45:
					idle[1]++
					if near {
						idle[0]++
					}
				}
			}
		}
	}
	if reached[1] < 4 || 10*reached[0] < 8*reached[1] || idle[1] < 100 || 20*idle[0] > idle[1] {
		t.Errorf("arms are seen at a slot in %d of %d frames with a hand there, and in %d of %d without; want 80 %%, and 5 at most", reached[0], reached[1], idle[0], idle[1])
	}
}
