package fuse

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
)

// A hand rests on the shelf about a time, for about as long, and presses with
// so many grams; it comes and goes as fast.
type hand struct{ t, long, grams float64 }

// unquiet returns what the shelf's scale reads while hands rest on it, so that
// it comes to rest only when they are gone.
func unquiet(until float64, hands []hand, changes ...change) []change {
	r := rand.New(rand.NewPCG(7, 7))
	var readings []change
	for i := range int(until * 20) {
		t := float64(i) / 20
		grams := 3000 + r.NormFloat64()
		for _, h := range hands {
			d := (t - h.t) / h.long
			grams += h.grams * math.Exp(-d*d)
		}
		for _, c := range changes {
			if d := t - c.t; d > 0 {
				grams += c.grams * (1 - math.Exp(-d/0.11)*math.Cos(d/0.09))
			}
		}
		readings = append(readings, change{t, grams})
	}
	return readings
}

// plain is a shelf whose things all weigh differently, so that a scale tells
// them apart.
func plain() Config {
	return Config{
		Slots: []Slot{
			{ID: "a1", SKU: "cola", Scale: "scale-a"},
			{ID: "a2", SKU: "biscuits", Scale: "scale-a"},
			{ID: "a3", SKU: "milk", Scale: "scale-a"},
		},
		Products: map[string]Product{"cola": {Grams: 355}, "biscuits": {Grams: 80}, "milk": {Grams: 1000}},
		Who:      func(time.Time, string, []Act) []Person { return []Person{{Visit: "shift-1", P: 0.95, Staff: true}} },
	}
}

// said is what a test looks at of detections.
func said(found []Detection) []string {
	var all []string
	for _, d := range found {
		all = append(all, string(d.Action)+" "+d.Items[0].SKU+" "+string(rune('0'+d.Quantity)))
	}
	return all
}

// single gives a shelf's one step as a scale gives it that tells no more.
func single(t *testing.T, c Config, readings []change) []Detection {
	t.Helper()
	s := NewScale("scale-a", DefaultSensors.Noise, 0)
	f := fuser(t, c)
	var steps []Step
	for _, w := range readings {
		steps = append(steps, s.Weigh(at(w.t), w.grams)...)
	}
	for _, step := range slices.Concat(steps, s.Flush()) {
		step.Jumps = nil
		if err := f.Step(step); err != nil {
			t.Fatal(err)
		}
	}
	return f.Flush()
}

func TestTwoPutsBeforeTheScaleRestsAreTwo(t *testing.T) {
	readings := unquiet(14, []hand{{5.2, 0.4, 60}, {6, 0.4, 70}}, change{5, 355}, change{6.6, 355})
	f := fuser(t, plain())
	feed(t, f, readings)
	found := f.Flush()
	if got := said(found); !slices.Equal(got, []string{"return cola 1", "return cola 1"}) {
		t.Fatalf("detections %v, want two of one cola each", got)
	}
	for i, want := range []float64{5, 6.6} {
		if d := found[i]; d.At.Sub(at(want)).Abs() > 200*time.Millisecond || math.Abs(d.Grams-355) > 60 || d.Sure < 0.9 {
			t.Errorf("put %d at %v of %.0f g, sure %.2f, want about %v and 355 g", i, d.At.Sub(opens), d.Grams, d.Sure, want)
		}
	}
	// A scale that says only by how much it changed cannot know.
	if got := said(single(t, plain(), readings)); slices.Equal(got, []string{"return cola 1", "return cola 1"}) {
		t.Errorf("without the readings in between %v as well: this shows nothing", got)
	}
}

func TestASlowScaleTellsTwoPutsToo(t *testing.T) {
	readings := unquiet(14, []hand{{5.2, 0.4, 60}, {6, 0.4, 70}}, change{5, 355}, change{6.6, 355})
	for _, every := range []int{2, 4} { // ten and five readings a second
		var some []change
		for i := 0; i < len(readings); i += every {
			some = append(some, readings[i])
		}
		f := fuser(t, plain())
		feed(t, f, some)
		if got := said(f.Flush()); !slices.Equal(got, []string{"return cola 1", "return cola 1"}) {
			t.Errorf("of every %d. reading %v, want two of one cola each", every, got)
		}
	}
}

func TestTwoPiecesInOneHandAreOneMoveOfTwo(t *testing.T) {
	f := fuser(t, plain())
	feed(t, f, unquiet(14, []hand{{5.2, 0.5, 60}, {6, 0.7, 40}}, change{5, 710}, change{6, -80}))
	if got := said(f.Flush()); !slices.Equal(got, []string{"return cola 2", "take biscuits 1"}) {
		t.Errorf("detections %v, want two colas at once and biscuits", got)
	}
}

