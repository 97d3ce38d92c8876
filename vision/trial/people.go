package trial

import (
	"github.com/vouchledger/vouch/vision/mount"
	"github.com/vouchledger/vouch/vision/persons"
	"github.com/vouchledger/vouch/vision/render/shop"
	"github.com/vouchledger/vouch/vision/render/view"
	"github.com/vouchledger/vouch/vision/track"
)

// mounted is how a camera of the stage hangs, as its installer measured it.
func mounted(stage *shop.Stage, c shop.Camera) (*mount.Mount, error) {
	text, err := stage.FloorFile(c)
	if err != nil {
		return nil, err
	}
	return mount.Parse(text)
}

// watchPersons looks for persons some times a second.
func watchPersons(stage *shop.Stage, c shop.Camera) ([]track.Frame, error) {
	v, err := view.New(stage, c.Name)
	if err != nil {
		return nil, err
	}
	m, err := mounted(stage, c)
	if err != nil {
		return nil, err
	}
	every := max(1, stage.FPS/personsHz)
	eye, err := persons.NewMoving(c.Width, c.Height, float64(stage.FPS)/float64(every), m)
	if err != nil {
		return nil, err
	}
	picture := make([]byte, 3*c.Width*c.Height)
	var all []track.Frame
	for n := 0; n < stage.Frames(); n += every {
		v.Frame(n, picture)
		boxes, err := eye.People(persons.Picture{BGR: picture, Width: c.Width, Height: c.Height})
		if err != nil {
			return nil, err
		}
		all = append(all, track.Frame{Camera: c.Name, At: moment(stage.Time(n)), Boxes: boxes})
	}
	return all, nil
}
