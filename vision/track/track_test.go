package track

import (
	"errors"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

var opens = time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return opens.Add(time.Duration(seconds * float64(time.Second))) }

// A walker is a person for a test: a way of points with times.
type walker struct {
	name string
	way  []stop
	look Look
}

type stop struct {
	t float64
	p Point
}

func (w walker) where(t float64) (Point, bool) {
	if t < w.way[0].t || t > w.way[len(w.way)-1].t {
		return Point{}, false
	}
	for i := 1; i < len(w.way); i++ {
		a, b := w.way[i-1], w.way[i]
		if t <= b.t {
			f := (t - a.t) / (b.t - a.t)
			return Point{a.p.X + f*(b.p.X-a.p.X), a.p.Y + f*(b.p.Y-a.p.Y)}, true
		}
	}
	return Point{}, false
}

// clothes makes a look out of a number; alike moves it towards another.
func clothes(seed uint64) Look {
	r := rand.New(rand.NewPCG(seed, 1))
	l, n := make(Look, 24), 0.0
	for i := range l {
		v := math.Pow(r.Float64(), 4)
		l[i], n = float32(v), n+v*v
	}
	for i := range l {
		l[i] = float32(float64(l[i]) / math.Sqrt(n))
	}
	return l
}

// A stage where walkers walk before cameras.
type scene struct {
	cameras []Camera
	blind   func(camera string, p Point) bool // where a camera sees nothing
	walkers []walker
	misses  float64
	noise   float64 // pixels
}

