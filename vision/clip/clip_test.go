//go:build opencv

package clip_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/vouchledger/vouch/vision/clip"
	"github.com/vouchledger/vouch/vision/cv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const width, height, frames = 320, 180, 25

// picture is a wall of three colours with a bright thing that moves.
func picture(n int) []byte {
	b := make([]byte, 3*width*height)
	for y := range height {
		for x := range width {
			p := b[3*(y*width+x):]
			p[0], p[1], p[2] = byte(40+60*(x/107)), 90, byte(200-50*(y/60))
			if x >= 8*n && x < 8*n+20 && y >= 80 && y < 100 {
				p[0], p[1], p[2] = 240, 240, 240
			}
		}
	}
	return b
}

func encoded(t *testing.T, n int) []byte {
	t.Helper()
	w, err := clip.New(width, height, 10)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for i := range n {
		if err := w.Add(picture(i)); err != nil {
			t.Fatal(err)
		}
	}
	b, err := w.End()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAClipIsReadBackAsItWasSeen(t *testing.T) {
	b := encoded(t, frames)
	if again := encoded(t, frames); !bytes.Equal(b, again) {
		t.Error("the same frames give other bytes the second time")
	}
	path := filepath.Join(t.TempDir(), "clip.mp4")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := cv.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if w, h := r.Size(); w != width || h != height || r.Rate().Float() != 10 {
		t.Errorf("it is read as %dx%d at %v", w, h, r.Rate())
	}
	n := 0
	for ; ; n++ {
		f, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		sum, want, got := 0, picture(n), f.BGR()
		for i := range want {
			sum += max(int(want[i])-int(got[i]), int(got[i])-int(want[i]))
		}
		if mean := float64(sum) / float64(len(want)); mean > 4 {
			t.Errorf("frame %d differs by %.1f steps on average, want 4 at most", n, mean)
		}
		f.Close()
	}
	if n != frames {
		t.Errorf("%d frames are read back, want %d", n, frames)
	}
}

func TestWhatIsNoClipIsRefused(t *testing.T) {
	for _, tt := range []struct {
		w, h int
		rate float64
	}{{0, 180, 10}, {321, 180, 10}, {320, 181, 10}, {320, 180, 0}, {-2, -2, 10}} {
		if _, err := clip.New(tt.w, tt.h, tt.rate); !errors.Is(err, clip.ErrShape) {
			t.Errorf("New(%d, %d, %v) = %v, want ErrShape", tt.w, tt.h, tt.rate, err)
		}
	}
	w, err := clip.New(width, height, 10)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.End(); !errors.Is(err, clip.ErrShape) {
		t.Errorf("a clip without frames = %v, want ErrShape", err)
	}
	if err := w.Add(make([]byte, 7)); !errors.Is(err, clip.ErrShape) {
		t.Errorf("Add(another size) = %v, want ErrShape", err)
	}
	w.Close()
	w.Close() // and once more for whoever is not sure
}
