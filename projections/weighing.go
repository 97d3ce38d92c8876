package projections

import (
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// A Weighing is one time that all in the cart was weighed.
type Weighing struct {
	Event ledger.ID          `json:"event"`
	At    time.Time          `json:"at"`
	Said  ledger.CartWeighed `json:"said"`
}

// weighed takes what a scale says of the whole cart. If the weights do not
// agree that is a question, unless the receipt is out: then no answer could
// change it.
func (c *Cart) weighed(e *ledger.Record, p ledger.CartWeighed) {
	c.Weighings = append(c.Weighings, Weighing{e.ID, e.Occurred, p})
	if p.Passed || c.Finished() {
		return
	}
	c.Questions = append(c.Questions, Question{
		Detection: e.ID, Stream: c.streamOf(e), SeenAt: e.Occurred, Doubts: []ledger.Doubt{ledger.DoubtWeight},
		Weighed: new(p), Opened: e.ID,
	})
	c.OpenCount++
}

// Weighed returns the last weighing of the whole cart.
func (c *Cart) Weighed() (Weighing, bool) {
	if len(c.Weighings) == 0 {
		return Weighing{}, false
	}
	return c.Weighings[len(c.Weighings)-1], true
}

// Weighs returns what the pieces in the cart weigh together with their
// packing, doubtful ones too, and how many there are whose weight nobody knows.
// For a pick without a price, listed says what a piece weighs; 0 is not known.
//
// A piece weighs what the catalogue says, not what was on the scale when it was
// scanned: who scans gum and puts in whisky shall not pass. Only goods by
// weight, and pieces that the catalogue does not know better, weigh what they
// were weighed with.
func (c *Cart) Weighs(listed func(*Pick) int) (grams, unknown int) {
	for i := range c.Picks {
		p := &c.Picks[i]
		if p.State == PickDropped || p.Left == 0 {
			continue
		}
		each := 0
		if p.Price != nil {
			each = p.Price.Grams
		} else if listed != nil {
			each = listed(p)
		}
		byWeight := p.Price != nil && p.Price.Per == ledger.PerKilogram
		switch {
		case each > 0 && (!byWeight || p.Grams == 0):
			grams += each * p.Left
		case p.Grams > 0:
			grams += p.Grams
		default:
			unknown += p.Left
		}
		grams = min(grams, ledger.MaxCartGrams) // one that should weigh more than a tonne fails as well
	}
	return grams, unknown
}

// found applies what a person saw in a cart whose weight was in question. Goods
// that nobody scanned become a pick, goods that are not there come off one.
func (c *Cart) found(e *ledger.Record, q *Question, p *ledger.ReviewDecided) {
	check := checkOf(p.Reviewer)
	if p.Action != ledger.ActionTake {
		c.reduce(e, p.SKU, p.Quantity, change{check: check, causes: []ledger.ID{q.Detection}})
		return
	}
	if c.Finished() { // what is found late is never billed
		return
	}
	*c.newPick() = Pick{
		Detection: q.Detection, SKU: p.SKU, Quantity: p.Quantity, Left: p.Quantity, At: q.SeenAt,
		Slot: string(q.Weighed.Device), Item: certain, Action: certain, Person: certain, State: PickSure, Check: check,
		Causes: []ledger.ID{q.Detection, e.ID}, Decision: e.ID,
	}
}
