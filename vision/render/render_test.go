package render

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/vision/planogram"
	"github.com/vouchledger/vouch/vision/qr"
)

const story = `
# What the demo tells.
slots 5, seconds 56
take left@5s, take middle@12s, return left@20s
touch right@26s, hidden take middle-right@33s
misplace middle=cola-can@41s
rest right@47s for 3s, pass@53
`

func shop(t testing.TB, seed uint64, script string) *Shop {
	t.Helper()
	sc := NewScenario(seed)
	if err := sc.Parse(script); err != nil {
		t.Fatal(err)
	}
	s, err := New(sc)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func draw(s *Shop, n int) []byte {
	b := make([]byte, 3*s.Width*s.Height)
	s.Frame(n, b)
	return b
}

func TestSameSeedDrawsTheSameFrames(t *testing.T) {
	frames := []int{0, 148, 152, 400, 780, 975, 1230, 1450}
	sum := sha256.New()
	forwards := shop(t, 5, story)
	for _, n := range frames {
		sum.Write(draw(forwards, n))
	}
	backwards := shop(t, 5, story)
	slices.Reverse(frames)
	for _, n := range frames {
		if !bytes.Equal(draw(backwards, n), draw(forwards, n)) {
			t.Errorf("frame %d differs when frames are asked for backwards", n)
		}
	}
	if bytes.Equal(draw(shop(t, 6, story), 0), draw(forwards, 0)) {
		t.Error("seeds 5 and 6 draw the same frame")
	}
	// Other processors may join a product and a sum without rounding between.
	const golden = "0cb842dbcc16c9391f87bdf0e5b6017527aa32fe34ad40b3d93063a8ef818e28"
	if got := fmt.Sprintf("%x", sum.Sum(nil)); got != golden && runtime.GOARCH == "amd64" {
		t.Errorf("frames have SHA-256 %s, want %s: a drawn shop has changed", got, golden)
	}
}

// difference is the mean difference of two frames within a box.
func difference(a, b []byte, w int, r image.Rectangle) float64 {
	sum := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for i := 3 * (y*w + r.Min.X); i < 3*(y*w+r.Max.X); i++ {
			sum += max(int(a[i])-int(b[i]), int(b[i])-int(a[i]))
		}
	}
	return float64(sum) / float64(3*r.Dx()*r.Dy())
}

// TestTruthIsWhatTheFramesShow compares the foot of every slot before and
// after each event with how it looks full and empty.
func TestTruthIsWhatTheFramesShow(t *testing.T) {
	s := shop(t, 5, strings.ReplaceAll(story, "seconds 56", "seconds 56, noise 0, drift 0"))
	if len(s.Truth()) != 5 {
		t.Fatalf("Truth() has %d events, want 5", len(s.Truth()))
	}
	for _, e := range s.Truth() {
		sl := s.slot(e.Slot)
		foot := image.Rect(int(sl.x)-25, int(footY)-30, int(sl.x)+25, int(footY))
		away := draw(s, min(e.HandOutFrame+60, s.Frames()-1)) // exposure has settled
		come := draw(s, max(0, e.HandInFrame-1))
		if d := difference(come, away, 640, foot); d < 12 {
			t.Errorf("%s %s at %g s: before and after differ by %.1f grey levels, want 12", e.Event, e.Slot, e.T, d)
		}
		for name, at := range s.slots {
			other := image.Rect(int(at.x)-25, int(footY)-30, int(at.x)+25, int(footY))
			if d := difference(come, away, 640, other); at != sl && d > 6 {
				t.Errorf("%s %s at %g s: slot %d changed too, by %.1f", e.Event, e.Slot, e.T, name, d)
			}
		}
		stock := s.Stock(e.Frame)
		before := s.Stock(e.Frame - 1)
		want := map[string][2]int{"take": {1, 0}, "put": {0, 1}}[e.Event]
		if got := [2]int{before[e.Slot], stock[e.Slot]}; got != want {
			t.Errorf("%s %s: stock before and after = %v, want %v", e.Event, e.Slot, got, want)
		}
		if fmt.Sprint(stock) != fmt.Sprint(e.OnShelfAfter) {
			t.Errorf("%s %s: on_shelf_after = %v, want %v", e.Event, e.Slot, e.OnShelfAfter, stock)
		}
		if e.HandInFrame >= e.Frame || e.HandOutFrame <= e.Frame || math.Abs(e.T-float64(e.Frame)/30) > 0.001 {
			t.Errorf("%s %s: frame %d at %g s, hand in %d, out %d", e.Event, e.Slot, e.Frame, e.T, e.HandInFrame, e.HandOutFrame)
		}
	}
}

func TestThingIsClearOfTheShelfInTheFrameOfItsTake(t *testing.T) {
	for _, act := range []Act{Take, Return} {
		a := &actor{move: Move{Act: act}, n: 100}
		for frame, resting := range map[int]bool{98: act == Take, 99: act == Take, 100: act == Return, 101: act == Return} {
			_, lift := a.lift(float64(frame))
			if (lift > -3) != resting {
				t.Errorf("%s: lift in frame %d = %.1f, want resting %v", act, frame-100, lift, resting)
			}
		}
	}
}

func TestTouchesLeaveTheShelfAsItWas(t *testing.T) {
	s := shop(t, 9, "seconds 20, slots 3, noise 0, drift 0\ntouch left@4s, rest middle@9s for 2s, pass@15s")
	if got := s.Truth(); len(got) != 0 {
		t.Errorf("Truth() = %v, want nothing", got)
	}
	whole := image.Rect(0, 0, 640, 360)
	for name, n := range map[string]int{"the touch": 200, "the rest": 390, "the passer-by": 570} {
		if d := difference(draw(s, 0), draw(s, n), 640, whole); d > 2 {
			t.Errorf("after %s the picture differs by %.2f grey levels, want under 2", name, d)
		}
	}
	for name, n := range map[string]int{"the touch": 121, "the rest": 300, "the passer-by": 450} {
		if d := difference(draw(s, 0), draw(s, n), 640, whole); d < 2 {
			t.Errorf("during %s the picture differs by %.2f grey levels, want more", name, d)
		}
	}
}

