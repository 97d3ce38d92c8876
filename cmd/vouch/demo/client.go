package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// retryEvery is how often a request is tried again while the server is away.
const retryEvery = 100 * time.Millisecond

// A client calls the server. It outlives a server that is killed: requests
// are tried again under the same idempotency key until patience ends.
type client struct {
	url      string
	patience time.Duration
	http     *http.Client
}

func newClient(url string, patience time.Duration) *client {
	return &client{url: url, patience: patience, http: &http.Client{Timeout: 30 * time.Second}}
}

// A statusError is an answer that is no success.
type statusError struct {
	status int
	body   string
}

func (e *statusError) Error() string { return fmt.Sprintf("status %d: %s", e.status, e.body) }

// do sends one request as the holder of key and decodes the answer into out.
func (c *client) do(ctx context.Context, key, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	idempotency := ledger.DeriveID(ledger.ID{}, "demo", method, path, string(body)).String()
	deadline := time.Now().Add(c.patience)
	for {
		err := c.once(ctx, key, idempotency, method, path, body, out)
		var status *statusError
		refused := errors.As(err, &status) && status.status < 500 && status.status != http.StatusTooManyRequests
		if err == nil || refused || ctx.Err() != nil || time.Now().After(deadline) {
			if err != nil {
				return fmt.Errorf("%s %s: %w", method, path, err)
			}
			return nil
		}
		sleep(ctx, retryEvery)
	}
}

func (c *client) once(ctx context.Context, key, idempotency, method, path string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	if method != http.MethodGet {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", idempotency)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return &statusError{resp.StatusCode, string(bytes.TrimSpace(answer))}
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// sleep waits, or returns early when ctx is done.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// until calls ready again and again until it says yes.
func (c *client) until(ctx context.Context, what string, ready func() (bool, error)) error {
	deadline := time.Now().Add(c.patience)
	for {
		ok, err := ready()
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if ok {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: not within %s", what, c.patience)
		}
		sleep(ctx, retryEvery)
	}
}

// An apiEvent is an event as the streams endpoint gives it.
type apiEvent struct {
	ID       ledger.ID       `json:"id"`
	Kind     ledger.Kind     `json:"kind"`
	Stream   ledger.StreamID `json:"stream"`
	Revision uint64          `json:"revision"`
	Position uint64          `json:"position"`
	Recorded time.Time       `json:"recorded"`
	Occurred time.Time       `json:"occurred"`
	Actor    string          `json:"actor"`
	Body     json.RawMessage `json:"body"`
}

// events returns what a stream holds from a revision on.
func (c *client) events(ctx context.Context, key string, s ledger.StreamID, from uint64) ([]ledger.Event, error) {
	var page struct {
		Items []apiEvent `json:"items"`
	}
	err := c.do(ctx, key, http.MethodGet, fmt.Sprintf("/v1/streams/%s?from=%d&limit=200", s, from), nil, &page)
	var status *statusError
	if errors.As(err, &status) && status.status == http.StatusNotFound {
		return nil, nil // nothing was appended yet
	}
	if err != nil {
		return nil, err
	}
	var events []ledger.Event
	for _, i := range page.Items {
		e, err := ledger.Decode(ledger.Record{
			ID: i.ID, Kind: i.Kind, Stream: i.Stream, Revision: i.Revision, Position: i.Position,
			Recorded: i.Recorded, Occurred: i.Occurred, Actor: i.Actor, Body: i.Body,
		})
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, nil
}
