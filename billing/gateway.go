package billing

import (
	"context"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// A Gateway moves money at a payment provider. There are two: package
// billing/stripe, and fakes in tests.
//
// Every method that moves money takes an [Order] that was appended to the
// payment stream before the call, and is idempotent by its Key: sending the
// same order again, after a lost answer or a restart, moves nothing twice and
// returns the first result. All methods may be called from many goroutines.
//
// An error means that the outcome is NOT known (time-out, connection lost,
// 5xx): the caller keeps the order and asks again with the same key. A
// definite refusal by the provider is no error but an [Outcome] with Status
// [Declined].
type Gateway interface {
	// Hold authorises Amount on the order's payment method.
	Hold(ctx context.Context, o Order) (Outcome, error)
	// Increment raises a hold to Amount in all. Declined leaves it as it was.
	Increment(ctx context.Context, o Order) (Outcome, error)
	// Capture takes Amount, at most what is held, and frees the rest. It says
	// Declined with a code of class [Gone] only after it looked at the hold
	// itself: what follows is a charge in its place.
	Capture(ctx context.Context, o Order) (Outcome, error)
	// Charge takes Amount from the order's payment method at once. With
	// OnSession the shopper can be asked by the bank meanwhile: the outcome is
	// Pending until they answered. Without, it is Declined with a code of class
	// [ActionRequired].
	Charge(ctx context.Context, o Order) (Outcome, error)
	// Release frees a hold.
	Release(ctx context.Context, o Order) (Outcome, error)
	// Refund gives Amount back of what was captured.
	Refund(ctx context.Context, o Order) (Outcome, error)
	// Find looks for the outcome of an order sent earlier, by the order id in
	// the provider's metadata and not by its key, for when the provider may
	// have forgotten the key (after 23 hours). Status is NotFound when the
	// provider has nothing.
	Find(ctx context.Context, o Order) (Outcome, error)
}

// An Order is one movement of money, frozen when its intention was appended.
type Order struct {
	Op            Op          // what to do
	ID            string      // id of the intention event; provider metadata op_id
	Key           string      // provider idempotency key, at most 255 bytes
	Visit         string      // visit id; provider metadata visit
	Store         string      // store id; provider metadata store
	Amount        money.Money // of this movement; ignored by Release; of the whole hold for Increment
	Customer      string      // provider customer ("cus_…"), for Hold and Charge
	PaymentMethod string      // provider payment method ("pm_…"), for Hold and Charge
	Receipt       string      // document it follows from; empty for hold and release
	Object        string      // provider object to act on ("pi_…"); empty for Hold and Charge
	First         time.Time   // when the intention was appended

	Purpose    ledger.ChargePurpose // of a Charge
	OnSession  bool                 // of a Charge: the shopper is there
	Adjustable bool                 // of a Hold: it may have to be raised
}

// An Op is a kind of money movement.
type Op string

// The movements of money.
const (
	OpHold      Op = "hold"
	OpIncrement Op = "increment"
	OpCapture   Op = "capture"
	OpRelease   Op = "release"
	OpCharge    Op = "charge"
	OpRefund    Op = "refund"
)

// A Status is what the provider says became of an order.
type Status string

// What may become of an order.
const (
	Done     Status = "done"      // held, raised, captured, released, charged or refunded
	Declined Status = "declined"  // definitely refused; Code says why
	Pending  Status = "pending"   // accepted, not finished: ask again
	NotFound Status = "not_found" // only from Find
)

// An Outcome is the provider's definite answer to an order.
type Outcome struct {
	Status        Status
	Object        string      // provider object ("pi_…", "re_…")
	Amount        money.Money // what was really moved
	CaptureBefore time.Time   // for Hold and Increment: when the hold lapses; zero if unknown
	Code          string      // for Declined: the provider's code
}
