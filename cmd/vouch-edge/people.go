package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/vouchledger/vouch/vision/cv"
	visionedge "github.com/vouchledger/vouch/vision/edge"
	"github.com/vouchledger/vouch/vision/edge/host"
	"github.com/vouchledger/vouch/vision/mount"
	"github.com/vouchledger/vouch/vision/persons"
)

// people finds persons by what a camera's settings ask for.
type people struct {
	*persons.Joined
	shapes interface{ Close() error } // nil if none are looked for
}

// Close gives the detector's memory back.
func (p people) Close() error {
	if p.shapes == nil {
		return nil
	}
	return p.shapes.Close()
}

// openPeople opens what finds persons in the pictures of a camera of `run`.
func openPeople(c visionedge.Camera, detector string, m *mount.Mount, rate float64) (host.People, error) {
	p, err := openPersons(c.Persons, detector, m, m.Width, m.Height, rate)
	if err != nil {
		return nil, err // not a People that is nil
	}
	return p, nil
}

// openPersons opens what finds persons: by what moves and, unless the camera
// looks straight down, by OpenCV's own detector too, if nobody says else. m may
// be nil.
func openPersons(how visionedge.Persons, detector string, m *mount.Mount, width, height int, rate float64) (people, error) {
	if how == "" {
		how = visionedge.PersonsBoth
		if m != nil && m.Above && detector == "" {
			how = visionedge.PersonsMove // from straight above nobody has the shape that it knows
		}
	}
	cfg := persons.Config{Width: width, Height: height, Rate: rate, Mount: m, Still: how == visionedge.PersonsShape}
	var p people
	switch {
	case !slices.Contains([]visionedge.Persons{visionedge.PersonsMove, visionedge.PersonsShape, visionedge.PersonsBoth}, how):
		return p, fmt.Errorf("%w: persons %q, want moving, shapes or both", errUsage, how)
	case how == visionedge.PersonsMove:
	case detector != "":
		d, err := loadDetector(cv.Model{}, detector)
		if err != nil {
			return p, err
		}
		cfg.Shaped, p.shapes = persons.Network{Detector: d}, d
	default:
		d, err := cv.NewPeople()
		if err != nil {
			return p, err
		}
		cfg.Shaped, p.shapes = d, d
	}
	j, err := persons.New(cfg)
	if err != nil {
		return p, errors.Join(err, p.Close())
	}
	p.Joined = j
	return p, nil
}
