package gate

import (
	"errors"
	"image"
	"time"

	"github.com/vouchledger/vouch/vision/palm"
)

// HandEvery is how often a hand is looked for: it takes longer than a code.
const HandEvery = 200 * time.Millisecond

// Hands notice hands in the frames of one camera: each that is shown once, after it
// has done what it was asked. Its zero value has seen nothing.
type Hands struct {
	Ask func() []palm.Challenge // by lot if nil

	session *palm.Session
	over    bool          // this hand was told already
	seen    time.Duration // when a hand was last in sight
	looked  time.Duration
	begun   bool
}

// A Hand is what is told of a frame.
type Hand struct {
	Asks string // what the person is to do now; empty if that did not change
	Done bool   // the hand has done it
	Code palm.Code
}

// See looks at the next frame, taken at the time at since the first. Most frames
// tell nothing.
func (h *Hands) See(g *image.Gray, at time.Duration) (Hand, error) {
	if h.begun && at-h.looked < HandEvery {
		return Hand{}, nil
	}
	h.begun, h.looked = true, at
	c, err := palm.See(g)
	if errors.Is(err, palm.ErrNoHand) {
		if at-h.seen > Forget {
			h.session, h.over = nil, false
		}
		return Hand{}, nil
	}
	if err != nil {
		return Hand{}, err
	}
	h.seen = at
	if h.over {
		return Hand{}, nil
	}
	before := ""
	if h.session == nil {
		asked := palm.Draw
		if h.Ask != nil {
			asked = h.Ask
		}
		h.session = palm.NewSession(palm.MinCaptures, asked()...)
	} else {
		before = h.session.Asks()
	}
	if h.session.Add(c) {
		h.over = true
		return Hand{Done: true, Code: h.session.Best()}, nil
	}
	if asks := h.session.Asks(); asks != before {
		return Hand{Asks: asks}, nil
	}
	return Hand{}, nil
}
