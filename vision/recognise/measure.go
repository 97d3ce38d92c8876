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
	var sum, right [10]float64
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
		bin := min(9, int(a.Readings[0].Confidence*10))
		sum[bin] += a.Readings[0].Confidence
		if ok {
			right[bin]++
		}
	}
	for b := range sum {
		s.Calibration += math.Abs(sum[b]-right[b]) / math.Max(1, float64(s.Pictures))
	}
	return s, nil
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
