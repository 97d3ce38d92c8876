package ledger

import "fmt"

// GateDoubted records that an entry itself is in doubt: more persons came in
// than the code was for, or one code opened two gates that were cut off from
// each other. It is a question about the whole visit. Dismissed, the visit is
// billed as it stands; disowned, it is not its payer's and nothing is billed.
type GateDoubted struct {
	Visit   VisitID  `json:"visit"`
	Store   StoreID  `json:"store"`
	Gate    DeviceID `json:"gate"`  // where it was noticed
	Doubt   Doubt    `json:"doubt"` // tailgated or conflict
	Persons int      `json:"persons"`
	Party   int      `json:"party"` // persons that the code was for
	Other   VisitID  `json:"other"` // with conflict: the visit that the same code, or shopper, began elsewhere
}

// PalmEnrolled records that a shopper agreed to be known by a palm, and that a
// template was made. It is in the shopper's stream. The template is not in the
// log: the digest says which it was.
type PalmEnrolled struct {
	Shopper      ShopperID `json:"shopper"`
	Store        StoreID   `json:"store"` // whose rules allowed it
	Template     Digest    `json:"template"`
	Method       string    `json:"method"`   // "ordinal/1"
	Captures     int       `json:"captures"` // that the template was made from
	Consent      Digest    `json:"consent"`  // of the text that the shopper agreed to
	Agreed       string    `json:"agreed"`   // where and how: "terminal-1, by touch"
	Jurisdiction string    `json:"jurisdiction"`
}

// PalmRevoked records that a shopper's template and its key were destroyed.
type PalmRevoked struct {
	Shopper  ShopperID `json:"shopper"`
	Template Digest    `json:"template"`
	By       string    `json:"by"`
	Reason   string    `json:"reason"`
	Sealed   Digest    `json:"sealed"` // of the encrypted bytes that no key opens any more
}

// Kind returns the stored name.
func (GateDoubted) Kind() Kind { return KindGateDoubted }

// Kind returns the stored name.
func (PalmEnrolled) Kind() Kind { return KindPalmEnrolled }

// Kind returns the stored name.
func (PalmRevoked) Kind() Kind { return KindPalmRevoked }

// Validate implements Payload.
func (p GateDoubted) Validate() error {
	if p.Persons < 0 || p.Party < 0 {
		return fmt.Errorf("%w: %d persons on a code for %d", ErrInvalid, p.Persons, p.Party)
	}
	switch p.Doubt {
	case DoubtTailgated:
		if p.Persons <= p.Party || p.Other != "" {
			return fmt.Errorf("%w: %d persons on a code for %d is no tailgating", ErrInvalid, p.Persons, p.Party)
		}
	case DoubtConflict:
		if p.Other == "" || p.Other == p.Visit || p.Persons != 0 || p.Party != 0 {
			return fmt.Errorf("%w: a conflict is with another visit", ErrInvalid)
		}
	case DoubtItem, DoubtAction, DoubtPerson, DoubtUnmatched, DoubtLate, DoubtUnknown, DoubtWeight:
		return fmt.Errorf("%w: no entry is in doubt by %q", ErrInvalid, p.Doubt)
	default:
		return fmt.Errorf("%w: doubt %q", ErrInvalid, p.Doubt)
	}
	return need("visit", string(p.Visit), "store", string(p.Store), "gate", string(p.Gate))
}

// MaxCaptures bounds what one palm template is made from.
const MaxCaptures = 20

// Validate implements Payload.
func (p PalmEnrolled) Validate() error {
	if p.Captures < 2 || p.Captures > MaxCaptures {
		return fmt.Errorf("%w: a palm template from %d captures, want 2..%d", ErrInvalid, p.Captures, MaxCaptures)
	}
	if err := p.Template.Validate(); err != nil {
		return err
	}
	if err := p.Consent.Validate(); err != nil {
		return err
	}
	if err := short("agreed", p.Agreed); err != nil {
		return err
	}
	return need("shopper", string(p.Shopper), "store", string(p.Store), "method", p.Method, "agreed", p.Agreed,
		"jurisdiction", p.Jurisdiction)
}

// Validate implements Payload.
func (p PalmRevoked) Validate() error {
	if err := p.Template.Validate(); err != nil {
		return err
	}
	if err := p.Sealed.Validate(); err != nil {
		return err
	}
	if err := short("reason", p.Reason); err != nil {
		return err
	}
	return need("shopper", string(p.Shopper), "by", p.By, "reason", p.Reason)
}

func (GateDoubted) payload()  {}
func (PalmEnrolled) payload() {}
func (PalmRevoked) payload()  {}
