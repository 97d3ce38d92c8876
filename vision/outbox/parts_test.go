package outbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// taker takes a body in parts, as a server of evidence does, and cuts the line
// when it is told to.
type taker struct {
	mu    sync.Mutex
	has   []byte
	whole bool
	calls []string
	again int          // parts that were here already
	cut   map[int]bool // at these calls
}

func (s *taker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.calls)
	s.calls = append(s.calls, r.Method+" "+r.Header.Get("Content-Range"))
	b, err := io.ReadAll(r.Body)
	if s.cut[n] || err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Upload-Offset", fmt.Sprint(len(s.has)))
	if r.Method == http.MethodHead {
		w.WriteHeader(map[bool]int{true: 200, false: 404}[s.whole])
		return
	}
	var first, last, total int
	if _, err := fmt.Sscanf(r.Header.Get("Content-Range"), "bytes %d-%d/%d", &first, &last, &total); err != nil {
		s.has, s.whole = b, true
		w.WriteHeader(201)
		return
	}
	if first != len(s.has) || last-first+1 != len(b) {
		s.again++
		w.WriteHeader(409)
		return
	}
	s.has = append(s.has, b...)
	s.whole = len(s.has) == total
	w.Header().Set("Upload-Offset", fmt.Sprint(len(s.has)))
	w.WriteHeader(map[bool]int{true: 201, false: 202}[s.whole])
}

// TestAClipGoesOnWhereTheLineWasCut: the second part is lost. The next try asks
// and sends the rest; and the same clip of another detection is not sent at all.
func TestAClipGoesOnWhereTheLineWasCut(t *testing.T) {
	clip := bytes.Repeat([]byte("0123456789abcdef"), 3*partBytes/16)
	clip = append(clip, "the end"...)
	for story, tt := range map[string]struct {
		body []byte
		cut  map[int]bool
	}{
		"a clip over a good line":       {clip, nil},
		"cut in the second part":        {clip, map[int]bool{2: true}},
		"cut when it asks":              {clip, map[int]bool{0: true}},
		"cut again and again":           {clip, map[int]bool{1: true, 3: true, 5: true}},
		"a frame, which goes as one":    {clip[:1000], nil},
		"a frame whose answer was lost": {clip[:1000], map[int]bool{1: true}},
	} {
		s := &taker{cut: tt.cut}
		server := httptest.NewServer(s)
		o := open(t, t.TempDir(), Config{Server: server.URL})
		for i := range 2 {
			it := Item{ID: fmt.Sprint("evidence-", i), Method: http.MethodPut, Path: "/v1/evidence/x", Body: tt.body, Resume: true}
			if err := o.Put(it); err != nil {
				t.Fatal(err)
			}
		}
		stop := run(t, o)
		drain(t, o)
		stop()
		server.Close()
		if !bytes.Equal(s.has, tt.body) {
			t.Errorf("%s: the server has %d bytes, want %d", story, len(s.has), len(tt.body))
		}
		if n := len(s.calls); s.again > 0 || s.calls[n-1] != "HEAD " {
			t.Errorf("%s: calls %q, want nothing sent that is there, and the same clip only asked about", story, s.calls)
		}
		if st := o.Status(); st.Dead > 0 {
			t.Errorf("%s: %d dead letters", story, st.Dead)
		}
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestAStolenDiskShowsNothing puts a frame, looks at the folder, and opens it
// without the key, with another and with the right one.
func TestAStolenDiskShowsNothing(t *testing.T) {
	dir, secrets := t.TempDir(), t.TempDir()
	key, err := OpenKey(filepath.Join(secrets, "keys", "outbox.key"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := OpenKey(filepath.Join(secrets, "keys", "outbox.key"))
	if err != nil || again.String() != key.String() {
		t.Fatalf("the key is another one when it is read again: %v", err)
	}
	other, err := OpenKey(filepath.Join(secrets, "other.key"))
	if err != nil {
		t.Fatal(err)
	}
	s := &taker{}
	server := httptest.NewServer(s)
	defer server.Close()
	o := open(t, dir, Config{Server: server.URL, Seal: key})
	body := bytes.Repeat([]byte("a face in plain sight. "), 1000)
	if err := o.Put(Item{ID: "e1", Method: http.MethodPut, Path: "/v1/evidence/sha256:secret?visit=v1", Body: body}); err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "queue", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files = %v, %v, want one", files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"plain sight", "visit", "secret"} {
		if bytes.Contains(b, []byte(word)) {
			t.Errorf("the disk shows %q", word)
		}
	}
	for story, cfg := range map[string]Config{"no key": {}, "another key": {Seal: other}} {
		o := open(t, dir, cfg)
		if _, err := o.load(files[0]); !errors.Is(err, ErrSealed) {
			t.Errorf("%s: load = %v, want ErrSealed", story, err)
		}
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}
	o = open(t, dir, Config{Server: server.URL, Seal: key})
	stop := run(t, o)
	drain(t, o)
	stop()
	if !bytes.Equal(s.has, body) {
		t.Errorf("the server has %d bytes, want the frame", len(s.has))
	}
	b[len(b)-1] ^= 1
	if err := os.WriteFile(files[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := o.load(files[0]); !errors.Is(err, ErrDamaged) {
		t.Errorf("load of an altered message = %v, want ErrDamaged", err)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	broken := filepath.Join(secrets, "broken.key")
	if err := os.WriteFile(broken, []byte("AGE-SECRET-KEY-1BROKEN"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKey(broken); !errors.Is(err, ErrSealed) || strings.Contains(err.Error(), "BROKEN") {
		t.Errorf("OpenKey of a damaged file = %v, want ErrSealed that does not show it", err)
	}
}
