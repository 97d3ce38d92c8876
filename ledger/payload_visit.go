package ledger

import (
	"fmt"
	"time"

	"github.com/vouchledger/vouch/ledger/money"
)

// A CredentialKind says how a shopper proved who pays.
type CredentialKind string

// The credentials.
const (
	CredentialQR    CredentialKind = "qr"
	CredentialPalm  CredentialKind = "palm"
	CredentialCard  CredentialKind = "card"
	CredentialStaff CredentialKind = "staff" // in the log, not in revenue
	CredentialNone  CredentialKind = "none"  // the payer is not known yet
)

// A Place says where a credential was presented.
type Place string

// The places: a gate of the shop, or a smart cart's reader.
const (
	PlaceGate Place = "gate"
	PlaceCart Place = "cart"
)

// GatePresented records that a valid credential was shown and begins a visit.
// It pins the seller and the rules. Nobody is inside yet: the hold decides.
type GatePresented struct {
	Visit         VisitID        `json:"visit"`
	Store         StoreID        `json:"store"`
	Gate          DeviceID       `json:"gate"`
	Place         Place          `json:"place"`
	Credential    CredentialKind `json:"credential"`
	Ticket        string         `json:"ticket"` // id of the one-use ticket
	Shopper       ShopperID      `json:"shopper"`
	Customer      string         `json:"customer"`       // at the payment provider
	PaymentMethod string         `json:"payment_method"` // at the payment provider
	Party         int            `json:"party"`          // persons on this payer
	Seller        Seller         `json:"seller"`
	Catalogue     CatalogueID    `json:"catalogue"`
	Policy        Policy         `json:"policy"`
	Member        bool           `json:"member,omitzero"`  // gets members' prices
	Offline       bool           `json:"offline,omitzero"` // the gate was cut off and had opened already

	// ClockOffset is what was added to the gate's clock to have the event's time,
	// in milliseconds; 0 if the gate did not compare them.
	ClockOffset int `json:"clock_offset_ms,omitzero"`
}

// GateEntered records that the gate opened: the hold stands.
type GateEntered struct {
	Visit VisitID     `json:"visit"`
	Gate  DeviceID    `json:"gate"`
	Hold  money.Money `json:"hold"`
}

// A RefusalReason says why a gate stayed shut.
type RefusalReason string

// The reasons for a refusal at the gate.
const (
	RefusedForged   RefusalReason = "forged"   // the signature does not match
	RefusedExpired  RefusalReason = "expired"  // the code is too old
	RefusedNotYet   RefusalReason = "not_yet"  // the code is from the future: clock skew
	RefusedReplayed RefusalReason = "replayed" // the code was used before
	RefusedStore    RefusalReason = "store"    // the code is for another shop
	RefusedUnread   RefusalReason = "unread"   // not a code of ours
	RefusedDeclined RefusalReason = "declined" // the card was declined
	RefusedTimeout  RefusalReason = "timeout"  // the hold was not decided in time
	RefusedInside   RefusalReason = "inside"   // the shopper has a visit open here
	RefusedDebt     RefusalReason = "debt"     // the shopper owes for an earlier visit
	RefusedCopied   RefusalReason = "copied"   // a picture of a code: it does not change, or is of some time ago
	RefusedStranger RefusalReason = "stranger" // the palm or card is nobody's that we know
)

// GateRefused records that a gate stayed shut. In a visit's stream it ends
// the visit; in a shop's stream there was no visit to begin.
type GateRefused struct {
	Visit  VisitID       `json:"visit"` // empty in a shop's stream
	Store  StoreID       `json:"store"`
	Gate   DeviceID      `json:"gate"`
	Ticket string        `json:"ticket"` // empty when it could not be read
	Reason RefusalReason `json:"reason"`
	Detail string        `json:"detail"` // for staff; no personal data

	ClockOffset int `json:"clock_offset_ms,omitzero"` // as of [GatePresented]
}

