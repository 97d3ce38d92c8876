package fuse

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
)

var opens = time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return opens.Add(time.Duration(seconds * float64(time.Second))) }

// corner is a shelf of three slots on one scale: two drinks that weigh the
// same, and biscuits with tags.
func corner() Config {
	return Config{
		Slots: []Slot{
			{ID: "a1", SKU: "cola", Scale: "scale-a", Reader: "rfid-a", Watched: true},
			{ID: "a2", SKU: "cola-zero", Scale: "scale-a", Reader: "rfid-a", Watched: true},
			{ID: "a3", SKU: "biscuits", Scale: "scale-a", Reader: "rfid-a", Watched: true},
		},
		Products: map[string]Product{
			"cola": {Grams: 355}, "cola-zero": {Grams: 355.5}, "biscuits": {Grams: 210, Tagged: true},
			"soup": {Grams: 425},
		},
		Tags: map[string]string{"tag-1": "biscuits", "tag-2": "biscuits"},
		Who:  func(time.Time, string, []Act) []Person { return []Person{{Visit: "v-anna", P: 0.95}} },
	}
}

func fuser(t testing.TB, c Config) *Fuser {
	t.Helper()
	f, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A change of weight on the shelf at a time.
type change struct{ t, grams float64 }

// weigh returns what the shelf's scale reads, 20 times a second, while a hand
// presses before each change and the scale swings after it.
func weigh(until float64, changes ...change) (readings []change) {
	r := rand.New(rand.NewPCG(5, 5))
	for i := range int(until * 20) {
		t := float64(i) / 20
		grams := 3000 + r.NormFloat64()
		for _, c := range changes {
			if d := t - c.t; d > 0 {
				grams += c.grams * (1 - math.Exp(-d/0.11)*math.Cos(d/0.09))
			} else if d > -0.4 {
				grams += 60 * math.Sin(math.Pi*(d+0.4)/0.4)
			}
		}
		readings = append(readings, change{t, grams})
	}
	return readings
}

func feed(t testing.TB, f *Fuser, readings []change) {
	t.Helper()
	for _, w := range readings {
		if err := f.Weigh("scale-a", at(w.t), w.grams); err != nil {
			t.Fatal(err)
		}
	}
}

func claim(t testing.TB, f *Fuser, seconds float64, slot string, action ledger.Action, items ...Item) {
	t.Helper()
	c := Claim{ID: fmt.Sprint(slot, seconds), Camera: "shelf-a", At: at(seconds), Slot: slot, Action: action, Sure: 0.95, Items: items}
	if err := f.Claim(c); err != nil {
		t.Fatal(err)
	}
}

// reads lets both tags answer twice a second, but tag-1 not while it is away.
func reads(f *Fuser, until, away, back float64) {
	for i := range int(until * 2) {
		s := float64(i) / 2
		f.Read(TagRead{Reader: "rfid-a", Tag: "tag-2", At: at(s), RSSI: -55})
		if s < away || s > back {
			f.Read(TagRead{Reader: "rfid-a", Tag: "tag-1", At: at(s), RSSI: -55})
		}
	}
}

func one(t testing.TB, found []Detection) Detection {
	t.Helper()
	if len(found) != 1 {
		t.Fatalf("%d detections, want one: %+v", len(found), found)
	}
	return found[0]
}

func TestTheCameraTellsWhatTheScaleCannot(t *testing.T) {
	f := fuser(t, corner())
	feed(t, f, weigh(12, change{5, -355}))
	claim(t, f, 5.2, "a2", ledger.ActionTake, Item{"cola-zero", 0.9})
	d := one(t, f.Flush())
	if d.Items[0].SKU != "cola-zero" || d.Items[0].P < 0.9 || d.Action != ledger.ActionTake || d.Sure < 0.95 || d.Slot != "a2" {
		t.Errorf("detection = %+v, want cola-zero taken out of a2", d)
	}
	if d.Persons[0].Visit != "v-anna" || d.Persons[0].P < 0.9 {
		t.Errorf("persons = %v, want v-anna", d.Persons)
	}
}

func TestTwoDrinksOfOneWeightAreInDoubtWithoutACamera(t *testing.T) {
	c := corner()
	for i := range c.Slots {
		c.Slots[i].Watched = false
	}
	f := fuser(t, c)
	feed(t, f, weigh(12, change{5, -355}))
	d := one(t, f.Flush())
	if d.Items[0].P > 0.6 || len(d.Items) < 2 || d.Sure < 0.95 {
		t.Errorf("detection = %+v, want a sure take with doubt about which drink", d)
	}
}

func TestTheScaleCorrectsACamera(t *testing.T) {
	f := fuser(t, corner())
	feed(t, f, weigh(12, change{5, -210}))
	claim(t, f, 5.2, "a1", ledger.ActionTake, Item{"cola", 0.6})
	reads(f, 12, 5, 99)
	if d := one(t, f.Flush()); d.Items[0].SKU != "biscuits" || d.Slot != "a3" {
		t.Errorf("detection = %+v, want the biscuits that weigh so and whose tag is gone", d)
	}
}

func TestTagsAloneTellATake(t *testing.T) {
	c := corner()
	for i := range c.Slots {
		c.Slots[i].Scale = ""
	}
	f := fuser(t, c)
	reads(f, 12, 5, 99)
	claim(t, f, 5.1, "a3", ledger.ActionTake, Item{"biscuits", 0.5})
	with := one(t, f.Flush())
	f = fuser(t, c)
	reads(f, 12, 99, 99) // both tags go on answering
	claim(t, f, 5.1, "a3", ledger.ActionTake, Item{"biscuits", 0.5})
	for _, d := range f.Flush() {
		if d.Sure > with.Sure-0.3 {
			t.Errorf("a take while every tag answers is sure by %.2f, with a silent tag by %.2f; want far less", d.Sure, with.Sure)
		}
	}
}

func TestAHandThatLeansOnTheShelfTakesNothing(t *testing.T) {
	f := fuser(t, corner())
	feed(t, f, weigh(20, change{5, 42}, change{9, -42}))
	if found := f.Flush(); len(found) != 0 {
		t.Errorf("detections = %+v, want none", found)
	}
}

func TestAClaimWithoutAChangeOfWeightIsNone(t *testing.T) {
	f := fuser(t, corner())
	feed(t, f, weigh(12))
	claim(t, f, 5.2, "a1", ledger.ActionTake, Item{"cola", 0.9})
	if found := f.Flush(); len(found) != 0 {
		t.Errorf("detections = %+v, want none: nothing is missing on the scale", found)
	}
}

func TestOnlyWhoHasAThingBringsItBack(t *testing.T) {
	c := corner()
	c.Who = func(at time.Time, _ string, _ []Act) []Person {
		if at.Sub(opens) < 8*time.Second {
			return []Person{{Visit: "v-anna", P: 0.98}}
		}
		return []Person{{Visit: "v-ben", P: 0.55}, {Visit: "v-anna", P: 0.43}}
	}
	f := fuser(t, c)
	feed(t, f, weigh(20, change{5, -355}, change{12, 355}))
	claim(t, f, 5, "a1", ledger.ActionTake, Item{"cola", 0.9})
	claim(t, f, 12, "a1", ledger.ActionReturn, Item{"cola", 0.9})
	found := f.Flush()
	if len(found) != 2 || found[1].Action != ledger.ActionReturn {
		t.Fatalf("detections = %+v, want a take and a return", found)
	}
	if p := found[1].Persons[0]; p.Visit != "v-anna" || p.P < 0.9 {
		t.Errorf("the return is %v's, want v-anna's: v-ben never had one", found[1].Persons)
	}
}

func TestAThingInAnothersSlotIsAMove(t *testing.T) {
	f := fuser(t, corner())
	feed(t, f, weigh(20, change{5, -355}, change{12, 355}))
	claim(t, f, 5, "a1", ledger.ActionTake, Item{"cola", 0.9})
	claim(t, f, 12, "a3", ledger.ActionReturn, Item{"cola", 0.5}, Item{"biscuits", 0.3})
	found := f.Flush()
	if len(found) != 2 || found[1].Action != ledger.ActionMove || found[1].Items[0].SKU != "cola" || found[1].Slot != "a3" {
		t.Errorf("detections = %+v, want the cola put into the biscuits' slot", found)
	}
}

func TestTwoPiecesAtOnceAreCountedByTheirWeight(t *testing.T) {
	f := fuser(t, corner())
	feed(t, f, weigh(12, change{5, -420}))
	claim(t, f, 5, "a3", ledger.ActionTake, Item{"biscuits", 0.9})
	if d := one(t, f.Flush()); d.Quantity != 2 || d.Items[0].SKU != "biscuits" {
		t.Errorf("detection = %+v, want two packs of biscuits", d)
	}
}

func TestTwoHandsInOneMomentAreTwoMoves(t *testing.T) {
	f := fuser(t, corner())
	feed(t, f, weigh(12, change{5, -355}, change{5.15, -210}))
	claim(t, f, 5, "a1", ledger.ActionTake, Item{"cola", 0.9})
	claim(t, f, 5.1, "a3", ledger.ActionTake, Item{"biscuits", 0.9})
	reads(f, 12, 5.1, 99)
	found := f.Flush()
	if len(found) != 2 || found[0].Items[0].SKU == found[1].Items[0].SKU {
		t.Errorf("detections = %+v, want cola and biscuits", found)
	}
}

// TestTwoHandsInOneMomentAreTwoPersons: anna stands before the colas, and ben before both.
// Of the biscuits alone nobody knows whose they were; anna's hand was at the colas then.
func TestTwoHandsInOneMomentAreTwoPersons(t *testing.T) {
	c := corner()
	c.Who = func(_ time.Time, slot string, others []Act) []Person {
		busy := slices.ContainsFunc(others, func(a Act) bool { return slices.Equal(a.Slots, []string{"a1"}) })
		switch {
		case slot == "a1":
			return []Person{{Visit: "v-anna", P: 0.95}}
		case busy:
			return []Person{{Visit: "v-ben", P: 0.9}, {Visit: "v-anna", P: 0.05}}
		}
		return []Person{{Visit: "v-anna", P: 0.5}, {Visit: "v-ben", P: 0.45}}
	}
	of := func(slots ...string) map[string]Person {
		f := fuser(t, c)
		grams := 0.0
		for _, slot := range slots {
			item := map[string]Item{"a1": {"cola", 0.9}, "a3": {"biscuits", 0.9}}[slot]
			claim(t, f, 5, slot, ledger.ActionTake, item)
			grams -= c.Products[item.SKU].Grams
		}
		feed(t, f, weigh(12, change{5, grams}))
		who := map[string]Person{}
		for _, d := range f.Flush() {
			who[d.Items[0].SKU] = d.Persons[0]
		}
		return who
	}
	if who := of("a1", "a3"); who["cola"].Visit != "v-anna" || who["biscuits"].Visit != "v-ben" || who["biscuits"].P < 0.8 {
		t.Errorf("taken by %+v, want the cola by anna and the biscuits by ben", who)
	}
	if who := of("a3"); who["biscuits"].P > 0.6 {
		t.Errorf("the biscuits alone are taken by %+v, want that nobody knows: this shows nothing", who)
	}
}

func TestReadingsLateTwiceAndOutOfOrderCountOnce(t *testing.T) {
	readings := weigh(12, change{5, -355})
	want := fuser(t, corner())
	feed(t, want, readings)
	claim(t, want, 5.2, "a2", ledger.ActionTake, Item{"cola-zero", 0.9})
	ordered := one(t, want.Flush())
	rapid.Check(t, func(t *rapid.T) {
		f, err := New(corner())
		if err != nil {
			t.Fatal(err)
		}
		// Each arrives up to 400 ms late, and every eleventh twice.
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 1))
		type arrival struct {
			change
			when float64
		}
		var mixed []arrival
		for i, w := range readings {
			mixed = append(mixed, arrival{w, w.t + 0.4*r.Float64()})
			if i%11 == 0 {
				mixed = append(mixed, arrival{w, w.t + 0.4*r.Float64()})
			}
		}
		slices.SortFunc(mixed, func(a, b arrival) int { return cmp.Compare(a.when, b.when) })
		for _, w := range mixed {
			if err := f.Weigh("scale-a", at(w.t), w.grams); err != nil {
				t.Fatal(err)
			}
		}
		c := Claim{ID: "c", At: at(5.2), Slot: "a2", Action: ledger.ActionTake, Sure: 0.95, Items: []Item{{"cola-zero", 0.9}}}
		for range 2 {
			if err := f.Claim(c); err != nil {
				t.Fatal(err)
			}
		}
		found := f.Flush()
		if len(found) != 1 || found[0].Items[0] != ordered.Items[0] || math.Abs(found[0].Grams-ordered.Grams) > 1e-9 {
			t.Fatalf("detections = %+v, want %+v", found, ordered)
		}
	})
}

