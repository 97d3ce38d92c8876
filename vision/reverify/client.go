package reverify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
)

const (
	// answerTime is for the largest clip over a shop's slow line.
	answerTime = 5 * time.Minute
	// maxEvidence bounds what is read of one answer.
	maxEvidence = 64 << 20
)

// Client asks a server over HTTP.
type Client struct {
	base, key string
	client    *http.Client
	// Local, if set, returns evidence that is stored here: a device's key may
	// not read what was sent.
	Local func(ctx context.Context, d ledger.Digest) ([]byte, error)
}

// NewClient returns a client of the server at an address, with a key.
func NewClient(address, key string) (*Client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("server %q is no address like https://vouch.example", address)
	}
	return &Client{base: strings.TrimRight(address, "/"), key: key, client: &http.Client{Timeout: answerTime}}, nil
}

// Detections implements Server.
func (c *Client) Detections(ctx context.Context, visit ledger.VisitID) ([]Detection, error) {
	b, err := c.ask(ctx, http.MethodGet, "/v1/visits/"+url.PathEscape(string(visit))+"/detections", nil)
	if err != nil {
		return nil, err
	}
	var v struct {
		Items []Detection `json:"items"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	return v.Items, nil
}

// Evidence implements Server. The bytes are those of the digest, or none.
func (c *Client) Evidence(ctx context.Context, d ledger.Digest) ([]byte, error) {
	var b []byte
	var err error
	if c.Local != nil {
		b, err = c.Local(ctx, d)
	} else {
		b, err = c.ask(ctx, http.MethodGet, "/v1/evidence/"+string(d), nil)
	}
	if err != nil {
		return nil, err
	}
	if got := ledger.DigestOf(b); got != d {
		return nil, fmt.Errorf("evidence %s: %w: it is %s", d, ledger.ErrCorrupt, got)
	}
	return b, nil
}

const (
	// pageOfVisits is how many visits are asked for at once.
	pageOfVisits = 100
	// late is how long after its entry a visit may have come to the server, and
	// so stand among newer ones: a gate's outbox keeps days.
	late = 7 * 24 * time.Hour
)

// Visits implements Shop.
func (c *Client) Visits(ctx context.Context, s Span, use func(Visit) error) error {
	q := url.Values{"limit": {strconv.Itoa(pageOfVisits)}}
	if s.Store != "" {
		q.Set("store", string(s.Store))
	}
	for {
		b, err := c.ask(ctx, http.MethodGet, "/v1/visits?"+q.Encode(), nil)
		if err != nil {
			return err
		}
		var v struct {
			Items []Visit `json:"items"`
			Next  string  `json:"next"`
		}
		if err := json.Unmarshal(b, &v); err != nil {
			return fmt.Errorf("answer: %w", err)
		}
		for _, x := range v.Items {
			if !x.Presented.IsZero() && x.Presented.Before(s.Since.Add(-late)) {
				return nil // newest first
			}
			if x.Presented.Before(s.Since) || x.Presented.IsZero() || !s.Until.IsZero() && !x.Presented.Before(s.Until) {
				continue
			}
			if err := use(x); err != nil {
				return err
			}
		}
		if v.Next == "" {
			return nil
		}
		q.Set("cursor", v.Next)
	}
}

// WhatIf implements Shop.
func (c *Client) WhatIf(ctx context.Context, visit ledger.VisitID, claims []vision.WhatIfClaim) (vision.WhatIfAnswer, error) {
	var a vision.WhatIfAnswer
	body, err := json.Marshal(vision.WhatIf{Claims: claims})
	if err != nil {
		return a, err
	}
	b, err := c.ask(ctx, http.MethodPost, "/v1/visits/"+url.PathEscape(string(visit))+"/what-if", body)
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(b, &a); err != nil {
		return a, fmt.Errorf("answer: %w", err)
	}
	return a, nil
}

// Send implements Server.
func (c *Client) Send(ctx context.Context, visit ledger.VisitID, f Finding) (ledger.Agreement, error) {
	body, err := json.Marshal(vision.Reverification{
		ID: f.ID, OccurredAt: f.Occurred, Detection: f.Detection, Model: f.Model, ModelDigest: f.Digest,
		Items: f.Items, Evidence: f.Evidence,
	})
	if err != nil {
		return "", err
	}
	b, err := c.ask(ctx, http.MethodPost, "/v1/visits/"+url.PathEscape(string(visit))+"/reverifications", body)
	if err != nil {
		return "", err
	}
	var v struct {
		Agreement ledger.Agreement `json:"agreement"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return "", fmt.Errorf("answer: %w", err)
	}
	return v.Agreement, nil
}

func (c *Client) ask(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+c.key)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := c.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	b, err := io.ReadAll(io.LimitReader(answer.Body, maxEvidence))
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		var p struct{ Title, Detail string }
		_ = json.Unmarshal(b, &p) // a proxy answers in other words
		return nil, fmt.Errorf("%w: %s %s: %d %s %s", ErrRefused, method, path, answer.StatusCode, p.Title, p.Detail)
	}
	return b, nil
}
