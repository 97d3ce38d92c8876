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
	above         bool         // the camera looks straight down
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
	v.explanation, v.above = newExplanation(v.ground.w, v.ground.h, all), m.Above
	return v, nil
}

// Likeness is what looks by the person's own pixels, with a mount, showed in
// drawn shops within one camera and across: persons are drawn in plainer
// clothes than people wear, so others are said to be more alike than they were.
var Likeness = track.Likeness{SameMean: 0.82, SameSpread: 0.16, OtherMean: 0.5, OtherSpread: 0.2}

// People implements track.Detector.
func (v *Moving) People(p Picture) ([]track.Box, error) {
	if p.Width != v.width || p.Height != v.height || len(p.BGR) != 3*p.Width*p.Height {
		return nil, fmt.Errorf("%w: %d bytes, %d x %d; want %d x %d", ErrPicture, len(p.BGR), p.Width, p.Height, v.width, v.height)
	}
	g := v.ground
	g.look(p.BGR, p.Width)
	clear(v.person)
	var boxes []track.Box
	all := image.Rect(0, 0, v.width, v.height)
	for _, f := range v.find() {
		if g.exorcise(f.pixels) {
			continue
		}
		for _, i := range f.pixels {
			v.person[i] = true
		}
		r := f.box.Intersect(all)
		look, err := v.look(p, r, f)
		if err != nil {
			return nil, err
		}
		boxes = append(boxes, track.Box{Rect: r, Score: min(surest, f.score), Look: look, Foot: f.foot, Hands: f.hands})
	}
	g.spread(v.person)
	g.learn(v.person)
	slices.SortStableFunc(boxes, func(a, b track.Box) int { return cmp.Compare(b.Score, a.Score) })
	return boxes, nil
}

// A somebody is a box with the pixels of the small picture that speak for it.
type somebody struct {
	box    image.Rectangle
	score  float64
	pixels []int
	foot   track.Point   // zero if it is not known
	stand  *stand        // nil without a mount
	hands  []track.Point // nil unless seen from above
}

// surest is the highest score: what moves may be something else.
const surest = 0.99

// find returns who differs from the empty shop.
func (v *Moving) find() []somebody {
	if v.explanation == nil {
		return v.ground.regions()
	}
	var all []somebody
	persons := v.explanation.explain(v.ground.mask)
	hands := make([][]track.Point, len(persons))
	if v.above {
		hands = v.explanation.hands(persons, v.ground.mask, v.ground.k)
	}
	for i, f := range persons {
		all = append(all, somebody{
			box: v.explanation.box(f.stand, v.ground.mask, v.ground.k), score: 0.4 + f.sure, pixels: v.explanation.pixels(f.stand),
			foot: f.foot, stand: f.stand, hands: hands[i],
		})
	}
	return all
}

// look returns what somebody looks like, by the pixels that are theirs.
func (v *Moving) look(p Picture, r image.Rectangle, s somebody) (track.Look, error) {
	if s.stand == nil {
		return track.Colours(p.BGR, p.Width, p.Height, r)
	}
	g := v.ground
	own := make(map[int]bool, len(s.pixels))
	for _, i := range s.pixels {
		own[i] = g.mask[i] == solid && v.explanation.by[i] == 1
	}
	return track.ColoursBy(p.BGR, p.Width, p.Height, r, func(x, y int) int {
		if x/g.k >= g.w || y/g.k >= g.h || !own[y/g.k*g.w+x/g.k] {
			return -1
		}
		return s.stand.band(x, y)
	})
}
