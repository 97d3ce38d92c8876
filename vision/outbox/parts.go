package outbox

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
)

const (
	// partBytes is how much of an upload a lost line costs: five seconds of a
	// line of 200 kbit/s.
	partBytes = 128 << 10
	// uploadOffset says in an answer from which byte on an upload goes on.
	uploadOffset = "Upload-Offset"
)

// inParts asks whether the server has a body, and sends from where it is on what
// is left. Each part is a request with its own timeout, so that a long body needs
// no fast line. A server that has the body is not sent it again.
func (o *Outbox) inParts(ctx context.Context, h head) (answer, error) {
	a, err := o.ask(ctx, h, http.MethodHead, nil, "")
	if err != nil || a.status != http.StatusNotFound {
		return a, err
	}
	offset, known := a.offset()
	if !known || len(h.Body) <= partBytes && offset == 0 {
		return o.whole(ctx, h)
	}
	corrected := false
	for offset < len(h.Body) {
		end := min(offset+partBytes, len(h.Body))
		a, err = o.ask(ctx, h, h.Method, h.Body[offset:end], fmt.Sprintf("bytes %d-%d/%d", offset, end-1, len(h.Body)))
		if err != nil {
			return a, err
		}
		next, known := a.offset()
		switch {
		case a.status == http.StatusConflict && known && next < len(h.Body) && !corrected:
			corrected = true // the server has more, or less, than it said
		case a.status == http.StatusConflict:
			return answer{}, fmt.Errorf("%w: bytes %d-%d do not follow what is there", errParts, offset, end-1)
		case a.status/100 != 2:
			return a, nil
		case !known || next <= offset:
			return answer{}, fmt.Errorf("%w: the server took bytes %d-%d and wants byte %d next", errParts, offset, end-1, next)
		}
		offset = next
	}
	return a, nil
}

func (a answer) offset() (int, bool) {
	n, err := strconv.Atoi(a.header.Get(uploadOffset))
	return n, err == nil && n >= 0
}
