package statuspage

import (
	"bytes"
	"encoding/json"
	"flag"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/vouchledger/vouch/internal/peer"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/edge"
	"github.com/vouchledger/vouch/vision/edge/host"
	"github.com/vouchledger/vouch/vision/planogram"
)

var shot = flag.String("shot", "", "file for a picture of the page, to look at")

// cellar is a device with a camera that somebody named in bad faith.
type cellar struct{ picture []byte }

const nasty = `<img src=x onerror="document.title='caught'">/a`

func (c cellar) View() host.View {
	at := time.Now().UTC()
	return host.View{
		Store: "s1", Device: "edge-1", Program: "vouch-edge/test", Now: at, Version: 3,
		Parts: []ledger.PartState{
			{Part: "cam-1", State: ledger.DeviceWell, Since: at},
			{Part: nasty, State: ledger.DeviceUnreachable, Since: at, Detail: "no answer"},
		},
		Cameras: []host.CameraView{{
			Name: "cam-1", Width: 640, Height: 360, Rate: 15, Frames: 900, Dropped: 4,
			Persons: [][4]int{{300, 80, 60, 200}},
			Slots: []host.SlotView{
				{Name: "left", SKU: "cola", Count: 2, Polygon: []planogram.Point{{40, 60}, {200, 60}, {200, 300}, {40, 300}}},
				{Name: "right", SKU: "tea", Count: 1, Polygon: []planogram.Point{{360, 60}, {600, 60}, {600, 300}, {360, 300}}},
			},
			Seen: []host.Seen{{At: at.Add(-time.Second), Slot: "left", Action: "return"}, {At: at, Slot: "left", SKU: nasty, Action: "take", Quantity: 1, Surety: 0.93, Box: [4]int{60, 90, 100, 190}}},
		}},
		Floor:  &edge.FloorView{Persons: 3, Waiting: 1, Came: 5000, LateFrames: 12, LateReadings: 9, Refused: 2},
		Outbox: host.OutboxView{Waiting: 7, Oldest: &at, Error: "no line"},
	}
}

func (c cellar) Picture(camera string) []byte {
	if camera != "cam-1" {
		return nil
	}
	return c.picture
}

func newCellar(t *testing.T) cellar {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 640, 360))
	for y := range 360 {
		for x := range 640 {
			img.Set(x, y, color.RGBA{uint8(x / 3), uint8(y / 2), 90, 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return cellar{b.Bytes()}
}

// TestThePageShowsTheCamerasAndDrawsItsBoxes looks at the page in Chromium.
func TestThePageShowsTheCamerasAndDrawsItsBoxes(t *testing.T) {
	server := httptest.NewServer(New(newCellar(t)))
	defer server.Close()
	ctx, stop := peer.Chromium(t, 5*time.Minute)
	defer stop()
	say := func(script string) string {
		t.Helper()
		text, err := chromedp.Run(ctx, chromedp.Evaluate[string](script))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if err := peer.Do(ctx, chromedp.EmulateViewport(1000, 760), chromedp.Navigate(server.URL),
		chromedp.WaitVisible(chromedp.CSS(`img[data-loaded="yes"]`)), chromedp.WaitVisible(chromedp.CSS("svg polygon"))); err != nil {
		t.Fatal(err)
	}
	text := say(`document.body.innerText`)
	const all = `[document.title, document.querySelector(".view img").naturalWidth, document.querySelectorAll("svg polygon").length,
		document.querySelectorAll("svg rect").length, document.querySelectorAll("img").length].join(" ")`
	if got, want := say(all), "edge-1 at s1 640 2 2 1"; got != want {
		t.Errorf("title, width of the picture, slots, boxes and pictures are %q, want %q", got, want)
	}
	b, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := peer.Do(ctx, chromedp.Click(chromedp.CSS("#boxes"))); err != nil {
		t.Fatal(err)
	}
	if got := say(`String(document.querySelectorAll("svg *").length)`); got != "0" {
		t.Errorf("with the boxes switched off %s are drawn", got)
	}
	if *shot != "" {
		if err := os.WriteFile(*shot, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{
		"Settings no. 3", "clock not compared", "7 messages wait", "no line", "unreachable since", "no answer", "4 dropped", "take 1",
		"3 persons on the floor", "of 5000 pictures and readings 12 pictures and 9 readings came too late, 2 were of",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q:\n%s", want, text)
		}
	}
}

func TestThePageIsForThisMachineOnly(t *testing.T) {
	h := New(newCellar(t))
	get := func(host, path string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		r.Host = host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	for host, want := range map[string]int{
		"127.0.0.1:8090": 200, "localhost:8090": 200, "[::1]:8090": 200, "127.0.0.1": 200,
		"evil.example": 403, "10.0.0.7:8090": 403, "localhost.evil.example": 403, "": 403,
	} {
		if got := get(host, "/status.json").Code; got != want {
			t.Errorf("a page for %q is answered %d, want %d", host, got, want)
		}
	}
	if w := get("localhost", "/cameras/cam-1"); w.Code != 200 || w.Header().Get("Content-Type") != "image/jpeg" {
		t.Errorf("picture = %d %s", w.Code, w.Header().Get("Content-Type"))
	}
	if got := get("localhost", "/cameras/none").Code; got != 404 {
		t.Errorf("picture of no camera = %d, want 404", got)
	}
	var v host.View
	if err := json.Unmarshal(get("localhost", "/status.json").Body.Bytes(), &v); err != nil || v.Device != "edge-1" {
		t.Errorf("status = %+v, %v", v, err)
	}
}
