package score

import (
	"cmp"
	"math"
	"slices"

	"github.com/vouchledger/vouch/vision/truth"
)

// A Policy says from which confidences on nobody is asked, and how far apart
// in seconds a detection and what happened may be.
type Policy struct {
	Item, Action, Person float64
	Tolerance            float64
}

// DefaultPolicy is the one a shop begins with.
var DefaultPolicy = Policy{Item: 0.8, Action: 0.8, Person: 0.9, Tolerance: 2.5}

// A ShopResult is what a comparison of a shop found. Results of several shops
// are summed with Add.
type ShopResult struct {
	// Pieces, of takes and puts: Happened and Detected in all, and Right, which
	// are both: the same product, moved the same way at the same shelf.
	Happened, Detected, Right int

	// Attributed counts detections of what shoppers did, Shopper those of them
	// that name the right visit first; Staff those of what staff did.
	Attributed, Shopper, Staff int

	// Detections in all; Confident those that nobody would be asked about, and
	// WrongCharge those of them that are wrong in anything that is billed.
	Detections, Confident, WrongCharge int

	// Touches counts detections where somebody only touched or tidied.
	Touches int

	// Verdicts are about the detections, one each and in their order.
	Verdicts []Verdict
	Faults   []Fault
}

// A Verdict says what of one detection was right.
type Verdict struct {
	Truth  *truth.Interaction // what happened; nil if nothing did
	Item   bool               // the product
	Action bool               // direction and number of pieces
	Person bool               // the visit that comes first, none for staff's
}

// A Fault is one difference between what happened and what was detected.
type Fault struct {
	What      string             `json:"what"` // see the constants
	T         float64            `json:"t"`
	Confident bool               `json:"confident"` // nobody would be asked
	Truth     *truth.Interaction `json:"truth,omitempty"`
	Detection *Detection         `json:"detection,omitempty"`
}

// What a fault is.
const (
	Missed        = "missed"         // it happened, and nothing was detected
	WrongItem     = "wrong item"     // something was detected there, of another product
	WrongAction   = "wrong action"   // a take for a put or the other way round
	WrongQuantity = "wrong quantity" // too few or too many pieces
	WrongShopper  = "wrong shopper"  // somebody else's visit comes first
	OnTouch       = "touch"          // somebody only touched something there
	Invented      = "invented"       // nothing happened there
)

// CompareShop judges the detections of a whole shop. A detection and an
// interaction are paired at most once, if shelf, product and direction agree
// and their times differ by no more than the tolerance; so that as many as
// possible are paired, then as many as possible with the right visit, then the
// nearest. Which slot of the shelf it was does not count, because it is not
// billed.
func CompareShop(t truth.Shop, detections []Detection, p Policy) ShopResult {
	j := newJudge(t, detections, p)
	r := ShopResult{Detections: len(detections), Verdicts: make([]Verdict, len(detections))}
	for _, in := range j.moved {
		r.Happened += in.Quantity
	}
	for _, d := range detections {
		r.Detected += d.Quantity
		if j.confident(d) {
			r.Confident++
		}
	}
	for _, c := range j.pair(j.same) {
		j.right(&r, c)
	}
	// What is left may still be the same event, seen wrongly.
	for _, c := range j.pair(j.near) {
		what := WrongItem
		if in := j.moved[c.happened]; j.sku(c.detected) == in.SKU {
			what = WrongAction
		}
		j.fault(&r, what, c.happened, c.detected)
	}
	for i := range j.moved {
		if !j.found[i] {
			j.fault(&r, Missed, i, -1)
		}
	}
	for i, d := range detections {
		if j.used[i] {
			continue
		}
		what := Invented
		if slices.ContainsFunc(t.Interactions, func(in truth.Interaction) bool {
			still := in.Event == truth.Touch || in.Event == truth.Tidy
			return still && in.Shelf == j.shelfOf(d) && in.From-p.Tolerance <= d.T && d.T <= in.Until+p.Tolerance
		}) {
			what = OnTouch
			r.Touches++
		}
		j.fault(&r, what, -1, i)
	}
	for i, k := range j.about {
		if k >= 0 {
			r.Verdicts[i] = j.verdict(k, i)
		}
	}
	slices.SortStableFunc(r.Faults, func(a, b Fault) int { return cmp.Compare(a.T, b.T) })
	return r
}

// A judge holds what is not paired yet.
type judge struct {
	policy     Policy
	moved      []truth.Interaction
	detections []Detection
	shelves    map[string]string
	found      []bool // of moved
	used       []bool // of detections
	about      []int  // of each detection, which of moved it is about; -1 for none
}

func newJudge(t truth.Shop, detections []Detection, p Policy) *judge {
	j := &judge{
		policy: p, detections: detections, shelves: map[string]string{}, used: make([]bool, len(detections)), about: slices.Repeat([]int{-1}, len(detections)),
	}
	for _, in := range t.Interactions {
		j.shelves[in.Slot] = in.Shelf
		if in.Event == truth.Take || in.Event == truth.Put {
			j.moved = append(j.moved, in)
		}
	}
	j.found = make([]bool, len(j.moved))
	return j
}

