// Package provider says what a payment provider has: payments, refunds,
// chargebacks and fraud warnings as they are there now.
//
// The one idea: what the provider has is looked at and compared, never told
// to us and believed. A webhook or an entry of the provider's event list
// names an object; the object is fetched, and what the ledger lacks of it is
// written down. So notices may come twice, late, in any order or not at all.
//
// The package holds types and no behaviour: billing/stripe fills them in,
// billing/watch compares them with the ledger.
package provider

import (
	"errors"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

var (
	// ErrNotFound means that the provider knows no such object.
	ErrNotFound = errors.New("no such object at the provider")

	// ErrLivemode means that test money met real money. Stop: the configuration
	// mixes them.
	ErrLivemode = errors.New("test and live mode mixed")

	// ErrVersion means that a notice was made for another version of the
	// provider's API. Keep it aside and fetch its object.
	ErrVersion = errors.New("webhook of another API version")

	// ErrSubmitted means that evidence was submitted before, which is possible
	// once. What the bank has now is what counts.
	ErrSubmitted = errors.New("evidence was submitted already")
)

// A Payment is a hold or charge and its refunds as the provider has them now.
type Payment struct {
	Object string // "pi_…"
	Visit  string // metadata of ours; empty if it is not ours
	Store  string
	OpID   string // order of the hold or charge
	Key    string // its idempotency key
	Op     billing.Op

	CaptureOp  string // order of the capture of a hold, and its key
	CaptureKey string

	Customer string
	Created  time.Time

	Status        string      // the provider's word
	Amount        money.Money // held or charged at first
	Held          money.Money // can still be captured
	Captured      money.Money
	Refunded      money.Money // refunds that succeeded
	Refunding     money.Money // refunds under way
	Canceled      bool
	Lapsed        bool      // canceled by the provider, because nobody captured in time
	Code          string    // why it was canceled or declined
	CaptureBefore time.Time // when the hold lapses; zero if unknown
	Refunds       []Refund
}

// A Refund is one refund as the provider has it now.
type Refund struct {
	Object string // "re_…"
	OpID   string // our order; empty if it is not ours
	Key    string // its idempotency key
	Status billing.Status
	Amount money.Money // that moves, or did not
	Code   string      // why it failed
}

// A Chargeback is a card network's claim as the provider has it now.
type Chargeback struct {
	ID          string // "dp_…"
	Payment     string // the payment it is about, "pi_…"
	Created     time.Time
	Inquiry     bool // the network only asks; no money was taken
	Amount      money.Money
	Reason      string
	NetworkCode string
	DueBy       time.Time // for evidence; zero if there is none
	PastDue     bool
	NeedsAnswer bool // evidence can be submitted
	Submissions int
	Outcome     ledger.ChargebackOutcome // empty while it is open; lost where it was accepted
	Moves       []Move

	Pack string // digest of the pack that is staged, as our metadata say
	File string // that is staged, "file_…"
}

// A Move is money that a chargeback took from our balance or gave back.
type Move struct {
	Transaction string // balance transaction
	Withdrawn   bool   // else reinstated
	Amount      money.Money
	Fee         money.Money
}

// A Warning is a card network's early warning of fraud.
type Warning struct {
	ID         string // "issfr_…"
	Payment    string
	Type       string
	Actionable bool
	Created    time.Time
}

// A Notice is what a webhook is good for: which object to fetch. The object's
// content in it may be old or out of order and is not given on.
type Notice struct {
	EventID  string // for recognising a notice that comes again
	Type     string // "payment_intent.succeeded"
	Object   string // id of the object the event is about
	Intent   string // its payment intent, where the event names one
	Visit    string // of our metadata, where the event has them: only where to write, never what
	Livemode bool
	Created  time.Time // one second fine: no order
}

// A Change is an entry of the provider's event list: what to look at.
type Change struct {
	Event   string
	Type    string
	Object  string
	Payment string // where the entry names one
	Created time.Time
}

// An Account is whose money the provider keeps.
type Account struct {
	ID   string // "acct_…"
	Live bool   // real money
}

// Evidence answers a chargeback. Empty fields are left as they are.
type Evidence struct {
	Product       string // what was sold
	Access        string // how the shopper was let in and seen
	ServiceDate   string // of the visit
	RefundRefusal string // why it was not given back
	Duplicate     string // why it is no double charge
	Summary       string // everything in one text
	File          string // uploaded pack
	Receipt       string // uploaded receipt; empty for none
}
