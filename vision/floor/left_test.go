package floor

import (
	"image"
	"math"
	"testing"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/fuse"
	"github.com/vouchledger/vouch/vision/track"
)

// A path is where somebody is from second to second, with straight ways between.
type path []struct{ t, x, y float64 }

func (p path) at(t float64) (track.Point, bool) {
	if t < p[0].t || t > p[len(p)-1].t {
		return track.Point{}, false
	}
	for i := 1; i < len(p); i++ {
		if a, b := p[i-1], p[i]; t <= b.t {
			s := (t - a.t) / (b.t - a.t)
			return track.Point{X: a.x + s*(b.x-a.x), Y: a.y + s*(b.y-a.y)}, true
		}
	}
	return track.Point{}, false
}

// play lets people walk until a second, in red and in blue, and a scale be
// touched. It returns what became certain.
func play(t *testing.T, f *Floor, from, until float64, steps []fuse.Step, people ...path) []fuse.Detection {
	t.Helper()
	var found []fuse.Detection
	for i := int(math.Round(10 * from)); i <= int(math.Round(10*until)); i++ {
		now := float64(i) / 10
		seen := track.Frame{Camera: "one", At: at(now)}
		for k, p := range people {
			if where, in := p.at(now); in {
				x, y := int(math.Round(100*where.X)), int(math.Round(100*where.Y))
				look := make(track.Look, 4)
				look[k] = 1
				seen.Boxes = append(seen.Boxes, track.Box{Rect: image.Rect(x-20, y-20, x+20, y+20), Score: 0.9, Look: look})
			}
		}
		must(t, f.See(seen))
		for len(steps) > 0 && steps[0].Until.Before(at(now)) {
			must(t, f.Step(steps[0]))
			steps = steps[1:]
		}
		all, err := f.Tick(at(now))
		must(t, err)
		found = append(found, all...)
	}
	return found
}

// of is how probable it is that it was a visit.
func of(visit ledger.VisitID, persons []fuse.Person) float64 {
	for _, p := range persons {
		if p.Visit == visit {
			return p.P
		}
	}
	return 0
}

// moved is a step of the scale: a cola is 355 g, a tea 120 g.
func moved(seconds, grams float64) fuse.Step {
	return fuse.Step{Scale: "scale-a", At: at(seconds), From: at(seconds - 0.2), Until: at(seconds + 0.2), Grams: grams, Sigma: 1}
}

var (
	// Anna walks to the cola, takes one and walks out.
	annasWay = path{{0, 1, 0.1}, {3, 1, 3}, {8, 1, 3}, {11, 1, 0.9}, {12, 1, 0.1}, {14, 1, -0.5}}
	// Ben comes in behind her, looks at the tea, and stands where the cola is when
	// she is gone.
	bensWay = path{{1, 1, 0.1}, {4, 4, 3}, {13, 4, 3}, {15, 1, 3}, {40, 1, 3}}
)

// TestWhoHasLeftPutsNothingBack: anna and ben come in so close behind each other
// that one may be the other. She takes a cola and walks out; half a minute later
// ben puts a cola down, and by what anybody is known to carry it is hers.
func TestWhoHasLeftPutsNothingBack(t *testing.T) {
	puts := func(out path, gap, until float64, told bool) (took, put []fuse.Person) {
		f := open(t, corner())
		must(t, f.Open(opened(-0.1, "v-anna", false)))
		must(t, f.Open(opened(gap-0.1, "v-ben", false)))
		ben := append(path{{gap, 1, 0.1}}, bensWay[1:]...)
		found := play(t, f, 0, 12.5, []fuse.Step{moved(6, -355)}, out, ben)
		if told {
			must(t, f.Left("v-anna", at(11)))
		}
		found = append(found, play(t, f, 12.6, until, []fuse.Step{moved(until-6, 355)}, out, ben)...)
		if len(found) != 2 || found[0].Action != ledger.ActionTake || found[1].Action != ledger.ActionReturn {
			t.Fatalf("found %+v, want a take and a return", found)
		}
		return found[0].Persons, found[1].Persons
	}
	stood := path{{0, 1, 0.1}, {3, 1, 3}, {8, 1, 3}, {11, 1, 0.9}, {50, 1, 0.9}} // she waits at the door
	for _, tt := range []struct {
		story     string
		way       path
		gap       float64
		told      bool
		anna, ben float64 // of the return: at most, at least
	}{
		{"nobody left", stood, 1, false, 1, 0},
		{"she was seen to go out", annasWay, 1, false, 0.1, 0.8},
		{"the gate says that she left", stood, 0.4, true, 0.25, 0.5},
	} {
		took, put := puts(tt.way, tt.gap, 34, tt.told)
		if of("v-anna", took) < 0.5 {
			t.Errorf("%s: taken by %+v, want anna, who had not left then", tt.story, took)
		}
		if a, b := of("v-anna", put), of("v-ben", put); a > tt.anna || b < tt.ben {
			t.Errorf("%s: put back by %+v, want anna at most %.2f and ben at least %.2f", tt.story, put, tt.anna, tt.ben)
		}
		if tt.ben == 0 && of("v-anna", put) < 0.3 {
			t.Errorf("%s: put back by %+v; without that the test shows nothing", tt.story, put)
		}
	}
}

