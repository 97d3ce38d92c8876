package qr

import "errors"

var (
	// ErrNoCode means that no code could be read in the picture. Try the next
	// frame, or ask the shopper to hold the phone still and nearer.
	ErrNoCode = errors.New("no QR code can be read")

	// ErrPicture means that the picture has no pixels, or so many that no camera
	// gives them. Check where it comes from.
	ErrPicture = errors.New("not a usable picture")

	// ErrText means that a text cannot be put into a QR code: it is empty or too
	// long. Shorten it.
	ErrText = errors.New("text does not fit into a QR code")
)
