package persons

import "errors"

var (
	// ErrPicture is returned for bytes that are no picture of the size they
	// were announced with.
	ErrPicture = errors.New("not a picture of this camera")
	// ErrConfig is returned for a detector that cannot be made as asked for.
	ErrConfig = errors.New("no detector of persons")
)
