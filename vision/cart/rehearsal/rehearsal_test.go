package rehearsal

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/vision/cart"
	"github.com/vouchledger/vouch/vision/cart/device"
)

func scenario(t testing.TB, seed uint64, text string) *Scenario {
	t.Helper()
	s := New(seed, Groceries(), map[string]string{"ticket": "VT1-LEA"})
	if err := s.Parse(text); err != nil {
		t.Fatal(err)
	}
	return s
}

// frames goes through a film.
func frames(t testing.TB, s *Scenario, see func(*image.Gray, time.Duration)) {
	t.Helper()
	f, err := s.Film()
	if err != nil {
		t.Fatal(err)
	}
	for {
		g, at, err := f.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		see(g, at)
	}
}

func TestWhatIsShownIsReadOnce(t *testing.T) {
	for seed := range uint64(1) {
		s := scenario(t, seed, `show ticket@0s, scan cola@1.6s, scan milk@3.2s, scan crackers@4.8s
			torn wine@6.4s, scan cola@8s, scan cola@10.7s, show VL1-lane-2@12.3s, seconds 14`)
		var eyes cart.Eyes
		var got []string
		frames(t, s, func(g *image.Gray, at time.Duration) {
			code, err := eyes.See(g, at)
			if err != nil {
				t.Fatal(err)
			}
			if code != "" {
				got = append(got, code)
			}
		})
		want := "VT1-LEA 4006381333931 96385074 0036000291452 4006381333931 4006381333931 VL1-lane-2"
		if strings.Join(got, " ") != want {
			t.Errorf("seed %d: read %v, want %s", seed, got, want)
		}
	}
}

func TestHandsAreSeenAndBlindCamerasSaySo(t *testing.T) {
	s := scenario(t, 5, "lay cola@3s, seconds 12, noise 0")
	var eyes cart.Eyes
	if eyes.Reached(0) != nil {
		t.Error("a camera without pictures says whether somebody reached in")
	}
	frames(t, s, func(g *image.Gray, at time.Duration) {
		if at > 10*time.Second {
			for i := range g.Pix {
				g.Pix[i] = 0
			}
		}
		if _, err := eyes.See(g, at); err != nil {
			t.Fatal(err)
		}
		r := eyes.Reached(at - 500*time.Millisecond)
		switch {
		case at == 2*time.Second && (r == nil || *r), at == 4*time.Second && (r == nil || !*r):
			t.Errorf("at %s somebody reached in: %v", at, r)
		case at == 9500*time.Millisecond && (r != nil || !strings.Contains(eyes.Fault(), "stands still")):
			t.Errorf("a picture that stands still is %q", eyes.Fault())
		case at == 11*time.Second && !strings.Contains(eyes.Fault(), "sees nothing"):
			t.Errorf("a black picture is %q", eyes.Fault())
		}
	})
}

// TestWhileTheCameraWasAwayNobodyKnows: of a weight that began to change before
// its first picture a camera cannot say whether somebody reached in.
func TestWhileTheCameraWasAwayNobodyKnows(t *testing.T) {
	s := scenario(t, 5, "lay cola@1s, seconds 6")
	var eyes cart.Eyes
	frames(t, s, func(g *image.Gray, at time.Duration) {
		if at < 3*time.Second {
			return // unplugged
		}
		if _, err := eyes.See(g, at); err != nil {
			t.Fatal(err)
		}
	})
	if r := eyes.Reached(900 * time.Millisecond); r != nil {
		t.Errorf("a camera that was away says of the hand: %t", *r)
	}
	if r := eyes.Reached(5 * time.Second); r == nil || *r {
		t.Errorf("a camera that is back says of nobody's hand: %v", r)
	}
}

func TestAScaleIsReadAtRest(t *testing.T) {
	for _, tt := range []struct{ story, text, want string }{
		{"laid in and taken out", "lay cola@2s, lay milk@5s, out cola@8s", "0 540 1575 1035"},
		{"a wrong zero", "tare -80, lay cola@2s", "-80 460"},
		{"somebody leans", "lay cola@2s, lean 900@5s for 2s", "0 540 1440 540"},
		{"too much", "lay cola@2s, overload@5s for 2s", "0 540 overload 540"},
		{"silence", "lay cola@2s, silent@5s for 5s", "0 540 silent 540"},
		{"stuck", "stuck@1s for 20s, lay cola@2s", "0 540"},
		{"a light thing", "lay gum@2s, lay gum@5s", "0 14 28"},
	} {
		s := scenario(t, 3, tt.text)
		var settler cart.Settler
		var got []string
		note := func(w cart.Weighed, ok bool) {
			switch {
			case ok && w.Fault != cart.FaultNone:
				got = append(got, string(w.Fault))
			case ok:
				got = append(got, fmt.Sprint(w.Grams))
			}
		}
		readings := s.Readings()
		for at := time.Duration(0); at.Seconds() <= s.Seconds; at += readEvery {
			for len(readings) > 0 && readings[0].T <= at {
				note(settler.See(readings[0]))
				readings = readings[1:]
			}
			note(settler.Silent(at))
		}
		want := strings.Fields(tt.want)
		same := len(got) == len(want)
		for i := 0; same && i < len(got); i++ {
			var a, b int
			n, _ := fmt.Sscan(got[i]+" "+want[i], &a, &b)
			same = got[i] == want[i] || n == 2 && max(a-b, b-a) <= 4
		}
		if !same {
			t.Errorf("%s: weights at rest are %v, want %v", tt.story, got, want)
		}
	}
	limited := cart.Settler{Capacity: 1000}
	if w, ok := limited.See(cart.Reading{Grams: 1001}); !ok || w.Fault != cart.FaultOverload {
		t.Errorf("above its capacity the scale says %+v, %t", w, ok)
	}
}

func TestTheSameSeedDrawsTheSameTrip(t *testing.T) {
	draw := func(seed uint64) []byte {
		s := scenario(t, seed, "put cola@1s, key 4131@4s, leave lane-1@5s")
		scale, touches, err := s.Files()
		if err != nil {
			t.Fatal(err)
		}
		all := append(scale, touches...)
		frames(t, s, func(g *image.Gray, _ time.Duration) { all = append(all, g.Pix...) })
		if _, err := device.ReadScale(scale); err != nil {
			t.Error(err)
		}
		if f, err := device.ReadFingers(touches); err != nil || len(f) != 2 {
			t.Errorf("touches %s are %v, %v", touches, f, err)
		}
		return all
	}
	one := draw(7)
	if !bytes.Equal(one, draw(7)) {
		t.Error("the same seed drew another trip")
	}
	if bytes.Equal(one, draw(8)) {
		t.Error("another seed drew the same trip")
	}
}

func TestWhatIsNoScenarioIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "dance@1s", "scan@1s", "scan nothing@1s", "scan 4131@1s", "lay 4131@1s", "put cola@soon", "lean x@1s for 2s", "lean 5@1s",
		"overload@1s", "show nobody@1s", "tare x", "colour 3", "lay cola x@1s", "seconds -4", "put cola@1s for long",
	} {
		s := New(1, Groceries(), nil)
		if err := s.Parse(text); !errors.Is(err, ErrScenario) {
			t.Errorf("Parse(%q) = %v, want ErrScenario", text, err)
		}
	}
}
