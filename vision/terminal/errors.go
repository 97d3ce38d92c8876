package terminal

import "errors"

var (
	// ErrNothing means that the reader said something that is no tap, as it may.
	ErrNothing = errors.New("no card")

	// ErrNumber means that a line may hold the number of a payment card. Have the
	// reader say the chip's UID, or the payment terminal its token of the card.
	ErrNumber = errors.New("the reader says what may be the number of a payment card")

	// ErrLine means that a line is no tap: noise, or the wrong speed of the line.
	ErrLine = errors.New("the reader says what is no card")

	// ErrKey means that a file holds no key of cards. Copy it from the shop's other
	// terminals: with another key all cards are strangers.
	ErrKey = errors.New("no key of cards")
)
