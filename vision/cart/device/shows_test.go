package device

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cart"
)

// eye is a memory that shows what it is asked, and always the same room.
type eye struct{ broken bool }

func (eye) Saw(Frame) error   { return nil }
func (eye) Read(cart.Reading) {}

func (e eye) shows(all ...string) ([]Evidence, error) {
	if e.broken {
		return nil, errors.New("the lens is broken")
	}
	room := piece(ledger.RoleBefore, "the room")
	copied := piece(ledger.RoleBlurred, "the room without faces")
	copied.Ref.Of = room.Ref.Digest
	out := []Evidence{room, copied}
	for _, s := range all {
		out = append(out, piece(ledger.RoleWeight, s))
	}
	return out, nil
}

func piece(role, text string) Evidence {
	return Evidence{Bytes: []byte(text), Ref: ledger.EvidenceRef{
		Role: role, Digest: ledger.DigestOf([]byte(text)), MediaType: "text/plain", Bytes: int64(len(text)),
	}}
}

func (e eye) Label(_ context.Context, clip bool) ([]Evidence, error) {
	return e.shows(fmt.Sprint("label ", clip))
}

func (e eye) Moved(_ context.Context, before int) ([]Evidence, error) {
	return e.shows(fmt.Sprint("from ", before))
}
func (e eye) Now(context.Context) ([]Evidence, error) { return e.shows("now") }

// told keeps the requests of a cart in order: "PUT the room v1 original".
type requests struct {
	counter
	mu  sync.Mutex
	all []string
}

func (s *requests) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/v1/evidence/") {
		if r.Method == http.MethodPost {
			b, _ := io.ReadAll(r.Body)
			s.note("POST " + r.URL.Path + string(b))
			r.Body = io.NopCloser(strings.NewReader(string(b)))
		}
		s.counter.ServeHTTP(w, r)
		return
	}
	if r.Method == http.MethodHead {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	b, _ := io.ReadAll(r.Body)
	q := r.URL.Query()
	s.note(strings.TrimSpace(fmt.Sprint("PUT ", string(b), " ", q.Get("visit"), " ", strings.Repeat("original", len(q.Get("original"))/4))))
}

func (s *requests) note(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, text)
}

func (s *requests) puts() (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range s.all {
		if p, ok := strings.CutPrefix(text, "PUT "); ok {
			all = append(all, p)
		}
	}
	return all
}

// TestEvidenceGoesBeforeWhatNamesIt: each piece once, for its visit, the original
// apart; nothing of the time before somebody signed in; and by the cart's clock
// with what that lacks.
func TestEvidenceGoesBeforeWhatNamesIt(t *testing.T) {
	s := &requests{counter: counter{seen: map[string]bool{}}}
	h := httptest.NewServer(s)
	defer h.Close()
	c, off := on(t, t.TempDir(), h.URL, func(cfg *Config) {
		cfg.Memory, cfg.Offset = eye{}, func() (time.Duration, bool) { return -1250 * time.Millisecond, true }
	})
	defer off()
	untilPriced(t, c)
	shopper(t, c)
	feed(t, c, func() error { return c.Shown("4006381333931", noon, 0) }, 540)
	drain(t, c)
	if err := c.Touched(Finger{Do: cart.ActHelp}, noon, 0); err != nil {
		t.Fatal(err)
	}
	drain(t, c)
	want := []string{
		"the room v1 original", "the room without faces v1", "label false v1", "from 0 v1", // the weight before anybody signed in shows nothing
		"now v1",
	}
	if got := s.puts(); !slices.Equal(got, want) {
		t.Errorf("the server got %q, want %q", got, want)
	}
	at := slices.IndexFunc(s.all, func(text string) bool { return strings.HasPrefix(text, "POST /v1/detections") })
	if at < 0 || !slices.Contains(s.all[:at], "PUT from 0 v1") {
		t.Fatalf("the cola was told before what shows it: %q", s.all)
	}
	for _, part := range []string{`"clock_offset_ms":-1250`, `"role":"weight"`, string(ledger.DigestOf([]byte("label false")))} {
		if !strings.Contains(s.all[at], part) {
			t.Errorf("the cola is told without %s: %s", part, s.all[at])
		}
	}
	if entry := s.all[slices.IndexFunc(s.all, func(text string) bool { return strings.HasPrefix(text, "POST /v1/gate/entries") })]; !strings.Contains(entry, `"clock_offset_ms":-1250`) {
		t.Errorf("the code is asked about without how wrong the clock is: %s", entry)
	}
	if last := s.all[len(s.all)-1]; !strings.Contains(last, string(ledger.DigestOf([]byte("now")))) || !strings.Contains(last, `"clock_offset_ms":-1250`) {
		t.Errorf("the weighing is told without the moment: %s", last)
	}
}

// TestWithoutEvidenceTheTripGoesOn: a broken lens and a full outbox cost what
// would have been shown, and no piece.
func TestWithoutEvidenceTheTripGoesOn(t *testing.T) {
	s, url := serve(t)
	c, off := on(t, t.TempDir(), url, func(cfg *Config) { cfg.Memory = eye{broken: true} })
	defer off()
	playTrip(t, c)
	drain(t, c)
	if got := strings.Join(s.all(), "; "); got != told {
		t.Errorf("the server was told %q, want %q", got, told)
	}
}

// TestWhatWaitsCannotBeReadOnTheDisk looks into the outbox of a cart that is cut
// off, and switches it on with another key.
func TestWhatWaitsCannotBeReadOnTheDisk(t *testing.T) {
	s, url := serve(t)
	dir := t.TempDir()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	c, off := on(t, dir, url, func(cfg *Config) { cfg.Seal, cfg.Memory = key, eye{} })
	untilPriced(t, c)
	shopper(t, c)
	s.setDown(true)
	feed(t, c, func() error { return c.Shown("4006381333931", noon, 0) }, 540)
	off()
	waiting, err := filepath.Glob(filepath.Join(dir, "outbox", "queue", "*.item"))
	if err != nil || len(waiting) < 4 {
		t.Fatalf("%v wait, %v; want the evidence and the cola", waiting, err)
	}
	for _, name := range waiting {
		b, err := os.ReadFile(name)
		if err != nil || strings.Contains(string(b), "the room") || strings.Contains(string(b), "cola") || strings.Contains(string(b), "v1/") {
			t.Errorf("%s can be read on the disk, %v", filepath.Base(name), err)
		}
	}
	s.setDown(false)
	c, off = on(t, dir, url, func(cfg *Config) { cfg.Seal = key })
	defer off()
	drain(t, c)
	if got := strings.Join(s.all(), "; "); !strings.HasSuffix(got, "take cola 0") {
		t.Errorf("the server was told %q, want the cola", got)
	}
}
