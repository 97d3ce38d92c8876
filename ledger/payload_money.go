package ledger

import (
	"fmt"
	"time"

	"github.com/vouchledger/vouch/ledger/money"
)

// A ChargePurpose says why money is asked for without a hold.
type ChargePurpose string

// Why money is asked for without a hold.
const (
	ChargeVisit      ChargePurpose = "visit"      // there was no hold: it lapsed, or the payer was found later
	ChargeRemainder  ChargePurpose = "remainder"  // the receipt is above what was held
	ChargeSupplement ChargePurpose = "supplement" // an item was found after the receipt, and the shopper agreed
	ChargeDebt       ChargePurpose = "debt"       // what is owed is asked for again
)

// A RefundPurpose says why money is given back. The zero value is the document
// that corrects the receipt.
type RefundPurpose string

// Why money is given back.
const (
	RefundCorrection   RefundPurpose = ""              // the receipt was corrected
	RefundGoodwill     RefundPurpose = "goodwill"      // goodwill.granted
	RefundFraudWarning RefundPurpose = "fraud_warning" // an early fraud warning, by rule
	RefundDuplicate    RefundPurpose = "duplicate"     // more was taken than is owed
)

// IncrementIntended records that a hold shall be raised to Amount in all.
type IncrementIntended struct {
	Visit  VisitID     `json:"visit"`
	Store  StoreID     `json:"store"`
	Amount money.Money `json:"amount"` // of the hold afterwards
	Object string      `json:"object"`
	Key    string      `json:"key"`
}

// Incremented records that the provider holds Amount in all.
type Incremented struct {
	Intent        ID          `json:"intent"`
	Object        string      `json:"object"`
	Amount        money.Money `json:"amount"`
	CaptureBefore time.Time   `json:"capture_before"`
}

// ChargeIntended records that Amount shall be taken at once, without a hold
// before.
type ChargeIntended struct {
	Visit         VisitID       `json:"visit"`
	Store         StoreID       `json:"store"`
	Amount        money.Money   `json:"amount"`
	Customer      string        `json:"customer"`
	PaymentMethod string        `json:"payment_method"`
	Purpose       ChargePurpose `json:"purpose"`
	Receipt       string        `json:"receipt"`
	Key           string        `json:"key"`

	Case      ID   `json:"case,omitzero"`       // the supplement.proposed event that was agreed to
	OnSession bool `json:"on_session,omitzero"` // the shopper is there and can be asked by the bank
}

// Charged records that the provider took Amount without a hold before.
type Charged struct {
	Intent ID          `json:"intent"`
	Object string      `json:"object"`
	Amount money.Money `json:"amount"`
}

// HoldLapsed records that the provider let a hold go before it was captured.
type HoldLapsed struct {
	Object string      `json:"object"`
	Amount money.Money `json:"amount"`
	At     time.Time   `json:"at"` // as the provider says; zero time if it does not
}

// RefundFailed records that money given back came back to us, perhaps weeks
// later: the shopper has not got it.
type RefundFailed struct {
	Refund string      `json:"refund"` // the refund at the provider
	Amount money.Money `json:"amount"`
	Code   string      `json:"code"`
}

// ExternalObserved records a movement at the provider that the ledger knows no
// order for: somebody used its dashboard, or the order was lost with the end
// of the log when that was restored. It is booked, and a person is told.
//
// A lost order is named by Intent and Key, as the provider's metadata have
// them: the key is used up, and what was done is not done again.
type ExternalObserved struct {
	Object string       `json:"object"` // what moved, at the provider
	What   ExternalWhat `json:"what"`
	Amount money.Money  `json:"amount"`

	Intent        ID        `json:"intent,omitzero"`
	Key           string    `json:"key,omitzero"`
	CaptureBefore time.Time `json:"capture_before,omitzero"` // of a hold
	Of            string    `json:"of,omitzero"`             // the payment that a refund is of
}

// An ExternalWhat is a kind of movement at the provider.
type ExternalWhat string

// What moves at the provider without an order that the ledger knows.
const (
	ExternalHold    ExternalWhat = "hold"
	ExternalCapture ExternalWhat = "capture" // of a hold, or without one: the object says
	ExternalRefund  ExternalWhat = "refund"
	ExternalRelease ExternalWhat = "release"
)

// PaymentEscalated records that machines do not go on: a person must find out
// what became of an order, or how money can be given back.
type PaymentEscalated struct {
	Intent ID     `json:"intent"` // the order; zero when it is about none
	Reason string `json:"reason"`
}

// PaymentResolved records what a person found out about an escalated order.
type PaymentResolved struct {
	Intent ID          `json:"intent"`
	Op     string      `json:"op"`     // hold, increment, capture, release, charge, refund; empty when it is about none
	Done   bool        `json:"done"`   // it was carried out, or paid another way; else it never was
	Object string      `json:"object"` // at the provider, or whatever paid, if it was
	Amount money.Money `json:"amount,omitzero"`
	By     string      `json:"by"`
	Reason string      `json:"reason"`
}

