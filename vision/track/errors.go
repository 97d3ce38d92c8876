package track

import "errors"

var (
	// ErrHomography means that the points given do not say how a picture lies
	// on the floor: fewer than four, or three of them on a line. Measure
	// again.
	ErrHomography = errors.New("points do not fix the floor")

	// ErrCamera means that a frame comes from a camera that was not declared.
	// Correct the configuration.
	ErrCamera = errors.New("unknown camera")

	// ErrConfig means that a setting is outside its bounds. Correct it.
	ErrConfig = errors.New("setting out of bounds")

	// ErrLook means that the pixels given are not those of a picture of that
	// size. Give width times height times three bytes.
	ErrLook = errors.New("pixels do not fit the picture")
)
