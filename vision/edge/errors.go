package edge

import "errors"

var (
	// ErrSettings is returned for settings that cannot be followed; the text says
	// which part. Mend it and set them again.
	ErrSettings = errors.New("settings cannot be followed")

	// ErrTime means that an answer to the question for the server's time is none.
	// See whether the address is that of a Vouch server.
	ErrTime = errors.New("the answer is not the server's time")
)