// DebtWrittenOff records that what a visit owes is not asked for any more.
type DebtWrittenOff struct {
	Visit  VisitID     `json:"visit"`
	Amount money.Money `json:"amount"`
	By     string      `json:"by"`
	Reason string      `json:"reason"`

	Case ID `json:"case,omitzero"` // the supplement.proposed event that was refused or waived
}

// GoodwillGranted records that a shopper is given money back although the
// receipt is right.
type GoodwillGranted struct {
	Visit   VisitID     `json:"visit"`
	Receipt string      `json:"receipt"`
	Amount  money.Money `json:"amount"`
	By      string      `json:"by"`
	Reason  string      `json:"reason"`
}

// SupplementProposed records that an item was found after the receipt was
// paid. Nothing is taken for it without the shopper's consent.
type SupplementProposed struct {
	Visit    VisitID     `json:"visit"`
	Receipt  string      `json:"receipt"` // the document that asks for it
	Amount   money.Money `json:"amount"`
	Deadline time.Time   `json:"deadline"` // then it is waived
}

// A SupplementAnswer is what became of a proposed supplement.
type SupplementAnswer string

// What becomes of a proposed supplement.
const (
	SupplementConsented SupplementAnswer = "consented"
	SupplementRefused   SupplementAnswer = "refused"
	SupplementWaived    SupplementAnswer = "waived" // by the shop, or at the deadline
)

// SupplementAnswered records the answer to a proposed supplement.
type SupplementAnswered struct {
	Visit    VisitID          `json:"visit"`
	Proposal ID               `json:"proposal"` // the supplement.proposed event
	Answer   SupplementAnswer `json:"answer"`
	By       string           `json:"by"`
}

// VisitMatched records who pays for a visit that began without a known payer:
// a visitor who walked in, or whose credential could not be read.
type VisitMatched struct {
	Visit         VisitID   `json:"visit"`
	Shopper       ShopperID `json:"shopper"`
	Customer      string    `json:"customer"`
	PaymentMethod string    `json:"payment_method"`
	By            string    `json:"by"`
	Reason        string    `json:"reason"`
}

// CashTaken records that a visit was paid at a till of the shop.
type CashTaken struct {
	Visit   VisitID     `json:"visit"`
	Receipt string      `json:"receipt"`
	Amount  money.Money `json:"amount"`
	Till    DeviceID    `json:"till"`
	By      string      `json:"by"`
}

// Kind returns the stored name.
func (IncrementIntended) Kind() Kind { return KindIncrementIntended }

// Kind returns the stored name.
func (Incremented) Kind() Kind { return KindIncremented }

// Kind returns the stored name.
func (ChargeIntended) Kind() Kind { return KindChargeIntended }

// Kind returns the stored name.
func (Charged) Kind() Kind { return KindCharged }

// Kind returns the stored name.
func (HoldLapsed) Kind() Kind { return KindHoldLapsed }

// Kind returns the stored name.
func (RefundFailed) Kind() Kind { return KindRefundFailed }

// Kind returns the stored name.
func (ExternalObserved) Kind() Kind { return KindExternalObserved }

// Kind returns the stored name.
func (PaymentEscalated) Kind() Kind { return KindPaymentEscalated }

// Kind returns the stored name.
func (PaymentResolved) Kind() Kind { return KindPaymentResolved }

// Kind returns the stored name.
func (DebtWrittenOff) Kind() Kind { return KindDebtWrittenOff }

// Kind returns the stored name.
func (GoodwillGranted) Kind() Kind { return KindGoodwillGranted }

// Kind returns the stored name.
func (SupplementProposed) Kind() Kind { return KindSupplementProposed }

// Kind returns the stored name.
func (SupplementAnswered) Kind() Kind { return KindSupplementAnswered }

// Kind returns the stored name.
func (VisitMatched) Kind() Kind { return KindVisitMatched }

// Kind returns the stored name.
func (CashTaken) Kind() Kind { return KindCashTaken }

// Validate implements Payload.
func (p IncrementIntended) Validate() error {
	if err := need("object", p.Object); err != nil {
		return err
	}
	return validateOrder(p.Visit, p.Store, p.Amount, p.Key)
}

// Validate implements Payload.
func (p Incremented) Validate() error { return validateMoved(p.Intent, p.Object, p.Amount) }

// Validate implements Payload.
func (p ChargeIntended) Validate() error {
	switch p.Purpose {
	case ChargeVisit, ChargeRemainder, ChargeSupplement, ChargeDebt:
	default:
		return fmt.Errorf("%w: purpose %q of a charge", ErrInvalid, p.Purpose)
	}
	if err := need("payment_method", p.PaymentMethod, "receipt", p.Receipt); err != nil {
		return err
	}
	return validateOrder(p.Visit, p.Store, p.Amount, p.Key)
}

