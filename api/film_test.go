package api

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"os/exec"
	"testing"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/render"
	"github.com/vouchledger/vouch/vision/sidecar"
)

// A film is a drawn shelf from which frames and clips are cut.
type film struct {
	t    *testing.T
	shop *render.Shop
}

func newFilm(t *testing.T) *film {
	t.Helper()
	sc := render.NewScenario(3)
	if err := sc.Parse("take left@3s, take middle@8s, return middle@14s, take right@19s"); err != nil {
		t.Fatal(err)
	}
	return &film{t, must(render.New(sc))(t)}
}

// raw returns frame n as packed blue, green, red.
func (f *film) raw(n int) []byte {
	b := make([]byte, f.shop.Width*f.shop.Height*3)
	f.shop.Frame(n, b)
	return b
}

func (f *film) frame(n int) []byte {
	f.t.Helper()
	raw := f.raw(n)
	img := image.NewRGBA(image.Rect(0, 0, f.shop.Width, f.shop.Height))
	for i := range f.shop.Width * f.shop.Height {
		img.Set(i%f.shop.Width, i/f.shop.Width, color.RGBA{raw[3*i+2], raw[3*i+1], raw[3*i], 255})
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 88}); err != nil {
		f.t.Fatal(err)
	}
	return b.Bytes()
}

// clip returns every third frame as a clip that browsers play, or nothing
// where there is no ffmpeg.
func (f *film) clip(from, to int) []byte {
	f.t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		f.t.Log("no ffmpeg: the page is tested without a clip")
		return nil
	}
	var raw bytes.Buffer
	for n := from; n < to; n += 3 {
		raw.Write(f.raw(n))
	}
	out := f.t.TempDir() + "/clip.mp4"
	cmd := exec.CommandContext(f.t.Context(), "ffmpeg", "-loglevel", "error", "-threads", "1", "-f",
		"rawvideo", "-pix_fmt", "bgr24",
		"-s", fmt.Sprintf("%dx%d", f.shop.Width, f.shop.Height), "-r", "10", "-i", "-", "-c:v", "libx264",
		"-preset", "veryfast",
		"-pix_fmt", "yuv420p", "-movflags", "+faststart", "-y", out)
	cmd.Stdin = &raw
	if msg, err := cmd.CombinedOutput(); err != nil {
		f.t.Logf("ffmpeg: %v %s: the page is tested without a clip", err, msg)
		return nil
	}
	return must(readFile(out))(f.t)
}

// evidence keeps what shows the event at frame n and returns the references, as
// a camera over a scale sends them.
func (s *shop) evidence(f *film, n int, moving bool) []ledger.EvidenceRef {
	s.t.Helper()
	var refs []ledger.EvidenceRef
	both := func(role, kind string, b, blurred []byte) ledger.EvidenceRef {
		ref := s.keep(role, kind, b)
		refs = append(refs, ref, s.copyOf(ref, ledger.RoleBlurred, blurred))
		return ref
	}
	both(ledger.RoleBefore, "image/jpeg", f.frame(n-40), f.coarse(n-40, 8))
	both(ledger.RoleAt, "image/jpeg", f.frame(n), f.coarse(n, 8))
	after := both(ledger.RoleAfter, "image/jpeg", f.frame(n+40), f.coarse(n+40, 8))
	refs = append(refs, s.copyOf(after, ledger.RoleThumb, f.coarse(n+40, 4)))
	boxes := sidecar.Boxes{Size: [2]int{f.shop.Width, f.shop.Height}, Model: "slots 1.0", Item: 973, Action: 962}
	for _, role := range []string{"before", "at", "after"} {
		boxes.Frames = append(boxes.Frames, sidecar.Frame{Role: role, Boxes: []sidecar.Box{
			{Kind: sidecar.KindPlace, Label: "middle", Rect: [4]int{f.shop.Width / 3, f.shop.Height / 3, 80, 120}},
			{Kind: sidecar.KindThing, Label: "bottle", Score: 812, Rect: [4]int{f.shop.Width/3 + 10, f.shop.Height/3 + 10, 50, 100}},
		}})
	}
	weight := sidecar.Weight{Scale: "scale-1", Points: []sidecar.Point{{-2000, 4120}, {-300, 4122}, {0, 3950}, {120, 3801}, {1500, 3790}}}
	refs = append(refs, s.keep(ledger.RoleBoxes, sidecar.MediaType, must(boxes.Marshal())(s.t)),
		s.keep(ledger.RoleWeight, sidecar.MediaType, must(weight.Marshal())(s.t)))
	if !moving {
		return refs
	}
	if clip := f.clip(n-36, n+30); clip != nil {
		both(ledger.RoleClip, "video/mp4", clip, clip) // nobody is in it
	}
	return refs
}

// copyOf keeps a copy of a piece.
func (s *shop) copyOf(ref ledger.EvidenceRef, role string, b []byte) ledger.EvidenceRef {
	s.t.Helper()
	c := s.keep(role, ref.MediaType, b)
	c.Of = ref.Digest
	return c
}

// coarse returns frame n with a grain that shows nobody.
func (f *film) coarse(n, grain int) []byte {
	f.t.Helper()
	raw, w := f.raw(n), f.shop.Width
	img := image.NewRGBA(image.Rect(0, 0, w, f.shop.Height))
	for i := range w * f.shop.Height {
		x, y := i%w/grain*grain, i/w/grain*grain
		at := 3 * (y*w + x)
		img.Set(i%w, i/w, color.RGBA{raw[at+2], raw[at+1], raw[at], 255})
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		f.t.Fatal(err)
	}
	return b.Bytes()
}
