//go:build opencv

package main

import (
	"bytes"
	"image"
	"image/draw"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/qr"
)

// A doorCamera is a gate's camera with a sensor's noise, or none, before which a phone is
// held. It can be covered and unplugged.
type doorCamera struct {
	t *testing.T
	socket
	grain  int // of its noise; 0: each picture is the one before
	show   *image.Gray
	still  []byte        // show as it is sent, where there is no noise
	looked chan struct{} // closed when somebody looks through it
	once   sync.Once
}

func newDoorCamera(t *testing.T, grain int) (*doorCamera, string) {
	c := &doorCamera{t: t, socket: socket{off: make(chan struct{})}, grain: grain, looked: make(chan struct{})}
	c.put("")
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	return c, server.URL + "/door"
}

// put shows the door, with a phone before it if there is a code.
func (c *doorCamera) put(code string) {
	c.t.Helper()
	img := image.NewGray(image.Rect(0, 0, 640, 480))
	for i := range img.Pix { // tiles
		img.Pix[i] = byte(90 + 60*((i%640/40+i/640/40)%2))
	}
	if code != "" {
		q, err := qr.Encode(code)
		if err != nil {
			c.t.Fatal(err)
		}
		drawn := q.Image(5)
		draw.Draw(img, drawn.Bounds().Add(image.Pt(80, 20)), drawn, image.Point{}, draw.Src)
	}
	c.set(img)
}

func (c *doorCamera) set(img *image.Gray) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.show, c.still = img, nil
	if c.grain == 0 {
		c.still = c.encode(img)
	}
}

// grainy returns what is shown with a sensor's noise.
func (c *doorCamera) grainy(show *image.Gray, dice *rand.Rand) *image.Gray {
	img := image.NewGray(show.Rect)
	for i, v := range show.Pix {
		img.Pix[i] = byte(min(255, int(v)+dice.IntN(c.grain)))
	}
	return img
}

func (c *doorCamera) encode(img *image.Gray) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		c.t.Error(err)
	}
	return b.Bytes()
}

// cover puts a hood over it.
func (c *doorCamera) cover() { c.set(image.NewGray(image.Rect(0, 0, 640, 480))) }

func (c *doorCamera) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	dice := rand.New(rand.NewPCG(1, 2))
	c.stream(w, q, 10, func(n int) []byte {
		if n == 10 { // OpenCV looks at some before it says that it is open
			c.once.Do(func() { close(c.looked) })
		}
		c.mu.Lock()
		show, still := c.show, c.still
		c.mu.Unlock()
		if still != nil {
			return still
		}
		return c.encode(c.grainy(show, dice))
	})
}

// TestAPhoneThatGoesIsNoTroubleOfTheCamera opens a camera before which a phone is held
// near, and takes the phone away.
func TestAPhoneThatGoesIsNoTroubleOfTheCamera(t *testing.T) {
	c := &doorCamera{t: t, grain: 6}
	var told []ledger.DeviceState
	e := &eye{say: func(state ledger.DeviceState, _ string) { told = append(told, state) }}
	now := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	e.open(640, 480, now)
	defer e.lose(io.EOF)
	dice := rand.New(rand.NewPCG(1, 2))
	for n := range 160 {
		if n == 0 {
			c.put("VT1-ONE")
		} else if n == 16 {
			c.put("")
		}
		bgr := make([]byte, 0, 3*len(c.show.Pix))
		for _, v := range c.grainy(c.show, dice).Pix {
			bgr = append(bgr, v, v, v)
		}
		f, err := cv.NewFrame(640, 480, bgr)
		if err != nil {
			t.Fatal(err)
		}
		now = now.Add(lookEvery)
		if err := e.see(f, now); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	if want := []ledger.DeviceState{ledger.DeviceWell}; !slices.Equal(told, want) {
		t.Errorf("told of the camera: %q, want %q", told, want)
	}
}

// TestAGatesCameraInTroubleIsTold: a gate's camera is covered, uncovered, unplugged and
// plugged in. The server hears of each, the gate goes on, and codes that are shown
// between are read, each once.
func TestAGatesCameraInTroubleIsTold(t *testing.T) {
	t.Parallel() // it waits most of the time
	f, url := newFar(t)
	camera, address := newDoorCamera(t, 6)
	gate := startChild(t, "k1", "gate", "--exit", "--video", address, "--server", url, "--store", "s1", "--gate", "exit-1",
		"--outbox", filepath.Join(t.TempDir(), "outbox"))
	const well = ledger.DeviceWell
	f.until("the camera is well", func() bool { return f.told(partCamera, well) })
	camera.put("VT1-ONE")
	f.until("a code is read", func() bool { return len(f.exits) == 1 })
	camera.cover()
	f.until("a hood is told", func() bool { return f.told(partCamera, well, ledger.DeviceBlack) })
	camera.put("")
	f.until("that it is gone is told", func() bool { return f.told(partCamera, well, ledger.DeviceBlack, well) })
	camera.plug(false)
	f.until("a cable that is pulled is told", func() bool { return f.told(partCamera, well, ledger.DeviceBlack, well, ledger.DeviceUnreachable) })
	camera.plug(true)
	camera.put("VT1-TWO")
	f.until("the next code is read", func() bool { return len(f.exits) == 2 })
	f.until("the camera is well again", func() bool { return f.told(partCamera, well, ledger.DeviceUnreachable, well) })
	gate.end(t)
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.exits) != 2 || f.exits[0].Code != "VT1-ONE" || f.exits[1].Code != "VT1-TWO" {
		t.Errorf("the server was told of %+v, want both codes once", f.exits)
	}
}
