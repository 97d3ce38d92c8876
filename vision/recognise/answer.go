package recognise

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Network is a loaded network of a model: it looks at a picture through its
// inner layers.
type Network interface {
	// Numbers returns what the network sees. The slice is the caller's.
	Numbers(p Picture) ([]float32, error)
}

// Recogniser answers with a model and its networks.
type Recogniser struct {
	model    *Model
	networks []Network
}

// New joins a model with its networks, in the order of its header.
func New(m *Model, networks ...Network) (*Recogniser, error) {
	if len(networks) != len(m.Networks) {
		return nil, fmt.Errorf("%w: %d networks for a model of %d", ErrShape, len(networks), len(m.Networks))
	}
	return &Recogniser{model: m, networks: networks}, nil
}

// Label is how detections name the model.
func (r *Recogniser) Label() string { return r.model.Label() }

// Model returns the model.
func (r *Recogniser) Model() *Model { return r.model }

// Reading is one product that a picture may show.
type Reading struct {
	SKU        string
	Confidence float64
}

// Answer is what a picture shows. Readings are the likeliest products, best
// first; their confidences and that of something unknown make one. Known is
// false if the best is not sure enough to be said: then the answer is that it
// is unknown, and the readings are only what it resembles.
type Answer struct {
	Known    bool
	Readings []Reading
}

// maxReadings is how many readings are given.
const maxReadings = 5

// Recognise says what a picture shows.
func (r *Recogniser) Recognise(p Picture) (Answer, error) {
	s, err := r.scores(p)
	if err != nil {
		return Answer{}, err
	}
	return r.model.answer(s), nil
}

func (r *Recogniser) scores(p Picture) ([]float32, error) {
	x, err := r.model.describe(p, r.networks)
	if err != nil {
		return nil, err
	}
	r.model.level(x)
	return scores(r.model.weights, x), nil
}

func (m *Model) answer(s []float32) Answer {
	order := make([]int, len(s))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(s[b], s[a]) })
	best, mean := float64(s[order[0]]), 0.0
	for _, v := range s {
		mean += float64(v) / float64(len(s))
	}
	sure := m.Doubt.confidence(stand(best, float64(s[order[1]]), mean))
	a := Answer{Known: sure >= m.Doubt.Least, Readings: []Reading{{m.Labels[order[0]], sure}}}
	// What is left is shared by the others as their scores have it, with a
	// part for what is no product of the catalogue.
	total := 1.0
	share := func(k int) float64 { return math.Exp(m.Doubt.Sharing * (float64(s[k]) - best)) }
	for _, k := range order[1:] {
		total += share(k)
	}
	for _, k := range order[1:min(len(order), maxReadings)] {
		a.Readings = append(a.Readings, Reading{m.Labels[k], min(sure, (1-sure)*share(k)/total)})
	}
	return a
}

// Given says what an appearance makes of what was expected: the product that
// the planogram has in a place, with how likely something else stands there.
// By Bayes' rule a reading's odds are the prior times the appearance, where
// the appearance of the model is relative to labels that are all alike.
func (a Answer) Given(planned string, trust float64) Answer {
	trust = max(0, min(1, trust))
	left := 1.0
	for _, r := range a.Readings {
		left -= r.Confidence
	}
	out := Answer{Known: true}
	// Each other reading has an equal part of what is not trusted, and so has
	// everything that is no reading.
	other := (1 - trust) / float64(len(a.Readings)+1)
	total, found := other*max(0, left), false
	for _, r := range a.Readings {
		prior := other
		if r.SKU == planned {
			prior, found = trust, true
		}
		total += prior * r.Confidence
	}
	if !found && planned != "" {
		// It resembles none of the best: what is left is for it too.
		total += trust * max(0, left) * unlike
	}
	if total <= 0 {
		return a
	}
	for _, r := range a.Readings {
		prior := other
		if r.SKU == planned {
			prior = trust
		}
		confidence := prior * r.Confidence / total
		if !a.Known && r.SKU != planned {
			confidence = min(confidence, unsure)
		}
		out.Readings = append(out.Readings, Reading{r.SKU, confidence})
	}
	if !found && planned != "" {
		out.Readings = append(out.Readings, Reading{planned, trust * max(0, left) * unlike / total})
	}
	slices.SortStableFunc(out.Readings, func(x, y Reading) int { return cmp.Compare(y.Confidence, x.Confidence) })
	out.Known = a.Known || out.Readings[0].SKU == planned
	return out
}

// unlike is how much of what no reading explains is left for a planned
// product that is none of the five likeliest.
const unlike = 0.1

// unsure is the most that something not planned is given where the answer is that
// it is unknown, however little speaks for the plan: less than policies take as sure,
// so that a person is asked.
const unsure = 0.75

// PlanTrust is how likely what is planned stands in its place, where nobody
// has counted: one item in twenty is put back elsewhere.
const PlanTrust = 0.95
