package edge

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// A shop is a supervisor with a clock of its own, and what it asked for.
type shop struct {
	t    *testing.T
	s    *Supervisor
	now  time.Time
	runs map[string]int // of a camera, as started last
	said []ledger.DeviceReported
	gave bool
}

func open(t *testing.T, cameras ...Camera) *shop {
	h := &shop{t: t, s: New(noon, func() float64 { return 0.5 }), now: noon, runs: map[string]int{}}
	h.tell(Configured{Settings: Settings{Cameras: cameras}})
	return h
}

func cam(name, source string) Camera { return Camera{Name: name, Source: source, Planogram: "p.json"} }

func (h *shop) tell(in Input) (out []Action) {
	out = h.s.Step(h.now, in)
	for _, a := range out {
		switch a := a.(type) {
		case Start:
			h.runs[a.Camera.Name] = a.Run
		case Report:
			h.said = append(h.said, a.What)
		case GiveUp:
			h.gave = true
		case Stop, Abandon:
		}
	}
	return out
}

// pass lets time go by, second by second.
func (h *shop) pass(d time.Duration) {
	for range int(d / time.Second) {
		h.now = h.now.Add(time.Second)
		h.tell(Tick{})
	}
}

// film lets a camera bring frames for some seconds.
func (h *shop) film(name string, seconds int) {
	for range seconds {
		h.now = h.now.Add(time.Second)
		h.tell(Progress{Camera: name, Run: h.runs[name], Frames: h.s.find(name, h.runs[name]).frames + 15})
	}
}

func (h *shop) is(name string, want ledger.DeviceState) {
	h.t.Helper()
	for _, p := range h.s.Parts() {
		if p.Part == name {
			if p.State != want {
				h.t.Errorf("%s is %s, want %s", name, p.State, want)
			}
			return
		}
	}
	h.t.Errorf("%s is no part, want it %s", name, want)
}

func TestACameraThatGoesAndComesBackIsToldTwice(t *testing.T) {
	h := open(t, cam("a", "rtsp://a"), cam("b", "rtsp://b"))
	h.film("a", 3)
	h.film("b", 3)
	h.is("a", ledger.DeviceWell)
	first, other := h.runs["a"], h.runs["b"]
	h.said = nil
	h.tell(Closed{Camera: "a", Run: first, Detail: "end of stream"})
	h.is("a", ledger.DeviceUnreachable)
	for range 6 { // it refuses for a while
		for before := h.runs["a"]; h.runs["a"] == before; h.pass(time.Second) {
			h.tell(Progress{Camera: "b", Run: other, Frames: int(h.now.Sub(noon).Seconds()) * 15})
		}
		h.tell(Closed{Camera: "a", Run: h.runs["a"], State: ledger.DeviceUnreachable, Detail: "no answer"})
	}
	if len(h.said) != 1 {
		t.Errorf("a camera that does not answer is reported %d times, want once", len(h.said))
	}
	for before := h.runs["a"]; h.runs["a"] == before; h.pass(time.Second) {
		h.tell(Progress{Camera: "b", Run: other, Frames: int(h.now.Sub(noon).Seconds()) * 15})
	}
	h.film("a", 3)
	h.is("a", ledger.DeviceUnreachable) // three seconds prove nothing
	h.film("a", 4)
	h.is("a", ledger.DeviceWell)
	if len(h.said) != 2 {
		t.Errorf("going and coming back made %d reports, want 2", len(h.said))
	}
	if h.runs["b"] != other {
		t.Error("the other camera was begun anew, want it left alone")
	}
}

func TestTriesBecomeRareAndAreSpread(t *testing.T) {
	for tries, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 6: 32 * time.Second, 7: time.Minute, 900: time.Minute} {
		if low, high := wait(tries, 0), wait(tries, 1); low != want/2 || high != want {
			t.Errorf("wait(%d) = %v to %v, want %v to %v", tries, low, high, want/2, want)
		}
	}
}

func TestAPipelineWithoutProgressIsBegunAnew(t *testing.T) {
	h := open(t, cam("a", "rtsp://a"))
	h.film("a", 6)
	run := h.runs["a"]
	h.pass(stallAfter)
	h.is("a", ledger.DeviceStalled)
	h.tell(Progress{Camera: "a", Run: run, Frames: 100000}) // too late
	h.tell(Closed{Camera: "a", Run: run})
	h.pass(2 * time.Second)
	if h.runs["a"] == run {
		t.Fatal("a stalled camera is not begun anew")
	}
	h.film("a", 7)
	h.is("a", ledger.DeviceWell)
	if h.gave {
		t.Error("the process gives up for one stall")
	}
}

