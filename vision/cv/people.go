//go:build opencv

package cv

// #include "people.h"
import "C"

import (
	"fmt"
	"image"
	"math"
	"unsafe"

	"gocv.io/x/gocv"
)

const (
	// mostPeople bounds what is found in one picture.
	mostPeople = 64
	// rimX and rimY are the shares of the detector's window that are left free
	// around a person on each side: it was trained on persons of 96 pixels in
	// windows of 64 x 128.
	rimX, rimY = 0.17, 0.11
	// hogSide is the width to which pictures are brought: a person is then
	// between the 96 pixels that the window needs and the picture's height.
	hogSide = 480
)

// People is OpenCV's own detector of upright persons: histograms of oriented
// gradients with its default classifier (Dalal and Triggs, "Histograms of
// Oriented Gradients for Human Detection", CVPR 2005). It needs no file.
type People struct{ hog unsafe.Pointer }

// NewPeople returns the detector.
func NewPeople() (*People, error) { return &People{C.vouch_people_new()}, nil }

// Label names the detector.
func (*People) Label() string { return PeopleLabel }

// Find returns the persons in a frame, the surest first.
func (p *People) Find(f *Frame) ([]Box, error) {
	small := gocv.NewMat()
	defer small.Close()
	k := float64(f.Width()) / hogSide
	w, h := hogSide, int(math.Round(float64(f.Height())/k))
	gocv.Resize(f.mat, &small, image.Pt(w, h), 0, 0, interpolation(f, w))
	bgr, err := small.DataPtrUint8()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrShape, err)
	}
	var rects [4 * mostPeople]C.int
	var weights [mostPeople]C.double
	n := int(C.vouch_people_find(p.hog, (*C.uchar)(unsafe.Pointer(&bgr[0])), C.int(w), C.int(h), &rects[0], &weights[0], mostPeople))
	if n < 0 {
		return nil, fmt.Errorf("%w: %d x %d", ErrShape, f.Width(), f.Height())
	}
	var found []Box
	for i := range n {
		x, y, w, h := float64(rects[4*i]), float64(rects[4*i+1]), float64(rects[4*i+2]), float64(rects[4*i+3])
		found = append(found, Box{
			Class: "person", Score: sureOf(float64(weights[i])),
			Rect: image.Rect(int(k*(x+rimX*w)), int(k*(y+rimY*h)), int(k*(x+w-rimX*w)), int(k*(y+h-rimY*h))),
		})
	}
	return suppressAbove(found, overlapLimit), nil
}

// sureOf turns a distance from the classifier's border, summed over the
// windows that agree, into a score from 0 to 1.
func sureOf(weight float64) float64 { return 1 / (1 + math.Exp(1.5-2.5*weight)) }

// Close gives the detector's memory back.
func (p *People) Close() error {
	C.vouch_people_free(p.hog)
	return nil
}
