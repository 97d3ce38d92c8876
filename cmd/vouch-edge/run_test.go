//go:build opencv

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vouchledger/vouch/internal/given"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/models"
)

// kept is what the log of `run` says to be safe.
type kept struct {
	Msg     string    `json:"msg"`
	Camera  string    `json:"camera"`
	Slot    string    `json:"slot"`
	Action  string    `json:"action"`
	At      time.Time `json:"at"`
	Purpose string    `json:"purpose"` // of staff: no detection comes of it
}

// missing returns what was said to be safe and did not come.
func missing(said []kept, came []detectionRequest) (lost []kept) {
	for _, k := range said {
		if !slices.ContainsFunc(came, func(d detectionRequest) bool {
			return string(d.Detection.Sensor) == k.Camera && d.Detection.Slot == k.Slot && d.OccurredAt.Equal(k.At)
		}) {
			lost = append(lost, k)
		}
	}
	return lost
}

// An edgeChild is a vouch-edge of its own.
type edgeChild struct {
	cmd     *exec.Cmd
	running chan struct{} // closed when it said that it runs
	first   chan struct{} // closed when something was kept
	full    chan struct{} // closed when there was no room for a report
	read    chan struct{} // closed when its log is read to the end
	safe    []kept        // complete after read
	said    bytes.Buffer  // all that it wrote; for who reads a failure
}

func startEdge(t *testing.T, config string, env ...string) *edgeChild {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &edgeChild{
		cmd:     exec.Command(self, "run", "--config", config),
		running: make(chan struct{}), first: make(chan struct{}), full: make(chan struct{}), read: make(chan struct{}),
	}
	c.cmd.Env = append(append(os.Environ(), "VOUCH_EDGE_CHILD=1", "VOUCH_KEY=k1"), env...)
	log, err := c.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	full, running := sync.OnceFunc(func() { close(c.full) }), sync.OnceFunc(func() { close(c.running) })
	go func() {
		defer close(c.read)
		for s := bufio.NewScanner(log); s.Scan(); {
			c.said.Write(s.Bytes())
			c.said.WriteByte('\n')
			var k kept
			if strings.Contains(s.Text(), "a report has to wait") {
				full()
			}
			if json.Unmarshal(s.Bytes(), &k) != nil {
				continue
			}
			if k.Msg == "running" {
				running()
			}
			if k.Msg != "kept" || k.Purpose != "" {
				continue
			}
			if c.safe = append(c.safe, k); len(c.safe) == 1 {
				close(c.first)
			}
		}
	}()
	t.Cleanup(func() {
		if t.Failed() {
			_ = c.cmd.Process.Signal(syscall.SIGQUIT) // where does it wait?
			<-c.read
			t.Logf("vouch-edge run said:\n%s", c.said.Bytes())
		}
		c.kill()
	})
	return c
}

// kill pulls the plug and returns what was said to be safe until then.
func (c *edgeChild) kill() []kept {
	_ = c.cmd.Process.Kill() // it may have ended by itself
	<-c.read
	_ = c.cmd.Wait()
	return c.safe
}

// end tells it to end as systemd does, and returns what it ended with. That is said
// to a program that runs: before its main no program can hear a signal, and dies of it.
func (c *edgeChild) end() error {
	select {
	case <-c.running:
	case <-c.read: // it ended by itself
	}
	err := c.cmd.Process.Signal(syscall.SIGTERM)
	<-c.read
	return errors.Join(err, c.cmd.Wait())
}

// TestWhatIsToldToEndEndsWell: as soon as it runs, and when it is begun anew on the
// same disk.
func TestWhatIsToldToEndEndsWell(t *testing.T) {
	_, url := newFar(t)
	config := writeShop(t, url, "  - {name: cam-1, source: \"rtsp://127.0.0.1:1/none\", planogram: none.json}")
	for range 2 {
		if err := startEdge(t, config).end(); err != nil {
			t.Errorf("vouch-edge run that was told to end at once = %v, want 0", err)
		}
	}
}

func writeShop(t *testing.T, server string, cameras ...string) string {
	t.Helper()
	return writeShopIn(t, t.TempDir(), server, cameras...)
}

