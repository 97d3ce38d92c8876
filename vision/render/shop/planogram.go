package shop

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// planogramFile is the file that tells a shelf's camera where slots are.
type planogramFile struct {
	Video    string               `json:"video"`
	FPS      string               `json:"fps"`
	Size     [2]int               `json:"size"`
	Initial  map[string]int       `json:"initial"`
	Slots    map[string][4][2]int `json:"slots"`
	SKU      string               `json:"sku"`
	Capacity int                  `json:"capacity"`
	Products map[string]facing    `json:"products"`
}

type facing struct {
	SKU      string `json:"sku"`
	Capacity int    `json:"capacity"`
	Facings  int    `json:"facings"`
	Depth    int    `json:"depth"`
}

// Planogram returns the planogram file of the camera above a shelf, as the
// shelf is at the start; video is the name of the file its frames go to.
func (s *Stage) Planogram(c Camera, video string) ([]byte, error) {
	i := slices.IndexFunc(s.Shelves, func(sh Shelf) bool { return sh.Name == c.Shelf })
	if c.Kind != OnShelf || i < 0 {
		return nil, fmt.Errorf("%w: camera %s looks at no shelf", ErrScenario, c.Name)
	}
	sh, lens := s.Shelves[i], c.Lens()
	p := planogramFile{
		Video: video, FPS: fmt.Sprintf("%d/1", s.FPS), Size: [2]int{c.Width, c.Height},
		Initial: map[string]int{}, Slots: map[string][4][2]int{}, Products: map[string]facing{},
		SKU: sh.Slots[0].SKU, Capacity: sh.Slots[0].Capacity(),
	}
	for j, sl := range sh.Slots {
		p.Initial[sl.Name] = sl.Initial
		p.Products[sl.Name] = facing{sl.SKU, sl.Capacity(), sl.Facings, sl.Depth}
		var corners [4][2]int
		for k, at := range sh.Outline(j) {
			x, y, _, ok := lens.Project(at)
			if !ok {
				return nil, fmt.Errorf("%w: camera %s cannot see slot %s", ErrScenario, c.Name, sl.Name)
			}
			corners[k] = [2]int{
				max(0, min(c.Width-1, int(math.Round(x)))), max(0, min(c.Height-1, int(math.Round(y)))),
			}
		}
		p.Slots[sl.Name] = corners
	}
	b, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		return nil, fmt.Errorf("planogram: %w", err)
	}
	return append(b, '\n'), nil
}
