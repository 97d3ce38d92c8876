package outbox

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// An Item is one message: an HTTP request without its server.
type Item struct {
	ID          string `json:"id"`     // stays the same in every try; the request's Idempotency-Key
	Method      string `json:"method"` // POST if empty
	Path        string `json:"path"`   // on the server, "/v1/detections"
	ContentType string `json:"content_type"`
	// Resume sends a large body in parts, each of which survives a lost line. The
	// server must take parts of Path as of evidence.
	Resume bool `json:"resume,omitempty"`

	Body []byte `json:"-"` // what is sent
	File string `json:"-"` // or the file it is copied from
}

func (it Item) validate() error {
	switch {
	case it.ID == "" || strings.ContainsAny(it.ID, "\r\n"):
		return fmt.Errorf("%w: id %q", ErrItem, it.ID)
	case !strings.HasPrefix(it.Path, "/"):
		return fmt.Errorf("%w: path %q does not begin with /", ErrItem, it.Path)
	case it.Body != nil && it.File != "":
		return fmt.Errorf("%w: both a body and a file", ErrItem)
	case it.Method != http.MethodPost && it.Method != http.MethodPut:
		return fmt.Errorf("%w: method %q, use POST or PUT", ErrItem, it.Method)
	}
	return nil
}

// head is the first line of a stored message.
type head struct {
	Item
	Queued time.Time `json:"queued"`
	Bytes  int64     `json:"bytes"`
	SHA256 string    `json:"sha256"`
}

// maxHead bounds the first line of a stored message.
const maxHead = 16 << 10

// body opens what the message sends and says how long it is and what its
// SHA-256 is, so that the head can be written first.
func (it Item) body() (r io.ReadCloser, n int64, sum string, err error) {
	h := sha256.New()
	if it.File == "" {
		h.Write(it.Body)
		return io.NopCloser(bytes.NewReader(it.Body)), int64(len(it.Body)), hex.EncodeToString(h.Sum(nil)), nil
	}
	f, err := os.Open(it.File)
	if err != nil {
		return nil, 0, "", err
	}
	if n, err = io.Copy(h, f); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = f.Close()
		return nil, 0, "", err
	}
	return f, n, hex.EncodeToString(h.Sum(nil)), nil
}

// load reads a stored message and checks its body.
func (o *Outbox) load(path string) (head, error) {
	var h head
	f, err := os.Open(path)
	if err != nil {
		return h, err
	}
	defer f.Close()
	plain, err := unseal(f, o.cfg.Seal)
	if err != nil {
		return h, fmt.Errorf("%s: %w", path, err)
	}
	r := bufio.NewReaderSize(plain, maxHead)
	line, err := r.ReadSlice('\n')
	if err != nil {
		return h, fmt.Errorf("%s: %w: no head", path, ErrDamaged)
	}
	if err := json.Unmarshal(line, &h); err != nil {
		return h, fmt.Errorf("%s: %w: %w", path, ErrDamaged, err)
	}
	if h.Body, err = io.ReadAll(r); err != nil {
		if o.cfg.Seal != nil {
			err = fmt.Errorf("%s: %w: %w", path, ErrDamaged, err)
		}
		return h, err
	}
	sum := sha256.Sum256(h.Body)
	if hex.EncodeToString(sum[:]) != h.SHA256 || int64(len(h.Body)) != h.Bytes {
		return h, fmt.Errorf("%s: %w: the body has another SHA-256", path, ErrDamaged)
	}
	return h, h.validate()
}
