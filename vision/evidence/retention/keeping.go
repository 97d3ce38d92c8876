// Package retention decides how long evidence is kept, from the events alone,
// and deletes it when its time is over.
//
// [Keeping] is the fold: which visits name which evidence, and what about each
// visit keeps it. [Run] is one pass over a store: loose objects go to the visits
// that name them, and what is over its time is deleted.
//
// # Invariants
//
//   - Nothing that a visit names is deleted while the visit is not over, has a
//     question, a dispute, a bank's claim or a hold, or while a shopper may still
//     dispute it under the rules that are pinned to the visit.
//   - What several visits name is kept as long as any of them needs it.
//   - That evidence has expired stands in the log before a key or a byte of it
//     is destroyed. A pass that was cut off is finished by the next.
package retention

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/evidence"
)

// Kinds are the kinds of events that Keeping reads.
func Kinds() []ledger.Kind {
	return []ledger.Kind{
		ledger.KindGatePresented, ledger.KindGateRefused, ledger.KindVisitSettled, ledger.KindReceiptIssued,
		ledger.KindReceiptCorrected, ledger.KindReviewRequested, ledger.KindReviewDecided, ledger.KindDisputeOpened,
		ledger.KindDisputeDecided, ledger.KindFraudWarningReceived, ledger.KindChargebackOpened, ledger.KindChargebackClosed,
		ledger.KindDetectionRecorded, ledger.KindDetectionImplicated, ledger.KindDetectionAttributed,
		ledger.KindCartWeighed,
		ledger.KindEvidencePackBuilt, ledger.KindNoticeQuarantined, ledger.KindEvidenceHeld, ledger.KindEvidenceReleased,
		ledger.KindEvidenceExpired,
	}
}

// Keeping is the fold that knows why evidence is kept. Its zero value is at the
// start of the log.
type Keeping struct {
	position   uint64
	visits     map[ledger.VisitID]*visit
	named      map[ledger.Digest]*naming
	detections map[ledger.ID][]ledger.Digest // of those whose evidence is kept
}

// A naming is who names a piece of evidence.
type naming struct {
	visits     []ledger.VisitID
	detections []ledger.ID
	at         time.Time // when it was named last
	class      ledger.RetentionClass
	cause      ledger.ID // event that named it last
	original   bool      // named as one, see ledger.EvidenceRef
	shown      bool      // named as something that a shopper may see
}

// A visit is what keeps the evidence of one.
type visit struct {
	over        bool
	ended       time.Time // latest of what ends it: settled, receipt, correction
	disputeDays int
	receipt     time.Time
	disputed    time.Time         // last opened or decided
	claimed     time.Time         // by a bank: last opened or closed, or a warning
	open        map[string]string // what is open, and how it is called
	seen        bool              // some evidence of it was named
	done        bool              // its key is destroyed, as a Runner knows
}

func (v *visit) keep(what, why string) {
	if v.open == nil {
		v.open = map[string]string{}
	}
	v.open[what] = why
}

// later returns the later of two times: what a clock says may go back.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Position returns the position of the last event folded.
func (k *Keeping) Position() uint64 { return k.position }

func (k *Keeping) visit(v ledger.VisitID) *visit {
	if k.visits == nil {
		k.visits = map[ledger.VisitID]*visit{}
	}
	if k.visits[v] == nil {
		k.visits[v] = &visit{}
	}
	return k.visits[v]
}

// Apply moves k past e. Other kinds than [Kinds] change nothing.
func (k *Keeping) Apply(e ledger.Event) error {
	if e.Position <= k.position {
		return fmt.Errorf("retention: position %d after position %d: %w", e.Position, k.position, ledger.ErrCorrupt)
	}
	k.position = e.Position
	switch p := e.Payload.(type) { // what is about evidence, and not about one visit's state
	case ledger.EvidenceHeld:
		k.visit(p.Visit).keep("hold "+e.ID.String(), "it is held")
	case ledger.EvidenceReleased:
		delete(k.visit(p.Visit).open, "hold "+p.Hold.String())
	case ledger.EvidenceExpired:
		k.forget(p.Digest)
	case ledger.NoticeQuarantined:
		k.name(e, ledger.RetentionChargeback, p.Digest)
	case ledger.EvidencePackBuilt:
		k.name(e, ledger.RetentionUnnamed, p.Digest)
	case ledger.DetectionAttributed:
		k.refs(e, p.Detection, p.Evidence)
	case ledger.DetectionRecorded:
		k.refs(e, e.ID, p.Evidence)
	case ledger.CartWeighed:
		k.refs(e, e.ID, p.Evidence)
	case ledger.DetectionImplicated:
		k.name(e, ledger.RetentionUnnamed, k.detections[p.Detection]...)
	default:
		if v, ok := visitOf(e.Stream); ok {
			k.visit(v).apply(e)
		}
	}
	return nil
}

func visitOf(s ledger.StreamID) (ledger.VisitID, bool) {
	category, id := s.Split()
	return ledger.VisitID(id), category == ledger.CategoryVisit || category == ledger.CategoryPayment
}

