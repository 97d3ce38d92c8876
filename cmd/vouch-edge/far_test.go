//go:build opencv

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
)

type reportLine struct {
	ID      ledger.ID          `json:"id"`
	Program string             `json:"program"`
	Running int                `json:"running"`
	Refused int                `json:"refused"`
	Reason  string             `json:"reason"`
	Offset  int                `json:"clock_offset_ms"`
	Parts   []ledger.PartState `json:"parts"`
}

// A far is the server, as far as a shop's cameras know it. Its clock is ahead.
type far struct {
	t        *testing.T
	mu       sync.Mutex
	down     bool
	ahead    time.Duration
	evidence map[string]bool
	seen     []detectionRequest
	bodies   map[string]string // of a detection's id
	reports  []reportLine
	shelf    []vision.ShelfChange
	exits    []vision.GateExit
	version  int
	settings string
	news     chan struct{} // closed and replaced at every change
}

func newFar(t *testing.T) (*far, string) {
	f := &far{t: t, evidence: map[string]bool{}, bodies: map[string]string{}, news: make(chan struct{}), settings: "{}"}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return f, server.URL
}

// change changes what f has, and wakes who waits.
func (f *far) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
	close(f.news)
	f.news = make(chan struct{})
}

// until waits for something to be so.
func (f *far) until(what string, so func() bool) {
	f.t.Helper()
	const patience = 2 * time.Minute // of a machine that is busy
	late := time.After(patience)
	for {
		f.mu.Lock()
		ok, news := so(), f.news
		f.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-news:
		case <-late:
			f.t.Fatalf("after %v not: %s; %d detections, and of the parts was told:\n%s", patience, what, len(f.seen), f.story())
		}
	}
}

// story is what was told of each part, for reading.
func (f *far) story() string {
	parts := map[string][]string{}
	for _, r := range f.reports {
		for _, p := range r.Parts {
			what := fmt.Sprintf("%s %s %s", p.Since.Format("05.0"), p.State, p.Detail)
			if said := parts[p.Part]; len(said) == 0 || said[len(said)-1] != what {
				parts[p.Part] = append(said, what)
			}
		}
	}
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		fmt.Fprintf(&out, "%s: %s\n", name, strings.Join(parts[name], "; "))
	}
	return out.String()
}

func (f *far) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	down, version, news := f.down, f.version, f.news
	f.mu.Unlock()
	if down {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	switch {
	case r.URL.Path == "/v1/time":
		at := time.Now().Add(f.ahead)
		fmt.Fprintf(w, `{"received_at":%q,"sent_at":%q}`, at.Format(time.RFC3339Nano), at.Format(time.RFC3339Nano))
	case strings.HasSuffix(r.URL.Path, "/settings"):
		if r.Header.Get("If-None-Match") == fmt.Sprintf("%q", fmt.Sprint(version)) {
			select {
			case <-news:
			case <-r.Context().Done():
			}
			w.WriteHeader(http.StatusNotModified) // what is new the next question gets
			return
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		fmt.Fprintf(w, `{"version":%d,"settings":%s}`, f.version, f.settings)
	case r.Method == http.MethodHead: // is it there already?
		f.mu.Lock()
		defer f.mu.Unlock()
		if !f.evidence[strings.TrimPrefix(r.URL.Path, "/v1/evidence/")] {
			w.WriteHeader(http.StatusNotFound)
		}
	default:
		b, err := io.ReadAll(r.Body)
		if err == nil {
			f.change(func() { err = f.take(r.URL.Path, b) })
		}
		if err != nil {
			f.t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		}
		w.WriteHeader(http.StatusCreated)
	}
}

// take keeps a message and says what is wrong with it.
func (f *far) take(path string, b []byte) error {
	if digest, ok := strings.CutPrefix(path, "/v1/evidence/"); ok {
		f.evidence[digest] = true
		if got := string(ledger.DigestOf(b)); got != digest {
			return fmt.Errorf("%s came as %s", got, digest)
		}
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if strings.HasSuffix(path, "/reports") {
		var line struct {
			reportLine
			OccurredAt time.Time `json:"occurred_at"`
		}
		if err := d.Decode(&line); err != nil {
			return err
		}
		f.reports = append(f.reports, line.reportLine)
		return nil
	}
	if strings.HasSuffix(path, "/shelf-changes") {
		var change vision.ShelfChange
		err := d.Decode(&change)
		f.shelf = append(f.shelf, change)
		return err
	}
	if path == vision.PathExits {
		var exit vision.GateExit
		err := d.Decode(&exit)
		f.exits = append(f.exits, exit)
		return err
	}
	var req detectionRequest
	if err := d.Decode(&req); err != nil {
		return err
	}
	if old, ok := f.bodies[req.ID]; ok && old != string(b) {
		return fmt.Errorf("%s came with two contents", req.ID)
	}
	for _, e := range req.Detection.Evidence {
		if !f.evidence[string(e.Digest)] {
			return fmt.Errorf("%s came before its %s", req.ID, e.Role)
		}
	}
	f.bodies[req.ID] = string(b)
	f.seen = append(f.seen, req)
	return req.Detection.Validate()
}

// state returns how a part does by the last report.
func (f *far) state(part string) ledger.DeviceState {
	if len(f.reports) == 0 {
		return ""
	}
	for _, p := range f.reports[len(f.reports)-1].Parts {
		if p.Part == part {
			return p.State
		}
	}
	return ""
}
