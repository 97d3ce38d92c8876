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

// evidence keeps what shows the event at frame n and returns the references.
func (s *shop) evidence(f *film, n int, moving bool) []ledger.EvidenceRef {
	refs := []ledger.EvidenceRef{
		s.keep("before", "image/jpeg", f.frame(n-40)), s.keep("after", "image/jpeg", f.frame(n+40)),
	}
	if !moving {
		return refs
	}
	if clip := f.clip(n-36, n+30); clip != nil {
		refs = append(refs, s.keep("clip", "video/mp4", clip))
	}
	return refs
}
