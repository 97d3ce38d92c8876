//go:build opencv

package moments

import (
	"bytes"
	"image"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cart/device"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/footage"
)

// view is a picture of an empty cart, with somebody's arm in it or without; for a
// while before the arm comes a label is held still.
func view(at time.Duration, arm bool) device.Frame {
	label := at > 500*time.Millisecond && at < 1500*time.Millisecond
	g := image.NewGray(image.Rect(0, 0, 640, 480))
	for i := range g.Pix {
		g.Pix[i] = uint8(60 + i%640/8)
		if x, y := i%640, i/640; arm && x > 250 && x < 390 && y > 100 {
			g.Pix[i] = uint8(150 + (x+y)%60)
		}
		if x, y := i%640, i/640; label && x > 100 && x < 300 && y > 100 && y < 220 {
			g.Pix[i] = 220
		}
	}
	return device.Frame{At: at, Gray: g}
}

// TestAHandIsShownBeforeAtAndAfter: the view at rest, the arm, the view after it,
// each with a copy in which the arm's upper part is hidden; also in the clip,
// which is smaller than the pictures.
func TestAHandIsShownBeforeAtAndAfter(t *testing.T) {
	w := New("cart-7", "cart test", footage.Maker{})
	defer w.Close()
	for t0 := time.Duration(0); t0 < 5*time.Second; t0 += 50 * time.Millisecond { // more than are kept
		arm := t0 > 2*time.Second && t0 < 3500*time.Millisecond
		if err := w.Saw(view(t0, arm)); err != nil {
			t.Fatal(err)
		}
	}
	weigh(w, 0, 3*time.Second, 0)
	weigh(w, 3*time.Second, 4*time.Second, 540)
	shown, err := w.Moved(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	of := map[string][]byte{}
	var refs []ledger.EvidenceRef
	for _, e := range shown {
		refs = append(refs, e.Ref)
		if e.Ref.Of == "" {
			of[e.Ref.Role] = e.Bytes
		}
	}
	if bytes.Equal(of[ledger.RoleBefore], of[ledger.RoleAt]) || !bytes.Equal(of[ledger.RoleBefore], of[ledger.RoleAfter]) {
		t.Error("want the arm in the frame as it happened, and the view at rest before and after")
	}
	for _, role := range []string{ledger.RoleAt, ledger.RoleClip} {
		d := ledger.DigestOf(of[role])
		if copied, ok := ledger.BlurredOf(refs, d); !ok || copied.Digest == d {
			t.Errorf("the copy of %s is %v, want one that hides the arm", role, copied)
		}
	}
	if film, err := openClip(t, of[ledger.RoleClip]); err != nil || film < 2.5 || film > 3.2 {
		t.Errorf("the clip plays %.1f s, %v; want the three seconds around it as they were", film, err)
	}
	if f, err := cv.DecodeImage(of[ledger.RoleAt]); err != nil || f.Width() != pictureWidth {
		t.Errorf("the picture is no JPEG %d wide: %v", pictureWidth, err)
	} else {
		f.Close()
	}
	if n := len(w.frames); n > int(keepFor/time.Second)*clipRate+1 {
		t.Errorf("%d frames are remembered, want %d a second", n, clipRate)
	}
	label, err := w.Label(t.Context(), false)
	if err != nil || !slices.ContainsFunc(label, func(e device.Evidence) bool { return e.Ref.Role == ledger.RoleLabel }) || len(label) != 2 {
		t.Errorf("Label = %d pieces, %v, want the picture and its copy", len(label), err)
	}
}

// openClip returns how long a clip plays, in seconds.
func openClip(t *testing.T, b []byte) (seconds float64, err error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clip.mp4")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return 0, err
	}
	r, err := cv.Open(path)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	return r.Rate().Seconds(r.Frames()), nil
}