func TestDecodersThatNeverComeBackEndTheProcess(t *testing.T) {
	h := open(t, cam("a", "rtsp://a"))
	for n := 0; n < 3600 && !h.gave; n++ {
		h.pass(time.Second)
	}
	if !h.gave || h.s.left != maxLeft {
		t.Errorf("after an hour without any answer %d runs are left behind and it gives up: %v, want %d and true", h.s.left, h.gave, maxLeft)
	}
}

func TestNewSettingsLeaveWhatDidNotChangeAlone(t *testing.T) {
	h := open(t, cam("a", "rtsp://a"), cam("b", "rtsp://b"))
	h.film("a", 1)
	h.film("b", 1)
	a, b := h.runs["a"], h.runs["b"]
	out := h.tell(Configured{Version: 1, Settings: Settings{Cameras: []Camera{cam("a", "rtsp://a"), cam("b", "rtsp://other"), cam("c", "2")}}})
	if !slices.Contains(out, Action(Stop{Run: b})) || slices.Contains(out, Action(Stop{Run: a})) {
		t.Errorf("new settings do %v, want b stopped and a not", out)
	}
	if h.runs["a"] != a || h.runs["b"] != b || h.runs["c"] == 0 {
		t.Errorf("runs = %v, want c begun, a untouched, and b not before its old run is over", h.runs)
	}
	h.tell(Closed{Camera: "b", Run: b})
	if h.runs["b"] == b {
		t.Error("b was not begun by its new address")
	}
	h.tell(Refused{Version: 2, Reason: "no source"})
	if last := h.said[len(h.said)-1]; last.Running != 1 || last.Refused != 2 || last.Reason != "no source" {
		t.Errorf("report = %+v, want 1 running and 2 refused", last)
	}
	h.tell(Configured{Version: 3})
	if last := h.said[len(h.said)-1]; last.Running != 3 || last.Refused != 0 || len(last.Parts) != 2 {
		t.Errorf("report = %+v, want 3 running, nothing refused and no cameras", last)
	}
}

func TestWhatACameraShowsIsToldUntilItIsOver(t *testing.T) {
	h := open(t, cam("a", "rtsp://a"))
	h.film("a", 6)
	h.said = nil
	h.tell(Noticed{Camera: "a", Run: h.runs["a"], State: ledger.DeviceFrozen})
	h.tell(Noticed{Camera: "a", Run: h.runs["a"], State: ledger.DeviceMisfit, Detail: "pushed"})
	h.is("a", ledger.DeviceMisfit)
	h.tell(Noticed{Camera: "a", Run: h.runs["a"], State: ledger.DeviceMisfit, Over: true})
	h.is("a", ledger.DeviceFrozen)
	h.tell(Noticed{Camera: "a", Run: h.runs["a"] - 1, State: ledger.DeviceFrozen, Over: true}) // an old run
	h.is("a", ledger.DeviceFrozen)
	h.tell(Noticed{Camera: "a", Run: h.runs["a"], State: ledger.DeviceFrozen, Over: true})
	h.is("a", ledger.DeviceWell)
	h.tell(Disk{Full: true, Detail: "12 MB are free"})
	h.is(PartDisk, ledger.DeviceDiskFull)
	h.tell(Compared{Detail: "no answer"})
	h.is(PartClock, ledger.DeviceClockUnknown)
	h.tell(Compared{Known: true, Offset: 20 * time.Millisecond})
	n := len(h.said)
	h.tell(Compared{Known: true, Offset: 90 * time.Millisecond})
	if len(h.said) != n || n != 7 {
		t.Errorf("%d reports and then %d, want 7: one for each change, and none for a clock that drifts by 70 ms", n, len(h.said))
	}
}

func TestAFilmIsPlayedOnceOrAgainAndAgain(t *testing.T) {
	loop := cam("loop", "b.mp4")
	loop.Repeat = true
	h := open(t, cam("once", "a.mp4"), loop)
	h.film("once", 1)
	h.film("loop", 1)
	first := h.runs["loop"]
	h.tell(Closed{Camera: "once", Run: h.runs["once"], Ended: true})
	h.tell(Closed{Camera: "loop", Run: first, Ended: true})
	h.is("once", ledger.DeviceEnded)
	if h.runs["loop"] == first || h.s.Ended() {
		t.Error("the film that repeats was not begun again")
	}
	h.is("loop", ledger.DeviceWell)
}

