package evidence

import (
	"errors"
	"fmt"

	"github.com/vouchledger/vouch/ledger"
)

var (
	// ErrMismatch means that the bytes given do not have the digest they were
	// announced under. Nothing was stored: the sender read a damaged file or
	// sent another one; take the digest of what you send and send again.
	ErrMismatch = errors.New("bytes do not match their digest")

	// ErrTooLarge means that an object is larger than the store takes. Nothing
	// was stored: send a shorter clip, or raise the limit of the store.
	ErrTooLarge = errors.New("evidence is too large")

	// ErrOffset means that a part of an upload does not follow what is there, or
	// is not as long as announced. Nothing was stored: ask how far the upload is
	// and go on from there.
	ErrOffset = errors.New("the part does not follow what is there")

	// ErrEmpty means that an object without bytes was given. Nothing shows
	// nothing: find out why the sensor wrote an empty file.
	ErrEmpty = errors.New("evidence has no bytes")

	// ErrMissing means that no object has this digest. It may not have been
	// sent yet; if an event names it for long, the edge's outbox is stuck.
	ErrMissing = errors.New("evidence is missing")

	// ErrAltered means that stored bytes no longer have the digest they were
	// stored under. Stop trusting the disk; the event still says what was
	// there. It is a [ledger.ErrCorrupt].
	ErrAltered = fmt.Errorf("evidence was altered: %w", ledger.ErrCorrupt)

	// ErrExpired means that the key of the visit was destroyed: the time for
	// which its evidence is kept is over. Nothing brings it back.
	ErrExpired = errors.New("evidence has expired")

	// ErrNoKey means that an object is there and its key is not, though nobody
	// destroyed it. The folder of keys is the wrong one, or lost a file: restore
	// it from a backup. It is a [ledger.ErrCorrupt].
	ErrNoKey = fmt.Errorf("the key of evidence is missing: %w", ledger.ErrCorrupt)
)

// A MismatchError says which digest the bytes have. It is an [ErrMismatch].
type MismatchError struct {
	Want, Got ledger.Digest
}

// Error names both digests.
func (e *MismatchError) Error() string {
	return fmt.Sprintf("evidence %s: %v: they have %s", e.Want, ErrMismatch, e.Got)
}

// Is makes errors.Is(err, ErrMismatch) true.
func (e *MismatchError) Is(target error) bool { return target == ErrMismatch }
