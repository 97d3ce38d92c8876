package moments

import (
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cart"
	"github.com/vouchledger/vouch/vision/footage"
	"github.com/vouchledger/vouch/vision/sidecar"
)

// weigh has the scale read grams every 100 ms from a moment on, to another.
func weigh(w *Memory, from, to time.Duration, grams int) {
	for t := from; t < to; t += 100 * time.Millisecond {
		w.Read(cart.Reading{T: t, Grams: grams})
	}
}

// TestACartWithoutACameraShowsWhatItsScaleRead: the trace goes through the moment
// at which the thing was laid in, and no overload is drawn as a weight.
func TestACartWithoutACameraShowsWhatItsScaleRead(t *testing.T) {
	w := New("cart-7", "cart test", footage.Maker{})
	if shown, err := w.Label(t.Context(), true); err != nil || shown != nil {
		t.Errorf("Label without a camera = %v, %v, want nothing", shown, err)
	}
	if shown, err := w.Now(t.Context()); err != nil || shown != nil {
		t.Errorf("Now without a camera and a scale = %v, %v, want nothing", shown, err)
	}
	weigh(w, 0, 10*time.Second, 3)
	w.Read(cart.Reading{T: 10 * time.Second, Overload: true})
	weigh(w, 10*time.Second, 11*time.Second, 543)
	shown, err := w.Moved(t.Context(), 3)
	if err != nil || len(shown) != 1 || shown[0].Ref.Role != ledger.RoleWeight {
		t.Fatalf("Moved = %+v, %v, want the trace alone", shown, err)
	}
	trace, err := sidecar.ParseWeight(shown[0].Bytes)
	if err != nil || trace.Change() != 540 || trace.Scale != "cart-7" {
		t.Fatalf("the trace is %+v, %v, want 540 g more on cart-7", trace, err)
	}
	if from := trace.Points[0][0]; from > -3000 || from < -int(keepFor.Milliseconds()) {
		t.Errorf("the trace begins %d ms before, want the seconds before and no more than are kept", from)
	}
	for _, p := range trace.Points {
		if heavy := p[1] > 270; heavy != (p[0] >= 0) {
			t.Errorf("at %d ms the trace has %d g; 0 is not the moment in which it changed", p[0], p[1])
		}
	}
	for range 3 * maxTrace { // a scale whose clock stands still
		w.Read(cart.Reading{T: 11 * time.Second, Grams: 1})
	}
	if len(w.trace) > maxTrace+1 {
		t.Errorf("%d readings are remembered, want %d at most", len(w.trace), maxTrace)
	}
}
