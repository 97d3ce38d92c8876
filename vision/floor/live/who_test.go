package live

import (
	"context"
	"fmt"
	"image"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/mount"
	"github.com/vouchledger/vouch/vision/render/shop"
	"github.com/vouchledger/vouch/vision/track"
)

// TestWhatComesTooLateIsToldAndShown: a camera brings its pictures of persons three
// seconds late for half a minute, and then in time again.
func TestWhatComesTooLateIsToldAndShown(t *testing.T) {
	k := open(t, shopFile())
	var told []string
	k.o.Tell = func(_ context.Context, part string, state ledger.DeviceState, detail string) {
		told = append(told, fmt.Sprintf("%s %s at %.0f s: %s", part, state, k.now.Sub(opens).Seconds(), detail))
	}
	second := func(n int, late time.Duration) {
		for i := range 10 {
			k.now = k.at(float64(n) + float64(i)/10)
			k.Tick()
			k.Followed(track.Frame{Camera: "ceiling", At: k.now.Add(-late)})
			k.tellLate(t.Context())
		}
	}
	for n := range 30 {
		second(n, 3*time.Second)
	}
	if len(told) != 1 || !strings.HasPrefix(told[0], "floor overloaded at 10 s: of ") {
		t.Fatalf("told %q, want after ten seconds that the floor is overloaded", told)
	}
	v := k.View()
	if v.Came != 300 || v.LateFrames < 290 || v.LateReadings != 0 {
		t.Errorf("the page is given %+v, want 300 frames of which nearly all were late", v)
	}
	for n := 30; n < 200; n++ {
		second(n, 0)
	}
	if len(told) != 2 || !strings.HasPrefix(told[1], "floor well at ") {
		t.Errorf("told %q, want that it is over", told)
	}
	if err := k.Configure(cameras); err != nil { // other cameras: what was late stays counted
		t.Fatal(err)
	}
	if after := k.View(); after.LateFrames != v.LateFrames || after.Came != 2000 {
		t.Errorf("the page is given %+v, want 2000 frames and not one more that was late than %d", after, v.LateFrames)
	}
}

// TestAHandIsStaffsOnlyWhereNobodyElseCanHaveReached: what is known to be staff's is
// no shopping and charged to nobody, so a shopper beside them must leave it open.
func TestAHandIsStaffsOnlyWhereNobodyElseCanHaveReached(t *testing.T) {
	for _, tt := range []struct {
		story          string
		more           string
		ben            float64 // where he stands
		staff, shopper bool    // surely
	}{
		{"she stands there alone", `,"staff":true`, 4, true, false},
		{"a shopper stands beside her", `,"staff":true`, 1.4, false, false},
		{"a shopper stands there alone", "", 4, false, true},
	} {
		k := open(t, shopFile())
		k.says(anna, 1.2, tt.more)
		k.enters(ben, 4.9)
		k.until(14, full, walker{1, 1}, walker{5, tt.ben})
		const surely = 0.95
		if staff, shopper := k.Hand("a1", k.at(12)); staff >= surely != tt.staff || shopper >= surely != tt.shopper {
			t.Errorf("%s: staff's with %.3f and a shopper's with %.3f, want surely %v and %v", tt.story, staff, shopper, tt.staff, tt.shopper)
		}
		for _, slot := range []string{"a2", "z9"} {
			if staff, _ := k.Hand(slot, k.at(12)); staff >= surely {
				t.Errorf("%s: at %s, where she does not stand or nothing is, it is known to be staff's", tt.story, slot)
			}
		}
	}
	k := open(t, shopFile())
	k.floor = nil // the cameras do not fit together
	if staff, shopper := k.Hand("a1", k.at(0)); staff > 0 || shopper > 0 {
		t.Error("without a floor it is known whose hand it was")
	}
}