func writeShopIn(t *testing.T, dir, server string, cameras ...string) string {
	t.Helper()
	text := fmt.Sprintf("store: s1\ndevice: edge-1\nserver: %s\nfolder: %s\nstatus: 127.0.0.1:0\nmemory-mb: 256\ncameras:\n%s\n",
		server, filepath.Join(dir, "data"), strings.Join(cameras, "\n"))
	path := filepath.Join(dir, "shop.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func filmCamera(t *testing.T, name, more string) string {
	t.Helper()
	clip, err := filepath.Abs(given.File(t, "video/bottle-a.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := filepath.Abs(given.File(t, "video/planogram.json"))
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("  - {name: %s, source: %q, planogram: %q, initial: {left: 1, middle: 1, right: 1}%s}", name, clip, plan, more)
}

// TestPullingThePlugLosesNothingThatWasKept kills a vouch-edge at random
// moments, with the server there and away. What it said to be safe arrives
// all the same, each with its evidence before it.
func TestPullingThePlugLosesNothingThatWasKept(t *testing.T) {
	f, url := newFar(t)
	config := writeShop(t, url, filmCamera(t, "cam-1", ", repeat: true"), filmCamera(t, "cam-2", ", repeat: true, speed: 4"))
	var said []kept
	for round := range 6 {
		f.change(func() { f.down = round%3 == 0 })
		c := startEdge(t, config)
		moment := time.After(time.Duration(rand.IntN(2500)) * time.Millisecond)
		if round%2 == 0 {
			<-c.first
			moment = time.After(time.Duration(rand.IntN(300)) * time.Millisecond)
		}
		<-moment
		said = append(said, c.kill()...)
	}
	if len(said) < 3 {
		t.Fatalf("only %d were kept before the plug was pulled; the test looks at nothing", len(said))
	}
	f.change(func() { f.down = false })
	c := startEdge(t, config)
	f.until("everything that was kept came", func() bool { return len(missing(said, f.seen)) == 0 && len(f.seen) >= 8 })
	if err := c.end(); err != nil {
		t.Errorf("vouch-edge run that was told to end = %v, want 0", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	said = append(said, c.safe...)
	if lost := missing(said, f.seen); len(lost) > 0 {
		t.Errorf("of %d kept these were lost: %v", len(said), lost)
	}
	last := said[len(said)-1]
	if rest := slices.DeleteFunc(slices.Clone(f.seen), func(d detectionRequest) bool { return d.OccurredAt.Equal(last.At) }); len(missing(said, rest)) == 0 {
		t.Error("a detection was taken away and nobody missed it")
	}
	t.Logf("%d kept in 7 runs of which 6 were killed, %d came, %d reports", len(said), len(f.seen), len(f.reports))
}

// netCamera streams a clip as a network camera does, until it is unplugged.
type netCamera struct {
	socket
	frames [][]byte
}

// A socket is where a camera is plugged in and out.
type socket struct {
	mu  sync.Mutex
	off chan struct{} // closed while unplugged
}

func (c *netCamera) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	c.stream(w, q, 25, func(n int) []byte { return c.frames[n%len(c.frames)] })
}

// stream sends so many pictures a second until the camera is unplugged.
func (c *socket) stream(w http.ResponseWriter, q *http.Request, rate time.Duration, picture func(n int) []byte) {
	c.mu.Lock()
	off := c.off
	c.mu.Unlock()
	w.Header().Set("Content-Type", "multipart/x-mixed-replace;boundary=cut")
	beat := time.NewTicker(time.Second / rate)
	defer beat.Stop()
	for n := 0; ; n++ {
		select {
		case <-off:
			panic(http.ErrAbortHandler) // as a cable does
		case <-q.Context().Done():
			return
		case <-beat.C:
		}
		b := picture(n)
		fmt.Fprintf(w, "--cut\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n", len(b), b)
	}
}

// plug plugs the camera in or out.
func (c *socket) plug(in bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if in {
		c.off = make(chan struct{})
	} else {
		close(c.off)
	}
}

func newNetCamera(t *testing.T) (*netCamera, string) {
	t.Helper()
	r, err := cv.Open(given.File(t, "video/bottle-a.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := &netCamera{socket: socket{off: make(chan struct{})}}
	for range 160 { // longer than a repetition is taken for a frozen sensor
		f, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		b, err := f.JPEG()
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		c.frames = append(c.frames, b)
	}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	return c, server.URL
}

// TestACableIsPulledAndTheOperatorChangesTheCameras follows one process: a
// network camera goes and comes back, the settings change under it, and bad
// ones are refused.
func TestACableIsPulledAndTheOperatorChangesTheCameras(t *testing.T) {
	f, url := newFar(t)
	f.ahead = time.Hour
	camera, address := newNetCamera(t)
	plan, err := filepath.Abs(given.File(t, "video/planogram.json"))
	if err != nil {
		t.Fatal(err)
	}
	one := fmt.Sprintf("  - {name: cam-1, source: %q, planogram: %q, initial: {left: 1, middle: 1, right: 1}}", address+"/cam", plan)
	c := startEdge(t, writeShop(t, url, one))
	f.until("cam-1 is well and the clock is known", func() bool {
		return f.state("cam-1") == ledger.DeviceWell && f.state("clock") == ledger.DeviceWell
	})
	f.mu.Lock()
	if off := f.reports[len(f.reports)-1].Offset; off < 3_599_000 || off > 3_601_000 {
		t.Errorf("the clock is said to be off by %d ms, want an hour", off)
	}
	f.mu.Unlock()
	camera.plug(false)
	f.until("cam-1 is unreachable", func() bool { return f.state("cam-1") == ledger.DeviceUnreachable })
	camera.plug(true)
	f.until("cam-1 is back", func() bool { return f.state("cam-1") == ledger.DeviceWell })

	give := func(settings string) int {
		f.change(func() { f.version++; f.settings = settings })
		return f.version
	}
	bad := give(`{"cameras":[{"name":"cam-1","source":"x","planogram":"nowhere.json"}]}`)
	f.until("the settings are refused", func() bool {
		last := f.reports[len(f.reports)-1]
		return last.Refused == bad && last.Running == 0 && strings.Contains(last.Reason, "nowhere.json")
	})
	whole, err := os.ReadFile(plan)
	if err != nil {
		t.Fatal(err)
	}
	good := give(fmt.Sprintf(`{"cameras":[{"name":"cam-9","source":%q,"plan":%s,"initial":{"left":1,"middle":1,"right":1},"frames-per-second":10}]}`, address+"/cam", whole))
	f.until("cam-9 is there and cam-1 is not", func() bool {
		last := f.reports[len(f.reports)-1]
		return last.Running == good && last.Refused == 0 && f.state("cam-9") == ledger.DeviceWell && f.state("cam-1") == ""
	})
	c.kill()
	// Begun anew without a word of the server it follows what was in force.
	f.change(func() { f.reports = nil })
	startEdge(t, c.cmd.Args[3])
	f.until("it still follows the settings", func() bool { return f.state("cam-9") == ledger.DeviceWell })
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.reports {
		if r.Running != good {
			t.Errorf("a report says settings %d, want %d", r.Running, good)
		}
	}
}

func TestAShopFileWithAnUnknownNameIsRefused(t *testing.T) {
	dir := t.TempDir()
	for name, tt := range map[string]struct{ text, want string }{
		"an unknown name":             {"store: a\ndevice: b\nserver: c\ncamera: []\n", "unknown field"},
		"an unknown name in a camera": {"store: a\ndevice: b\nserver: c\ncameras: [{name: x, source: y, planogram: z, fps: 3}]\n", "unknown field"},
		"no server":                   {"store: a\ndevice: b\n", "are needed"},
		"no threads":                  {"store: a\ndevice: b\nserver: c\nopencv-threads: 0\n", "below nothing"},
		"two of one name":             {"store: a\ndevice: b\nserver: c\ncameras: [{name: x, source: y, planogram: z}, {name: x, source: y, planogram: z}]\n", "two cameras"},
		"a file that is no map":       {"- 1\n", ""},
	} {
		path := filepath.Join(dir, "shop.yaml")
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := runEdge(t, "run", "--config", path, "--check"); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: run --check = %v, want %q", name, err, tt.want)
		}
	}
	for name, tt := range map[string]struct{ text, want string }{
		"files without a licence": {"model: {onnx: a.onnx, names: a.txt}", "name their manifest with detector"},
		"a manifest not there":    {"detector: nowhere.json", "nowhere.json"},
		"a manifest without a licence": {"detector: " + manifest(t, dir, "free.json", func(m *models.Manifest) {
			m.Licence = ""
		}), "no licence"},
		"another file than declared": {"detector: " + manifest(t, dir, "other.json", func(m *models.Manifest) {
			m.Files["onnx"] = models.File{Path: m.Files["onnx"].Path, SHA256: strings.Repeat("0", 64)}
		}), "not the file"},
		"classes of another network": {"detector: " + manifest(t, dir, "few.json", func(m *models.Manifest) {
			m.Files["names"] = listOf(t, dir, "bottle")
		}), "80 classes, the list of names 1"},
		"a recogniser that is none": {"recogniser: free.json", "not a model"},
	} {
		path := filepath.Join(dir, "shop.yaml")
		text := "store: a\ndevice: b\nserver: c\ncameras:\n  - {name: x, source: y, planogram: z, " + tt.text + "}\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := runEdge(t, "run", "--config", path, "--check"); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: run --check = %v, want %q", name, err, tt.want)
		}
	}
	path := filepath.Join(dir, "shop.json")
	if err := os.WriteFile(path, []byte(`{"store":"a","device":"b","server":"c","cameras":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := runEdge(t, "run", "--config", path, "--check"); err != nil {
		t.Errorf("a file of JSON: %v", err)
	}
}
