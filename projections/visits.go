package projections

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections/internal/state"
)

// A DisputeRow is a dispute in a list.
type DisputeRow struct {
	ID       ledger.ID    `json:"id"`
	Receipt  string       `json:"receipt"`
	Line     int          `json:"line"`
	Claim    ledger.Claim `json:"claim"`
	OpenedAt time.Time    `json:"opened_at"`
	State    DisputeState `json:"state"`
}

// A VisitRow is a visit in a list.
type VisitRow struct {
	Visit       ledger.VisitID       `json:"visit"`
	First       uint64               `json:"first"` // position of its first event; rises with the rows
	Last        uint64               `json:"last"`  // position of its latest event
	Store       ledger.StoreID       `json:"store"`
	Shopper     ledger.ShopperID     `json:"shopper"`
	Place       ledger.Place         `json:"place"`
	Party       int                  `json:"party"`
	Status      Status               `json:"status"`
	Refusal     ledger.RefusalReason `json:"refusal"`
	PresentedAt time.Time            `json:"presented_at"`
	EnteredAt   time.Time            `json:"entered_at"`
	ExitedAt    time.Time            `json:"exited_at"`
	Receipt     string               `json:"receipt"`     // number of the latest final receipt
	Receipts    []string             `json:"receipts"`    // numbers of all of them
	Provisional bool                 `json:"provisional"` // a provisional receipt is out and no final one
	Gross       money.Money          `json:"gross"`       // of the latest receipt
	Held        money.Money          `json:"held"`        // while the hold stands
	Captured    money.Money          `json:"captured"`    // all that was taken from cards, with a hold or without
	Refunded    money.Money          `json:"refunded"`    // and not come back
	Cash        money.Money          `json:"cash"`        // paid at a till
	Forgiven    money.Money          `json:"forgiven"`    // written off, and goodwill
	Lost        money.Money          `json:"lost"`        // to card networks, for good
	Claimed     bool                 `json:"claimed"`     // a card network claims money, undecided
	Agreed      money.Money          `json:"agreed"`      // the most that was ever asked for
	Owed        money.Money          `json:"owed"`        // said by visit.settled, less what was paid since
	Settled     ledger.SettledAs     `json:"settled"`
	Settlements int                  `json:"settlements"` // visit.settled events
	Captures    int                  `json:"captures"`    // captures of the hold; more than one is a double charge
	Charges     int                  `json:"charges"`     // taken without a hold
	Asked       bool                 `json:"asked"`       // a person must find out about its money
	Questions   []ledger.ID          `json:"questions"`   // detections under review, unanswered
	Disputes    []DisputeRow         `json:"disputes"`
}

// Dispute returns the state of the visit's disputes: open if any is, else how
// the last ended; empty if there is none.
func (r VisitRow) Dispute() DisputeState {
	var last DisputeState
	for _, d := range r.Disputes {
		if last = d.State; last == DisputeOpen {
			break
		}
	}
	return last
}

// A Refusal is an entry that a gate refused.
type Refusal struct {
	Event    ledger.ID            `json:"event"`
	Position uint64               `json:"position"`
	At       time.Time            `json:"at"`
	Visit    ledger.VisitID       `json:"visit"` // empty if none began
	Store    ledger.StoreID       `json:"store"`
	Gate     ledger.DeviceID      `json:"gate"`
	Ticket   string               `json:"ticket"`
	Reason   ledger.RefusalReason `json:"reason"`
	Detail   string               `json:"detail"`
}

// Visits is the fold of the whole log that keeps one small row for each visit,
// and the refused entries: for lists, and for checks over all visits.
type Visits struct {
	position uint64
	rows     []*VisitRow // by First
	refusals []Refusal
	// Found again from rows after a snapshot is read.
	byVisit   map[ledger.VisitID]*VisitRow
	byReceipt map[string]*VisitRow
	byDispute map[ledger.ID]*VisitRow
}

// Name names the fold's checkpoint.
func (*Visits) Name() string { return "visits" }

// Position returns the position of the last event folded.
func (v *Visits) Position() uint64 { return v.position }

// Len returns how many visits there are.
func (v *Visits) Len() int { return len(v.rows) }

// All yields the visits, oldest first.
func (v *Visits) All() iter.Seq[VisitRow] {
	return func(yield func(VisitRow) bool) {
		for _, r := range v.rows {
			if !yield(r.clone()) {
				return
			}
		}
	}
}

// Newest yields the visits that began before position before, newest first.
// Zero means all.
func (v *Visits) Newest(before uint64) iter.Seq[VisitRow] {
	return func(yield func(VisitRow) bool) {
		for _, r := range slices.Backward(v.rows) {
			if before > 0 && r.First >= before {
				continue
			}
			if !yield(r.clone()) {
				return
			}
		}
	}
}

