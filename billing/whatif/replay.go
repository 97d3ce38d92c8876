package whatif

import (
	"fmt"
	"slices"
	"time"

	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

// An Outcome is how a visit would have ended.
type Outcome struct {
	// Document is the receipt, without a number; nil if nothing would have been
	// billed.
	Document *ledger.ReceiptDocument
	Gross    money.Money // of the document, else nothing
	Asked    int         // questions that people would have been asked about its own detections
	// Open says that the visit has not come to its end, or could not.
	Open string
}

// If returns how the visit would have ended if claims had counted.
func (h History) If(claims []Claim) (Outcome, error) {
	a := another{
		engine: engine.New(), visit: h.Visit, stream: ledger.VisitStream(h.Visit), claims: claims,
		revisions: map[ledger.StreamID]uint64{},
	}
	a.engine.Withhold()
	for _, e := range h.events {
		if err := a.wakes(e.Recorded); err != nil {
			return Outcome{}, err
		}
		a.now = e.Recorded
		p, ok := a.given(e)
		if !ok {
			continue
		}
		m := ledger.Meta{ID: e.ID, Occurred: e.Occurred, Actor: e.Actor, Cause: e.Cause, Trace: e.Trace}
		d, err := ledger.NewDraft(m, p)
		if err == nil {
			err = a.take(e.Stream, d)
		}
		if err == nil {
			err = a.decide()
		}
		if err != nil {
			return Outcome{}, fmt.Errorf("visit %s: %w", h.Visit, err)
		}
	}
	if err := a.end(); err != nil {
		return Outcome{}, fmt.Errorf("visit %s: %w", h.Visit, err)
	}
	return a.outcome(), nil
}

// another is an engine that is told a history.
type another struct {
	engine    *engine.Engine
	visit     ledger.VisitID
	stream    ledger.StreamID
	claims    []Claim
	now       time.Time
	position  uint64
	revisions map[ledger.StreamID]uint64
}

// cart returns the visit's cart as it is now.
func (a *another) cart() *projections.Cart {
	v, ok := a.engine.Visit(a.visit)
	if !ok {
		return &projections.Cart{}
	}
	return v.Cart
}

// given returns what an event says that came from outside, with the claim that
// counts. What the engine decided is left to it, and so is what followed from
// the receipt.
func (a *another) given(e ledger.Event) (ledger.Payload, bool) {
	if e.Stream != a.stream {
		return e.Payload, true
	}
	switch p := e.Payload.(type) { // all others are the engine's, or follow from the receipt
	case ledger.DetectionRecorded:
		return a.claimed(e.ID, p), true
	case ledger.ReviewDecided:
		return p, a.waits(p)
	case ledger.GatePresented, ledger.GateEntered, ledger.GateRefused, ledger.GateExited, ledger.GateDoubted,
		ledger.DetectionImplicated, ledger.DetectionAttributed, ledger.CouponAccepted, ledger.AgeVerified, ledger.CartWeighed:
		return p, true
	default:
		return nil, false
	}
}

func (a *another) claimed(id ledger.ID, p ledger.DetectionRecorded) ledger.DetectionRecorded {
	i := slices.IndexFunc(a.claims, func(c Claim) bool { return c.Detection == id })
	if i < 0 {
		return p
	}
	if c := a.claims[i]; len(c.Items) > 0 {
		p.Items = c.Items
	}
	if c := a.claims[i]; len(c.Actions) > 0 {
		p.Actions = c.Actions
	}
	return p
}

// waits reports whether an answer is to a question that is asked here too. What
// the policy answered it answers again by itself, but where the question lies
// in another visit.
func (a *another) waits(p ledger.ReviewDecided) bool {
	for _, q := range a.cart().Questions {
		if q.Detection == p.Detection && q.Open() {
			return p.Reviewer != projections.PolicyReviewer || q.Stream != a.stream
		}
	}
	return false
}

// take folds drafts as if a log had stored them.
func (a *another) take(stream ledger.StreamID, ds ...ledger.Draft) error {
	for _, d := range ds {
		a.position++
		e, err := ledger.Decode(ledger.Record{
			ID: d.ID, Kind: d.Kind, Stream: stream, Revision: a.revisions[stream], Position: a.position,
			Recorded: a.now, Occurred: d.Occurred, Actor: d.Actor, Cause: d.Cause, Trace: d.Trace, Body: d.Body,
		})
		if err != nil {
			return err
		}
		a.revisions[stream]++
		if err := a.engine.Apply(e); err != nil {
			return err
		}
	}
	return nil
}

// mostRounds bounds how often an engine may have something to say at one
// instant, and how often it may wake; more is a bug of ours.
const mostRounds = 10_000

// decide lets the engine say all that it has to say now.
func (a *another) decide() error {
	for range mostRounds {
		actions := a.engine.Decide(a.now)
		if len(actions) == 0 {
			return nil
		}
		for _, action := range actions {
			ap, ok := action.(engine.Append)
			if !ok {
				panic(fmt.Sprintf("whatif: an engine that orders nothing sends %T", action))
			}
			if err := a.take(ap.Stream, ap.Drafts...); err != nil {
				return err
			}
			a.engine.Appended(ap, a.position)
		}
	}
	panic("whatif: the engine does not come to an end")
}

// wakes lets the engine say what is due before an instant.
func (a *another) wakes(before time.Time) error {
	for range mostRounds {
		at := a.engine.Wake()
		if at.IsZero() || !at.Before(before) {
			return nil
		}
		a.now = at
		if err := a.decide(); err != nil {
			return err
		}
	}
	panic("whatif: the engine wakes without end")
}

// end lets time pass until the visit is billed and nobody is asked any more.
func (a *another) end() error {
	for range mostRounds {
		c := a.cart()
		at := a.engine.Wake()
		if at.IsZero() || c.Finished() && c.OpenCount == 0 {
			return nil
		}
		if at.After(a.now) {
			a.now = at
		}
		if err := a.decide(); err != nil {
			return err
		}
	}
	panic("whatif: the visit does not come to an end")
}

func (a *another) outcome() Outcome {
	v, _ := a.engine.Visit(a.visit)
	out := Outcome{Gross: money.Zero(v.Cart.Currency()), Open: v.Stuck}
	for _, q := range v.Cart.Questions {
		if q.Requested && q.Stream == ledger.VisitStream(v.Cart.Visit) {
			out.Asked++
		}
	}
	if d := v.Cart.Latest; d != nil {
		doc := *d
		doc.Number, doc.Corrects = "", ""
		out.Document, out.Gross = &doc, doc.Gross
	}
	if out.Open == "" && !v.Cart.Finished() {
		out.Open = string(v.Cart.Status)
	}
	return out
}
