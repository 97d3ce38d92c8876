package ledger

import "fmt"

// A Claim is what a shopper says is wrong with a line.
type Claim string

// The claims.
const (
	ClaimNotTaken Claim = "not_taken"
	ClaimQuantity Claim = "wrong_quantity"
	ClaimItem     Claim = "wrong_item"
	ClaimNotMe    Claim = "not_me"
	ClaimPrice    Claim = "price"
)

// DisputeOpened records a shopper's claim about one line of a receipt.
type DisputeOpened struct {
	Dispute  ID     `json:"dispute"` // the id of this event
	Receipt  string `json:"receipt"` // number
	Line     int    `json:"line"`
	Claim    Claim  `json:"claim"`
	Quantity int    `json:"quantity"` // pieces in dispute
	Message  string `json:"message"`
}

// A DisputeOutcome is how a dispute ended.
type DisputeOutcome string

// How a dispute ends.
const (
	DisputeUpheld  DisputeOutcome = "upheld"  // all claimed pieces are taken off
	DisputePartial DisputeOutcome = "partial" // some are
	DisputeDenied  DisputeOutcome = "denied"  // none
)

// DisputeDecided answers a dispute. MoveTo names the visit the pieces belong
// to when it was the wrong shopper.
type DisputeDecided struct {
	Dispute  ID             `json:"dispute"`
	Outcome  DisputeOutcome `json:"outcome"`
	Quantity int            `json:"quantity"` // pieces taken off
	MoveTo   VisitID        `json:"move_to"`
	Reviewer string         `json:"reviewer"`
	Reason   string         `json:"reason"`
}

// Kind returns the stored name.
func (DisputeOpened) Kind() Kind { return KindDisputeOpened }

// Kind returns the stored name.
func (DisputeDecided) Kind() Kind { return KindDisputeDecided }

// Validate implements Payload.
func (p DisputeOpened) Validate() error {
	switch p.Claim {
	case ClaimNotTaken, ClaimQuantity, ClaimItem, ClaimNotMe, ClaimPrice:
	default:
		return fmt.Errorf("%w: claim %q: use not_taken, wrong_quantity, wrong_item, not_me or price", ErrInvalid, p.Claim)
	}
	if p.Dispute.IsZero() || p.Line < 1 || p.Quantity < 1 || p.Quantity > MaxQuantity {
		return fmt.Errorf("%w: a dispute names a line and how many pieces", ErrInvalid)
	}
	if err := short("message", p.Message); err != nil {
		return err
	}
	return need("receipt", p.Receipt)
}

// Validate implements Payload.
func (p DisputeDecided) Validate() error {
	switch p.Outcome {
	case DisputeUpheld, DisputePartial:
		if p.Quantity < 1 || p.Quantity > MaxQuantity {
			return fmt.Errorf("%w: %s with quantity %d", ErrInvalid, p.Outcome, p.Quantity)
		}
	case DisputeDenied:
		if p.Quantity != 0 || p.MoveTo != "" {
			return fmt.Errorf("%w: a denied dispute takes nothing off", ErrInvalid)
		}
	default:
		return fmt.Errorf("%w: outcome %q: use upheld, partial or denied", ErrInvalid, p.Outcome)
	}
	if p.Dispute.IsZero() {
		return fmt.Errorf("%w: dispute is missing", ErrInvalid)
	}
	return need("reviewer", p.Reviewer, "reason", p.Reason)
}

func (DisputeOpened) payload()  {}
func (DisputeDecided) payload() {}
