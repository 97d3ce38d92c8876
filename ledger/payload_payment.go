package ledger

import (
	"fmt"
	"time"

	"github.com/vouchledger/vouch/ledger/money"
)

// MaxKeyBytes is the longest idempotency key the payment provider takes
// (Stripe API reference, Idempotent requests).
const MaxKeyBytes = 255

// HoldIntended records, before anything is sent, that Amount shall be held.
// The id of this event is the order's id; Key is the provider's idempotency
// key and is never used for anything else.
type HoldIntended struct {
	Visit         VisitID     `json:"visit"`
	Store         StoreID     `json:"store"`
	Amount        money.Money `json:"amount"`
	Customer      string      `json:"customer"`
	PaymentMethod string      `json:"payment_method"`
	Key           string      `json:"key"`

	// Adjustable asks for a hold that can be raised later, where the card
	// allows it.
	Adjustable bool `json:"adjustable,omitzero"`
}

// CaptureIntended records that Amount of a hold shall be taken.
type CaptureIntended struct {
	Visit   VisitID     `json:"visit"`
	Store   StoreID     `json:"store"`
	Amount  money.Money `json:"amount"`
	Object  string      `json:"object"` // the hold at the provider
	Receipt string      `json:"receipt"`
	Key     string      `json:"key"`
}

// ReleaseIntended records that a hold shall be freed.
type ReleaseIntended struct {
	Visit  VisitID     `json:"visit"`
	Store  StoreID     `json:"store"`
	Amount money.Money `json:"amount"`
	Object string      `json:"object"`
	Key    string      `json:"key"`
}

// RefundIntended records that Amount shall be given back.
type RefundIntended struct {
	Visit   VisitID     `json:"visit"`
	Store   StoreID     `json:"store"`
	Amount  money.Money `json:"amount"`
	Object  string      `json:"object"`  // the capture at the provider
	Receipt string      `json:"receipt"` // the correction it follows from
	Key     string      `json:"key"`

	Purpose RefundPurpose `json:"purpose,omitzero"`
	Case    ID            `json:"case,omitzero"` // what asks for it, unless the correction does
}

// Held records that the provider holds Amount for us.
type Held struct {
	Intent        ID          `json:"intent"`
	Object        string      `json:"object"`
	Amount        money.Money `json:"amount"`
	CaptureBefore time.Time   `json:"capture_before"` // zero time if the provider did not say
}

// Captured records that the provider took Amount.
type Captured struct {
	Intent ID          `json:"intent"`
	Object string      `json:"object"`
	Amount money.Money `json:"amount"`
}

// Released records that a hold is gone.
type Released struct {
	Intent ID     `json:"intent"`
	Object string `json:"object"`
}

// Refunded records that the provider gave Amount back.
type Refunded struct {
	Intent ID          `json:"intent"`
	Object string      `json:"object"`
	Amount money.Money `json:"amount"`
}

// PaymentDeclined records that the provider definitely refused an order.
type PaymentDeclined struct {
	Intent ID     `json:"intent"`
	Code   string `json:"code"`
}

// PaymentUnclear records that an order was sent and its outcome is not known.
// It will be asked for again with the same key.
type PaymentUnclear struct {
	Intent  ID     `json:"intent"`
	Attempt int    `json:"attempt"` // 1 for the first
	Detail  string `json:"detail"`
}

// PaymentNotified records that the provider told us something by webhook. It
// moves nothing by itself: the object is fetched again.
type PaymentNotified struct {
	Event  string `json:"event"` // the provider's event id
	Type   string `json:"type"`
	Object string `json:"object"`
}

// Kind returns the stored name.
func (HoldIntended) Kind() Kind { return KindHoldIntended }

// Kind returns the stored name.
func (CaptureIntended) Kind() Kind { return KindCaptureIntended }

// Kind returns the stored name.
func (ReleaseIntended) Kind() Kind { return KindReleaseIntended }

// Kind returns the stored name.
func (RefundIntended) Kind() Kind { return KindRefundIntended }

// Kind returns the stored name.
func (Held) Kind() Kind { return KindHeld }

