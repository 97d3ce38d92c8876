package stripe

import (
	"errors"
	"fmt"

	"github.com/vouchledger/vouch/billing/provider"
)

var (
	// ErrConfig means that a Config cannot work. Correct it; nothing was sent.
	ErrConfig = errors.New("stripe configuration")

	// ErrOrder means that an order lacks something, or that its amount cannot
	// be expressed at Stripe. It is a bug of the caller; nothing was sent.
	ErrOrder = errors.New("order cannot be sent")

	// ErrUnknownOutcome means that nobody knows whether money moved. Keep the
	// order and send it again with the same key, or Find it.
	ErrUnknownOutcome = errors.New("outcome unknown")

	// ErrBusy means that another request of ours with the same key, or about
	// the same object, is under way. It comes with ErrUnknownOutcome: read the
	// stream again, then ask again with the same key.
	ErrBusy = errors.New("another request is under way")

	// ErrRequest means that Stripe does not understand a parameter. It is a bug
	// of this package; nothing moved.
	ErrRequest = errors.New("stripe does not understand the request")

	// ErrKeyReused means that the idempotency key was used before with other
	// parameters. It is a bug: an order was changed after it was frozen. Raise
	// an alarm; never mend it with a new key.
	ErrKeyReused = errors.New("idempotency key reused with other parameters")

	// ErrMismatch means that Stripe holds something else than what was ordered:
	// another amount captured, or two objects for one order. A person has to
	// look; send nothing more for this visit.
	ErrMismatch = errors.New("provider disagrees with the order")

	// ErrCredentials means that Stripe does not accept the secret key or its
	// rights. Correct the key, then send the order again.
	ErrCredentials = errors.New("stripe refuses the secret key")

	// ErrLivemode means that a test key met a live object or the reverse. Stop:
	// the configuration mixes test and real money.
	ErrLivemode = provider.ErrLivemode

	// ErrNotFound means that Stripe knows no such object.
	ErrNotFound = provider.ErrNotFound

	// ErrSignature means that a webhook is not from Stripe, or the secret is
	// not the endpoint's. Answer 400 and write nothing.
	ErrSignature = errors.New("webhook signature does not verify")

	// ErrTimestamp means that a webhook was signed too long ago or in the
	// future. Answer 400: Stripe signs anew when it sends again.
	ErrTimestamp = errors.New("webhook signed at another time")

	// ErrRefused means that Stripe refuses what was asked about a chargeback.
	// Look at the chargeback again.
	ErrRefused = errors.New("stripe refuses")

	// ErrSubmitted means that evidence was submitted before, which is possible
	// once. What the bank has now is what counts.
	ErrSubmitted = provider.ErrSubmitted

	// ErrVersion means that a webhook was made for another API version; a
	// *VersionError says which. Keep it aside, fetch its object, answer 200.
	ErrVersion = provider.ErrVersion
)

// A VersionError says which API version a webhook was made for.
type VersionError struct {
	Event     string // event id
	Want, Got string
}

// Error names both versions.
func (e *VersionError) Error() string {
	return fmt.Sprintf("webhook %s is of API version %q, not %q", e.Event, e.Got, e.Want)
}

// Is makes errors.Is(err, ErrVersion) true.
func (e *VersionError) Is(target error) bool { return target == ErrVersion }
