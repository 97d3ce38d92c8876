package persons

import (
	"cmp"
	"fmt"
	"image"
	"slices"

	"github.com/vouchledger/vouch/vision/mount"
	"github.com/vouchledger/vouch/vision/track"
)

// A Picture is one picture of a camera: packed bytes blue, green, red.
type Picture struct {
	BGR           []byte
	Width, Height int
}

// Moving finds who differs from the empty shop. It is a
// track.Detector[Picture] and remembers what it saw: one for each camera, its
// pictures in order.
type Moving struct {
	width, height int
	ground        *ground
	explanation   *explanation // nil without a mount
	person        []bool
}

// NewMoving returns a detector for a camera's pictures, which come rate times
// a second. m may be nil where nobody measured the floor.
func NewMoving(width, height int, rate float64, m *mount.Mount) (*Moving, error) {
	if width < 16 || height < 16 || !(rate > 0) {
		return nil, fmt.Errorf("%w: %d x %d at %v a second", ErrConfig, width, height, rate)
	}
	v := &Moving{width: width, height: height, ground: newGround(width, height, rate)}
	v.person = make([]bool, v.ground.w*v.ground.h)
	if m == nil || !m.Standing() {
		return v, nil
	}
	if err := m.CheckSize(width, height); err != nil {
		return nil, err
	}
	all := stands(m, v.ground.w, v.ground.h, v.ground.k)
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: nobody who stands on the measured floor would be in the picture", ErrConfig)
	}
	v.explanation = newExplanation(v.ground.w, v.ground.h, all)
	return v, nil
}

// People implements track.Detector.
func (v *Moving) People(p Picture) ([]track.Box, error) {
	if p.Width != v.width || p.Height != v.height || len(p.BGR) != 3*p.Width*p.Height {
		return nil, fmt.Errorf("%w: %d bytes, %d x %d; want %d x %d", ErrPicture, len(p.BGR), p.Width, p.Height, v.width, v.height)
	}
	g := v.ground
	g.look(p.BGR, p.Width)
	clear(v.person)
	var boxes []track.Box
	add := func(r image.Rectangle, score float64) error {
		r = r.Intersect(image.Rect(0, 0, v.width, v.height))
		look, err := track.Colours(p.BGR, p.Width, p.Height, r)
		boxes = append(boxes, track.Box{Rect: r, Score: min(0.99, score), Look: look})
		return err
	}
	for _, f := range v.find() {
		if g.exorcise(f.pixels) {
			continue
		}
		for _, i := range f.pixels {
			v.person[i] = true
		}
		if err := add(f.box, f.score); err != nil {
			return nil, err
		}
	}
	g.learn(v.person)
	slices.SortStableFunc(boxes, func(a, b track.Box) int { return cmp.Compare(b.Score, a.Score) })
	return boxes, nil
}

// A somebody is a box with the pixels of the small picture that speak for it.
type somebody struct {
	box    image.Rectangle
	score  float64
	pixels []int
}

// find returns who differs from the empty shop.
func (v *Moving) find() []somebody {
	if v.explanation == nil {
		return v.ground.regions()
	}
	var all []somebody
	for _, f := range v.explanation.explain(v.ground.mask) {
		all = append(all, somebody{
			box: v.explanation.box(f.stand, v.ground.mask, v.ground.k), score: 0.4 + f.sure, pixels: v.explanation.pixels(f.stand),
		})
	}
	return all
}
