package gate

import (
	"errors"
	"image"
	"time"

	"github.com/vouchledger/vouch/vision/qr"
	"github.com/vouchledger/vouch/vision/ticket"
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
	done   bool          // with this one all is well
}

// Done says that all is well with the code in sight. That it changes while it stays
// there is not a second showing then: else who let the phone lie before the camera
// would be told that somebody else has the code.
func (w *Watcher) Done() { w.done = true }

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
	fresh = at-w.seen > Forget || text != w.code && (!w.done || !ticket.Same(text, w.code))
	w.code, w.seen, w.done = text, at, w.done && !fresh
	return text, fresh, nil
}
