package recognise

import (
	"context"
	"fmt"
	"math"
)

// Score is how a model did on pictures that it was not trained with.
type Score struct {
	Pictures int
	Right    int // the best reading is the product
	InGroup  int // the best reading is of the product's group
	AmongTop int // one of the readings is the product
	Given    int // an answer was given, and not "unknown"
	GivenOK  int // and it was right
	// Calibration is the expected calibration error of the best reading, over
	// ten bins of equal width.
	Calibration float64
	// Strangers are pictures of products the model does not know, Refused
	// those of them that were answered by "unknown".
	Strangers, Refused int
}

// Measure asks a recogniser about all samples.
func Measure(ctx context.Context, r *Recogniser, samples []Sample) (Score, error) {
	var s Score
	group := map[string]string{}
	for i, l := range r.model.Labels {
		group[l] = r.model.Groups[i]
	}
	var b bins
	for _, x := range samples {
		if err := ctx.Err(); err != nil {
			return s, err
		}
		p, err := x.Read()
		if err != nil {
			return s, fmt.Errorf("%s: %w", x.Path, err)
		}
		a, err := r.Recognise(p)
		if err != nil {
			return s, fmt.Errorf("%s: %w", x.Path, err)
		}
		if _, known := group[x.Label]; !known {
			s.Strangers++
			if !a.Known {
				s.Refused++
			}
			continue
		}
		ok := s.count(x, a, group)
		b.add(a.Readings[0].Confidence, ok)
	}
	s.Calibration = b.off()
	return s, nil
}

// bins gather what confidences promised and what came of it.
type bins struct {
	promised, right [10]float64
	all             float64
}

func (b *bins) add(confidence float64, right bool) {
	k := min(9, int(confidence*10))
	b.promised[k] += confidence
	if right {
		b.right[k]++
	}
	b.all++
}

// off is the expected calibration error.
func (b *bins) off() (sum float64) {
	for k := range b.right {
		sum += math.Abs(b.promised[k]-b.right[k]) / math.Max(1, b.all)
	}
	return sum
}

func (s *Score) count(x Sample, a Answer, group map[string]string) bool {
	s.Pictures++
	ok := a.Readings[0].SKU == x.Label
	if ok {
		s.Right++
	}
	if group[a.Readings[0].SKU] == x.Group {
		s.InGroup++
	}
	for _, r := range a.Readings {
		if r.SKU == x.Label {
			s.AmongTop++
		}
	}
	if a.Known {
		s.Given++
		if ok {
			s.GivenOK++
		}
	}
	return ok
}
