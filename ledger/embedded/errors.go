package embedded

import (
	"errors"

	"github.com/vouchledger/vouch/ledger/internal/damage"
	"github.com/vouchledger/vouch/ledger/internal/frame"
)

var (
	// ErrLocked means that another process writes to this folder. Stop it, or
	// open the folder read-only.
	ErrLocked = errors.New("the log is in use")

	// ErrReadOnly means that a log that was opened read-only was asked to
	// append. Append through the process that has it open for writing.
	ErrReadOnly = errors.New("the log is open read-only")

	// ErrFormat means that the folder holds a log in another format of files.
	// Use the program that wrote it, or export and import.
	ErrFormat = frame.ErrFormat
)

// A DamageError says which stored bytes are not what was written, or what is
// missing. It is a [ledger.ErrCorrupt]: nothing was changed, and nothing will
// be repaired. Keep the folder as it is and restore the file from a backup.
type DamageError = damage.Error
