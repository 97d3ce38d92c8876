package outbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/vouchledger/vouch/vision/internal/pause"
)

// maxAnswer bounds how much of an answer is kept.
const maxAnswer = 64 << 10

// An Outcome is what became of one try to send a message.
type Outcome struct {
	Item   Item   // with its body
	Status int    // the server's; 0 if it did not answer
	Answer []byte // the server's words, at most 64 KiB
	Err    error  // why it was not taken; nil if it was
	Final  bool   // it was taken, or refused for good
}

// Taken reports whether the server has the message.
func (o Outcome) Taken() bool { return o.Final && o.Err == nil }

// Run sends what is there and what comes, in order, until ctx ends. It
// returns nil then, and an error only if the folder itself fails.
func (o *Outbox) Run(ctx context.Context) error {
	wait := o.cfg.MinBackoff
	for {
		seq, ok := o.await(ctx)
		if !ok {
			return nil
		}
		out, after := o.try(ctx, seq)
		if ctx.Err() != nil && !out.Final {
			return nil
		}
		if err := o.settle(seq, out); err != nil {
			return err
		}
		o.cfg.Notify(out)
		if out.Final {
			wait = o.cfg.MinBackoff
			continue
		}
		if !pause.For(ctx, max(wait, after)) {
			return nil
		}
		wait = min(2*wait, o.cfg.MaxBackoff)
	}
}

// Drain waits until nothing is left to send. Run must be running. It returns
// the context's error if that ends first; nothing is lost then.
func (o *Outbox) Drain(ctx context.Context) error {
	for {
		o.mu.Lock()
		n, changed, failed := len(o.queue), o.changed, o.failed
		o.mu.Unlock()
		if n == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("outbox: %d messages are kept for later: %w (%s)", n, ctx.Err(), failed)
		}
	}
}

// await returns the number of the first message, once there is one.
func (o *Outbox) await(ctx context.Context) (uint64, bool) {
	for {
		o.mu.Lock()
		changed := o.changed
		if len(o.queue) > 0 && ctx.Err() == nil {
			seq := o.queue[0].seq
			o.mu.Unlock()
			return seq, true
		}
		o.mu.Unlock()
		select {
		case <-ctx.Done():
			return 0, false
		case <-changed:
		}
	}
}

// try sends message seq once. after is how long the server asks to be left
// alone.
func (o *Outbox) try(ctx context.Context, seq uint64) (out Outcome, after time.Duration) {
	h, err := o.load(o.path("queue", seq))
	out.Item = h.Item
	if err != nil {
		out.Err, out.Final = err, errors.Is(err, ErrDamaged) || errors.Is(err, ErrItem)
		return out, 0
	}
	send := o.whole
	if h.Resume {
		send = o.inParts
	}
	res, err := send(ctx, h)
	if err != nil {
		out.Err = err // also if the server's address is wrong, which is not the message's fault
		return out, 0
	}
	out.Status, out.Answer, out.Final = res.status, res.answer, final(res.status)
	if res.status/100 != 2 {
		out.Err = fmt.Errorf("%s %s: server says %d %s: %s", h.Method, h.Path, res.status, http.StatusText(res.status), bytes.TrimSpace(res.answer))
	}
	if s, err := strconv.Atoi(res.header.Get("Retry-After")); err == nil && s > 0 {
		after = min(time.Duration(s)*time.Second, o.cfg.MaxBackoff)
	}
	return out, after
}

// An answer is what the server said.
type answer struct {
	status int
	header http.Header
	answer []byte
}

// whole sends a message with its body.
func (o *Outbox) whole(ctx context.Context, h head) (answer, error) {
	return o.ask(ctx, h, h.Method, h.Body, "")
}

// ask makes one request for a message.
func (o *Outbox) ask(ctx context.Context, h head, method string, body []byte, place string) (a answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, o.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, o.cfg.Server+h.Path, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	if method != http.MethodHead {
		req.Header.Set("Content-Type", h.ContentType)
		req.Header.Set("Idempotency-Key", h.ID)
	}
	if place != "" {
		req.Header.Set("Content-Range", place)
	}
	if o.cfg.Key != "" {
		req.Header.Set("Authorization", "Bearer "+o.cfg.Key)
	}
	res, err := o.cfg.Client.Do(req)
	if err != nil {
		return a, err
	}
	defer res.Body.Close() //nolint:errcheck // the answer was read, or is not wanted
	a.status, a.header = res.StatusCode, res.Header
	a.answer, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	return a, err
}

// final reports whether sending again could not give another answer. A wrong
// or missing key (401, 403) is the device's fault and not the message's: the
// queue waits until somebody mends it, and nothing is thrown out of order.
func final(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusUnauthorized, http.StatusForbidden:
		return false
	}
	return status/100 == 2 || status/100 == 4
}

// settle notes the outcome. That a message was taken need not be made
// durable: should the note get lost, it is sent again with the same id.
func (o *Outbox) settle(seq uint64, out Outcome) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failed = ""
	if out.Err != nil {
		o.failed = out.Err.Error()
	}
	if !out.Final {
		return nil
	}
	if out.Err == nil {
		if err := os.Remove(o.path("queue", seq)); err != nil {
			return fmt.Errorf("outbox: %w", err)
		}
	} else {
		if err := o.bury(seq, out); err != nil {
			return fmt.Errorf("outbox: %w", err)
		}
		o.dead++
	}
	for i, e := range o.queue {
		if e.seq == seq { // the first, unless Revive put an older one before it
			o.bytes -= e.bytes
			o.queue = append(o.queue[:i], o.queue[i+1:]...)
			break
		}
	}
	o.tell()
	return nil
}

// A Refusal is what lies beside a dead letter.
type Refusal struct {
	Item   Item      `json:"item"`
	At     time.Time `json:"at"`
	Status int       `json:"status"` // 0: the stored message was damaged
	Answer string    `json:"answer"`
	Error  string    `json:"error"`
}

func (o *Outbox) bury(seq uint64, out Outcome) error {
	b, err := json.MarshalIndent(Refusal{
		Item: out.Item, At: o.cfg.Now().UTC(), Status: out.Status,
		Answer: string(out.Answer), Error: out.Err.Error(),
	}, "", "  ")
	if err != nil {
		return err
	}
	// A full disk must not keep the letter in the way of those behind it, which
	// make room: then it lies there without the answer.
	if err := os.WriteFile(o.answer(seq), append(b, '\n'), 0o600); err != nil {
		if rerr := os.Remove(o.answer(seq)); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
			return errors.Join(err, rerr)
		}
		if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
			return err
		}
	}
	return move(o.path("queue", seq), o.path("dead", seq))
}
