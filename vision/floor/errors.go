package floor

import "errors"

var (
	// ErrAhead means that a sensor speaks of a time that has not come: its
	// clock is wrong. Set it, or measure its offset.
	ErrAhead = errors.New("reading of a time that has not come")

	// ErrConfig means that tracking, fusion and places do not fit together.
	// Correct the configuration.
	ErrConfig = errors.New("floor does not fit together")
)
