package track

import (
	"testing"

	"github.com/vouchledger/vouch/ledger"
)

// TestTheFirstOfThreeOnTwoCodesIsWhoseGateJustOpened checks that anna, who walks
// in when the gate opens for her, is anna, though three come in and the gate opens
// twice: of the two that come behind her either may be ben. If she hesitates as
// long as they took, any of the three may be the one without a code.
func TestTheFirstOfThreeOnTwoCodesIsWhoseGateJustOpened(t *testing.T) {
	for story, tt := range map[string]struct {
		opens float64 // for anna, who is in the gate at second 1
		sure  bool
	}{
		"at once":                  {0.2, true},
		"a second and a half late": {-0.5, true},
		"long after":               {-4, false},
	} {
		s := corner(t)
		s.walkers = []walker{
			{"anna", through(0, Point{1, 6}, 20), clothes(1)},
			{"ben", through(3.5, Point{3.3, 6}, 20), clothes(2)},
			{"carl", through(4.3, Point{3.3, 4}, 20), clothes(3)},
		}
		tr := tracker(t, s)
		tr.Bind(Opening{Visit: "v-anna", Gate: "gate-1", At: at(tt.opens), Party: 1})
		tr.Bind(Opening{Visit: "v-ben", Gate: "gate-1", At: at(3.7), Party: 1})
		s.play(t, tr, 0, 20)
		of := func(visit ledger.VisitID, x, y float64) float64 {
			return Visits(tr.Who(at(18), Place{Floor: Point{x, y}})).Of(visit)
		}
		if p := of("v-anna", 0.5, 6); tt.sure != (p > 0.92) {
			t.Errorf("%s: the first is v-anna with %.3f, want surely: %v", story, p, tt.sure)
		}
		for _, y := range []float64{6, 4} {
			if p := of("v-ben", 3.8, y); p < 0.3 || p > 0.7 {
				t.Errorf("%s: of the other two one is v-ben with %.3f, want doubt", story, p)
			}
		}
	}
}
