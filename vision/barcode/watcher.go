package barcode

import (
	"errors"
	"image"
	"time"
)

const (
	// Forget is how long a code must be out of sight to count as shown again:
	// a second can of the same cola is another scan.
	Forget = 1200 * time.Millisecond

	// agree is how near two readings must be to count as two looks at one
	// code.
	agree = time.Second
)

// A Watcher notices codes in the frames of one camera. Its zero value has seen
// nothing.
type Watcher struct {
	reader Reader

	maybe   string // read once
	maybeAt time.Duration
	code    string // read twice, and told
	seen    time.Duration
}

// See looks at the next frame, taken at the time at since the first. It
// returns a code once when two readings agree, and false while it stays in
// sight.
func (w *Watcher) See(g *image.Gray, at time.Duration) (code string, fresh bool, err error) {
	text, err := w.reader.Decode(g)
	if errors.Is(err, ErrNoCode) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	if text == w.code && at-w.seen <= Forget {
		w.seen = at
		return text, false, nil
	}
	if text != w.maybe || at-w.maybeAt > agree {
		w.maybe, w.maybeAt = text, at
		return "", false, nil
	}
	w.code, w.seen, w.maybe = text, at, ""
	return text, true, nil
}
