package ledger

import "fmt"

// MaxCartGrams bounds what a cart may weigh with all that is in it: more than
// anybody pushes.
const MaxCartGrams = 1_000_000

// CartWeighed records that a smart cart, or the lane it left through, weighed
// all that is in the cart, and what the pieces that the visit had by then weigh
// together. It changes no line. One that did not pass is a question about the
// whole cart: somebody looks, or the deadline lets it go.
type CartWeighed struct {
	Visit     VisitID  `json:"visit"`
	Store     StoreID  `json:"store"`
	Device    DeviceID `json:"device"`    // that weighed
	Measured  int      `json:"measured"`  // grams, without the cart itself
	Expected  int      `json:"expected"`  // grams of the pieces whose weight is known, with packing
	Unknown   int      `json:"unknown"`   // pieces whose weight nobody knows: with any, it does not pass
	Tolerance int      `json:"tolerance"` // grams that the two may differ by
	Passed    bool     `json:"passed"`
	// Evidence shows how the weight came about.
	Evidence List[EvidenceRef] `json:"evidence,omitzero"`
	// ClockOffset is what was added to the device's clock to have the event's
	// time, in milliseconds.
	ClockOffset int `json:"clock_offset_ms,omitzero"`
}

// Off returns by how many grams the cart is heavier than what it should hold;
// below zero it is lighter.
func (p CartWeighed) Off() int { return p.Measured - p.Expected }

// Agrees reports whether the weights agree: what Passed must say.
func (p CartWeighed) Agrees() bool {
	return p.Unknown == 0 && max(p.Off(), -p.Off()) <= p.Tolerance
}

// Kind returns the stored name.
func (CartWeighed) Kind() Kind { return KindCartWeighed }

// Validate implements Payload.
func (p CartWeighed) Validate() error {
	for _, g := range []int{p.Measured, p.Expected, p.Tolerance} {
		if g < 0 || g > MaxCartGrams {
			return fmt.Errorf("%w: %d g are outside 0..%d", ErrInvalid, g, MaxCartGrams)
		}
	}
	if p.Unknown < 0 {
		return fmt.Errorf("%w: %d pieces of unknown weight", ErrInvalid, p.Unknown)
	}
	if p.Passed != p.Agrees() {
		return fmt.Errorf("%w: %d g where %d are due does not make passed %t", ErrInvalid, p.Measured, p.Expected, p.Passed)
	}
	if err := validateOffset(p.ClockOffset); err != nil {
		return err
	}
	if err := validateEvidence(p.Evidence); err != nil {
		return err
	}
	return need("visit", string(p.Visit), "store", string(p.Store), "device", string(p.Device))
}

func (CartWeighed) payload() {}
