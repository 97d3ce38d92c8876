package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
)

const (
	// heartbeat keeps proxies from hanging up, and bounds how long a stream
	// outlives its key.
	heartbeat = 15 * time.Second
	// liveWrite is how long one write to a live stream may take before the
	// reader counts as gone.
	liveWrite = 20 * time.Second
)

// getLive sends the cart after each event, from after Last-Event-ID on, and
// goes on until the reader or the server goes.
func (a *API) getLive(c echo.Context) error {
	visit := ledger.VisitID(c.Param("visit"))
	if _, err := a.storyFor(c, visit); err != nil {
		return err
	}
	after := int64(-1)
	if s := c.Request().Header.Get("Last-Event-ID"); s != "" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 0 {
			return invalid("header.Last-Event-ID", "want a revision")
		}
		after = n
	}
	id := caller(c).ID
	if !a.limits.openLive(id) {
		return tooMany(c)
	}
	defer a.limits.closeLive(id)
	a.metrics.live.Inc()
	defer a.metrics.live.Dec()
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // a proxy must not keep events back
	c.Response().WriteHeader(http.StatusOK)
	return a.follow(c, visit, after)
}

// follow sends until the reader has gone. Going is not an error.
func (a *API) follow(c echo.Context, visit ledger.VisitID, after int64) error {
	ctx, cancel := context.WithCancel(c.Request().Context())
	stop := context.AfterFunc(a.closing, cancel)
	out := make(chan string)
	var wg sync.WaitGroup
	wg.Go(func() { a.carts(ctx, cancel, visit, after, out) })
	wg.Go(func() { a.moves(ctx, cancel, visit, out) })
	defer func() {
		cancel()
		stop()
		wg.Wait()
	}()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	text := ": open\n\n"
	for {
		extend(c, 0, liveWrite)
		if _, err := c.Response().Write([]byte(text)); err != nil {
			return nil
		}
		if err := http.NewResponseController(c.Response()).Flush(); err != nil {
			return nil
		}
		select {
		case text = <-out:
		case <-beat.C:
			if _, err := a.s.Keys.Get(caller(c).ID); err != nil {
				return nil // revoked meanwhile
			}
			text = ": still here\n\n"
		case <-ctx.Done():
			return nil
		}
	}
}

// carts folds the visit's stream and sends the cart after each event beyond
// revision after.
func (a *API) carts(
	ctx context.Context, cancel func(), visit ledger.VisitID, after int64, out chan<- string,
) {
	defer cancel()
	var cart projections.Cart
	records := a.s.Log.Subscribe(ctx, ledger.Query{Stream: ledger.VisitStream(visit)})
	for e, err := range projections.Decoded(records) {
		if err != nil || cart.Apply(e) != nil {
			return // the reader comes back and gets the error as an answer
		}
		if int64(e.Revision) <= after { //nolint:gosec // a stream is never that long
			continue
		}
		view, err := viewCart(&cart)
		if err != nil {
			return
		}
		b, err := json.Marshal(view)
		if err != nil || !send(ctx, out, fmt.Sprintf("id: %d\nevent: cart\ndata: %s\n\n", e.Revision, b)) {
			return
		}
	}
}

// moves says that money has moved, once for each event of the payment. What
// was there at the start the reader has from the visit itself.
func (a *API) moves(ctx context.Context, cancel func(), visit ledger.VisitID, out chan<- string) {
	defer cancel()
	stream := ledger.PaymentStream(visit)
	var next uint64
	for r, err := range a.s.Log.Read(ctx, ledger.Query{Stream: stream, From: ledger.End, Backwards: true, Limit: 1}) {
		if err != nil {
			return
		}
		next = r.Revision + 1
	}
	for r, err := range a.s.Log.Subscribe(ctx, ledger.Query{Stream: stream, From: next}) {
		if err != nil || !send(ctx, out, fmt.Sprintf("event: money\ndata: {\"kind\":%q}\n\n", r.Kind)) {
			return
		}
	}
}

func send(ctx context.Context, out chan<- string, text string) bool {
	select {
	case out <- text:
		return true
	case <-ctx.Done():
		return false
	}
}
