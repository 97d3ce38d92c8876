package cart

import (
	"fmt"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
)

// An Input is one thing that happened to a cart. Exactly one of its parts is
// set. What a product is and costs is part of the input, so that a journal
// says the same when prices have changed.
type Input struct {
	ID   ledger.ID `json:"id"` // made by the cart; ids of messages follow from it
	At   time.Time `json:"at"`
	From int64     `json:"from,omitzero"` // sample of a recording, counted from 1

	Offset   int                  `json:"offset_ms,omitzero"` // what the cart's clock lacked
	Evidence []ledger.EvidenceRef `json:"evidence,omitempty"` // that shows it, stored before

	Shown  *Shown   `json:"shown,omitempty"`
	Weight *Weighed `json:"weight,omitempty"`
	Touch  *Touch   `json:"touch,omitempty"`
	Answer *Answer  `json:"answer,omitempty"`
	Coupon *Reply   `json:"coupon,omitempty"`
	Clock  bool     `json:"clock,omitempty"` // time passed: see [Trip.Due]
}

// Shown is a code before the cart's camera, or its text as it was typed.
type Shown struct {
	Text    string          `json:"text"`
	Product *vision.Product `json:"product,omitempty"` // whose label it is; nil if nobody's
}

// A Fault is what is wrong with a scale.
type Fault string

// The faults of a scale. The first two the scale says itself.
const (
	FaultNone     Fault = ""
	FaultOverload Fault = "overload" // more than it can carry
	FaultSilent   Fault = "silent"   // it says nothing
	FaultStuck    Fault = "stuck"    // it says always the same
	FaultTare     Fault = "tare"     // it shows less than nothing: its zero is wrong
)

// Weighed is a weight that came to rest, or why there is none.
type Weighed struct {
	Grams int   `json:"grams"`
	Fault Fault `json:"fault,omitempty"`
	// Reached says whether somebody reached into the cart before; it is left
	// out when no camera could tell.
	Reached *bool `json:"reached,omitempty"`
}

// Touch is a finger on the cart's screen.
type Touch struct {
	Do      Act             `json:"do"`
	Number  string          `json:"number,omitempty"`  // of ActKey
	Product *vision.Product `json:"product,omitempty"` // that the number is of; nil if nobody's
	Piece   ledger.ID       `json:"piece,omitzero"`    // of ActRemove
	Text    string          `json:"text,omitempty"`    // of ActCoupon
	Gate    string          `json:"gate,omitempty"`    // of ActLeave: the lane, if it is not the cart itself
}

// An Act is what a finger can do.
type Act string

// The acts.
const (
	ActKey     Act = "key"      // a number is keyed in
	ActScan    Act = "scan"     // a code's digits are typed: it counts as shown
	ActTakeOut Act = "take_out" // what is scanned next is taken out
	ActRemove  Act = "remove"   // this piece goes
	ActCoupon  Act = "coupon"
	ActHelp    Act = "help"  // staff shall look
	ActZero    Act = "zero"  // the cart is empty
	ActLeave   Act = "leave" // pay and go
)

// Answer is what the server said to a code that wants to push the cart.
// Without a decision it said nothing in time.
type Answer struct {
	Visit    ledger.VisitID `json:"visit,omitempty"`
	Decision string         `json:"decision,omitempty"` // entered, refused
	Reason   string         `json:"reason,omitempty"`
}

// Reply is what the server said to a coupon.
type Reply struct {
	Coupon ledger.ID `json:"coupon"` // the input that presented it
	Taken  bool      `json:"taken"`
	Why    string    `json:"why,omitempty"`
}

// Validate reports whether exactly one thing happened, and when.
func (in *Input) Validate() error {
	parts := 0
	for _, set := range []bool{
		in.Shown != nil, in.Weight != nil, in.Touch != nil, in.Answer != nil, in.Coupon != nil, in.Clock,
	} {
		if set {
			parts++
		}
	}
	switch {
	case parts != 1:
		return fmt.Errorf("%w: %d things at once", ErrInput, parts)
	case in.ID.IsZero() || in.At.IsZero():
		return fmt.Errorf("%w: no id or no time", ErrInput)
	case in.Weight != nil && (in.Weight.Grams > ledger.MaxCartGrams || in.Weight.Grams < -ledger.MaxCartGrams):
		return fmt.Errorf("%w: %d g", ErrInput, in.Weight.Grams)
	}
	return nil
}
