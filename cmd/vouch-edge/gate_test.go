//go:build opencv

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/gate"
	"github.com/vouchledger/vouch/vision/qr"
	"github.com/vouchledger/vouch/vision/relay"
	"github.com/vouchledger/vouch/vision/ticket"
)

// edge runs vouch-edge and returns what it prints and its outcome.
func edge(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := newRootCommand()
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// gateServer lets each ticket in once.
type gateServer struct {
	mu    sync.Mutex
	keys  ticket.Ring
	used  map[ledger.ID]bool
	exits []vision.GateExit
	late  []vision.GateEntry
	tails []vision.GateTailgate
	now   time.Time

	staff   bool               // whoever comes works here
	ahead   time.Duration      // of the clock of whoever asks
	entries []vision.GateEntry // all that asked
}

func (s *gateServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer vouch_gate_key" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if r.URL.Path == vision.PathExits {
		var e vision.GateExit
		if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
		s.exits = append(s.exits, e)
		if c, err := ticket.Verify(s.keys, s.now, "frankfurt-1", e.Code); err == nil {
			_ = json.NewEncoder(w).Encode(map[string]any{"visit": c.Visit()})
		}
		return
	}
	switch r.URL.Path {
	case vision.PathTime:
		at := time.Now().Add(s.ahead)
		_ = json.NewEncoder(w).Encode(map[string]any{"received_at": at, "sent_at": at})
		return
	case vision.PathKeys:
		var public [][]byte
		for _, k := range s.keys {
			public = append(public, k)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"tickets": public})
		return
	case vision.PathTailgates:
		var g vision.GateTailgate
		if err := json.NewDecoder(r.Body).Decode(&g); err != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
		s.tails = append(s.tails, g)
		return
	}
	var e vision.GateEntry
	if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.entries = append(s.entries, e)
	if e.Offline {
		s.late = append(s.late, e)
	}
	answer := vision.GateAnswer{Decision: vision.Entered}
	c, err := ticket.Verify(s.keys, s.now, e.Store, e.Code)
	var refusal *ticket.RefusalError
	switch {
	case errors.As(err, &refusal):
		answer = vision.GateAnswer{Decision: vision.Refused, Reason: refusal.Reason, Detail: refusal.Detail}
	case s.used[c.Ticket]:
		answer = vision.GateAnswer{Decision: vision.Refused, Reason: ledger.RefusedReplayed, Detail: "used before"}
	default:
		answer.Visit, answer.Staff = c.Visit(), s.staff
		s.used[c.Ticket] = true
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// annasCode starts a server and returns its address and a code that it takes.
func annasCode(t *testing.T) (s *gateServer, url, code string) {
	t.Helper()
	key, err := ticket.NewKey(bytes.NewReader(bytes.Repeat([]byte{7}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ticket.NewRing(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	code, err = ticket.Mint(key, ticket.Claims{
		Ticket: ledger.ID{1, 2, 3}, Shopper: "anna", Store: "frankfurt-1", IssuedAt: noon, ExpiresAt: noon.Add(time.Minute),
	})
	if err != nil {
		t.Fatal(err)
	}
	s = &gateServer{keys: keys, used: map[ledger.ID]bool{}, now: noon}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return s, h.URL, code
}

func picture(t *testing.T, text string) string {
	t.Helper()
	code, err := qr.Encode(text)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "code.png")
	if err := os.WriteFile(path, code.PNG(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPhoneBeforeTheCameraOpensTheGateOnce(t *testing.T) {
	s, url, code := annasCode(t)
	clip := filepath.Join(t.TempDir(), "gate.mp4")
	if out, err := edge(t, "render", "gate", "--code", code, "--out", clip, "--seconds", "3"); err != nil {
		t.Fatal(out, err)
	}
	args := []string{"gate", "--server", url, "--key", "vouch_gate_key", "--store", "frankfurt-1", "--json"}
	t.Setenv("CAMERA_CLIP", clip) // as the password of an address is told
	out, err := edge(t, append(args, "--video", "${CAMERA_CLIP}", "--start", "2026-11-23T12:00:00Z")...)
	if err != nil {
		t.Fatal(out, err)
	}
	var ev gateEvent
	if lines := strings.Count(out, "\n"); lines != 1 {
		t.Errorf("printed %d lines, want one for all frames that show the code:\n%s", lines, out)
	}
	if err := json.Unmarshal([]byte(out), &ev); err != nil {
		t.Fatal(err)
	}
	if ev.Decision != "entered" || ev.Visit == "" || !strings.HasPrefix(ev.At.Format(time.RFC3339), "2026-11-23T12:00:0") {
		t.Errorf("printed %s, want an entry at noon", out)
	}
	if strings.Contains(out, code) {
		t.Errorf("the code is printed beside the decision: %s", out)
	}

	// The same phone again, a forger's, and one at the wrong shop.
	out, err = edge(t, append(args, "--image", picture(t, code))...)
	var refused *refusedError
	if !errors.As(err, &refused) || refused.ExitCode() != exitRefused || !strings.Contains(out, `"reason":"replayed"`) {
		t.Errorf("second use = %s, %v, want replayed and exit code 3", out, err)
	}
	forged := code[:60] + strings.Map(func(r rune) rune { return 'A' + ('Z' - r) }, code[60:64]) + code[64:]
	out, err = edge(t, append(args, "--image", picture(t, forged))...)
	if !errors.As(err, &refused) || !strings.Contains(out, `"reason":"`) {
		t.Errorf("forged = %s, %v, want a refusal", out, err)
	}
	s.used = map[ledger.ID]bool{}
	args[6] = "frankfurt-2"
	out, err = edge(t, append(args, "--image", picture(t, code))...)
	if !errors.As(err, &refused) || !strings.Contains(out, `"reason":"store"`) {
		t.Errorf("next door = %s, %v, want store", out, err)
	}
}

// TestTheGateWritesDownWhoWorksHere: `vouch-edge run` reads the lines, and what staff
// do on a shelf is no shopping. Lines of shoppers are as they always were.
func TestTheGateWritesDownWhoWorksHere(t *testing.T) {
	s, url, code := annasCode(t)
	file := filepath.Join(t.TempDir(), "out.jsonl")
	for _, staff := range []bool{true, false} {
		s.staff, s.used = staff, map[ledger.ID]bool{}
		out, err := edge(t, "gate", "--server", url, "--key", "vouch_gate_key", "--store", "frankfurt-1", "--out", file, "--image", picture(t, code))
		if err != nil {
			t.Fatal(out, err)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], `"party":1,"staff":true,"decision":"entered"`) || strings.Contains(lines[1], "staff") {
		t.Errorf("the gate wrote\n%s\nwant an entry of staff and one as before", b)
	}
}

// TestAGatesFileOfDecisionsIsBounded: a gate whose file is full puts it aside and
// begins it anew, with the decision of which it is.
func TestAGatesFileOfDecisionsIsBounded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out.jsonl")
	old := strings.Repeat(`{"decision":"refused"}`+"\n", relay.Full/20)
	if err := os.WriteFile(file, []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := edge(t, "gate", "--out", file, "--image", picture(t, "VT1-ONE")); err != nil {
		t.Fatal(out, err)
	}
	if all := written[gateEvent](t, file); len(all) != 1 || all[0].Code != "VT1-ONE" {
		t.Errorf("the file has %d lines, want one of the code", len(all))
	}
	if b, err := os.ReadFile(file + relay.Before); err != nil || string(b) != old {
		t.Errorf("beside it are %d bytes, %v, want all that was there", len(b), err)
	}
}

func TestExitOfACutOffShopIsToldLater(t *testing.T) {
	s, url, code := annasCode(t)
	box := filepath.Join(t.TempDir(), "outbox")
	show := picture(t, code)
	file := filepath.Join(t.TempDir(), "out.jsonl")
	args := []string{"gate", "--exit", "--key", "vouch_gate_key", "--gate", "exit-1", "--outbox", box, "--image", show, "--out", file}
	out, err := edge(t, append(args, "--server", "http://127.0.0.1:1", "--timeout", "200ms")...)
	if err != nil || !strings.Contains(out, "leaves") || !strings.Contains(out, "1 exits wait") {
		t.Errorf("cut off = %s, %v, want the exit kept", out, err)
	}
	left := func() string {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for line := range strings.Lines(string(b)) {
			var ev gateEvent
			if err := json.Unmarshal([]byte(line), &ev); err != nil {
				t.Fatal(err)
			}
			if ev.Decision == "left" {
				all = append(all, string(ev.Visit)+" "+ev.At.Format(time.RFC3339Nano))
			}
		}
		return strings.Join(all, "\n")
	}
	if said := left(); said != "" {
		t.Errorf("cut off it says who left: %s; only the server knows", said)
	}
	if out, err = edge(t, append(args, "--server", url)...); err != nil || !strings.Contains(out, "has left, visit ") {
		t.Errorf("back again = %s, %v", out, err)
	}
	if len(s.exits) != 2 || s.exits[0].Code != code || s.exits[0].Gate != "exit-1" || s.exits[0].ID == s.exits[1].ID ||
		s.exits[0].OccurredAt.After(s.exits[1].OccurredAt) {
		t.Errorf("server got %+v, want both exits in order", s.exits)
	}
	visit := ledger.ID{1, 2, 3}.String()
	want := visit + " " + s.exits[0].OccurredAt.Format(time.RFC3339Nano) + "\n" + visit + " " + s.exits[1].OccurredAt.Format(time.RFC3339Nano)
	if got := left(); got != want {
		t.Errorf("written down for run:\n%s\nwant\n%s", got, want)
	}
}

// TestAGateSaysHowWrongItsClockIs: in entries and exits, unless the pictures have
// times of their own.
func TestAGateSaysHowWrongItsClockIs(t *testing.T) {
	s, url, code := annasCode(t)
	s.ahead = 90 * time.Second
	show := picture(t, code)
	args := []string{"gate", "--server", url, "--key", "vouch_gate_key", "--store", "frankfurt-1", "--image", show}
	for _, more := range [][]string{nil, {"--start", "2026-11-23T12:00:00Z"}, {"--exit", "--outbox", filepath.Join(t.TempDir(), "outbox")}} {
		var refused *refusedError
		if out, err := edge(t, append(slices.Clone(args), more...)...); err != nil && !errors.As(err, &refused) {
			t.Fatal(out, err)
		}
	}
	near := func(ms int) bool { return ms > 85_000 && ms < 95_000 }
	if len(s.entries) != 2 || !near(s.entries[0].Offset) || s.entries[1].Offset != 0 || len(s.exits) != 1 || !near(s.exits[0].Offset) {
		t.Errorf("the server was told entries %+v and exits %+v, want 90 s but for the pictures of another time", s.entries, s.exits)
	}
}

func TestEntryAtACutOffGateIsToldLater(t *testing.T) {
	s, url, code := annasCode(t)
	dir := t.TempDir()
	args := []string{
		"gate", "--key", "vouch_gate_key", "--store", "frankfurt-1", "--alone", filepath.Join(dir, "alone"),
		"--outbox", filepath.Join(dir, "outbox"), "--start", "2026-11-23T12:00:00Z", "--image",
	}
	// It has its keys from when the server was there.
	s.now = s.now.Add(time.Hour) // its code ended, so nobody comes in
	var refused *refusedError
	if out, err := edge(t, append(args, picture(t, code), "--server", url)...); !errors.As(err, &refused) {
		t.Fatalf("with the server = %s, %v, want a refusal", out, err)
	}
	cutOff := append(slices.Clone(args), picture(t, code), "--server", "http://127.0.0.1:1", "--timeout", "200ms")
	out, err := edge(t, cutOff...)
	if err != nil || !strings.Contains(out, "without the server; 199 more may") || !strings.Contains(out, "1 entries wait") {
		t.Fatalf("cut off = %s, %v, want an entry that is kept", out, err)
	}
	if out, err = edge(t, cutOff...); !errors.As(err, &refused) || !strings.Contains(out, "replayed") {
		t.Errorf("the code a second time = %s, %v, want replayed", out, err)
	}
	s.now = s.now.Add(-time.Hour)
	bottle := picture(t, "4006381333931") // somebody holds one up
	if out, err = edge(t, append(args, bottle, "--server", url)...); !errors.As(err, &refused) {
		t.Errorf("back again = %s, %v, want only the bottle refused", out, err)
	}
	if len(s.late) != 1 || s.late[0].Code != code || s.late[0].Tried.IsZero() || s.late[0].ID == s.late[0].Tried {
		t.Errorf("the server was told %+v, want the entry once, with what was tried", s.late)
	}
}

func TestTwoOnOneCodeAreTold(t *testing.T) {
	s, url, code := annasCode(t)
	dir := t.TempDir()
	lines := filepath.Join(dir, "crossings.jsonl")
	text := `{"t":1.2,"track":7,"way":"in"}` + "\n" + `{"t":1.9,"track":8,"way":"in"}` + "\n" + `{"t":2.5,"track":9,"way":"in"}` + "\n" +
		`{"t":2.9,"track":9,"way":"out"}` + "\n"
	if err := os.WriteFile(lines, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	clip := filepath.Join(dir, "gate.mp4")
	if out, err := edge(t, "render", "gate", "--code", code, "--out", clip, "--seconds", "3"); err != nil {
		t.Fatal(out, err)
	}
	out, err := edge(t, "gate", "--server", url, "--key", "vouch_gate_key", "--store", "frankfurt-1", "--video", clip,
		"--start", "2026-11-23T12:00:00Z", "--crossings", lines, "--outbox", filepath.Join(dir, "outbox"))
	if err != nil || !strings.Contains(out, "2 persons on a code for 1") {
		t.Errorf("gate = %s, %v, want the tailgating said", out, err)
	}
	if len(s.tails) != 1 || s.tails[0].Persons != 2 || s.tails[0].Visit == "" {
		t.Errorf("the server was told %+v, want two persons in one visit", s.tails)
	}
}

func TestGateSaysWhatIsWrong(t *testing.T) {
	_, url, code := annasCode(t)
	show := picture(t, code)
	text := filepath.Join(t.TempDir(), "a.mp4")
	if err := os.WriteFile(text, []byte("no video"), 0o600); err != nil {
		t.Fatal(err)
	}
	dark := filepath.Join(t.TempDir(), "dark.mp4")
	w, err := cv.Create(dark, 10, 320, 240)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if err := writeFrame(w, 320, 240, make([]byte, 320*240*3)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		story string
		args  []string
		want  error
	}{
		{"no such picture", []string{"--image", "none.png"}, cv.ErrNotPicture},
		{"a text as a video", []string{"--video", text}, cv.ErrNotVideo},
		{"a video without a code", []string{"--video", dark}, gate.ErrNoCode},
		{"a wrong key", []string{"--image", show, "--server", url, "--key", "x", "--store", "s"}, gate.ErrRequest},
		{"no server there", []string{
			"--image", show, "--server", "http://127.0.0.1:1", "--store", "s", "--timeout", "200ms",
		}, gate.ErrNoAnswer},
		{"no shop", []string{"--image", show, "--server", url}, errUsage},
		{"nothing to look at", nil, errUsage},
		{"two things to look at", []string{"--image", show, "--video", dark}, errUsage},
		{"no time", []string{"--image", show, "--start", "noon"}, errUsage},
		{"a password that this machine does not have", []string{"--video", "rtsp://${CAMERA_NONE}@10.0.0.9/1"}, errUsage},
		{"a secret that is not the camera's", []string{"--video", "rtsp://${VOUCH_KEY}@10.0.0.9/1"}, errUsage},
		{"no place", []string{"--image", show, "--place", "roof"}, errUsage},
	} {
		out, err := edge(t, append([]string{"gate"}, tt.args...)...)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: gate = %q, %v, want %v", tt.story, out, err, tt.want)
		}
	}
	if out, err := edge(t, "gate", "--image", show); err != nil || !strings.Contains(out, code) {
		t.Errorf("without a server: gate = %s, %v, want the code printed", out, err)
	}
}