// Get returns the row of a visit.
func (v *Visits) Get(id ledger.VisitID) (VisitRow, bool) { return found(v.byVisit[id]) }

// ByReceipt returns the visit that a final receipt belongs to.
func (v *Visits) ByReceipt(number string) (VisitRow, bool) { return found(v.byReceipt[number]) }

// ByDispute returns the visit that a dispute belongs to.
func (v *Visits) ByDispute(id ledger.ID) (VisitRow, bool) { return found(v.byDispute[id]) }

// Refusals returns the refused entries, oldest first. They must not be
// changed.
func (v *Visits) Refusals() []Refusal { return slices.Clip(v.refusals) }

func found(r *VisitRow) (VisitRow, bool) {
	if r == nil {
		return VisitRow{}, false
	}
	return r.clone(), true
}

func (r *VisitRow) clone() VisitRow {
	c := *r
	c.Receipts, c.Questions, c.Disputes = slices.Clone(r.Receipts), slices.Clone(r.Questions), slices.Clone(r.Disputes)
	return c
}

// Apply moves v past e. See [Cart.Apply] for its errors.
func (v *Visits) Apply(e ledger.Event) error {
	if err := state.Rising(v.position, e); err != nil {
		return fmt.Errorf("visits: %w", err)
	}
	switch p := e.Payload.(type) {
	case ledger.GateRefused:
		v.refused(e, p)
	case ledger.GatePresented, ledger.GateEntered, ledger.GateExited, ledger.ReviewRequested, ledger.ReviewDecided,
		ledger.ReceiptProvisional, ledger.VisitSettled, ledger.HoldIntended, ledger.CaptureIntended,
		ledger.ReleaseIntended, ledger.RefundIntended, ledger.Held, ledger.Captured, ledger.Released, ledger.Refunded,
		ledger.PaymentDeclined, ledger.PaymentUnclear, ledger.PaymentNotified, ledger.DetectionRecorded,
		ledger.DetectionImplicated, ledger.DetectionAttributed, ledger.DetectionReverified, ledger.ItemPriced, ledger.PricingFailed,
		ledger.PromotionPinned, ledger.CouponAccepted, ledger.ItemRepriced, ledger.AgeVerified, ledger.CartWeighed, ledger.GateDoubted,
		ledger.SupplementProposed, ledger.SupplementAnswered, ledger.GoodwillGranted, ledger.VisitMatched,
		ledger.FiscalStarted, ledger.FiscalSigned, ledger.FiscalFailed, ledger.IncrementIntended,
		ledger.Incremented, ledger.ChargeIntended, ledger.Charged, ledger.HoldLapsed, ledger.RefundFailed,
		ledger.ExternalObserved, ledger.PaymentEscalated, ledger.PaymentResolved, ledger.DebtWrittenOff,
		ledger.CashTaken, ledger.FraudWarningReceived, ledger.ChargebackOpened, ledger.ChargebackFundsMoved,
		ledger.EvidencePackBuilt, ledger.ChargebackAnswered, ledger.SubmissionIntended, ledger.EvidenceSubmitted, ledger.ChargebackClosed:
		v.touch(e)
	case ledger.ReceiptIssued:
		v.billed(e, p.Document)
	case ledger.ReceiptCorrected:
		v.billed(e, p.Document)
	case ledger.DisputeOpened:
		v.disputed(e, p)
	case ledger.DisputeDecided:
		v.disputeDecided(e, p)
	case ledger.StoreOpened, ledger.PolicySet, ledger.PlanogramSet, ledger.ProductListed, ledger.PriceSet, ledger.TaxSet,
		ledger.PromotionSet, ledger.CouponRedeemed, ledger.BalanceRecorded, ledger.PayoutRecorded,
		ledger.PayoutFailed, ledger.BankStatementRecorded, ledger.ExceptionOpened, ledger.ExceptionAssigned,
		ledger.ExceptionClosed, ledger.DayClosed, ledger.PriceChecked, ledger.EvidenceViewed, ledger.EvidenceHeld,
		ledger.EvidenceReleased, ledger.EvidenceExpired, ledger.PalmEnrolled, ledger.PalmRevoked, ledger.DeviceConfigured, ledger.DeviceReported, ledger.ShelfChanged,
		ledger.PalmConsented, ledger.PalmWithdrawn,
		ledger.NoticeQuarantined,
		ledger.ProviderSwept:
	default:
		return fmt.Errorf("visits: %w", state.Unknown(e))
	}
	v.position = e.Position
	return nil
}

// touch applies an event that concerns one row only.
func (v *Visits) touch(e ledger.Event) {
	if r := v.of(e); r != nil {
		r.gate(e)
		r.pay(e)
	}
}