// GateExited records that the last person of the visit left.
type GateExited struct {
	Visit VisitID  `json:"visit"`
	Gate  DeviceID `json:"gate"`

	ClockOffset int `json:"clock_offset_ms,omitzero"` // as of [GatePresented]
}

// An Action is what a sensor believes was done.
type Action string

// The actions. A move is a return to another slot than the item came from.
const (
	ActionTake   Action = "take"
	ActionReturn Action = "return"
	ActionMove   Action = "move"
)

// A SensorKind says what kind of device made a claim.
type SensorKind string

// The kinds of sensors.
const (
	SensorCamera SensorKind = "camera"
	SensorScale  SensorKind = "scale"
	SensorRFID   SensorKind = "rfid"
	SensorCart   SensorKind = "cart"
)

// An ItemHypothesis is one reading of what the item is.
type ItemHypothesis struct {
	SKU        SKU      `json:"sku"`
	Confidence PerMille `json:"confidence"`
}

// An ActionHypothesis is one reading of what was done.
type ActionHypothesis struct {
	Action     Action   `json:"action"`
	Confidence PerMille `json:"confidence"`
}

// A PersonHypothesis is one reading of whose visit it belongs to.
type PersonHypothesis struct {
	Visit      VisitID  `json:"visit"`
	Confidence PerMille `json:"confidence"`
}

// An EvidenceRef names stored bytes that show what a sensor saw.
type EvidenceRef struct {
	Role      string `json:"role"` // one of the roles, RoleBefore and the rest
	Digest    Digest `json:"digest"`
	MediaType string `json:"media_type"`
	Bytes     int64  `json:"bytes"`
	Of        Digest `json:"of,omitzero"` // of a copy, blurred or thumb: the piece that it is made from
}

// DetectionRecorded records what a sensor claims, as it claimed it: three
// separate lists of readings, best first, each with its own confidence.
//
// Persons is the sensor's own claim. A shelf camera knows no persons and
// leaves it empty; then Presence holds what the server knew when it took the
// claim: the visits that were inside at that moment.
type DetectionRecorded struct {
	Store    StoreID                `json:"store"`
	Sensor   DeviceID               `json:"sensor"`
	Source   SensorKind             `json:"source"`
	Slot     string                 `json:"slot"`
	Items    List[ItemHypothesis]   `json:"items"`
	Actions  List[ActionHypothesis] `json:"actions"`
	Persons  List[PersonHypothesis] `json:"persons"`
	Presence List[PersonHypothesis] `json:"presence"`
	Quantity int                    `json:"quantity"`
	Grams    int                    `json:"grams"` // change of weight, 0 if not weighed
	Model    string                 `json:"model"` // name and version of what decided
	Evidence List[EvidenceRef]      `json:"evidence"`
	// ClockOffset is what was added to the sensor's clock to have the event's
	// time, in milliseconds: how wrong the clock was.
	ClockOffset int `json:"clock_offset_ms,omitzero"`
}

// Candidates returns the readings of whose visit it is: the sensor's own, or
// else presence.
func (p DetectionRecorded) Candidates() []PersonHypothesis {
	if len(p.Persons) > 0 {
		return p.Persons
	}
	return p.Presence
}

// DetectionImplicated records, in the stream of a visit that a detection also
// names, that its question concerns this visit too. It blocks finalising until
// the question is answered by a ReviewDecided of the same detection here.
type DetectionImplicated struct {
	Detection  ID       `json:"detection"`
	Stream     StreamID `json:"stream"` // where the detection is
	Confidence PerMille `json:"confidence"`
}

// DetectionAttributed records that a review or a dispute gave this visit an
// item movement that was recorded elsewhere.
type DetectionAttributed struct {
	Detection ID                `json:"detection"`
	Stream    StreamID          `json:"stream"`   // where the detection is
	Decision  ID                `json:"decision"` // event that decided so
	SKU       SKU               `json:"sku"`
	Action    Action            `json:"action"`
	Quantity  int               `json:"quantity"`
	Slot      string            `json:"slot"`
	SeenAt    time.Time         `json:"seen_at"` // occurred time of the detection
	Evidence  List[EvidenceRef] `json:"evidence"`
	Grams     int               `json:"grams,omitzero"` // of all pieces, as weighed
	Scale     DeviceID          `json:"scale,omitzero"` // that weighed
}

