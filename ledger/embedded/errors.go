package embedded

import (
	"errors"
	"fmt"
	"strings"

	"github.com/vouchledger/vouch/ledger"
)

var (
	// ErrLocked means that another process writes to this folder. Stop it, or
	// open the folder read-only.
	ErrLocked = errors.New("the log is in use")

	// ErrReadOnly means that a log that was opened read-only was asked to
	// append. Append through the process that has it open for writing.
	ErrReadOnly = errors.New("the log is open read-only")

	// ErrFull means that the log has as many events as this format can count.
	// Start a further log.
	ErrFull = errors.New("the log holds as many events as it can")
)

// A DamageError says which stored bytes are not what was written, or what is
// missing. It is a [ledger.ErrCorrupt]: nothing was changed, and nothing will
// be repaired. Keep the folder as it is and restore the file from a backup.
type DamageError struct {
	File     string          // name within the folder
	Offset   int64           // where in the file; 0 where the whole file is meant
	Position uint64          // of the first event concerned; 0 where unknown
	Stream   ledger.StreamID // of that event as far as it can be read; may be empty
	Reason   string
}

// Error names the place, the reason and what to do.
func (e *DamageError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, byte %d", e.File, e.Offset)
	if e.Position > 0 {
		fmt.Fprintf(&b, ", position %d", e.Position)
	}
	if e.Stream != "" {
		fmt.Fprintf(&b, ", stream %s", e.Stream)
	}
	fmt.Fprintf(&b, ": %v: %s; nothing was changed: keep the folder and restore this file from a backup",
		ledger.ErrCorrupt, e.Reason)
	return b.String()
}

// Is makes errors.Is(err, ledger.ErrCorrupt) true.
func (e *DamageError) Is(target error) bool { return target == ledger.ErrCorrupt }
