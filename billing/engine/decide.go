package engine

import (
	"fmt"
	"slices"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
)

// actorEngine signs what the engine decides by itself.
const actorEngine = "engine"

// maxDrafts bounds one append, well below ledger.MaxBatch.
const maxDrafts = 200

// decide returns what must happen for v: at most one append, and a send. The
// rules are asked in order; the first that has something to say is heard, and
// the others again when that was read back.
func (v *visit) decide(e *Engine, st *step) []Action {
	var actions []Action
	if s, ok := v.send(st); ok && !e.withheld {
		v.sending = true
		actions = append(actions, s)
	}
	if v.busy || v.cart.Status == projections.StatusNone {
		return actions
	}
	v.stuck = ""
	v.freeCard(e)
	store := e.store(v.cart.Presented.Store)
	a, ok := v.append(e, store, st)
	if e.withheld && orders(a) {
		ok = false
	}
	numbers := ok && numbered(a)
	if !numbers {
		store.yield(e, v)
	}
	if ok {
		v.busy = true
		actions = append(actions, a)
	}
	return actions
}

// append returns what must be written next.
func (v *visit) append(e *Engine, store *store, st *step) (Append, bool) {
	if p := v.outcome(); p != nil {
		return v.toPayment(st, v.outcomeID(p), p), true
	}
	if ds := v.housekeeping(e, st); len(ds) > 0 {
		return v.toVisit(ds...), true
	}
	if a, ok := v.ask(st); ok {
		return a, true
	}
	switch v.cart.Status {
	case projections.StatusPresented:
		return v.atGate(st)
	case projections.StatusInside:
		return v.increment(st)
	case projections.StatusExited:
		if a, ok := v.increment(st); ok || !st.due(v.graceEnds()) {
			return a, ok
		}
		return v.finalise(store, st)
	case projections.StatusIssued, projections.StatusSettled:
		if a, ok := v.correct(store, st); ok {
			return a, true
		}
		if a, ok := v.afterReceipt(e, store, st); ok {
			return a, true
		}
	case projections.StatusNone, projections.StatusRefused:
	}
	return v.release(st)
}

// toVisit is an append to the visit's stream as it was seen.
func (v *visit) toVisit(ds ...ledger.Draft) Append {
	return Append{
		Subject: v.name(), Stream: v.name(), Expected: ledger.After(v.cart.Events),
		Drafts: ds[:min(len(ds), maxDrafts)],
	}
}

// toPayment is an append to the payment's stream as it was seen.
func (v *visit) toPayment(st *step, id ledger.ID, p ledger.Payload) Append {
	cause := v.last
	if in := v.payment.Open; in != nil {
		cause, _ = ledger.ParseID(in.ID) // the zero id is no cause
	}
	return Append{
		Subject: v.name(), Stream: ledger.PaymentStream(v.id), Expected: ledger.After(v.payment.Events()),
		Drafts: []ledger.Draft{draft(ledger.Meta{ID: id, Occurred: st.now, Actor: actorEngine, Cause: cause}, p)},
	}
}

// fact returns a draft for the visit's stream that follows from its last
// event, with an id that a repetition has too.
func (v *visit) fact(st *step, p ledger.Payload, label ...string) ledger.Draft {
	return draft(ledger.Meta{
		ID: ledger.DeriveID(v.last, append([]string{string(p.Kind())}, label...)...), Occurred: st.now,
		Actor: actorEngine, Cause: v.last,
	}, p)
}

// draft returns p in stored form. What the engine makes is valid: anything
// else is a bug of ours, found by the tests.
func draft(m ledger.Meta, p ledger.Payload) ledger.Draft {
	d, err := ledger.NewDraft(m, p)
	if err != nil {
		panic(fmt.Sprintf("engine: decided on an event that cannot be: %v", err))
	}
	return d
}

// finalise ends a visit whose shopper has left: a provisional receipt while
// something is open, else the receipt, or nothing owed.
func (v *visit) finalise(store *store, st *step) (Append, bool) {
	if v.cart.Presented.Credential == ledger.CredentialStaff {
		return v.settle(st), true // in the log, not in revenue
	}
	if v.cart.Blocked() {
		if a, ok := v.provisional(st); ok {
			return a, true
		}
		return v.secure(st)
	}
	if v.cart.Empty() {
		return v.settle(st), v.payment.Open == nil
	}
	return v.issue(store, st)
}

// provisional tells the shopper what is sure and what is pending, once for
// each sum and each set of pending items.
func (v *visit) provisional(st *step) (Append, bool) {
	doc, err := projections.BuildDocument(&v.cart, "", "", st.now)
	if err != nil {
		return v.stop(err)
	}
	if old := v.cart.Provisional; old != nil && old.Gross == doc.Gross && slices.EqualFunc(old.Pending, doc.Pending, samePending) {
		return Append{}, false
	}
	return v.toVisit(v.fact(st, ledger.ReceiptProvisional{Document: doc})), true
}

func samePending(a, b ledger.PendingItem) bool {
	return a.Detection == b.Detection && a.SKU == b.SKU && a.Quantity == b.Quantity && a.AtRisk == b.AtRisk
}

func (v *visit) issue(store *store, st *step) (Append, bool) {
	if !store.claim(v) {
		return Append{}, false
	}
	number := store.nextNumber(st.now, v.cart.Presented.Seller)
	doc, err := projections.BuildDocument(&v.cart, number, "", st.now)
	if err != nil {
		return v.stop(err)
	}
	return v.toVisit(v.fact(st, ledger.ReceiptIssued{Document: doc})), true
}

// correct issues the further document that a decision made due.
func (v *visit) correct(store *store, st *step) (Append, bool) {
	if _, due := v.cart.CorrectionDue(); !due || !store.claim(v) {
		return Append{}, false
	}
	number := store.nextNumber(st.now, v.cart.Presented.Seller)
	p, ok, err := projections.BuildCorrection(&v.cart, number, st.now)
	if err != nil {
		return v.stop(err)
	}
	return v.toVisit(v.fact(st, p)), ok
}

// stop notes why a visit cannot go on: amounts that no shop has. A person
// must look; nothing is charged meanwhile.
func (v *visit) stop(err error) (Append, bool) {
	v.stuck = err.Error()
	return Append{}, false
}

// numbered reports whether a carries a document that takes a number.
func numbered(a Append) bool {
	k := a.Drafts[0].Kind
	return k == ledger.KindReceiptIssued || k == ledger.KindReceiptCorrected
}

// Stuck returns the visits about which nothing more can be decided, by id.
func (e *Engine) Stuck() []ledger.VisitID {
	var ids []ledger.VisitID
	for _, v := range sorted(e.visits) {
		if v.stuck != "" {
			ids = append(ids, v.id)
		}
	}
	return ids
}
