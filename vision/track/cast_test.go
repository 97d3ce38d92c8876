package track

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
)

// TestAnExchangeInventsNothing checks that two tracks that may have been exchanged
// have together what they had before, and that no belief sums to more than 1.
func TestAnExchangeInventsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCast(ColourLikeness)
		var tracks []*Track
		var ids []int
		for i := range 3 {
			ids = append(ids, c.admit(guest{visit: ledger.VisitID(fmt.Sprint("v", i))}))
		}
		ids = append(ids, c.admit(guest{}))
		for range 3 {
			k := &Track{ID: len(tracks) + 1, State: Present}
			tracks = append(tracks, k)
			c.enter(&stay{track: k, from: at(0)}, func(h casting) []option {
				var all []option
				for _, id := range ids {
					if !slices.Contains(h.names, id) {
						all = append(all, option{id, math.Log(rapid.Float64Range(0.05, 1).Draw(t, "p"))})
					}
				}
				return all
			})
		}
		of := func(k *Track) Belief { return c.believed(k, at(10), c.weights()) }
		for range rapid.IntRange(1, 3).Draw(t, "meetings") {
			i := rapid.IntRange(0, 2).Draw(t, "i")
			a, b := tracks[i], tracks[(i+1)%3]
			a1, b1 := of(a), of(b)
			c.swap([2]*Track{a, b}, at(5), rapid.Float64Range(0.01, 0.99).Draw(t, "swap"), [2]looks{})
			a2, b2 := of(a), of(b)
			for i := range 3 {
				v := ledger.VisitID(fmt.Sprint("v", i))
				if before, after := a1.Of(v)+b1.Of(v), a2.Of(v)+b2.Of(v); math.Abs(before-after) > 0.01 {
					t.Fatalf("%v and %v exchanged are %v and %v: %v of %s out of %v", a1, b1, a2, b2, after, v, before)
				}
			}
			for _, b := range []Belief{a2, b2} {
				sum := 0
				for _, p := range Persons(b) {
					sum += int(p.Confidence)
				}
				if sum > 1000 || b.Unknown() < 0 {
					t.Fatalf("Persons(%v) sum to %d, want at most 1000", b, sum)
				}
			}
		}
	})
}

// TestWhoIsLostAndFoundIsKnownByTheirLook checks that somebody who was out of
// sight and is another track now is known by what they look like and because
// everybody else is somewhere else.
func TestWhoIsLostAndFoundIsKnownByTheirLook(t *testing.T) {
	for name, anna := range map[string]Look{"in their own clothes": clothes(1), "in clothes that cannot be": clothes(9)} {
		s := corner(t)
		s.walkers = []walker{
			{"anna", through(0, Point{1, 6}, 12), clothes(1)},
			{"again", []stop{{28, Point{3.2, 4}}, {50, Point{3.2, 4}}}, anna},
			{"ben", through(4, Point{1, 4.6}, 20), clothes(2)},
		}
		tr := tracker(t, s)
		tr.Bind(Opening{Visit: "v-anna", Gate: "gate-1", At: at(0.5), Party: 1})
		tr.Bind(Opening{Visit: "v-ben", Gate: "gate-1", At: at(4.5), Party: 1})
		s.play(t, tr, 0, 45)
		b := Visits(tr.Who(at(40), Place{Floor: Point{3.7, 4}}))
		if own := name == "in their own clothes"; own != (b.Of("v-anna") > 0.8) {
			t.Errorf("%s, who comes out of nowhere is %v", name, b)
		}
	}
}

// TestWhoComesInBehindSomebodyWhoLeavesIsNotThem checks that a track which goes on
// as somebody else, because one person vanishes in the door where another one
// appears, is known to be another one by the look.
func TestWhoComesInBehindSomebodyWhoLeavesIsNotThem(t *testing.T) {
	for name, look := range map[string]Look{"another one": clothes(2), "the same": clothes(1)} {
		s := corner(t)
		door := Point{2, 1.4}
		s.walkers = []walker{
			{"anna", append(through(0, Point{1, 6}, 12), stop{17, door}), clothes(1)},
			{"ben", []stop{{17.05, door}, {20, Point{2, 3}}, {23, Point{3, 6}}, {40, Point{3, 6}}}, look},
		}
		tr := tracker(t, s)
		tr.Bind(Opening{Visit: "v-anna", Gate: "gate-1", At: at(0.5), Party: 1})
		s.play(t, tr, 0, 16)
		tr.Bind(Opening{Visit: "v-ben", Gate: "gate-1", At: at(16), Party: 1})
		s.play(t, tr, 16.1, 35)
		b := Visits(tr.Who(at(30), Place{Floor: Point{3.5, 6}}))
		if other := name == "another one"; other != (b.Of("v-ben") > 0.7) || other == (b.Of("v-anna") > 0.7) {
			t.Errorf("%s who walks in from where anna was is %v (%d tracks)", name, b, len(tr.Tracks()))
		}
	}
}

// TestAnExchangeThatNobodyNoticedComesToLightByWhatIsDone checks that two who never
// met, and of whom nobody doubts who they are, are taken for each other after all
// when one does again and again what only the other does.
func TestAnExchangeThatNobodyNoticedComesToLightByWhatIsDone(t *testing.T) {
	s := corner(t)
	s.walkers = []walker{
		{"anna", through(0, Point{1, 6}, 40), nil},
		{"dora", through(6, Point{3.3, 4.6}, 40), nil},
	}
	tr := tracker(t, s)
	tr.Bind(Opening{Visit: "shift", Gate: "gate-1", At: at(0.5), Party: 1}) // the wrong way round
	tr.Bind(Opening{Visit: "v-anna", Gate: "gate-1", At: at(6.5), Party: 1})
	s.play(t, tr, 0, 39)
	dora := Place{Floor: Point{3.8, 4.6}}
	shift := func() float64 { return Visits(tr.Who(at(38), dora)).Of("shift") }
	if was := shift(); was > 0.05 {
		t.Fatalf("before: dora is the shift with %.3f, want hardly", was)
	}
	var after []float64
	for i := range 4 {
		tr.Did(at(25+2*float64(i)), dora, nil, func(v ledger.VisitID) float64 {
			if v == "shift" {
				return 1
			}
			return 0.02
		}, 0.1)
		after = append(after, shift())
	}
	if after[0] > 0.5 || after[3] < 0.9 {
		t.Errorf("after one, two, three and four things that only the shift does: %.3f, want doubt at first and then the shift", after)
	}
}
