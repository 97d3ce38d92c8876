package render

import "errors"

var (
	// ErrScenario means that a scenario cannot be drawn: it names a slot or a
	// product that is not there, takes from an empty slot, or two hands would
	// be at one slot at once. Correct the line named.
	ErrScenario = errors.New("scenario cannot be drawn")

	// ErrSize means that pictures of this size cannot be drawn. Both sides must
	// be even and the width 160 to 1920.
	ErrSize = errors.New("size cannot be drawn")
)
