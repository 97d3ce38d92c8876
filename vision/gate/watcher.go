package gate

import (
	"errors"
	"image"
	"time"

	"github.com/vouchledger/vouch/vision/qr"
)

const (
	// fullEvery is how often everything is tried on a frame: a quarter of a
	// second at 30 frames per second, while the quick tries see every frame.
	fullEvery = 8

	// Forget is how long a code must be out of sight to count as shown again.
	// Shorter, and a trembling hand would show one code twice.
	Forget = 3 * time.Second
)

// A Watcher notices codes in the frames of one camera. Its zero value has
// seen nothing.
type Watcher struct {
	frames int
	code   string
	seen   time.Duration // when code was last seen
}

// Frames returns how many frames were looked at.
func (w *Watcher) Frames() int { return w.frames }

// See looks at the next frame, taken at the time at since the first. It
// returns a code when one comes into sight, and false while it stays there.
func (w *Watcher) See(g *image.Gray, at time.Duration) (code string, fresh bool, err error) {
	effort := qr.Quick
	if w.frames%fullEvery == 0 {
		effort = qr.Full
	}
	w.frames++
	text, err := qr.Decode(g, effort)
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