// Validate implements Payload.
func (p Charged) Validate() error { return validateMoved(p.Intent, p.Object, p.Amount) }

// Validate implements Payload.
func (p HoldLapsed) Validate() error {
	if err := positive("hold", p.Amount); err != nil {
		return err
	}
	return need("object", p.Object)
}

// Validate implements Payload.
func (p RefundFailed) Validate() error {
	if err := positive("refund", p.Amount); err != nil {
		return err
	}
	return need("refund", p.Refund, "code", p.Code)
}

// Validate implements Payload.
func (p ExternalObserved) Validate() error {
	switch p.What {
	case ExternalHold, ExternalCapture, ExternalRefund, ExternalRelease:
	default:
		return fmt.Errorf("%w: %q was observed: use hold, capture, refund or release", ErrInvalid, p.What)
	}
	if len(p.Key) > MaxKeyBytes {
		return fmt.Errorf("%w: idempotency key of %d bytes, at most %d", ErrInvalid, len(p.Key), MaxKeyBytes)
	}
	if err := positive("movement", p.Amount); err != nil {
		return err
	}
	return need("object", p.Object)
}

// Validate implements Payload.
func (p PaymentEscalated) Validate() error { return need("reason", p.Reason) }

// Validate implements Payload.
func (p PaymentResolved) Validate() error {
	if p.Intent.IsZero() {
		return fmt.Errorf("%w: intent is missing", ErrInvalid)
	}
	switch p.Op {
	case "", "hold", "increment", "capture", "release", "charge", "refund":
	default:
		return fmt.Errorf("%w: %q was resolved", ErrInvalid, p.Op)
	}
	if p.Done {
		if err := positive("movement", p.Amount); err != nil {
			return err
		}
		if err := need("object", p.Object); err != nil {
			return err
		}
	} else if p.Object != "" || p.Amount.Minor != 0 {
		return fmt.Errorf("%w: an order that was never carried out moved %s", ErrInvalid, p.Amount)
	}
	return need("by", p.By, "reason", p.Reason)
}

// Validate implements Payload.
func (p DebtWrittenOff) Validate() error {
	if err := positive("debt", p.Amount); err != nil {
		return err
	}
	return need("visit", string(p.Visit), "by", p.By, "reason", p.Reason)
}

// Validate implements Payload.
func (p GoodwillGranted) Validate() error {
	if err := positive("goodwill", p.Amount); err != nil {
		return err
	}
	return need("visit", string(p.Visit), "receipt", p.Receipt, "by", p.By, "reason", p.Reason)
}

// Validate implements Payload.
func (p SupplementProposed) Validate() error {
	if err := positive("supplement", p.Amount); err != nil {
		return err
	}
	if err := needTime("deadline", p.Deadline); err != nil {
		return err
	}
	return need("visit", string(p.Visit), "receipt", p.Receipt)
}

// Validate implements Payload.
func (p SupplementAnswered) Validate() error {
	switch p.Answer {
	case SupplementConsented, SupplementRefused, SupplementWaived:
	default:
		return fmt.Errorf("%w: answer %q: use consented, refused or waived", ErrInvalid, p.Answer)
	}
	if p.Proposal.IsZero() {
		return fmt.Errorf("%w: the proposal is missing", ErrInvalid)
	}
	return need("visit", string(p.Visit), "by", p.By)
}

// Validate implements Payload.
func (p VisitMatched) Validate() error {
	return need("visit", string(p.Visit), "shopper", string(p.Shopper), "payment_method", p.PaymentMethod,
		"by", p.By, "reason", p.Reason)
}

// Validate implements Payload.
func (p CashTaken) Validate() error {
	if err := positive("payment", p.Amount); err != nil {
		return err
	}
	return need("visit", string(p.Visit), "receipt", p.Receipt, "till", string(p.Till), "by", p.By)
}

// positive refuses an amount that is no money or not above zero.
func positive(what string, m money.Money) error {
	if err := m.Validate(); err != nil {
		return err
	}
	if m.Minor <= 0 {
		return fmt.Errorf("%w: %s of %s must be above zero", ErrInvalid, what, m)
	}
	return nil
}

func (IncrementIntended) payload()  {}
func (Incremented) payload()        {}
func (ChargeIntended) payload()     {}
func (Charged) payload()            {}
func (HoldLapsed) payload()         {}
func (RefundFailed) payload()       {}
func (ExternalObserved) payload()   {}
func (PaymentEscalated) payload()   {}
func (PaymentResolved) payload()    {}
func (DebtWrittenOff) payload()     {}
func (GoodwillGranted) payload()    {}
func (SupplementProposed) payload() {}
func (SupplementAnswered) payload() {}
func (VisitMatched) payload()       {}
func (CashTaken) payload()          {}