// of returns the row that e belongs to, or nil if it is no visit's.
func (v *Visits) of(e ledger.Event) *VisitRow {
	category, id := e.Stream.Split()
	if category != ledger.CategoryVisit && category != ledger.CategoryPayment {
		return nil
	}
	r := v.byVisit[ledger.VisitID(id)]
	if r == nil {
		r = &VisitRow{Visit: ledger.VisitID(id), First: e.Position}
		v.rows = append(v.rows, r)
		state.Put(&v.byVisit, r.Visit, r)
	}
	r.Last = e.Position
	return r
}

func (v *Visits) refused(e ledger.Event, p ledger.GateRefused) {
	v.refusals = append(v.refusals, Refusal{
		Event: e.ID, Position: e.Position, At: e.Occurred, Visit: p.Visit, Store: p.Store, Gate: p.Gate,
		Ticket: p.Ticket, Reason: p.Reason, Detail: p.Detail,
	})
	if r := v.of(e); r != nil && (r.Status == StatusNone || r.Status == StatusPresented) {
		r.Status, r.Refusal = StatusRefused, p.Reason
	}
}

func (v *Visits) billed(e ledger.Event, d ledger.ReceiptDocument) {
	r := v.of(e)
	if r == nil {
		return
	}
	r.Receipt, r.Receipts, r.Gross, r.Provisional = d.Number, append(r.Receipts, d.Number), d.Gross, false
	r.Agreed.Minor = max(r.Agreed.Minor, d.Gross.Minor)
	if r.Status == StatusSettled { // a correction lowers a debt first
		r.Owed.Minor = min(r.Owed.Minor, max(0, d.Gross.Minor-r.Captured.Minor+r.Refunded.Minor-r.Cash.Minor-r.Forgiven.Minor))
	}
	if r.Status != StatusSettled {
		r.Status = StatusIssued
	}
	state.Put(&v.byReceipt, d.Number, r)
}

func (v *Visits) disputed(e ledger.Event, p ledger.DisputeOpened) {
	r := v.of(e)
	if r == nil || v.byDispute[p.Dispute] != nil {
		return
	}
	r.Disputes = append(r.Disputes, DisputeRow{
		ID: p.Dispute, Receipt: p.Receipt, Line: p.Line, Claim: p.Claim, OpenedAt: e.Occurred, State: DisputeOpen,
	})
	state.Put(&v.byDispute, p.Dispute, r)
}

func (v *Visits) disputeDecided(e ledger.Event, p ledger.DisputeDecided) {
	r := v.of(e)
	if r == nil {
		return
	}
	for i := range r.Disputes {
		if d := &r.Disputes[i]; d.ID == p.Dispute && d.State == DisputeOpen {
			d.State = DisputeState(p.Outcome)
		}
	}
}

// gate applies what a visit's own stream says of its way through the shop.
func (r *VisitRow) gate(e ledger.Event) {
	switch p := e.Payload.(type) { // the rest changes no row
	case ledger.GatePresented:
		if r.Status == StatusNone {
			r.Store, r.Shopper, r.Place, r.Party = p.Store, p.Shopper, p.Place, p.Party
			r.PresentedAt, r.Status = e.Occurred, StatusPresented
			zero := money.Zero(p.Seller.Currency)
			r.Gross, r.Held, r.Captured, r.Refunded, r.Owed = zero, zero, zero, zero, zero
			r.Cash, r.Forgiven, r.Agreed, r.Lost = zero, zero, zero, zero
		}
	case ledger.GateEntered:
		if r.Status == StatusPresented {
			r.EnteredAt, r.Status = e.Occurred, StatusInside
		}
	case ledger.GateExited:
		if r.Status == StatusInside {
			r.ExitedAt, r.Status = e.Occurred, StatusExited
		}
	case ledger.ReviewRequested:
		if !slices.Contains(r.Questions, p.Detection) {
			r.Questions = append(r.Questions, p.Detection)
		}
	case ledger.ReviewDecided:
		r.Questions = slices.DeleteFunc(r.Questions, func(id ledger.ID) bool { return id == p.Detection })
	case ledger.ReceiptProvisional:
		if r.Receipt == "" {
			r.Provisional, r.Gross = true, p.Document.Gross
			r.Agreed.Minor = max(r.Agreed.Minor, r.Gross.Minor)
		}
	case ledger.VisitSettled:
		r.Status, r.Settled, r.Owed = StatusSettled, p.Outcome, p.Owed
		r.Settlements++
	case ledger.SupplementAnswered:
		if p.Answer == ledger.SupplementConsented { // capped by what is on the receipt
			r.Owed.Minor = max(r.Owed.Minor, r.Gross.Minor-r.Captured.Minor+r.Refunded.Minor-r.Cash.Minor-r.Forgiven.Minor)
		}
	case ledger.GoodwillGranted:
		r.Forgiven.Minor += p.Amount.Minor
		r.Owed.Minor = max(0, r.Owed.Minor-p.Amount.Minor)
	case ledger.VisitMatched:
		r.Shopper = p.Shopper
	}
}

