package shop

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/vision/truth"
)

const story = `
# Two friends on one card, one alone, and staff.
anna enters 1s: take a2, touch a3 after 1s, return a2, take b1, take a5
ben with anna enters 2s: take a1, misplace a4=cola-can after 4s
carl enters 4s: take a4 after 1s, take c2
staff dora enters 26s: tidy a4, restock a5
lights 20s
shake 24s for 1.5s
`

func stage(t testing.TB, script string) *Stage {
	t.Helper()
	sc, err := Convenience(3, 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := sc.Parse(script); err != nil {
		t.Fatal(err)
	}
	s, err := New(sc)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func crowd(t testing.TB, seed uint64, n int, h Habits) *Stage {
	t.Helper()
	sc, err := Crowd(seed, 4, n, 3, h)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(sc)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhatPeopleSetOutToDoHappens(t *testing.T) {
	s := stage(t, story)
	var got []string
	for _, i := range s.Truth().Interactions {
		line := fmt.Sprintf("%s %s %s %s", i.Person, i.Event, i.Slot, i.SKU)
		if i.Belongs != "" {
			line += " of " + i.Belongs
		}
		got = append(got, line)
	}
	want := []string{
		"anna take a2 water-still", "ben take a1 cola-can", "anna touch a3 oat-biscuits", "carl take a4 juice-orange",
		"anna put a2 water-still", "carl take c2 water-sparkling", "anna take b1 orange-can",
		"ben put a4 cola-can of a1", "anna take a5 honey-jar",
		"dora take a4 cola-can of a1", "dora put a1 cola-can", "dora put a5 honey-jar",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what happened (-want +got)\n%s", diff)
	}
	visits := s.Truth().Visits
	if v := visits[0]; v.Kept["honey-jar"] != 1 || v.Kept["orange-can"] != 1 || len(v.Kept) != 2 || len(v.Persons) != 2 {
		t.Errorf("anna and ben kept %v, want honey and an orangeade on one visit", v)
	}
	if v := visits[2]; !v.Staff || len(v.Kept) != 0 {
		t.Errorf("staff's shift is %v, want nothing kept", v)
	}
	if n := s.Frames() - 1; s.Stock(n)["a1"] != 6 || s.Stock(n)["a4"] != 5 || s.Stock(n)["a5"] != 6 {
		t.Errorf("stock at the end %v, want a1 6, a4 5, a5 6", s.Stock(n))
	}
}

// TestBooksOfTheShelves checks that stock, truth, scales and bags tell one
// story, whatever the dice say.
func TestBooksOfTheShelves(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := rapid.SampledFrom([]Habits{Normal, Hostile}).Draw(rt, "habits")
		s := crowd(t, rapid.Uint64Range(1, 1<<40).Draw(rt, "seed"), 40, h)
		stock := s.Stock(0)
		hands := map[string]float64{} // until when somebody's hand is in a slot
		kept := map[string]int{}
		for _, i := range s.Truth().Interactions {
			switch i.Event {
			case truth.Take:
				stock[i.Slot] -= i.Quantity
				kept[i.Visit] += i.Quantity
			case truth.Put:
				stock[i.Slot] += i.Quantity
				kept[i.Visit] -= i.Quantity
			case truth.Touch, truth.Tidy:
			}
			if i.From < hands[i.Slot] {
				rt.Fatalf("%s has a hand in %s at %v, and there is one until %v", i.Person, i.Slot, i.From, hands[i.Slot])
			}
			hands[i.Slot] = i.Until
			frame := int(math.Round(i.T * float64(s.FPS)))
			before, after := s.Stock(frame - 1)[i.Slot], s.Stock(frame)[i.Slot]
			if want := map[truth.Event]int{truth.Take: -i.Quantity, truth.Put: i.Quantity}[i.Event]; after-before != want {
				rt.Fatalf("%s %s at %v: stock %d to %d", i.Event, i.Slot, i.T, before, after)
			}
		}
		if diff := cmp.Diff(stock, s.Stock(s.Frames()-1)); diff != "" {
			rt.Fatalf("stock at the end (-interactions +stage)\n%s", diff)
		}
		for _, v := range s.Truth().Visits {
			sum := 0
			for _, n := range v.Kept {
				sum += n
			}
			if !v.Staff && sum != kept[v.Visit] {
				rt.Fatalf("%s kept %d, interactions say %d", v.Visit, sum, kept[v.Visit])
			}
		}
	})
}

func TestSameSeedSameShopOtherSeedOther(t *testing.T) {
	text := func(seed uint64) []byte {
		s := crowd(t, seed, 30, Hostile)
		var b bytes.Buffer
		if err := s.Truth().Write(&b); err != nil {
			t.Fatal(err)
		}
		if err := truth.WriteLines(&b, s.Boxes(s.Cameras[0], 200)); err != nil {
			t.Fatal(err)
		}
		if err := truth.WriteLines(&b, slices.Collect(s.Weights("scale-a"))[:400]); err != nil {
			t.Fatal(err)
		}
		if err := truth.WriteLines(&b, slices.Collect(s.Reads())[:400]); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	if one, two := text(5), text(5); !bytes.Equal(one, two) {
		t.Error("one seed gave two shops")
	}
	if bytes.Equal(text(5), text(6)) {
		t.Error("two seeds gave one shop")
	}
}

// TestAThousandInteractionsAreStaged checks the mix that scoring wants.
func TestAThousandInteractionsAreStaged(t *testing.T) {
	sc, err := Crowd(1, 5, 1000, 2, Hostile)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(sc)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, i := range s.Truth().Interactions {
		if i.Staff {
			count["staff "+string(i.Event)]++
			continue
		}
		count["shoppers"]++
		count[string(i.Event)]++
		if i.Belongs != "" && i.Event == truth.Put {
			count["misplaced"]++
		}
		if len(i.Beside) > 0 {
			count["beside"]++
		}
		if i.Quantity > 1 {
			count["pairs"]++
		}
		count["hidden"] += len(i.Hidden)
	}
	for what, least := range map[string]int{
		"shoppers": 900, "take": 500, "put": 100, "touch": 150, "misplaced": 20, "beside": 80, "pairs": 5, "hidden": 20,
		"staff put": 100, "staff tidy": 5,
	} {
		if count[what] < least {
			t.Errorf("%d %s of %v, want %d at least", count[what], what, count, least)
		}
	}
}

func TestScalesShowWhatHandsDo(t *testing.T) {
	s := stage(t, story)
	readings := slices.Collect(s.Weights("scale-a"))
	mean := func(from, until float64) float64 {
		sum, n := 0.0, 0
		for _, w := range readings {
			if w.T >= from && w.T < until {
				sum, n = sum+w.Grams, n+1
			}
		}
		return sum / float64(n)
	}
	for _, i := range s.Truth().Interactions {
		if i.Shelf != "a" || len(i.Beside) > 0 {
			continue
		}
		if step := mean(i.Until, i.Until+0.7) - mean(i.From-0.7, i.From); math.Abs(step-i.Grams) > 4 {
			t.Errorf("%s %s at %v: the scale steps by %.1f g, the truth by %.1f g", i.Event, i.Slot, i.T, step, i.Grams)
		}
	}
	sum := 0.0
	for k, w := range readings[:60] {
		if k > 0 {
			sum += (w.Grams - readings[k-1].Grams) * (w.Grams - readings[k-1].Grams) / 2
		}
	}
	if noise := math.Sqrt(sum / 59); noise < 1 || noise > 2.2 {
		t.Errorf("noise of an untouched scale %.2f g, want about %.1f", noise, s.ScaleNoise)
	}
	for range s.Weights("scale-nowhere") {
		t.Fatal("a scale that does not exist has a reading")
	}
}

func TestTagsAreHeardWhereTheyAre(t *testing.T) {
	s := stage(t, story)
	take := s.Truth().Interactions[1] // ben takes a can
	shelf, before, after, door := 0, 0, 0, 0
	for r := range s.Reads() {
		if r.Reader == "rfid-a" && r.T < 5 && r.RSSI > -65 {
			shelf++
		}
		if r.Tag != take.Tag {
			continue
		}
		switch {
		case r.Reader == DoorReader:
			door++
		case r.Reader == "rfid-a" && r.T < take.T:
			before++
		case r.Reader == "rfid-a" && r.T < take.T+5:
			after++
		}
	}
	if rounds := int(2 * take.T); before < rounds*7/10 {
		t.Errorf("heard in %d of %d rounds on the shelf, want most", before, rounds)
	}
	if all := 11 * 18; shelf < all*7/10 || shelf > all*95/100 { // 11 rounds of three slots of tagged things
		t.Errorf("%d of %d answers of the shelf were heard, want most and not all", shelf, all)
	}
	if after >= 7 {
		t.Errorf("heard in %d of 10 rounds after it was taken, want few", after)
	}
	if door != 0 {
		t.Errorf("heard %d times at the door, and it never left", door)
	}
}

func TestBoxesHoldThePersonAndSayWhatIsHidden(t *testing.T) {
	s := stage(t, story)
	lone, hidden := 0, 0
	for _, c := range s.Cameras[:3] {
		lens := c.Lens()
		for n := 0; n < s.Frames(); n += 7 {
			poses := s.Poses(n)
			dx, dy := s.Shift(n)
			for _, b := range s.Boxes(c, n) {
				i := slices.IndexFunc(poses, func(p Pose) bool { return p.Name == b.Person })
				x, y, _, ok := lens.Project(Vec{poses[i].Floor[0], poses[i].Floor[1], 0.9})
				x, y = x+dx, y+dy
				inside := x >= 0 && y >= 0 && x < float64(c.Width) && y < float64(c.Height)
				if ok && inside && (x < float64(b.Box[0]) || x > float64(b.Box[2]) || y < float64(b.Box[1]) || y > float64(b.Box[3])) {
					t.Fatalf("%s frame %d: %s's hip at %.0f,%.0f is outside %v", c.Name, n, b.Person, x, y, b.Box)
				}
				if len(poses) == 1 && b.Seen == 1 {
					lone++
				}
				if len(poses) > 1 && b.Seen < 0.6 {
					hidden++
				}
			}
		}
	}
	if lone == 0 || hidden == 0 {
		t.Errorf("%d whole boxes of one person, %d half hidden; want some of both", lone, hidden)
	}
}

func TestShoppersDoNotWalkThroughEachOther(t *testing.T) {
	s := crowd(t, 4, 60, Normal)
	close, pairs := 0, 0
	for n := 0; n < s.Frames(); n += 3 {
		poses := s.Poses(n)
		for i, p := range poses {
			for _, q := range poses[:i] {
				if p.Floor[1] < 0.3 || q.Floor[1] < 0.3 {
					continue // in the door
				}
				pairs++
				if math.Hypot(p.Floor[0]-q.Floor[0], p.Floor[1]-q.Floor[1]) < 0.25 {
					close++
				}
			}
		}
	}
	if pairs < 500 || close > pairs/100 {
		t.Errorf("%d of %d pairs stand in each other, want 1 %% at most", close, pairs)
	}
}

func TestPlanogramShowsTheSlots(t *testing.T) {
	s := stage(t, story)
	for _, c := range s.Cameras {
		if c.Kind != OnShelf {
			continue
		}
		b, err := s.Planogram(c, c.Name+".mp4")
		if err != nil {
			t.Fatal(err)
		}
		var p planogramFile
		if err := json.Unmarshal(b, &p); err != nil {
			t.Fatal(err)
		}
		lens := c.Lens()
		for _, g := range s.Gestures() {
			sh := s.Shelves[g.Shelf]
			if sh.Name != c.Shelf {
				continue
			}
			x, y, _, _ := lens.Project(g.Feet[0])
			box := p.Slots[sh.Slots[g.Slot].Name]
			if x < float64(box[0][0]+box[3][0])/2-8 || x > float64(box[1][0]+box[2][0])/2+8 || y > float64(box[0][1]) || y < float64(box[3][1]) {
				t.Errorf("%s: %s stands at %.0f,%.0f, outside %v", c.Name, sh.Slots[g.Slot].Name, x, y, box)
			}
		}
	}
	if _, err := s.Planogram(s.Cameras[0], "x"); !errors.Is(err, ErrScenario) {
		t.Errorf("planogram of the entrance = %v, want ErrScenario", err)
	}
}

func TestScenariosThatCannotBeAreRefused(t *testing.T) {
	for script, want := range map[string]string{
		"anna enters 1s: take z9":                          `no slot "z9"`,
		"anna enters 1s: eat a1":                           "nobody knows how",
		"anna enters soon: take a1":                        "no number of seconds",
		"anna enters 1s: restock a1":                       "only staff",
		"anna enters 1s: return a1":                        "not in the bag",
		"anna enters 1s: take a1, misplace a2":             "no room",
		"empty a1\nanna enters 1s: take a1":                "nothing stands there",
		"ben with anna enters 1s: take a1":                 "nobody called",
		"anna enters 1s: take a1\nanna enters 2s: take a2": "two are called",
		"anna enters 1s: take a1,, take a2":                "between commas",
		"anna enters 1s: take a1 quickly":                  "nobody",
		"rain 3s":                                          "write NAME enters",
		"anna enters 1s: take a1 after 3s and 4s":          "not understood",
		"anna enters 1s: take a1 a2":                       "not understood",
		"seconds 1e9":                                      "no number of seconds",
		"staff dora with anna enters 2s: tidy a1":          "write NAME enters",
		"empty z1":                          "no slot",
		"shake 3s for ever":                 "no number of seconds",
		"anna enters 1s: take a1 after -3s": "no number of seconds",
		"anna enters 1s: take a1\nlights 3s\nseconds 0.5s\nx 4": "write NAME enters",
	} {
		sc, err := Convenience(1, 2)
		if err != nil {
			t.Fatal(err)
		}
		if err = sc.Parse(script); err == nil {
			_, err = New(sc)
		}
		if !errors.Is(err, ErrScenario) || !strings.Contains(fmt.Sprint(err), want) && want != "nobody" {
			t.Errorf("%q: %v, want ErrScenario and %q", script, err, want)
		}
	}
	for name, spoil := range map[string]func(*Scenario){
		"no shelves": func(s *Scenario) { s.Shelves = nil },
		"fast":       func(s *Scenario) { s.FPS = 1000 },
		"endless":    func(s *Scenario) { s.Seconds = math.Inf(1) },
		"odd":        func(s *Scenario) { s.Cameras[0].Width = 321 },
		"twins":      func(s *Scenario) { s.Cameras[0].Name = "aisle" },
		"unsold":     func(s *Scenario) { s.Shelves[0].Slots[0].SKU = "gold" },
		"overfull":   func(s *Scenario) { s.Shelves[0].Slots[0].Initial = 7 },
		"deep":       func(s *Scenario) { s.Arrange(2, 9) },
		"nobody":     func(s *Scenario) { s.Parties = []Party{{Visit: "v"}} },
		"late": func(s *Scenario) {
			s.Parties = []Party{{Visit: "v", Persons: []Person{{Name: "x", Enters: math.NaN()}}}}
		},
		"weather": func(s *Scenario) { s.Troubles = []Trouble{{What: "rain"}} },
		"scales":  func(s *Scenario) { s.ScaleHz = 1e6 },
	} {
		sc, err := Convenience(1, 2)
		if err != nil {
			t.Fatal(err)
		}
		spoil(&sc)
		if _, err := New(sc); !errors.Is(err, ErrScenario) {
			t.Errorf("%s: New() = %v, want ErrScenario", name, err)
		}
	}
	if _, err := Convenience(1, 6); !errors.Is(err, ErrScenario) {
		t.Errorf("six shelves: %v, want ErrScenario", err)
	}
}
