package outbox

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("OUTBOX_TEST_CHILD"); dir != "" {
		putUntilKilled(dir)
	}
	goleak.VerifyTestMain(m)
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// server is a server that may be down and says what it was sent.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	got    []string
	answer func(id string) int
}

func serve(t *testing.T, answer func(id string) int) *server {
	s := &server{answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if got, want := r.Header.Get("Authorization"), "Bearer vouch_gate_1"; got != want {
			t.Errorf("Authorization = %q, want %q", got, want)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		id := r.Header.Get("Idempotency-Key")
		status := s.answer(id)
		s.got = append(s.got, fmt.Sprintf("%s %s %s %q", id, r.Method, r.URL.Path, b))
		w.WriteHeader(status)
		fmt.Fprintf(w, "answer to %s", id)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

func open(t *testing.T, dir string, cfg Config) *Outbox {
	t.Helper()
	cfg.Key, cfg.Now = "vouch_gate_1", func() time.Time { return noon }
	cfg.MinBackoff, cfg.MaxBackoff = time.Millisecond, 5*time.Millisecond
	o, err := Open(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// run sends until the queue is empty or stop is called.
func run(t *testing.T, o *Outbox) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- o.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	}
}

func drain(t *testing.T, o *Outbox) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := o.Drain(ctx); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, o *Outbox, ids ...string) {
	t.Helper()
	for _, id := range ids {
		it := Item{ID: id, Path: "/v1/detections", ContentType: "application/json", Body: []byte(`"` + id + `"`)}
		if err := o.Put(it); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDeadServerLosesNothing(t *testing.T) {
	dir := t.TempDir()
	down := true
	s := serve(t, func(string) int {
		if down {
			return http.StatusServiceUnavailable
		}
		return http.StatusCreated
	})
	clip := filepath.Join(t.TempDir(), "clip.mp4")
	if err := os.WriteFile(clip, []byte("frames"), 0o600); err != nil {
		t.Fatal(err)
	}
	unplugged := open(t, dir, Config{Server: "http://127.0.0.1:1"})
	if err := unplugged.Put(Item{ID: "clip", Method: "PUT", Path: "/v1/evidence/x", File: clip}); err != nil {
		t.Fatal(err)
	}
	put(t, unplugged, "take", "return")
	if err := os.Remove(clip); err != nil {
		t.Fatal(err)
	}
	stop := run(t, unplugged)
	st := unplugged.Status()
	for ; st.Error == ""; st = unplugged.Status() { // until it tried
		time.Sleep(time.Millisecond)
	}
	stop()
	if st.Depth != 3 || !st.Oldest.Equal(noon) || st.Dead != 0 || st.Error == "" {
		t.Errorf("Status without a line = %+v, want 3 since noon and why", st)
	}
	if err := unplugged.Close(); err != nil {
		t.Fatal(err)
	}

	o := open(t, dir, Config{Server: s.URL + "/"})
	stop = run(t, o)
	put(t, o, "exit")
	for len(s.seen()) < 3 {
		time.Sleep(time.Millisecond)
	}
	s.mu.Lock()
	down = false
	tries := len(s.got)
	s.mu.Unlock()
	drain(t, o)
	stop()
	for _, got := range s.seen()[:tries] {
		if !strings.HasPrefix(got, "clip ") {
			t.Errorf("while down %s was sent, want only the first message", got)
		}
	}
	want := []string{
		`clip PUT /v1/evidence/x "frames"`,
		`take POST /v1/detections "\"take\""`,
		`return POST /v1/detections "\"return\""`,
		`exit POST /v1/detections "\"exit\""`,
	}
	if diff := cmp.Diff(want, s.seen()[tries:]); diff != "" {
		t.Errorf("sent after the line came back (-want +got):\n%s", diff)
	}
	if st := o.Status(); st != (Status{}) {
		t.Errorf("Status at the end = %+v, want nothing", st)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestRefusedMessageDoesNotHoldUpTheOthers(t *testing.T) {
	dir := t.TempDir()
	accept := false
	s := serve(t, func(id string) int {
		if id == "bad" && !accept {
			return http.StatusUnprocessableEntity
		}
		return http.StatusOK
	})
	var told []string
	o := open(t, dir, Config{Server: s.URL, Notify: func(out Outcome) {
		told = append(told, fmt.Sprint(out.Item.ID, " ", out.Status, " ", out.Taken()))
	}})
	put(t, o, "good", "bad", "next")
	stop := run(t, o)
	drain(t, o)
	stop()
	if diff := cmp.Diff([]string{"good 200 true", "bad 422 false", "next 200 true"}, told); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if got := o.Status(); got.Dead != 1 || got.Depth != 0 {
		t.Errorf("Status = %+v, want one dead letter", got)
	}
	b, err := os.ReadFile(o.answer(1))
	if err != nil || !strings.Contains(string(b), "answer to bad") || !strings.Contains(string(b), "422") {
		t.Errorf("beside the dead letter: %s, %v, want the server's answer", b, err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}

	s.mu.Lock()
	accept = true
	s.mu.Unlock()
	o = open(t, dir, Config{Server: s.URL})
	put(t, o, "last")
	if n, err := o.Revive(); n != 1 || err != nil {
		t.Errorf("Revive = %d, %v, want 1", n, err)
	}
	stop = run(t, o)
	drain(t, o)
	stop()
	got := s.seen()
	if tail := got[len(got)-2:]; !strings.HasPrefix(tail[0], "bad ") || !strings.HasPrefix(tail[1], "last ") {
		t.Errorf("sent after Revive = %v, want bad before last", tail)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestWrongKeyAndBusyServerAreWaitedOut(t *testing.T) {
	answers := []int{401, 403, 408, 425, 429, 500, 503, 302, 200}
	s := serve(t, nil)
	s.answer = func(string) int { return answers[len(s.got)] }
	o := open(t, t.TempDir(), Config{Server: s.URL})
	put(t, o, "take")
	stop := run(t, o)
	drain(t, o)
	stop()
	if n := len(s.seen()); n != len(answers) || o.Status().Dead != 0 {
		t.Errorf("tries = %d, dead = %d, want %d and none", n, o.Status().Dead, len(answers))
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCrashBeforeTheNoteSendsTheSameIDAgain(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, func(string) int { return http.StatusOK })
	o := open(t, dir, Config{Server: s.URL})
	put(t, o, "take")
	out, _ := o.try(t.Context(), 0)
	if !out.Taken() {
		t.Fatalf("try = %+v, want taken", out)
	}
	if err := o.Close(); err != nil { // the process ends here, before settle
		t.Fatal(err)
	}
	o = open(t, dir, Config{Server: s.URL})
	stop := run(t, o)
	drain(t, o)
	stop()
	if got := s.seen(); len(got) != 2 || got[0] != got[1] {
		t.Errorf("server saw %q, want the same message twice", got)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedMessageIsPutAsideAndReported(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, func(string) int { return http.StatusOK })
	o := open(t, dir, Config{Server: s.URL})
	put(t, o, "take", "return")
	b, err := os.ReadFile(o.path("queue", 0))
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-2] ^= 1
	if err := os.WriteFile(o.path("queue", 0), b, 0o600); err != nil {
		t.Fatal(err)
	}
	stop := run(t, o)
	drain(t, o)
	stop()
	if got := s.seen(); len(got) != 1 || !strings.HasPrefix(got[0], "return ") {
		t.Errorf("server saw %q, want only the return", got)
	}
	if st := o.Status(); st.Dead != 1 {
		t.Errorf("Status = %+v, want one dead letter", st)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestWhatCannotBeTakenIsRefused(t *testing.T) {
	dir := t.TempDir()
	o := open(t, dir, Config{Server: "http://127.0.0.1:1", MaxBytes: 300})
	for story, it := range map[string]Item{
		"no id":         {Path: "/v1/x"},
		"no path":       {ID: "a"},
		"body and file": {ID: "a", Path: "/x", Body: []byte("b"), File: "c"},
		"a deletion":    {ID: "a", Path: "/x", Method: "DELETE"},
	} {
		if err := o.Put(it); !errors.Is(err, ErrItem) {
			t.Errorf("%s: Put = %v, want ErrItem", story, err)
		}
	}
	if err := o.Put(Item{ID: "a", Path: "/x", File: filepath.Join(dir, "none")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Put(missing file) = %v, want ErrNotExist", err)
	}
	put(t, o, "one")
	if err := o.Put(Item{ID: "two", Path: "/x", Body: make([]byte, 200)}); !errors.Is(err, ErrFull) {
		t.Errorf("Put beyond the limit = %v, want ErrFull", err)
	}
	if _, err := Open(dir, Config{}); !errors.Is(err, ErrInUse) {
		t.Errorf("second Open = %v, want ErrInUse", err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
}

// putUntilKilled is the child process of the next test.
func putUntilKilled(dir string) {
	cfg := Config{Now: time.Now}
	most := os.Getenv("OUTBOX_TEST_MOST")
	if most != "" {
		key, err := OpenKey(dir + ".key")
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		cfg.Seal = key
	}
	o, err := Open(dir, cfg)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for i := o.next; most != fmt.Sprint(i); i++ {
		it := Item{ID: fmt.Sprint(i), Path: "/v1/detections", Body: make([]byte, 20_000)}
		if err := o.Put(it); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("kept", i)
	}
	os.Exit(0)
}

func TestKilledAtAnyMomentLosesNothingAcknowledged(t *testing.T) {
	dir := t.TempDir()
	acknowledged := 0
	for round := range 8 {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), "OUTBOX_TEST_CHILD="+dir)
		pipe, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(pipe)
		for stop := acknowledged + 1 + round; lines.Scan(); {
			if _, err := fmt.Sscanf(lines.Text(), "kept %d", &acknowledged); err != nil {
				t.Fatalf("child says %q", lines.Text())
			}
			if acknowledged >= stop {
				_ = cmd.Process.Kill()
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("child ended by itself, want it killed")
		}
	}
	o := open(t, dir, Config{Server: "http://127.0.0.1:1"})
	if len(o.queue) <= acknowledged {
		t.Errorf("messages after kills = %d, want more than %d", len(o.queue), acknowledged)
	}
	for i, e := range o.queue {
		h, err := o.load(o.path("queue", e.seq))
		if err != nil || h.ID != fmt.Sprint(i) || e.seq != uint64(i) {
			t.Fatalf("message %d = %s, %v, want whole and in its place", i, h.ID, err)
		}
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
}
