package shop

import (
	"encoding/json"
	"fmt"
	"math"
)

// floorFile is the file that tells a camera that looks for persons where the
// floor is, as an installer would measure it.
type floorFile struct {
	Size   [2]int      `json:"size"`
	Points []floorMark `json:"points"`
	Hangs  Vec         `json:"hangs"`
	Above  bool        `json:"above"`
}

type floorMark struct {
	Picture [2]float64 `json:"picture"`
	Floor   [2]float64 `json:"floor"`
}

// marksApart is how far apart in metres the marks on the floor are.
const marksApart = 0.5

// FloorFile returns the floor file of a camera that looks at no shelf, with
// marks on a grid, read to half a pixel and a centimetre.
func (s *Stage) FloorFile(c Camera) ([]byte, error) {
	if c.Kind == OnShelf {
		return nil, fmt.Errorf("%w: camera %s looks at a shelf", ErrScenario, c.Name)
	}
	f := floorFile{Size: [2]int{c.Width, c.Height}, Above: c.Kind == Overhead}
	for i := range f.Hangs {
		f.Hangs[i] = math.Round(100*c.At[i]) / 100
	}
	lens := c.Lens()
	for x := marksApart / 2; x < RoomWidth; x += marksApart {
		for y := marksApart / 2; y < RoomDepth; y += marksApart {
			px, py, _, ok := lens.Project(Vec{x, y, 0})
			if ok && px > 0 && py > 0 && px < float64(c.Width) && py < float64(c.Height) {
				f.Points = append(f.Points, floorMark{
					Picture: [2]float64{math.Round(2*px) / 2, math.Round(2*py) / 2},
					Floor:   [2]float64{math.Round(100*x) / 100, math.Round(100*y) / 100},
				})
			}
		}
	}
	b, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return nil, fmt.Errorf("floor file: %w", err)
	}
	return append(b, '\n'), nil
}
