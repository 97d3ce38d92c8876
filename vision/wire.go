package vision

import (
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// Paths of the server's HTTP interface that devices use.
const (
	PathEntries   = "/v1/gate/entries"
	PathExits     = "/v1/gate/exits"
	PathTailgates = "/v1/gate/tailgates"
	PathKeys      = "/v1/gate/keys"
	PathTime      = "/v1/time"
)

// A GateEntry asks for entry with the code that was shown. It may be sent
// again with the same id and is then answered as the first time.
type GateEntry struct {
	ID         ledger.ID       `json:"id"`
	OccurredAt time.Time       `json:"occurred_at"`
	Store      ledger.StoreID  `json:"store"`
	Gate       ledger.DeviceID `json:"gate"`
	Place      ledger.Place    `json:"place"`
	Code       string          `json:"code,omitempty"`
	Party      int             `json:"party"` // persons on this payer

	// Of a card, badge or palm, instead of a code.
	Credential ledger.CredentialKind `json:"credential,omitempty"`
	Token      string                `json:"token,omitempty"`
	Palm       string                `json:"palm,omitempty"` // what was read of a palm, in base64, instead of its token

	Offline bool      `json:"offline,omitempty"` // the gate was cut off and has opened already
	Tried   ledger.ID `json:"tried,omitzero"`    // with Offline: the entry that got no answer

	Offset int `json:"clock_offset_ms,omitzero"` // to be added to the gate's clock to have the server's
}

// A GateTailgate says that more persons came in than an entry was for.
type GateTailgate struct {
	ID         ledger.ID       `json:"id"`
	OccurredAt time.Time       `json:"occurred_at"`
	Gate       ledger.DeviceID `json:"gate"`
	Visit      ledger.VisitID  `json:"visit"`
	Persons    int             `json:"persons"`
	Offset     int             `json:"clock_offset_ms,omitzero"` // as of a GateEntry
}

// A Decision is what the server says to an entry.
type Decision string

// The decisions. Pending means that the card is still being asked; Left, which is
// only in what a gate writes down, that the server has taken an exit.
const (
	Entered Decision = "entered"
	Refused Decision = "refused"
	Pending Decision = "pending"
	Left    Decision = "left"
)

// A GateAnswer answers a GateEntry.
type GateAnswer struct {
	Visit    ledger.VisitID       `json:"visit"` // empty if none could begin
	Decision Decision             `json:"decision"`
	Reason   ledger.RefusalReason `json:"reason"`          // of a refusal
	Detail   string               `json:"detail"`          // for staff
	Staff    bool                 `json:"staff,omitempty"` // who entered works here
}

// Presented returns the visit that an entry by a card, a badge or a palm begins:
// terminals make no tickets, so the presentation names it.
func Presented(entry ledger.ID) ledger.VisitID {
	return ledger.VisitID(ledger.DeriveID(entry, "presented").String())
}

// A GateExit says that the last person of a visit left. One of Visit, the Code
// shown at the exit, and the Token of a card or badge that is tapped there is set.
type GateExit struct {
	ID         ledger.ID       `json:"id"`
	OccurredAt time.Time       `json:"occurred_at"`
	Gate       ledger.DeviceID `json:"gate"`
	Visit      ledger.VisitID  `json:"visit,omitempty"`
	Code       string          `json:"code,omitempty"`
	Offset     int             `json:"clock_offset_ms,omitzero"` // as of a GateEntry

	// With a Token.
	Store      ledger.StoreID        `json:"store,omitempty"`
	Credential ledger.CredentialKind `json:"credential,omitempty"`
	Token      string                `json:"token,omitempty"`
}

// A DeviceReport says how a device does.
type DeviceReport struct {
	ID         ledger.ID          `json:"id"`
	OccurredAt time.Time          `json:"occurred_at"` // by the device's clock
	Program    string             `json:"program"`     // its name and version
	Running    int                `json:"running"`     // number of the settings it follows
	Refused    int                `json:"refused"`     // number of those it does not take, 0 if none
	Reason     string             `json:"reason"`      // why not
	Offset     int                `json:"clock_offset_ms"`
	Parts      []ledger.PartState `json:"parts"`
}

// PathShelfChanges is where a shop's cameras say what was no shopping; %s is
// the shop.
const PathShelfChanges = "/v1/shops/%s/shelf-changes"

// A ShelfChange says what a sensor saw of a slot that nobody is to pay for.
type ShelfChange struct {
	ID         ledger.ID           `json:"id"`
	OccurredAt time.Time           `json:"occurred_at"` // by the device's clock
	Sensor     ledger.DeviceID     `json:"sensor"`
	Slot       string              `json:"slot"`
	SKU        ledger.SKU          `json:"sku"`
	Home       string              `json:"home,omitempty"`
	Purpose    ledger.ShelfPurpose `json:"purpose"`
	Action     ledger.Action       `json:"action"`
	Quantity   int                 `json:"quantity"`
	Confidence ledger.PerMille     `json:"confidence"`
	Left       int                 `json:"left"`
	Sure       ledger.PerMille     `json:"sure"`
	Untidy     bool                `json:"untidy"`
	Model      string              `json:"model"`
	Offset     int                 `json:"clock_offset_ms,omitzero"`
}

// A CartWeighing says what a smart cart weighs with all that is in it.
type CartWeighing struct {
	ID         ledger.ID            `json:"id"`
	OccurredAt time.Time            `json:"occurred_at"` // by the cart's clock
	Device     ledger.DeviceID      `json:"device"`
	Grams      int                  `json:"grams"` // without the cart itself
	Offset     int                  `json:"clock_offset_ms,omitzero"`
	Evidence   []ledger.EvidenceRef `json:"evidence,omitempty"` // of how the weight came about
}

// A CartCoupon is a coupon that a cart was shown, perhaps while it was cut off.
type CartCoupon struct {
	Coupon     string    `json:"coupon"`      // as printed
	OccurredAt time.Time `json:"occurred_at"` // by the cart's clock
	Offset     int       `json:"clock_offset_ms,omitzero"`
}

// A Reverification is what a model found in the stored evidence of a
// detection.
type Reverification struct {
	ID          ledger.ID                 `json:"id"`
	OccurredAt  time.Time                 `json:"occurred_at"`
	Detection   ledger.ID                 `json:"detection"`
	Model       string                    `json:"model"`
	ModelDigest ledger.Digest             `json:"model_digest"`
	Items       []ledger.ItemHypothesis   `json:"items"`
	Actions     []ledger.ActionHypothesis `json:"actions,omitempty"`
	Evidence    []ledger.EvidenceRef      `json:"evidence"`
}

// A WhatIf asks what a visit's receipt would have been if claims had counted
// instead of their sensors': those named, or else what second looks found, of
// one model or of the last.
type WhatIf struct {
	ModelDigest ledger.Digest `json:"model_digest,omitempty"`
	Claims      []WhatIfClaim `json:"claims,omitempty"`
}

// A WhatIfClaim is what counts of a detection. What is empty stays the sensor's.
type WhatIfClaim struct {
	Detection ledger.ID                 `json:"detection"`
	Items     []ledger.ItemHypothesis   `json:"items,omitempty"`
	Actions   []ledger.ActionHypothesis `json:"actions,omitempty"`
}

// A WhatIfAnswer says what a visit would have come to.
type WhatIfAnswer struct {
	Visit   ledger.VisitID `json:"visit"`
	Claims  int            `json:"claims"`             // that counted instead of their sensors'
	First   *money.Money   `json:"first,omitempty"`    // gross of the first receipt, if there is one
	InForce *money.Money   `json:"in_force,omitempty"` // gross of the last
	Would   money.Money    `json:"would"`
	Change  money.Money    `json:"change"` // against the first receipt
	Asked   int            `json:"asked"`  // questions that people would have been asked
	// AskedThen are the questions that they were asked.
	AskedThen int          `json:"asked_then"`
	Open      string       `json:"open,omitempty"`
	Lines     []WhatIfLine `json:"lines"`
}

// A WhatIfLine is a product of which other pieces would have been billed.
type WhatIfLine struct {
	SKU   ledger.SKU `json:"sku"`
	Name  string     `json:"name"`
	Was   int        `json:"was"`
	Would int        `json:"would"`
}

// A PalmOffer is the text that is agreed to before a palm is used in a shop.
type PalmOffer struct {
	Store        ledger.StoreID `json:"store"`
	Jurisdiction string         `json:"jurisdiction"`
	Version      string         `json:"version"`
	Text         string         `json:"text"`
	Digest       ledger.Digest  `json:"digest"`
}

// A PalmTemplate is what a terminal has read of a palm, to be sealed by the server.
type PalmTemplate struct {
	ID         ledger.ID      `json:"id"`
	OccurredAt time.Time      `json:"occurred_at"`
	Store      ledger.StoreID `json:"store"`
	Method     string         `json:"method"`
	Captures   [][]byte       `json:"captures"` // codes, in base64: no pictures
}