func TestAClaimAfterTheDecisionIsLateAndChangesNothing(t *testing.T) {
	f := fuser(t, corner())
	feed(t, f, weigh(12, change{5, -355}))
	claim(t, f, 5.1, "a1", ledger.ActionTake, Item{"cola", 0.9})
	first := one(t, f.Tick(at(11)))
	claim(t, f, 5.3, "a2", ledger.ActionTake, Item{"cola-zero", 0.9})
	if found := f.Flush(); len(found) != 0 || f.Late() != 1 {
		t.Errorf("after the decision on %s: %d detections, %d late; want none and one", first.Slot, len(found), f.Late())
	}
}

func TestADetectionIsWhatTheLedgerKeeps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := corner()
		c.Who = func(time.Time, string, []Act) []Person {
			p := rapid.Float64Range(0, 1).Draw(t, "p")
			return []Person{{Visit: "v-a", P: p}, {Visit: "v-b", P: 1 - p}}
		}
		c.Calibration = Calibration{Item: Platt{A: rapid.Float64Range(0.1, 3).Draw(t, "a"), B: 0.2}, Person: Platt{A: 2, B: -1}}
		f, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		grams := rapid.SampledFrom([]float64{-355, -210, 210, 355, -565, -420}).Draw(t, "grams")
		for _, w := range weigh(12, change{5, grams}) {
			if err := f.Weigh("scale-a", at(w.t), w.grams); err != nil {
				t.Fatal(err)
			}
		}
		for _, d := range f.Flush() {
			r := d.Recorded("store-1", "shelf-a")
			if err := r.Validate(); err != nil {
				t.Fatalf("%+v: %v", r, err)
			}
			items, persons := 0, 0
			for _, h := range r.Items {
				items += int(h.Confidence)
			}
			for _, h := range r.Persons {
				persons += int(h.Confidence)
			}
			if items > 1000 || persons > 1000 {
				t.Fatalf("items sum to %d and persons to %d, want at most 1000: %+v", items, persons, r)
			}
		}
	})
}

func TestShopsThatDoNotFitTogetherAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"a slot of nothing":  func(c *Config) { c.Slots[0].SKU = "gold" },
		"a slot twice":       func(c *Config) { c.Slots[1].ID = "a1" },
		"a tag on nothing":   func(c *Config) { c.Tags["tag-3"] = "gold" },
		"a negative wait":    func(c *Config) { c.Wait = -1 },
		"a camera never off": func(c *Config) { c.Sensors = DefaultSensors; c.Sensors.False = 0 },
		"hands of no weight": func(c *Config) { c.Sensors = DefaultSensors; c.Sensors.Lean = 0 },
	} {
		c := corner()
		spoil(&c)
		if _, err := New(c); !errors.Is(err, ErrShop) {
			t.Errorf("New with %s = %v, want ErrShop", name, err)
		}
	}
	f := fuser(t, corner())
	if err := f.Weigh("scale-z", at(0), 1); !errors.Is(err, ErrUnknown) {
		t.Errorf("Weigh of an unknown scale = %v, want ErrUnknown", err)
	}
	if err := f.Claim(Claim{Slot: "z9"}); !errors.Is(err, ErrUnknown) {
		t.Errorf("Claim of an unknown slot = %v, want ErrUnknown", err)
	}
	if err := f.Step(Step{Scale: "scale-z"}); !errors.Is(err, ErrUnknown) {
		t.Errorf("Step of an unknown scale = %v, want ErrUnknown", err)
	}
}

