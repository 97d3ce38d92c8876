package ledger

import (
	"fmt"
	"strings"
	"time"

	"github.com/govalues/decimal"

	"github.com/vouchledger/vouch/ledger/money"
)

// Bounds of what one event may claim.
const (
	MaxQuantity   = 1000 // items in one detection or line: a pallet, not a shelf
	MaxText       = 2000 // bytes of a reason or message
	MaxHypotheses = 32   // readings of one detection
	MaxEvidence   = 16   // stored objects named by one detection
	MaxParty      = 20   // persons on one payer
)

// A PerMille is a confidence in thousandths, 0 to 1000. Events hold no floats.
type PerMille int

// Validate refuses anything outside 0 to 1000.
func (p PerMille) Validate() error {
	if p < 0 || p > 1000 {
		return fmt.Errorf("%w: confidence %d is outside 0..1000", ErrInvalid, int(p))
	}
	return nil
}

// A Seller is who sells: what a receipt must name.
type Seller struct {
	Name     string         `json:"name"`
	Address  string         `json:"address"`
	TaxID    string         `json:"tax_id"`
	Currency money.Currency `json:"currency"`
	Timezone string         `json:"timezone"` // IANA name; receipts are numbered by its year
}

// StoreOpened records that a shop exists, who sells there and from which
// catalogue. A later one replaces an earlier one.
type StoreOpened struct {
	Store     StoreID     `json:"store"`
	Seller    Seller      `json:"seller"`
	Catalogue CatalogueID `json:"catalogue"`
}

// A DeadlinePolicy says who wins when a question is not answered in time.
type DeadlinePolicy string

// What happens at a review deadline. With ForShopper a doubtful take is not
// charged and a doubtful return counts; with AsSensed the sensor's best
// reading stands.
const (
	ForShopper DeadlinePolicy = "for_shopper"
	AsSensed   DeadlinePolicy = "as_sensed"
)

// A Policy is the set of rules a visit is judged by. It is pinned when the
// shopper presents a credential, so that a visit can be replayed from its own
// stream and a rule change never reaches back.
type Policy struct {
	Hold             money.Money    `json:"hold"`               // authorised at the gate
	ItemMin          PerMille       `json:"item_min"`           // below it the item is a question
	ActionMin        PerMille       `json:"action_min"`         // below it take or return is a question
	PersonMin        PerMille       `json:"person_min"`         // below it the person is a question
	ReviewSeconds    int            `json:"review_seconds"`     // until an unanswered question is answered by OnDeadline
	OnDeadline       DeadlinePolicy `json:"on_deadline"`        //
	GraceMillis      int            `json:"grace_ms"`           // after the exit, for detections under way
	GateSeconds      int            `json:"gate_seconds"`       // for the hold to be decided
	DisputeDays      int            `json:"dispute_days"`       // after the receipt, for a shopper's claim
	DetectionsPerMin int            `json:"detections_per_min"` // 0 is no limit
}

// Validate refuses a policy under which a visit could not end.
func (p Policy) Validate() error {
	if err := p.Hold.Validate(); err != nil {
		return err
	}
	for _, c := range []PerMille{p.ItemMin, p.ActionMin, p.PersonMin} {
		if err := c.Validate(); err != nil {
			return err
		}
	}
	switch {
	case p.Hold.Minor <= 0:
		return fmt.Errorf("%w: hold %s must be above zero", ErrInvalid, p.Hold)
	case p.ReviewSeconds <= 0 || p.GateSeconds <= 0 || p.GraceMillis < 0 || p.DisputeDays < 0 || p.DetectionsPerMin < 0:
		return fmt.Errorf("%w: policy with a negative or missing time limit", ErrInvalid)
	case p.OnDeadline != ForShopper && p.OnDeadline != AsSensed:
		return fmt.Errorf("%w: on_deadline %q: use for_shopper or as_sensed", ErrInvalid, p.OnDeadline)
	}
	return nil
}