// apply moves a visit past an event of its own.
func (v *visit) apply(e ledger.Event) {
	at := e.Occurred
	switch p := e.Payload.(type) { // what lengthens or ends it
	case ledger.GatePresented:
		v.disputeDays = p.Policy.DisputeDays
	case ledger.GateRefused, ledger.VisitSettled:
		v.over, v.ended = true, later(v.ended, at)
	case ledger.ReceiptIssued, ledger.ReceiptCorrected:
		v.ended, v.receipt = later(v.ended, at), later(v.receipt, at)
	case ledger.ReviewRequested:
		v.keep("question "+p.Detection.String(), "a question is open")
	case ledger.ReviewDecided:
		delete(v.open, "question "+p.Detection.String())
	case ledger.DisputeOpened:
		v.disputed = later(v.disputed, at)
		v.keep("dispute "+p.Dispute.String(), "a dispute is open")
	case ledger.DisputeDecided:
		v.disputed = later(v.disputed, at)
		delete(v.open, "dispute "+p.Dispute.String())
	case ledger.FraudWarningReceived:
		v.claimed = later(v.claimed, at)
	case ledger.ChargebackOpened:
		v.claimed = later(v.claimed, at)
		v.keep("claim "+p.Chargeback, "a bank claims the money")
	case ledger.ChargebackClosed:
		v.claimed = later(v.claimed, at)
		delete(v.open, "claim "+p.Chargeback)
	}
}

func (k *Keeping) refs(e ledger.Event, detection ledger.ID, refs []ledger.EvidenceRef) {
	for _, ref := range refs {
		k.name(e, ledger.RetentionUnnamed, ref.Digest)
		n := k.named[ref.Digest]
		n.original, n.shown = n.original || ref.Original(), n.shown || !ref.Original()
		if !slices.Contains(n.detections, detection) {
			n.detections = append(n.detections, detection)
		}
		if !slices.Contains(k.detections[detection], ref.Digest) {
			k.detections[detection] = append(k.detections[detection], ref.Digest)
		}
	}
}

// name notes that e names evidence, for the visit whose stream it is in, or for
// none and then by a class.
func (k *Keeping) name(e ledger.Event, class ledger.RetentionClass, digests ...ledger.Digest) {
	if k.named == nil {
		k.named, k.detections = map[ledger.Digest]*naming{}, map[ledger.ID][]ledger.Digest{}
	}
	for _, d := range digests {
		n := k.named[d]
		if n == nil {
			n = &naming{class: class}
			k.named[d] = n
		}
		n.at, n.cause = later(n.at, e.Occurred), e.ID
		if v, ok := visitOf(e.Stream); ok && !slices.Contains(n.visits, v) {
			k.visit(v).seen = true
			n.visits = append(n.visits, v)
		}
	}
}

// forget drops what has expired, so that the fold is as large as the store.
func (k *Keeping) forget(d ledger.Digest) {
	n := k.named[d]
	if n == nil {
		return
	}
	for _, id := range n.detections {
		rest := slices.DeleteFunc(k.detections[id], func(o ledger.Digest) bool { return o == d })
		if k.detections[id] = rest; len(rest) == 0 {
			delete(k.detections, id)
		}
	}
	delete(k.named, d)
}

// Visit returns until when the evidence of a visit is kept.
func (k *Keeping) Visit(id ledger.VisitID, p Policy) Term {
	v := k.visits[id]
	if v == nil {
		return Term{Kept: "the visit is not known"}
	}
	t := Term{}
	t.extend(ledger.RetentionRoutine, v.ended, p.Routine)
	if !v.receipt.IsZero() {
		t.extend(ledger.RetentionRoutine, v.receipt, v.disputeDays+p.Margin)
	}
	if !v.disputed.IsZero() {
		t.extend(ledger.RetentionDisputed, v.disputed, p.Disputed)
	}
	if !v.claimed.IsZero() {
		t.extend(ledger.RetentionChargeback, v.claimed, p.Chargeback)
	}
	if !v.over {
		t.Kept, t.Until = "the visit is not over", time.Time{}
		return t
	}
	if len(v.open) > 0 {
		var why []string
		for _, w := range v.open {
			why = append(why, w)
		}
		slices.Sort(why)
		t.Kept, t.Until = strings.Join(slices.Compact(why), ", "), time.Time{}
	}
	return t
}

// Evidence returns until when a piece of evidence is kept, and the visits that
// name it; false if no event does, or it has expired.
func (k *Keeping) Evidence(d ledger.Digest, p Policy) (Term, []ledger.VisitID, bool) {
	n := k.named[d]
	if n == nil {
		return Term{}, nil, false
	}
	var t Term
	for _, v := range n.visits {
		t = longer(t, k.Visit(v, p))
	}
	switch {
	case n.class == ledger.RetentionChargeback:
		t = longer(t, after(n, p.Chargeback))
	case len(n.visits) == 0:
		t = after(n, p.Unnamed)
	}
	return t, slices.Clone(n.visits), true
}

// owners returns whose keys a piece is sealed to. What is named as an original
// and as its own blurred copy shows no face.
func (k *Keeping) owners(d ledger.Digest) (all []evidence.Owner) {
	if n := k.named[d]; n != nil {
		for _, v := range n.visits {
			all = append(all, evidence.Owner{Visit: v, Original: n.original && !n.shown})
		}
	}
	return all
}

// after returns the term of what is kept from when it was named.
func after(n *naming, days int) Term {
	t := Term{}
	t.extend(n.class, n.at, days)
	return t
}

// over returns the visits whose evidence is over its time and whose key is not
// known to be destroyed, in order.
func (k *Keeping) over(now time.Time, p Policy) []ledger.VisitID {
	var all []ledger.VisitID
	for id, v := range k.visits {
		if v.seen && !v.done && k.Visit(id, p).Over(now) {
			all = append(all, id)
		}
	}
	slices.Sort(all)
	return all
}

// digests returns every piece of evidence that is kept, in order.
func (k *Keeping) digests() []ledger.Digest {
	all := make([]ledger.Digest, 0, len(k.named))
	for d := range k.named {
		all = append(all, d)
	}
	slices.Sort(all)
	return all
}
