package gate

import (
	"errors"
	"image"
	"time"

	"github.com/vouchledger/vouch/vision/qr"
)

// Forget is how long a code must be out of sight to count as shown again.
// Shorter, and a trembling hand would show one code twice.
const Forget = 3 * time.Second

// A Watcher notices codes in the frames of one camera. Its zero value has
// seen nothing.
type Watcher struct {
	reader qr.Reader
	frames int
	code   string
	seen   time.Duration // when code was last seen
}

// Frames returns how many frames were looked at.
func (w *Watcher) Frames() int { return w.frames }

// See looks at the next frame, taken at the time at since the first. It
// returns a code when one comes into sight, and false while it stays there.
func (w *Watcher) See(g *image.Gray, at time.Duration) (code string, fresh bool, err error) {
	w.frames++
	text, err := w.reader.Read(g)
	if errors.Is(err, qr.ErrNoCode) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	fresh = text != w.code || at-w.seen > Forget
	w.code, w.seen = text, at
	return text, fresh, nil
}
