package ledger

import "fmt"

// A ShelfPurpose is why things came, went or were moved on a shelf, where
// nobody is to pay for it.
type ShelfPurpose string

// The purposes.
const (
	ShelfRestocking ShelfPurpose = "restocking" // staff brought what nobody had
	ShelfTidying    ShelfPurpose = "tidying"    // staff put in order; as many of each as before
	ShelfClearing   ShelfPurpose = "clearing"   // staff took away what is not sold any more
	// ShelfStraying is a shopper's: something came to where it does not belong,
	// or something left that stood there. A detection says so too, and that
	// alone counts for the shopper's cart.
	ShelfStraying ShelfPurpose = "straying"
)

// ShelfChanged records what a sensor saw of a slot that is no shopping: what
// staff did there, and things that stand where they do not belong. It is in the
// sensor's stream and in no visit's: nobody is ever charged by it. It has no
// pictures, since it is staff that they would show.
type ShelfChanged struct {
	Store      StoreID      `json:"store"`
	Sensor     DeviceID     `json:"sensor"`
	Slot       string       `json:"slot"`
	SKU        SKU          `json:"sku"`  // of what came or went
	Home       string       `json:"home"` // the slot where that belongs, if another
	Purpose    ShelfPurpose `json:"purpose"`
	Action     Action       `json:"action"`
	Quantity   int          `json:"quantity"`
	Confidence PerMille     `json:"confidence"`
	// Left is how many things stand in the slot now, and Sure how sure that is:
	// what stands behind others a camera does not see. Untidy says that some of
	// them belong elsewhere.
	Left   int      `json:"left"`
	Sure   PerMille `json:"sure"`
	Untidy bool     `json:"untidy"`
	Model  string   `json:"model"` // name and version of what decided
	// ClockOffset is what was added to the sensor's clock to have the event's
	// time, in milliseconds.
	ClockOffset int `json:"clock_offset_ms"`
}

// Kind returns the stored name.
func (ShelfChanged) Kind() Kind { return KindShelfChanged }

// Validate implements Payload.
func (p ShelfChanged) Validate() error {
	if err := validateDevice(p.Store, p.Sensor); err != nil {
		return err
	}
	switch p.Purpose {
	case ShelfRestocking, ShelfTidying, ShelfClearing, ShelfStraying:
	default:
		return fmt.Errorf("%w: purpose %q", ErrInvalid, p.Purpose)
	}
	if err := p.Action.validate(); err != nil {
		return err
	}
	if p.Quantity < 1 || p.Left < 0 {
		return fmt.Errorf("%w: %d of %s, and %d left", ErrInvalid, p.Quantity, p.SKU, p.Left)
	}
	if err := p.Confidence.Validate(); err != nil {
		return err
	}
	if err := p.Sure.Validate(); err != nil {
		return err
	}
	if err := validateOffset(p.ClockOffset); err != nil {
		return err
	}
	return need("slot", p.Slot, "sku", string(p.SKU), "model", p.Model)
}

func (ShelfChanged) payload() {}