func TestScriptsThatCannotHappenAreRefused(t *testing.T) {
	for _, script := range []string{
		"take cellar@5s", "take left", "take left@x", "take left@500s", "dance left@5s", "return left@5s",
		"take left@5s, take left@9s", "take left@5s, return left@5.5s", "touch left@5s loudly",
		"take left@5s, misplace left=caviar@12s", "hidden left@5s", "take left@5s, touch left@20s",
		"slots 9", "seconds 0", "empty cellar", "noise much", "take left@NaN", "@", "take",
		"take left@5s for 3", "rest left@5s for ever",
	} {
		sc := NewScenario(1)
		err := sc.Parse(script)
		if err == nil {
			_, err = New(sc)
		}
		if !errors.Is(err, ErrScenario) {
			t.Errorf("script %q: %v, want ErrScenario", script, err)
		}
	}
	for _, size := range [][2]int{{0, 0}, {641, 360}, {640, 100}, {99999, 99999}} {
		sc := NewScenario(1)
		sc.Width, sc.Height = size[0], size[1]
		if _, err := New(sc); !errors.Is(err, ErrSize) {
			t.Errorf("size %v: New = %v, want ErrSize", size, err)
		}
	}
}

// TestEverySeedTellsAPossibleStory plays the truth of made-up scenarios
// against the stock.
func TestEverySeedTellsAPossibleStory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sc := Random(rapid.Uint64().Draw(t, "seed"), rapid.Float64Range(10, 60).Draw(t, "seconds"))
		sc.Width, sc.Height = 160, 90
		s, err := New(sc)
		if err != nil {
			t.Fatal(err)
		}
		stock := s.Stock(0)
		for _, e := range s.Truth() {
			stock[e.Slot] += map[string]int{"take": -1, "put": 1}[e.Event]
			if fmt.Sprint(stock) != fmt.Sprint(e.OnShelfAfter) {
				t.Fatalf("%s %s at %g: on_shelf_after = %v, want %v", e.Event, e.Slot, e.T, e.OnShelfAfter, stock)
			}
		}
		if got := s.Stock(s.Frames() - 1); fmt.Sprint(got) != fmt.Sprint(stock) {
			t.Fatalf("stock at the end = %v, want %v", got, stock)
		}
	})
}

func TestPlanogramAndTruthAreReadByTheWatcher(t *testing.T) {
	s := shop(t, 5, "empty right")
	b, err := s.Planogram("shelf.mp4")
	if err != nil {
		t.Fatal(err)
	}
	p, err := planogram.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Slots) != 5 || p.Width != 640 || p.FPS != "30/1" {
		t.Errorf("planogram = %+v, want 5 slots at 640 and 30/1", p)
	}
	for _, sl := range p.Slots {
		if want := s.Stock(0)[sl.Name]; sl.Initial != want {
			t.Errorf("slot %s: initial = %d, want %d", sl.Name, sl.Initial, want)
		}
	}
	var out strings.Builder
	if err := shop(t, 5, story).WriteTruth(&out, "shelf.mp4"); err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(out.String(), "\n")
	var e Event
	if err := json.Unmarshal([]byte(first), &e); err != nil {
		t.Fatal(err)
	}
	if e.Video != "shelf.mp4" || e.Event != "take" || e.Slot != "left" || e.SKU != "water-still" || e.Frame != 150 {
		t.Errorf("first line = %s", first)
	}
}

func TestPhoneAtTheGateCanBeRead(t *testing.T) {
	code := "VT1-" + strings.Repeat("GR2Q7GDLAQVMAAB4", 12) // as long as a real ticket
	clip := NewGateClip(3, code)
	g, err := NewGate(clip)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 3*clip.Width*clip.Height)
	read := 0
	for n := 0; n < g.Frames(); n += 10 {
		g.Frame(n, b)
		grey := image.NewGray(image.Rect(0, 0, clip.Width, clip.Height))
		for i := range grey.Pix {
			grey.Pix[i] = b[3*i+1]
		}
		switch text, err := qr.Decode(grey, qr.Quick); {
		case err == nil && text != code:
			t.Errorf("frame %d: Decode = %q, want the code", n, text)
		case err == nil:
			read++
		case n == 60:
			t.Errorf("frame %d: Decode = %v, want the code while the phone is held still", n, err)
		}
	}
	if read < 4 || read > 10 {
		t.Errorf("frames read = %d of 12, want most but not those in which it comes and goes", read)
	}
	for _, bad := range []GateClip{{}, NewGateClip(1, ""), NewGateClip(1, strings.Repeat("x", 9000))} {
		if _, err := NewGate(bad); err == nil {
			t.Errorf("NewGate(%+v) = nil, want an error", bad.Width)
		}
	}
}

func BenchmarkShelf(b *testing.B) {
	s := shop(b, 5, story)
	buf := make([]byte, 3*s.Width*s.Height)
	n := 0
	for b.Loop() {
		s.Frame(n%s.Frames(), buf)
		n += 7
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "frames/s")
}

func BenchmarkGate(b *testing.B) {
	g, err := NewGate(NewGateClip(1, strings.Repeat("A", 195)))
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 3*g.Width*g.Height)
	n := 0
	for b.Loop() {
		g.Frame(n%g.Frames(), buf)
		n += 7
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "frames/s")
}