func TestWhatOneTakesWhileAnotherPutsTheSameIsNotLost(t *testing.T) {
	c := plain()
	c.Who = func(at time.Time, _ string, _ []Act) []Person {
		if at.Before(opens.Add(5500 * time.Millisecond)) {
			return []Person{{Visit: "v-anna", P: 0.95}}
		}
		return []Person{{Visit: "shift-1", P: 0.95, Staff: true}}
	}
	readings := unquiet(14, []hand{{5.5, 0.8, 50}}, change{5, -355}, change{6, 355})
	f := fuser(t, c)
	feed(t, f, readings)
	found := f.Flush()
	if got := said(found); !slices.Equal(got, []string{"take cola 1", "return cola 1"}) {
		t.Fatalf("detections %v, want a cola taken and one put", got)
	}
	if who := found[0].Persons[0]; who.Visit != "v-anna" || who.P < 0.9 {
		t.Errorf("taken by %v, want v-anna", who)
	}
	if who := found[1].Persons[0]; !who.Staff || who.P < 0.9 {
		t.Errorf("put by %v, want staff", who)
	}
	if got := single(t, c, readings); len(got) != 0 {
		t.Errorf("the weight is as before, and of it alone came %v: this shows nothing", said(got))
	}
}

func TestWhatIsTakenAndPutInOneMomentShowsTheCamera(t *testing.T) {
	c := plain()
	c.Slots[0].Watched, c.Slots[1].Watched = true, true
	c.Products["biscuits"] = Product{Grams: 390}
	readings := unquiet(14, []hand{{5.2, 0.5, 40}}, change{5, -390}, change{5, 355})
	tried := func(claims bool) []string {
		f := fuser(t, c)
		feed(t, f, readings)
		if claims {
			claim(t, f, 5, "a2", ledger.ActionTake, Item{"biscuits", 0.9})
			claim(t, f, 4.8, "a1", ledger.ActionReturn, Item{"cola", 0.9})
		}
		got := said(f.Flush())
		slices.Sort(got)
		return got
	}
	if got := tried(true); !slices.Equal(got, []string{"return cola 1", "take biscuits 1"}) {
		t.Errorf("detections %v, want biscuits taken and a cola put", got)
	}
	if got := tried(false); len(got) > 0 {
		t.Errorf("the scale alone makes %v of what a hand may weigh", got)
	}
}

func TestWhoPutsBackBeforeTheScaleRestsHasNothing(t *testing.T) {
	c := plain()
	c.Who = func(time.Time, string, []Act) []Person {
		return []Person{{Visit: "v-anna", P: 0.7}, {Visit: "v-ben", P: 0.25}}
	}
	f := fuser(t, c)
	feed(t, f, unquiet(14, []hand{{5.7, 0.8, 50}}, change{5, -355}, change{6.3, 355}))
	found := f.Flush()
	if got := said(found); !slices.Equal(got, []string{"take cola 1", "return cola 1"}) {
		t.Fatalf("detections %v, want a cola taken and put back", got)
	}
	// Who has just taken one brings one back: what speaks for anna is more now.
	if p := found[1].Persons[0]; p.Visit != "v-anna" || p.P <= found[0].Persons[0].P {
		t.Errorf("put back by %v after %v took it, want v-anna, and surer", found[1].Persons, found[0].Persons)
	}
	if left := f.held["v-anna"]["cola"]; left > 0.1 {
		t.Errorf("anna is believed to carry %.2f colas, want none", left)
	}
}

func TestAHandThatStaysOnTheShelfDoesNotHideATake(t *testing.T) {
	c := corner()
	for i := range c.Slots {
		c.Slots[i].Watched, c.Slots[i].Reader = false, ""
	}
	// Somebody begins to lean on the shelf, slowly, and is still there when it rests.
	leans := func(grams float64, changes ...change) []Detection {
		readings := unquiet(14, nil, changes...)
		for i := range readings {
			readings[i].grams += grams / (1 + math.Exp(-(readings[i].t-5.3)/0.3))
		}
		f := fuser(t, c)
		feed(t, f, readings)
		return f.Flush()
	}
	d := one(t, leans(60, change{5, -355}))
	if d.Action != ledger.ActionTake || d.Quantity != 1 || d.Items[0].SKU != "cola" && d.Items[0].SKU != "cola-zero" {
		t.Errorf("detection %+v, want one cola of either kind taken", d)
	}
	// Who pulls with the same force took nothing.
	if found := leans(-295); len(found) > 0 {
		t.Errorf("somebody pulled at the shelf and took %v", said(found))
	}
}

