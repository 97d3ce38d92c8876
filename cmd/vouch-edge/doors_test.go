//go:build opencv

package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/billing/shopfile"
	"github.com/vouchledger/vouch/internal/peer"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/edge/host"
)

// A child is a vouch-edge of its own.
type child struct {
	cmd *exec.Cmd
	out bytes.Buffer
}

func startChild(t *testing.T, key string, args ...string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: exec.Command(self, args...)}
	c.cmd.Env = append(os.Environ(), "VOUCH_EDGE_CHILD=1", "VOUCH_KEY="+key)
	c.cmd.Stdout, c.cmd.Stderr = &c.out, &c.out
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill() // it may have ended
		_ = c.cmd.Wait()
		if t.Failed() {
			t.Logf("vouch-edge %s said:\n%s", args[0], c.out.Bytes())
		}
	})
	return c
}

// end tells it to end, as systemd does.
func (c *child) end(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if err := c.cmd.Wait(); err != nil {
		t.Errorf("%v that was told to end = %v, want 0", c.cmd.Args[1:], err)
	}
}

// written returns the JSON lines that a program has written whole.
func written[T any](t *testing.T, path string) (all []T) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, line := range strings.SplitAfter(string(b), "\n") {
		var v T
		if strings.HasSuffix(line, "\n") && json.Unmarshal([]byte(line), &v) == nil {
			all = append(all, v)
		}
	}
	return all
}

type crossingLine struct {
	Track int
	Way   string
}

// drawnShopFile sells what stands on the shelf of the drawn shop.
func drawnShopFile(skus []string) func(*cartShop) shopfile.File {
	return func(s *cartShop) shopfile.File {
		s.shoppers = []string{"lea", "noa"}
		f := drawnFile(s)
		f.Policy.GraceMillis = 10_000 // a detection with a floor leaves some seconds later
		f.Products = nil
		for _, sku := range skus {
			f.Products = append(f.Products, shopfile.Product{SKU: ledger.SKU(sku), Name: sku, Category: "Food", TaxCategory: "food", Price: "1.50"})
		}
		return f
	}
}

