package stripe

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing"
)

// counted is a transport that gives one answer and keeps the requests.
type counted struct {
	answering
	drop bool
	seen []*http.Request
}

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	c.seen = append(c.seen, r)
	if c.drop {
		return nil, io.ErrUnexpectedEOF
	}
	return c.answering.RoundTrip(r)
}

// at is a gateway whose every request ends so.
func at(t *testing.T, c *counted) *Gateway {
	t.Helper()
	g, err := New(Config{SecretKey: "sk_test_x", Transport: c, URL: "http://stripe.invalid"})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// The SDK repeats some answers up to three times, asleep in between and deaf
// to the deadline. Here each call is one request, whatever comes back; who
// repeats it has written down that it must be.
func TestOneCallIsOneRequest(t *testing.T) {
	s := open(t)
	o := s.order("v1", billing.OpHold, usd(5000), "")
	for name, c := range map[string]*counted{
		"503":       {answering: answering{503, `{"error":{"type":"api_error"}}`}},
		"500":       {answering: answering{500, `{"error":{"type":"api_error"}}`}},
		"409":       {answering: answering{409, `{"error":{"type":"idempotency_error","code":"idempotency_key_in_use"}}`}},
		"429":       {answering: answering{429, `{"error":{"type":"invalid_request_error","code":"lock_timeout"}}`}},
		"502":       {answering: answering{502, `<html>`}},
		"no answer": {drop: true},
	} {
		g := at(t, c)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		_, err := g.Hold(ctx, o)
		cancel()
		if !errors.Is(err, ErrUnknownOutcome) || len(c.seen) != 1 {
			t.Errorf("%s: %v after %d requests, want %v after one", name, err, len(c.seen), ErrUnknownOutcome)
		}
		if busy := name == "409" || name == "429"; errors.Is(err, ErrBusy) != busy {
			t.Errorf("%s: %v, want it busy: %t", name, err, busy)
		}
	}
}

// A parameter that Stripe does not understand is our bug and no refusal of the
// bank: nobody's card is blamed for it.
func TestARefusedParameterIsABug(t *testing.T) {
	s := open(t)
	o := s.order("v1", billing.OpHold, usd(5000), "")
	for body, want := range map[string]error{
		`{"error":{"type":"invalid_request_error","code":"parameter_unknown"}}`:         ErrRequest,
		`{"error":{"type":"invalid_request_error","code":"parameter_invalid_integer"}}`: ErrRequest,
		`{"error":{"type":"invalid_request_error","code":"resource_missing"}}`:          nil,
	} {
		out, err := at(t, &counted{answering: answering{400, body}}).Hold(t.Context(), o)
		if !errors.Is(err, want) || (want == nil) != (out.Status == billing.Declined) {
			t.Errorf("Hold answered %s = %+v, %v, want %v", body, out, err, want)
		}
	}
}

// What is sent says nothing of how fast earlier requests were, and names the
// key, the version and nothing of the machine's secrets.
func TestHeadersOfARequest(t *testing.T) {
	s := open(t)
	c := &counted{answering: answering{500, `{"error":{"type":"api_error"}}`}}
	g := at(t, c)
	o := s.order("v1", billing.OpHold, usd(5000), "")
	for range 3 {
		_, _ = g.Hold(t.Context(), o)
	}
	for _, r := range c.seen {
		if r.Header.Get("X-Stripe-Client-Telemetry") != "" {
			t.Error("telemetry is sent")
		}
		if r.Header.Get("Idempotency-Key") != o.Key || r.Header.Get("Stripe-Version") != "2023-10-16" {
			t.Errorf("key %q, version %q", r.Header.Get("Idempotency-Key"), r.Header.Get("Stripe-Version"))
		}
	}
}

// Stripe's search lags by up to an hour, and the SDK's streaming panics when
// nobody answers. Neither is anywhere in this package.
func TestNoSearchAndNoStreaming(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{".Search(", "CallStreaming", "SearchParams"} {
			if strings.Contains(string(text), bad) {
				t.Errorf("%s uses %s", name, bad)
			}
		}
	}
}
