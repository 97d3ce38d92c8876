package witness

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	fnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sync/errgroup"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/tree/signer"
	"github.com/vouchledger/vouch/ledger/tree/tile"
)

// Bounds of one answer.
const (
	maxAnswer = 64 << 10
	maxProof  = 63 // lines, as tlog-witness says
	timeout   = 10 * time.Second
)

func newKnown(fields []string) (known, error) {
	key, err := fnote.NewVerifierForCosignatureV1(fields[2])
	if err != nil {
		return known{}, err
	}
	u, err := url.Parse(fields[3])
	if err != nil {
		return known{}, err
	}
	if u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return known{}, fmt.Errorf("address %q of witness %s: want https://…", fields[3], fields[1])
	}
	return known{name: fields[1], url: u.JoinPath("add-checkpoint").String(), key: key}, nil
}

// A Client shows checkpoints to the witnesses of a policy. It may be used from
// many goroutines.
type Client struct {
	policy *Policy
	http   *http.Client
	log    *slog.Logger

	mu   sync.Mutex
	seen map[string]uint64 // by name: the size a witness has, as far as it told
}

// NewClient returns a client that asks with h. Every witness must have an
// address.
func NewClient(p *Policy, h *http.Client, logger *slog.Logger) (*Client, error) {
	for _, w := range p.witnesses {
		if strings.HasPrefix(w.url, nowhere) {
			return nil, fmt.Errorf("policy: %w: witness %s has no address to ask", ledger.ErrInvalid, w.name)
		}
	}
	return &Client{policy: p, http: h, log: logger, seen: map[string]uint64{}}, nil
}

// Cosign shows the checkpoint, of the tree of v, to all witnesses at once and
// returns it with the cosignatures it got, and whether they are a quorum.
//
// A witness that cannot be reached or does not know the log is left out. One
// that has seen a longer tree, or one that the checkpoint is no extension of,
// has seen another history: that is [signer.ErrContradicts].
func (c *Client) Cosign(ctx context.Context, signed []byte, v *tile.View) ([]byte, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var group errgroup.Group
	lines := make([][]byte, len(c.policy.witnesses))
	faults := make([]error, len(c.policy.witnesses))
	for i, w := range c.policy.witnesses {
		group.Go(func() error {
			lines[i], faults[i] = c.ask(ctx, w, signed, v)
			return nil
		})
	}
	_ = group.Wait()
	out := bytes.Clone(signed)
	for i, w := range c.policy.witnesses {
		if errors.Is(faults[i], signer.ErrContradicts) || errors.Is(faults[i], ledger.ErrCorrupt) {
			return signed, false, faults[i]
		}
		if faults[i] != nil {
			c.log.WarnContext(ctx, "witness does not cosign", slog.String("witness", w.name), slog.Any("error", faults[i]))
			continue
		}
		out = append(out, lines[i]...)
	}
	return out, c.policy.Check(out) == nil, nil
}

// ask shows a checkpoint to one witness, again with the size that it says it
// has if we were wrong about it, and returns its signature line.
func (c *Client) ask(ctx context.Context, w known, signed []byte, v *tile.View) ([]byte, error) {
	c.mu.Lock()
	old, told := c.seen[w.name]
	c.mu.Unlock()
	if !told || old > v.Size() {
		old = v.Size() // the usual case after a start: it has seen our last one
	}
	for range 3 {
		answer, err := c.post(ctx, w, old, signed, v)
		if err != nil {
			return nil, err
		}
		switch answer.status {
		case http.StatusOK:
			line, err := cosignature(w, signed, answer.body)
			if err == nil {
				c.remember(w, v.Size())
			}
			return line, err
		case http.StatusConflict:
			if old, err = strconv.ParseUint(strings.TrimSpace(string(answer.body)), 10, 64); err != nil {
				return nil, fmt.Errorf("%s: conflict without a size: %q", w.name, answer.body)
			}
			if old > v.Size() {
				return nil, fmt.Errorf("%w: witness %s has seen %d leaves, this is a checkpoint of %d; "+
					"the signer's folder is older than what it signed", signer.ErrContradicts, w.name, old, v.Size())
			}
			c.remember(w, old)
		case http.StatusUnprocessableEntity:
			return nil, fmt.Errorf("%w: witness %s has seen another tree of %d leaves: %s", signer.ErrContradicts, w.name, old, clip(answer.body))
		default:
			return nil, fmt.Errorf("%s: status %d: %s", w.name, answer.status, clip(answer.body))
		}
	}
	return nil, fmt.Errorf("%s: its size changes while we ask", w.name)
}

func (c *Client) remember(w known, size uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[w.name] = size
}

type answer struct {
	status int
	body   []byte
}

func (c *Client) post(ctx context.Context, w known, old uint64, signed []byte, v *tile.View) (answer, error) {
	var body bytes.Buffer
	fmt.Fprintf(&body, "old %d\n", old)
	steps, err := v.Consistency(old)
	if err != nil {
		return answer{}, err
	}
	if len(steps) > maxProof {
		panic("witness: a consistency proof is longer than any can be")
	}
	for _, h := range steps {
		fmt.Fprintln(&body, base64.StdEncoding.EncodeToString(h[:]))
	}
	body.WriteByte('\n')
	body.Write(signed)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, &body)
	if err != nil {
		return answer{}, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close() //nolint:errcheck // only read
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	return answer{res.StatusCode, b}, err
}

// cosignature returns the one line of an answer that is the witness's signature
// of this checkpoint. Everything else in the answer is dropped.
func cosignature(w known, signed, answer []byte) ([]byte, error) {
	text, _, ok := bytes.Cut(signed, []byte("\n\n"))
	if !ok {
		return nil, fmt.Errorf("checkpoint: %w: no signature", ledger.ErrInvalid)
	}
	for line := range bytes.Lines(answer) {
		n, err := note.Open(bytes.Join([][]byte{text, line}, []byte("\n\n")), note.VerifierList(w.key))
		if err == nil && len(n.Sigs) == 1 {
			return line, nil
		}
	}
	return nil, fmt.Errorf("%s: its answer holds no cosignature of this checkpoint by its key", w.name)
}

func clip(b []byte) string {
	const most = 200
	return strings.TrimSpace(string(b[:min(len(b), most)]))
}
