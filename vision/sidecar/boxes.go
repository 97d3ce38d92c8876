package sidecar

import (
	"encoding/json"
	"fmt"
)

const (
	maxSide  = 16384
	maxBoxes = 256
	maxText  = 120
)

// Boxes is what was seen in the pictures of a detection.
type Boxes struct {
	Size   [2]int  `json:"size"`  // width and height of the pictures, in pixels
	Model  string  `json:"model"` // what decided, with every network that was asked
	Item   int     `json:"item"`  // how sure the detection is of the item, in thousandths
	Action int     `json:"action"`
	Frames []Frame `json:"frames"`
}

// A Frame is what was seen in one picture.
type Frame struct {
	Role  string `json:"role"` // of the picture: before, at, after
	Boxes []Box  `json:"boxes"`
}

// A Kind says what a box is about.
type Kind string

// The kinds of boxes.
const (
	KindPlace Kind = "place" // where the item stands or stood
	KindThing Kind = "thing" // what a network saw
	KindFace  Kind = "face"  // what is blurred in the shopper's copy
)

// A Box is one thing with its place in the picture.
type Box struct {
	Kind  Kind   `json:"kind"`
	Label string `json:"label"`
	Score int    `json:"score"` // in thousandths; 0 where nothing gives one
	Rect  [4]int `json:"rect"`  // left, top, width, height in pixels
}

// Marshal returns the stored form.
func (b Boxes) Marshal() ([]byte, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	return json.Marshal(b)
}

// ParseBoxes reads the stored form.
func ParseBoxes(b []byte) (Boxes, error) { return parse(b, Boxes.check) }

func (b Boxes) check() error {
	if b.Size[0] <= 0 || b.Size[1] <= 0 || b.Size[0] > maxSide || b.Size[1] > maxSide {
		return fmt.Errorf("%w: pictures of %dx%d", ErrForm, b.Size[0], b.Size[1])
	}
	if thousandths(b.Item) != nil || thousandths(b.Action) != nil || len(b.Model) > 2*maxText {
		return fmt.Errorf("%w: its confidences are %d and %d thousandths", ErrForm, b.Item, b.Action)
	}
	n := 0
	for _, f := range b.Frames {
		n += 1 + len(f.Boxes)
		if len(f.Role) > maxText || n > maxBoxes {
			return fmt.Errorf("%w: more than %d boxes, or a role of %d letters", ErrForm, maxBoxes, len(f.Role))
		}
		for _, x := range f.Boxes {
			if err := x.check(b.Size); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x Box) check(size [2]int) error {
	if x.Kind != KindPlace && x.Kind != KindThing && x.Kind != KindFace || len(x.Label) > maxText {
		return fmt.Errorf("%w: a box of kind %.20q", ErrForm, x.Kind)
	}
	for i := range 2 {
		if x.Rect[i] < 0 || x.Rect[i+2] <= 0 || x.Rect[i] > size[i] || x.Rect[i+2] > size[i]-x.Rect[i] {
			return fmt.Errorf("%w: box %v is not in a picture of %v", ErrForm, x.Rect, size)
		}
	}
	return thousandths(x.Score)
}

func thousandths(n int) error {
	if n < 0 || n > 1000 {
		return fmt.Errorf("%w: %d thousandths", ErrForm, n)
	}
	return nil
}
