package host

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/edge"
	"github.com/vouchledger/vouch/vision/lens"
	"github.com/vouchledger/vouch/vision/outbox"
	"github.com/vouchledger/vouch/vision/planogram"
	"github.com/vouchledger/vouch/vision/recognise"
	"github.com/vouchledger/vouch/vision/shelf"
	"github.com/vouchledger/vouch/vision/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const plan = `{"size": [640, 360], "sku": "cola", "capacity": 3, "slots": {"a": [[0,0],[50,0],[50,50]], "b": [[90,0],[150,0],[150,50]]}}`

// machine is a host in a folder of its own that was not started.
func machine(t *testing.T, server string, cameras ...edge.Camera) *Host {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "shelf.json"), []byte(plan), 0o600); err != nil {
		t.Fatal(err)
	}
	box, err := outbox.Open(filepath.Join(dir, "outbox"), outbox.Config{Now: time.Now, MaxBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Close() })
	client := &http.Client{}
	t.Cleanup(client.CloseIdleConnections)
	return New(Config{
		Store: "s1", Device: "edge-1", Program: "test/1", Local: edge.Settings{Cameras: cameras}, Beside: dir, State: dir,
		Server: server, Client: client, Box: box, Now: time.Now, Roll: func() float64 { return 0 }, Beat: func() {},
		Open:   func(string) (Camera, error) { return nil, cv.ErrCannotOpen },
		Seen:   func(edge.Camera, watch.Sighting, Evidence, time.Duration) error { return nil },
		Logger: slog.New(slog.DiscardHandler),
	})
}

func took(slot string) watch.Sighting {
	return watch.Sighting{Change: shelf.Change{Slot: slot, SKU: "cola", Action: shelf.Take, Quantity: 1}}
}

var shelfCam = edge.Camera{Name: "cam-1", Source: "rtsp://x", Planogram: "shelf.json", Initial: map[string]int{"a": 3, "b": 2}}