// TestWhoLeftByTheGatesWordPutsNothingBack: anna and ben come in so close that one
// may be the other. He takes a cola and puts it back, and both may have been her doing
// unless a gate has written that she left in between.
func TestWhoLeftByTheGatesWordPutsNothingBack(t *testing.T) {
	put := func(line string) ledger.PersonHypothesis {
		k := open(t, shopFile())
		k.enters(anna, 1.2)
		k.enters(ben, 1.6)
		two := []walker{{1, 4}, {1.4, 1}}
		k.until(12, full, two...)
		k.until(14, less(355, 13), two...) // by whom is in doubt
		if line != "" {
			k.said(k.o.Config.Gates[0], fmt.Appendf(nil, line, k.at(14).Format(time.RFC3339Nano), anna))
		}
		k.until(60, func(t float64) float64 { return less(355, 13)(t) + 3000 - less(355, 50)(t) }, two...)
		if n := len(k.sent); n != 2 || k.sent[0].Persons[0].Visit != ben || k.sent[1].Actions[0].Action != ledger.ActionReturn {
			t.Fatalf("sent %+v, want what ben took and what comes back", k.sent)
		}
		for _, p := range k.sent[1].Persons {
			if p.Visit == anna {
				return p
			}
		}
		return ledger.PersonHypothesis{}
	}
	inside := put("")
	if inside.Confidence < 40 {
		t.Fatalf("while she is inside it may be hers with %v; the test shows nothing", inside)
	}
	for story, line := range map[string]string{
		"the exit's line": `{"at":%q,"gate":"exit-9","visit":%q,"decision":"left"}`,
		"it came late":    `{"at":%q,"gate":"gate-1","visit":%q,"decision":"left","t":0}`,
	} {
		if p := put(line); p.Confidence > inside.Confidence/5 {
			t.Errorf("%s: it may be hers with %v, want hardly", story, p)
		}
	}
	for story, line := range map[string]string{
		"only shown, and not taken": `{"at":%q,"gate":"gate-1","visit":%q,"decision":"exit"}`,
		"two days old":              `{"at":"2026-11-28T08:00:00Z","gate":%q,"visit":%q,"decision":"left"}`,
	} {
		if p := put(line); p != inside {
			t.Errorf("%s: it may be hers with %v, want as without it", story, p)
		}
	}
}

// TestWhereAnArmReachesIsSeenByCamerasThatLookDown checks that of a slot's place on
// the floor it follows where a camera above sees the slot: before it nobody's arm
// ends, however they stand, and no other camera tells.
func TestWhereAnArmReachesIsSeenByCamerasThatLookDown(t *testing.T) {
	stage, err := shop.Convenience(1, 1)
	if err != nil {
		t.Fatal(err)
	}
	stage.Resize(320, 180)
	s, err := shop.New(stage)
	if err != nil {
		t.Fatal(err)
	}
	shelf := s.Shelves[0]
	for _, c := range s.Cameras {
		if c.Kind == shop.OnShelf {
			continue
		}
		text, err := s.FloorFile(c)
		if err != nil {
			t.Fatal(err)
		}
		m, err := mount.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		o := shelf.Outline(1)
		front, out := o[0].To(o[1], 0.5), shelf.Point(0, -1, 0).Sub(shelf.Point(0, 0, 0))
		place := Place{At: [2]float64{front[0], front[1]}, Front: [2]float64{out[0], out[1]}, Height: front[2]}
		in, ok := place.in(m)
		if c.Name != "above-left" && c.Name != "overhead" {
			if ok && c.Name != "above-door" {
				t.Errorf("%s sees the slot at %v, want that only cameras above tell", c.Name, in)
			}
			continue
		}
		x, y, _, _ := c.Lens().Project(front)
		if at := image.Pt(int(x), int(y)); !ok || !at.In(in.Inset(-2)) || in.Dx() > 40 {
			t.Errorf("%s sees the slot at %v, %v; want a few pixels around %v", c.Name, in, ok, at)
		}
		place.Front = [2]float64{}
		if _, ok := place.in(m); ok {
			t.Errorf("a slot that can be reached from all sides is seen at one by %s", c.Name)
		}
	}
}