func TestFramesThatAreDroppedForAMinuteAreTold(t *testing.T) {
	h := open(t, cam("a", "rtsp://a"))
	for n := range 200 {
		h.now = h.now.Add(time.Second)
		h.tell(Progress{Camera: "a", Run: h.runs["a"], Frames: 10 * (n + 1), Dropped: 5 * min(n, 100)})
		if n == 70 {
			h.is("a", ledger.DeviceOverloaded)
		}
	}
	h.is("a", ledger.DeviceWell)
}

// TestWhoIsFarFromKeepingUpSaysSoSoon: most of ten seconds lost is told at once, a
// fifth after a minute, a fiftieth never; and it is over when a minute went well.
func TestWhoIsFarFromKeepingUpSaysSoSoon(t *testing.T) {
	for _, tt := range []struct {
		lost  int // of a hundred a second, for two minutes
		after int // seconds; 0 for never
	}{{100, 10}, {60, 10}, {20, 60}, {2, 0}} {
		var l Load
		heavy, lost, over := 0, 0, 0
		for n := range 300 {
			if n <= 120 {
				lost = tt.lost * n
			}
			switch is := l.Heavy(noon.Add(time.Duration(n)*time.Second), 100*n, lost); {
			case is && heavy == 0:
				heavy = n
			case !is && heavy > 0 && over == 0:
				over = n
			}
		}
		if heavy != tt.after || (over == 0) != (tt.after == 0) || over > 180 {
			t.Errorf("%d %% lost is told after %d s and over after %d, want after %d and by 180", tt.lost, heavy, over, tt.after)
		}
	}
}

// TestAPasswordIsKeptByTheMachineAndNotInTheSettings: only what is meant for
// cameras is filled in, never the machine's own key.
func TestAPasswordIsKeptByTheMachineAndNotInTheSettings(t *testing.T) {
	env := func(name string) string { return map[string]string{"CAMERA_1": "anna:s3cret", "VOUCH_KEY": "k1"}[name] }
	for source, want := range map[string]string{
		"rtsp://${CAMERA_1}@10.0.0.7/1": "rtsp://anna:s3cret@10.0.0.7/1", "rtsp://10.0.0.7/$1": "rtsp://10.0.0.7/$1", "walk.mp4": "walk.mp4",
		"rtsp://${CAMERA_2}@10.0.0.7/1": "", "rtsp://evil.example/${VOUCH_KEY}": "",
	} {
		got, err := cam("a", source).Address(env)
		if want == "" {
			if !errors.Is(err, ErrSettings) || strings.Contains(got, "k1") {
				t.Errorf("%s becomes %q, %v, want ErrSettings", source, got, err)
			}
		} else if got != want || err != nil {
			t.Errorf("%s becomes %q, %v, want %q", source, got, err, want)
		}
	}
	for source, good := range map[string]bool{"rtsp://${CAMERA_1}@x/1": true, "rtsp://x/${VOUCH_KEY}": false, "rtsp://x/${}": false} {
		if err := (Settings{Cameras: []Camera{cam("a", source)}}).Validate(); (err == nil) != good {
			t.Errorf("settings with %s: %v, want taken: %v", source, err, good)
		}
	}
}

