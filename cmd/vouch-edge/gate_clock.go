package main

import (
	"context"
	"errors"
	"sync"
	"time"

	visionedge "github.com/vouchledger/vouch/vision/edge"
	"github.com/vouchledger/vouch/vision/gate"
)

// compareWithin bounds one question; an answer that is slower says little.
const compareWithin = 3 * time.Second

// A gateClock knows how wrong the machine's clock is, as far as the server was
// reached.
type gateClock struct {
	client *gate.Client

	mu    sync.Mutex
	clock visionedge.Clock
}

// ask compares the clocks once. What does not answer is asked again later; a
// request that the server does not take is an error.
func (c *gateClock) ask(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, compareWithin)
	defer cancel()
	r, err := c.client.Compare(limited, time.Now)
	switch {
	case errors.Is(err, gate.ErrRequest):
		return err
	case err != nil:
		return nil //nolint:nilerr // without an answer the offset stays what it was
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clock.Add(r)
	return nil
}

// run compares again and again until ctx is done.
func (c *gateClock) run(ctx context.Context) {
	for n := 1; ; n++ {
		pauseUntil(ctx, time.Now().Add(visionedge.UntilNextRound(n)))
		if ctx.Err() != nil {
			return
		}
		_ = c.ask(ctx) // it was taken when the gate began
	}
}

// offset returns what is to be added to this machine's clock, in milliseconds; 0
// while it is not known.
func (c *gateClock) offset() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	d, _ := c.clock.Offset()
	return int(d.Milliseconds())
}
