package engine

import (
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

// A question is a doubtful detection, where it was recorded: in a visit's
// stream, or in a shop's when no visit could own it. Or it is a weighing of a
// cart that did not pass.
type question struct {
	detection ledger.ID
	stream    ledger.StreamID
	visit     *visit // nil in a shop's stream
	store     *store // nil in a visit's stream
	claim     ledger.DetectionRecorded
	weighed   *ledger.CartWeighed // instead of a claim, or
	gate      *ledger.GateDoubted // an entry
	seenAt    time.Time
	opened    ledger.ID
	requested bool
	atRisk    money.Money
	deadline  time.Time
	decided   *ledger.ReviewDecided
	event     ledger.ID // that decided it
	blocked   []*visit  // others that wait for the answer
}

func (q *question) request(p ledger.ReviewRequested) {
	if !q.requested {
		q.requested, q.atRisk, q.deadline = true, p.AtRisk, p.Deadline
	}
}

// storeID returns the shop the detection belongs to.
func (q *question) storeID() ledger.StoreID {
	if q.store != nil {
		return q.store.id
	}
	return q.visit.cart.Presented.Store
}

// asked returns the question that an event of the visit raised, nil if the
// cart has none of it.
func (v *visit) asked(e *Engine, ev ledger.Event) *question {
	i := len(v.cart.Questions) - 1
	if i < 0 || v.cart.Questions[i].Detection != ev.ID {
		return nil
	}
	q := &question{detection: ev.ID, stream: ev.Stream, visit: v, seenAt: ev.Occurred, opened: ev.ID}
	e.questions[ev.ID] = q
	return q
}

// settleQuestion notes the answer where the question was asked. The other
// visits that wait for it are decided again, and if it names another visit
// that one is given the item.
func (e *Engine) settleQuestion(q *question, event ledger.ID, d ledger.ReviewDecided) {
	q.decided, q.event = &d, event
	for _, v := range q.blocked {
		e.enqueue(v)
	}
	if d.Verdict == ledger.VerdictDismissed || d.Visit == "" || (q.visit != nil && d.Visit == q.visit.id) {
		return
	}
	m := ledger.DetectionAttributed{
		Detection: q.detection, Stream: q.stream, Decision: event, SKU: d.SKU, Action: d.Action, Quantity: d.Quantity,
		Slot: q.claim.Slot, SeenAt: q.seenAt, Evidence: q.claim.Evidence, Grams: projections.Weight(q.claim.Grams),
	}
	if m.Grams > 0 {
		m.Scale = q.claim.Sensor
	}
	e.move(d.Visit, m)
}

// move gives a visit an item that was recorded elsewhere. A visit that never
// was, or that the gate refused, takes none.
func (e *Engine) move(to ledger.VisitID, m ledger.DetectionAttributed) {
	v := e.visits[to]
	if v == nil || !v.billable() {
		return
	}
	if m.Evidence == nil {
		m.Evidence = []ledger.EvidenceRef{}
	}
	v.moves = append(v.moves, m)
	e.enqueue(v)
}

// implicate tells the other visits that a doubtful detection may be theirs.
func (e *Engine) implicate(q *question) {
	for _, c := range q.claim.Candidates() {
		v := e.visits[c.Visit]
		if v == nil || v == q.visit || v.cart.Presented.Store != q.storeID() {
			continue
		}
		v.implications = append(v.implications, ledger.DetectionImplicated{
			Detection: q.detection, Stream: q.stream, Confidence: c.Confidence,
		})
		e.enqueue(v)
	}
}

// QuestionView is what the engine knows of a doubtful detection.
type QuestionView struct {
	Detection ledger.ID
	Stream    ledger.StreamID
	Store     ledger.StoreID
	Claim     ledger.DetectionRecorded
	Decided   *ledger.ReviewDecided // nil while it is open
}

// Question returns the question about a detection.
func (e *Engine) Question(detection ledger.ID) (QuestionView, bool) {
	q := e.questions[detection]
	if q == nil {
		return QuestionView{}, false
	}
	return QuestionView{
		Detection: q.detection, Stream: q.stream, Store: q.storeID(), Claim: q.claim, Decided: q.decided,
	}, true
}

func hasDoubt(ds []ledger.Doubt, d ledger.Doubt) bool { return slices.Contains(ds, d) }
