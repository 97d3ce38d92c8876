package lens

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/vouchledger/vouch/internal/given"
	"github.com/vouchledger/vouch/internal/peer"
)

// grain is a sensor's noise of a spread.
type grain struct {
	rng   *rand.Rand
	noise []int8
}

func newGrain(spread float64) grain {
	g := grain{rand.New(rand.NewPCG(3, uint64(100*spread))), make([]int8, 1<<19)}
	for i := range g.noise {
		g.noise[i] = int8(math.Round(spread * g.rng.NormFloat64()))
	}
	return g
}

// on returns the picture with noise that it never had before.
func (g grain) on(pic []byte) []byte {
	out, at := slices.Clone(pic), g.rng.IntN(len(g.noise)-w*h)
	for i := range w * h {
		out[3*i+1] = byte(max(0, min(255, int(out[3*i+1])+int(g.noise[at+i]))))
	}
	return out
}

// somebody stands in the picture.
func somebody(pic []byte, x int) []byte {
	out := slices.Clone(pic)
	for y := 20; y < h; y++ {
		for dx := range 60 {
			out[(y*w+x+dx)*3+1] = 20
		}
	}
	return out
}

// TestASensorThatStandsStillIsToldFromAShopThatIsStill: by the noise that the camera
// itself usually has. What follows each story is one look after the other, ten a
// second.
func TestASensorThatStandsStillIsToldFromAShopThatIsStill(t *testing.T) {
	day, night := shop(1, 0, 0, 1), shop(1, 0, 0, 0.5)
	type part struct {
		seconds int
		pic     []byte
		noise   float64
	}
	usual := part{70, day, 2}
	for _, tt := range []struct {
		story string
		parts []part
		want  []Trouble
	}{
		{"a still shop", []part{usual, {60, day, 2}}, nil},
		{"only the encoder's faults are left", []part{usual, {10, day, 0.3}}, []Trouble{Frozen}},
		{"and the noise comes back", []part{usual, {10, day, 0.3}, {5, day, 2}}, []Trouble{Frozen, Clear}},
		{"it is not known yet what is usual", []part{{40, day, 2}, {20, day, 0.3}}, nil},
		{"an encoder that takes all noise away", []part{{70, day, 0.3}, {20, day, 0.2}}, nil},
		{"half the noise is none that stands still", []part{usual, {60, day, 1}}, nil},
		{"the night: another light and hardly any noise", []part{usual, {90, night, 0.3}}, nil},
		{"somebody comes, so it never stood still", []part{usual, {10, day, 0.3}, {1, somebody(day, 100), 0.3}, {20, day, 0.3}}, []Trouble{Frozen, Clear}},
		{"somebody is there when it freezes", []part{usual, {3, somebody(day, 100), 2}, {10, somebody(day, 100), 0.3}}, []Trouble{Frozen}},
	} {
		l := New(w, h, 10, nil, nil)
		var told []Trouble
		for _, p := range tt.parts {
			noise := newGrain(p.noise)
			for range 10 * p.seconds {
				if _, changed := l.See(noise.on(p.pic)); changed {
					now, _ := l.State()
					told = append(told, now)
				}
			}
		}
		if !slices.Equal(told, tt.want) {
			t.Errorf("%s: told %q, want %q", tt.story, told, tt.want)
		}
	}
}

// TestACameraWhoseNoiseChangesForGoodIsLearntAnew: between what is usual and what
// is frozen nothing is claimed, and after ten minutes it is what is usual.
func TestACameraWhoseNoiseChangesForGoodIsLearntAnew(t *testing.T) {
	var s still
	pic := shop(1, 0, 0, 1)
	see := func(seconds int, spread float64) (frozen bool) {
		noise := newGrain(spread)
		for range 4 * seconds {
			frozen = s.see(noise.on(pic), w, h, 4) || frozen
		}
		return frozen
	}
	see(80, 2)
	before := s.usual()
	if see(pastSeconds+learnSeconds+20, 0.85) || s.usual() == 0 || s.usual() > 0.6*before {
		t.Errorf("usual noise %.2f, %.2f before; frozen %v; want the new one", s.usual(), before, s.frozen)
	}
	if !see(10, 0.3) {
		t.Error("and then it is not seen to stand still")
	}
}

// TestAFrozenSensorBehindAnEncoderOfConstantRate films a given clip again through
// encoders as cameras have them, with a sensor's noise of its own: for a minute
// and more as it is, then the last picture for ever, or the last scene with its
// noise. Bits are as many as the camera has for it, whatever it shows.
func TestAFrozenSensorBehindAnEncoderOfConstantRate(t *testing.T) {
	ffmpeg := peer.Program(t, "", "ffmpeg", "apt-get install ffmpeg")
	clip := given.File(t, "video/bottle-a.mp4")
	const rate, before, after = 5, 72, 10
	play := func(bits string, noise int, freeze bool) (told []Trouble) {
		t.Helper()
		noises := fmt.Sprintf("noise=alls=%d:allf=t", noise)
		hold := fmt.Sprintf("tpad=stop_mode=clone:stop_duration=%d", after)
		filter := fmt.Sprintf("fps=%d,scale=320:180:flags=area,trim=0:%d,setpts=PTS-STARTPTS,", rate, before)
		if freeze {
			filter += noises + "," + hold
		} else {
			filter += hold + "," + noises
		}
		encode := exec.CommandContext(t.Context(), ffmpeg, "-v", "error", "-stream_loop", "-1", "-i", clip, "-vf", filter,
			"-an", "-c:v", "libx264", "-preset", "superfast", "-tune", "zerolatency", "-b:v", bits, "-minrate", bits, "-maxrate", bits, "-bufsize", bits,
			"-x264-params", "nal-hrd=cbr:force-cfr=1:keyint=20:scenecut=0", "-pix_fmt", "yuv420p", "-t", fmt.Sprint(before+after), "-f", "h264", "-")
		decode := exec.CommandContext(t.Context(), ffmpeg, "-v", "error", "-f", "h264", "-r", fmt.Sprint(rate), "-i", "-", "-pix_fmt", "bgr24", "-f", "rawvideo", "-")
		var err error
		if decode.Stdin, err = encode.StdoutPipe(); err != nil {
			t.Fatal(err)
		}
		out, err := decode.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var said strings.Builder
		encode.Stderr, decode.Stderr = &said, &said
		for _, c := range []*exec.Cmd{encode, decode} {
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
		}
		l, pic, n, same := New(w, h, rate, nil, nil), make([]byte, 3*w*h), 0, 0
		for ; ; n++ {
			if _, err := io.ReadFull(out, pic); err != nil {
				break
			}
			if _, changed := l.See(pic); changed {
				now, _ := l.State()
				told = append(told, now)
			}
			same = max(same, l.same)
		}
		if err := encode.Wait(); err != nil {
			t.Fatal(err, said.String())
		}
		if err := decode.Wait(); err != nil || n < rate*(before+after-1) {
			t.Fatal(n, " pictures ", err, said.String())
		}
		t.Logf("%s, noise %d, freezes %v: usually %.2f, then %.2f; at most %d looks the same", bits, noise, freeze, l.still.usual(), l.still.levels, same)
		return told
	}
	for bits, noise := range map[string]int{"80k": 12, "300k": 6} {
		if got := play(bits, noise, true); !slices.Equal(got, []Trouble{Frozen}) {
			t.Errorf("%s, noise %d: a frozen sensor is told as %q, want frozen", bits, noise, got)
		}
		if got := play(bits, noise, false); len(got) > 0 {
			t.Errorf("%s, noise %d: a still shop is told as %q, want nothing", bits, noise, got)
		}
	}
}
