//go:build opencv

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/vouchledger/vouch/internal/peer"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/models"
)

// reel makes the films that network cameras show: bare H.264 as encoders of
// cameras write it, each part beginning with a whole picture.
type reel struct {
	t    *testing.T
	dir  string
	plan string
}

func newReel(t *testing.T) *reel {
	r := &reel{t: t, dir: t.TempDir()}
	for name, story := range map[string]string{
		"quiet": "seconds 2",
		"shop":  "seconds 16, take middle@5s, take left@8s, return left@12s",
	} {
		file := filepath.Join(r.dir, name+".txt")
		if err := os.WriteFile(file, []byte(story), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := edge(t, "render", "shelf", "--seed", "4", "--scenario", file, "--out", filepath.Join(r.dir, name)); err != nil {
			t.Fatal(out, err)
		}
	}
	r.plan = filepath.Join(r.dir, "quiet", "planogram.json")
	// Nobody is there: the same pictures again, with a sensor's noise of their own.
	const quiet, noise = "quiet/shelf.mp4", "noise=alls=6:allf=t"
	r.encode("quiet", quiet, noise, 6)
	r.encode("later", quiet, noise, 34)
	// When the shopper has left, the last second goes on: were the line to end, the
	// same shopper would come again, as often as the cameras in trouble take long.
	r.encode("shop", "shop/shelf.mp4", "loop=-1:15:225,setpts=N/15/TB", 90)
	r.encode("frozen", quiet, "loop=-1:1:0,setpts=N/15/TB", 5)
	r.encode("black", quiet, "lutyuv=y=16:u=128:v=128", 3)
	r.encode("small", quiet, noise+",scale=320:180", 3)
	r.encode("nearer", quiet, "crop=580:326:60:0,scale=640:360", 1) // as the camera hung before
	return r
}

// encode makes a part of so many seconds out of a film that goes on and on.
func (r *reel) encode(name, from, filter string, seconds int) {
	r.t.Helper()
	ffmpeg := peer.Program(r.t, "", "ffmpeg", "apt-get install ffmpeg")
	cmd := exec.CommandContext(r.t.Context(), ffmpeg, "-v", "error", "-stream_loop", "-1", "-i", from, "-vf", "fps=15,"+filter,
		"-t", strconv.Itoa(seconds),
		"-c:v", "libx264", "-preset", "ultrafast", "-crf", "20", "-bf", "0", "-g", "15", "-pix_fmt", "yuv420p", "-f", "h264", name+".264")
	cmd.Dir = r.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("%s: %v: %s", name, err, out)
	}
}

// planOf returns the planogram with how a camera saw the place that a part shows.
func (r *reel) planOf(name string) string {
	r.t.Helper()
	b, err := os.ReadFile(r.plan)
	if err != nil {
		r.t.Fatal(err)
	}
	path := filepath.Join(r.dir, name+".planogram.json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		r.t.Fatal(err)
	}
	if out, err := edge(r.t, "planogram", "--look", filepath.Join(r.dir, name+".264"), "--write", path); err != nil {
		r.t.Fatal(out, err)
	}
	return path
}

