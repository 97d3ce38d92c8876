package recognise

import "errors"

var (
	// ErrPicture is returned for bytes that are no JPEG or PNG, or that show
	// too little or too much; convert or cut the picture.
	ErrPicture = errors.New("not a picture to recognise by")
	// ErrCatalogue is returned for a catalogue that nothing can be learned
	// from: it needs two products with three pictures each.
	ErrCatalogue = errors.New("catalogue cannot be learned from")
	// ErrModel is returned for bytes that are no model of this program's:
	// altered, cut short, or from a newer version. Copy the file again, or
	// train a new one.
	ErrModel = errors.New("not a model file")
	// ErrShape is returned when a network gives another number of features
	// than the model was trained with; use the network that it names.
	ErrShape = errors.New("network does not fit the model")
)