func (s scene) play(t testing.TB, tr *Tracker, from, until float64) {
	t.Helper()
	r := rand.New(rand.NewPCG(7, 7))
	for n := int(from * 10); n <= int(until*10); n++ {
		for _, c := range s.cameras {
			f := Frame{Camera: c.ID, At: at(float64(n) / 10)}
			for _, w := range s.walkers {
				p, ok := w.where(float64(n) / 10)
				if !ok || s.blind != nil && s.blind(c.ID, p) || r.Float64() < s.misses {
					continue
				}
				foot := c.Floor.Picture(p)
				head := c.Floor.Picture(Point{p.X, p.Y + 0.01})
				tall := 1.7 / 0.01 * math.Abs(foot.Y-head.Y) * 0.6
				x, y := foot.X+s.noise*r.NormFloat64(), foot.Y+s.noise*r.NormFloat64()
				box := image.Rect(int(x-tall/6), int(y-tall), int(x+tall/6), int(y))
				if box = box.Intersect(image.Rect(0, 0, c.Width, c.Height)); !box.Empty() {
					f.Boxes = append(f.Boxes, Box{Rect: box, Score: 0.9, Look: w.look})
				}
			}
			if err := tr.Observe(f); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// corner is a camera over a room of 4 x 8 metres whose gate is at y = 1.
func corner(t testing.TB) scene {
	return scene{
		cameras: []Camera{{ID: "door", Width: 640, Height: 480, Floor: room(t)}},
		misses:  0.05, noise: 2,
	}
}

var entrance = Line{Gate: "gate-1", A: Point{1, 1}, B: Point{3, 1}, Inside: Point{2, 4}}

func tracker(t testing.TB, s scene) *Tracker {
	t.Helper()
	tr, err := New(Config{Cameras: s.cameras, Lines: []Line{entrance}})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// through is a way in and to a place where one stands.
func through(start float64, to Point, until float64) []stop {
	return []stop{
		{start, Point{2, 0.2}},
		{start + 3, Point{2, 2.5}},
		{start + 6, to},
		{until, to},
	}
}

func TestWhoShowsACodeIsFollowedToTheShelf(t *testing.T) {
	s := corner(t)
	s.walkers = []walker{{"anna", through(0, Point{1, 6}, 20), clothes(1)}}
	tr := tracker(t, s)
	tr.Bind(Opening{Visit: "v-anna", Gate: "gate-1", At: at(0.5), Party: 1})
	s.play(t, tr, 0, 20)
	tracks := tr.Tracks()
	if len(tracks) != 1 {
		t.Fatalf("%d tracks, want 1", len(tracks))
	}
	if got := tracks[0].At(); got.Distance(Point{1, 6}) > 0.3 {
		t.Errorf("anna stands at %v, want at 1, 6", got)
	}
	who := Persons(Visits(tr.Who(at(15), Place{Floor: Point{0.5, 6}})))
	if len(who) != 1 || who[0].Visit != "v-anna" || who[0].Confidence < 950 {
		t.Errorf("Who at anna's shelf = %v, want v-anna for sure", who)
	}
	if far := Persons(Visits(tr.Who(at(15), Place{Floor: Point{3.5, 2}}))); len(far) > 0 && far[0].Confidence > 100 {
		t.Errorf("Who four metres away = %v, want nobody known", far)
	}
	early := Persons(Visits(tr.Who(at(2.5), Place{Floor: Point{0.5, 6}})))
	if len(early) > 0 && early[0].Confidence > 100 {
		t.Errorf("Who before anna was there = %v, want nobody known", early)
	}
}

// twoAtOneShelf follows anna and ben, who come in one after the other and stand side
// by side before a shelf from the tenth second on.
func twoAtOneShelf(t *testing.T) *Tracker {
	t.Helper()
	s := corner(t)
	s.walkers = []walker{
		{"anna", through(0, Point{1, 6}, 25), clothes(1)},
		{"ben", through(4, Point{1, 4.6}, 25), clothes(2)},
	}
	tr := tracker(t, s)
	tr.Bind(Opening{Visit: "v-anna", Gate: "gate-1", At: at(0.5), Party: 1})
	tr.Bind(Opening{Visit: "v-ben", Gate: "gate-1", At: at(4.5), Party: 1})
	s.play(t, tr, 0, 25)
	return tr
}

func TestTwoAtOneShelfAreToldApartByWhereTheyStand(t *testing.T) {
	tr := twoAtOneShelf(t)
	for _, q := range []struct {
		place Point
		want  ledger.VisitID
	}{{Point{0.5, 6}, "v-anna"}, {Point{0.5, 4.6}, "v-ben"}} {
		who := Persons(Visits(tr.Who(at(20), Place{Floor: q.place})))
		if len(who) == 0 || who[0].Visit != q.want || who[0].Confidence < 800 {
			t.Errorf("Who at %v = %v, want %s", q.place, who, q.want)
		}
	}
	between := Persons(Visits(tr.Who(at(20), Place{Floor: Point{0.5, 5.3}})))
	if len(between) != 2 || between[0].Confidence > 800 {
		t.Errorf("Who half way between the two = %v, want both with doubt", between)
	}
}

// crossing walks two persons into each other and out again.
func crossing(t testing.TB, ben Look) (anna, other Belief) {
	t.Helper()
	s := corner(t)
	s.misses = 0.2
	meet := func(start float64, stand, end Point) []stop {
		return append(through(start, stand, 14), stop{16, Point{2, 5}}, stop{17, Point{2, 5}}, stop{20, end}, stop{26, end})
	}
	s.walkers = []walker{
		{"anna", meet(0, Point{1, 6}, Point{3.3, 6}), clothes(1)},
		{"ben", meet(4, Point{3.3, 4.5}, Point{1, 4.5}), ben},
	}
	tr := tracker(t, s)
	tr.Bind(Opening{Visit: "v-anna", Gate: "gate-1", At: at(0.5), Party: 1})
	tr.Bind(Opening{Visit: "v-ben", Gate: "gate-1", At: at(4.5), Party: 1})
	s.play(t, tr, 0, 26)
	return Visits(tr.Who(at(24), Place{Floor: Point{3.6, 6}})), Visits(tr.Who(at(24), Place{Floor: Point{0.7, 4.5}}))
}

func TestPersonsWhoMeetAreKeptApartByTheirLooks(t *testing.T) {
	anna, ben := crossing(t, clothes(2))
	if anna.Of("v-anna") < 0.85 || ben.Of("v-ben") < 0.85 {
		t.Errorf("after a meeting anna is %v and ben %v, want each mostly themselves", anna, ben)
	}
}

func TestPersonsWhoMeetInTheSameClothesAreInDoubtAfterwards(t *testing.T) {
	anna, ben := crossing(t, clothes(1))
	for who, b := range map[string]Belief{"anna": anna, "ben": ben} {
		if p := max(b.Of("v-anna"), b.Of("v-ben")); p > 0.9 {
			t.Errorf("after standing in one place in the same clothes %s is %v, want doubt", who, b)
		}
	}
}

func TestAWayBetweenCamerasIsOnePersons(t *testing.T) {
	s := corner(t)
	back := s.cameras[0]
	back.ID = "back"
	s.cameras = append(s.cameras, back)
	s.blind = func(camera string, p Point) bool { // two metres that none sees
		return camera == "door" && p.Y > 3.5 || camera == "back" && p.Y < 5.5
	}
	s.walkers = []walker{
		{"anna", through(0, Point{1, 6.5}, 30), clothes(1)},
		{"ben", []stop{{8, Point{2, 0.2}}, {11, Point{2, 2.5}}, {15, Point{3, 6.5}}, {30, Point{3, 6.5}}}, clothes(2)},
	}
	tr := tracker(t, s)
	tr.Bind(Opening{Visit: "v-anna", Gate: "gate-1", At: at(0.5), Party: 1})
	tr.Bind(Opening{Visit: "v-ben", Gate: "gate-1", At: at(8.5), Party: 1})
	s.play(t, tr, 0, 30)
	if n := len(tr.Tracks()); n != 2 {
		t.Fatalf("%d tracks, want 2", n)
	}
	for _, q := range []struct {
		place Point
		want  ledger.VisitID
	}{{Point{0.7, 6.5}, "v-anna"}, {Point{3.3, 6.5}, "v-ben"}} {
		if b := Visits(tr.Who(at(28), Place{Floor: q.place})); b.Of(q.want) < 0.85 {
			t.Errorf("behind the gap at %v is %v, want %s", q.place, b, q.want)
		}
	}
}

func TestAFamilyIsOneVisit(t *testing.T) {
	s := corner(t)
	s.walkers = []walker{
		{"anna", through(0, Point{1, 6}, 20), clothes(1)},
		{"child", through(1.5, Point{3, 6}, 20), clothes(2)},
	}
	tr := tracker(t, s)
	s.play(t, tr, 0, 8) // the gate's word comes late
	tr.Bind(Opening{Visit: "v-anna", Gate: "gate-1", At: at(0.5), Party: 2})
	s.play(t, tr, 8.1, 20)
	for _, p := range []Point{{0.5, 6}, {3.5, 6}} {
		if b := Visits(tr.Who(at(18), Place{Floor: p})); b.Of("v-anna") < 0.9 {
			t.Errorf("Who at %v = %v, want the family's visit", p, b)
		}
	}
	if tails := tr.Tailgates(at(0), at(20)); len(tails) != 0 {
		t.Errorf("Tailgates = %v, want none", tails)
	}
}

func TestTwoPersonsOnOneCodeAreNoticed(t *testing.T) {
	s := corner(t)
	s.walkers = []walker{
		{"anna", through(0, Point{1, 6}, 20), clothes(1)},
		{"stranger", through(1.5, Point{3, 6}, 20), clothes(2)},
	}
	tr := tracker(t, s)
	tr.Bind(Opening{Visit: "v-anna", Gate: "gate-1", At: at(0.5), Party: 1})
	s.play(t, tr, 0, 20)
	tails := tr.Tailgates(at(0), at(10))
	if len(tails) != 1 || tails[0].Visit != "v-anna" || tails[0].Came != 2 || tails[0].Invited != 1 {
		t.Fatalf("Tailgates = %+v, want one of two persons on v-anna", tails)
	}
	for _, p := range []Point{{0.5, 6}, {3.5, 6}} {
		if got := Visits(tr.Who(at(18), Place{Floor: p})).Of("v-anna"); got > 0.6 {
			t.Errorf("Who at %v = v-anna at %.2f, want doubt: nobody knows which of the two pays", p, got)
		}
	}
}

func TestWhoComesInWithoutACodeIsNobodys(t *testing.T) {
	s := corner(t)
	s.walkers = []walker{{"stranger", through(0, Point{1, 6}, 20), clothes(2)}}
	tr := tracker(t, s)
	tr.Bind(Opening{Visit: "v-before", Gate: "gate-1", At: at(-30), Party: 1})
	s.play(t, tr, 0, 20)
	if tails := tr.Tailgates(at(0), at(10)); len(tails) != 1 || tails[0].Visit != "" || tails[0].Came != 1 {
		t.Errorf("Tailgates = %+v, want one for whom nothing opened", tails)
	}
	if who := Persons(Visits(tr.Who(at(18), Place{Floor: Point{0.5, 6}}))); len(who) != 0 {
		t.Errorf("Who = %v, want nobody known", who)
	}
}

func TestWhoLeavesIsCountedOut(t *testing.T) {
	s := corner(t)
	way := append(through(0, Point{1, 6}, 10), stop{14, Point{2, 2}}, stop{17, Point{2, 0.1}})
	s.walkers = []walker{{"anna", way, clothes(1)}}
	tr := tracker(t, s)
	s.play(t, tr, 0, 100)
	got := tr.Crossings("gate-1", at(0), at(100))
	if len(got) != 2 || !got[0].In || got[1].In {
		t.Errorf("Crossings = %+v, want one in and one out", got)
	}
	if n := len(tr.Tracks()); n != 0 {
		t.Errorf("%d tracks a minute after everybody left, want none", n)
	}
}

func TestTheSameFramesGiveTheSameTracks(t *testing.T) {
	a1, b1 := crossing(t, clothes(2))
	a2, b2 := crossing(t, clothes(2))
	if fmt.Sprint(a1, b1) != fmt.Sprint(a2, b2) {
		t.Errorf("two runs give %v, %v and %v, %v", a1, b1, a2, b2)
	}
}

func TestWrongSettingsAreRefused(t *testing.T) {
	cam := Camera{ID: "a", Width: 10, Height: 10, Floor: Homography{1, 0, 0, 0, 1, 0, 0, 0, 1}}
	for name, c := range map[string]Config{
		"no camera":           {},
		"camera without size": {Cameras: []Camera{{ID: "a", Floor: cam.Floor}}},
		"camera twice":        {Cameras: []Camera{cam, cam}},
		"no inside":           {Cameras: []Camera{cam}, Lines: []Line{{Gate: "g", A: Point{0, 0}, B: Point{1, 0}}}},
		"negative patience":   {Cameras: []Camera{cam}, Patience: -1},
	} {
		if _, err := New(c); !errors.Is(err, ErrConfig) {
			t.Errorf("New with %s = %v, want ErrConfig", name, err)
		}
	}
	tr, err := New(Config{Cameras: []Camera{cam}})
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Observe(Frame{Camera: "b"}); !errors.Is(err, ErrCamera) {
		t.Errorf("Observe of an unknown camera = %v, want ErrCamera", err)
	}
}

func TestLooksTellColoursApart(t *testing.T) {
	paint := func(top, bottom [3]byte) []byte {
		p := make([]byte, 0, 40*80*3)
		for y := range 80 {
			for range 40 {
				c := top
				if y > 40 {
					c = bottom
				}
				p = append(p, c[:]...)
			}
		}
		return p
	}
	red, blue, dark := [3]byte{30, 30, 200}, [3]byte{200, 60, 30}, [3]byte{40, 40, 40}
	look := func(p []byte) Look {
		l, err := Colours(p, 40, 80, image.Rect(0, 0, 40, 80))
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	a, b := look(paint(red, dark)), look(paint(blue, dark))
	if same := ColourLikeness.says(a, look(paint(red, dark))); same < 0.5 {
		t.Errorf("the same clothes say %.1f, want for one person", same)
	}
	if other := ColourLikeness.says(a, b); other > -2 {
		t.Errorf("red and blue say %.1f, want against one person", other)
	}
	if _, err := Colours(make([]byte, 5), 40, 80, image.Rect(0, 0, 4, 4)); !errors.Is(err, ErrLook) {
		t.Errorf("Colours of half a picture = %v, want ErrLook", err)
	}
}

func TestWhoDoesWhatOnlyStaffDoIsBelievedToBeStaff(t *testing.T) {
	s := corner(t)
	s.walkers = []walker{
		{"anna", through(0, Point{1, 6}, 25), clothes(1)},
		{"dora", through(0.35, Point{3.3, 4.6}, 25), clothes(2)},
	}
	tr := tracker(t, s)
	// The gate heard of them the wrong way round.
	tr.Bind(Opening{Visit: "shift", Gate: "gate-1", At: at(0.5), Party: 1})
	tr.Bind(Opening{Visit: "v-anna", Gate: "gate-1", At: at(0.8), Party: 1})
	s.play(t, tr, 0, 25)
	dora, anna := Place{Floor: Point{3.8, 4.6}}, Place{Floor: Point{0.5, 6}}
	before := Visits(tr.Who(at(20), dora))
	if before.Of("v-anna") < before.Of("shift") {
		t.Fatalf("before: dora is %v, want rather v-anna", before)
	}
	for i := range 3 { // she fills the shelf with what v-anna never had
		tr.Did(at(12+float64(i)), dora, nil, func(v ledger.VisitID) float64 {
			if v == "shift" {
				return 1
			}
			return 0.02
		}, 0.1)
	}
	if got := Visits(tr.Who(at(20), dora)); got.Of("shift") < 0.9 {
		t.Errorf("who fills the shelf is %v, want the shift", got)
	}
	if got := Visits(tr.Who(at(20), anna)); got.Of("v-anna") < 0.6 || got.Of("shift") > 0.3 {
		t.Errorf("the other one is %v, want v-anna then", got)
	}
	for _, k := range tr.Tracks() {
		if k.Belief().Unknown() < -1e-9 {
			t.Errorf("%v sums to more than 1", k.Belief())
		}
	}
	// What fits everybody says nothing.
	was := Visits(tr.Who(at(20), dora))
	tr.Did(at(19), dora, nil, func(ledger.VisitID) float64 { return 1 }, 1)
	if got := Visits(tr.Who(at(20), dora)); math.Abs(got.Of("shift")-was.Of("shift")) > 1e-3 {
		t.Errorf("after a move that fits everybody %v, before %v", got, was)
	}
}
