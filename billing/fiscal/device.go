package fiscal

import (
	"context"
	"errors"
	"time"
)

// ErrNoDevice means that a seller needs signatures and the server was started
// without a device.
var ErrNoDevice = errors.New("no signing device is configured")

// A Device is a security module. There are two: package tsesim, and fakes in
// tests; a certified one is the operator's.
//
// A transaction is named by a key that its user makes. Both methods are
// idempotent by it: asked again, also after a restart of either side, they
// give the first answer. An error leaves open what the device did.
type Device interface {
	// Begin begins the transaction.
	Begin(ctx context.Context, key string) (Begun, error)
	// Finish signs data and ends the transaction, which it begins if nobody has.
	Finish(ctx context.Context, key, process, data string) (Signature, error)
}

// Begun is a transaction under way.
type Begun struct {
	Device      string // serial of the security module
	Transaction uint64
	At          time.Time // by the device
}

// A Signature ends a transaction.
type Signature struct {
	Begun
	Register  string // serial of the recording system
	Counter   uint64
	Finished  time.Time
	Algorithm string
	Key       string // public key, base64
	Value     string // base64
}
