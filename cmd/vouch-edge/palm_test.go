//go:build opencv

package main

import (
	"errors"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/api/palms"
	"github.com/vouchledger/vouch/internal/given"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/gate"
	"github.com/vouchledger/vouch/vision/palm"
	"github.com/vouchledger/vouch/vision/palm/palmtest"
)

// A hands draws somebody's hand, as often as it takes until it is seen and looks like
// the first time: who is refused holds it up again.
type hands struct {
	t     *testing.T
	p     *palmtest.Person
	r     *rand.Rand
	first *palm.Code
}

func handsOf(t *testing.T, seed uint64) *hands {
	p := palmtest.NewPerson(seed)
	p.Bright = 120 // a lamp that burns nothing out
	return &hands{t: t, p: p, r: rand.New(rand.NewPCG(seed, 4))}
}

func (h *hands) draw(size float64) *image.Gray {
	h.t.Helper()
	p := *h.p
	p.Size = size
	for range 19 {
		g := p.Capture(h.r)
		c, err := palm.Read(g)
		if err != nil || h.first != nil && palm.Distance(*h.first, c) > palm.Same-palm.Clear {
			continue
		}
		if h.first == nil {
			h.first = &c
		}
		return g
	}
	h.t.Fatal("nineteen drawings of a hand and none is it")
	return nil
}

// pictures writes drawings as files.
func (h *hands) pictures(sizes ...float64) (args []string) {
	h.t.Helper()
	dir := h.t.TempDir()
	for i, size := range sizes {
		path := filepath.Join(dir, fmt.Sprintf("hand-%d.png", i))
		f, err := os.Create(path)
		if err == nil {
			err = errors.Join(png.Encode(f, h.draw(size)), f.Close())
		}
		if err != nil {
			h.t.Fatal(err)
		}
		args = append(args, "--image", path)
	}
	return args
}

