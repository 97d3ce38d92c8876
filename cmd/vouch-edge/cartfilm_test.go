//go:build opencv

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cart"
	"github.com/vouchledger/vouch/vision/sidecar"
)

// cartTaker is a server as a cart sees it. It keeps what it is sent.
type cartTaker struct {
	mu      sync.Mutex
	bodies  map[string][]byte // of evidence, by path without the query
	told    []ledger.DetectionRecorded
	missing []string // evidence that was named before it came
	reports []ledger.PartState
}

const cartPrices = `{"store":"shop-1","at":"2026-11-30T11:00:00Z","currency":"EUR","weigh_grams":30,"weigh_per_mille":0,"products":[
{"sku":"cola","gtin":"4006381333931","name":"Cola","unit":{"amount_minor":189,"currency":"EUR"},"grams":540}]}`

func (s *cartTaker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, _ := io.ReadAll(r.Body)
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/price-list"):
		_, _ = io.WriteString(w, cartPrices)
	case strings.HasSuffix(path, "/settings"):
		w.WriteHeader(http.StatusNotFound)
	case path == "/v1/gate/entries":
		_, _ = io.WriteString(w, `{"visit":"v1","decision":"entered"}`)
	case strings.HasPrefix(path, "/v1/evidence/"):
		if _, ok := s.bodies[path]; r.Method == http.MethodHead && !ok {
			w.WriteHeader(http.StatusNotFound)
		} else if r.Method == http.MethodPut {
			s.bodies[path] = b
		}
	case strings.HasSuffix(path, "/reports"):
		var d struct{ Parts []ledger.PartState }
		_ = json.Unmarshal(b, &d)
		s.reports = d.Parts
	case path == "/v1/detections":
		var d struct{ Detection ledger.DetectionRecorded }
		_ = json.Unmarshal(b, &d)
		s.told = append(s.told, d.Detection)
		for _, e := range d.Detection.Evidence {
			if s.bodies["/v1/evidence/"+string(e.Digest)] == nil {
				s.missing = append(s.missing, e.Role)
			}
		}
	}
}

// playFilm draws a trip and plays it from pixels alone: its codes and hands are read
// from a compressed film.
func playFilm(t *testing.T, scenario string) (*cartTaker, cart.View, string) {
	t.Helper()
	s := &cartTaker{bodies: map[string][]byte{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	path := filepath.Join(dir, "scenario.txt")
	if err := os.WriteFile(path, []byte(scenario), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := runEdge(t, "render", "cart", "--scenario", path, "--out", dir, "--ticket", "VT1-LEA"); err != nil {
		t.Fatal(out, err)
	}
	v := playCart(t, []string{
		"--video", filepath.Join(dir, "cart.mp4"), "--scale", filepath.Join(dir, "scale.jsonl"), "--touches", filepath.Join(dir, "touches.jsonl"),
		"--server", server.URL, "--store", "shop-1", "--cart", "cart-7", "--state", filepath.Join(dir, "state"), "--page", "", "--json",
	})
	return s, v, filepath.Join(dir, "state")
}

func ask(v cart.View) string {
	if v.Ask == nil {
		return ""
	}
	return v.Ask.Kind
}

// TestACartSeesHands plays films without a word of the shopper's: what was taken
// out, laid in, or leans on the cart is asked about as what it was, because the
// camera saw a hand or saw none.
func TestACartSeesHands(t *testing.T) {
	for _, tt := range []struct{ story, film, asks string }{
		{"a cola is taken out again", "show ticket@0.5s, put cola@2.2s, out cola@7s, seconds 9", "gone"},
		{"something leans on the cart", "show ticket@0.5s, lean 900@3.5s for 9s, seconds 5.5, noise 1", "untouched"},
		{"wine is laid in and not scanned", "show ticket@0.5s, lay wine@3.4s, seconds 5.5, noise 1", "unscanned"},
	} {
		s, v, state := playFilm(t, tt.film)
		if ask(v) != tt.asks {
			t.Errorf("%s: the cart asks %+v, want %s", tt.story, v.Ask, tt.asks)
		}
		for _, d := range s.told {
			if d.Actions[0].Action != ledger.ActionTake {
				t.Errorf("%s: the server was told of a %s on a weight alone", tt.story, d.Actions[0].Action)
			}
		}
		if tt.asks == "gone" && (len(v.Ask.Maybe) != 1 || v.Ask.Maybe[0].Name != "Cola" || len(s.told) != 1) {
			t.Errorf("%s: the cart asks about %+v and told %d, want the cola", tt.story, v.Ask, len(s.told))
		}
		if _, err := os.Stat(filepath.Join(state, "outbox.key")); err != nil {
			t.Errorf("%s: what waits is sealed to no key: %v", tt.story, err)
		}
		if tt.asks == "gone" {
			s.wantPiece(t)
		}
	}
}

// wantPiece looks into the evidence of the piece that was told: the pictures are
// those moments, the clip is H.264, the trace rises by what the thing weighs, and
// all of it came before it was named.
func (s *cartTaker) wantPiece(t *testing.T) {
	t.Helper()
	if len(s.told) != 1 || len(s.missing) > 0 {
		t.Fatalf("told %d, named before it came: %v", len(s.told), s.missing)
	}
	d, sum := s.told[0], int64(0)
	of := map[string][]byte{}
	for _, e := range d.Evidence {
		b := s.bodies["/v1/evidence/"+string(e.Digest)]
		if sum += e.Bytes; ledger.DigestOf(b) != e.Digest || int64(len(b)) != e.Bytes {
			t.Errorf("%s came with %d bytes of another digest", e.Role, len(b))
		}
		if e.Of == "" {
			of[e.Role] = b
			if _, ok := ledger.BlurredOf(d.Evidence, e.Digest); e.Original() && !ok {
				t.Errorf("%s has no copy for its shopper", e.Role)
			}
		}
	}
	if sum > 300_000 {
		t.Errorf("the evidence has %d bytes, want 300 kB at most", sum)
	}
	if !bytes.Contains(of[ledger.RoleClip], []byte("avc1")) {
		t.Error("the clip is no H.264")
	}
	w, err := sidecar.ParseWeight(of[ledger.RoleWeight])
	if err != nil || w.Change() < 530 || w.Change() > 550 {
		t.Errorf("the trace says %+v, %v, want 540 g more", w, err)
	}
	boxes, err := sidecar.ParseBoxes(of[ledger.RoleBoxes])
	if err != nil || len(boxes.Frames) != 3 {
		t.Errorf("the boxes are %+v, %v, want those of three pictures", boxes, err)
	}
	if bytes.Equal(of[ledger.RoleBefore], of[ledger.RoleAt]) || bytes.Equal(of[ledger.RoleLabel], of[ledger.RoleAt]) {
		t.Error("the hand is in none of the pictures")
	}
	var parts []string
	for _, p := range s.reports {
		parts = append(parts, p.Part+" "+string(p.State))
	}
	if !slices.Contains(parts, "camera ended") && !slices.Contains(parts, "camera well") || !slices.Contains(parts, "disk well") {
		t.Errorf("the cart reports %v, want its camera and its disk", parts)
	}
}
