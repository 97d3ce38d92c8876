package lens

import (
	"math/rand/v2"
	"slices"
	"testing"
)

const w, h = 320, 180

// shop draws a shop of tiles of many sizes and colours that lies dx, dy aside,
// lit by gain.
func shop(seed uint64, dx, dy int, gain float64) []byte {
	rng := rand.New(rand.NewPCG(seed, 1))
	pic := make([]byte, w*h*3)
	for i := range pic {
		pic[i] = byte(120 * gain)
	}
	for range 90 {
		x0, y0 := rng.IntN(w+160)-80, rng.IntN(h+160)-80
		tw, th, v := 8+rng.IntN(40), 8+rng.IntN(40), rng.IntN(220)
		for y := max(0, y0+dy); y < min(h, y0+th+dy); y++ {
			for x := max(0, x0+dx); x < min(w, x0+tw+dx); x++ {
				for k := range 3 {
					pic[(y*w+x)*3+k] = byte(min(255, float64(v+10*k)*gain))
				}
			}
		}
	}
	return pic
}

func flat(v byte) []byte {
	pic := make([]byte, w*h*3)
	for i := range pic {
		pic[i] = v
	}
	return pic
}

// noisy returns the picture as a sensor sees it: never twice the same.
func noisy(rng *rand.Rand, pic []byte) []byte {
	out := slices.Clone(pic)
	for i := range out {
		out[i] = byte(max(0, min(255, int(out[i])+rng.IntN(7)-3)))
	}
	return out
}

// scene is some seconds of a camera.
type scene struct {
	pic     []byte
	seconds float64
	quiet   bool // exactly the same picture each time
	damaged bool
}

// run shows scenes to a lens at 10 looks a second and returns what it told,
// in order, and for each scene whether its last picture may be judged.
func run(l *Lens, scenes ...scene) (told []Trouble, judged []bool) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, s := range scenes {
		judge := false
		for i := range int(10 * s.seconds) {
			pic := s.pic
			if !s.quiet {
				pic = noisy(rng, pic)
			}
			if s.damaged && i == 0 {
				l.Damage()
			}
			var changed bool
			if judge, changed = l.See(pic); changed {
				t, _ := l.State()
				told = append(told, t)
			}
		}
		judged = append(judged, judge)
	}
	return told, judged
}

// TestAnEncoderRepeatsASensorThatStandsStill shows what arrives of a picture
// that stands still: a whole picture each second, and those it is made finer by.
func TestAnEncoderRepeatsASensorThatStandsStill(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	var second [][]byte
	for range 10 {
		second = append(second, noisy(rng, shop(1, 0, 0, 1)))
	}
	frozen := func(again func(look int) []byte) (told []Trouble) {
		l := New(w, h, 10, nil, nil)
		for n := range 80 {
			if _, changed := l.See(again(n)); changed {
				now, _ := l.State()
				told = append(told, now)
			}
		}
		return told
	}
	if got := frozen(func(n int) []byte { return second[n%len(second)] }); !slices.Equal(got, []Trouble{Frozen}) {
		t.Errorf("a second again and again: told %q, want frozen", got)
	}
	if got := frozen(func(n int) []byte {
		if n%20 == 0 {
			return noisy(rng, second[0])
		}
		return second[n%len(second)]
	}); got != nil {
		t.Errorf("something new every two seconds: told %q, want nothing", got)
	}
}

