package trial

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/vision/render/shop"
)

func crowd(t testing.TB, seed uint64, interactions int, h shop.Habits) shop.Scenario {
	t.Helper()
	sc, err := shop.Crowd(seed, 3, interactions, 2, h)
	if err != nil {
		t.Fatal(err)
	}
	return sc
}

func run(t testing.TB, sc shop.Scenario, s Setting) Result {
	t.Helper()
	r, err := Run(sc, s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAConvenienceShopIsJudgedRight(t *testing.T) {
	r := run(t, crowd(t, 3, 150, shop.Normal), Setting{})
	if r.ItemF1() < 0.97 || r.RightShopper() < 0.95 || r.WrongChargeShare() > 0.01 {
		t.Errorf("item F1 %.3f, right shopper %.3f, wrong charges %.3f of %d detections; want 0.97, 0.95, 0.01",
			r.ItemF1(), r.RightShopper(), r.WrongChargeShare(), r.Detections)
	}
	if len(r.Odds[0]) != r.Detections || len(r.Odds[1]) != r.Detections {
		t.Errorf("%d detections have %d and %d confidences", r.Detections, len(r.Odds[0]), len(r.Odds[1]))
	}
}

func TestTheSameTrialEndsTheSame(t *testing.T) {
	a, b := run(t, crowd(t, 5, 40, shop.Normal), Setting{}), run(t, crowd(t, 5, 40, shop.Normal), Setting{})
	if a.Right != b.Right || a.Shopper != b.Shopper || a.Confident != b.Confident || a.WrongCharge != b.WrongCharge {
		t.Errorf("two runs count %+v and %+v", a, b)
	}
}

func TestASensorThatIsMissingIsMissed(t *testing.T) {
	sc := crowd(t, 7, 60, shop.Hostile)
	all := run(t, sc, Setting{})
	for name, tt := range map[string]struct {
		setting Setting
		worse   func(Result) bool
	}{
		"without shelf cameras": {Setting{Blind: true}, func(r Result) bool { return r.ItemF1() < all.ItemF1() }},
		"without scales":        {Setting{NoScales: true}, func(r Result) bool { return r.ItemF1() < all.ItemF1() }},
		"with nobody followed": {
			Setting{Eyes: Eyes{Missed: 1, Found: Usual.Found, Covered: Usual.Covered}},
			func(r Result) bool { return r.RightShopper() < 0.2 },
		},
	} {
		r := run(t, sc, tt.setting)
		if !tt.worse(r) {
			t.Errorf("%s: item F1 %.3f and right shopper %.3f, with everything %.3f and %.3f; want worse",
				name, r.ItemF1(), r.RightShopper(), all.ItemF1(), all.RightShopper())
		}
		if r.WrongChargeShare() > 0.05 {
			t.Errorf("%s: %.3f are charged wrongly and surely, want doubt instead", name, r.WrongChargeShare())
		}
	}
}

// found is the share of persons that were found.
func found(spots []Sight) float64 {
	persons, found := 0, 0
	for _, s := range spots {
		persons, found = persons+s.Persons[0]+s.Persons[1], found+s.Found[0]+s.Found[1]
	}
	return float64(found) / float64(max(1, persons))
}

func TestAShopIsJudgedFromItsPictures(t *testing.T) {
	sc, err := shop.Convenience(5, 2)
	if err != nil {
		t.Fatal(err)
	}
	// Two shoppers, one after the other in and side by side at the shelves.
	err = sc.Parse(`anna enters 4s: take a2, take a4 after 1s, touch b1, take b2, return b2
ben enters 9s: take a1, take a4 after 2s, touch a3
dora enters 20s: take b5, take a5
seconds 40`)
	if err != nil {
		t.Fatal(err)
	}
	film, err := Shoot(sc, 2)
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, sc, Setting{Film: &film})
	if r.ItemF1() < 0.95 || r.RightShopper() < 0.85 || r.WrongCharge > 0 {
		t.Errorf("item F1 %.3f, right shopper %.3f, %d wrong charges of %d detections; want 0.95, 0.85, none; faults %+v",
			r.ItemF1(), r.RightShopper(), r.WrongCharge, r.Detections, r.Faults)
	}
	path := filepath.Join(t.TempDir(), "shop.film.gz")
	if err := film.Record(path, sc); err != nil {
		t.Fatal(err)
	}
	again, err := Replay(path, sc)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(film, again); diff != "" {
		t.Errorf("the film recorded and read again differs: %s", diff)
	}
	moved := sc
	moved.Cameras = slices.Clone(sc.Cameras)
	moved.Cameras[0].FOV++
	if _, err := Replay(path, moved); !errors.Is(err, ErrFilm) {
		t.Errorf("the film of other cameras gives %v, want ErrFilm", err)
	}
	if len(film.Claims) < 5 || len(film.Boxes) == 0 {
		t.Errorf("%d claims and %d frames of persons, want some of the pictures", len(film.Claims), len(film.Boxes))
	}
	sights, err := film.Sights(sc)
	if err != nil {
		t.Fatal(err)
	}
	if spots := sights[""]; found(spots[:]) < 0.97 {
		t.Errorf("%.3f of the persons on the floor are found in a frame, want 0.97: %+v", found(spots[:]), spots)
	}
	hollow := Film{Boxes: slices.Clone(film.Boxes)}
	for i := range hollow.Boxes {
		hollow.Boxes[i].Boxes = nil
	}
	if none, err := hollow.Sights(sc); err != nil || none[""][AtShelf].Persons[0] == 0 || found(none[""][:]) > 0 {
		t.Errorf("of a film in which nobody is seen %v are found (%v), want none", none, err)
	}
	// With the pictures of persons lost, things are still seen, and nobody named.
	blind := run(t, sc, Setting{Film: &Film{Claims: film.Claims}})
	if blind.ItemF1() < 0.9 || blind.Shopper > 0 || blind.WrongCharge > 0 {
		t.Errorf("with nobody in sight: item F1 %.3f, %d shoppers named, %d wrong charges; want 0.9, none, none",
			blind.ItemF1(), blind.Shopper, blind.WrongCharge)
	}
}