func TestThreeMovesBeforeTheScaleRestsAreThree(t *testing.T) {
	c := corner()
	c.Who = func(time.Time, string, []Act) []Person {
		return []Person{{Visit: "v-anna", P: 0.5}, {Visit: "shift", P: 0.5, Staff: true}}
	}
	c.Products["biscuits"] = Product{Grams: 210}
	f := fuser(t, c)
	feed(t, f, weigh(14, change{5, 355}, change{5.6, -210}, change{6.2, 355}))
	claim(t, f, 4.8, "a1", ledger.ActionReturn, Item{"cola", 0.9})
	claim(t, f, 5.5, "a3", ledger.ActionTake, Item{"biscuits", 0.9})
	claim(t, f, 6.1, "a1", ledger.ActionReturn, Item{"cola", 0.9})
	found := f.Flush()
	if len(found) != 3 {
		t.Fatalf("%d detections, want three: %+v", len(found), found)
	}
	for i, want := range []struct {
		t    float64
		slot string
	}{{4.8, "a1"}, {5.5, "a3"}, {6.1, "a1"}} {
		if d := found[i]; d.Slot != want.slot || d.Quantity != 1 || d.At.Sub(at(want.t)).Abs() > 300*time.Millisecond || d.Sure < 0.9 {
			t.Errorf("detection %d: %s at %v, %d pieces, sure %.2f; want %s at %v", i, d.Slot, d.At, d.Quantity, d.Sure, want.slot, at(want.t))
		}
	}
}

