package clip

import "errors"

var (
	// ErrCannotEncode means that a clip cannot be encoded; check that libavcodec
	// has libx264, as Debian's does.
	ErrCannotEncode = errors.New("cannot encode the clip")
	// ErrShape means that a frame has another size than its clip, or that no clip
	// can have the size; this is a fault of the caller.
	ErrShape = errors.New("frame does not fit the clip")
)
