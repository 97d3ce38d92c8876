package watch

import (
	"image"
	"slices"

	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/shelf"
)

// Looker finds things in a part of a frame; a detector is one.
type Looker interface {
	DetectIn(f *cv.Frame, part image.Rectangle) ([]cv.Box, error)
	Label() string
}

const (
	// insideShare is how much of a box must lie in the item's place, and
	// fillShare how much of the place it must fill, to be the item: a cap or
	// the shop behind is neither.
	insideShare = 0.6
	fillShare   = 0.12
	// sayShare is the difference of scores from which the detector has said
	// something; a small network's score wavers by a tenth.
	sayShare = 0.1
	// doubt is what is left of a confidence the detector contradicts; it
	// makes a question for review of any sighting.
	doubt = 0.5
)

// notItems are classes of common detectors that are never goods: a hand or
// arm is seen as a person.
var notItems = []string{"person"}

// confirm asks the detector about the place before and after, and returns
// the change with the confidence that leaves.
func confirm(d Looker, classes []string, ch shelf.Change, before, after *cv.Frame) (shelf.Change, error) {
	was, err := present(d, classes, before, ch.Place)
	if err != nil {
		return ch, err
	}
	is, err := present(d, classes, after, ch.Place)
	if err != nil {
		return ch, err
	}
	said := is - was
	if ch.Action == shelf.Take {
		said = -said
	}
	switch {
	case said > sayShare:
		ch.Act += (1 - ch.Act) * said * 0.8
		ch.Item += (1 - ch.Item) * said * 0.5
	case said < -sayShare:
		ch.Act *= doubt
		ch.Item *= doubt
	}
	return ch, nil
}

// present returns the best score of a box that can be the item.
func present(d Looker, classes []string, f *cv.Frame, place image.Rectangle) (float64, error) {
	boxes, err := d.DetectIn(f, place)
	if err != nil {
		return 0, err
	}
	best := 0.0
	for _, b := range boxes {
		if slices.Contains(notItems, b.Class) || (len(classes) > 0 && !slices.Contains(classes, b.Class)) {
			continue
		}
		in := area(b.Rect.Intersect(place))
		if in >= insideShare*area(b.Rect) && in >= fillShare*area(place) {
			best = max(best, b.Score)
		}
	}
	return best, nil
}

func area(r image.Rectangle) float64 { return float64(r.Dx()) * float64(r.Dy()) }