// PolicySet records the rules for visits that begin from now on.
type PolicySet struct {
	Store  StoreID `json:"store"`
	Policy Policy  `json:"policy"`
}

// A SlotPlan says what lies in one slot of a shelf.
type SlotPlan struct {
	Slot     string `json:"slot"`
	SKU      SKU    `json:"sku"`
	Capacity int    `json:"capacity"`
	Initial  int    `json:"initial"`
}

// PlanogramSet records which SKU lies in which slot before one sensor.
type PlanogramSet struct {
	Store  StoreID        `json:"store"`
	Sensor DeviceID       `json:"sensor"`
	Digest Digest         `json:"digest"` // of the planogram file
	Slots  List[SlotPlan] `json:"slots"`
}

// ProductListed records a product. A later one replaces an earlier one of the
// same SKU for picks from then on.
type ProductListed struct {
	SKU         SKU    `json:"sku"`
	GTIN        string `json:"gtin"` // 8, 12, 13 or 14 digits with check digit, or empty
	Name        string `json:"name"`
	Category    string `json:"category"`     // revenue account
	TaxCategory string `json:"tax_category"` // key of TaxSet
}

// PriceSet records the price of one piece from an instant on.
type PriceSet struct {
	SKU   SKU         `json:"sku"`
	Price money.Money `json:"price"`
	From  time.Time   `json:"from"`
}

// TaxSet records a tax rate from an instant on. Inclusive rates (VAT) are
// contained in the price, exclusive ones (US sales tax) are added.
type TaxSet struct {
	Category     string         `json:"category"`
	Jurisdiction string         `json:"jurisdiction"`
	Rate         string         `json:"rate"` // decimal fraction, "0.08875"
	Inclusive    bool           `json:"inclusive"`
	Rounding     money.Rounding `json:"rounding"`
	From         time.Time      `json:"from"`
}

// DecimalRate returns the rate as a decimal.
func (p TaxSet) DecimalRate() (decimal.Decimal, error) { return parseRate(p.Rate) }

// validateRate is parseRate without the decimal, which most rates do not need
// to be seen as valid: "0.08875" is.
func validateRate(s string) error {
	if frac, ok := strings.CutPrefix(s, "0."); ok && frac != "" && len(frac) <= maxDigits {
		digits := true
		for i := range len(frac) {
			digits = digits && frac[i]-'0' <= 9
		}
		if digits {
			return nil
		}
	}
	_, err := parseRate(s)
	return err
}

func parseRate(s string) (decimal.Decimal, error) {
	d, err := decimal.Parse(s)
	if err != nil || d.IsNeg() || d.Cmp(decimal.One) > 0 {
		return decimal.Decimal{}, fmt.Errorf("%w: rate %q is not a decimal from 0 to 1", ErrInvalid, s)
	}
	return d, nil
}

// Kind returns the stored name.
func (StoreOpened) Kind() Kind { return KindStoreOpened }

// Kind returns the stored name.
func (PolicySet) Kind() Kind { return KindPolicySet }

// Kind returns the stored name.
func (PlanogramSet) Kind() Kind { return KindPlanogramSet }

// Kind returns the stored name.
func (ProductListed) Kind() Kind { return KindProductListed }

// Kind returns the stored name.
func (PriceSet) Kind() Kind { return KindPriceSet }

// Kind returns the stored name.
func (TaxSet) Kind() Kind { return KindTaxSet }

// Validate implements Payload.
func (p StoreOpened) Validate() error {
	if err := need("store", string(p.Store), "catalogue", string(p.Catalogue), "seller.name", p.Seller.Name); err != nil {
		return err
	}
	if _, err := p.Seller.Currency.Exponent(); err != nil {
		return err
	}
	return need("seller.timezone", p.Seller.Timezone)
}

// Validate implements Payload.
func (p PolicySet) Validate() error {
	if err := need("store", string(p.Store)); err != nil {
		return err
	}
	return p.Policy.Validate()
}

