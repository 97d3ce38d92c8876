package fuse

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// boasts are confidences of somebody who is right less often than they say.
func boasts(seed uint64, n int) []Outcome {
	r := rand.New(rand.NewPCG(seed, 3))
	all := make([]Outcome, n)
	for i := range all {
		x := 3 * r.NormFloat64()
		all[i] = Outcome{P: sigmoid(x), Right: r.Float64() < sigmoid(0.5*x-0.3)}
	}
	return all
}

func TestABoasterIsCalibratedOnWhatWasNotSeen(t *testing.T) {
	c, err := FitPlatt(boasts(1, 3000))
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(c.A-0.5) > 0.1 || math.Abs(c.B+0.3) > 0.15 {
		t.Errorf("FitPlatt = %+v, want about 0.5 and -0.3", c)
	}
	held := boasts(2, 3000)
	raw := CalibrationError(held)
	for i := range held {
		held[i].P = c.Apply(held[i].P)
	}
	if got := CalibrationError(held); got > 0.03 || raw < 0.08 {
		t.Errorf("calibration error %.3f before and %.3f after, want above 0.08 and below 0.03", raw, got)
	}
}

func TestCalibratingKeepsTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, err := FitPlatt(boasts(rapid.Uint64().Draw(t, "seed"), 40))
		if errors.Is(err, ErrFit) {
			return
		}
		p, q := rapid.Float64Range(0, 1).Draw(t, "p"), rapid.Float64Range(0, 1).Draw(t, "q")
		if p > q {
			p, q = q, p
		}
		if c.Apply(p) > c.Apply(q) {
			t.Fatalf("%+v maps %v above %v", c, p, q)
		}
	})
}

// TestACalibrationMakesNothingSurer checks that shops in which the doubtful were
// right too do not send a doubtful move past the threshold.
func TestACalibrationMakesNothingSurer(t *testing.T) {
	c := Calibration{Item: Platt{A: 0.64, B: 1.83}, Action: Platt{A: 0.74, B: 1.03}, Person: Platt{A: 1.05, B: 0.31}}
	rapid.Check(t, func(t *rapid.T) {
		p, q, r := rapid.Float64Range(0, 1).Draw(t, "item"), rapid.Float64Range(0, 1).Draw(t, "action"), rapid.Float64Range(0, 1).Draw(t, "person")
		d := Detection{Sure: q, Items: []Item{{"a", p}, {"b", 1 - p}}, Persons: []Person{{Visit: "v", P: r}, {Visit: "w", P: (1 - r) / 2}}}
		c.apply(&d)
		if d.Sure > q || d.Items[0].P > p || d.Persons[0].P > r || d.Items[1].P > d.Items[0].P || d.Persons[1].P > d.Persons[0].P {
			t.Fatalf("item %v, action %v, person %v became %+v", p, q, r, d)
		}
	})
	if got := c.Person.Apply(0.85); got <= 0.85 {
		t.Fatalf("the map takes 0.85 to %v, want one that would lift it", got)
	}
}

func TestNothingIsLearntFromNothing(t *testing.T) {
	if _, err := FitPlatt(nil); !errors.Is(err, ErrFit) {
		t.Errorf("FitPlatt of nothing = %v, want ErrFit", err)
	}
	wrong := make([]Outcome, 50)
	if _, err := FitPlatt(wrong); !errors.Is(err, ErrFit) {
		t.Errorf("FitPlatt of wrong claims only = %v, want ErrFit", err)
	}
}

func TestASetThatIsAllRightDoesNotMakeCertain(t *testing.T) {
	all := make([]Outcome, 50)
	for i := range all {
		all[i] = Outcome{P: 0.9, Right: true}
	}
	c, err := FitPlatt(all)
	if err != nil {
		t.Fatal(err)
	}
	if p := c.Apply(0.9); p < 0.9 || p > 0.99 {
		t.Errorf("after 50 right out of 50, 0.9 becomes %.4f; want surer, and not sure", p)
	}
}

func TestTheCalibrationErrorIsTheMeanDistance(t *testing.T) {
	// Ten at 0.75 of which five are right, ten at 0.95 of which all are.
	var all []Outcome
	for i := range 10 {
		all = append(all, Outcome{0.75, i < 5}, Outcome{0.95, true})
	}
	if got := CalibrationError(all); math.Abs(got-(0.25+0.05)/2) > 1e-9 {
		t.Errorf("CalibrationError = %v, want 0.15", got)
	}
	bins := Reliability(all)
	if len(bins) != 2 || bins[0].Count != 10 || bins[0].Right != 0.5 {
		t.Errorf("Reliability = %+v, want two bins", bins)
	}
}
