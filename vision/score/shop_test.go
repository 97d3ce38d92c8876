package score

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/vision/truth"
)

// day is what happened: a take each by two shoppers at one shelf within a
// second, a put, a pair, a touch, and a restocking.
var day = truth.Shop{Interactions: []truth.Interaction{
	{T: 10, Event: truth.Take, Shelf: "a", Slot: "a1", SKU: "cola", Quantity: 1, Visit: "v1"},
	{T: 10.8, Event: truth.Take, Shelf: "a", Slot: "a1", SKU: "cola", Quantity: 1, Visit: "v2"},
	{T: 20, Event: truth.Put, Shelf: "a", Slot: "a2", SKU: "cola", Quantity: 1, Visit: "v1", Belongs: "a1"},
	{T: 30, Event: truth.Take, Shelf: "b", Slot: "b1", SKU: "soup", Quantity: 2, Visit: "v2"},
	{T: 40, From: 39.5, Until: 41, Event: truth.Touch, Shelf: "b", Slot: "b2", SKU: "tea", Quantity: 1, Visit: "v2"},
	{T: 50, Event: truth.Put, Shelf: "b", Slot: "b1", SKU: "soup", Quantity: 1, Staff: true},
}}

// seen is a detection of everything in day but the touch.
func seen() []Detection {
	var all []Detection
	for _, in := range day.Interactions {
		if in.Event != truth.Touch {
			action := map[truth.Event]string{truth.Take: "take", truth.Put: "return"}[in.Event]
			all = append(all, detected(in.T+0.3, in.Slot, action, in.SKU, in.Quantity, in.Visit, 0.97))
		}
	}
	return all
}

func detected(t float64, slot, action, sku string, quantity int, visit string, sure float64) Detection {
	d := Detection{T: t, Slot: slot, Action: action, SKU: sku, Quantity: quantity}
	d.Confidences.Item, d.Confidences.Action = sure, sure
	if visit != "" {
		d.Persons = []Person{{"somebody", (1 - sure) / 2}, {visit, sure}}
	}
	return d
}

func TestShopIsJudgedByItemShopperAndCharge(t *testing.T) {
	for _, tt := range []struct {
		story  string
		spoil  func(d []Detection) []Detection
		f1     float64
		who    float64
		wrong  int
		faults []string
	}{
		{"all seen", func(d []Detection) []Detection { return d }, 1, 1, 0, nil},
		{"nothing seen", func([]Detection) []Detection { return nil }, 0, 1, 0, []string{Missed, Missed, Missed, Missed, Missed}},
		{"one missed", func(d []Detection) []Detection { return d[1:] }, 10.0 / 11, 1, 0, []string{Missed}},
		{"seen twice", func(d []Detection) []Detection { return append(d, d[0]) }, 12.0 / 13, 1, 1, []string{Invented}},
		{"other product", func(d []Detection) []Detection { d[2].SKU = "cola-zero"; return d }, 10.0 / 12, 1, 1, []string{WrongItem}},
		{"a take for a put", func(d []Detection) []Detection { d[2].Action = "take"; return d }, 10.0 / 12, 1, 1, []string{WrongAction}},
		{"a move is a put", func(d []Detection) []Detection { d[2].Action = "move"; return d }, 1, 1, 0, nil},
		{"one of two", func(d []Detection) []Detection { d[3].Quantity = 1; return d }, 10.0 / 11, 1, 1, []string{WrongQuantity}},
		{"other slot of the shelf", func(d []Detection) []Detection { d[0].Slot = "a2"; return d }, 1, 1, 0, nil},
		{"other shelf", func(d []Detection) []Detection { d[0].Slot = "b1"; return d }, 10.0 / 12, 1, 1, []string{Missed, Invented}},
		{"somebody else's", func(d []Detection) []Detection { d[2].Persons[1].Visit = "v2"; return d }, 1, 0.75, 1, []string{WrongShopper}},
		{"both shoppers swapped", func(d []Detection) []Detection { d[0].Persons, d[1].Persons = d[1].Persons, d[0].Persons; return d }, 1, 1, 0, nil},
		{"somebody else's, with doubt", func(d []Detection) []Detection {
			d[2].Persons = []Person{{"v2", 0.6}, {"v1", 0.4}}
			return d
		}, 1, 0.75, 0, []string{WrongShopper}},
		{"nobody's", func(d []Detection) []Detection { d[2].Persons = nil; return d }, 1, 0.75, 0, []string{WrongShopper}},
		{"wrong item, with doubt", func(d []Detection) []Detection {
			d[2].SKU, d[2].Confidences.Item = "tea", 0.79
			return d
		}, 10.0 / 12, 1, 0, []string{WrongItem}},
		{"a touch charged", func(d []Detection) []Detection {
			return append(d, detected(40.4, "b2", "take", "tea", 1, "v2", 0.95))
		}, 12.0 / 13, 1, 1, []string{OnTouch}},
		{"staff's restocking given to a shopper", func(d []Detection) []Detection {
			d[4].Persons = []Person{{"v1", 0.95}}
			return d
		}, 1, 1, 1, []string{WrongShopper}},
		{"too late", func(d []Detection) []Detection { d[3].T = 32.51; return d }, 8.0 / 12, 1, 1, []string{Missed, Invented}},
		{"just in time", func(d []Detection) []Detection { d[3].T = 32.5; return d }, 1, 1, 0, nil},
		{"product by its surest reading", func(d []Detection) []Detection {
			d[3].SKU, d[3].Items = "", []Item{{"tea", 0.1}, {"soup", 0.9}}
			return d
		}, 1, 1, 0, nil},
	} {
		r := CompareShop(day, tt.spoil(seen()), DefaultPolicy)
		var faults []string
		for _, f := range r.Faults {
			faults = append(faults, f.What)
		}
		if math.Abs(r.ItemF1()-tt.f1) > 1e-9 || r.RightShopper() != tt.who || r.WrongCharge != tt.wrong ||
			!slices.Equal(faults, tt.faults) {
			t.Errorf("%s: item F1 %.4f, right shopper %.3f, %d wrong charges, faults %v, want %.4f, %.3f, %d, %v",
				tt.story, r.ItemF1(), r.RightShopper(), r.WrongCharge, faults, tt.f1, tt.who, tt.wrong, tt.faults)
		}
	}
}

