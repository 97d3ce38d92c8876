package projections

import (
	"fmt"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections/internal/state"
)

// A DisputeState says how far a dispute is.
type DisputeState string

// The states of a dispute: open, or the outcome it was decided with.
const (
	DisputeOpen    DisputeState = "open"
	DisputeUpheld  DisputeState = "upheld"
	DisputePartial DisputeState = "partial"
	DisputeDenied  DisputeState = "denied"
)

// A Dispute is a shopper's claim about a line, and what became of it.
type Dispute struct {
	ID           ledger.ID          `json:"id"`
	Visit        ledger.VisitID     `json:"visit"`
	Receipt      string             `json:"receipt"`
	Line         ledger.ReceiptLine `json:"line"` // as in that receipt; only No is set if it has no such line
	Claim        ledger.Claim       `json:"claim"`
	Quantity     int                `json:"quantity"` // pieces in dispute
	Message      string             `json:"message"`
	OpenedAt     time.Time          `json:"opened_at"`
	State        DisputeState       `json:"state"`
	TakenOff     int                `json:"taken_off"` // pieces
	MoveTo       ledger.VisitID     `json:"move_to"`
	Reviewer     string             `json:"reviewer"`
	Reason       string             `json:"reason"`
	DecidedAt    time.Time          `json:"decided_at"`
	DecidedEvent ledger.ID          `json:"decided_event"`
	Correction   string             `json:"correction"` // number of the receipt that follows it; empty until then
}

// Disputes is the fold of one visit's stream that keeps its disputes.
type Disputes struct {
	Receipts Receipts  `json:"receipts"`
	Disputes []Dispute `json:"disputes"` // in the order they were opened
	Odd      []Oddity  `json:"odd"`
}

// Get returns the dispute with this id.
func (d *Disputes) Get(id ledger.ID) (Dispute, bool) {
	if i := d.index(id); i >= 0 {
		return d.Disputes[i], true
	}
	return Dispute{}, false
}

func (d *Disputes) index(id ledger.ID) int {
	for i := range d.Disputes {
		if d.Disputes[i].ID == id {
			return i
		}
	}
	return -1
}

// Apply moves d past e. See [Cart.Apply] for its errors.
func (d *Disputes) Apply(e ledger.Event) error {
	if err := d.Receipts.Apply(e); err != nil { // also refuses what d would
		return fmt.Errorf("disputes: %w", err)
	}
	switch p := e.Payload.(type) { // Receipts.Apply knows them all
	case ledger.DisputeOpened:
		d.opened(e, p)
	case ledger.DisputeDecided:
		d.decided(e, p)
	case ledger.ReceiptCorrected:
		for i := range d.Disputes {
			if q := &d.Disputes[i]; q.TakenOff > 0 && q.Correction == "" {
				q.Correction = p.Document.Number
			}
		}
	}
	return nil
}

func (d *Disputes) opened(e ledger.Event, p ledger.DisputeOpened) {
	if d.index(p.Dispute) >= 0 {
		d.odd(e, "dispute %s opened again", p.Dispute)
		return
	}
	_, visit := e.Stream.Split()
	q := Dispute{
		ID: p.Dispute, Visit: ledger.VisitID(visit), Receipt: p.Receipt, Line: ledger.ReceiptLine{No: p.Line},
		Claim: p.Claim, Quantity: p.Quantity, Message: p.Message, OpenedAt: e.Occurred, State: DisputeOpen,
	}
	doc, _ := d.Receipts.Document(p.Receipt)
	for _, l := range doc.Lines {
		if l.No == p.Line {
			q.Line = l
		}
	}
	if q.Line.SKU == "" {
		d.odd(e, "dispute about line %d of receipt %s, which is not there", p.Line, p.Receipt)
	}
	d.Disputes = append(d.Disputes, q)
}

func (d *Disputes) decided(e ledger.Event, p ledger.DisputeDecided) {
	i := d.index(p.Dispute)
	if i < 0 || d.Disputes[i].State != DisputeOpen {
		d.odd(e, "decision on dispute %s, which is not open", p.Dispute)
		return
	}
	q := &d.Disputes[i]
	q.State, q.TakenOff, q.MoveTo = DisputeState(p.Outcome), p.Quantity, p.MoveTo
	q.Reviewer, q.Reason, q.DecidedAt, q.DecidedEvent = p.Reviewer, p.Reason, e.Occurred, e.ID
}

func (d *Disputes) odd(e ledger.Event, format string, args ...any) {
	d.Odd = append(d.Odd, Oddity{Event: e.ID, Revision: e.Revision, What: fmt.Sprintf(format, args...)})
}

const disputesForm = "disputes.v1"

// MarshalBinary returns a snapshot of d: canonical JSON.
func (d *Disputes) MarshalBinary() ([]byte, error) { return state.Marshal(disputesForm, d) }

// UnmarshalBinary makes d what a snapshot says; see [Cart.UnmarshalBinary].
func (d *Disputes) UnmarshalBinary(b []byte) error {
	var n Disputes
	if err := state.Unmarshal(disputesForm, b, &n); err != nil {
		return err
	}
	*d = n
	return nil
}