// TestWhoTurnsBackInTheDoorIsStillInside: anna goes out, comes in again and puts
// back what she took. A gate that was told that she leaves stays with that.
func TestWhoTurnsBackInTheDoorIsStillInside(t *testing.T) {
	way := path{{0, 1, 0.1}, {3, 1, 3}, {8, 1, 3}, {11, 1, 0.9}, {12, 1, 0.2}, {13, 1, 0.2}, {16, 1, 3}, {60, 1, 3}}
	var sure []float64
	for _, told := range []bool{false, true} {
		f := open(t, corner())
		must(t, f.Open(opened(-0.1, "v-anna", false)))
		found := play(t, f, 0, 13, []fuse.Step{moved(6, -355)}, way)
		if !f.hasLeft("v-anna", at(13)) {
			t.Fatalf("told %v: she is not seen to go out; the test shows nothing", told)
		}
		if told {
			must(t, f.Left("v-anna", at(11)))
		}
		found = append(found, play(t, f, 13.1, 40, []fuse.Step{moved(30, 355)}, way)...)
		if len(found) != 2 || len(found[1].Persons) == 0 {
			t.Fatalf("told %v: found %+v, want a take and what she puts back", told, found)
		}
		sure = append(sure, found[1].Persons[0].P)
	}
	if sure[0] < 0.99 || sure[1] > 0.97 {
		t.Errorf("put back by her with %.3f, and where the gate was told with %.3f, want surely and less", sure[0], sure[1])
	}
}

// TestWhoIsLongGoneIsForgotten: what a visit carried after ten minutes, the visit
// after a day.
func TestWhoIsLongGoneIsForgotten(t *testing.T) {
	f := open(t, corner())
	must(t, f.Open(opened(-0.1, "v-anna", true)))
	must(t, f.Open(opened(5, "v-ben", false)))
	play(t, f, 0, 1, nil)
	must(t, f.Left("v-anna", at(1)))
	must(t, f.Left("v-carl", at(1))) // whose exit is read before his entry
	must(t, f.Open(opened(0.5, "v-carl", false)))
	if !f.hasLeft("v-carl", at(12)) {
		t.Error("who left is inside again, because it is read that he came")
	}
	for _, tt := range []struct {
		seconds float64
		empty   bool
		guests  int
	}{{601, false, 3}, {612, true, 3}, {25 * 3600, false, 0}} {
		if _, err := f.Tick(at(tt.seconds)); err != nil {
			t.Fatal(err)
		}
		g := f.guests["v-anna"]
		if len(f.guests) != tt.guests || g != nil && g.empty != tt.empty || f.Staff("v-anna") != (g != nil) {
			t.Errorf("after %v s: %d guests, anna %+v, want %d, empty %v", tt.seconds, len(f.guests), g, tt.guests, tt.empty)
		}
	}
}

// TestWhoLeftAndIsSeenAgainIsInDoubt: somebody puts down a cola, which nobody is
// known to carry, where cameras see anna. If a gate says that she left, it is less
// surely she.
func TestWhoLeftAndIsSeenAgainIsInDoubt(t *testing.T) {
	puts := func(left bool) float64 {
		f := open(t, corner())
		must(t, f.Open(opened(-0.1, "v-anna", false)))
		if left {
			must(t, f.Left("v-anna", at(1)))
		}
		found := play(t, f, 0, 26, []fuse.Step{moved(19, 355)}, path{{0, 1, 0.1}, {3, 1, 3}, {26, 1, 3}})
		if len(found) != 1 || found[0].Slot != "a1" || found[0].Action != ledger.ActionReturn {
			t.Fatalf("left %v: found %+v, want one cola put down", left, found)
		}
		return of("v-anna", found[0].Persons)
	}
	if stayed, left := puts(false), puts(true); stayed < left+0.1 {
		t.Errorf("put down by her with %.3f, and if she had left with %.3f; want far less", stayed, left)
	}
}

// TestWhatWasCarriedOutIsForgotten: anna walks out with a cola, and comes in again
// on the same visit. With ben beside her, each as near to the cola as the other,
// somebody puts one down. It is hers by what she carries, unless that was ten
// minutes ago.
func TestWhatWasCarriedOutIsForgotten(t *testing.T) {
	for _, tt := range []struct {
		story   string
		again   float64 // when she comes again
		carries bool
	}{
		{"soon", 60, true},
		{"within ten minutes", 590, true},
		{"after ten minutes", 630, false},
	} {
		f := open(t, corner())
		must(t, f.Open(opened(-0.1, "v-anna", false)))
		found := play(t, f, 0, 15, []fuse.Step{moved(6, -355)}, annasWay)
		must(t, f.Left("v-anna", at(12)))
		_, err := f.Tick(at(tt.again - 1))
		must(t, err)
		must(t, f.Open(opened(tt.again-0.1, "v-anna", false)))
		must(t, f.Open(opened(tt.again+4.9, "v-ben", false)))
		beside := func(from, x float64) path {
			return path{{from, 1, 0.1}, {from + 3, x, 3}, {tt.again + 25, x, 3}}
		}
		found = append(found, play(t, f, tt.again, tt.again+25, []fuse.Step{moved(tt.again+16, 355)}, beside(tt.again, 0.6), beside(tt.again+5, 1.4))...)
		if len(found) != 2 || found[0].Persons[0].Visit != "v-anna" || found[1].Action != ledger.ActionReturn {
			t.Fatalf("%s: found %+v, want what anna takes and a return", tt.story, found)
		}
		a, b := of("v-anna", found[1].Persons), of("v-ben", found[1].Persons)
		if hers := a > 0.9 && b < 0.05; tt.carries && !hers {
			t.Errorf("%s: put back by %+v, want anna, who carried it out", tt.story, found[1].Persons)
		}
		if !tt.carries && math.Abs(a-b) > 0.05 {
			t.Errorf("%s: put back by %+v, want anna no more than ben", tt.story, found[1].Persons)
		}
	}
}
