//go:build opencv

package cv

/*
#include <stdlib.h>
#include "faces.h"
*/
import "C"

import (
	"fmt"
	"image"
	"os"
	"strings"
	"unsafe"

	"gocv.io/x/gocv"
)

const (
	// minFace is from which score on something counts as a face. It is low: a
	// lamp that is blurred costs nothing, a face that is not does.
	minFace = 0.4
	// faceOverlap is above which two boxes are the same face.
	faceOverlap = 0.4
)

// A faceNet is what is fixed about a kind of network.
type faceNet struct {
	w, h  int
	scale float64
	mean  gocv.Scalar
	swap  bool // it wants red, green, blue
}

var (
	// ultraLight is RFB-320 of Linzaer: scores and corners of 4,420 places.
	ultraLight = faceNet{320, 240, 1 / 128.0, gocv.NewScalar(127, 127, 127, 0), true}
	// res10 is OpenCV's own: rows of class, score and corners.
	res10 = faceNet{300, 300, 1, gocv.NewScalar(104, 177, 123, 0), false}
)

// Faces finds faces in frames.
type Faces struct {
	kind  faceNet
	net   gocv.Net
	outs  []string
	rows  bool // res10's form
	label string
}

// NewFaces loads a network of the form of RFB-320 (one .onnx) or of res10 (a .pb
// with its .pbtxt) and tries it once.
func NewFaces(m FaceModel) (*Faces, error) {
	f := &Faces{kind: ultraLight, label: base(m.Weights)}
	files := []string{m.Weights}
	if m.Config != "" {
		f.kind, f.rows = res10, true
		files = append(files, m.Config)
	}
	for _, file := range files {
		if _, err := os.Stat(file); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrModel, err)
		}
	}
	if err := f.try(m); err != nil {
		return nil, err
	}
	f.net = gocv.ReadNet(m.Weights, m.Config)
	layers := f.net.GetLayerNames()
	for _, id := range f.net.GetUnconnectedOutLayers() {
		f.outs = append(f.outs, layers[id-1])
	}
	return f, nil
}

// try loads the network once under a C++ catch and looks at its outputs.
func (f *Faces) try(m FaceModel) error {
	model, config := C.CString(m.Weights), C.CString(m.Config)
	defer C.free(unsafe.Pointer(model))
	defer C.free(unsafe.Pointer(config))
	text := (*C.char)(C.calloc(errText, 1))
	defer C.free(unsafe.Pointer(text))
	sizes := [3]C.long{-1, -1, -1}
	if C.vouch_try_face(model, config, C.int(f.kind.w), C.int(f.kind.h), &sizes[0], 3, text, errText) != 0 {
		return fmt.Errorf("%w: %s: %s", ErrModel, m.Weights, strings.TrimSpace(C.GoString(text)))
	}
	ok := sizes[1] == -1 && sizes[0] > 0 && sizes[0]%7 == 0
	if !f.rows {
		small, large := min(sizes[0], sizes[1]), max(sizes[0], sizes[1])
		ok = small > 0 && large == 2*small && small%2 == 0 && sizes[2] == -1
	}
	if !ok {
		return fmt.Errorf("%w: %s has outputs of %v values, as no face network of a form that is known", ErrModel, m.Weights, sizes)
	}
	return nil
}

// Label returns the file name of the network, to be recorded with what was
// blurred.
func (f *Faces) Label() string { return f.label }

// Close gives the network's memory back.
func (f *Faces) Close() error { return f.net.Close() }

// Find returns the faces in a frame, the surest first.
func (f *Faces) Find(frame *Frame) ([]Box, error) {
	blob := gocv.BlobFromImage(frame.mat, f.kind.scale, image.Pt(f.kind.w, f.kind.h), f.kind.mean, f.kind.swap, false)
	defer blob.Close()
	f.net.SetInput(blob, "")
	outs := f.net.ForwardLayers(f.outs)
	values := make([][]float32, len(outs))
	for i := range outs {
		defer outs[i].Close() //nolint:gocritic // two or three of them
		v, err := outs[i].DataPtrFloat32()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrModel, err)
		}
		values[i] = v
	}
	var found []Box
	add := func(score float32, c []float32) {
		if score < minFace {
			return
		}
		at := func(i, size int) int { return int(max(0, min(1, c[i])) * float32(size)) }
		w, h := frame.Width(), frame.Height()
		if r := image.Rect(at(0, w), at(1, h), at(2, w), at(3, h)); !r.Empty() {
			found = append(found, Box{Class: "face", Score: float64(score), Rect: r})
		}
	}
	if f.rows {
		for v := values[0]; len(v) >= 7; v = v[7:] {
			add(v[2], v[3:7])
		}
	} else {
		scores, corners := values[0], values[1]
		if len(scores) > len(corners) {
			scores, corners = corners, scores
		}
		for i := range len(scores) / 2 {
			add(scores[2*i+1], corners[4*i:4*i+4])
		}
	}
	return suppressAbove(found, faceOverlap), nil
}

// suppressAbove keeps the surest of boxes that cover each other by more than a
// share.
func suppressAbove(boxes []Box, share float64) []Box {
	var kept []Box
	for len(boxes) > 0 {
		best := 0
		for i, b := range boxes {
			if b.Score > boxes[best].Score {
				best = i
			}
		}
		top := boxes[best]
		kept = append(kept, top)
		rest := boxes[:0:0]
		for i, b := range boxes {
			if i != best && overlap(b.Rect, top.Rect) <= share {
				rest = append(rest, b)
			}
		}
		boxes = rest
	}
	return kept
}
