package shop

import (
	"fmt"
	"math"
)

// Measures of the room and its furniture in metres.
const (
	RoomWidth   = 5.6
	RoomDepth   = 4.6
	RoomHeight  = 3.4
	DoorX       = 0.75 // middle of the door in the front wall
	DoorWidth   = 1.1
	DoorHeight  = 2.1
	BoardHeight = 0.95 // upper side of a shelf's board
	BoardDepth  = 0.42
	RimHeight   = 0.05 // of the price rail before the board
	standOff    = 0.66 // how far before a shelf one stands
	aisle       = 1.35 // where the way from the door joins the free floor
)

// Convenience returns an empty day in a small shop: the given number of
// shelves (1 to 5) of five slots each, a camera above each, one at the door,
// one straight above the floor, one in a corner, and under the ceiling one over
// the door and two or three over who stands before shelves; pictures 640 x 360.
func Convenience(seed uint64, shelves int) (Scenario, error) {
	if shelves < 1 || shelves > len(places) {
		return Scenario{}, fmt.Errorf("%w: %d shelves, want 1 to %d", ErrScenario, shelves, len(places))
	}
	s := Scenario{
		Seed: seed, FPS: 15, Noise: 2.2, Drift: 0.02,
		ScaleHz: 20, ScaleNoise: 1.5, ScaleDrift: 4, RFIDMiss: 0.1,
	}
	for i, at := range places[:shelves] {
		name := string(rune('a' + i))
		sh := Shelf{Name: name, X: at[0], Y: at[1], Facing: at[2], Width: 1.25}
		for j := range 5 {
			p := catalogue[5*i+j]
			slot := Slot{Name: fmt.Sprintf("%s%d", name, j+1), SKU: p.SKU, Facings: 2, Depth: 3}
			slot.Initial = slot.Capacity()
			sh.Slots = append(sh.Slots, slot)
		}
		s.Shelves = append(s.Shelves, sh)
	}
	s.Cameras = cameras(s.Shelves)
	s.Resize(640, 360)
	return s, nil
}

// places of the shelves: three along the back wall, two along the front.
var places = [][3]float64{
	{1.25, RoomDepth - 0.47, -math.Pi / 2},
	{2.75, RoomDepth - 0.47, -math.Pi / 2},
	{4.25, RoomDepth - 0.47, -math.Pi / 2},
	{4.25, 0.47, math.Pi / 2},
	{2.75, 0.47, math.Pi / 2},
}

func cameras(shelves []Shelf) []Camera {
	all := []Camera{
		{
			Name: "entrance", Kind: Entrance, FOV: 84,
			At: Vec{DoorX + 0.9, 2.9, 2.6}, Towards: Vec{DoorX, 0.3, 0.9},
		},
		{
			Name: "overhead", Kind: Overhead, FOV: 95,
			At: Vec{RoomWidth / 2, RoomDepth / 2, RoomHeight + 0.9}, Towards: Vec{RoomWidth / 2, RoomDepth / 2, 0},
		},
		{
			Name: "aisle", Kind: Oblique, FOV: 88,
			At: Vec{RoomWidth - 0.15, 1.6, 2.7}, Towards: Vec{2.2, 2.6, 0.75},
		},
	}
	for _, sh := range shelves {
		all = append(all, Camera{
			Name: "shelf-" + sh.Name, Kind: OnShelf, Shelf: sh.Name, FOV: 64,
			At: sh.Point(0, -0.62, 2.02), Towards: sh.Point(0, 0.17, BoardHeight+0.02),
		})
	}
	return append(all, ceiling(len(shelves))...)
}

// ceilingHeight is how high cameras hang that look straight down from below the
// ceiling.
const ceilingHeight = 3.3

