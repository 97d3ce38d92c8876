//go:build opencv

package watch

import (
	"slices"
	"testing"
	"time"
)

func TestReturnWaitsUntilItIsKnownWhoBroughtIt(t *testing.T) {
	for _, tt := range []struct {
		story    string
		frames   int
		promised int
		staff    float64
		want     string
	}{
		{"somebody brings one", 300, 300, 0.9, "return left"},
		{"staff bring one", 300, 300, 0.95, "return left restocking"},
		{"the video ends before anybody left", 125, 125, 0.9, "return left"},
		{"the video breaks off before anybody left", 135, 300, 0.9, "return left"},
	} {
		cfg := config(t, 0, 0)
		var err error
		if cfg.Plan, err = cfg.Plan.WithInitial(map[string]int{"left": 0}); err != nil {
			t.Fatal(err)
		}
		asked := 0
		cfg.Hand = func(slot string, at time.Time) (staff, shopper float64) {
			if asked++; slot != "left" || at.Sub(cfg.Start).Seconds() < 2.5 || at.Sub(cfg.Start).Seconds() > 5 {
				t.Errorf("%s: asked who was at %s at %v, want at left when it came", tt.story, slot, at.Sub(cfg.Start))
			}
			return tt.staff, 0.94 - tt.staff
		}
		// The item stands there from frame 100 on.
		c := &troubled{drawn: drawn{frames: tt.frames, leaves: 999}, promised: tt.promised, do: func(n int, pic []byte) (int, int, []byte) {
			if n >= 100 {
				return 320, 180, pic
			}
			pic = slices.Clone(pic)
			for y := 80; y < 150; y++ {
				copy(pic[(y*320+35)*3:(y*320+65)*3], pic[(y*320+70)*3:])
			}
			return 320, 180, pic
		}}
		var got []string
		found := 0
		cfg.Found = func(s Sighting) {
			if found++; !s.Open && len(got) == 0 && tt.frames == 300 {
				t.Errorf("%s: it is found when it is not open any more", tt.story)
			}
		}
		_, err = happens(t, c, cfg, func(s Sighting) error {
			word := string(s.Action) + " " + s.Slot
			if s.Purpose != "" {
				word += " " + string(s.Purpose)
			}
			if s.Open {
				t.Errorf("%s: a sighting is handed out while it is open", tt.story)
			}
			got = append(got, word)
			return nil
		})
		if asked != 1 {
			t.Errorf("%s: asked %d times, want once", tt.story, asked)
		}
		if found != 1 {
			t.Errorf("%s: found %d times, want once, at once", tt.story, found)
		}
		if broken := tt.promised > tt.frames; (err != nil) != broken || !slices.Equal(got, []string{tt.want}) {
			t.Errorf("%s: %q, %v, want %q", tt.story, got, err, tt.want)
		}
	}
}