// TestAnyAfternoonInTheCellar draws what happens and checks what must hold
// whatever does.
func TestAnyAfternoonInTheCellar(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, now := New(noon, func() float64 { return 0.3 }), noon
		live, runs := map[int]string{}, 0
		var told *ledger.DeviceReported
		names := []string{"a", "b", "c"}
		for range rapid.IntRange(1, 150).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "seconds")) * time.Second)
			name, run := rapid.SampledFrom(names).Draw(t, "camera"), rapid.IntRange(max(0, runs-4), runs+1).Draw(t, "run")
			var in Input
			switch rapid.IntRange(0, 6).Draw(t, "what") {
			case 0, 1:
				in = Tick{}
			case 2:
				set := Settings{}
				for _, n := range names {
					if v := rapid.IntRange(0, 2).Draw(t, n); v > 0 {
						set.Cameras = append(set.Cameras, cam(n, fmt.Sprintf("rtsp://%d", v)))
					}
				}
				in = Configured{Version: rapid.IntRange(1, 9).Draw(t, "version"), Settings: set}
			case 3:
				in = Progress{Camera: name, Run: run, Frames: rapid.IntRange(1, 1000).Draw(t, "frames")}
			case 4:
				in = Noticed{Camera: name, Run: run, State: rapid.SampledFrom(worstFirst).Draw(t, "state"), Over: rapid.Bool().Draw(t, "over")}
			default:
				if live[run] == "" {
					in = Tick{}
					break
				}
				in = Closed{Camera: live[run], Run: run, State: ledger.DeviceUnreachable}
				delete(live, run)
			}
			for _, a := range s.Step(now, in) {
				switch a := a.(type) {
				case Start:
					for _, n := range live {
						if n == a.Camera.Name {
							t.Fatalf("%s is started while a run of it is on", n)
						}
					}
					if a.Run <= runs {
						t.Fatalf("run %d comes after run %d", a.Run, runs)
					}
					runs, live[a.Run] = a.Run, a.Camera.Name
				case Stop:
					if live[a.Run] == "" {
						t.Fatalf("run %d is stopped and is not on", a.Run)
					}
				case Abandon:
					delete(live, a.Run)
				case Report:
					if told != nil && !differs(*told, a.What) {
						t.Fatalf("the same report twice: %+v", a.What)
					}
					full := a.What
					full.Store, full.Device, full.Program = "s1", "edge-1", "test"
					if err := full.Validate(); err != nil {
						t.Fatal(err)
					}
					told = &a.What
				case GiveUp:
					return
				}
			}
		}
	})
}

func TestTheClockIsTheMedianOfTheQuickestAnswers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		off := time.Duration(rapid.Int64Range(-1e12, 1e12).Draw(t, "off"))
		var c Clock
		if _, known := c.Offset(); known {
			t.Fatal("a clock is known before any round")
		}
		best := time.Hour
		for n := range rapid.IntRange(1, 60).Draw(t, "rounds") {
			out := time.Duration(rapid.Int64Range(0, int64(2*time.Second)).Draw(t, "out"))
			back := time.Duration(rapid.Int64Range(0, int64(2*time.Second)).Draw(t, "back"))
			at := noon.Add(time.Duration(n) * 2 * time.Minute)
			got := at.Add(out + off)
			c.Add(Round{Sent: at, Received: got, Answered: got.Add(time.Millisecond), Back: at.Add(out + back + time.Millisecond)})
			best = min(best, out+back)
		}
		got, known := c.Offset()
		if !known {
			t.Fatal("the clock is not known")
		}
		// Of the five quickest rounds none is worse than half of its trip, and
		// each half may be cut by a nanosecond.
		worst := time.Duration(0)
		for _, r := range c.rounds {
			worst = max(worst, r.trip()/2)
		}
		if (got - off).Abs() > worst+2 {
			t.Fatalf("Offset() = %v, want %v within %v", got, off, worst)
		}
	})
}

func TestAClockThatWasSetIsBelievedAtOnce(t *testing.T) {
	var c Clock
	add := func(off time.Duration) {
		c.Add(Round{Sent: noon, Received: noon.Add(off + time.Millisecond), Answered: noon.Add(off + time.Millisecond), Back: noon.Add(2 * time.Millisecond)})
	}
	for range 20 {
		add(0)
	}
	add(time.Hour)
	if off, _ := c.Offset(); off != time.Hour {
		t.Errorf("Offset() after the clock was set = %v, want an hour", off)
	}
	c.Add(Round{Sent: noon, Received: noon, Answered: noon, Back: noon.Add(-time.Second)}) // set back meanwhile
	if off, _ := c.Offset(); off != time.Hour {
		t.Errorf("Offset() after a round that ends before it begins = %v, want an hour", off)
	}
}

func TestAFullQueueDropsTheOldestAndCounts(t *testing.T) {
	var gone []int
	q := NewQueue(3, func(n int) { gone = append(gone, n) })
	for n := range 5 {
		q.Put(n)
	}
	end := errors.New("line lost")
	q.Close(end)
	q.Put(9)
	var got []int
	for {
		n, err := q.Next()
		if err != nil {
			if !errors.Is(err, end) {
				t.Errorf("Next() = %v, want %v", err, end)
			}
			break
		}
		got = append(got, n)
	}
	if !slices.Equal(got, []int{2, 3, 4}) || !slices.Equal(gone, []int{0, 1, 9}) || q.Dropped() != 2 {
		t.Errorf("got %v, dropped %v and counted %d, want 2 3 4, 0 1 9 and 2", got, gone, q.Dropped())
	}
}

