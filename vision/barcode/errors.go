package barcode

import "errors"

var (
	// ErrNoCode means that no code could be read. Hold the label flat, nearer
	// and out of the glare.
	ErrNoCode = errors.New("no bar code was read")

	// ErrPicture means that the picture is too small or too large to hold a
	// code. Use another camera setting.
	ErrPicture = errors.New("picture cannot hold a bar code")

	// ErrDigits means that a text is no number of a product: other length,
	// other characters, or a wrong check digit. Correct it.
	ErrDigits = errors.New("not the number of a product")
)
