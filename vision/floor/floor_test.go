package floor

import (
	"errors"
	"image"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/fuse"
	"github.com/vouchledger/vouch/vision/shelf"
	"github.com/vouchledger/vouch/vision/track"
)

var opens = time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return opens.Add(time.Duration(seconds * float64(time.Second))) }

// corner is a shop of 6 x 4 metres with a door in the front wall at x = 1, a
// shelf at the back with cola and tea on one scale, and two cameras that look
// straight down, 100 pixels a metre.
func corner() Config {
	camera := func(id string) track.Camera {
		return track.Camera{ID: id, Width: 600, Height: 400, Floor: track.Homography{0.01, 0, 0, 0, 0.01, 0, 0, 0, 1}, Middle: true}
	}
	place := func(x float64) track.Place {
		return track.Place{Floor: track.Point{X: x, Y: 3.6}, Front: track.Point{Y: -1}}
	}
	return Config{
		Track: track.Config{
			Cameras: []track.Camera{camera("one"), camera("two")},
			Lines:   []track.Line{{Gate: "door", A: track.Point{X: 0.2, Y: 0.5}, B: track.Point{X: 1.8, Y: 0.5}, Inside: track.Point{X: 1, Y: 2}}},
		},
		Fuse: fuse.Config{
			Slots: []fuse.Slot{
				{ID: "a1", SKU: "cola", Scale: "scale-a", Watched: true}, {ID: "a2", SKU: "tea", Scale: "scale-a", Watched: true},
			},
			Products: map[string]fuse.Product{"cola": {Grams: 355}, "tea": {Grams: 120}},
		},
		Places: map[string]track.Place{"a1": place(1), "a2": place(4)},
	}
}

// walk is where somebody is who comes in at second from and stands at x
// before the shelf three seconds later.
func walk(from, x, t float64) (track.Point, bool) {
	s := max(0, min(1, (t-from)/3))
	return track.Point{X: 1 + s*(x-1), Y: 0.1 + s*2.9}, t >= from
}

// frames is what the cameras see of anna, who comes at once and stands before
// the cola, and of ben, who comes five seconds later and stands before the tea.
func frames(until float64) []track.Frame {
	red, blue := make(track.Look, 4), make(track.Look, 4)
	red[0], blue[1] = 1, 1
	var all []track.Frame
	for i := range int(until * 10) {
		t := float64(i) / 10
		for k, camera := range []string{"one", "two"} {
			f := track.Frame{Camera: camera, At: at(t + 0.03*float64(k))}
			for _, who := range []struct {
				from, x float64
				look    track.Look
			}{{0, 1, red}, {5, 4, blue}} {
				if p, in := walk(who.from, who.x, t); in {
					x, y := int(math.Round(100*p.X)), int(math.Round(100*p.Y))
					f.Boxes = append(f.Boxes, track.Box{Rect: image.Rect(x-20, y-20, x+20, y+20), Score: 0.9, Look: who.look})
				}
			}
			all = append(all, f)
		}
	}
	return all
}

func opened(seconds float64, visit ledger.VisitID, staff bool) Opening {
	return Opening{track.Opening{Visit: visit, Gate: "door", Party: 1, At: at(seconds)}, staff}
}