// pay applies what the visit's payment stream says. Amounts are summed
// without bounds: that they are right is the journal's to check.
func (r *VisitRow) pay(e ledger.Event) {
	switch p := e.Payload.(type) { // the rest changes no row
	case ledger.Held:
		r.Held = p.Amount
	case ledger.Incremented:
		r.Held = p.Amount
	case ledger.Released, ledger.HoldLapsed:
		r.Held.Minor = 0
	case ledger.Captured:
		r.Held.Minor = 0 // a capture ends the hold, whatever it leaves
		r.Captures++
		r.take(p.Amount)
	case ledger.Charged:
		r.Charges++
		r.take(p.Amount)
	case ledger.CashTaken:
		r.Cash = sum(r.Cash, p.Amount)
		r.Owed.Minor = max(0, r.Owed.Minor-p.Amount.Minor)
	case ledger.DebtWrittenOff:
		r.Forgiven = sum(r.Forgiven, p.Amount)
		if p.Case.IsZero() {
			r.Owed.Minor = max(0, r.Owed.Minor-p.Amount.Minor)
		}
	case ledger.Refunded:
		r.Refunded = sum(r.Refunded, p.Amount)
	case ledger.RefundFailed:
		r.Refunded.Minor = max(0, r.Refunded.Minor-p.Amount.Minor)
	case ledger.ExternalObserved:
		r.external(p)
	case ledger.PaymentEscalated:
		r.Asked = true
	case ledger.PaymentResolved:
		r.resolved(p)
	case ledger.ChargebackOpened:
		r.Claimed = !p.Inquiry
	case ledger.ChargebackClosed:
		r.Claimed = false
		if p.Outcome == ledger.ChargebackLost || p.Outcome == ledger.ChargebackAccepted {
			r.Lost = sum(r.Lost, p.Amount)
		}
	}
}

// resolved applies what a person found out about an order.
func (r *VisitRow) resolved(p ledger.PaymentResolved) {
	r.Asked = false
	if !p.Done {
		return
	}
	switch p.Op { // the others moved nothing
	case "hold", "increment":
		r.Held = p.Amount
	case "capture":
		r.Held.Minor = 0
		r.Captures++
		r.take(p.Amount)
	case "charge":
		r.Charges++
		r.take(p.Amount)
	case "release":
		r.Held.Minor = 0
	case "refund":
		r.Refunded = sum(r.Refunded, p.Amount)
	}
}

// take counts what was taken: it lowers what is owed.
func (r *VisitRow) take(amount money.Money) {
	r.Captured = sum(r.Captured, amount)
	r.Owed.Minor = max(0, r.Owed.Minor-amount.Minor)
}

// external applies what moved without an order that the ledger knows.
func (r *VisitRow) external(p ledger.ExternalObserved) {
	switch p.What {
	case ledger.ExternalHold:
		r.Held = p.Amount
	case ledger.ExternalCapture:
		r.Held.Minor = 0
		r.take(p.Amount)
	case ledger.ExternalRefund:
		r.Refunded = sum(r.Refunded, p.Amount)
	case ledger.ExternalRelease:
		r.Held.Minor = 0
	}
}

// sum adds without bounds; the currency is the later one's.
func sum(a, b money.Money) money.Money {
	return money.Money{Minor: a.Minor + b.Minor, Currency: b.Currency}
}

// visitsState is the stored form of Visits.
type visitsState struct {
	Position uint64      `json:"position"`
	Rows     []*VisitRow `json:"rows"`
	Refusals []Refusal   `json:"refusals"`
}

const visitsForm = "visits.v2"

// MarshalBinary returns a snapshot of v: canonical JSON.
func (v *Visits) MarshalBinary() ([]byte, error) {
	return state.Marshal(visitsForm, &visitsState{v.position, v.rows, v.refusals})
}

// UnmarshalBinary makes v what a snapshot says; see [Cart.UnmarshalBinary].
func (v *Visits) UnmarshalBinary(b []byte) error {
	var s visitsState
	if err := state.Unmarshal(visitsForm, b, &s); err != nil {
		return err
	}
	n := Visits{position: s.Position, rows: s.Rows, refusals: s.Refusals}
	for _, r := range s.Rows {
		if r == nil || n.byVisit[r.Visit] != nil {
			return fmt.Errorf("snapshot %s: %w: a row is missing or there twice", visitsForm, ledger.ErrCorrupt)
		}
		state.Put(&n.byVisit, r.Visit, r)
		for _, number := range r.Receipts {
			state.Put(&n.byReceipt, number, r)
		}
		for _, d := range r.Disputes {
			state.Put(&n.byDispute, d.ID, r)
		}
	}
	*v = n
	return nil
}