// Kind returns the stored name.
func (GatePresented) Kind() Kind { return KindGatePresented }

// Kind returns the stored name.
func (GateEntered) Kind() Kind { return KindGateEntered }

// Kind returns the stored name.
func (GateRefused) Kind() Kind { return KindGateRefused }

// Kind returns the stored name.
func (GateExited) Kind() Kind { return KindGateExited }

// Kind returns the stored name.
func (DetectionRecorded) Kind() Kind { return KindDetectionRecorded }

// Kind returns the stored name.
func (DetectionImplicated) Kind() Kind { return KindDetectionImplicated }

// Kind returns the stored name.
func (DetectionAttributed) Kind() Kind { return KindDetectionAttributed }

// Validate implements Payload.
func (p GatePresented) Validate() error {
	switch p.Credential {
	case CredentialQR, CredentialPalm, CredentialCard, CredentialStaff:
	case CredentialNone:
		if p.PaymentMethod != "" || p.Customer != "" {
			return fmt.Errorf("%w: a payment method of nobody", ErrInvalid)
		}
	default:
		return fmt.Errorf("%w: credential %q", ErrInvalid, p.Credential)
	}
	if p.Place != PlaceGate && p.Place != PlaceCart {
		return fmt.Errorf("%w: place %q", ErrInvalid, p.Place)
	}
	if p.Party < 1 || p.Party > MaxParty {
		return fmt.Errorf("%w: party of %d", ErrInvalid, p.Party)
	}
	if err := p.Policy.Validate(); err != nil {
		return err
	}
	if err := validateOffset(p.ClockOffset); err != nil {
		return err
	}
	if p.Policy.Hold.Currency != p.Seller.Currency {
		return fmt.Errorf("%w: hold in %s at a seller in %s", ErrInvalid, p.Policy.Hold.Currency, p.Seller.Currency)
	}
	return need("visit", string(p.Visit), "store", string(p.Store), "gate", string(p.Gate), "ticket", p.Ticket,
		"shopper", string(p.Shopper), "catalogue", string(p.Catalogue))
}

// Validate implements Payload.
func (p GateEntered) Validate() error {
	if err := p.Hold.Validate(); err != nil {
		return err
	}
	return need("visit", string(p.Visit), "gate", string(p.Gate))
}

// Validate implements Payload.
func (p GateRefused) Validate() error {
	switch p.Reason {
	case RefusedForged, RefusedExpired, RefusedNotYet, RefusedReplayed, RefusedStore, RefusedUnread,
		RefusedDeclined, RefusedTimeout, RefusedInside, RefusedDebt, RefusedCopied,
		RefusedStranger:
	default:
		return fmt.Errorf("%w: refusal %q", ErrInvalid, p.Reason)
	}
	if err := short("detail", p.Detail); err != nil {
		return err
	}
	if err := validateOffset(p.ClockOffset); err != nil {
		return err
	}
	return need("store", string(p.Store), "gate", string(p.Gate))
}

// Validate implements Payload.
func (p GateExited) Validate() error {
	if err := validateOffset(p.ClockOffset); err != nil {
		return err
	}
	return need("visit", string(p.Visit), "gate", string(p.Gate))
}

// Validate implements Payload.
func (p DetectionRecorded) Validate() error { return p.valid() }

func (p *DetectionRecorded) valid() error {
	switch p.Source {
	case SensorCamera, SensorScale, SensorRFID, SensorCart:
	default:
		return fmt.Errorf("%w: source %q", ErrInvalid, p.Source)
	}
	if !said(string(p.Store)) || !said(string(p.Sensor)) || !said(p.Slot) || !said(p.Model) {
		return need("store", string(p.Store), "sensor", string(p.Sensor), "slot", p.Slot, "model", p.Model)
	}
	if p.Quantity < 1 || p.Quantity > MaxQuantity {
		return fmt.Errorf("%w: quantity %d is outside 1..%d", ErrInvalid, p.Quantity, MaxQuantity)
	}
	if len(p.Items) == 0 || len(p.Actions) == 0 {
		return fmt.Errorf("%w: a detection needs a reading of item and action", ErrInvalid)
	}
	if err := p.validateReadings(); err != nil {
		return err
	}
	if err := validateOffset(p.ClockOffset); err != nil {
		return err
	}
	return validateEvidence(p.Evidence)
}

