package engine

import (
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// A PresentCommand is a valid credential shown at a gate. The caller has
// checked it: signature, age and shop.
type PresentCommand struct {
	ID            ledger.ID // made by the gate; a retry has the same
	Occurred      time.Time
	Actor         string
	Trace         string
	Store         ledger.StoreID
	Gate          ledger.DeviceID
	Place         ledger.Place
	Credential    ledger.CredentialKind
	Ticket        string // id of the one-use code; becomes the visit's id
	Shopper       ledger.ShopperID
	Customer      string    // at the payment provider
	PaymentMethod string    // at the payment provider
	Party         int       // persons on this payer; 0 means 1
	Member        bool      // gets members' prices
	Rotating      bool      // the code changes while it is shown
	Offline       bool      // the gate was cut off and has opened already
	Tried         ledger.ID // with Offline: the entry it had asked for and got no answer to
	Offset        int       // what was added to the gate's clock to have Occurred, in milliseconds
}

// A RefuseCommand is a credential that the caller found not valid.
type RefuseCommand struct {
	ID       ledger.ID // made by the gate; a retry has the same
	Occurred time.Time
	Actor    string
	Trace    string
	Store    ledger.StoreID
	Gate     ledger.DeviceID
	Ticket   string // empty when it could not be read
	Reason   ledger.RefusalReason
	Detail   string
	Offset   int // as of a PresentCommand
}

// A GateDecision says whether a gate opens.
type GateDecision string

// What a gate is told.
const (
	GateEntered GateDecision = "entered"
	GateRefused GateDecision = "refused"
	GatePending GateDecision = "pending" // not decided yet: ask again
)

// A GateAnswer is what a gate is told about one presented credential.
type GateAnswer struct {
	Visit    ledger.VisitID // empty when no visit began
	Decision GateDecision
	Reason   ledger.RefusalReason // when refused
	Detail   string
	Staff    bool // who came in works here: what they do on a shelf is no shopping
}

// An ExitCommand says that the last person of a visit left.
type ExitCommand struct {
	ID       ledger.ID
	Occurred time.Time
	Actor    string
	Trace    string
	Visit    ledger.VisitID
	Gate     ledger.DeviceID
	Offset   int // as of a PresentCommand
}

// A RecordCommand is what a sensor claims.
type RecordCommand struct {
	ID        ledger.ID // made by the sensor; a retry has the same
	Occurred  time.Time
	Actor     string
	Trace     string
	Detection ledger.DetectionRecorded // Presence is filled in when Persons is empty
}

// A ReverifyCommand is what a model found in the stored evidence of a
// detection.
type ReverifyCommand struct {
	ID       ledger.ID // a retry has the same
	Occurred time.Time
	Actor    string
	Trace    string
	Found    ledger.DetectionReverified // Agreement is filled in
}

// A Recorded is an event that a command led to.
type Recorded struct {
	ledger.Record
	Duplicate bool // it was there before
}

// A ReviewCommand answers the question about a detection. With Confirmed,
// what is left out is taken from the sensor's best reading.
type ReviewCommand struct {
	ID        ledger.ID // a retry has the same
	Occurred  time.Time
	Trace     string
	Detection ledger.ID
	Verdict   ledger.Verdict
	SKU       ledger.SKU
	Action    ledger.Action
	Quantity  int
	Visit     ledger.VisitID // whose it was; empty means as sensed, or nobody's
	Reviewer  string         // "reviewer:anna"
	Reason    string
}

// A DisputeCommand is a shopper's claim about one line of a receipt.
type DisputeCommand struct {
	ID       ledger.ID // names the dispute; a retry has the same
	Occurred time.Time
	Actor    string
	Trace    string
	Receipt  string
	Line     int
	Claim    ledger.Claim
	Quantity int // pieces in dispute; 0 means all of the line
	Message  string
}

// A DisputeDecision answers a dispute.
type DisputeDecision struct {
	ID       ledger.ID // a retry has the same
	Occurred time.Time
	Trace    string
	Dispute  ledger.ID
	Outcome  ledger.DisputeOutcome
	Quantity int            // with partial: pieces taken off
	MoveTo   ledger.VisitID // whose the pieces were, or empty
	Reviewer string
	Reason   string
}

// A ProviderEvent is what a payment provider tells us by webhook. It moves
// nothing: it only makes us look.
type ProviderEvent struct {
	ID       string // the provider's event id
	Type     string
	Object   string         // what it is about ("pi_…", "re_…", "dp_…")
	Payment  string         // the payment that belongs to, if the notice names one
	Visit    ledger.VisitID // from the object's metadata, if there
	Occurred time.Time
}
