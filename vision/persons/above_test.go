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
