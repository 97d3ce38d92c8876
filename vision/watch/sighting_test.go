package watch

import (
	"image"
	"testing"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/shelf"
)

func TestSightingBecomesAValidDetection(t *testing.T) {
	s := Sighting{Model: ModelName, Change: shelf.Change{
		Slot: "left", SKU: "tea", Action: shelf.Return, Quantity: 1, Item: 0.3, Act: 0.97,
	}}
	d := s.Recorded("s1", "cam", "")
	if err := d.Validate(); err != nil {
		t.Errorf("Validate() = %v, want none", err)
	}
	if d.Items[0].Confidence != 300 || d.Actions[0].Confidence != 970 || d.Actions[0].Action != ledger.ActionReturn {
		t.Errorf("Recorded() = %+v, want a return, item 300, action 970", d)
	}
	if len(d.Persons) != 0 {
		t.Errorf("Persons = %v, want none: a shelf camera knows no persons", d.Persons)
	}
	if got, want := s.Confidence(), 0.3; got != want {
		t.Errorf("Confidence() = %v, want %v: the weaker one", got, want)
	}
	if named := s.Recorded("s1", "cam", "v1"); len(named.Persons) != 1 || named.Persons[0].Visit != "v1" {
		t.Errorf("Persons = %v, want the one the operator named", named.Persons)
	}
}

// TestWhatIsNoShoppingIsToldOfTheShelf: staff's work and what stands astray,
// and nothing of an ordinary pick.
func TestWhatIsNoShoppingIsToldOfTheShelf(t *testing.T) {
	for _, tt := range []struct {
		story string
		ch    shelf.Change
		want  ledger.ShelfPurpose
	}{
		{"a pick", shelf.Change{Action: shelf.Take}, ""},
		{"staff restocks", shelf.Change{Action: shelf.Return, Purpose: shelf.Restocking}, ledger.ShelfRestocking},
		{"staff tidies", shelf.Change{Action: shelf.Take, Purpose: shelf.Tidying}, ledger.ShelfTidying},
		{"staff clears", shelf.Change{Action: shelf.Take, Purpose: shelf.Clearing}, ledger.ShelfClearing},
		{"a shopper puts it elsewhere", shelf.Change{Action: shelf.Move, Home: "right", Untidy: true}, ledger.ShelfStraying},
		{"a shopper takes what stood astray", shelf.Change{Action: shelf.Take, Home: "right"}, ledger.ShelfStraying},
		{"a pick beside what stands astray", shelf.Change{Action: shelf.Take, Untidy: true}, ledger.ShelfStraying},
	} {
		tt.ch.Slot, tt.ch.SKU, tt.ch.Quantity, tt.ch.Item, tt.ch.Act, tt.ch.Left, tt.ch.LeftSure = "left", "tea", 1, 0.9, 0.8, 2, 0.5
		got, told := Sighting{Model: ModelName, Change: tt.ch}.ShelfChange("cam")
		if told != (tt.want != "") || got.Purpose != tt.want {
			t.Errorf("%s: told %v as %q, want %q", tt.story, told, got.Purpose, tt.want)
		}
		if told && (got.Confidence != 800 || got.Left != 2 || got.Sure != 500 || got.Home != tt.ch.Home || got.Untidy != tt.ch.Untidy) {
			t.Errorf("%s: %+v, want what was seen", tt.story, got)
		}
	}
}

// looker sees what the test says: first before, then after.
type looker struct{ before, after []cv.Box }

func (l *looker) Label() string { return "looker" }

func (l *looker) DetectIn(*cv.Frame, image.Rectangle) ([]cv.Box, error) {
	b := l.before
	l.before = l.after
	return b, nil
}

func TestDetectorConfirmsOrDoubts(t *testing.T) {
	place := image.Rect(100, 100, 200, 300)
	bottle := []cv.Box{{Class: "bottle", Score: 0.8, Rect: image.Rect(120, 110, 180, 300)}}
	arm := []cv.Box{{Class: "person", Score: 0.9, Rect: image.Rect(110, 100, 190, 300)}}
	behind := []cv.Box{{Class: "bottle", Score: 0.9, Rect: image.Rect(0, 0, 640, 360)}}
	for _, tt := range []struct {
		story         string
		action        shelf.Action
		before, after []cv.Box
		classes       []string
		want          int // 1 surer, 0 as before, -1 halved
	}{
		{"bottle gone after a take", shelf.Take, bottle, nil, nil, 1},
		{"bottle still there after a take", shelf.Take, nil, bottle, nil, -1},
		{"bottle there after a return", shelf.Return, nil, bottle, nil, 1},
		{"bottle gone after a return", shelf.Return, bottle, nil, nil, -1},
		{"nothing seen", shelf.Take, nil, nil, nil, 0},
		{"an arm is no item", shelf.Take, nil, arm, nil, 0},
		{"something behind is no item", shelf.Take, nil, behind, nil, 0},
		{"a class that is no goods here", shelf.Take, nil, bottle, []string{"cup"}, 0},
	} {
		ch := shelf.Change{Action: tt.action, Item: 0.8, Act: 0.8, Place: place}
		got, err := confirm(&looker{tt.before, tt.after}, tt.classes, ch, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case tt.want > 0 && (got.Act <= 0.8 || got.Item <= 0.8 || got.Act > 1),
			tt.want == 0 && (got.Act != 0.8 || got.Item != 0.8),
			tt.want < 0 && (got.Act != 0.4 || got.Item != 0.4):
			t.Errorf("%s: confirm() = item %.2f, action %.2f of 0.8, want %+d", tt.story, got.Item, got.Act, tt.want)
		}
	}
}