// Kind returns the stored name.
func (Captured) Kind() Kind { return KindCaptured }

// Kind returns the stored name.
func (Released) Kind() Kind { return KindReleased }

// Kind returns the stored name.
func (Refunded) Kind() Kind { return KindRefunded }

// Kind returns the stored name.
func (PaymentDeclined) Kind() Kind { return KindPaymentDeclined }

// Kind returns the stored name.
func (PaymentUnclear) Kind() Kind { return KindPaymentUnclear }

// Kind returns the stored name.
func (PaymentNotified) Kind() Kind { return KindPaymentNotified }

// Validate implements Payload.
func (p HoldIntended) Validate() error {
	if err := need("payment_method", p.PaymentMethod); err != nil {
		return err
	}
	return validateOrder(p.Visit, p.Store, p.Amount, p.Key)
}

// Validate implements Payload.
func (p CaptureIntended) Validate() error {
	if err := need("object", p.Object, "receipt", p.Receipt); err != nil {
		return err
	}
	return validateOrder(p.Visit, p.Store, p.Amount, p.Key)
}

// Validate implements Payload.
func (p ReleaseIntended) Validate() error {
	if err := need("object", p.Object); err != nil {
		return err
	}
	return validateOrder(p.Visit, p.Store, p.Amount, p.Key)
}

// Validate implements Payload.
func (p RefundIntended) Validate() error {
	if err := need("object", p.Object, "receipt", p.Receipt); err != nil {
		return err
	}
	return validateOrder(p.Visit, p.Store, p.Amount, p.Key)
}

// Validate implements Payload.
func (p Held) Validate() error { return validateMoved(p.Intent, p.Object, p.Amount) }

// Validate implements Payload.
func (p Captured) Validate() error { return validateMoved(p.Intent, p.Object, p.Amount) }

// Validate implements Payload.
func (p Refunded) Validate() error { return validateMoved(p.Intent, p.Object, p.Amount) }

// Validate implements Payload.
func (p Released) Validate() error {
	if p.Intent.IsZero() {
		return fmt.Errorf("%w: intent is missing", ErrInvalid)
	}
	return need("object", p.Object)
}

// Validate implements Payload.
func (p PaymentDeclined) Validate() error {
	if p.Intent.IsZero() {
		return fmt.Errorf("%w: intent is missing", ErrInvalid)
	}
	return need("code", p.Code)
}

// Validate implements Payload.
func (p PaymentUnclear) Validate() error {
	if p.Intent.IsZero() || p.Attempt < 1 {
		return fmt.Errorf("%w: intent or attempt is missing", ErrInvalid)
	}
	return short("detail", p.Detail)
}

// Validate implements Payload.
func (p PaymentNotified) Validate() error {
	return need("event", p.Event, "type", p.Type, "object", p.Object)
}

func validateOrder(v VisitID, s StoreID, amount money.Money, key string) error {
	if err := amount.Validate(); err != nil {
		return err
	}
	if amount.Minor <= 0 {
		return fmt.Errorf("%w: an order to move %s", ErrInvalid, amount)
	}
	if len(key) > MaxKeyBytes {
		return fmt.Errorf("%w: idempotency key of %d bytes, at most %d", ErrInvalid, len(key), MaxKeyBytes)
	}
	return need("visit", string(v), "store", string(s), "key", key)
}

func validateMoved(intent ID, object string, amount money.Money) error {
	if intent.IsZero() {
		return fmt.Errorf("%w: intent is missing", ErrInvalid)
	}
	if err := amount.Validate(); err != nil {
		return err
	}
	if amount.Minor <= 0 {
		return fmt.Errorf("%w: %s was moved", ErrInvalid, amount)
	}
	return need("object", object)
}

func (HoldIntended) payload()    {}
func (CaptureIntended) payload() {}
func (ReleaseIntended) payload() {}
func (RefundIntended) payload()  {}
func (Held) payload()            {}
func (Captured) payload()        {}
func (Released) payload()        {}
func (Refunded) payload()        {}
func (PaymentDeclined) payload() {}
func (PaymentUnclear) payload()  {}
func (PaymentNotified) payload() {}
