package gate

import (
	"errors"
	"fmt"
)

var (
	// ErrNoAnswer means that the server did not decide in time. The gate stays
	// shut. Ask again with the same id, or send the shopper to staff; see
	// whether the server can be reached.
	ErrNoAnswer = errors.New("the server did not decide in time")

	// ErrRequest means that the server does not take such a request, whoever
	// stands at the gate: a wrong key, address or setting. Mend the setting.
	ErrRequest = errors.New("the server does not take the request")

	// ErrInUse means that another process keeps the folder of a gate. One gate has
	// one process: end the other, or name another folder.
	ErrInUse = errors.New("another process uses the gate's folder")

	// ErrCap means that a gate that is cut off may let nobody in by itself any
	// more. Staff checks who comes, until the server can be reached again.
	ErrCap = errors.New("the gate is cut off and may let nobody in by itself")

	// ErrNoCode means that the pictures ended without a code. Hold the phone
	// still, nearer, and brighter.
	ErrNoCode = errors.New("no code was seen")
)

// A ProblemError is what a server said against a request. It is an
// [ErrRequest].
type ProblemError struct {
	Status int
	Title  string
	Detail string
}

// Error gives the server's words.
func (e *ProblemError) Error() string {
	s := fmt.Sprintf("%v: %d %s", ErrRequest, e.Status, e.Title)
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Is makes errors.Is(err, ErrRequest) true.
func (e *ProblemError) Is(target error) bool { return target == ErrRequest }
