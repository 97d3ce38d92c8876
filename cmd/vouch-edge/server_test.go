//go:build opencv

package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vouchledger/vouch/internal/given"
	"github.com/vouchledger/vouch/ledger"
)

// taker is a server that keeps what it is sent, in order, when it is up.
type taker struct {
	mu   sync.Mutex
	up   bool
	got  []string // "PUT /v1/evidence/…", "POST /v1/detections"
	seen []detectionRequest
	bad  []string
}

func (s *taker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.up {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if r.Method == http.MethodHead { // is it there already?
		if !slices.Contains(s.got, "PUT "+r.URL.Path) {
			w.WriteHeader(http.StatusNotFound)
		}
		return
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		s.bad = append(s.bad, err.Error())
	}
	s.got = append(s.got, r.Method+" "+r.URL.Path)
	if want, ok := strings.CutPrefix(r.URL.Path, "/v1/evidence/"); ok {
		if got := string(ledger.DigestOf(b)); got != want {
			s.bad = append(s.bad, got+" sent as "+want)
		}
	} else if !strings.HasSuffix(r.URL.Path, "/shelf-changes") {
		var d detectionRequest
		if err := json.Unmarshal(b, &d); err != nil {
			s.bad = append(s.bad, err.Error())
		}
		if err := d.Detection.Validate(); err != nil {
			s.bad = append(s.bad, err.Error())
		}
		if r.Header.Get("Authorization") != "Bearer k1" {
			s.bad = append(s.bad, "key: "+r.Header.Get("Authorization"))
		}
		s.seen = append(s.seen, d)
	}
	w.WriteHeader(http.StatusCreated)
}

func TestDeadServerGetsEverythingLateAndInOrder(t *testing.T) {
	s := &taker{}
	server := httptest.NewServer(s)
	defer server.Close()
	dir := t.TempDir()
	args := []string{
		"watch", "--video", given.File(t, "video/bottle-a.mp4"), "--planogram", given.File(t, "video/planogram.json"),
		"--start", "2026-03-02T10:00:00Z", "--server", server.URL, "--key", "k1", "--store", "s1", "--sensor", "cam",
		"--outbox", filepath.Join(dir, "outbox"), "--evidence", filepath.Join(dir, "evidence"), "--drain", "200ms",
	}
	if _, err := runEdge(t, args...); err != nil {
		t.Fatalf("watch with a dead server = %v, want none: the outbox keeps everything", err)
	}
	if len(s.got) != 0 {
		t.Fatalf("a dead server took %v", s.got)
	}
	// The server is back and the camera is started again: what waited leaves
	// first, with the times it had.
	s.mu.Lock()
	s.up = true
	s.mu.Unlock()
	args[len(args)-1] = "2m"
	if _, err := runEdge(t, args...); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.bad {
		t.Error(b)
	}
	if len(s.seen) != 8 {
		t.Fatalf("detections = %d, want 4 of each run", len(s.seen))
	}
	start := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	for i, d := range s.seen {
		if later := d.OccurredAt.Sub(start); later < time.Second || later > 20*time.Second {
			t.Errorf("detection %d occurred at %v, want the video's own time", i, d.OccurredAt)
		}
		if i > 0 && i != 4 && d.OccurredAt.Before(s.seen[i-1].OccurredAt) {
			t.Errorf("detection %d is earlier than the one before", i)
		}
	}
	sent := map[string]bool{}
	next := 0
	for _, g := range s.got {
		if g != "POST /v1/detections" {
			sent[strings.TrimPrefix(g, "PUT /v1/evidence/")] = true
			continue
		}
		for _, e := range s.seen[next].Detection.Evidence {
			if !sent[string(e.Digest)] {
				t.Errorf("detection %d came before its evidence %s", next, e.Digest)
			}
		}
		next++
	}
}

func TestPersonIsNamedOnlyByTheOperator(t *testing.T) {
	visit := "0195d6a0-0000-7000-8000-000000000001"
	_, seen := watchClip(t, "bottle-a", "--person", visit)
	for _, d := range seen {
		if d.Confidences.Person == nil || *d.Confidences.Person < 0.9 {
			t.Errorf("person confidence = %v, want what the operator said", d.Confidences.Person)
		}
	}
}
