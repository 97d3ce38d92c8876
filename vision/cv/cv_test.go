//go:build opencv

package cv

import (
	"bytes"
	"errors"
	"image"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/vouchledger/vouch/internal/given"
)

func TestBottleClipIsReadToItsEnd(t *testing.T) {
	r, err := Open(given.File(t, "video/bottle-a.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if w, h := r.Size(); w != 640 || h != 360 {
		t.Errorf("Size() = %d, %d, want 640, 360", w, h)
	}
	if got, want := r.Rate(), (Rate{179, 6}); got != want {
		t.Errorf("Rate() = %v, want %v", got, want)
	}
	n := 0
	for {
		f, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		n++
	}
	if n != 600 {
		t.Errorf("frames = %d, want 600", n)
	}
}

// A frame that is passed over leaves the others as they are.
func TestFramesThatArePassedOverAreDecoded(t *testing.T) {
	open := func() *Reader {
		r, err := Open(given.File(t, "video/bottle-a.mp4"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = r.Close() })
		return r
	}
	all, some := open(), open()
	for n := range 60 {
		want, err := all.Next()
		if err != nil {
			t.Fatal(err)
		}
		if n%3 != 2 {
			if err := some.Skip(); err != nil {
				t.Fatal(err)
			}
			want.Close()
			continue
		}
		got, err := some.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.BGR(), want.BGR()) {
			t.Errorf("frame %d looks otherwise after two that were passed over", n)
		}
		got.Close()
		want.Close()
	}
	for n := 60; ; n++ {
		if err := some.Skip(); errors.Is(err, io.EOF) {
			if n != 600 {
				t.Errorf("the end comes after %d frames, want 600", n)
			}
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestBrokenVideosAreRefusedWithWhatToDo(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	whole, err := os.ReadFile(given.File(t, "video/bottle-a.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		story, src string
		want       error
	}{
		{"no such file", filepath.Join(dir, "none.mp4"), ErrCannotOpen},
		{"a folder", dir, ErrCannotOpen},
		{"an empty file", file("empty.mp4", nil), ErrNotVideo},
		{"a text file", file("text.mp4", []byte("milk, bread, eggs")), ErrNotVideo},
		{"a copy that broke off", file("cut.mp4", whole[:2000]), ErrNotVideo},
		{"a camera that is not there", "63", ErrCannotOpen},
	} {
		r, err := Open(tt.src)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: Open(%s) = %v, %v, want %v", tt.story, tt.src, r, err, tt.want)
		}
	}
}

func TestPictureKeepsItsColours(t *testing.T) {
	px := bytes.Repeat([]byte{200, 40, 10}, 16*8)
	f, err := NewFrame(16, 8, px)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := f.PNG()
	if err != nil {
		t.Fatal(err)
	}
	back, err := DecodeImage(b)
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	if !bytes.Equal(back.BGR(), px) {
		t.Errorf("BGR() after PNG = %v..., want %v...", back.BGR()[:3], px[:3])
	}
	j, err := f.JPEG()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(j, []byte{0xff, 0xd8}) {
		t.Errorf("JPEG() starts with %x, want ffd8", j[:2])
	}
	small := f.Resize(4, 2)
	defer small.Close()
	if small.Width() != 4 || small.Height() != 2 || len(small.Gray()) != 8 {
		t.Errorf("Resize(4, 2) = %dx%d", small.Width(), small.Height())
	}
	if _, err := NewFrame(16, 8, px[1:]); !errors.Is(err, ErrShape) {
		t.Errorf("NewFrame(short bytes) = %v, want ErrShape", err)
	}
	if _, err := DecodeImage([]byte("not a picture")); !errors.Is(err, ErrNotPicture) {
		t.Errorf("DecodeImage(text) = %v, want ErrNotPicture", err)
	}
	if _, err := ReadImage(filepath.Join(t.TempDir(), "none.jpg")); !errors.Is(err, ErrNotPicture) {
		t.Errorf("ReadImage(none) = %v, want ErrNotPicture", err)
	}
}

func TestClipReadsBackFrameForFrame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clip.mp4")
	w, err := Create(path, 15, 64, 48)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		f, err := NewFrame(64, 48, bytes.Repeat([]byte{byte(10 * i), 90, 120}, 64*48))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(f); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	n := 0
	for f, err := r.Next(); err == nil; f, err = r.Next() {
		if got, want := int(f.BGR()[0]), 10*n; got < want-12 || got > want+12 {
			t.Errorf("frame %d: blue = %d, want about %d", n, got, want)
		}
		f.Close()
		n++
	}
	if n != 20 {
		t.Errorf("frames = %d, want 20", n)
	}
	if _, err := Create(filepath.Join(t.TempDir(), "no", "x.mp4"), 15, 64, 48); !errors.Is(err, ErrCannotWrite) {
		t.Errorf("Create(missing folder) = %v, want ErrCannotWrite", err)
	}
	if _, err := Create(path, 15, 63, 48); !errors.Is(err, ErrCannotWrite) {
		t.Errorf("Create(odd width) = %v, want ErrCannotWrite", err)
	}
}

func TestDetectorsSeeABottleInEachSlot(t *testing.T) {
	r, err := Open(given.File(t, "video/bottle-a.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	f, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	names := given.File(t, "models/coco.names")
	for _, m := range []Model{
		{Config: given.File(t, "models/yolo-fastest-1.1.cfg"), Weights: given.File(t, "models/yolo-fastest-1.1.weights"), Names: names},
		{Config: given.File(t, "models/yolo-fastest-1.1-xl.cfg"), Weights: given.File(t, "models/yolo-fastest-1.1-xl.weights"), Names: names},
		{ONNX: given.File(t, "models/FastestDet.onnx"), Names: names},
	} {
		d, err := NewDetector(m)
		if err != nil {
			t.Fatal(err)
		}
		for i, slot := range []image.Rectangle{
			image.Rect(30, 96, 164, 320), image.Rect(250, 96, 394, 320), image.Rect(472, 96, 612, 320),
		} {
			boxes, err := d.DetectIn(f, slot)
			if err != nil {
				t.Fatal(err)
			}
			// The smallest network takes a water bottle for a vase as soon as
			// not; what counts is that it sees one upright thing here.
			seen := 0.0
			for _, b := range boxes {
				if (b.Class == "bottle" || b.Class == "vase") && b.Rect.In(slot.Inset(-20)) {
					seen = max(seen, b.Score)
				}
			}
			if seen < 0.25 {
				t.Errorf("%s: slot %d: bottle or vase = %.2f, want 0.25 or more", d.Label(), i, seen)
			}
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestBadModelsAreRefusedNotCrashedOn(t *testing.T) {
	dir := t.TempDir()
	short := filepath.Join(dir, "short.names")
	junk := filepath.Join(dir, "junk.onnx")
	for path, text := range map[string]string{short: "bottle\ncan\n", junk: "not a network"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, weights := given.File(t, "models/yolo-fastest-1.1.cfg"), given.File(t, "models/yolo-fastest-1.1.weights")
	for story, m := range map[string]Model{
		"weights of another network": {Config: cfg, Weights: junk, Names: given.File(t, "models/coco.names")},
		"names of another network":   {Config: cfg, Weights: weights, Names: short},
		"no names":                   {Config: cfg, Weights: weights},
		"junk as ONNX":               {ONNX: junk, Names: short},
		"both kinds":                 {ONNX: junk, Config: cfg, Weights: weights, Names: short},
	} {
		if d, err := NewDetector(m); !errors.Is(err, ErrModel) {
			t.Errorf("%s: NewDetector() = %v, %v, want ErrModel", story, d, err)
		}
	}
}
