package main

import (
	"errors"

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

// openPeople opens what finds persons in a camera's pictures: what moves and,
// unless it looks straight down, OpenCV's own detector, if nobody says else.
func openPeople(c visionedge.Camera, detector string, m *mount.Mount, rate float64) (host.People, error) {
	how := c.Persons
	if how == "" {
		how = visionedge.PersonsBoth
		if m.Above && detector == "" {
			how = visionedge.PersonsMove // from straight above nobody has the shape that it knows
		}
	}
	cfg := persons.Config{Width: m.Width, Height: m.Height, Rate: rate, Mount: m, Still: how == visionedge.PersonsShape}
	var p people
	switch {
	case how == visionedge.PersonsMove:
	case detector != "":
		d, err := loadDetector(cv.Model{}, detector)
		if err != nil {
			return nil, err
		}
		cfg.Shaped, p.shapes = persons.Network{Detector: d}, d
	default:
		d, err := cv.NewPeople()
		if err != nil {
			return nil, err
		}
		cfg.Shaped, p.shapes = d, d
	}
	j, err := persons.New(cfg)
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	p.Joined = j
	return p, nil
}
