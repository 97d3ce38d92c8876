package persons_test

import (
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/persons"
	"github.com/vouchledger/vouch/vision/render/shop"
	"github.com/vouchledger/vouch/vision/track"
)

var opens = time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return opens.Add(time.Duration(seconds * float64(time.Second))) }

// door is the line of the drawn shop's door.
var door = track.Line{
	Gate: "gate-1", A: track.Point{X: shop.DoorX - 0.8, Y: 0.55}, B: track.Point{X: shop.DoorX + 0.8, Y: 0.55},
	Inside: track.Point{X: shop.DoorX, Y: 2},
}

// TestWhoWalksThroughADrawnShopIsFollowed looks at nothing but the pictures of
// three cameras: who came in is one track as long as they are inside, and
// whose visit each is stays known.
func TestWhoWalksThroughADrawnShopIsFollowed(t *testing.T) {
	s, all := cameras(t)
	config := track.Config{Lines: []track.Line{door}, Likeness: persons.Likeness}
	for _, w := range all {
		config.Cameras = append(config.Cameras, w.mount.Camera(w.Name))
	}
	tr, err := track.New(config)
	if err != nil {
		t.Fatal(err)
	}
	truth := s.Truth()
	in := 0
	for _, v := range truth.Visits {
		in += len(v.Entered)
		tr.Bind(track.Opening{Visit: ledger.VisitID(v.Visit), Gate: "gate-1", Party: len(v.Persons), At: at(v.Entered[0] - 0.2)})
	}
	right, wrong, ids := 0, 0, map[string]map[int]int{}
	for n := range s.Frames() {
		for _, w := range all {
			if err := tr.Observe(track.Frame{Camera: w.Name, At: at(s.Time(n)), Boxes: w.found[n]}); err != nil {
				t.Fatal(err)
			}
		}
		for _, p := range s.Poses(n) {
			if p.Floor[1] < 0.8 {
				continue // in the door
			}
			k := nearest(tr.Tracks(), track.Point{X: p.Floor[0], Y: p.Floor[1]})
			if k == nil {
				wrong++
				continue
			}
			if ids[p.Name] == nil {
				ids[p.Name] = map[int]int{}
			}
			ids[p.Name][k.ID]++
			if k.Belief().Of(ledger.VisitID(p.Visit)) > 0.8 {
				right++
			} else {
				wrong++
			}
		}
	}
	came := 0
	for _, c := range tr.Crossings("gate-1", at(0), at(100)) {
		if c.In {
			came++
		}
	}
	if came != in {
		t.Errorf("%d came in, want %d", came, in)
	}
	if tails := tr.Tailgates(at(0), at(100)); len(tails) != 0 {
		t.Errorf("tailgates %+v, want none: each came with their party", tails)
	}
	for name, tracks := range ids {
		if len(tracks) != 1 {
			t.Errorf("%s is tracks %v, want one", name, tracks)
		}
	}
	if float64(right) < 0.95*float64(right+wrong) {
		t.Errorf("whose visit it is is known of %d persons in frames and not of %d", right, wrong)
	}
}

// nearest returns the track within 60 cm of a place.
func nearest(tracks []*track.Track, p track.Point) *track.Track {
	var best *track.Track
	for _, k := range tracks {
		if d := k.At().Distance(p); d < 0.6 && (best == nil || d < best.At().Distance(p)) {
			best = k
		}
	}
	return best
}

var _ track.Detector[persons.Picture] = (*persons.Moving)(nil)
