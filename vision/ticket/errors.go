package ticket

import (
	"errors"
	"fmt"

	"github.com/vouchledger/vouch/ledger"
)

var (
	// ErrRefused means that a code does not open the gate. The *RefusalError
	// says why; tell the shopper, and record it.
	ErrRefused = errors.New("the code is refused")

	// ErrClaims means that a ticket with these claims cannot be made: a name is
	// missing or too long for the code, or the time is wrong. Correct them.
	ErrClaims = errors.New("the ticket cannot be made")

	// ErrKey means that a key file is not usable: it is no Ed25519 key, or
	// others may read it. Make a new one, or take the rights away (chmod 600).
	ErrKey = errors.New("the ticket key is not usable")
)

// A RefusalError says why a code was refused. It is an [ErrRefused].
type RefusalError struct {
	Reason ledger.RefusalReason
	Ticket ledger.ID // zero when the code is not provably ours
	Detail string    // for staff
}

// Error gives the reason and the detail.
func (e *RefusalError) Error() string {
	return fmt.Sprintf("%v: %s: %s", ErrRefused, e.Reason, e.Detail)
}

// Is makes errors.Is(err, ErrRefused) true.
func (e *RefusalError) Is(target error) bool { return target == ErrRefused }