// Validate implements Payload.
func (p PlanogramSet) Validate() error {
	if err := need("store", string(p.Store), "sensor", string(p.Sensor)); err != nil {
		return err
	}
	if len(p.Slots) == 0 {
		return fmt.Errorf("%w: a planogram without slots", ErrInvalid)
	}
	for _, s := range p.Slots {
		if err := need("slot", s.Slot, "sku", string(s.SKU)); err != nil {
			return err
		}
		if s.Capacity < 1 || s.Capacity > MaxQuantity || s.Initial < 0 || s.Initial > s.Capacity {
			return fmt.Errorf("%w: slot %s holds %d of %d", ErrInvalid, s.Slot, s.Initial, s.Capacity)
		}
	}
	return p.Digest.Validate()
}

// Validate implements Payload.
func (p ProductListed) Validate() error {
	if err := ValidateGTIN(p.GTIN); err != nil {
		return err
	}
	return need("sku", string(p.SKU), "name", p.Name, "category", p.Category, "tax_category", p.TaxCategory)
}

// Validate implements Payload.
func (p PriceSet) Validate() error {
	if p.Price.Minor < 0 {
		return fmt.Errorf("%w: price %s of %s is negative", ErrInvalid, p.Price, p.SKU)
	}
	if err := needTime("from", p.From); err != nil {
		return err
	}
	if err := p.Price.Validate(); err != nil {
		return err
	}
	return need("sku", string(p.SKU))
}

// Validate implements Payload.
func (p TaxSet) Validate() error {
	if err := validateRate(p.Rate); err != nil {
		return err
	}
	if p.Rounding != money.HalfUp && p.Rounding != money.HalfEven && p.Rounding != money.Down {
		return fmt.Errorf("%w: rounding %q: use half_up, half_even or down", ErrInvalid, p.Rounding)
	}
	if err := needTime("from", p.From); err != nil {
		return err
	}
	return need("category", p.Category, "jurisdiction", p.Jurisdiction)
}

// ValidateGTIN checks the length and check digit of a GTIN (GS1 General
// Specifications, section 7.9). The empty GTIN is allowed.
func ValidateGTIN(s string) error {
	if s == "" {
		return nil
	}
	if n := len(s); n != 8 && n != 12 && n != 13 && n != 14 {
		return fmt.Errorf("%w: GTIN %q has %d digits, want 8, 12, 13 or 14", ErrInvalid, s, n)
	}
	sum := 0
	for i := range len(s) {
		d := int(s[i] - '0')
		if d < 0 || d > 9 {
			return fmt.Errorf("%w: GTIN %q holds something else than digits", ErrInvalid, s)
		}
		if (len(s)-i)%2 == 0 { // weights 3 and 1 alternate from the right
			d *= 3
		}
		sum += d
	}
	if sum%10 != 0 {
		return fmt.Errorf("%w: GTIN %q has a wrong check digit", ErrInvalid, s)
	}
	return nil
}

func (StoreOpened) payload()   {}
func (PolicySet) payload()     {}
func (PlanogramSet) payload()  {}
func (ProductListed) payload() {}
func (PriceSet) payload()      {}
func (TaxSet) payload()        {}

// need takes names and values in turn and refuses an empty or long value.
func need(pairs ...string) error {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			return fmt.Errorf("%w: %s is missing", ErrInvalid, pairs[i])
		}
		if len(pairs[i+1]) > MaxText {
			return fmt.Errorf("%w: %s is longer than %d bytes", ErrInvalid, pairs[i], MaxText)
		}
	}
	return nil
}

func needTime(name string, t time.Time) error {
	if t.IsZero() || t.Location() != time.UTC || t.Nanosecond()%1000 != 0 {
		return fmt.Errorf("%w: %s %v is not UTC in microseconds", ErrInvalid, name, t)
	}
	return nil
}

func short(name, v string) error {
	if len(v) > MaxText {
		return fmt.Errorf("%w: %s is longer than %d bytes", ErrInvalid, name, MaxText)
	}
	return nil
}