func TestHandsThatMoveNothingAreNoJumps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hands := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) hand {
			return hand{rapid.Float64Range(3, 9).Draw(t, "t"), rapid.Float64Range(0.4, 1).Draw(t, "long"), rapid.Float64Range(-50, 60).Draw(t, "grams")}
		}), 0, 2).Draw(t, "hands")
		f, err := New(plain())
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range unquiet(14, hands) {
			if err := f.Weigh("scale-a", at(w.t), w.grams); err != nil {
				t.Fatal(err)
			}
		}
		for _, s := range f.steps {
			if len(s.Jumps) > 0 {
				t.Fatalf("hands %v jumped: %+v", hands, s.Jumps)
			}
		}
		if found := f.Flush(); len(found) > 0 {
			t.Fatalf("hands %v took or put: %v", hands, said(found))
		}
	})
}

func TestWhateverMovesInAnUnrestIsFoundInItsOrder(t *testing.T) {
	names, grams := []string{"cola", "biscuits", "milk"}, []float64{355, 80, 1000}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(t, "moves")
		var changes []change
		var want []string
		when := 5.0
		for range n {
			i := rapid.IntRange(0, 2).Draw(t, "what")
			action, g := "return ", grams[i]
			if rapid.Bool().Draw(t, "take") {
				action, g = "take ", -g
			}
			changes, want = append(changes, change{when, g}), append(want, action+names[i]+" 1")
			when += rapid.Float64Range(1.1, 1.4).Draw(t, "later") // a light thing for less than a second is a hand
		}
		hands := []hand{{6, 1.2, rapid.Float64Range(20, 40).Draw(t, "hand")}}
		f, err := New(plain())
		if err != nil {
			t.Fatal(err)
		}
		every := rapid.IntRange(1, 2).Draw(t, "every") // of twenty readings a second
		for i, w := range unquiet(16, hands, changes...) {
			if i%every > 0 {
				continue
			}
			if err := f.Weigh("scale-a", at(w.t), w.grams); err != nil {
				t.Fatal(err)
			}
		}
		if got := said(f.Flush()); !slices.Equal(got, want) {
			t.Fatalf("found %v, want %v", got, want)
		}
	})
}

func TestWhatIsSetDownSlowlyIsOneJump(t *testing.T) {
	var trace []weight
	for i := range 60 {
		s := float64(i) / 20
		trace = append(trace, weight{at(s), 3000 + 540*min(1, max(0, (s-1)/0.6))})
	}
	if js := jumps(trace, 1.5); len(js) != 1 || math.Abs(js[0].Grams-540) > 30 {
		t.Errorf("jumps %+v, want one of 540 g", js)
	}
}

func TestAShelfThatIsShakenTellsNoJumps(t *testing.T) {
	var trace []weight
	for i := range 200 {
		s := float64(i) / 20
		trace = append(trace, weight{at(s), 3000 + 400*math.Sin(4*s)})
	}
	if js := jumps(trace, 1.5); js != nil {
		t.Errorf("%d jumps of a shelf that is shaken", len(js))
	}
	if js := jumps(trace[:24], 1.5); len(js) == 0 {
		t.Error("no jump of a shelf that is pushed once: this shows nothing")
	}
}

func TestTagsSayOfSomeWhatTheMeanOfAllWaysSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		says := rapid.SliceOfN(rapid.Float64Range(-maxTag, maxTag), 2, 6).Draw(t, "says")
		sum, n := 0.0, 0.0
		for i := range says {
			for j := range i {
				sum, n = sum+math.Exp(says[i]+says[j]), n+1
			}
		}
		if got, want := some(says, 2), math.Log(sum/n); math.Abs(got-want) > 1e-9 {
			t.Fatalf("two of %v say %v, want %v", says, got, want)
		}
		if one := some(says, 1); one > slices.Max(says)+1e-9 || one < slices.Min(says)-1e-9 {
			t.Fatalf("one of %v says %v", says, one)
		}
	})
}

func TestOfAnUnrestACameraSaysWhichOfTwoDrinks(t *testing.T) {
	f := fuser(t, corner())
	feed(t, f, unquiet(14, []hand{{5.8, 0.9, 50}}, change{5, -355}, change{6.4, -355}))
	claim(t, f, 4.9, "a2", ledger.ActionTake, Item{"cola-zero", 0.9})
	claim(t, f, 6.3, "a1", ledger.ActionTake, Item{"cola", 0.9})
	found := f.Flush()
	if got := said(found); !slices.Equal(got, []string{"take cola-zero 1", "take cola 1"}) {
		t.Errorf("detections %v, want the zero first", got)
	}
}
