package fiscal

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// A Book is the fold that knows what a device must still do. The zero value is
// before the first event.
//
// # Invariants
//
//   - A visit of a seller who needs no signatures is not in it.
//   - Each document is signed once, in the order of the documents; the first
//     ends the transaction that began at the gate.
type Book struct {
	position uint64
	visits   map[ledger.VisitID]*entry
	due      map[ledger.VisitID]bool
}

// An entry is a visit whose documents are signed.
type entry struct {
	regime  ledger.FiscalRegime
	entered ledger.ID // gate.entered; zero before
	started bool
	papers  []paper                 // in order
	before  *ledger.ReceiptDocument // the last document, as far as the next one needs it
}

// A paper waits for its signature.
type paper struct {
	event  ledger.ID
	number string // empty: the visit ended without a document
	data   string
	fault  string // why it can never be signed
	signed bool
	failed int // tries that the log knows of
	last   time.Time
}

// A Task is something that a device must do for a visit.
type Task struct {
	Visit   ledger.VisitID
	Regime  ledger.FiscalRegime
	Key     string    // of the transaction
	Cause   ledger.ID // the event that makes it due
	Begin   bool      // begin the transaction, and no more
	Receipt string
	Process string
	Data    string
	Fault   string // it cannot be asked for: say so
	Tried   int    // failures that were written down
}

// Position returns the position of the last event folded.
func (b *Book) Position() uint64 { return b.position }

// Apply moves b past e. Events that are nobody's business here change nothing.
func (b *Book) Apply(e ledger.Event) {
	b.position = e.Position
	category, id := e.Stream.Split()
	if category != ledger.CategoryVisit {
		return
	}
	visit := ledger.VisitID(id)
	if p, ok := e.Payload.(ledger.GatePresented); ok {
		b.present(visit, p)
		return
	}
	v := b.visits[visit]
	if v == nil {
		return
	}
	switch p := e.Payload.(type) { // all others change nothing
	case ledger.GateEntered:
		v.entered = e.ID
	case ledger.FiscalStarted:
		v.started = true
	case ledger.ReceiptIssued:
		v.document(e.ID, p.Document)
	case ledger.ReceiptCorrected:
		v.document(e.ID, p.Document)
	case ledger.VisitSettled:
		if len(v.papers) == 0 && !v.entered.IsZero() {
			v.papers = append(v.papers, paper{event: e.ID, data: abandoned})
		}
	case ledger.FiscalSigned:
		v.signed(p.Receipt)
	case ledger.FiscalFailed:
		v.failed(p.Receipt, e.Occurred)
	}
	delete(b.due, visit)
	if v.open() {
		b.due[visit] = true
	}
}

func (b *Book) present(visit ledger.VisitID, p ledger.GatePresented) {
	if p.Seller.Fiscal == ledger.FiscalNone || b.visits[visit] != nil {
		return
	}
	if b.visits == nil {
		b.visits, b.due = map[ledger.VisitID]*entry{}, map[ledger.VisitID]bool{}
	}
	b.visits[visit] = &entry{regime: p.Seller.Fiscal}
}

// document notes a document that must be signed.
func (v *entry) document(event ledger.ID, d ledger.ReceiptDocument) {
	p := paper{event: event, number: d.Number}
	var err error
	if p.data, err = Data(d, v.before); err != nil {
		p.fault = err.Error()
	}
	v.papers = append(v.papers, p)
	v.before = &ledger.ReceiptDocument{Number: d.Number, Seller: d.Seller, Taxes: d.Taxes}
}

// find returns the paper with this number, or nil.
func (v *entry) find(number string) *paper {
	for i := range v.papers {
		if v.papers[i].number == number {
			return &v.papers[i]
		}
	}
	return nil
}

func (v *entry) signed(number string) {
	if p := v.find(number); p != nil {
		p.signed = true
	}
}

func (v *entry) failed(number string, at time.Time) {
	if p := v.find(number); p != nil {
		p.failed++
		p.last = at
	}
}

// open reports whether something is left for the device to do.
func (v *entry) open() bool {
	if v.entered.IsZero() {
		return false
	}
	return !v.started && len(v.papers) == 0 || slices.ContainsFunc(v.papers, paper.waits)
}

// waits reports whether p can be signed and is not.
func (p paper) waits() bool { return !p.signed && (p.fault == "" || p.failed == 0) }

// retry is how long the device rests after a failure that was written down.
const retry = time.Minute

// Due returns what the device must do at now, visit by visit, and when it is
// worth asking again; zero if nothing waits for a time. Of a visit it is the
// first thing only: the next one follows when that was read back.
func (b *Book) Due(now time.Time) (tasks []Task, wake time.Time) {
	for _, id := range slices.Sorted(maps.Keys(b.due)) {
		v := b.visits[id]
		t, at := v.task(id)
		if at.After(now) {
			if wake.IsZero() || at.Before(wake) {
				wake = at
			}
			continue
		}
		tasks = append(tasks, t)
	}
	return tasks, wake
}

// task returns what comes next for a visit that is open, and from when on.
func (v *entry) task(id ledger.VisitID) (Task, time.Time) {
	t := Task{Visit: id, Regime: v.regime, Key: string(id) + "/1", Cause: v.entered, Begin: true}
	i := slices.IndexFunc(v.papers, paper.waits)
	if i < 0 {
		return t, time.Time{}
	}
	p := v.papers[i]
	t.Begin, t.Cause, t.Receipt, t.Data, t.Process, t.Fault, t.Tried = false, p.event, p.number, p.data, ProcessReceipt, p.fault, p.failed
	if i > 0 {
		t.Key = fmt.Sprintf("%s/%s", id, p.number)
	}
	if p.failed == 0 {
		return t, time.Time{}
	}
	return t, p.last.Add(retry)
}
