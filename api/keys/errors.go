package keys

import "errors"

var (
	// ErrNoKey means that the text is no key, names none, or has the wrong
	// secret. Which of these it was is never said; sign in with another key.
	ErrNoKey = errors.New("no such key")

	// ErrRevoked means that the key was valid once. Make a new one.
	ErrRevoked = errors.New("key is revoked")

	// ErrInvalid means that a key cannot be made as asked. Correct the role or
	// what it is bound to.
	ErrInvalid = errors.New("invalid key")

	// ErrCorrupt means that keys.json is not what this program wrote. Restore
	// it from a backup or move it away and make new keys.
	ErrCorrupt = errors.New("key file is damaged")
)
