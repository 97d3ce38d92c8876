package gate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/vouchledger/vouch/vision"
)

const (
	// firstPause and lastPause bound the waits between two tries: a person
	// waits, so they are short.
	firstPause = 200 * time.Millisecond
	lastPause  = 2 * time.Second
	// maxAnswer bounds what is read of an answer.
	maxAnswer = 64 << 10
)

// A Client asks one server.
type Client struct {
	server string
	key    string
	http   *http.Client
}

// NewClient returns a client of the server at the address, with its bearer
// key. It refuses an address that is none.
func NewClient(server, key string) (*Client, error) {
	u, err := url.Parse(server)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("%w: %q is no address like https://vouch.example", ErrRequest, server)
	}
	return &Client{server: strings.TrimRight(server, "/"), key: key, http: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Enter asks for entry until the server decides or ctx ends. A refusal is an
// answer and no error. ErrNoAnswer says that nothing was decided; the answer
// then names the visit if the server knew it already.
func (c *Client) Enter(ctx context.Context, e vision.GateEntry) (vision.GateAnswer, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return vision.GateAnswer{}, fmt.Errorf("entry %s: %w", e.ID, err)
	}
	method, path := http.MethodPost, vision.PathEntries
	var answer vision.GateAnswer
	var last error
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		next, err := c.ask(ctx, method, path, body)
		switch {
		case err == nil && next.Decision != vision.Pending:
			return next, nil
		case err == nil:
			answer, last = next, errors.New("the hold is pending")
			method, path, body = http.MethodGet, vision.PathEntries+"/"+url.PathEscape(string(next.Visit)), nil
			pause = firstPause
		case errors.Is(err, ErrRequest):
			return answer, err
		case ctx.Err() == nil || last == nil:
			last = err
		}
		select {
		case <-ctx.Done():
			return answer, fmt.Errorf("%w: %w", ErrNoAnswer, last)
		case <-time.After(pause):
		}
	}
}

// ask sends one request about an entry. An error that is no ErrRequest may
// pass by itself.
func (c *Client) ask(ctx context.Context, method, path string, body []byte) (vision.GateAnswer, error) {
	var answer vision.GateAnswer
	b, err := c.send(ctx, method, path, body)
	if err != nil {
		return answer, err
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		return answer, fmt.Errorf("%w: the answer is not Vouch's: %w", ErrRequest, err)
	}
	switch answer.Decision {
	case vision.Entered, vision.Refused, vision.Pending:
		return answer, nil
	case vision.Left: // of a door out, which nobody asks about
	}
	return answer, fmt.Errorf("%w: decision %q is no answer", ErrRequest, answer.Decision)
}

// send sends one request and returns the body of a good answer.
func (c *Client) send(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.server+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	req.Header.Set("Content-Type", "application/json")
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errLine, err)
	}
	defer res.Body.Close() //nolint:errcheck // the answer was read, or is not wanted
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errLine, err)
	}
	if res.StatusCode/100 != 2 {
		return nil, problem(res, b)
	}
	return b, nil
}

// errLine is every error of the line itself, as against one that a server
// says.
var errLine = errors.New("the server cannot be reached")

// Unreached reports whether an entry got no answer because the server could not
// be reached, so that a gate may decide by itself.
func Unreached(answer vision.GateAnswer, err error) bool {
	return errors.Is(err, ErrNoAnswer) && errors.Is(err, errLine) && answer.Visit == ""
}

// problem reads an error of the server (RFC 9457).
func problem(res *http.Response, body []byte) error {
	p := struct{ Title, Detail string }{Title: http.StatusText(res.StatusCode)}
	_ = json.Unmarshal(body, &p) // a proxy's page is no JSON; the status says enough
	e := &ProblemError{Status: res.StatusCode, Title: p.Title, Detail: p.Detail}
	switch res.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return fmt.Errorf("server says %d %s", e.Status, e.Title)
	}
	if res.StatusCode/100 == 5 {
		return fmt.Errorf("server says %d %s", e.Status, e.Title)
	}
	return e
}
