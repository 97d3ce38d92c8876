package persons

import (
	"cmp"
	"fmt"
	"image"
	"slices"

	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/mount"
	"github.com/vouchledger/vouch/vision/track"
)

// person is what detectors of things call one.
const person = "person"

// A Shaped knows a person's shape in a single picture: OpenCV's people
// detector or a network of package cv.
type Shaped interface {
	// Find returns boxes of classes in a frame, the surest first.
	Find(f *cv.Frame) ([]cv.Box, error)
	Label() string
}

// A Network is a detector of things as a Shaped.
type Network struct{ *cv.Detector }

// Find implements Shaped.
func (n Network) Find(f *cv.Frame) ([]cv.Box, error) { return n.Detect(f) }

// Config says how persons are looked for in a camera's pictures.
type Config struct {
	Width, Height int
	Rate          float64      // pictures a second
	Mount         *mount.Mount // nil where nobody measured the floor
	Still         bool         // only shapes count, not what differs from the empty shop
	Shaped        Shaped       // nil: only what differs counts
	// Every is in which pictures shapes are looked for, as they cost more: 1 in
	// each. 0 for 1 where they alone count and else for 5.
	Every int
	// Least is from which score on a shape that nothing else confirms counts.
	// 0 for 0.55.
	Least float64
}

// Joined finds persons in a camera's frames. It is a
// track.Detector[*cv.Frame].
type Joined struct {
	config Config
	moving *Moving
	n      int
	shapes []shape // as found last; later those that nothing confirmed
}

// A shape is a box that only its shape speaks for.
type shape struct {
	rect  image.Rectangle
	score float64
}

// New returns a detector for one camera.
func New(c Config) (*Joined, error) {
	j := &Joined{config: c}
	if c.Least == 0 {
		j.config.Least = 0.55
	}
	switch {
	case c.Still && c.Shaped == nil:
		return nil, fmt.Errorf("%w: nothing to look with", ErrConfig)
	case c.Every < 0 || c.Least < 0 || c.Least > 1:
		return nil, fmt.Errorf("%w: every %d, least %v", ErrConfig, c.Every, c.Least)
	case c.Every == 0 && c.Still:
		j.config.Every = 1
	case c.Every == 0:
		j.config.Every = 5
	}
	if c.Still {
		return j, nil
	}
	var err error
	j.moving, err = NewMoving(c.Width, c.Height, c.Rate, c.Mount)
	return j, err
}

// Label names what looks, to be recorded with what follows from it.
func (j *Joined) Label() string {
	label := ""
	if j.moving != nil {
		label = Label
	}
	if j.config.Shaped != nil {
		if label != "" {
			label += " "
		}
		label += j.config.Shaped.Label()
	}
	return label
}

// Label names this package's own detector.
const Label = "vouch-persons/1"

// People implements track.Detector.
func (j *Joined) People(f *cv.Frame) ([]track.Box, error) {
	bgr := f.BGR()
	var boxes []track.Box
	if j.moving != nil {
		var err error
		if boxes, err = j.moving.People(Picture{bgr, f.Width(), f.Height()}); err != nil {
			return nil, err
		}
	}
	if j.config.Shaped == nil {
		return boxes, nil
	}
	if j.n%j.config.Every == 0 {
		if err := j.look(f); err != nil {
			return nil, err
		}
	}
	j.n++
	return j.join(boxes, bgr, f.Width(), f.Height())
}

// look asks for shapes.
func (j *Joined) look(f *cv.Frame) error {
	found, err := j.config.Shaped.Find(f)
	if err != nil {
		return err
	}
	j.shapes = nil
	for _, b := range found {
		if b.Class == person {
			j.shapes = append(j.shapes, shape{b.Rect, b.Score})
		}
	}
	return nil
}

const (
	// same is from which overlap on two boxes are one person, and within what
	// share of the smaller one has to lie in the other.
	same, within = 0.35, 0.65
)

// join adds shapes to what moves: one that is there already makes it surer,
// another one is somebody who has not moved since the camera was switched on.
func (j *Joined) join(boxes []track.Box, bgr []byte, w, h int) ([]track.Box, error) {
	all := image.Rect(0, 0, w, h)
	own := len(boxes)
	var still []shape
	for _, s := range j.shapes {
		r := s.rect.Intersect(all)
		i := slices.IndexFunc(boxes, func(b track.Box) bool { return one(b.Rect, r) })
		switch {
		case i >= 0 && i < own:
			boxes[i].Score = max(boxes[i].Score, 1-(1-boxes[i].Score)*(1-s.score))
		case i >= 0 || s.score < j.config.Least || r.Empty():
		default:
			still = append(still, s)
			look, err := track.Colours(bgr, w, h, r)
			if err != nil {
				return nil, err
			}
			boxes = append(boxes, track.Box{Rect: r, Score: s.score, Look: look, Foot: j.foot(r, h)})
		}
	}
	j.shapes = still // who moves is somewhere else in the next picture
	slices.SortStableFunc(boxes, func(a, b track.Box) int { return cmp.Compare(b.Score, a.Score) })
	return boxes, nil
}

// foot returns where somebody stands whose feet are not to be seen, because
// others or the picture's edge hide them; zero where they are.
func (j *Joined) foot(r image.Rectangle, height int) track.Point {
	if j.config.Mount == nil {
		return track.Point{}
	}
	feet := image.Rect(r.Min.X, r.Max.Y-r.Dy()/4, r.Max.X, r.Max.Y)
	hidden := r.Max.Y >= height-2 || slices.ContainsFunc(j.shapes, func(o shape) bool {
		return o.rect != r && o.rect.Max.Y > r.Max.Y && area(o.rect.Intersect(feet)) > area(feet)/3
	})
	if !hidden {
		return track.Point{}
	}
	p, _ := j.config.Mount.UnderHead(track.Point{X: float64(r.Min.X+r.Max.X) / 2, Y: float64(r.Min.Y)})
	return p
}

func one(a, b image.Rectangle) bool {
	in := area(a.Intersect(b))
	return in > same*(area(a)+area(b)-in) || in > within*min(area(a), area(b))
}

func area(r image.Rectangle) float64 { return float64(r.Dx()) * float64(r.Dy()) }
