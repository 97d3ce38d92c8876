package shop

import (
	"fmt"
	"math"

	"github.com/vouchledger/vouch/vision/render/random"
)

// Habits say how shoppers behave. [Normal] and [Hostile] are from
// domain.md's figures: a convenience shop's assumptions, and what was measured
// on a university contest's scripted cases.
type Habits struct {
	GapMedian, GapSpread float64 // seconds between two interactions; spread of the logarithm
	Picks                float64 // mean number of pieces taken
	PutBack              float64 // per piece taken
	Elsewhere            float64 // share of pieces put back that go to a wrong slot
	Touches              float64 // per piece taken
	Nothing              float64 // share of visits in which nothing is taken
	Group                float64 // share of visits with several persons
}

// Normal is a convenience shop on a normal day.
var Normal = Habits{
	GapMedian: 6, GapSpread: 0.75, Picks: 3, PutBack: 0.08, Elsewhere: 0.1, Touches: 0.25, Nothing: 0.1, Group: 0.15,
}

// Hostile is a test in which shoppers try to confuse the shop.
var Hostile = Habits{
	GapMedian: 4, GapSpread: 0.75, Picks: 4, PutBack: 0.3, Elsewhere: 0.3, Touches: 0.4, Nothing: 0, Group: 0.3,
}

// Crowd returns a shop in which shoppers do about so many interactions, with no
// more than atOnce shoppers inside, and a member of staff who comes by to
// restock and to tidy.
func Crowd(seed uint64, shelves, interactions, atOnce int, h Habits) (Scenario, error) {
	s, err := Convenience(seed, shelves)
	if err != nil {
		return s, err
	}
	s.AtOnce = atOnce
	r := random.New(seed, 7)
	enters, sum, sinceStaff := 1.0, 0, 0
	for n := 1; sum < interactions; n++ {
		party := Party{Visit: fmt.Sprintf("visit-%d", n)}
		size := 1
		if r.Unit() < h.Group && atOnce != 1 {
			size = 2 + r.Intn(2)/max(1, 4-atOnce) // threes only where there is room
		}
		for k := range size {
			p := Person{Name: fmt.Sprintf("p%d%s", n, []string{"", "b", "c"}[k]), Enters: enters + 1.6*float64(k)}
			p.Wishes = h.wishes(r, interactions-sum)
			sum += touching(p.Wishes)
			sinceStaff += touching(p.Wishes)
			party.Persons = append(party.Persons, p)
		}
		s.Parties = append(s.Parties, party)
		enters += r.Between(4, 16)
		if sinceStaff >= 8*shelves {
			sinceStaff = 0
			s.Parties = append(s.Parties, staff(r, n, enters))
		}
	}
	for at := r.Between(20, 40); at < 3*float64(interactions); at += r.Between(60, 200) {
		t := Trouble{What: Lights, At: math.Round(at)}
		if r.Unit() < 0.5 {
			t = Trouble{What: Shake, At: math.Round(at), For: 1.5}
		}
		s.Troubles = append(s.Troubles, t)
	}
	return s, nil
}

// wishes are what one person sets out to do.
func (h Habits) wishes(r *random.PCG, atMost int) []Wish {
	gap := func() float64 {
		return math.Round(100*min(20, h.GapMedian*0.45*math.Exp(h.GapSpread*r.Normal()))) / 100
	}
	picks := 0
	if r.Unit() >= h.Nothing {
		picks = 1 + poisson(r, h.Picks-1)
	}
	var wishes []Wish
	bag := 0
	for picked := 0; picked < picks && len(wishes) < atMost; {
		switch u := r.Unit() * (1 + h.Touches); {
		case u >= 1:
			wishes = append(wishes, Wish{Act: Touch, After: gap()})
			continue
		case bag > 0 && u < h.PutBack:
			act := Return
			if r.Unit() < h.Elsewhere {
				act = Misplace
			}
			wishes = append(wishes, Wish{Act: act, After: gap()})
			bag--
			continue
		}
		wishes = append(wishes, Wish{Act: Take, After: gap()})
		bag, picked = bag+1, picked+1
	}
	if picks == 0 {
		wishes = append(wishes, Wish{Act: Look, After: gap()}, Wish{Act: Touch, After: gap()})
	}
	return wishes
}

// poisson returns a count of the given mean.
func poisson(r *random.PCG, mean float64) int {
	n, p := 0, r.Unit()
	for limit := math.Exp(-mean); p > limit && n < 12; n++ {
		p *= r.Unit()
	}
	return n
}

// touching counts the wishes that move a hand.
func touching(wishes []Wish) int {
	n := 0
	for _, w := range wishes {
		if w.Act != Look {
			n++
		}
	}
	return n
}

func staff(r *random.PCG, n int, enters float64) Party {
	p := Person{Name: fmt.Sprintf("staff%d", n), Enters: enters, Look: StaffLook}
	p.Wishes = append(p.Wishes, Wish{Act: Tidy, After: r.Between(0.3, 1)})
	for range 7 + r.Intn(3) {
		p.Wishes = append(p.Wishes, Wish{Act: Restock, After: r.Between(0.5, 1.5)})
	}
	p.Wishes = append(p.Wishes, Wish{Act: Tidy, After: r.Between(0.3, 1)})
	return Party{Visit: fmt.Sprintf("shift-%d", n), Persons: []Person{p}, Staff: true}
}

// StaffLook is the look of the shop's own clothes.
const StaffLook = -1