// TestAGateAndTheCamerasRunAShopTogether is a shop of four programs: the server,
// `vouch-edge run` at the cameras, `vouch-edge gate` at the entrance and another
// one at the exit. Lea comes in with her code, takes a bottle of water and leaves
// with a receipt over it; on Noa's code two come in.
func TestAGateAndTheCamerasRunAShopTogether(t *testing.T) {
	dir := t.TempDir()
	story := filepath.Join(dir, "story.txt")
	if err := os.WriteFile(story, []byte("anna enters 2s: take a2\nben enters 5.2s: touch a5 after 6s\ncarl enters 6s: touch a5 after 6s\nseconds 14"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := runEdge(t, "render", "shop", "--scenario", story, "--size", "320x180", "--fps", "5", "--shelves", "1", "--out", dir); err != nil {
		t.Fatal(err)
	}
	s := openShopSelling(t, t.TempDir(), drawnShopFile([]string{"water-still", "juice-orange", "cola-can", "crisps-salt"}))
	key := s.keys[keys.Device]
	file := func(name string) string { return filepath.Join(dir, name) }

	var c map[string]any
	b, err := os.ReadFile(file("shop.json"))
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil {
		t.Fatal(err)
	}
	status := peer.Address(t)
	c["server"], c["folder"], c["status"] = s.direct, file("data"), status
	floor := c["floor"].(map[string]any)
	floor["late-seconds"], floor["wait-seconds"] = 4.5, 5 // of a busy machine
	floor["gates"].([]any)[0].(map[string]any)["exits"] = "exit.jsonl"
	if b, err = json.Marshal(c); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file("shop.json"), b, 0o600); err != nil {
		t.Fatal(err)
	}

	phone, camera := newDoorCamera(t, 0)
	gate := startChild(t, key, "gate", "--video", camera, "--server", s.direct, "--store", "shop-1", "--gate", renderedGate,
		"--crossings", file("crossings.jsonl"), "--out", file("gate.jsonl"), "--outbox", file("gate-outbox"))
	<-phone.looked
	leas, noas := s.ticketOf("lea"), s.ticketOf("noa")
	cameras := startChild(t, key, "run", "--config", file("shop.json"))
	entered := func() (visits []string) {
		for _, ev := range written[gateEvent](t, file("gate.jsonl")) {
			if ev.Decision == "entered" {
				visits = append(visits, string(ev.Visit))
			}
		}
		return visits
	}
	crossed := func(way string) int {
		return len(slices.DeleteFunc(written[crossingLine](t, file("crossings.jsonl")), func(l crossingLine) bool { return l.Way != way }))
	}
	await := func(what string, ready func() bool) {
		t.Helper()
		asked := 0
		s.eventually(what, func() bool {
			if asked++; asked%20 == 0 {
				inTime(t, status)
			}
			return ready()
		})
	}
	// Each shows a code when it is their turn, as people do.
	await("the cameras", func() bool { _, err := os.Stat(file("crossings.jsonl")); return err == nil })
	phone.put(leas)
	await("lea to be let in", func() bool { return len(entered()) == 1 })
	await("lea to come in", func() bool { return crossed("in") == 1 })
	phone.put(noas)
	await("noa to be let in", func() bool { return len(entered()) == 2 })
	phone.put("")
	await("three to be inside", func() bool { return crossed("in") == 3 })
	await("lea to go out", func() bool { return crossed("out") > 0 })
	exit := startChild(t, key, "gate", "--exit", "--image", picture(t, leas), "--server", s.direct, "--gate", "exit-1", "--out", file("exit.jsonl"), "--outbox", file("exit-outbox"))
	if err := exit.cmd.Wait(); err != nil {
		t.Fatalf("the gate at the exit = %v", err)
	}
	visits := entered()
	lea, noa := visits[0], visits[1]
	if left := written[gateEvent](t, file("exit.jsonl")); len(left) != 2 || left[1].Decision != "left" || string(left[1].Visit) != lea {
		t.Errorf("written at the exit: %+v, want that lea has left", left)
	}
	defer func() {
		if t.Failed() {
			_, said := s.look(keys.Device, "/v1/visits/"+lea+"/detections", "application/json")
			t.Log("of lea's visit was seen: ", said)
		}
	}()
	r := s.receipt(lea)
	if len(r.Lines) != 1 || r.Lines[0].SKU != "water-still" || r.Gross.Minor != 150 {
		t.Errorf("lea's receipt is %+v over %s, want a water for 1.50", r.Lines, r.Gross)
	}
	var told []gateEvent
	await("the gate to tell of two on one code", func() bool {
		told = slices.DeleteFunc(written[gateEvent](t, file("gate.jsonl")), func(ev gateEvent) bool { return ev.Decision != "tailgated" })
		return len(told) > 0
	})
	if len(told) != 1 || string(told[0].Visit) != noa || told[0].Detail != "2 persons on a code for 1" {
		t.Errorf("the gate told %+v, want two persons on noa's code", told)
	}
	await("the server to hear of it", func() bool { return s.doubts(noa) == 1 })
	if n := s.doubts(lea); n != 0 {
		t.Errorf("%d doubts about lea's entry, want none", n)
	}
	cameras.end(t)
	gate.end(t)
}

// inTime skips what a machine is too slow for: to play films as fast as they are.
func inTime(t *testing.T, status string) {
	t.Helper()
	res, err := http.Get("http://" + status + "/status.json") //nolint:noctx // loopback
	if err != nil {
		return // it is not up yet
	}
	defer res.Body.Close()
	var v host.View
	if err := json.NewDecoder(res.Body).Decode(&v); err != nil || v.Floor == nil {
		t.Errorf("the page says %+v, %v, want how the floor does", v, err)
	} else if v.Floor.LateFrames > 20 {
		t.Skipf("%d pictures of persons came too late: this machine is too busy to play the shop as fast as it is", v.Floor.LateFrames)
	}
}

// doubts counts how often a visit's entry is in doubt.
func (s *cartShop) doubts(visit string) (n int) {
	s.t.Helper()
	var replay struct{ Steps []seen }
	s.ask(keys.Operator, http.MethodGet, "/v1/visits/"+visit+"/replay", nil, &replay)
	for _, e := range replay.Steps {
		if e.Event.Kind == ledger.KindGateDoubted {
			n++
		}
	}
	return n
}
