package ledger

import (
	"errors"
	"fmt"
)

var (
	// ErrInvalid means that a draft, an id or a query is malformed. It is a
	// refusal: correct the input; nothing was written.
	ErrInvalid = errors.New("invalid")

	// ErrConflict means that another writer appended to the stream first, or
	// that the stream is not as the writer expected. Read again, decide again,
	// append again.
	ErrConflict = errors.New("stream has moved on")

	// ErrIDReused means that an event id is stored already with another body,
	// kind or stream. The producer has made an id twice: find out why; the
	// stored event stays.
	ErrIDReused = errors.New("event id is in use with other content")

	// ErrNotFound means that there is no such stream or event.
	ErrNotFound = errors.New("not found")

	// ErrUnknownKind means that an event was written by a newer program.
	// Stop: a fold that skips what it does not know bills what it did not see.
	ErrUnknownKind = errors.New("unknown event kind")

	// ErrCorrupt means that stored bytes are not what was written. Stop and
	// page someone; never repair.
	ErrCorrupt = errors.New("stored data is corrupt")

	// ErrClosed means that the log was closed, or stopped itself after a write
	// error. Nothing more is accepted; open it again.
	ErrClosed = errors.New("log is closed")

	// ErrUnavailable means that a log on another machine cannot be reached, or
	// did not answer in time. Nothing is wrong with what was asked. Try again:
	// an append that was on its way may be stored, and is recognised by its
	// ids.
	ErrUnavailable = errors.New("log is not available")
)

// A ConflictError says how far the stream had moved. It is an [ErrConflict].
type ConflictError struct {
	Stream StreamID
	Want   Expected // what the writer expected
	Next   uint64   // revision the next event of the stream will get; 0 means it does not exist
}

// Error says what was expected and what is there.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("stream %s: expected %s, next revision is %d: %v", e.Stream, e.Want, e.Next, ErrConflict)
}

// Is makes errors.Is(err, ErrConflict) true.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }
