package projections

import (
	"fmt"
	"slices"

	"github.com/vouchledger/vouch/ledger"
)

// certain is the confidence of what a person decided.
const certain ledger.PerMille = 1000

// doubts returns what is uncertain about p for the visit, in a fixed order.
func (c *Cart) doubts(visit ledger.VisitID, p *ledger.DetectionRecorded) []ledger.Doubt {
	var ds []ledger.Doubt
	item, action, rules := &p.Items[0], &p.Actions[0], &c.Presented.Policy
	if item.Confidence < rules.ItemMin {
		ds = append(ds, ledger.DoubtItem)
	}
	if action.Confidence < rules.ActionMin {
		ds = append(ds, ledger.DoubtAction)
	}
	who := candidates(p)
	if len(who) == 0 || who[0].Visit != visit || who[0].Confidence < rules.PersonMin {
		ds = append(ds, ledger.DoubtPerson)
	}
	if action.Action != ledger.ActionTake && !c.returnable(item.SKU, p.Quantity) {
		ds = append(ds, ledger.DoubtUnmatched)
	}
	if c.Finished() {
		ds = append(ds, ledger.DoubtLate)
	}
	if c.Presented.Visit == "" { // without its rules nothing can be sure
		ds = append(ds, ledger.DoubtUnknown)
	}
	return ds
}

// candidates is p's Candidates, which would copy p.
func candidates(p *ledger.DetectionRecorded) []ledger.PersonHypothesis {
	if len(p.Persons) > 0 {
		return p.Persons
	}
	return p.Presence
}

// recorded applies a sensor's claim. It keeps p's evidence and nothing else. It
// returns the question that p raises, if it does, to be given the claim.
func (c *Cart) recorded(e *ledger.Record, visit ledger.VisitID, p *ledger.DetectionRecorded) *Question {
	var asked *Question
	doubts := c.doubts(visit, p)
	if len(doubts) > 0 {
		c.shared.ask(&c.Questions)
		c.Questions = append(c.Questions, Question{
			Detection: e.ID, Stream: c.streamOf(e), SeenAt: e.Occurred, Doubts: doubts, Opened: e.ID,
		})
		c.OpenCount++
		asked = &c.Questions[len(c.Questions)-1]
	}
	if p.Actions[0].Action != ledger.ActionTake {
		if len(doubts) == 0 {
			c.reduce(e, p.Items[0].SKU, p.Quantity, change{
				evidence: p.Evidence, check: ledger.CheckMachine, grams: Weight(p.Grams),
			})
		}
		return asked
	}
	pick := c.newPick()
	*pick = Pick{
		Detection: e.ID, SKU: p.Items[0].SKU, Quantity: p.Quantity, Left: p.Quantity, At: e.Occurred, Slot: p.Slot,
		Item: p.Items[0].Confidence, Action: p.Actions[0].Confidence, Evidence: slices.Clip([]ledger.EvidenceRef(p.Evidence)),
		Check: ledger.CheckMachine, State: PickSure, Causes: c.shared.id(e.ID),
	}
	pick.weigh(p.Grams, p.Sensor)
	if who := candidates(p); len(who) > 0 {
		pick.Person = who[0].Confidence
	}
	if len(doubts) > 0 {
		pick.State = PickOpen
	}
	return asked
}

// newPick returns a further pick, without a price.
func (c *Cart) newPick() *Pick {
	if len(c.Picks) == cap(c.Picks) {
		c.shared.roomier(&c.Picks)
	}
	c.Picks = append(c.Picks, Pick{})
	c.unpriced++
	return &c.Picks[len(c.Picks)-1]
}

// streamOf returns the name of e's stream, in the memory of the cart.
func (c *Cart) streamOf(e *ledger.Record) ledger.StreamID {
	if c.Events > 0 {
		return c.Stream
	}
	return e.Stream
}

// implicated opens the question of a detection that lies elsewhere.
func (c *Cart) implicated(e *ledger.Record, p ledger.DetectionImplicated) {
	if c.question(p.Detection) != nil {
		c.odd(e, "implicated again by detection %s", p.Detection)
		return
	}
	c.Questions = append(c.Questions, Question{
		Detection: p.Detection, Stream: p.Stream, SeenAt: e.Occurred,
		Doubts: []ledger.Doubt{ledger.DoubtPerson}, Opened: e.ID,
	})
	c.OpenCount++
}

// attributed applies what a review or a dispute gave to this visit.
func (c *Cart) attributed(e *ledger.Record, p ledger.DetectionAttributed) {
	by := change{
		evidence: p.Evidence, check: ledger.CheckReviewed, decision: p.Decision,
		causes: []ledger.ID{p.Detection, p.Decision}, grams: Weight(p.Grams),
	}
	if p.Action != ledger.ActionTake {
		c.reduce(e, p.SKU, p.Quantity, by)
		return
	}
	pick := Pick{
		Detection: p.Detection, SKU: p.SKU, Quantity: p.Quantity, Left: p.Quantity, At: p.SeenAt, Slot: p.Slot,
		Item: certain, Action: certain, Person: certain, State: PickSure,
		Evidence: slices.Clip([]ledger.EvidenceRef(p.Evidence)),
		Check:    ledger.CheckReviewed, Causes: []ledger.ID{p.Detection, p.Decision, e.ID}, Decision: p.Decision,
	}
	pick.weigh(p.Grams, p.Scale)
	// What came back keeps the price that was pinned when it was taken.
	for _, old := range c.Picks {
		if old.Detection == p.Detection && old.SKU == p.SKU && old.Price != nil {
			pick.Price, pick.Repriced = old.Price, clonePtr(old.Repriced)
		}
	}
	if *c.newPick() = pick; pick.Price != nil {
		c.unpriced--
	}
	c.Changed = p.Decision
}

// returnable reports whether n pieces of sku can still be put back. Mostly the last that
// were taken go back.
func (c *Cart) returnable(sku ledger.SKU, n int) bool {
	for i := len(c.Picks) - 1; i >= 0 && n > 0; i-- {
		if p := &c.Picks[i]; p.SKU == sku && p.State != PickDropped {
			n -= p.Left
		}
	}
	return n <= 0
}

// A change says why pieces leave the picks.
type change struct {
	evidence []ledger.EvidenceRef
	check    ledger.LineCheck
	decision ledger.ID   // what decided it, if not the event alone
	causes   []ledger.ID // before the event's own id
	grams    int         // of the pieces together, if they were weighed
	pieces   int         // that leave, in all
}

// reduce takes n pieces of sku off the latest picks. Sure picks come first: a
// doubtful pick that is dismissed later must not have swallowed the return of
// a sure one, and so the count is right whatever the answer.
func (c *Cart) reduce(e *ledger.Record, sku ledger.SKU, n int, by change) {
	before := n
	by.pieces = n
	for _, state := range []PickState{PickSure, PickOpen} {
		for i := len(c.Picks) - 1; i >= 0 && n > 0; i-- {
			if p := &c.Picks[i]; p.SKU == sku && p.State == state {
				n -= p.takeOff(n, e.ID, by)
			}
		}
	}
	if n > 0 {
		c.odd(e, "%d of %d pieces of %s came back without their take", n, before, sku)
	}
	if n < before {
		c.Changed = e.ID
		if !by.decision.IsZero() {
			c.Changed = by.decision
		}
	}
}

// takeOff takes up to n pieces off p and returns how many it took.
func (p *Pick) takeOff(n int, event ledger.ID, by change) int {
	n = min(n, p.Left)
	if n == 0 {
		return 0
	}
	p.lighten(n, by)
	p.Left -= n
	for _, id := range by.causes {
		p.because(id)
	}
	p.because(event)
	p.Evidence = append(p.Evidence, by.evidence...)
	p.Check = weaker(p.Check, by.check)
	if p.Left < 0 || p.Left > p.Quantity {
		panic(fmt.Sprintf("projections: pick %s has %d of %d left", p.Detection, p.Left, p.Quantity))
	}
	return n
}

// because adds an event to the causes of p.
func (p *Pick) because(id ledger.ID) {
	if !slices.Contains(p.Causes, id) {
		p.Causes = append(p.Causes, id)
	}
}

// weaker returns the check that is further from a machine's certainty.
func weaker(a, b ledger.LineCheck) ledger.LineCheck {
	order := []ledger.LineCheck{ledger.CheckMachine, ledger.CheckReviewed, ledger.CheckPolicy}
	return order[max(slices.Index(order, a), slices.Index(order, b), 0)]
}

func (c *Cart) question(detection ledger.ID) *Question {
	for i := range c.Questions {
		if c.Questions[i].Detection == detection {
			return &c.Questions[i]
		}
	}
	return nil
}

// requested notes that a question was put to the reviewers. It keeps nothing of p.
func (c *Cart) requested(e *ledger.Record, p *ledger.ReviewRequested) {
	q := c.question(p.Detection)
	switch {
	case q == nil:
		c.odd(e, "review requested of detection %s, which raises no question", p.Detection)
	case q.Requested || !q.Open():
		c.odd(e, "review of detection %s requested again", p.Detection)
	default:
		q.Requested, q.RequestedAt, q.AtRisk, q.Deadline = true, e.Occurred, p.AtRisk, p.Deadline
	}
}

// decided applies the answer to a question, which keeps p.
func (c *Cart) decided(e *ledger.Record, visit ledger.VisitID, p *ledger.ReviewDecided) {
	q := c.question(p.Detection)
	if q == nil || !q.Open() {
		c.odd(e, "decision on detection %s, which has no open question", p.Detection)
		return
	}
	q.Decided, q.DecidedEvent = p, e.ID
	c.OpenCount--
	if q.Gate != nil {
		c.Disowned = c.Disowned || p.Verdict == ledger.VerdictDisowned
		return
	}
	if q.Weighed != nil && p.Verdict != ledger.VerdictDismissed && p.Visit == visit {
		c.found(e, q, p)
	}
	if q.Claim == nil {
		return // recorded elsewhere: if it is ours, it comes as attributed
	}
	pick := c.openPick(p.Detection)
	here := p.Verdict != ledger.VerdictDismissed && p.Visit == visit
	take := here && p.Action == ledger.ActionTake && !c.Finished() // a late take is never billed
	if pick != nil && !take {
		pick.State = PickDropped
	}
	switch check := checkOf(p.Reviewer); {
	case take:
		c.confirmTake(e, *q, pick, check)
	case here && p.Action != ledger.ActionTake:
		c.reduce(e, p.SKU, p.Quantity, change{
			evidence: q.Claim.Evidence, check: check, causes: []ledger.ID{p.Detection}, grams: Weight(q.Claim.Grams),
		})
	}
}

// confirmTake makes the take of a question sure, as its decision says.
func (c *Cart) confirmTake(e *ledger.Record, q Question, pick *Pick, check ledger.LineCheck) {
	d := *q.Decided
	if pick == nil { // the sensor had read a return
		*c.newPick() = Pick{
			Detection: q.Detection, SKU: d.SKU, Quantity: d.Quantity, Left: d.Quantity, At: q.SeenAt, Slot: q.Claim.Slot,
			Item: q.Claim.Items[0].Confidence, Action: q.Claim.Actions[0].Confidence, State: PickSure, Check: check,
			Evidence: slices.Clone(q.Claim.Evidence), Causes: []ledger.ID{q.Detection, e.ID}, Decision: e.ID,
		}
		c.Picks[len(c.Picks)-1].weigh(q.Claim.Grams, q.Claim.Sensor)
		return
	}
	back := pick.Quantity - pick.Left
	if pick.SKU != d.SKU { // returns and price were of another product
		if pick.Price != nil {
			c.unpriced++
		}
		back, pick.Price, pick.Repriced, pick.Missing = 0, nil, nil, ""
		pick.weigh(q.Claim.Grams, q.Claim.Sensor)
	}
	pick.SKU, pick.Quantity, pick.Left = d.SKU, d.Quantity, max(0, d.Quantity-back)
	pick.State, pick.Check, pick.Decision = PickSure, weaker(pick.Check, check), e.ID
	pick.Causes = append(pick.Causes, e.ID)
}

func (c *Cart) openPick(detection ledger.ID) *Pick {
	for i := range c.Picks {
		if p := &c.Picks[i]; p.Detection == detection && p.State == PickOpen {
			return p
		}
	}
	return nil
}

// PolicyReviewer is the reviewer that answers at the deadline.
const PolicyReviewer = "policy"

func checkOf(reviewer string) ledger.LineCheck {
	if reviewer == PolicyReviewer {
		return ledger.CheckPolicy
	}
	return ledger.CheckReviewed
}

// priced pins a price to the picks it is for, which keep it.
func (c *Cart) priced(e *ledger.Record, detection ledger.ID, p *ledger.ItemPriced) {
	if p.Unit.Currency != c.Currency() {
		c.odd(e, "price of %s in %q, not the seller's %q", p.SKU, p.Unit.Currency, c.Currency())
		return
	}
	used := false
	var changed ledger.ID // by the latest pick that was decided
	for i, left := len(c.Picks)-1, c.unpriced; i >= 0 && left > 0; i-- {
		pick := &c.Picks[i]
		if pick.Price != nil {
			continue
		}
		left--
		if pick.Detection != detection || pick.SKU != p.SKU {
			continue
		}
		pick.Price, pick.Missing, used = p, "", true
		c.unpriced--
		if changed.IsZero() && pick.State == PickSure {
			changed = pick.Decision
		}
	}
	if !changed.IsZero() {
		c.Changed = changed
	}
	if !used {
		c.odd(e, "price of %s for detection %s, which waits for none", p.SKU, detection)
	}
}

// unpriceable notes what the catalogue lacks.
func (c *Cart) unpriceable(e *ledger.Record, p ledger.PricingFailed) {
	used := false
	for i := range c.Picks {
		if pick := &c.Picks[i]; pick.Detection == p.Detection && pick.SKU == p.SKU && pick.Price == nil {
			pick.Missing, used = p.Missing, true
		}
	}
	if !used {
		c.odd(e, "no price of %s for detection %s, which waits for none", p.SKU, p.Detection)
	}
}

// issued takes the first final receipt. What has no price by now will not be
// billed any more: a receipt never grows behind the shopper's back.
func (c *Cart) issued(e *ledger.Record, d *ledger.ReceiptDocument) {
	if c.Issued != nil {
		c.odd(e, "receipt %s after receipt %s", d.Number, c.Issued.Number)
		return
	}
	for i := range c.Picks {
		if pick := &c.Picks[i]; pick.waits() {
			pick.State = PickDropped
			c.odd(e, "receipt issued with detection %s without a price", pick.Detection)
		}
	}
	c.Issued, c.Status = d, StatusIssued
	c.bill(d)
}

// corrected takes a further receipt. The visit's status stays: its money may
// be settled already.
func (c *Cart) corrected(e *ledger.Record, d *ledger.ReceiptDocument) {
	if c.Latest == nil {
		c.odd(e, "correction %s of a receipt that was not issued", d.Number)
		return
	}
	c.bill(d)
}

// bill makes d the latest document. A line's amounts are those of the first
// document that bills it.
func (c *Cart) bill(d *ledger.ReceiptDocument) {
	c.Latest = d
	if len(c.Base) == 0 && len(d.Lines) > 0 { // no number is there twice: the document is valid
		c.Base = slices.Clip(d.Lines)
		return
	}
	for _, l := range d.Lines {
		if !slices.ContainsFunc(c.Base, func(b ledger.ReceiptLine) bool { return b.No == l.No }) {
			c.Base = append(c.Base, l)
		}
	}
}

// disputed ties a claim to its line.
func (c *Cart) disputed(e *ledger.Record, p ledger.DisputeOpened) {
	if slices.ContainsFunc(c.Disputes, func(d DisputeRef) bool { return d.Dispute == p.Dispute }) {
		c.odd(e, "dispute %s opened again", p.Dispute)
		return
	}
	c.Disputes = append(c.Disputes, DisputeRef{Dispute: p.Dispute, Line: p.Line, Quantity: p.Quantity})
}

// disputeDecided takes off what a dispute won.
func (c *Cart) disputeDecided(e *ledger.Record, p ledger.DisputeDecided) {
	i := slices.IndexFunc(c.Disputes, func(d DisputeRef) bool { return d.Dispute == p.Dispute && !d.Decided })
	if i < 0 {
		c.odd(e, "decision on dispute %s, which is not open", p.Dispute)
		return
	}
	c.Disputes[i].Decided = true
	if p.Quantity == 0 {
		return
	}
	b := slices.IndexFunc(c.Base, func(l ledger.ReceiptLine) bool { return l.No == c.Disputes[i].Line })
	if b < 0 {
		c.odd(e, "dispute %s is about line %d, which was not billed", p.Dispute, c.Disputes[i].Line)
		return
	}
	n, key := p.Quantity, c.baseKey(c.itemOf(b))
	for j := len(c.Picks) - 1; j >= 0 && n > 0; j-- {
		if pick := &c.Picks[j]; pick.billed() && pick.key() == key {
			n -= pick.takeOff(n, e.ID, change{check: ledger.CheckReviewed})
		}
	}
	if n < p.Quantity {
		c.Changed = e.ID
	}
	if n > 0 {
		c.odd(e, "dispute %s takes off %d pieces more than line %d has", p.Dispute, n, c.Base[b].No)
	}
}
