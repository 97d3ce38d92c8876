// Package damage names stored bytes that are not what was written.
//
// The one idea: whoever finds damage says which file, where in it, which event
// and which stream, in one form, so that an operator can restore one file and
// knows whom it concerns. Nothing here repairs anything.
package damage

import (
	"fmt"
	"strings"

	"github.com/vouchledger/vouch/ledger"
)

// An Error says which stored bytes are not what was written, or what is
// missing. It is a [ledger.ErrCorrupt]: nothing was changed, and nothing will
// be repaired. Keep the folder as it is and restore the file from a backup.
type Error struct {
	File     string          // name within the folder
	Offset   int64           // where in the file; 0 where the whole file is meant
	Position uint64          // of the first event concerned; 0 where unknown
	Stream   ledger.StreamID // of that event as far as it can be read; may be empty
	Reason   string
}

// Error names the place, the reason and what to do.
func (e *Error) Error() string {
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
func (e *Error) Is(target error) bool { return target == ledger.ErrCorrupt }