func (j *judge) shelfOf(d Detection) string {
	if d.Shelf != "" {
		return d.Shelf
	}
	return j.shelves[d.Slot]
}

func (j *judge) sku(detected int) string {
	sku, _ := j.detections[detected].item()
	return sku
}

// confident reports whether nobody would be asked about a detection.
func (j *judge) confident(d Detection) bool {
	_, item := d.item()
	_, person := d.visit()
	return item >= j.policy.Item && d.Confidences.Action >= j.policy.Action && person >= j.policy.Person
}

// near reports whether a detection can be about an interaction at all.
func (j *judge) near(in truth.Interaction, d Detection) bool {
	// The margin is for what a subtraction of decimal fractions leaves over.
	return j.shelfOf(d) == in.Shelf && math.Abs(d.T-in.T) <= j.policy.Tolerance+1e-9
}

// same reports whether a detection says what happened.
func (j *judge) same(in truth.Interaction, d Detection) bool {
	sku, _ := d.item()
	return j.near(in, d) && sku == in.SKU && (d.Action == "take") == (in.Event == truth.Take)
}

// What is gained by a pair, and by the right visit in it: no number of what
// comes after can outweigh one of what comes before.
const (
	aPair  = 1e7
	aVisit = 1e4
)

// A couple is an interaction and its detection.
type couple struct{ happened, detected int }

// pair joins what is left as well as possible.
func (j *judge) pair(fits func(in truth.Interaction, d Detection) bool) []couple {
	var edges []edge
	for i, in := range j.moved {
		if j.found[i] {
			continue
		}
		for k, d := range j.detections {
			if j.used[k] || !fits(in, d) {
				continue
			}
			gain := aPair - math.Abs(d.T-in.T)
			if visit, _ := d.visit(); visit == in.Visit {
				gain += aVisit
			}
			edges = append(edges, edge{i, k, gain})
		}
	}
	couples := pair(edges)
	for _, c := range couples {
		j.found[c.happened], j.used[c.detected], j.about[c.detected] = true, true, c.happened
	}
	return couples
}

// right counts a pair that agrees in product and direction.
func (j *judge) right(r *ShopResult, c couple) {
	in, d := j.moved[c.happened], j.detections[c.detected]
	r.Right += min(in.Quantity, d.Quantity)
	visit, _ := d.visit()
	if in.Staff {
		r.Staff++
	} else {
		r.Attributed++
		if visit == in.Visit {
			r.Shopper++
		}
	}
	switch {
	case visit != in.Visit:
		j.fault(r, WrongShopper, c.happened, c.detected)
	case d.Quantity != in.Quantity:
		j.fault(r, WrongQuantity, c.happened, c.detected)
	}
}

// verdict says what of a detection is right about an interaction.
func (j *judge) verdict(happened, detected int) Verdict {
	in, d := &j.moved[happened], j.detections[detected]
	visit, _ := d.visit()
	return Verdict{
		Truth: in, Item: j.sku(detected) == in.SKU, Person: visit == in.Visit,
		Action: (d.Action == "take") == (in.Event == truth.Take) && d.Quantity == in.Quantity,
	}
}

// fault writes down what is wrong; -1 is nothing.
func (j *judge) fault(r *ShopResult, what string, happened, detected int) {
	f := Fault{What: what}
	if happened >= 0 {
		f.Truth, f.T = &j.moved[happened], j.moved[happened].T
	}
	if detected >= 0 {
		f.Detection = &j.detections[detected]
		f.Confident = j.confident(*f.Detection)
		if happened < 0 {
			f.T = f.Detection.T
		}
	}
	if f.Confident {
		r.WrongCharge++
	}
	r.Faults = append(r.Faults, f)
}

// Add sums two results.
func (r ShopResult) Add(o ShopResult) ShopResult {
	return ShopResult{
		Happened: r.Happened + o.Happened, Detected: r.Detected + o.Detected, Right: r.Right + o.Right,
		Attributed: r.Attributed + o.Attributed, Shopper: r.Shopper + o.Shopper, Staff: r.Staff + o.Staff,
		Detections: r.Detections + o.Detections, Confident: r.Confident + o.Confident,
		WrongCharge: r.WrongCharge + o.WrongCharge, Touches: r.Touches + o.Touches,
		Verdicts: slices.Concat(r.Verdicts, o.Verdicts), Faults: slices.Concat(r.Faults, o.Faults),
	}
}

// ItemF1 returns the harmonic mean of precision and recall of pieces; 1 if
// nothing happened and nothing was detected.
func (r ShopResult) ItemF1() float64 { return share(2*r.Right, r.Happened+r.Detected) }

// RightShopper returns the share of rightly detected interactions of shoppers
// whose visit comes first; 1 if there are none.
func (r ShopResult) RightShopper() float64 { return share(r.Shopper, r.Attributed) }

// WrongChargeShare returns the share of all detections that nobody would be
// asked about and that are wrong; 0 if there are none.
func (r ShopResult) WrongChargeShare() float64 {
	return float64(r.WrongCharge) / float64(max(1, r.Detections))
}
