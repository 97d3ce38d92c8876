package runner

import "errors"

var (
	// ErrStopped means that the runner does not run any more, so that what was
	// waited for will not come. Start it again, or give up.
	ErrStopped = errors.New("runner has stopped")

	// ErrRunning means that Run was called while it runs.
	ErrRunning = errors.New("runner runs already")

	// errDiscard means that a checkpoint is of no use.
	errDiscard = errors.New("checkpoint is not usable")
)
