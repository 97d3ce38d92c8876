package outbox

import (
	"errors"
	"fmt"

	"github.com/vouchledger/vouch/ledger"
)

var (
	// ErrItem means that a message cannot be sent as it is: no id, no path, or
	// both a body and a file. Correct the caller.
	ErrItem = errors.New("message cannot be sent")

	// ErrFull means that the queue has reached its limit because the server has
	// not answered for long. The message was not taken: mend the line, or give
	// the outbox more room.
	ErrFull = errors.New("outbox is full")

	// ErrInUse means that another process uses this folder. Give each edge
	// process a folder of its own.
	ErrInUse = errors.New("outbox is used by another process")

	// ErrSealed means that messages lie encrypted to a key that is not the one
	// given. Nothing is lost: give the key that they were put with.
	ErrSealed = errors.New("messages are sealed")

	// errParts means that the server does not take an upload part by part. It is
	// tried again later, from where the server then is.
	errParts = errors.New("the upload does not go on")

	// ErrDamaged means that a stored message is not what was put. It is moved
	// to the dead letters. It is a [ledger.ErrCorrupt].
	ErrDamaged = fmt.Errorf("stored message is damaged: %w", ledger.ErrCorrupt)
)
