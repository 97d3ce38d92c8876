package score

import (
	"image"
	"math"

	"github.com/vouchledger/vouch/vision/internal/assign"
	"github.com/vouchledger/vouch/vision/truth"
)

// plain is the share of a person that must be seen for missing them to be a
// fault; whoever is behind others or mostly outside may be found or not.
const plain = 0.5

// Boxes counts persons found in pictures against those who were there.
type Boxes struct {
	Right, False, Missed int
}

// Add sums two counts.
func (b Boxes) Add(o Boxes) Boxes {
	return Boxes{b.Right + o.Right, b.False + o.False, b.Missed + o.Missed}
}

// Precision is the share of the boxes that are persons.
func (b Boxes) Precision() float64 { return share(b.Right, b.Right+b.False) }

// Recall is the share of the persons in plain view that were found.
func (b Boxes) Recall() float64 { return share(b.Right, b.Right+b.Missed) }

// Persons compares the boxes found in one frame of one camera with the truth.
// A box is right if it overlaps a person's by at least overlap, as the area of
// both that they share; each counts once.
func Persons(want []truth.Box, found []image.Rectangle, overlap float64) Boxes {
	var b Boxes
	costs := make([][]float64, len(want))
	for i, w := range want {
		costs[i] = make([]float64, len(found))
		for j, r := range found {
			costs[i][j] = math.Inf(1)
			if o := shared(image.Rect(w.Box[0], w.Box[1], w.Box[2], w.Box[3]), r); o >= overlap {
				costs[i][j] = -o
				if w.Seen >= plain {
					costs[i][j]-- // whoever is in plain view goes first
				}
			}
		}
	}
	b.False = len(found)
	for i, j := range assign.Join(costs, make([]float64, len(want))) {
		switch {
		case j >= 0 && want[i].Seen >= plain:
			b.Right++
			b.False--
		case j >= 0:
			b.False--
		case want[i].Seen >= plain:
			b.Missed++
		}
	}
	return b
}

func shared(a, b image.Rectangle) float64 {
	area := func(r image.Rectangle) float64 { return float64(r.Dx()) * float64(r.Dy()) }
	in := a.Intersect(b)
	if in.Empty() {
		return 0
	}
	return area(in) / (area(a) + area(b) - area(in))
}
