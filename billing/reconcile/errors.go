package reconcile

import "errors"

var (
	// ErrUnknown means that no exception has that name.
	ErrUnknown = errors.New("no such exception")

	// ErrExplained means that an exception is closed already.
	ErrExplained = errors.New("explained already")
)