func TestFramesAreThinnedEvenly(t *testing.T) {
	th := Thinner{From: 30, To: 12}
	kept, gap, most := 0, 0, 0
	for range 300 {
		if th.Keep() {
			kept, gap = kept+1, 0
		} else {
			gap++
			most = max(most, gap)
		}
	}
	if kept != 120 || most > 2 || th.Rate() != 12 {
		t.Errorf("of 300 frames %d are kept with at most %d missing in a row, want 120 and 2", kept, most)
	}
	for range 10 {
		if all := (&Thinner{From: 10, To: 30}); !all.Keep() || all.Rate() != 10 {
			t.Fatal("a camera slower than the cap is thinned")
		}
	}
}

func TestSettingsAreRefusedWithAReason(t *testing.T) {
	const good = `{"cameras":[{"name":"a","source":"rtsp://x","planogram":"p.json"}]}`
	if s, err := ParseSettings([]byte(good)); err != nil || len(s.Cameras) != 1 || !s.Cameras[0].Live() {
		t.Fatalf("ParseSettings(%s) = %+v, %v", good, s, err)
	}
	for text, want := range map[string]string{
		`{"cameras":[{"name":"a","source":"x","planogram":"p","fps":3}]}`: "unknown field",
		`{"cameras":[]} {}`: "more than one",
		`{"cameras":[{"name":"","source":"x","planogram":"p"}]}`:                                                     "called",
		`{"cameras":[{"name":"disk","source":"x","planogram":"p"}]}`:                                                 "called",
		`{"cameras":[{"name":"a","source":"x","planogram":"p"},{"name":"a","source":"y","planogram":"p"}]}`:          "two cameras",
		`{"cameras":[{"name":"a","planogram":"p"}]}`:                                                                 "no source",
		`{"cameras":[{"name":"a","source":"x"}]}`:                                                                    "planogram",
		`{"cameras":[{"name":"a","source":"x","planogram":"p","plan":{}}]}`:                                          "not both",
		`{"cameras":[{"name":"a","source":"rtsp://x","planogram":"p","speed":2}]}`:                                   "for files",
		`{"cameras":[{"name":"a","source":"x","planogram":"p","frames-per-second":-1}]}`:                             "frames a second",
		`{"cameras":[` + strings.Repeat(`{"name":"a","source":"x","planogram":"p"},`, MaxCameras) + `{"name":"z"}]}`: "at most",
	} {
		if _, err := ParseSettings([]byte(text)); !errors.Is(err, ErrSettings) || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseSettings(%.80s) = %v, want %q", text, err, want)
		}
	}
}

func FuzzParseSettings(f *testing.F) {
	f.Add([]byte(`{"cameras":[{"name":"a","source":"rtsp://x","plan":{"size":[1,2]}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := ParseSettings(b); err == nil {
			if err := s.Validate(); err != nil {
				t.Fatalf("settings that were read are refused: %v", err)
			}
		}
	})
}

func TestACameraLooksAtAShelfOrForPersons(t *testing.T) {
	for story, c := range map[string]Camera{
		"both":                        {Name: "a", Source: "rtsp://a", Floor: "f.json", Planogram: "p.json"},
		"items on a floor":            {Name: "a", Source: "rtsp://a", Floor: "f.json", Initial: map[string]int{"x": 1}},
		"persons at a shelf":          {Name: "a", Source: "rtsp://a", Planogram: "p.json", Persons: PersonsBoth},
		"a way that nobody knows":     {Name: "a", Source: "rtsp://a", Floor: "f.json", Persons: "faces"},
		"a network that is not asked": {Name: "a", Source: "rtsp://a", Floor: "f.json", Persons: PersonsMove, Detector: "m.json"},
	} {
		if err := (Settings{Cameras: []Camera{c}}).Validate(); !errors.Is(err, ErrSettings) {
			t.Errorf("%s: Validate() = %v, want %v", story, err, ErrSettings)
		}
	}
	ok := Settings{Cameras: []Camera{
		{Name: "a", Source: "rtsp://a", Floor: "f.json"}, {Name: "b", Source: "0", Floor: "f.json", Detector: "m.json", Persons: PersonsShape},
	}}
	if err := ok.Validate(); err != nil {
		t.Errorf("two cameras that look for persons: Validate() = %v", err)
	}
}
