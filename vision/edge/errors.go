package edge

import "errors"

// ErrSettings is returned for settings that cannot be followed; the text says
// which part. Mend it and set them again.
var ErrSettings = errors.New("settings cannot be followed")
