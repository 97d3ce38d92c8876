package stripesim

import (
	"errors"

	"github.com/vouchledger/vouch/billing/stripesim/account"
)

var (
	// ErrConfig means that a Config cannot work. Correct it; nothing was
	// opened.
	ErrConfig = errors.New("simulator configuration")

	// ErrCorrupt means that the journal file is damaged before its last line.
	// A torn last line is cut; this is something else. Restore the file.
	ErrCorrupt = errors.New("damaged simulator journal")

	// ErrNotFound means that a control named an object that is not there.
	ErrNotFound = account.ErrNotFound

	// ErrState means that a control asked for what the object's state, or the
	// account's, does not allow. Nothing was changed.
	ErrState = account.ErrState

	// ErrClock means that the clock was to be set back. Times of objects would
	// run backwards; start a new simulator instead.
	ErrClock = errors.New("clock cannot go back")
)
