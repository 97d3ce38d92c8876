//go:build opencv

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/vouchledger/vouch/vision"
)

// A caretaker is the server of a live cart: an operator gives it settings, and it
// says how it does.
type caretaker struct {
	*cartTaker
	settings chan string // version and settings, each given once
	reports  chan vision.DeviceReport
	entered  chan string
}

func (s *caretaker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/settings"):
		select {
		case text := <-s.settings:
			_, _ = io.WriteString(w, text)
		case <-r.Context().Done():
		}
	case strings.HasSuffix(path, "/reports"):
		var d vision.DeviceReport
		_ = json.NewDecoder(r.Body).Decode(&d)
		s.reports <- d
	case path == "/v1/time":
		now := time.Now().Add(90 * time.Second).UTC().Format(time.RFC3339Nano)
		fmt.Fprintf(w, `{"received_at":%q,"sent_at":%q}`, now, now)
	case path == "/v1/gate/entries":
		var e vision.GateEntry
		_ = json.NewDecoder(r.Body).Decode(&e)
		s.entered <- e.Code
		_, _ = io.WriteString(w, `{"visit":"v1","decision":"entered"}`)
	default:
		s.cartTaker.ServeHTTP(w, r)
	}
}

// until waits for a report that says all these words.
func (s *caretaker) until(t *testing.T, words ...string) {
	t.Helper()
	var last string
	for limit := time.After(2 * time.Minute); ; {
		select {
		case d := <-s.reports:
			last = fmt.Sprintf("running %d, refused %d %s, clock %d s", d.Running, d.Refused, d.Reason, (d.Offset+500)/1000)
			for _, p := range d.Parts {
				last += ", " + p.Part + " " + string(p.State)
			}
			all := true
			for _, w := range words {
				all = all && strings.Contains(last, w)
			}
			if all {
				return
			}
		case <-limit:
			t.Fatalf("no report says %q; the last one says %s", words, last)
		}
	}
}

// TestACartFollowsItsSettings: a cart is switched on with a scale that is not
// there. An operator gives it another one and a camera with an address; it follows
// without a restart, reads a code from the camera's pictures, and refuses settings
// for something that it is not, and gives up its camera when it is to have none. Meanwhile it finds that its clock is 90 s behind.
func TestACartFollowsItsSettings(t *testing.T) {
	dir := t.TempDir()
	camera, address := newDoorCamera(t, 6)
	camera.put("VT1-LEA")
	device, computer, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	defer computer.Close()
	s := &caretaker{
		cartTaker: &cartTaker{bodies: map[string][]byte{}}, settings: make(chan string), reports: make(chan vision.DeviceReport, 64),
		entered: make(chan string, 8),
	}
	server := httptest.NewServer(s)
	defer server.Close()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	cmd := newRootCommand()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs([]string{
		"cart", "--server", server.URL, "--store", "shop-1", "--cart", "cart-7", "--state", filepath.Join(dir, "state"), "--page", "",
		"--scale", filepath.Join(dir, "no-scale"), "--drain", "1s",
	})
	done := make(chan error, 1)
	go func() { done <- cmd.ExecuteContext(ctx) }()

	s.until(t, "running 0", "scale unreachable", "clock 90 s")
	s.settings <- fmt.Sprintf(`{"version":1,"settings":{"cart":{"camera":%q,"scale":%q}}}`, address, computer.Name())
	go weigh(device)
	s.until(t, "running 1", "scale well", "camera well")
	if code := <-s.entered; code != "VT1-LEA" {
		t.Errorf("the cart asks for %q, want the code before the camera", code)
	}
	s.settings <- `{"version":2,"settings":{"cameras":[{"name":"a","source":"x","plan":{}}]}}`
	s.until(t, "running 1", "refused 2", "a cart needs settings of a cart")
	s.settings <- fmt.Sprintf(`{"version":3,"settings":{"cart":{"scale":%q}}}`, computer.Name())
	s.until(t, "running 3", "scale well", "camera ended")
	stop()
	if err := <-done; err != nil {
		t.Errorf("vouch-edge cart = %v\n%s", err, out.Bytes())
	}
}

// weigh is a scale on which nothing lies.
func weigh(line io.ReadWriter) {
	buf := make([]byte, 64)
	if _, err := line.Read(buf); err != nil { // told to begin
		return
	}
	for range time.Tick(50 * time.Millisecond) {
		if _, err := io.WriteString(line, "S S       0.00 g\r\n"); err != nil {
			return
		}
	}
}
