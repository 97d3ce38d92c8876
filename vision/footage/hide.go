package footage

import (
	"image"
	"slices"

	"github.com/vouchledger/vouch/vision/blur"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/sidecar"
)

// FaceFinder finds faces in a frame; a network of package cv is one.
type FaceFinder interface {
	Find(f *cv.Frame) ([]cv.Box, error)
	Label() string
}

// Looker finds things in a part of a frame; a detector is one.
type Looker interface {
	DetectIn(f *cv.Frame, part image.Rectangle) ([]cv.Box, error)
	Label() string
}

const (
	// person is what common detectors call one.
	person = "person"
	// minPerson is from which score on somebody may be there.
	minPerson = 0.3
	// shadow is over how many frames of a clip before and after it something
	// stays hidden: a face that turns away is lost for some of them.
	shadow = 3
	// stride is in which frames of a clip persons are looked for; shadow covers
	// those between. A detector of things takes six times as long as one of faces.
	stride = 4
)

// hidden returns what of a frame is hidden, and as which boxes. bgr are the
// frame's bytes.
func (t *taking) hidden(f *cv.Frame, bgr []byte, persons Looker) (regions []image.Rectangle, boxes []sidecar.Box, err error) {
	size := image.Rect(0, 0, f.Width(), f.Height())
	var faces, bodies []image.Rectangle
	if t.Faces != nil {
		found, err := t.Faces.Find(f)
		if err != nil {
			return nil, nil, err
		}
		for _, b := range found {
			faces = append(faces, b.Rect)
			regions = append(regions, blur.Around(b.Rect))
			boxes = add(boxes, size, sidecar.KindFace, b.Class, b.Score, b.Rect)
		}
	}
	if persons != nil {
		found, err := persons.DetectIn(f, size)
		if err != nil {
			return nil, nil, err
		}
		for _, b := range found {
			if b.Class == person && b.Score >= minPerson {
				bodies = append(bodies, b.Rect)
			}
		}
		regions = append(regions, blur.Heads(bodies, faces)...)
	}
	if t.Faces == nil && t.Persons == nil && t.rest != nil {
		regions = blur.Moving(bgr, t.still(f.Width(), f.Height()), f.Width(), f.Height())
	}
	for _, r := range regions {
		if len(faces) == 0 {
			boxes = add(boxes, size, sidecar.KindFace, "hidden", 0, r)
		}
	}
	return regions, boxes, nil
}

// still returns the view before anybody came, as large as a frame.
func (t *taking) still(w, h int) []byte {
	if size := image.Pt(w, h); t.stillSize != size {
		rest := t.rest
		if rest.Width() != w || rest.Height() != h {
			rest = rest.Resize(w, h)
			defer rest.Close()
		}
		t.stillBGR, t.stillSize = rest.BGR(), size
	}
	return t.stillBGR
}

// add appends a box as far as it lies in the picture.
func add(all []sidecar.Box, size image.Rectangle, kind sidecar.Kind, label string, score float64, r image.Rectangle) []sidecar.Box {
	if r = r.Intersect(size); r.Empty() {
		return all
	}
	return append(all, sidecar.Box{
		Kind: kind, Label: label, Score: int(1000 * max(0, min(1, score))), Rect: [4]int{r.Min.X, r.Min.Y, r.Dx(), r.Dy()},
	})
}

// around joins what is hidden in the frames beside each.
func around(each [][]image.Rectangle) [][]image.Rectangle {
	all := make([][]image.Rectangle, len(each))
	for i := range each {
		all[i] = slices.Concat(each[max(0, i-shadow):min(len(each), i+shadow+1)]...)
	}
	return all
}
