package trial

import (
	"cmp"
	"math"
	"slices"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/fuse"
	"github.com/vouchledger/vouch/vision/truth"
)

// within is how far apart in seconds a detection and what happened may be.
const within = 2.5

// Thresholds above which nobody asks: the demo shop's policy.
const (
	ItemMin   = 0.8
	ActionMin = 0.8
	PersonMin = 0.9
)

// A Result is what a trial counted. Results of several shops are summed with
// [Result.Add].
type Result struct {
	Interactions int // takes and puts that happened, staff's included
	Detections   int
	Right        int // detections of what happened: product, action, pieces, shelf
	Shopper      int // of these, the likeliest person is the right visit
	Asked        int // detections with a doubt: a question for review
	Charged      int // detections without one
	WrongCharge  int // of these, wrong in any way
	Beside       int // right ones with somebody else at the same shelf within 3 s
	BesideWho    int // of these, the right visit
	ItemOdds     []fuse.Outcome
	ActionOdds   []fuse.Outcome
	PersonOdds   []fuse.Outcome
	Raw          [3][]fuse.Outcome // item, action, person before calibration
	Errors       []Error
}

// An Error is a detection that is wrong or something that was not detected.
type Error struct {
	What      string // missed, false, item, action, shopper
	T         float64
	Truth     *truth.Interaction
	Detection *fuse.Detection
}

// Add sums two results.
func (r Result) Add(o Result) Result {
	r.Interactions += o.Interactions
	r.Detections += o.Detections
	r.Right += o.Right
	r.Shopper += o.Shopper
	r.Asked += o.Asked
	r.Charged += o.Charged
	r.WrongCharge += o.WrongCharge
	r.Beside += o.Beside
	r.BesideWho += o.BesideWho
	r.ItemOdds = append(slices.Clip(r.ItemOdds), o.ItemOdds...)
	r.ActionOdds = append(slices.Clip(r.ActionOdds), o.ActionOdds...)
	r.PersonOdds = append(slices.Clip(r.PersonOdds), o.PersonOdds...)
	for i := range r.Raw {
		r.Raw[i] = append(slices.Clip(r.Raw[i]), o.Raw[i]...)
	}
	r.Errors = append(slices.Clip(r.Errors), o.Errors...)
	return r
}

// ItemF1 is the harmonic mean of precision and recall of detections.
func (r Result) ItemF1() float64 { return ratio(2*r.Right, r.Interactions+r.Detections) }

// RightShopper is the share of right detections that name the right visit.
func (r Result) RightShopper() float64 { return ratio(r.Shopper, r.Right) }

// WrongShare is the share of all detections that would have been charged
// without a question and wrongly.
func (r Result) WrongShare() float64 { return ratio(r.WrongCharge, r.Detections) }

func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// A pair is a detection and what happened then, if anything.
type pair struct {
	d  int
	in *truth.Interaction
}

// count compares detections with the truth.
func count(t truth.Shop, found []fuse.Detection, staff map[ledger.VisitID]bool, shelves map[string]string) Result {
	r := Result{Detections: len(found)}
	var moved []*truth.Interaction
	for i := range t.Interactions {
		if in := &t.Interactions[i]; in.Event == truth.Take || in.Event == truth.Put {
			moved = append(moved, in)
		}
	}
	r.Interactions = len(moved)
	pairs, missed := match(moved, found, shelves)
	for _, in := range missed {
		r.Errors = append(r.Errors, Error{What: "missed", T: in.T, Truth: in})
	}
	for _, p := range pairs {
		r.judge(p, &found[p.d], staff)
	}
	return r
}

// judge counts one detection.
func (r *Result) judge(p pair, d *fuse.Detection, staff map[ledger.VisitID]bool) {
	in := p.in
	item := in != nil && d.Items[0].SKU == in.SKU
	action := in != nil && (d.Action == ledger.ActionTake) == (in.Event == truth.Take) && d.Quantity == in.Quantity
	person, named := false, 0.0
	if len(d.Persons) > 0 {
		best := d.Persons[0]
		named = best.P
		person = in != nil && (string(best.Visit) == in.Visit || in.Staff && staff[best.Visit])
		r.PersonOdds = append(r.PersonOdds, fuse.Outcome{P: best.P, Right: person})
		r.Raw[2] = append(r.Raw[2], fuse.Outcome{P: d.Raw.Person, Right: person})
	}
	r.ItemOdds = append(r.ItemOdds, fuse.Outcome{P: d.Items[0].P, Right: item})
	r.ActionOdds = append(r.ActionOdds, fuse.Outcome{P: d.Sure, Right: action})
	r.Raw[0] = append(r.Raw[0], fuse.Outcome{P: d.Raw.Item, Right: item})
	r.Raw[1] = append(r.Raw[1], fuse.Outcome{P: d.Raw.Action, Right: action})
	note := func(what string) {
		r.Errors = append(r.Errors, Error{What: what, T: seconds(d.At), Truth: in, Detection: d})
	}
	if d.Items[0].P >= ItemMin && d.Sure >= ActionMin && named >= PersonMin {
		r.Charged++
		if !item || !action || !person {
			r.WrongCharge++
			note("charge")
		}
	} else {
		r.Asked++
	}
	switch {
	case in == nil:
		note("false")
	case !action:
		note("action")
	case !item:
		note("item")
	default:
		r.Right++
		if len(in.Beside) > 0 {
			r.Beside++
		}
		if !person {
			note("shopper")
			return
		}
		r.Shopper++
		if len(in.Beside) > 0 {
			r.BesideWho++
		}
	}
}

// match pairs detections with what happened at the same shelf and about the
// same time, each once, the best agreeing first.
func match(moved []*truth.Interaction, found []fuse.Detection, shelves map[string]string) ([]pair, []*truth.Interaction) {
	type candidate struct {
		i, d int
		cost float64
	}
	var all []candidate
	for i, in := range moved {
		for d := range found {
			gap := math.Abs(seconds(found[d].At) - in.T)
			if gap > within || shelves[found[d].Slot] != in.Shelf {
				continue
			}
			cost := gap
			if (found[d].Action == ledger.ActionTake) != (in.Event == truth.Take) {
				cost += 4
			}
			if found[d].Items[0].SKU != in.SKU {
				cost += 2
			}
			all = append(all, candidate{i, d, cost})
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(a.cost, b.cost) })
	taken, used := make([]bool, len(moved)), make([]bool, len(found))
	pairs := make([]pair, len(found))
	for i := range pairs {
		pairs[i].d = i
	}
	for _, c := range all {
		if !taken[c.i] && !used[c.d] {
			taken[c.i], used[c.d] = true, true
			pairs[c.d].in = moved[c.i]
		}
	}
	var missed []*truth.Interaction
	for i, in := range moved {
		if !taken[i] {
			missed = append(missed, in)
		}
	}
	return pairs, missed
}
