package billing

import "time"

// The limits of asking again.
const (
	// RefundRetry is how long a declined refund rests before it is tried again,
	// and RefundTries how often: the daily rhythm that Kill Bill's janitor uses.
	// After that a person must pay it back another way.
	RefundRetry = 24 * time.Hour
	RefundTries = 5
	// CardTries is how often one card may be declined within CardWindow before
	// it is left alone: card networks fine whoever tries more often.
	CardTries  = 15
	CardWindow = 30 * 24 * time.Hour
	// DebtRetries is how often what is owed is asked for again when a policy
	// does not say.
	DebtRetries = 4
	// KeyLife is how long the provider is trusted to know a key. It promises 24
	// hours; after 23 an order is looked up, never sent again.
	KeyLife = 23 * time.Hour
)

const (
	day = 24 * time.Hour
	// CaptureMargin is how long before a hold lapses the sure lines of a visit
	// in review are captured, when a policy does not say.
	CaptureMargin = 12 * time.Hour
	// SupplementTime is how long a shopper may agree to a supplement, when a
	// policy does not say.
	SupplementTime = 7 * day
)

// AskAgain is how long an order of unknown outcome rests before it is asked
// for again, by answers had so far. The first seconds are for a gate; then
// Kill Bill's schedule. When it is through, a person is asked.
var AskAgain = []time.Duration{
	time.Second, 5 * time.Second, 30 * time.Second, 5 * time.Minute, time.Hour, day, day, day, day, day,
}

// AskFor returns for how long an order of unknown outcome is asked about before
// a person is.
func AskFor() time.Duration {
	var all time.Duration
	for _, rest := range AskAgain {
		all += rest
	}
	return all
}

// DebtRests is how long a debt rests before it is asked for again, by charges
// made so far; the last entry repeats.
var DebtRests = []time.Duration{day, 3 * day, 5 * day, 7 * day}

// DebtRest returns the rest before the charge after n others.
func DebtRest(n int) time.Duration { return DebtRests[min(n, len(DebtRests)-1)] }

// Retries returns how often a debt is asked for under a policy that says n.
func Retries(n int) int {
	switch {
	case n < 0:
		return 0
	case n == 0:
		return DebtRetries
	}
	return n
}

// A Card counts how often a payment method was declined of late, over all its
// visits. The zero value has never been.
type Card struct{ declines []time.Time }

// Declined notes a decline.
func (c *Card) Declined(at time.Time) {
	c.declines = append(c.declines, at)
	if n := len(c.declines) - CardTries; n > 0 {
		c.declines = c.declines[n:]
	}
}

// Rests returns when the card may be asked again; a time that is past if it
// may be now.
func (c *Card) Rests() time.Time {
	if c == nil || len(c.declines) < CardTries {
		return time.Time{}
	}
	return c.declines[0].Add(CardWindow)
}
