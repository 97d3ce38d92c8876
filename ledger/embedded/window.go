package embedded

import (
	"fmt"

	"github.com/vouchledger/vouch/ledger/internal/frame"
)

// A window is the part of an open segment that a reader has in memory. It never
// holds bytes beyond what was durable when it was filled, so it does not grow
// stale.
type window struct {
	seg   *segment
	start int64
	buf   []byte
	next  int64 // how much to read the next time
}

// Reading starts small, for a stream whose events lie apart, and grows while
// one piece follows the other.
const (
	minWindow = 4 << 10
	maxWindow = 256 << 10
)

// frame returns the frame of a position in p, checked. It is valid until the
// window is used again.
func (w *window) frame(p *openPart, position uint64, backwards bool) (frame.Frame, error) {
	i := position - p.seg.first
	at, end := int64(p.offsets[i]), p.end
	damage := func(reason string) error {
		return &DamageError{File: p.seg.name, Offset: at, Position: position, Reason: reason}
	}
	b, err := w.bytes(p.seg, at, frame.HeaderBytes, end, backwards)
	if err != nil {
		return nil, err
	}
	n, err := frame.Length(b)
	if err != nil {
		return nil, damage(err.Error())
	}
	if at+int64(n) > end {
		return nil, damage("frame reaches behind the end")
	}
	if b, err = w.bytes(p.seg, at, n, end, backwards); err != nil {
		return nil, err
	}
	f, err := frame.Parse(p.seg.seeds.frame, b)
	if err != nil {
		return nil, damage(err.Error())
	}
	if f.Position() != position {
		return nil, damage(fmt.Sprintf("position %d lies there", f.Position()))
	}
	return f, nil
}

// bytes returns n bytes at an offset of a segment whose durable bytes end at
// limit.
func (w *window) bytes(seg *segment, at int64, n int, limit int64, backwards bool) ([]byte, error) {
	end := at + int64(n)
	if w.seg == seg && at >= w.start && end <= w.start+int64(len(w.buf)) {
		return w.buf[at-w.start : end-w.start], nil
	}
	if end > limit {
		return nil, &DamageError{File: seg.name, Offset: at, Reason: "frame reaches behind the end"}
	}
	near := w.seg == seg && at <= w.start+int64(len(w.buf))+minWindow && at >= w.start-minWindow
	w.next = min(max(w.next*2, minWindow), maxWindow)
	if !near {
		w.next = minWindow
	}
	from, to := at, max(at+w.next, end)
	if backwards {
		from, to = max(segmentHeader, at-w.next+minWindow/2), max(at+minWindow/2, end)
	}
	to = min(to, limit)
	if int64(cap(w.buf)) < to-from {
		w.buf = make([]byte, to-from)
	}
	w.buf, w.seg, w.start = w.buf[:to-from], seg, from
	if err := seg.readAt(w.buf, from); err != nil {
		w.seg = nil
		return nil, err
	}
	return w.buf[at-from : end-from], nil
}
