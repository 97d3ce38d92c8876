package ledger

import "fmt"

// EvidenceHeld records that the evidence of a visit is kept whatever its time.
// It is in the visit's stream of evidence, and lasts until a release names it.
type EvidenceHeld struct {
	Visit  VisitID `json:"visit"`
	Reason string  `json:"reason"` // "letter of the court of 2026-11-30"
	By     string  `json:"by"`     // "operator:olga"
}

// EvidenceReleased records that a hold on the evidence of a visit is over.
type EvidenceReleased struct {
	Visit  VisitID `json:"visit"`
	Hold   ID      `json:"hold"` // of the evidence.held
	Reason string  `json:"reason"`
	By     string  `json:"by"`
}

// A RetentionClass says by which rule evidence is kept.
type RetentionClass string

// The retention classes, of which a later one keeps longer.
const (
	RetentionUnnamed    RetentionClass = "unnamed"    // no visit names it
	RetentionRoutine    RetentionClass = "routine"    // nobody has asked about it
	RetentionDisputed   RetentionClass = "disputed"   // a shopper disputed a line of the visit
	RetentionChargeback RetentionClass = "chargeback" // a bank claimed the visit's money back
)

// EvidenceExpired records that a piece of evidence is deleted, after its time.
// It is in the evidence's own stream. The digest and the events that name it
// stay.
type EvidenceExpired struct {
	Digest Digest         `json:"digest"`
	Class  RetentionClass `json:"class"` // of what kept it longest
	Days   int            `json:"days"`  // that class is kept
}

// Kind returns the stored name.
func (EvidenceHeld) Kind() Kind { return KindEvidenceHeld }

// Kind returns the stored name.
func (EvidenceReleased) Kind() Kind { return KindEvidenceReleased }

// Kind returns the stored name.
func (EvidenceExpired) Kind() Kind { return KindEvidenceExpired }

// Validate implements Payload.
func (p EvidenceHeld) Validate() error {
	if err := short("reason", p.Reason); err != nil {
		return err
	}
	return need("visit", string(p.Visit), "reason", p.Reason, "by", p.By)
}

// Validate implements Payload.
func (p EvidenceReleased) Validate() error {
	if p.Hold.IsZero() {
		return fmt.Errorf("%w: hold is missing", ErrInvalid)
	}
	if err := short("reason", p.Reason); err != nil {
		return err
	}
	return need("visit", string(p.Visit), "reason", p.Reason, "by", p.By)
}

// Validate implements Payload.
func (p EvidenceExpired) Validate() error {
	switch p.Class {
	case RetentionUnnamed, RetentionRoutine, RetentionDisputed, RetentionChargeback:
	default:
		return fmt.Errorf("%w: retention class %q", ErrInvalid, p.Class)
	}
	if p.Days < 0 {
		return fmt.Errorf("%w: evidence kept for %d days", ErrInvalid, p.Days)
	}
	return p.Digest.Validate()
}

func (EvidenceHeld) payload()     {}
func (EvidenceReleased) payload() {}
func (EvidenceExpired) payload()  {}
