package projections

import (
	"errors"
	"fmt"

	"github.com/vouchledger/vouch/ledger"
)

var (
	// ErrBlocked means that a final receipt was asked for while a question is
	// open or a pick has no price. Ask, price, or issue a provisional receipt.
	ErrBlocked = errors.New("visit has something pending")

	// ErrNoVisit means that a receipt was asked for a stream that no visit
	// began in. There is nobody to bill.
	ErrNoVisit = errors.New("no visit began")

	// ErrNotReplayed means that a receipt in the log is not what the events
	// before it give. Stop and page someone: an event, the receipt, or the
	// program that reads them was changed.
	ErrNotReplayed = errors.New("receipt does not equal its replay")
)

// A MismatchError says where a receipt differs from its replay. It is an
// [ErrNotReplayed].
type MismatchError struct {
	Stream   ledger.StreamID
	Revision uint64 // of the event with the receipt
	Field    string // path of the first field that differs, "document.lines[0].quantity"
	Stored   string // JSON of that field as stored; empty if it is absent
	Replayed string // JSON of that field as replayed; empty if it is absent
}

// Error names the place and both values.
func (e *MismatchError) Error() string {
	return fmt.Sprintf("%s/%d: %s is stored as %s and replays as %s: %v",
		e.Stream, e.Revision, e.Field, e.Stored, e.Replayed, ErrNotReplayed)
}

// Is makes errors.Is(err, ErrNotReplayed) true.
func (e *MismatchError) Is(target error) bool { return target == ErrNotReplayed }
