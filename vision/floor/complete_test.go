package floor

import (
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/fuse"
)

// TestWhatAllCamerasHaveSeenIsKnownAtOnce: a floor that bears three seconds of
// lateness knows who reaches to a shelf as soon as every camera's frames have come,
// and not before: one camera that lags, or has died, is waited for.
func TestWhatAllCamerasHaveSeenIsKnownAtOnce(t *testing.T) {
	for _, tt := range []struct {
		story   string
		inOrder bool
		silent  float64 // from when on camera two is
		upTo    time.Time
	}{
		{"all have come", true, 20, at(12.9)},
		{"one lags", true, 11, at(10.93)},
		{"one has died", true, 6, at(10)},
		{"frames may come in any order", false, 20, at(10)},
	} {
		c := corner()
		c.Late, c.InOrder, c.Fuse.Wait = 3*time.Second, tt.inOrder, 5*time.Second
		f := open(t, c)
		must(t, f.Open(opened(-0.1, "v-anna", true)))
		must(t, f.Open(opened(4.9, "v-ben", false)))
		for _, fr := range frames(13) {
			if fr.Camera == "two" && !fr.At.Before(at(tt.silent)) {
				continue
			}
			must(t, f.See(fr))
		}
		if _, err := f.Tick(at(13)); err != nil {
			t.Fatal(err)
		}
		if !f.upTo.Equal(tt.upTo) {
			t.Errorf("%s: seen up to %v, want %v", tt.story, f.upTo.Sub(at(0)), tt.upTo.Sub(at(0)))
		}
		if staff, _ := f.Hand(at(12), "a1"); tt.upTo.After(at(12)) && staff < 0.99 {
			t.Errorf("%s: at second 12 it was staff's hand with %.2f", tt.story, staff)
		}
	}
}

// TestWhoIsElsewhereMayHaveBeenTakenForAnother: of somebody in front of a slot it is
// never quite sure that they are who they are believed to be, while others are inside.
func TestWhoIsElsewhereMayHaveBeenTakenForAnother(t *testing.T) {
	f := open(t, corner())
	must(t, f.Open(opened(-0.1, "v-anna", false)))
	alone := f.deceived([]fuse.Person{{Visit: "v-anna", P: 0.99}}, at(5))
	must(t, f.Open(opened(4, "v-dora", true)))
	sum := func(persons []fuse.Person) (p map[ledger.VisitID]float64, all float64) {
		p = map[ledger.VisitID]float64{}
		for _, w := range persons {
			p[w.Visit] += w.P
			all += w.P
		}
		return p, all
	}
	with, all := sum(f.deceived([]fuse.Person{{Visit: "v-anna", P: 0.99}}, at(5)))
	if len(alone) != 1 || alone[0].P != 0.99 {
		t.Errorf("alone she is %+v, want herself", alone)
	}
	if with["v-dora"] < 0.004 || with["v-dora"] > 0.006 || all < 0.9899 || all > 0.9901 {
		t.Errorf("with dora inside it is %v, %.4f in all, want a little of dora in the same sum", with, all)
	}
	must(t, f.Left("v-dora", at(6)))
	if gone := f.deceived([]fuse.Person{{Visit: "v-anna", P: 0.99}}, at(60)); len(gone) != 1 {
		t.Errorf("when dora has left it is %+v, want anna", gone)
	}
}