func TestEachTroubleIsToldOnceAndIsOverOnce(t *testing.T) {
	home := shop(1, 0, 0, 1)
	shelf := scene{pic: home, seconds: 5}
	for _, tt := range []struct {
		story  string
		scenes []scene
		told   []Trouble
		judged []bool
	}{
		{"nothing", []scene{shelf, shelf}, nil, []bool{true, true}},
		{
			"the lamps are put out",
			[]scene{shelf, {pic: flat(6), seconds: 5}, shelf},
			[]Trouble{Dark, Clear},
			[]bool{true, false, true},
		},
		{"black for a blink", []scene{shelf, {pic: flat(6), seconds: 0.3}, shelf}, nil, []bool{true, false, true}},
		{
			"the sun blinds it",
			[]scene{shelf, {pic: flat(252), seconds: 2}, shelf},
			[]Trouble{Dark, Clear},
			[]bool{true, false, true},
		},
		{
			"the picture stands still",
			[]scene{shelf, {pic: home, seconds: 6, quiet: true}, shelf},
			[]Trouble{Frozen, Clear},
			[]bool{true, false, true},
		},
		{"two quiet seconds", []scene{shelf, {pic: home, seconds: 2, quiet: true}, shelf}, nil, []bool{true, true, true}},
		{"the lamp dims", []scene{shelf, {pic: shop(1, 0, 0, 0.6), seconds: 5}}, nil, []bool{true, true}},
		{"it trembles", []scene{shelf, {pic: shop(1, 2, -1, 1), seconds: 5}}, nil, []bool{true, true}},
		{
			"it is pushed and set right again",
			[]scene{shelf, {pic: shop(1, 24, -8, 1), seconds: 5}, shelf},
			[]Trouble{Moved, Clear},
			[]bool{true, false, true},
		},
		{
			"it is turned to another wall",
			[]scene{shelf, {pic: shop(2, 0, 0, 1), seconds: 12}, shelf},
			[]Trouble{Moved, Clear},
			[]bool{true, false, true},
		},
		{
			"the stream is grey",
			[]scene{shelf, {pic: flat(128), seconds: 3}, shelf},
			[]Trouble{Torn, Clear},
			[]bool{true, false, true},
		},
		{
			"the decoder complains",
			[]scene{shelf, {pic: home, seconds: 9, damaged: true}, shelf},
			[]Trouble{Torn, Clear},
			[]bool{true, false, true},
		},
	} {
		told, judged := run(New(w, h, 10, nil, nil), tt.scenes...)
		if !slices.Equal(told, tt.told) || !slices.Equal(judged, tt.judged) {
			t.Errorf("%s: told %q, judged at the end of each %v, want %q, %v", tt.story, told, judged, tt.told, tt.judged)
		}
	}
}

func TestPlanogramOfAnotherCameraIsNoticedAtTheStart(t *testing.T) {
	home := LookAt(shop(1, 0, 0, 1), w, h)
	told, judged := run(New(w, h, 10, &home, nil), scene{pic: shop(2, 0, 0, 1), seconds: 6})
	if !slices.Equal(told, []Trouble{Moved}) || judged[0] {
		t.Errorf("another wall: told %q, judged %v, want it moved and not judged", told, judged)
	}
	for _, pic := range [][]byte{shop(2, 0, 0, 1), shop(1, 30, 0, 1)} {
		l := New(w, h, 10, &home, nil)
		if judge, _ := l.See(pic); judge {
			t.Error("the first picture of another view is judged before it is known")
		}
	}
	told, judged = run(New(w, h, 10, &home, nil), scene{pic: shop(1, 1, 1, 0.8), seconds: 6})
	if len(told) > 0 || !judged[0] {
		t.Errorf("its own place in another light: told %q, judged %v, want it judged", told, judged)
	}
}

// TestAViewThatIsHalfAlikeIsNotJudgedInSilence: shelves of one make look alike. What is
// not known again from the start is not judged, and that is told.
func TestAViewThatIsHalfAlikeIsNotJudgedInSilence(t *testing.T) {
	home, half := LookAt(shop(1, 0, 0, 1), w, h), shop(2, 0, 0, 1)
	copy(half[:len(half)*2/5], shop(1, 0, 0, 1))
	if fit := New(w, h, 10, &home, nil).fit(LookAt(half, w, h)); fit < lostShare || fit >= knownShare {
		t.Fatalf("%.2f of the view are alike; the test looks at nothing", fit)
	}
	told, judged := run(New(w, h, 10, &home, nil), scene{pic: half, seconds: 12}, scene{pic: shop(1, 0, 0, 1), seconds: 3})
	if !slices.Equal(told, []Trouble{Moved, Clear}) || judged[0] || !judged[1] {
		t.Errorf("told %q, judged %v, want it moved and not judged until the place itself is seen", told, judged)
	}
	// Known once, it is somebody who stands before the half of it.
	told, judged = run(New(w, h, 10, &home, nil), scene{pic: shop(1, 0, 0, 1), seconds: 3}, scene{pic: half, seconds: 20})
	if len(told) > 0 || !judged[1] {
		t.Errorf("somebody before it: told %q, judged %v, want nothing told", told, judged)
	}
}