// film puts parts together, as one stream.
func (r *reel) film(parts ...string) string {
	r.t.Helper()
	path := filepath.Join(r.dir, "film-"+strings.Join(parts, "-")+".264")
	f, err := os.Create(path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer f.Close()
	for _, p := range parts {
		b, err := os.ReadFile(filepath.Join(r.dir, p+".264"))
		if err != nil {
			r.t.Fatal(err)
		}
		if _, err := f.Write(b); err != nil {
			r.t.Fatal(err)
		}
	}
	return path
}

// told reports whether a part was said to be in these states, one after the
// other, with others between.
func (f *far) told(part string, states ...ledger.DeviceState) bool {
	for _, r := range f.reports {
		i := slices.IndexFunc(r.Parts, func(p ledger.PartState) bool { return p.Part == part })
		if i >= 0 && len(states) > 0 && r.Parts[i].State == states[0] {
			states = states[1:]
		}
	}
	return len(states) == 0
}

// TestNetworkCamerasInTroubleAreToldAndInventNothing watches cameras of a real
// RTSP server. Six of them look at a shelf that nobody touches, and each has its
// trouble; the seventh sees what a shopper does all the while, and two more would if
// one were the camera that its planogram was drawn for, and the other had a model
// that knows as many classes as its list.
func TestNetworkCamerasInTroubleAreToldAndInventNothing(t *testing.T) {
	t.Parallel() // it waits most of the time
	r := newReel(t)
	steady := map[string][]string{"cam": {r.film("later")}}
	films := peer.NewRTSP(t, map[string][]string{
		"shop": {r.film("shop")}, "frozen": {r.film("quiet", "frozen", "later")}, "black": {r.film("quiet", "black", "later")},
		// Each change of size takes a new connection; the camera has gone on.
		"resized": {r.film("quiet", "small"), r.film("small", "later"), r.film("later")},
		"steady":  steady["cam"],
		"moved":   {r.film("shop")}, "fed": {r.film("shop")},
	})
	cut, hung := peer.NewRTSP(t, steady), peer.NewRTSP(t, steady)
	line, lossy := peer.NewBadLine(t, films, "steady", func(packet int) bool { return packet%9 == 0 })

	f, url := newFar(t)
	var cameras []string
	for name, source := range map[string]string{
		"shop": films.URL("shop"), "frozen": films.URL("frozen"), "black": films.URL("black"), "resized": films.URL("resized"),
		"lossy": lossy, "cut": cut.URL("cam"), "hung": hung.URL("cam"),
	} {
		cameras = append(cameras, fmt.Sprintf("  - {name: %s, source: %q, planogram: %q}", name, source, r.plan))
	}
	short := manifest(t, r.dir, "short.json", func(m *models.Manifest) { m.Files["names"] = listOf(t, r.dir, "bottle") })
	cameras = append(cameras, fmt.Sprintf("  - {name: moved, source: %q, planogram: %q}", films.URL("moved"), r.planOf("nearer")),
		fmt.Sprintf("  - {name: fed, source: %q, planogram: %q, detector: %q}", films.URL("fed"), r.plan, filepath.Join(r.dir, short)))
	startEdge(t, writeShop(t, url, cameras...))
	const well = ledger.DeviceWell
	f.until("all are well", func() bool {
		return !slices.ContainsFunc([]string{"cut", "hung", "lossy"}, func(name string) bool { return !f.told(name, well) })
	})
	f.until("the planogram of another place is told", func() bool { return f.told("moved", ledger.DeviceMisfit) })
	f.until("the model of the wrong shape is told", func() bool { return f.told("fed", ledger.DeviceModelRefused) })
	cut.Kill()
	hung.Hang(true)
	line.Lose(true)
	f.until("the camera without power is unreachable", func() bool { return f.told("cut", well, ledger.DeviceUnreachable) })
	cut.Start()
	f.until("the bad line is told", func() bool { return f.told("lossy", well, ledger.DeviceTorn) })
	if line.Lose(false) == 0 {
		t.Error("no packet was lost; the test looks at nothing")
	}
	f.until("the camera that hangs is unreachable", func() bool { return f.told("hung", well, ledger.DeviceUnreachable) })
	hung.Hang(false)
	for name, trouble := range map[string]ledger.DeviceState{
		"frozen": ledger.DeviceFrozen, "black": ledger.DeviceBlack, "resized": ledger.DeviceResized,
		"cut": ledger.DeviceUnreachable, "hung": ledger.DeviceUnreachable, "lossy": ledger.DeviceTorn,
	} {
		f.until(name+" was "+string(trouble)+" and is well again", func() bool { return f.told(name, well, trouble, well) })
	}
	f.until("what the shopper did came", func() bool { return len(f.seen) >= 3 })
	f.mu.Lock()
	defer f.mu.Unlock()
	if story := f.story(); !strings.Contains(story, "well its planogram has no look") || !strings.Contains(story, "vouch-edge planogram --look SRC --write "+r.plan) {
		t.Error("nobody was told that planograms have no look, and what to do")
	}
	var shop []string
	for _, d := range f.seen {
		what := fmt.Sprintf("%s %s %s", d.Detection.Sensor, d.Detection.Actions[0].Action, d.Detection.Slot)
		if d.Detection.Sensor != "shop" {
			t.Errorf("%s: nobody touched that shelf, or nobody can know by that camera", what)
		}
		shop = append(shop, what)
	}
	if want := []string{"shop take middle", "shop take left", "shop return left"}; !slices.Equal(shop, want) {
		t.Errorf("seen: %q, want %q", shop, want)
	}
}