func open(t testing.TB, c Config) *Floor {
	t.Helper()
	f, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// day plays a quarter of a minute: both come in, and at second 12 a cola
// leaves the shelf.
func day(t testing.TB, f *Floor, seen []track.Frame, staff bool) []fuse.Detection {
	t.Helper()
	must(t, f.Open(opened(-0.1, "v-anna", staff)))
	must(t, f.Open(opened(4.9, "v-ben", false)))
	r := rand.New(rand.NewPCG(3, 3))
	var found []fuse.Detection
	for i := range 200 {
		now := float64(i) / 10
		for len(seen) > 0 && !seen[0].At.After(at(now)) {
			must(t, f.See(seen[0]))
			seen = seen[1:]
		}
		for k := range 2 {
			grams := 3000 + r.NormFloat64()
			if now >= 12 {
				grams -= 355
			}
			must(t, f.Weigh("scale-a", at(now+0.05*float64(k)), grams))
		}
		if i == 138 {
			must(t, f.Claim(fuse.Claim{
				ID: "claim-1", Camera: "shelf-a", At: at(12.2), Slot: "a1", Action: ledger.ActionTake, Sure: 0.95,
				Items: []fuse.Item{{SKU: "cola", P: 0.95}},
			}))
		}
		all, err := f.Tick(at(now))
		must(t, err)
		found = append(found, all...)
	}
	return found
}

func TestWhoStoodThereTookIt(t *testing.T) {
	f := open(t, corner())
	found := day(t, f, frames(20), false)
	if len(found) != 1 {
		t.Fatalf("%d detections, want one", len(found))
	}
	d := found[0]
	if d.Slot != "a1" || d.Items[0].SKU != "cola" || d.Action != ledger.ActionTake || len(d.Claims) != 1 || d.Step == nil ||
		d.Persons[0].Visit != "v-anna" || d.Persons[0].P < 0.9 {
		t.Errorf("detection %+v, want a cola taken by v-anna, weighed and claimed", d)
	}
	if late := f.Late(); late != (Late{}) {
		t.Errorf("late: %+v, want nothing", late)
	}
	if got := f.Crossings("door", at(-1), at(20)); len(got) != 2 || !got[0].In {
		t.Errorf("crossings %+v, want two in", got)
	}
	if got := f.Tailgates(at(-1), at(20)); len(got) != 0 {
		t.Errorf("tailgates %+v, want none", got)
	}
	got := f.Persons()
	if len(got) != 2 || got[0].Belief.Of("v-anna") < 0.9 || got[1].Belief.Of("v-ben") < 0.9 || got[1].State != track.Present {
		t.Errorf("persons %+v, want v-anna and v-ben", got)
	}
}

func TestWhatStaffTakesIsStaffs(t *testing.T) {
	f := open(t, corner())
	found := day(t, f, frames(20), true)
	if len(found) != 1 || found[0].Persons[0].Visit != "v-anna" || !found[0].Persons[0].Staff || !f.Staff("v-anna") || f.Staff("v-ben") {
		t.Errorf("detections %+v, want one of v-anna, who is staff", found)
	}
}

func TestFramesThatComeOutOfOrderAndTwiceCountInOrderAndOnce(t *testing.T) {
	want := day(t, open(t, corner()), frames(20), false)
	rapid.Check(t, func(r *rapid.T) {
		seen := frames(20)
		type coming struct {
			f  track.Frame
			at time.Time
		}
		var queue []track.Frame
		var waiting []coming
		for _, s := range seen {
			n := rapid.IntRange(0, 1).Draw(r, "again")
			for range n + 1 {
				late := time.Duration(rapid.IntRange(0, 380).Draw(r, "late ms")) * time.Millisecond
				waiting = append(waiting, coming{s, s.At.Add(late)})
			}
		}
		f := open(t, corner())
		var found []fuse.Detection
		must(t, f.Open(opened(4.9, "v-ben", false)))
		must(t, f.Open(opened(-0.1, "v-anna", false)))
		must(t, f.Open(opened(4.9, "v-ben", false)))
		for i := range 200 {
			now := at(float64(i) / 10)
			queue = queue[:0]
			waiting = keepAfter(waiting, func(c coming) bool {
				if c.at.After(now) {
					return true
				}
				queue = append(queue, c.f)
				return false
			})
			for _, s := range queue {
				must(t, f.See(s))
			}
			if i == 138 {
				must(t, f.Claim(fuse.Claim{ID: "c", At: at(12.2), Slot: "a1", Action: ledger.ActionTake, Sure: 0.95, Items: []fuse.Item{{SKU: "cola", P: 0.95}}}))
			}
			all, err := f.Tick(now)
			must(t, err)
			found = append(found, all...)
		}
		if f.Late().Frames != 0 {
			r.Fatalf("%d frames too late, want none", f.Late().Frames)
		}
		if len(found) != 1 || math.Abs(found[0].Persons[0].P-want[0].Persons[0].P) > 0.02 || found[0].Persons[0].Visit != "v-anna" {
			r.Fatalf("found %+v, want as in order %+v", found, want)
		}
		if got := f.Crossings("door", at(-1), at(20)); len(got) != 2 {
			r.Fatalf("crossings %+v, want two", got)
		}
	})
}

func keepAfter[T any](all []T, stays func(T) bool) []T {
	var left []T
	for _, a := range all {
		if stays(a) {
			left = append(left, a)
		}
	}
	return left
}

func TestAFrameAfterItsTimeChangesNothing(t *testing.T) {
	f := open(t, corner())
	day(t, f, frames(20), false)
	if _, err := f.Tick(at(20)); err != nil {
		t.Fatal(err)
	}
	before := f.Persons()
	must(t, f.See(track.Frame{Camera: "one", At: at(15), Boxes: []track.Box{{Rect: image.Rect(480, 180, 520, 220), Score: 1}}}))
	if _, err := f.Tick(at(20)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, f.Persons()); diff != "" || f.Late().Frames != 1 {
		t.Errorf("%d late frames, want one that changes nothing (-before +after)\n%s", f.Late().Frames, diff)
	}
}

func TestASensorWhoseClockRunsAheadMovesNobodyElses(t *testing.T) {
	f := open(t, corner())
	if _, err := f.Tick(at(1)); err != nil {
		t.Fatal(err)
	}
	soon, far := at(9), at(100)
	for what, err := range map[string]error{
		"frame":   f.See(track.Frame{Camera: "one", At: far}),
		"opening": f.Open(opened(100, "v", false)),
		"weight":  f.Weigh("scale-a", far, 3000),
		"step":    f.Step(fuse.Step{Scale: "scale-a", At: far, Until: far, Grams: -355}),
		"read":    f.Read(fuse.TagRead{Reader: "rfid", Tag: "t", At: far}),
		"exit":    f.Left("v", far),
		"claim":   f.Claim(fuse.Claim{Slot: "a1", At: far}),
	} {
		if !errors.Is(err, ErrAhead) {
			t.Errorf("%s of second 100 at second 1 = %v, want ErrAhead", what, err)
		}
	}
	must(t, f.Weigh("scale-a", soon, 3000))
	if found, err := f.Flush(); err != nil || len(found) != 0 {
		t.Errorf("Flush() = %v, %v, want nothing of what was refused", found, err)
	}
}

func TestWithoutCamerasOfPersonsNobodyIsNamed(t *testing.T) {
	c := corner()
	c.Track = track.Config{}
	f := open(t, c)
	found := day(t, f, nil, false)
	if len(found) != 1 || len(found[0].Persons) != 0 {
		t.Errorf("detections %+v, want one that names nobody", found)
	}
	if err := f.See(track.Frame{Camera: "one", At: at(1)}); !errors.Is(err, track.ErrCamera) {
		t.Errorf("See() = %v, want ErrCamera", err)
	}
	if f.Persons() != nil || f.Crossings("door", at(0), at(9)) != nil || f.Tailgates(at(0), at(9)) != nil {
		t.Error("somebody is followed whom no camera sees")
	}
}

func TestWhatNobodyPlacedIsNobodys(t *testing.T) {
	c := corner()
	delete(c.Places, "a1")
	if found := day(t, open(t, c), frames(20), false); len(found) != 1 || len(found[0].Persons) != 0 {
		t.Errorf("detections %+v, want one that names nobody", found)
	}
}

func TestAFloorThatDoesNotFitTogetherIsRefused(t *testing.T) {
	for story, spoil := range map[string]func(*Config){
		"frames later than the judgement": func(c *Config) { c.Late, c.Fuse.Wait = 3*time.Second, 2*time.Second },
		"before the time":                 func(c *Config) { c.Late = -1 },
		"said twice":                      func(c *Config) { c.Fuse.Who = func(time.Time, string, []fuse.Act) []fuse.Person { return nil } },
		"a place of no slot":              func(c *Config) { c.Places["z9"] = track.Place{} },
	} {
		c := corner()
		spoil(&c)
		if _, err := New(c); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: New() = %v, want ErrConfig", story, err)
		}
	}
	c := corner()
	c.Fuse.Slots[0].SKU = "gold"
	if _, err := New(c); !errors.Is(err, fuse.ErrShop) {
		t.Errorf("a slot of what is not sold: New() = %v, want ErrShop", err)
	}
	c = corner()
	c.Track.Cameras[1].ID = "one"
	if _, err := New(c); !errors.Is(err, track.ErrConfig) {
		t.Errorf("a camera twice: New() = %v, want track.ErrConfig", err)
	}
}

func TestAShelfCamerasChangeIsAClaim(t *testing.T) {
	ch := shelf.Change{ID: 3, Slot: "a1", SKU: "tea", Action: shelf.Move, Quantity: 1, Item: 0.8, Act: 0.9, Home: "a2"}
	got := ClaimOf("shelf-a", ch, at(7.5), nil)
	want := fuse.Claim{
		ID: "shelf-a/3/1796025607500", Camera: "shelf-a", At: at(7.5), Slot: "a1", Action: ledger.ActionMove, Sure: 0.9,
		Items: []fuse.Item{{SKU: "tea", P: 0.8}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ClaimOf() (-want +got)\n%s", diff)
	}
	items := []fuse.Item{{SKU: "cola", P: 0.7}, {SKU: "tea", P: 0.2}}
	if got := ClaimOf("shelf-a", ch, at(7.5), items); !cmp.Equal(got.Items, items) {
		t.Errorf("ClaimOf() with a recogniser = %+v, want its readings", got.Items)
	}
}
