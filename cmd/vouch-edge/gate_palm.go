package main

import (
	"context"
	"crypto/rand"
	"errors"
	"image"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
	"github.com/vouchledger/vouch/vision/gate"
)

// seeHand looks for a hand in a frame without a code. What is asked of it is told,
// and one that has done it is shown to the server. The code of a palm is in nothing
// that is printed or kept.
func (r *gateRun) seeHand(ctx context.Context, g *image.Gray, at time.Duration) (bool, error) {
	hand, err := r.hands.See(g, at)
	if err != nil {
		return false, err
	}
	ev := gateEvent{At: ledger.Instant(r.start.Add(at)), T: at.Seconds(), Gate: r.id}
	switch {
	case hand.Asks != "":
		ev.Decision, ev.Detail = "asked", hand.Asks
		return false, r.tell(ev)
	case !hand.Done:
		return false, nil
	}
	r.codes++
	if r.client == nil {
		ev.Decision, ev.Detail = "read", "a palm"
		return r.once, r.tell(ev)
	}
	id, err := ledger.NewID(ev.At, rand.Reader)
	if err != nil {
		return false, err
	}
	ev.ID = id.String()
	err = r.enter(ctx, vision.GateEntry{ID: id, Credential: ledger.CredentialPalm, Palm: gate.PalmText(hand.Code)}, &ev)
	return r.once, errors.Join(err, r.tell(ev))
}
