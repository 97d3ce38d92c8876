package projections

import (
	"fmt"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections/internal/state"
)

// A Correction is a further receipt and why there is one.
type Correction struct {
	Event    ledger.ID              `json:"event"`
	At       time.Time              `json:"at"`
	Document ledger.ReceiptDocument `json:"document"`
	Change   money.Money            `json:"change"`
	Because  ledger.ID              `json:"because"`
}

// Receipts is the fold of one visit's stream that keeps its documents.
type Receipts struct {
	Stream      ledger.StreamID          `json:"stream"`
	Events      uint64                   `json:"events"`
	Provisional []ledger.ReceiptDocument `json:"provisional"` // in order
	Issued      *ledger.ReceiptDocument  `json:"issued"`
	IssuedEvent ledger.ID                `json:"issued_event"`
	Corrections []Correction             `json:"corrections"` // in order
	Odd         []Oddity                 `json:"odd"`
}

// Current returns the receipt that counts now: the last correction, or the
// issued one, or the last provisional one. ok is false if there is none.
func (r *Receipts) Current() (d ledger.ReceiptDocument, ok bool) {
	switch {
	case len(r.Corrections) > 0:
		return r.Corrections[len(r.Corrections)-1].Document, true
	case r.Issued != nil:
		return *r.Issued, true
	case len(r.Provisional) > 0:
		return r.Provisional[len(r.Provisional)-1], true
	}
	return d, false
}

// Document returns the final receipt with this number.
func (r *Receipts) Document(number string) (d ledger.ReceiptDocument, ok bool) {
	if r.Issued != nil && r.Issued.Number == number {
		return *r.Issued, true
	}
	for _, c := range r.Corrections {
		if c.Document.Number == number {
			return c.Document, true
		}
	}
	return d, false
}

// Apply moves r past e. See [Cart.Apply] for its errors.
func (r *Receipts) Apply(e ledger.Event) error {
	if err := due(r.Stream, r.Events, &e.Record); err != nil {
		return fmt.Errorf("receipts: %w", err)
	}
	switch p := e.Payload.(type) {
	case ledger.ReceiptProvisional:
		r.Provisional = append(r.Provisional, p.Document)
	case ledger.ReceiptIssued:
		if r.Issued != nil {
			r.odd(e, "receipt %s after receipt %s", p.Document.Number, r.Issued.Number)
			break
		}
		r.Issued, r.IssuedEvent = &p.Document, e.ID
	case ledger.ReceiptCorrected:
		if r.Issued == nil {
			r.odd(e, "correction %s of a receipt that was not issued", p.Document.Number)
			break
		}
		r.Corrections = append(r.Corrections, Correction{
			Event: e.ID, At: e.Occurred, Document: p.Document, Change: p.Change, Because: p.Because,
		})
	case ledger.GatePresented, ledger.GateEntered, ledger.GateRefused, ledger.GateExited, ledger.DetectionRecorded,
		ledger.DetectionImplicated, ledger.DetectionAttributed, ledger.DetectionReverified, ledger.ItemPriced, ledger.PricingFailed,
		ledger.ReviewRequested, ledger.ReviewDecided, ledger.DisputeOpened, ledger.DisputeDecided, ledger.VisitSettled,
		ledger.PromotionPinned, ledger.CouponAccepted, ledger.ItemRepriced, ledger.AgeVerified, ledger.CartWeighed, ledger.GateDoubted,
		ledger.SupplementProposed, ledger.SupplementAnswered, ledger.GoodwillGranted, ledger.VisitMatched,
		ledger.FiscalStarted, ledger.FiscalSigned, ledger.FiscalFailed:
	case ledger.StoreOpened, ledger.PolicySet, ledger.PlanogramSet, ledger.ProductListed, ledger.PriceSet,
		ledger.TaxSet, ledger.HoldIntended, ledger.CaptureIntended, ledger.ReleaseIntended, ledger.RefundIntended,
		ledger.Held, ledger.Captured, ledger.Released, ledger.Refunded, ledger.PaymentDeclined,
		ledger.PaymentUnclear, ledger.PaymentNotified, ledger.IncrementIntended, ledger.Incremented, ledger.ChargeIntended, ledger.Charged, ledger.HoldLapsed,
		ledger.RefundFailed, ledger.ExternalObserved, ledger.PaymentEscalated, ledger.PaymentResolved,
		ledger.DebtWrittenOff, ledger.CashTaken, ledger.FraudWarningReceived, ledger.ChargebackOpened,
		ledger.ChargebackFundsMoved, ledger.EvidencePackBuilt, ledger.ChargebackAnswered, ledger.SubmissionIntended,
		ledger.EvidenceSubmitted, ledger.ChargebackClosed, ledger.PromotionSet, ledger.CouponRedeemed,
		ledger.BalanceRecorded, ledger.PayoutRecorded, ledger.PayoutFailed, ledger.BankStatementRecorded,
		ledger.ExceptionOpened, ledger.ExceptionAssigned, ledger.ExceptionClosed, ledger.DayClosed,
		ledger.PriceChecked, ledger.EvidenceViewed, ledger.EvidenceHeld,
		ledger.EvidenceReleased, ledger.EvidenceExpired, ledger.PalmEnrolled, ledger.PalmRevoked, ledger.DeviceConfigured, ledger.DeviceReported, ledger.ShelfChanged,
		ledger.PalmConsented, ledger.PalmWithdrawn,
		ledger.NoticeQuarantined, ledger.ProviderSwept:
		r.odd(e, "%s does not belong in a visit's stream", e.Kind)
	default:
		return fmt.Errorf("receipts: %w", state.Unknown(e))
	}
	r.Stream = e.Stream
	r.Events++
	return nil
}

func (r *Receipts) odd(e ledger.Event, format string, args ...any) {
	r.Odd = append(r.Odd, Oddity{Event: e.ID, Revision: e.Revision, What: fmt.Sprintf(format, args...)})
}

const receiptsForm = "receipts.v1"

// MarshalBinary returns a snapshot of r: canonical JSON.
func (r *Receipts) MarshalBinary() ([]byte, error) { return state.Marshal(receiptsForm, r) }

// UnmarshalBinary makes r what a snapshot says; see [Cart.UnmarshalBinary].
func (r *Receipts) UnmarshalBinary(b []byte) error {
	var d Receipts
	if err := state.Unmarshal(receiptsForm, b, &d); err != nil {
		return err
	}
	*r = d
	return nil
}