// TestACameraThatComesBackKnowsWhatStandsThere: what was taken before the line
// was lost is not on the shelf after it.
func TestACameraThatComesBackKnowsWhatStandsThere(t *testing.T) {
	h := machine(t, "")
	again := func(c edge.Camera) map[string]int {
		r := &run{camera: c, mem: &memory{}}
		p, err := h.plan(c)
		if err == nil {
			p, err = h.counted(r, p)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range p.Slots {
			if s.Initial != r.counts[s.Name] {
				t.Errorf("slot %s begins with %d and is counted from %d", s.Name, s.Initial, r.counts[s.Name])
			}
		}
		for _, slot := range []string{"a", "a", "b"} {
			if err := h.saw(r, took(slot)); err != nil {
				t.Fatal(err)
			}
		}
		return r.counts
	}
	again(shelfCam)
	if got := fmt.Sprint(again(shelfCam)); got != "map[a:0 b:0]" { // 3-4 is not below nothing
		t.Errorf("counts after two runs = %s, want none left", got)
	}
	counted := shelfCam
	counted.Initial = map[string]int{"a": 3, "b": 3} // somebody counted
	if got := fmt.Sprint(again(counted)); got != "map[a:1 b:2]" {
		t.Errorf("counts after somebody counted = %s, want a:1 b:2", got)
	}
	film := shelfCam
	film.Source = "a.mp4"
	if got := fmt.Sprint(again(film)); got != "map[a:1 b:1]" {
		t.Errorf("counts of a film = %s, want its own start", got)
	}
}

func TestASightingCountsOnlyWhenItIsKept(t *testing.T) {
	h := machine(t, "")
	r := &run{camera: shelfCam, mem: &memory{}}
	p, err := h.plan(shelfCam)
	if err == nil {
		_, err = h.counted(r, p)
	}
	if err != nil {
		t.Fatal(err)
	}
	h.cfg.Seen = func(edge.Camera, watch.Sighting, Evidence, time.Duration) error {
		return fmt.Errorf("put: %w", outbox.ErrFull)
	}
	if err := h.saw(r, took("a")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a full outbox is %v, want one that the watcher waits for: %v", err, syscall.ENOSPC)
	}
	if r.counts["a"] != 3 || len(r.seen) != 0 {
		t.Errorf("a sighting that was not kept counts: %v", r.counts)
	}
}

func TestEvidenceInMemoryIsBoundedAndForgotten(t *testing.T) {
	m := &memory{}
	var refs []ledger.EvidenceRef
	for n := range 4 {
		d, err := m.Keep(t.Context(), make([]byte, maxMemory/4-n))
		if err != nil {
			t.Fatal(err)
		}
		refs = append(refs, ledger.EvidenceRef{Digest: d})
	}
	if _, err := m.Keep(t.Context(), []byte("a long frame")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Keep() above the bound = %v, want %v", err, syscall.ENOSPC)
	}
	if b, err := m.Read(t.Context(), refs[1].Digest); err != nil || len(b) != maxMemory/4-1 {
		t.Errorf("Read() = %d bytes, %v", len(b), err)
	}
	m.forget(refs)
	m.forget(refs)
	if _, err := m.Read(t.Context(), refs[1].Digest); err == nil || m.size != 0 {
		t.Errorf("after forgetting %d bytes are held", m.size)
	}
}

// Two things are taken at once: both sightings name the picture of the moment in
// which they became certain, and the second still has it when the first is safe.
func TestSightingsOfOneMomentShareTheirPictures(t *testing.T) {
	m := &memory{}
	ctx := t.Context()
	var each [2][]ledger.EvidenceRef
	for i, own := range []string{"the left hand", "the right hand"} {
		for _, b := range []string{own, "the shelf afterwards", "the shelf afterwards"} { // and its copy, which hides nothing
			d, err := m.Keep(ctx, []byte(b))
			if err != nil {
				t.Fatal(err)
			}
			each[i] = append(each[i], ledger.EvidenceRef{Digest: d})
		}
	}
	m.forget(each[0])
	for _, r := range each[1] {
		if _, err := m.Read(ctx, r.Digest); err != nil {
			t.Errorf("the second sighting lost %v", err)
		}
	}
	if _, err := m.Read(ctx, each[0][0].Digest); err == nil {
		t.Error("what only the first needed is still held")
	}
	m.forget(each[1])
	if m.size != 0 || len(m.all) != 0 {
		t.Errorf("after both %d bytes are held, want none", m.size)
	}
}

func TestTheEndOfARunIsSaidInOneWord(t *testing.T) {
	live, film := shelfCam, edge.Camera{Name: "f", Source: "f.mp4"}
	for _, tt := range []struct {
		c     edge.Camera
		err   error
		ended bool
		want  ledger.DeviceState
	}{
		{film, nil, true, ""},
		{live, nil, false, ledger.DeviceUnreachable},
		{live, cv.ErrCannotOpen, false, ledger.DeviceUnreachable},
		{live, planogram.ErrSize, false, ledger.DeviceMisfit},
		{live, cv.ErrModel, false, ledger.DeviceModelRefused},
		{live, fmt.Errorf("%w: not the file", errEyes), false, ledger.DeviceModelRefused},
		{live, fmt.Errorf("%w: gone", errPlan), false, ledger.DeviceMisconfigured},
		{live, watch.ErrBacklog, false, ledger.DeviceDiskFull},
		{film, watch.ErrBroken, true, ledger.DeviceTorn},
		{live, watch.ErrBroken, false, ledger.DeviceUnreachable},
	} {
		if in := ending(tt.c, tt.err); in.Ended != tt.ended || in.State != tt.want {
			t.Errorf("ending(%s, %v) = %+v, want %q and %v", tt.c.Name, tt.err, in, tt.want, tt.ended)
		}
	}
}

func TestSettingsThatCannotBeReadAnyMoreDoNotStopTheShop(t *testing.T) {
	h := machine(t, "", shelfCam)
	path := filepath.Join(h.cfg.State, settingsFile)
	for _, text := range []string{"", "{", `{"version":3,"settings":{"cameras":[{"name":"x"}]}}`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if v, s := h.remembered(); v != 0 || len(s.Cameras) != 1 {
			t.Errorf("with %q as settings version %d with %d cameras counts, want the shop's own file", text, v, len(s.Cameras))
		}
	}
	if in, ok := h.judge(given{Version: 4, Settings: []byte(`{"cameras":[]}`)}).(edge.Configured); !ok || in.Version != 4 {
		t.Errorf("good settings are judged %+v", in)
	}
	if v, s := h.remembered(); v != 4 || len(s.Cameras) != 0 {
		t.Errorf("settings 4 were kept as %d with %d cameras", v, len(s.Cameras))
	}
	for text, want := range map[string]string{
		`{"cameras":[{"name":"a","source":"x","planogram":"none.json"}]}`:                    "none.json",
		`{"cameras":[{"name":"a","source":"x","plan":{"size":[1,2]}}]}`:                      "a:",
		`{"cameras":[{"name":"a","source":"x","planogram":"shelf.json","initial":{"z":1}}]}`: "z",
		`[]`:                                    "cannot be followed",
		camWith(`"detector":"eye.json"`):        "looks with no detector",
		camWith(`"recogniser":"corner.vmodel"`): "looks with no recogniser",
		camWith(`"model":{"onnx":"a.onnx","names":"a.txt"}`):                                     "name their manifest with detector",
		camWith(`"classes":["bottle"]`):                                                          "classes without a detector",
		`{"cameras":[{"name":"a","source":"rtsp://anna:hunter2@x/1","planogram":"shelf.json"}]}`: "${CAMERA_1}",
	} {
		in, ok := h.judge(given{Version: 5, Settings: []byte(text)}).(edge.Refused)
		if !ok || in.Version != 5 || !strings.Contains(in.Reason, want) || strings.Contains(in.Reason, "hunter2") {
			t.Errorf("settings %s are judged %+v, want a refusal with %q", text, in, want)
		}
	}
	if v, _ := h.remembered(); v != 4 {
		t.Errorf("after refusals settings %d are kept, want 4", v)
	}
	// A machine that got a password before it was refused is not left without its cameras.
	old := given{Version: 5, Settings: []byte(`{"cameras":[{"name":"a","source":"rtsp://anna:hunter2@x/1","planogram":"shelf.json"}]}`)}
	if err := h.remember(old); err != nil {
		t.Fatal(err)
	}
	if v, s := h.remembered(); v != 5 || len(s.Cameras) != 1 {
		t.Errorf("settings that were in force count as %d with %d cameras, want them followed", v, len(s.Cameras))
	}
}

// camWith is settings of one camera, with something more.
func camWith(more string) string {
	return `{"cameras":[{"name":"a","source":"x","planogram":"shelf.json",` + more + `}]}`
}

// openEye is a detector, and a recogniser, that count how many are open.
type openEye struct{ open *int }

func (e openEye) DetectIn(*cv.Frame, image.Rectangle) ([]cv.Box, error) { return nil, nil }
func (e openEye) Names() []string                                       { return []string{"person"} }
func (e openEye) Label() string                                         { return "eye@1" }
func (e openEye) Close() error                                          { *e.open--; return nil }

func (e openEye) Recognise(recognise.Picture) (recognise.Answer, error) {
	return recognise.Answer{}, nil
}

// openRecogniser is one whose Close answers nothing.
type openRecogniser struct{ openEye }

func (r openRecogniser) Close() { *r.open-- }

// TestSettingsWithAModelThatCannotBeUsedAreRefused: the model is opened before
// the settings count, the reason names the camera, and nothing stays open.
func TestSettingsWithAModelThatCannotBeUsedAreRefused(t *testing.T) {
	h := machine(t, "")
	open, asked := 0, []string{}
	h.cfg.Detector = func(path string) (Detector, error) {
		asked = append(asked, filepath.Base(path))
		if filepath.Base(path) == "torn.json" {
			return nil, fmt.Errorf("%s: %w", path, cv.ErrModel)
		}
		open++
		return openEye{&open}, nil
	}
	h.cfg.Recogniser = func(path string) (Recogniser, error) {
		asked = append(asked, filepath.Base(path))
		if filepath.Base(path) == "other.vmodel" {
			return nil, fmt.Errorf("%s: %w: 9 numbers where 8 are due", path, recognise.ErrShape)
		}
		open++
		return openRecogniser{openEye{&open}}, nil
	}
	for more, want := range map[string]string{
		`"detector":"torn.json"`:                            "a: model: ",
		`"detector":"eye.json","recogniser":"other.vmodel"`: "9 numbers where 8 are due",
	} {
		in, ok := h.judge(given{Version: 5, Settings: []byte(camWith(more))}).(edge.Refused)
		if !ok || in.Version != 5 || !strings.Contains(in.Reason, want) || open != 0 {
			t.Errorf("settings with %s are judged %+v with %d models open, want a refusal with %q", more, in, open, want)
		}
	}
	asked = nil
	good := strings.Replace(camWith(`"detector":"eye.json","recogniser":"corner.vmodel"`), "]}", `,{"name":"b","source":"y",`+
		`"planogram":"shelf.json","detector":"eye.json","recogniser":"corner.vmodel"}]}`, 1)
	in, ok := h.judge(given{Version: 6, Settings: []byte(good)}).(edge.Configured)
	if !ok || open != 0 || len(asked) != 2 {
		t.Errorf("good settings are judged %+v, %d models open, asked for %v; want each model opened once", in, open, asked)
	}
	var cfg watch.Config
	e, err := h.eyes(in.Settings.Cameras[0])
	if err != nil {
		t.Fatal(err)
	}
	if e.look(&cfg); cfg.Detector == nil || cfg.Persons == nil || cfg.Recogniser == nil || open != 2 {
		t.Errorf("a camera looks with %+v, %d open, want a detector of persons too and a recogniser", cfg, open)
	}
	e.close()
	h.cfg.Local = edge.Settings{Cameras: []edge.Camera{{Name: "c", Detector: "torn.json"}}}
	if _, err := h.Check(); !errors.Is(err, cv.ErrModel) || !strings.HasPrefix(err.Error(), "c: ") || open != 0 {
		t.Errorf("Check() = %v with %d open, want %v of c", err, open, cv.ErrModel)
	}
}

// TestACameraThatDoesNotKnowItsPlaceSaysWhatToDo: at each start, and by Check; one whose
// planogram has a look says nothing.
func TestACameraThatDoesNotKnowItsPlaceSaysWhatToDo(t *testing.T) {
	inline := edge.Camera{Name: "cam-2", Source: "rtsp://x", Plan: []byte(plan)}
	h := machine(t, "", shelfCam, inline)
	var log strings.Builder
	h.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	says := func(c edge.Camera) (all []string) {
		t.Helper()
		if err := h.watch(t.Context(), &run{camera: c, mem: &memory{}}, 7); !errors.Is(err, cv.ErrCannotOpen) {
			t.Fatal(err)
		}
		for {
			select {
			case in := <-h.in:
				if said, ok := in.(edge.Noticed); ok && said.Camera == c.Name && said.Run == 7 && said.State == ledger.DeviceWell {
					all = append(all, said.Detail)
				}
			default:
				return all
			}
		}
	}
	for c, command := range map[*edge.Camera]string{
		&shelfCam: "vouch-edge planogram --look SRC --write shelf.json", &inline: "vouch-edge planogram --look SRC --write FILE",
	} {
		log.Reset()
		if said := says(*c); len(said) != 1 || !strings.HasSuffix(said[0], command) || !strings.Contains(log.String(), command) {
			t.Errorf("%s says %q and logs %q, want %s", c.Name, said, log.String(), command)
		}
	}
	remarks, err := h.Check()
	if err != nil || len(remarks) != 2 || !strings.HasPrefix(remarks[0], "cam-1: ") || !strings.HasSuffix(remarks[0], "--write shelf.json") {
		t.Errorf("Check() = %q, %v, want a remark about each", remarks, err)
	}

	bgr := make([]byte, 3*160*90)
	for n := range bgr {
		bgr[n] = byte(n / 3 * 7919 >> 4)
	}
	known, err := planogram.WithLook([]byte(plan), lens.LookAt(bgr, 160, 90))
	if err != nil {
		t.Fatal(err)
	}
	log.Reset()
	inline.Plan = known
	if said := says(inline); len(said) != 0 || log.Len() != 0 {
		t.Errorf("with a look it says %q and logs %q, want nothing", said, log.String())
	}
}

// TestAHostWithoutCamerasOrServerTellsSoAndEnds: nothing answers, and what is
// to be told lies in the outbox.
func TestAHostWithoutCamerasOrServerTellsSoAndEnds(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, "no")
	}))
	defer server.Close()
	h := machine(t, server.URL, shelfCam)
	ctx, cancel := context.WithCancel(t.Context())
	h.cfg.Beat = func() {
		for _, p := range h.View().Parts {
			if p.Part == "cam-1" && p.State == ledger.DeviceUnreachable && asked.Load() >= 2 && h.cfg.Box.Status().Depth >= 2 {
				cancel()
			}
		}
	}
	if err := h.Run(ctx); err != nil {
		t.Errorf("Run() = %v, want none", err)
	}
	if _, known := h.Offset(); known {
		t.Error("the clock is known without a server")
	}
}
