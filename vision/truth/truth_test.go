package truth

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sample is one of everything.
var sample = Shop{
	Interactions: []Interaction{{
		Kind: KindInteraction, ID: 1, T: 6.4, Event: Take, Shelf: "a", Slot: "a2", SKU: "water-still", Quantity: 1,
		Person: "anna", Visit: "v1", Scale: "scale-a", Grams: -521.3, From: 5.2, Until: 7.4,
		Frames: map[string]int{"aisle": 96, "shelf-a": 96}, Hidden: []string{"aisle"}, Beside: []string{"ben"},
	}},
	Visits: []Visit{{
		Kind: KindVisit, Visit: "v1", Persons: []string{"anna", "ben"}, Entered: []float64{1, 2.5}, Left: []float64{20, -1},
		Kept: map[string]int{"water-still": 1},
	}},
	Boxes: []Box{{
		Kind: KindBox, Camera: "aisle", Frame: 96, T: 6.4, Person: "anna", Visit: "v1", Box: [4]int{10, 20, 60, 180},
		Seen: 0.75, Floor: [2]float64{1.25, 3.4},
	}},
	Troubles: []Trouble{{Kind: KindTrouble, What: "shake", T: 3, Until: 4}},
	Tags:     []Tag{{Kind: KindTag, Tag: "30-0001", SKU: "cola-can"}},
}

// golden is the stored form of sample; other programs read it.
const golden = `{"kind":"tag","tag":"30-0001","sku":"cola-can"}
{"kind":"trouble","what":"shake","t":3,"until":4}
{"kind":"visit","visit":"v1","persons":["anna","ben"],"entered":[1,2.5],"left":[20,-1],"kept":{"water-still":1}}
{"kind":"interaction","id":1,"t":6.4,"event":"take","shelf":"a","slot":"a2","sku":"water-still","quantity":1,` +
	`"person":"anna","visit":"v1","scale":"scale-a","grams":-521.3,"from":5.2,"until":7.4,` +
	`"frames":{"aisle":96,"shelf-a":96},"hidden":["aisle"],"beside":["ben"]}
{"kind":"box","camera":"aisle","frame":96,"t":6.4,"person":"anna","visit":"v1","box":[10,20,60,180],"seen":0.75,"floor":[1.25,3.4]}
`

func TestTruthIsReadAsItWasWritten(t *testing.T) {
	var out bytes.Buffer
	if err := sample.Write(&out); err != nil {
		t.Fatal(err)
	}
	if err := WriteLines(&out, sample.Boxes); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(golden, out.String()); diff != "" {
		t.Errorf("stored form (-want +got)\n%s", diff)
	}
	got, err := ReadShop(strings.NewReader(golden))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample, got); diff != "" {
		t.Errorf("ReadShop(Write(x)) (-want +got)\n%s", diff)
	}
}

func TestTruthOfOneShelfIsReadToo(t *testing.T) {
	got, err := ReadShop(strings.NewReader(`{"event": "put", "slot": "left", "frame": 154, "t": 5.162, "sku": "x"}` + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Interaction{{Kind: KindInteraction, T: 5.162, Event: Put, Slot: "left", SKU: "x", Quantity: 1}}
	if diff := cmp.Diff(want, got.Interactions); diff != "" {
		t.Errorf("ReadShop() (-want +got)\n%s", diff)
	}
}

func TestBrokenTruthIsRefusedWithItsLine(t *testing.T) {
	for _, line := range []string{
		`take left 5`,
		`{"event": "take", "slot": "left"}`,
		`{"event": "take", "t": 5}`,
		`{"event": "eat", "slot": "a", "t": 5}`,
		`{"event": "take", "slot": "a", "t": 5, "quantity": 0}`,
		`{"kind": "rumour", "t": 5}`,
		`{"kind": "box", "box": [1, 2, 3, "4"]}`,
		`{"kind": "visit", "entered": 5}`,
	} {
		_, err := ReadShop(strings.NewReader(golden + line + "\n"))
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "line 6") {
			t.Errorf("ReadShop(%s) = %v, want ErrFormat and line 6", line, err)
		}
	}
}

func TestReadingsOfScalesAndTagsAreLines(t *testing.T) {
	got, err := ReadLines[Weight](strings.NewReader(`{"t":1.5,"scale":"scale-a","grams":1203.2}` + "\n"))
	if want := (Weight{1.5, "scale-a", 1203.2}); err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("ReadLines() = %v, %v, want %v", got, err, want)
	}
	if _, err := ReadLines[Read](strings.NewReader("{\"t\":1}\n{\"t\":\"soon\"}\n")); !errors.Is(err, ErrFormat) {
		t.Errorf("ReadLines of a word for a time = %v, want ErrFormat", err)
	}
}

// FuzzReadShop checks that what is read is written and read again as it was.
func FuzzReadShop(f *testing.F) {
	f.Add([]byte(golden))
	f.Fuzz(func(t *testing.T, b []byte) {
		first, err := ReadShop(bytes.NewReader(b))
		if err != nil {
			return
		}
		var out bytes.Buffer
		if first.Write(&out) != nil || WriteLines(&out, first.Boxes) != nil {
			t.Skip("a kind that JSON cannot say again")
		}
		var again bytes.Buffer
		second, err := ReadShop(bytes.NewReader(out.Bytes()))
		if err != nil || second.Write(&again) != nil || WriteLines(&again, second.Boxes) != nil {
			t.Fatalf("what was written is refused: %v\n%s", err, out.Bytes())
		}
		if !bytes.Equal(out.Bytes(), again.Bytes()) {
			t.Errorf("written twice:\n%s\n%s", out.Bytes(), again.Bytes())
		}
	})
}
