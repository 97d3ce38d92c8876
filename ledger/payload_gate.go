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

	ClockOffset int `json:"clock_offset_ms,omitzero"` // as of [GatePresented]
}

// Kind returns the stored name.
func (GateDoubted) Kind() Kind { return KindGateDoubted }

// Validate implements Payload.
func (p GateDoubted) Validate() error {
	if p.Persons < 0 || p.Party < 0 {
		return fmt.Errorf("%w: %d persons on a code for %d", ErrInvalid, p.Persons, p.Party)
	}
	if err := validateOffset(p.ClockOffset); err != nil {
		return err
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

func (GateDoubted) payload() {}
