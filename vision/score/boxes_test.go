package score

import (
	"image"
	"testing"

	"github.com/vouchledger/vouch/vision/truth"
)

func TestPersonsAreCountedAgainstWhoWasThere(t *testing.T) {
	anna := truth.Box{Person: "anna", Box: [4]int{10, 10, 50, 110}, Seen: 1}
	ben := truth.Box{Person: "ben", Box: [4]int{30, 10, 70, 110}, Seen: 0.3} // behind anna
	for _, tt := range []struct {
		story string
		found []image.Rectangle
		want  Boxes
	}{
		{"nobody was found", nil, Boxes{0, 0, 1}},
		{"anna alone", []image.Rectangle{image.Rect(12, 10, 50, 110)}, Boxes{1, 0, 0}},
		{"both", []image.Rectangle{image.Rect(12, 10, 50, 110), image.Rect(40, 10, 70, 110)}, Boxes{1, 0, 0}},
		{"anna twice", []image.Rectangle{image.Rect(12, 10, 50, 110), image.Rect(5, 10, 40, 110)}, Boxes{1, 1, 0}},
		{"a plant", []image.Rectangle{image.Rect(200, 10, 240, 110)}, Boxes{0, 1, 1}},
	} {
		if got := Persons([]truth.Box{anna, ben}, tt.found, 0.5); got != tt.want {
			t.Errorf("%s: Persons = %+v, want %+v", tt.story, got, tt.want)
		}
	}
	b := Boxes{3, 1, 2}.Add(Boxes{1, 0, 0})
	if b.Precision() != 0.8 || b.Recall() != 4.0/6 {
		t.Errorf("precision %v, recall %v of %+v, want 0.8, 0.667", b.Precision(), b.Recall(), b)
	}
}