// ceiling are the cameras that look straight down: over the door, and over
// where people stand before the shelves. Who is seen from above hides nobody.
func ceiling(shelves int) []Camera {
	down := func(name string, x, y float64) Camera {
		return Camera{Name: name, Kind: Overhead, FOV: 95, At: Vec{x, y, ceilingHeight}, Towards: Vec{x, y, 0}}
	}
	all := []Camera{down("above-door", DoorX+0.35, 0.95), down("above-left", 1.6, 3.1)}
	if shelves > 1 {
		all = append(all, down("above-right", 4.0, 3.1))
	}
	if shelves > 3 {
		all = append(all, down("above-front", 3.6, 1.5))
	}
	return all
}

// Resize gives every camera pictures of a size.
func (s *Scenario) Resize(width, height int) {
	for i := range s.Cameras {
		s.Cameras[i].Width, s.Cameras[i].Height = width, height
	}
}

// Arrange gives every slot so many facings and so many pieces behind each
// other, and fills it. One deep, a camera sees all there is.
func (s *Scenario) Arrange(facings, depth int) {
	for i := range s.Shelves {
		for j := range s.Shelves[i].Slots {
			sl := &s.Shelves[i].Slots[j]
			sl.Facings, sl.Depth = facings, depth
			sl.Initial = sl.Capacity()
		}
	}
}

// Point returns the place that is along to the right of a shelf's middle, as
// seen by who stands before it, in deep behind its front edge, and height
// above the floor.
func (s Shelf) Point(along, in, height float64) Vec {
	sin, cos := math.Sincos(s.Facing)
	return Vec{s.X - along*sin - in*cos, s.Y + along*cos - in*sin, height}
}

// middle returns how far slot i is to the right of the shelf's middle.
func (s Shelf) middle(i int) float64 {
	pitch := s.Width / float64(len(s.Slots))
	return (float64(i)+0.5)*pitch - s.Width/2
}

// spot returns where place k of slot i is: facings count from the left, rows
// from the front.
func (s Shelf) spot(i, k int) (along, in float64) {
	slot := s.Slots[i]
	pitch := s.Width / float64(len(s.Slots))
	p, _ := ProductOf(slot.SKU)
	facing, row := k%slot.Facings, k/slot.Facings
	wide := (pitch - 0.03) / float64(slot.Facings)
	along = s.middle(i) + (float64(facing)-0.5*float64(slot.Facings-1))*wide
	step := min(p.Depth+0.025, (BoardDepth-0.04)/float64(slot.Depth))
	return along, 0.03 + p.Depth/2 + float64(row)*step
}

// tallest is how high things on the shelf reach.
func (s Shelf) tallest() float64 {
	h := 0.0
	for _, sl := range s.Slots {
		p, _ := ProductOf(sl.SKU)
		h = max(h, p.Height)
	}
	return h
}

// border returns the line that parts slot i from the one before it: from the
// front edge of the board to as high as anything reaches at the back.
func (s Shelf) border(i int) (front, back Vec) {
	x := s.Width/float64(len(s.Slots))*float64(i) - s.Width/2
	return s.Point(x, 0, BoardHeight), s.Point(x, BoardDepth-0.04, BoardHeight+s.tallest())
}

// top returns the middle of the highest that stands in slot i, at the back.
func (s Shelf) top(i int) Vec {
	p, _ := ProductOf(s.Slots[i].SKU)
	_, back := s.spot(i, s.Slots[i].Capacity()-1)
	return s.Point(s.middle(i), back+p.Depth/2, BoardHeight+p.Height)
}

// Outline returns the corners of the room that slot i takes, as its camera
// sees it: the front edge of the board from left to right, then as high as
// what stands at the back, from right to left.
func (s Shelf) Outline(i int) [4]Vec {
	half := s.Width/float64(len(s.Slots))/2 - 0.004
	m := s.middle(i)
	top, _ := ProductOf(s.Slots[i].SKU)
	_, back := s.spot(i, s.Slots[i].Capacity()-1)
	back += top.Depth / 2
	return [4]Vec{
		s.Point(m-half, 0.005, BoardHeight), s.Point(m+half, 0.005, BoardHeight),
		s.Point(m+half, back, BoardHeight+top.Height), s.Point(m-half, back, BoardHeight+top.Height),
	}
}
