package trial

import (
	"slices"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/fuse"
	"github.com/vouchledger/vouch/vision/score"
	"github.com/vouchledger/vouch/vision/truth"
)

// A Result is what a trial found: the score of the shop, and how honest the
// confidences are. Results of several shops are summed with [Result.Add].
type Result struct {
	score.ShopResult
	Beside    int               // right ones of shoppers with somebody else at the shelf within 3 s
	BesideWho int               // of these, the right visit
	Odds      [3][]fuse.Outcome // item, action, person
	Raw       [3][]fuse.Outcome // the same before calibration
	Sights    Sights            // of films: how persons were found
}

// Add sums two results.
func (r Result) Add(o Result) Result {
	r.ShopResult = r.ShopResult.Add(o.ShopResult)
	r.Beside += o.Beside
	r.BesideWho += o.BesideWho
	for i := range r.Odds {
		r.Odds[i] = slices.Concat(r.Odds[i], o.Odds[i])
		r.Raw[i] = slices.Concat(r.Raw[i], o.Raw[i])
	}
	if o.Sights != nil {
		r.Sights = r.Sights.Add(o.Sights)
	}
	return r
}

// Asked returns how many detections are a question for review.
func (r Result) Asked() int { return r.Detections - r.Confident }

// judged compares detections with the truth.
func judged(t truth.Shop, found []fuse.Detection, staff map[ledger.VisitID]bool, shelves map[string]string) Result {
	told := make([]score.Detection, len(found))
	for i := range found {
		told[i] = retold(&found[i], staff, shelves)
	}
	r := Result{ShopResult: score.CompareShop(t, told, score.DefaultPolicy)}
	for i, v := range r.Verdicts {
		d := &found[i]
		note := func(k int, p, raw float64, right bool) {
			r.Odds[k] = append(r.Odds[k], fuse.Outcome{P: p, Right: right})
			r.Raw[k] = append(r.Raw[k], fuse.Outcome{P: raw, Right: right})
		}
		note(0, d.Items[0].P, d.Raw.Item, v.Item)
		note(1, d.Sure, d.Raw.Action, v.Action)
		if len(d.Persons) > 0 {
			note(2, d.Persons[0].P, d.Raw.Person, v.Person)
		}
		if v.Item && v.Truth != nil && !v.Truth.Staff && len(v.Truth.Beside) > 0 {
			r.Beside++
			if v.Person {
				r.BesideWho++
			}
		}
	}
	return r
}

// retold is a detection as the score reads it. Staff pays for nothing: who is
// staff is nobody's visit.
func retold(d *fuse.Detection, staff map[ledger.VisitID]bool, shelves map[string]string) score.Detection {
	s := score.Detection{
		T: seconds(d.At), Shelf: shelves[d.Slot], Slot: d.Slot, Action: string(d.Action), SKU: d.Items[0].SKU,
		Quantity: d.Quantity,
	}
	s.Confidences.Item, s.Confidences.Action = d.Items[0].P, d.Sure
	for _, p := range d.Persons {
		visit := string(p.Visit)
		if staff[p.Visit] {
			visit = ""
		}
		s.Persons = append(s.Persons, score.Person{Visit: visit, Confidence: p.P})
	}
	return s
}
