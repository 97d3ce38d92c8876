package edge

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"
)

// A Round is one question for the server's time: two moments of our clock
// around two of the server's, as in NTP (RFC 5905, section 8).
type Round struct {
	Sent, Back         time.Time // on our clock
	Received, Answered time.Time // on the server's
}

// ReadRound returns the round that the server's answer to GET /v1/time closes.
func ReadRound(answer []byte, sent, back time.Time) (Round, error) {
	var at struct {
		Received time.Time `json:"received_at"`
		Sent     time.Time `json:"sent_at"`
	}
	if err := json.Unmarshal(answer, &at); err != nil || at.Received.IsZero() || at.Sent.IsZero() {
		return Round{}, ErrTime
	}
	return Round{Sent: sent, Back: back, Received: at.Received, Answered: at.Sent}, nil
}

// offset is what our clock lacks, if both ways took equally long.
func (r Round) offset() time.Duration {
	return (r.Received.Sub(r.Sent) + r.Answered.Sub(r.Back)) / 2
}

// trip is how long both ways took together; the offset is wrong by half of it
// at most.
func (r Round) trip() time.Duration { return r.Back.Sub(r.Sent) - r.Answered.Sub(r.Received) }

const (
	// firstRounds are asked at once, then one each roundEvery.
	firstRounds = 5
	roundEvery  = 2 * time.Minute
	// keptRounds are the last rounds that count: an hour, one every two
	// minutes, over which a bad clock drifts by less than a second.
	keptRounds = 30
	// bestRounds are those with the shortest trips; the median of their offsets
	// forgives one way that was slow.
	bestRounds = 5
	// absurdTrip is a round in which the machine slept or the clock was set.
	absurdTrip = 10 * time.Second
	// clockJump is a difference from what is believed that no drift makes: a
	// clock was set, and the rounds before it say nothing any more.
	clockJump = 5 * time.Second
)

// UntilNextRound returns how long to wait before the server's time is asked for
// again, after it was asked so many times.
func UntilNextRound(asked int) time.Duration {
	if asked < firstRounds {
		return time.Second
	}
	return roundEvery
}

// A Clock estimates how wrong this device's clock is. The zero value knows
// nothing.
type Clock struct {
	rounds []Round
}

// Add takes a round into account.
func (c *Clock) Add(r Round) {
	if t := r.trip(); t < 0 || t > absurdTrip {
		return
	}
	if off, ok := c.Offset(); ok && (r.offset()-off).Abs() > clockJump+r.trip() {
		c.rounds = c.rounds[:0]
	}
	c.rounds = append(c.rounds, r)
	if n := len(c.rounds); n > keptRounds {
		c.rounds = slices.Delete(c.rounds, 0, n-keptRounds)
	}
}

// Offset returns what has to be added to this device's clock to have the
// server's, and whether it is known.
func (c *Clock) Offset() (time.Duration, bool) {
	if len(c.rounds) == 0 {
		return 0, false
	}
	best := slices.Clone(c.rounds)
	slices.SortStableFunc(best, func(a, b Round) int { return cmp.Compare(a.trip(), b.trip()) })
	best = best[:min(len(best), bestRounds)]
	slices.SortStableFunc(best, func(a, b Round) int { return cmp.Compare(a.offset(), b.offset()) })
	n := len(best)
	return (best[(n-1)/2].offset() + best[n/2].offset()) / 2, true
}