func TestDaysAreSummed(t *testing.T) {
	bad := seen()
	bad[2].Persons[1].Visit = "v2"
	good := CompareShop(day, seen(), DefaultPolicy)
	sum := good.Add(CompareShop(day, bad, DefaultPolicy)).Add(CompareShop(day, nil, DefaultPolicy))
	if sum.Happened != 18 || sum.Right != 12 || sum.Shopper != 7 || sum.Attributed != 8 || sum.Detections != 10 ||
		sum.WrongChargeShare() != 0.1 || len(sum.Faults) != 6 {
		t.Errorf("three days: %+v", sum)
	}
	if none := (ShopResult{}); none.ItemF1() != 1 || none.RightShopper() != 1 || none.WrongChargeShare() != 0 {
		t.Errorf("nothing happened: %v, %v, %v", none.ItemF1(), none.RightShopper(), none.WrongChargeShare())
	}
}

func TestEveryDetectionHasAVerdict(t *testing.T) {
	d := append(seen(), detected(60, "a1", "take", "cola", 1, "v1", 0.9))
	d[0].Persons[1].Visit = "v3"
	d[2].SKU = "tea"
	d[3].Quantity = 1
	d[4].Action, d[4].Persons = "take", nil
	got := CompareShop(day, d, DefaultPolicy).Verdicts
	want := []Verdict{
		{&day.Interactions[0], true, true, false},
		{&day.Interactions[1], true, true, true},
		{&day.Interactions[2], false, true, true},
		{&day.Interactions[3], true, false, true},
		{&day.Interactions[5], true, false, true},
		{},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Verdicts (-want +got)\n%s", diff)
	}
}

// TestAsManyAsPossibleArePaired compares with trying everything.
func TestAsManyAsPossibleArePaired(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var edges []edge
		for i := range 5 {
			for k := range 5 {
				if rapid.Bool().Draw(t, "edge") {
					edges = append(edges, edge{i, k, aPair + float64(rapid.IntRange(0, 9).Draw(t, "gain"))})
				}
			}
		}
		got, rows, cols := 0.0, map[int]bool{}, map[int]bool{}
		for _, c := range pair(edges) {
			i := slices.IndexFunc(edges, func(e edge) bool { return e.happened == c.happened && e.detected == c.detected })
			if i < 0 || rows[c.happened] || cols[c.detected] {
				t.Fatalf("couple %v is no edge, or one of it is in two couples", c)
			}
			rows[c.happened], cols[c.detected] = true, true
			got += edges[i].gain
		}
		if want := best(edges, 0, map[int]bool{}); math.Abs(got-want) > 1e-3 {
			t.Fatalf("pair(%v) gains %v, want %v", edges, got, want)
		}
	})
}

// best tries everything.
func best(edges []edge, row int, used map[int]bool) float64 {
	if row == 5 {
		return 0
	}
	most := best(edges, row+1, used)
	for _, e := range edges {
		if e.happened == row && !used[e.detected] {
			used[e.detected] = true
			most = max(most, e.gain+best(edges, row+1, used))
			delete(used, e.detected)
		}
	}
	return most
}

func TestDetectionsOfAShopAreRead(t *testing.T) {
	want := seen()
	var text strings.Builder
	enc := json.NewEncoder(&text)
	for _, d := range want {
		if err := enc.Encode(d); err != nil {
			t.Fatal(err)
		}
	}
	got, err := ReadDetections(strings.NewReader(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ReadDetections() (-want +got)\n%s", diff)
	}
	// A line of `vouch-edge watch`, which knows no person.
	got, err = ReadDetections(strings.NewReader(`{"t":6.1,"slot":"a1","sku":"cola","action":"take",` +
		`"confidences":{"item":0.9,"action":0.95,"person":null},"frame":91}`))
	if err != nil || got[0].Quantity != 1 || got[0].Confidences.Action != 0.95 {
		t.Errorf("ReadDetections(watch) = %+v, %v", got, err)
	}
	if visit, sure := got[0].visit(); visit != "" || sure != 0 {
		t.Errorf("visit of a detection without persons = %q, %v", visit, sure)
	}
	for line, want := range map[string]error{
		`take`:                                             ErrFormat,
		`{"slot":"a1","action":"take"}`:                    ErrFormat,
		`{"t":1,"action":"take"}`:                          ErrFormat,
		`{"t":1,"slot":"a1","action":"eat"}`:               ErrEvent,
		`{"t":1,"slot":"a1","action":"take","quantity":0}`: ErrFormat,
	} {
		if _, err := ReadDetections(strings.NewReader(line)); !errors.Is(err, want) {
			t.Errorf("ReadDetections(%s) = %v, want %v", line, err, want)
		}
	}
}

func TestShelfScoreReadsAShopsTruth(t *testing.T) {
	got, err := Read(strings.NewReader(`{"kind":"visit","visit":"v1"}
{"kind":"box","frame":3}
{"kind":"interaction","event":"touch","slot":"a1","t":3}
{"kind":"interaction","event":"put","slot":"a1","t":4}
`))
	if want := (Event{"a1", "return", 4}); err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("Read() = %v, %v, want %v only", got, err, want)
	}
}
