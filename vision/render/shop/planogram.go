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
	// Back is where the rearmost row is seen once nothing stands before it;
	// nothing where the slot is one deep.
	Back [][2]int `json:"back,omitempty"`
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
		p.Products[sl.Name] = facing{sl.SKU, sl.Capacity(), sl.Facings, lens.rear(sh, j, c.Width, c.Height)}
		corners, ok := lens.outline(sh, j)
		if !ok {
			return nil, fmt.Errorf("%w: camera %s cannot see slot %s", ErrScenario, c.Name, sl.Name)
		}
		for k, at := range corners {
			corners[k] = [2]int{max(0, min(c.Width-1, at[0])), max(0, min(c.Height-1, at[1]))}
		}
		p.Slots[sl.Name] = corners
	}
	b, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		return nil, fmt.Errorf("planogram: %w", err)
	}
	return append(b, '\n'), nil
}

// rear returns where the last row of a slot is seen: as the outline has the
// whole slot, from as far before its foot as the board's edge is before the
// first row's, to its top.
func (l Lens) rear(sh Shelf, slot, w, h int) [][2]int {
	sl := sh.Slots[slot]
	if sl.Depth < 2 {
		return nil
	}
	p, _ := ProductOf(sl.SKU)
	_, first := sh.spot(slot, 0)
	_, last := sh.spot(slot, sl.Capacity()-1)
	half, m := sh.Width/float64(len(sh.Slots))/2, sh.middle(slot)
	var corners [][2]int
	for _, at := range []Vec{
		sh.Point(m-half, last-first, BoardHeight), sh.Point(m+half, last-first, BoardHeight),
		sh.Point(m+half, last, BoardHeight+p.Height), sh.Point(m-half, last, BoardHeight+p.Height),
	} {
		x, y, _, ok := l.Project(at)
		if !ok {
			return nil
		}
		corners = append(corners, [2]int{max(0, min(w-1, int(math.Round(x)))), max(0, min(h-1, int(math.Round(y))))})
	}
	return corners
}

// outline returns the corners of a slot in the picture: the front edge of the
// board, and the height of what stands at the back, between the borders to
// the neighbours. One pixel on each side is nobody's.
func (l Lens) outline(sh Shelf, slot int) (corners [4][2]int, ok bool) {
	_, high, _, ok := l.Project(sh.top(slot))
	for side := range 2 {
		front, back := sh.border(slot + side)
		x0, y0, _, seen := l.Project(front)
		x1, y1, _, too := l.Project(back)
		ok = ok && seen && too && y0 > high
		inwards := float64(1 - 2*side)
		t := (high - y0) / (y1 - y0)
		corners[side] = [2]int{int(math.Round(x0 + inwards)), int(math.Round(y0))}
		corners[3-side] = [2]int{int(math.Round(x0 + t*(x1-x0) + inwards)), int(math.Round(high))}
	}
	return corners, ok
}
