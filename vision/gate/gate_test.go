package gate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
	"github.com/vouchledger/vouch/vision/qr"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// frame shows a code, or an empty gate for "".
func frame(t *testing.T, text string) *image.Gray {
	t.Helper()
	if text == "" {
		return image.NewGray(image.Rect(0, 0, 320, 240))
	}
	code, err := qr.Encode(text)
	if err != nil {
		t.Fatal(err)
	}
	return code.Image(5)
}

func TestCodeBeforeTheCameraIsNoticedOnce(t *testing.T) {
	var w Watcher
	var got []string
	show := []struct {
		text string
		at   time.Duration
	}{
		{"", 0},
		{"ANNA", 100 * time.Millisecond},
		{"ANNA", 200 * time.Millisecond},
		{"", time.Second},
		{"ANNA", 2 * time.Second},
		{"BERND", 3 * time.Second},
		{"BERND", 3*time.Second + Forget},
		{"BERND", 7*time.Second + Forget}, // out of sight for four seconds
	}
	for _, s := range show {
		code, fresh, err := w.See(frame(t, s.text), s.at)
		if err != nil {
			t.Fatal(err)
		}
		if fresh {
			got = append(got, fmt.Sprint(code, "@", s.at))
		}
	}
	if want := "[ANNA@100ms BERND@3s BERND@10s]"; fmt.Sprint(got) != want {
		t.Errorf("noticed %v, want %s", got, want)
	}
	if w.Frames() != len(show) {
		t.Errorf("Frames() = %d, want %d", w.Frames(), len(show))
	}
}

// TestACodeThatChangesInSightIsNoSecondShowing: once its bearer is let in. Before,
// the next text is another try, and out of sight and back it is shown again.
func TestACodeThatChangesInSightIsNoSecondShowing(t *testing.T) {
	var w Watcher
	var got []string
	for n, s := range []string{"VT2-LEA-AA", "VT2-LEA-BB", "done", "VT2-LEA-CC", "VT2-LEA-DD", "VT2-TOM-DD", "VT2-TOM-EE"} {
		if s == "done" {
			w.Done()
			continue
		}
		code, fresh, err := w.See(frame(t, s), time.Duration(n)*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if fresh {
			got = append(got, code)
		}
	}
	if _, fresh, err := w.See(frame(t, "VT2-TOM-EE"), time.Minute); err != nil || !fresh {
		t.Errorf("a minute later the code is shown again: %t, %v", fresh, err)
	}
	if want := "[VT2-LEA-AA VT2-LEA-BB VT2-TOM-DD VT2-TOM-EE]"; fmt.Sprint(got) != want {
		t.Errorf("noticed %v, want %s", got, want)
	}
}

// server answers each request with the next of its answers.
func server(t *testing.T, seen *[]string, answers ...string) *httptest.Server {
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if got := r.Header.Get("Authorization"); got != "Bearer vouch_g_s" {
			t.Errorf("Authorization = %q, want the key", got)
		}
		*seen = append(*seen, r.Method+" "+r.URL.Path+" "+string(b))
		status, body, _ := strings.Cut(answers[min(n, len(answers)-1)], " ")
		n++
		var code int
		fmt.Sscan(status, &code)
		w.WriteHeader(code)
		io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s
}

var entry = vision.GateEntry{
	ID: ledger.ID{1}, OccurredAt: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC),
	Store: "frankfurt-1", Gate: "gate-1", Place: ledger.PlaceGate, Code: "VT1-X", Party: 1,
}

func TestGateAsksUntilTheServerDecides(t *testing.T) {
	for _, tt := range []struct {
		story    string
		answers  []string
		decision vision.Decision
		reason   ledger.RefusalReason
		err      error
		requests int
	}{
		{"enters", []string{`200 {"visit":"v","decision":"entered"}`}, vision.Entered, "", nil, 1},
		{
			"was used before",
			[]string{`200 {"decision":"refused","reason":"replayed"}`},
			vision.Refused, ledger.RefusedReplayed, nil, 1,
		},
		{"server starts late", []string{`503 `, `429 {}`, `200 {"visit":"v","decision":"entered"}`}, vision.Entered, "", nil, 3},
		{
			"card is slow",
			[]string{
				`200 {"visit":"v 1","decision":"pending"}`,
				`200 {"visit":"v 1","decision":"refused","reason":"declined"}`,
			},
			vision.Refused, ledger.RefusedDeclined, nil, 2,
		},
		{"key is wrong", []string{`401 {"title":"no key","detail":"unknown"}`}, "", "", ErrRequest, 1},
		{"another server", []string{`200 <html>`}, "", "", ErrRequest, 1},
		{"a newer server", []string{`200 {"decision":"maybe"}`}, "", "", ErrRequest, 1},
		{"never", []string{`500 {}`}, "", "", ErrNoAnswer, 2},
	} {
		var seen []string
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		far := server(t, &seen, tt.answers...)
		if answer := far.Config.Handler; errors.Is(tt.err, ErrNoAnswer) {
			far.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if answer.ServeHTTP(w, r); len(seen) == 2 {
					cancel() // who waits has enough
				}
			})
		}
		c, err := NewClient(far.URL+"/", "vouch_g_s")
		if err != nil {
			t.Fatal(err)
		}
		answer, err := c.Enter(ctx, entry)
		cancel()
		if !errors.Is(err, tt.err) || (tt.err == nil && (answer.Decision != tt.decision || answer.Reason != tt.reason)) {
			t.Errorf("%s: Enter = %+v, %v, want %s %s %v", tt.story, answer, err, tt.decision, tt.reason, tt.err)
		}
		if tt.requests > 0 && len(seen) != tt.requests {
			t.Errorf("%s: requests = %q, want %d", tt.story, seen, tt.requests)
		}
		var sent vision.GateEntry
		post := strings.TrimPrefix(seen[0], "POST /v1/gate/entries ")
		if err := json.Unmarshal([]byte(post), &sent); err != nil || sent != entry {
			t.Errorf("%s: sent %s, want the entry", tt.story, seen[0])
		}
		if tt.story == "server starts late" && seen[0] != seen[2] {
			t.Errorf("%s: the retry differs: %q", tt.story, seen)
		}
		if tt.story == "card is slow" && seen[1] != "GET /v1/gate/entries/v 1 " {
			t.Errorf("%s: second request = %q, want a look at the visit", tt.story, seen[1])
		}
		c.http.CloseIdleConnections()
	}
}

func TestDeadServerKeepsTheGateShut(t *testing.T) {
	c, err := NewClient("http://127.0.0.1:1", "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if a, err := c.Enter(ctx, entry); !errors.Is(err, ErrNoAnswer) || a.Decision != "" {
		t.Errorf("Enter = %+v, %v, want ErrNoAnswer", a, err)
	}
	for _, s := range []string{"", "vouch.example", "ftp://x", "http://"} {
		if _, err := NewClient(s, ""); !errors.Is(err, ErrRequest) {
			t.Errorf("NewClient(%q) = %v, want ErrRequest", s, err)
		}
	}
}