func TestAClaimWaitsForTheScaleToRest(t *testing.T) {
	f := fuser(t, corner())
	// A cola leaves; biscuits come back while the shelf goes on swinging.
	readings := weigh(20, change{5, -355}, change{8, 210})
	for i := range readings {
		if s := readings[i].t; s > 7.4 && s < 12.5 {
			readings[i].grams += 40 * math.Sin(7*s)
		}
	}
	var found []Detection
	for _, w := range readings {
		if err := f.Weigh("scale-a", at(w.t), w.grams); err != nil {
			t.Fatal(err)
		}
		if w.t == 5.5 {
			claim(t, f, 5.1, "a1", ledger.ActionTake, Item{"cola", 0.9})
		}
		if w.t == 8.5 {
			claim(t, f, 7.5, "a3", ledger.ActionReturn, Item{"biscuits", 0.9})
		}
		found = append(found, f.Tick(at(w.t))...)
	}
	found = append(found, f.Flush()...)
	if len(found) != 2 || found[0].Slot != "a1" || len(found[0].Claims) != 1 || found[1].Slot != "a3" || len(found[1].Claims) != 1 {
		t.Errorf("detections %+v, want a take and a return, each with its own claim", found)
	}
}

func TestStaffRatherPutsAndShoppersRatherTake(t *testing.T) {
	c := corner()
	c.Who = func(time.Time, string, []Act) []Person {
		return []Person{{Visit: "v-anna", P: 0.4}, {Visit: "shift", P: 0.5, Staff: true}}
	}
	type told struct{ anna, staff, unknown float64 }
	var heard []told
	c.Did = func(_ time.Time, slot string, _ []Act, fits func(ledger.VisitID, bool) float64, unknown float64) {
		if slot != "a3" {
			t.Errorf("told of %s, want of a3", slot)
		}
		heard = append(heard, told{fits("v-anna", false), fits("shift", true), unknown})
	}
	f := fuser(t, c)
	feed(t, f, weigh(16, change{5, -210}, change{10, 210}))
	claim(t, f, 5.1, "a3", ledger.ActionTake, Item{"biscuits", 0.95})
	claim(t, f, 10.1, "a3", ledger.ActionReturn, Item{"biscuits", 0.95})
	found := f.Flush()
	if len(found) != 2 || found[0].Persons[0].Visit != "v-anna" || found[0].Persons[0].P < 0.7 {
		t.Fatalf("detections %+v, want the take to be v-anna's", found)
	}
	if len(heard) != 2 || heard[0] != (told{1, 0.1, 1}) || heard[1].staff != 1 || heard[1].anna < 0.5 || heard[1].unknown != 0.1 {
		t.Errorf("told %+v, want that a take is rather a shopper's, and that v-anna had what came back", heard)
	}
}
