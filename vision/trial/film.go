package trial

import (
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/vouchledger/vouch/vision/floor"
	"github.com/vouchledger/vouch/vision/fuse"
	"github.com/vouchledger/vouch/vision/lens"
	"github.com/vouchledger/vouch/vision/planogram"
	"github.com/vouchledger/vouch/vision/render/shop"
	"github.com/vouchledger/vouch/vision/render/view"
	"github.com/vouchledger/vouch/vision/shelf"
	"github.com/vouchledger/vouch/vision/track"
)

// A Film is what cameras made of a staged shop's pictures, all of them drawn
// and looked at. It does not depend on what is made of it afterwards.
type Film struct {
	Claims []Said
	Boxes  []track.Frame // in the order of time, then of cameras
}

// A Said is a claim with the second at which its camera made it.
type Said struct {
	fuse.Claim
	At float64 `json:"SaidAt"` // the claim has an At of its own
}

// Picture sizes and rates of a film. At 320 x 180 a shelf camera's picture is
// what the monitor looks at; persons are looked for less often.
const (
	filmWidth, filmHeight = 320, 180
	personsHz             = 5
	// thinking is how long after its last frame a camera has made a claim.
	thinking = 0.1
)

// Shoot draws every frame of a scenario and lets the shop's own programs look
// at them: the shelf monitor behind each shelf camera, a detector of persons
// behind each of the others. Cameras do not know of each other, so they are
// looked at side by side, as many at once as workers says.
func Shoot(sc shop.Scenario, workers int) (Film, error) {
	sc.Cameras = slices.Clone(sc.Cameras)
	sc.Resize(filmWidth, filmHeight)
	stage, err := shop.New(sc)
	if err != nil {
		return Film{}, err
	}
	claims, boxes := make([][]Said, len(stage.Cameras)), make([][]track.Frame, len(stage.Cameras))
	var group errgroup.Group
	group.SetLimit(max(1, workers))
	for i, c := range stage.Cameras {
		group.Go(func() (err error) {
			if c.Kind == shop.OnShelf {
				claims[i], err = watchShelf(stage, c)
			} else {
				boxes[i], err = watchPersons(stage, c)
			}
			if err != nil {
				return fmt.Errorf("camera %s: %w", c.Name, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return Film{}, err
	}
	f := Film{Claims: slices.Concat(claims...), Boxes: slices.Concat(boxes...)}
	slices.SortStableFunc(f.Boxes, func(a, b track.Frame) int { return a.At.Compare(b.At) })
	return f, nil
}

// watchShelf lets the monitor look at every frame it wants, as package watch
// does, and makes claims of what it finds.
func watchShelf(stage *shop.Stage, c shop.Camera) ([]Said, error) {
	text, err := stage.Planogram(c, c.Name)
	if err != nil {
		return nil, err
	}
	plan, err := planogram.Parse(text)
	if err != nil {
		return nil, err
	}
	v, err := view.New(stage, c.Name)
	if err != nil {
		return nil, err
	}
	m := shelf.New(plan, float64(stage.FPS))
	w, h := m.Size()
	eye := lens.New(w, h, m.Rate(), plan.Look, m.Goods)
	picture := make([]byte, 3*w*h)
	var said []Said
	tell := func(n int, changes []shelf.Change) {
		for _, ch := range changes {
			claim := floor.ClaimOf(c.Name, ch, moment(stage.Time(ch.Frame)), nil)
			said = append(said, Said{claim, stage.Time(n) + thinking})
		}
	}
	for n := range stage.Frames() {
		if !m.Wants(n) {
			continue
		}
		v.Frame(n, picture)
		if judge, _ := eye.See(picture); !judge {
			m.Blind()
			continue
		}
		tell(n, m.Step(n, picture))
	}
	tell(stage.Frames(), m.End())
	return said, nil
}