func (p *DetectionRecorded) validateReadings() error {
	if max(len(p.Items), len(p.Actions), len(p.Persons), len(p.Presence)) > MaxHypotheses {
		return fmt.Errorf("%w: more than %d readings", ErrInvalid, MaxHypotheses)
	}
	best := PerMille(1000)
	for i := range p.Items {
		h := &p.Items[i]
		if !said(string(h.SKU)) {
			return need("sku", string(h.SKU))
		}
		if err := h.Confidence.below(&best, "items"); err != nil {
			return err
		}
	}
	best = 1000
	for _, h := range p.Actions {
		if err := h.Action.validate(); err != nil {
			return err
		}
		if err := h.Confidence.below(&best, "actions"); err != nil {
			return err
		}
	}
	if err := validatePersons(p.Persons, "persons"); err != nil {
		return err
	}
	return validatePersons(p.Presence, "presence")
}

func validatePersons(hs []PersonHypothesis, name string) error {
	best := PerMille(1000)
	for i := range hs {
		h := &hs[i]
		if !said(string(h.Visit)) {
			return need("visit", string(h.Visit))
		}
		if err := h.Confidence.below(&best, name); err != nil {
			return err
		}
	}
	return nil
}

// below refuses a confidence above the one before it in a list of readings.
func (p PerMille) below(before *PerMille, name string) error {
	if p >= 0 && p <= *before {
		*before = p
		return nil
	}
	return p.notBelow(*before, name)
}

// notBelow says why p is refused behind the confidence before, which is one.
func (p PerMille) notBelow(before PerMille, name string) error {
	if err := p.Validate(); err != nil {
		return err
	}
	return fmt.Errorf("%w: %s are not ordered, best first", ErrInvalid, name)
}

func (a Action) validate() error {
	if a != ActionTake && a != ActionReturn && a != ActionMove {
		return fmt.Errorf("%w: action %q: use take, return or move", ErrInvalid, a)
	}
	return nil
}

// Validate implements Payload.
func (p DetectionImplicated) Validate() error {
	if p.Detection.IsZero() {
		return fmt.Errorf("%w: detection is missing", ErrInvalid)
	}
	if err := p.Confidence.Validate(); err != nil {
		return err
	}
	return p.Stream.Validate()
}

// Validate implements Payload.
func (p DetectionAttributed) Validate() error {
	if p.Detection.IsZero() || p.Decision.IsZero() {
		return fmt.Errorf("%w: detection or decision is missing", ErrInvalid)
	}
	if p.Quantity < 1 || p.Quantity > MaxQuantity {
		return fmt.Errorf("%w: quantity %d is outside 1..%d", ErrInvalid, p.Quantity, MaxQuantity)
	}
	if p.Grams < 0 || p.Grams > MaxGrams {
		return fmt.Errorf("%w: %d g are outside 0..%d", ErrInvalid, p.Grams, MaxGrams)
	}
	if err := p.Action.validate(); err != nil {
		return err
	}
	if err := p.Stream.Validate(); err != nil {
		return err
	}
	if err := validateEvidence(p.Evidence); err != nil {
		return err
	}
	if err := needTime("seen_at", p.SeenAt); err != nil {
		return err
	}
	return need("sku", string(p.SKU), "slot", p.Slot)
}

func (GatePresented) payload()       {}
func (GateEntered) payload()         {}
func (GateRefused) payload()         {}
func (GateExited) payload()          {}
func (DetectionRecorded) payload()   {}
func (DetectionImplicated) payload() {}
func (DetectionAttributed) payload() {}
