package api

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/vouchledger/vouch/ledger"
)

// report is what edge-1 says, with its parts in this order: name, state.
func (s *shop) report(running int, parts ...string) map[string]any {
	states := []any{}
	for i := 0; i < len(parts); i += 2 {
		states = append(states, map[string]any{
			"part": parts[i], "state": parts[i+1], "since": s.now().UTC().Truncate(time.Microsecond), "detail": "",
		})
	}
	return map[string]any{
		"id": s.id(), "occurred_at": s.now(), "program": "vouch-edge/test", "running": running, "refused": 0, "reason": "",
		"clock_offset_ms": 0, "parts": states,
	}
}

const edgeAt = "/v1/shops/berlin-1/devices/edge-1"

// edge returns what the operator is told about edge-1.
func (s *shop) edge() deviceView {
	s.t.Helper()
	var l list[deviceView]
	s.send("olga", "GET", "/v1/devices?store=berlin-1", nil).want(200, &l)
	if len(l.Items) != 1 {
		s.t.Fatalf("devices = %+v, want edge-1 alone", l.Items)
	}
	return l.Items[0]
}

func TestAnOperatorGivesADeviceSettingsAndHearsWhatBecameOfThem(t *testing.T) {
	s := openShop(t)
	var got settingsView
	s.send("gate", "GET", edgeAt+"/settings", nil).want(200, &got)
	if got.Version != 0 || string(got.Settings) != "{}" {
		t.Fatalf("settings nobody gave = %+v, want version 0 and nothing", got)
	}
	for _, fps := range []int{5, 7} {
		s.send("olga", "PUT", edgeAt+"/settings", map[string]any{"settings": map[string]any{"fps": fps}}).want(201)
	}
	res := s.send("gate", "GET", edgeAt+"/settings", nil)
	res.want(200, &got)
	if got.Version != 2 || string(got.Settings) != `{"fps":7}` || res.Header().Get("ETag") != `"2"` {
		t.Errorf("settings = %+v with %s, want the second", got, res.Header().Get("ETag"))
	}
	s.send("gate", "GET", edgeAt+"/settings", nil, "If-None-Match", `"2"`).want(304)
	s.send("olga", "PUT", edgeAt+"/settings", map[string]any{"after": 1, "settings": map[string]any{}}).want(409)

	s.send("gate", "POST", edgeAt+"/reports", s.report(1, "cam-1", "well")).want(201)
	refusal := s.report(1, "cam-1", "frozen")
	refusal["refused"], refusal["reason"] = 2, "fps: 7 is not allowed here"
	for range 2 { // the outbox may send it twice
		s.send("gate", "POST", edgeAt+"/reports", refusal).want(201)
	}
	d := s.edge()
	if d.Configured != 2 || d.Running != 1 || d.Refused != 2 || d.Reason == "" || !d.Trouble || d.Silent ||
		len(d.Parts) != 1 || d.Parts[0].State != ledger.DeviceFrozen {
		t.Errorf("device = %+v, want one that runs by 1, refuses 2 and has a frozen camera", d)
	}
	page := s.send("olga", "GET", "/devices", nil, "Accept", "text/html")
	for _, want := range []string{"edge-1", "Trouble", "Frozen", "It refuses settings no. 2", "It follows settings no. 1."} {
		if !strings.Contains(page.Body.String(), want) {
			t.Errorf("the page of devices does not say %q", want)
		}
	}
	// The stream has each event once.
	n := 0
	for _, err := range s.log.Read(t.Context(), ledger.Query{Stream: ledger.DeviceStream(berlin, "edge-1")}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 4 {
		t.Errorf("the device's stream has %d events, want 4", n)
	}
}

func TestADeviceThatWaitsIsToldAtOnce(t *testing.T) {
	s := openShop(t)
	s.send("olga", "PUT", edgeAt+"/settings", map[string]any{"settings": map[string]any{"fps": 5}}).want(201)
	got := make(chan settingsView)
	go func() {
		var v settingsView
		rec := s.send("gate", "GET", edgeAt+"/settings?wait=50", nil, "If-None-Match", `"1"`)
		if err := json.Unmarshal(rec.Body.Bytes(), &v); err != nil {
			t.Errorf("answer %d to one who waits: %v", rec.Code, err)
		}
		got <- v
	}()
	// A report is no news to it.
	s.send("gate", "POST", edgeAt+"/reports", s.report(1)).want(201)
	s.send("olga", "PUT", edgeAt+"/settings", map[string]any{"settings": map[string]any{"fps": 9}}).want(201)
	if v := <-got; v.Version != 2 {
		t.Errorf("the device that waited got version %d, want 2", v.Version)
	}
	s.send("gate", "GET", edgeAt+"/settings?wait=1", nil, "If-None-Match", `"2"`).want(304)
}

func TestADeviceThatIsNotHeardOfIsSilent(t *testing.T) {
	s := openShop(t)
	s.send("gate", "POST", edgeAt+"/reports", s.report(0, "cam-1", "well")).want(201)
	if d := s.edge(); d.Silent || d.Trouble {
		t.Errorf("device = %+v, want no trouble", d)
	}
	s.jump(silentAfter + time.Second)
	if d := s.edge(); !d.Silent || !d.Trouble {
		t.Errorf("device = %+v, want it silent", d)
	}
	s.send("gate", "GET", edgeAt+"/settings", nil).want(200)
	if d := s.edge(); d.Silent {
		t.Errorf("device = %+v, want it heard of again", d)
	}
}

func TestWhatADeviceSaysIsPlacedOnTheServersClock(t *testing.T) {
	s := openShop(t)
	var now timeView
	s.send("gate", "GET", "/v1/time", nil).want(200, &now)
	if now.Sent.Before(now.Received) || now.Received.Sub(s.now()).Abs() > time.Minute {
		t.Errorf("the server's time = %+v, want %v", now, s.now())
	}
	at := ledger.Instant(s.now().Add(-time.Second))
	const slow = -3_600_000 // the edge is an hour ahead
	see := s.see("take", "cola", "A1", 990)
	see["occurred_at"] = at.Add(time.Hour)
	see["detection"].(map[string]any)["clock_offset_ms"] = slow
	var rec recordedView
	s.send("gate", "POST", "/v1/detections", see).want(201, &rec)
	s.send("gate", "POST", "/v1/detections", see).want(200)
	r, err := s.log.Find(t.Context(), rec.ID)
	if err != nil {
		t.Fatal(err)
	}
	e, err := ledger.Decode(r)
	if err != nil {
		t.Fatal(err)
	}
	if p, _ := e.Payload.(ledger.DetectionRecorded); !e.Occurred.Equal(at) || p.ClockOffset != slow {
		t.Errorf("detection at %v with %d ms, want %v with %d", e.Occurred, p.ClockOffset, at, slow)
	}
	see["detection"].(map[string]any)["clock_offset_ms"] = 2 * ledger.MaxClockOffset
	see["id"] = s.id()
	s.send("gate", "POST", "/v1/detections", see).want(400)
}

func TestBadReportsAndSettingsAreRefused(t *testing.T) {
	s := openShop(t)
	for name, change := range map[string]func(map[string]any){
		"an unknown state":          func(r map[string]any) { r["parts"] = s.report(0, "cam-1", "sleepy")["parts"] },
		"a refusal without reason":  func(r map[string]any) { r["refused"] = 1 },
		"a part without a name":     func(r map[string]any) { r["parts"] = s.report(0, "", "well")["parts"] },
		"a field nobody knows":      func(r map[string]any) { r["mood"] = "good" },
		"a version below nothing":   func(r map[string]any) { r["running"] = -1 },
		"a program without a name":  func(r map[string]any) { r["program"] = "" },
		"a clock of another planet": func(r map[string]any) { r["clock_offset_ms"] = 1 << 60 },
	} {
		r := s.report(0)
		change(r)
		if rec := s.send("gate", "POST", edgeAt+"/reports", r); rec.Code/100 != 4 {
			t.Errorf("%s is answered %d, want a refusal", name, rec.Code)
		}
	}
	s.send("olga", "PUT", edgeAt+"/settings", map[string]any{"settings": []any{}}).want(400)
	secret := s.send("olga", "PUT", edgeAt+"/settings", map[string]any{"settings": map[string]any{
		"cameras": []any{map[string]any{"name": "cam-1", "source": "rtsp://admin:hunter2@10.0.0.7/1"}},
	}})
	if said := secret.Body.String(); secret.Code != 422 || strings.Contains(said, "hunter2") || !strings.Contains(said, "${CAMERA_1}") {
		t.Errorf("a password in settings is answered %d %s, want a refusal that does not repeat it", secret.Code, said)
	}
	var none settingsView
	if s.send("gate", "GET", edgeAt+"/settings", nil).want(200, &none); none.Version != 0 {
		t.Errorf("what was refused is on the ledger: %+v", none)
	}
	s.send("munich", "GET", edgeAt+"/settings", nil).want(404)
	s.send("gate", "PUT", edgeAt+"/settings", map[string]any{"settings": map[string]any{}}).want(404)
}

// TestTheOperatorSeesTheDevicesInABrowser looks at the page in Chromium, wide
// and on a phone.
func TestTheOperatorSeesTheDevicesInABrowser(t *testing.T) {
	s := openShop(t)
	s.send("olga", "PUT", edgeAt+"/settings", map[string]any{"settings": map[string]any{}}).want(201)
	s.send("gate", "POST", edgeAt+"/reports", s.report(0, "cam-1", "well", "cam-2", "black", "film", "ended", "clock", "well", "disk", "disk_full")).want(201)
	b := openBrowser(t, s)
	b.signIn(s, "olga")
	b.do(chromedp.Navigate(b.url+"/devices"), chromedp.WaitVisible(chromedp.CSS(".devices table")))
	b.shot("devices")
	if got := b.text(`[...document.querySelectorAll(".devices td .chip")].map(e => e.textContent).join(", ")`); got != "Well, Black, Ended, Well, Disk full" {
		t.Errorf("the page shows %q", got)
	}
	b.wide(1200, 800)
	b.wide(380, 800)
}

// The menu of a person is the same on each of their pages, also on one that
// has nothing to show yet.
func TestTheMenuIsTheSameOnEveryPage(t *testing.T) {
	s := openShop(t)
	menu := func(page string) string {
		answer := s.send("olga", "GET", page, nil, "Accept", "text/html")
		answer.want(200)
		_, rest, _ := strings.Cut(answer.Body.String(), "<nav")
		nav, _, _ := strings.Cut(rest, "</nav>")
		var links []string
		for _, part := range strings.Split(nav, `href="`)[1:] {
			link, _, _ := strings.Cut(part, `"`)
			links = append(links, link)
		}
		return strings.Join(links, " ")
	}
	for _, page := range []string{"/devices", "/chargebacks", "/money"} {
		if got, want := menu(page), menu("/visits"); got != want || !strings.Contains(got, "/devices") {
			t.Errorf("the menu of %s is %q, that of /visits %q", page, got, want)
		}
	}
}
