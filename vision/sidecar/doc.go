// Package sidecar holds the data that lies beside the pictures of a detection:
// what was seen where and how surely, and what a scale read meanwhile.
//
// A picture is kept as the camera took it. What a program saw in it is a piece of
// evidence of its own, with its own digest, which a page draws over the picture
// when somebody asks for it. So it can be checked, and a newer model can be asked
// about the same picture.
//
// Both forms are JSON. They come from devices: [ParseBoxes] and [ParseWeight] take
// nothing that is larger or stranger than a device of ours writes.
package sidecar

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxBytes bounds either form.
const MaxBytes = 256 << 10

// MediaType is what both are called in the event that names them.
const MediaType = "application/json"

// ErrForm means that bytes are not what they were announced as. The pictures
// are not touched by it: look at what the device writes.
var ErrForm = errors.New("not the data of a detection")

// parse reads one JSON value of a known form and nothing behind it.
func parse[T any](b []byte, check func(T) error) (T, error) {
	var v, none T
	if len(b) > MaxBytes {
		return none, fmt.Errorf("%w: %d bytes, at most %d are read", ErrForm, len(b), MaxBytes)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return none, fmt.Errorf("%w: %w", ErrForm, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return none, fmt.Errorf("%w: something follows", ErrForm)
	}
	if err := check(v); err != nil {
		return none, err
	}
	return v, nil
}