// film writes drawings as a video, each held for a second.
func (h *hands) film(sizes ...float64) string {
	h.t.Helper()
	path := filepath.Join(h.t.TempDir(), "hands.mp4")
	w, err := cv.Create(path, 5, 640, 480)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, size := range sizes {
		g := h.draw(size)
		bgr := make([]byte, 0, 3*len(g.Pix))
		for _, v := range g.Pix {
			bgr = append(bgr, v, v, v)
		}
		for range 5 {
			if err := writeFrame(w, 640, 480, bgr); err != nil {
				h.t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		h.t.Fatal(err)
	}
	return path
}

// TestAPalmFromTheTerminalToTheGate: with the real server, from the consent on the
// shopper's phone to an entry, and to the end of it.
func TestAPalmFromTheTerminalToTheGate(t *testing.T) {
	s := openCartShop(t)
	lea := handsOf(t, 3)
	enrol := append([]string{
		"palm", "enrol", "--server", s.url, "--key", s.keys[keys.Device], "--store", "shop-1", "--shopper", "lea",
	}, lea.pictures(0.9, 1, 1.1)...)
	if out, err := runEdge(t, enrol...); err == nil || !strings.Contains(err.Error(), "no text to agree to") {
		t.Fatalf("without a text: %s, %v, want that there is none", out, err)
	}
	dir := filepath.Join(s.data, palms.TextsDir, "DE")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "1.txt"), []byte("We know you by your palm."), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := runEdge(t, enrol...); !errors.Is(err, gate.ErrRequest) || !strings.Contains(err.Error(), "no consent") {
		t.Fatalf("without a consent: %s, %v, want it refused", out, err)
	}
	var state struct{ State string }
	s.ask(keys.Shopper, http.MethodPost, "/v1/shoppers/lea/palm/consent", map[string]any{"store": "shop-1", "version": "1", "agreed": "in the app"}, &state)
	out, err := runEdge(t, enrol...)
	if err != nil || !strings.Contains(out, "text 1 of DE is in force") || !strings.Contains(out, "the palm of lea is enrolled") {
		t.Fatalf("enrol = %s, %v, want lea enrolled", out, err)
	}

	show := []string{"gate", "--palm", "--ask", "nearer", "--server", s.url, "--key", s.keys[keys.Device], "--store", "shop-1", "--video"}
	out, err = runEdge(t, append(show, lea.film(0.85, 1.05, 1.05))...)
	if err != nil || !strings.Contains(out, palm.Nearer.Asks()) || strings.Count(out, "enters, visit") != 1 {
		t.Errorf("lea at the gate = %s, %v, want her asked, and let in once", out, err)
	}
	var refused *refusedError
	if out, err = runEdge(t, append(show, handsOf(t, 8).film(0.85, 1.05, 1.05))...); !errors.As(err, &refused) || !strings.Contains(out, "no palm of ours") {
		t.Errorf("a stranger at the gate = %s, %v, want refused", out, err)
	}
	if out, err = runEdge(t, append(show, lea.film(1))...); !errors.Is(err, gate.ErrNoCode) || strings.Contains(out, "enters") {
		t.Errorf("a picture that is held up = %s, %v, want nobody let in", out, err)
	}
	s.ask(keys.Shopper, http.MethodPost, "/v1/shoppers/lea/palm/withdrawal", map[string]any{"reason": "asked"}, &state)
	if state.State != "destroyed" {
		t.Errorf("withdrawn = %s, want destroyed", state.State)
	}
	if out, err = runEdge(t, append(show, lea.film(0.85, 1.05, 1.05))...); !errors.As(err, &refused) {
		t.Errorf("lea after her withdrawal = %s, %v, want refused", out, err)
	}
}

func TestAPalmBeforeTheCameraIsTriedOut(t *testing.T) {
	lea := handsOf(t, 3)
	same := lea.pictures(1, 1, 1)
	out, err := runEdge(t, append([]string{"palm", "capture", "--captures", "3"}, same...)...)
	if err != nil || !strings.Contains(out, "3 captures of one hand; nothing was kept") {
		t.Errorf("capture = %s, %v, want three", out, err)
	}
	if out, err = runEdge(t, append([]string{"palm", "capture", "--ask", "nearer"}, lea.pictures(1, 0.8)...)...); !errors.Is(err, palm.ErrNotAlive) {
		t.Errorf("a hand that goes away = %s, %v, want ErrNotAlive", out, err)
	}
	if out, err = runEdge(t, "palm", "capture", "--ask", "nearer", "--video", lea.film(0.85, 1.05)); err != nil || !strings.Contains(out, palm.Nearer.Asks()) {
		t.Errorf("before a camera = %s, %v, want it asked and done", out, err)
	}
	stranger := handsOf(t, 8).pictures(1)
	out, err = runEdge(t, "palm", "match", "--with", same[1], "--with", same[3], same[5], stranger[1])
	if err != nil || !strings.Contains(out, ": the same hand") || !strings.Contains(out, ": another hand") {
		t.Errorf("match = %s, %v, want one the same and one another", out, err)
	}
	for _, args := range [][]string{
		{"capture"},
		{"capture", "--image", same[1], "--video", "0"},
		{"capture", "--image", same[1], "--captures", "1"},
		{"capture", "--image", same[1], "--ask", "jump"},
		{"match"},
		{"match", same[1]},
	} {
		if out, err := runEdge(t, append([]string{"palm"}, args...)...); !errors.Is(err, errUsage) {
			t.Errorf("palm %v = %s, %v, want a wrong call", args, out, err)
		}
	}
}

func TestAWholeSetOfHandsIsCounted(t *testing.T) {
	out, err := runEdge(t, "palm", "match", "--labels", given.File(t, "palm/labels.jsonl"))
	for _, want := range []string{"16 people, 15 enrolled", "(false accepts)           0 of   435", "below 0.69 % with 95 % confidence"} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("match --labels = %s, %v, want %q", out, err, want)
		}
	}
}
