package shop

import (
	"testing"
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

func TestX(t *testing.T) {
	s := stage(t, story)
	for _, i := range s.Truth().Interactions {
		t.Logf("%+v", i)
	}
	for _, i := range s.Truth().Visits {
		t.Logf("%+v", i)
	}
	t.Log(s.Frames(), s.Seconds)
	sc, err := Crowd(1, 5, 1000, 2, Normal)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(sc)
	if err != nil {
		t.Fatal(err)
	}
	k := map[string]int{}
	for _, i := range c.Truth().Interactions {
		w := string(i.Event)
		if i.Staff {
			w += " staff"
		}
		if i.Belongs != "" {
			w += " misplaced"
		}
		if i.Quantity > 1 {
			k["pairs"]++
		}
		if len(i.Beside) > 0 {
			k["beside"]++
		}
		for n := range i.Frames {
			k["seen "+n]++
		}
		for _, n := range i.Hidden {
			k["hidden "+n]++
		}
		k[w]++
	}
	t.Log(len(c.Truth().Interactions), c.Seconds, k, len(c.people))
}