// TestACameraThatIsPushedAlongAShelf: its board is the same everywhere and only the
// goods before it say where one is. A shelf that sells out is not pushed.
func TestACameraThatIsPushedAlongAShelf(t *testing.T) {
	aisle := func(dx int, sold bool) []byte {
		pic := flat(120)
		rng := rand.New(rand.NewPCG(9, 9))
		tall := make([]int, 40)
		for i := range tall {
			tall[i] = 20 + rng.IntN(60)
		}
		for y := range h {
			for x := range w {
				at, v := x-dx+400, 120
				if y%20 < 6 && at%10 < 4 { // holes
					v = 40
				}
				if item := at / 20; y > 150-tall[item] && y < 150 && at%20 > 2 && !sold {
					v = (item*67 + y/4%3*40) % 200
				}
				for k := range 3 {
					pic[(y*w+x)*3+k] = byte(v)
				}
			}
		}
		return pic
	}
	goods := func(_, y int) bool { return y > 60 && y < 150 }
	home := LookAt(aisle(0, false), w, h)
	pushed, board := LookAt(aisle(40, false), w, h), New(w, h, 10, &home, goods)
	if fit := board.fit(pushed); fit < knownShare {
		t.Fatalf("%.2f of the board are alike; the test looks at nothing", fit)
	}
	told, judged := run(New(w, h, 10, nil, goods), scene{pic: aisle(0, false), seconds: 10}, scene{pic: aisle(40, false), seconds: 12},
		scene{pic: aisle(0, false), seconds: 8})
	if !slices.Equal(told, []Trouble{Moved, Clear}) || judged[1] || !judged[2] {
		t.Errorf("pushed for a while: told %q, judged %v, want it moved, and clear when it hangs as before", told, judged)
	}
	if told, judged := run(New(w, h, 10, &home, goods), scene{pic: aisle(40, false), seconds: 6}); !slices.Equal(told, []Trouble{Moved}) || judged[0] {
		t.Errorf("a planogram of the next metre: told %q, judged %v, want it moved and not judged", told, judged)
	}
	told, judged = run(New(w, h, 10, nil, goods), scene{pic: aisle(0, false), seconds: 10}, scene{pic: aisle(0, true), seconds: 20})
	if len(told) > 0 || !judged[1] {
		t.Errorf("sold out: told %q, judged %v, want nothing told", told, judged)
	}
}

func TestGoodsThatAreSoldOutAreNoTrouble(t *testing.T) {
	bare, full := shop(1, 0, 0, 1), shop(1, 0, 0, 1)
	goods := func(x, y int) bool { return y > 30 }
	for y := 31; y < h; y++ {
		for x := range w {
			for k := range 3 {
				bare[(y*w+x)*3+k] = 120
			}
		}
	}
	told, judged := run(New(w, h, 10, nil, goods), scene{pic: full, seconds: 5}, scene{pic: bare, seconds: 12})
	if len(told) > 0 || !judged[1] {
		t.Errorf("a shelf that empties: told %q, judged %v, want nothing", told, judged)
	}
	if told, _ := run(New(w, h, 10, nil, nil), scene{pic: full, seconds: 5}, scene{pic: bare, seconds: 12}); len(told) == 0 {
		t.Error("the same change is nothing where no goods stand: the test shows nothing")
	}
}

func TestSamePicturesGiveTheSameAnswers(t *testing.T) {
	scenes := []scene{
		{pic: shop(1, 0, 0, 1), seconds: 3},
		{pic: shop(1, 20, 4, 1), seconds: 4},
		{pic: flat(3), seconds: 2},
		{pic: shop(1, 0, 0, 1), seconds: 2},
	}
	one, _ := run(New(w, h, 10, nil, nil), scenes...)
	two, _ := run(New(w, h, 10, nil, nil), scenes...)
	if len(one) == 0 || !slices.Equal(one, two) {
		t.Errorf("told %q, then %q, want the same and something", one, two)
	}
}

func TestALookKnowsItsPlaceAgain(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	here := LookAt(shop(1, 0, 0, 1), w, h)
	if !here.Telling() || !here.Shows(LookAt(noisy(rng, shop(1, 0, 0, 1)), w, h)) {
		t.Error("a place is not known again")
	}
	if here.Shows(LookAt(shop(1, 40, 20, 1), w, h)) || here.Shows(Look{W: 3, H: 3, Luma: make([]byte, 9)}) {
		t.Error("another place is taken for it")
	}
	if LookAt(make([]byte, 3*w*h), w, h).Telling() {
		t.Error("a black picture tells a place")
	}
}
