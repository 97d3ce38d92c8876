package edge

import (
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// TestWhatIsToBeKnownOfACameraIsToldWhileItIsWell: of a trouble its own words are told,
// and a new run has to say anew what is to be known of it.
func TestWhatIsToBeKnownOfACameraIsToldWhileItIsWell(t *testing.T) {
	h := open(t, cam("a", "rtsp://a"))
	detail := func(want string) {
		t.Helper()
		for _, p := range h.said[len(h.said)-1].Parts {
			if p.Part == "a" && p.Detail != want {
				t.Errorf("%s is told with %q, want %q", p.State, p.Detail, want)
			}
		}
	}
	const known = "its planogram has no look"
	h.tell(Noticed{Camera: "a", Run: h.runs["a"], State: ledger.DeviceWell, Detail: known})
	h.is("a", ledger.DeviceStarting)
	detail("")
	h.film("a", 6)
	h.is("a", ledger.DeviceWell)
	detail(known)
	h.tell(Noticed{Camera: "a", Run: h.runs["a"], State: ledger.DeviceBlack, Detail: "nothing to be seen"})
	detail("nothing to be seen")
	h.tell(Noticed{Camera: "a", Run: h.runs["a"], State: ledger.DeviceBlack, Over: true})
	h.is("a", ledger.DeviceWell)
	detail(known)
	h.tell(Closed{Camera: "a", Run: h.runs["a"], State: ledger.DeviceUnreachable, Detail: "no answer"})
	detail("no answer")
	h.pass(3 * time.Second)
	h.film("a", 6)
	h.is("a", ledger.DeviceWell)
	detail("")
}
