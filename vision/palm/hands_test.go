package palm

import (
	"errors"
	"flag"
	"math/rand/v2"
	"testing"

	"github.com/vouchledger/vouch/vision/palm/palmtest"
)

// people is how many drawn people are scored. The figures of docs/benchmarks.md
// are of 100.
var people = flag.Int("people", 6, "drawn people of the palm score")

// TestDrawnHandsAreTheirOwn scores people of our own drawing: three captures
// to enrol, two to probe.
func TestDrawnHandsAreTheirOwn(t *testing.T) {
	var trial Trial
	for n := range *people {
		who, p := string(rune('a'+n%26))+string(rune('a'+n/26)), palmtest.NewPerson(uint64(n))
		r := rand.New(rand.NewPCG(uint64(n), 5))
		for i := range 5 {
			c, err := Read(p.Capture(r))
			switch {
			case errors.Is(err, ErrNoHand):
				trial.Unseen()
			case err != nil:
				t.Fatal(err)
			default:
				trial.Add(who, i < 3, c)
			}
		}
	}
	f := trial.Figures()
	told(t, f)
	if f.Unseen.Wrong > f.Unseen.Of/20 || f.Refused.Share() > 0.2 || f.Taken.Share() > 0.02 {
		t.Errorf("%d of %d captures without a palm, false rejects %.3f, false accepts %.3f: want at most 5 %%, 0.2 and 0.02",
			f.Unseen.Wrong, f.Unseen.Of, f.Refused.Share(), f.Taken.Share())
	}
}
