package ledger

import (
	"fmt"
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
	// Entity is the legal entity that numbers its receipts by itself; empty is
	// one entity for all shops.
	Entity string `json:"entity,omitzero"`
	// Country is the ISO 3166-1 code, whose rules a receipt's content follows.
	Country string `json:"country,omitzero"`
	// Fiscal names the signature that receipts need; none if empty.
	Fiscal FiscalRegime `json:"fiscal,omitzero"`
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

// A PriceRule says which price of a pick counts.
type PriceRule string

// The price rules.
const (
	PriceMinPickExit PriceRule = ""     // the lower of the prices at the pick and at the exit
	PriceAtPick      PriceRule = "pick" // the price at the pick
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

	// PriceRule says which price of a pick counts.
	PriceRule PriceRule `json:"price_rule,omitzero"`
	// DebtLimit is what a shopper may owe and still enter; nothing if absent.
	DebtLimit money.Money `json:"debt_limit,omitzero"`
	// AdjustHold asks the provider to raise the hold when the cart exceeds it.
	AdjustHold bool `json:"adjust_hold,omitzero"`
	// CaptureMarginSeconds is how long before a hold lapses the sure lines of a
	// visit in review are captured. 0 is 12 hours.
	CaptureMarginSeconds int `json:"capture_margin_seconds,omitzero"`
	// Retries bounds how often what is owed is asked for again. 0 is 4; below
	// zero is never.
	Retries int `json:"retries,omitzero"`
	// SupplementSeconds is how long a shopper may agree to pay for an item that
	// was found after the receipt. 0 is 7 days.
	SupplementSeconds int `json:"supplement_seconds,omitzero"`
	// FraudRefundLimit is up to which amount an early fraud warning is answered
	// with a refund; never if absent.
	FraudRefundLimit money.Money `json:"fraud_refund_limit,omitzero"`
	// Unknown lets visitors in whose payer is not known; they pay at a till or
	// are matched later.
	Unknown bool `json:"unknown,omitzero"`
	// WeighGrams is by how much a weighed cart may differ from what its pieces
	// weigh. 0 is 30 grams.
	WeighGrams int `json:"weigh_grams,omitzero"`
	// WeighPerMille adds so many thousandths of what the pieces weigh.
	WeighPerMille int `json:"weigh_per_mille,omitzero"`
	// Rotating lets in only codes that change while they are shown.
	Rotating bool `json:"rotating,omitzero"`
	// Palm names the jurisdiction for which the operator has made sure that
	// palms may be used; empty is not at all.
	Palm string `json:"palm,omitzero"`
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
	case p.PriceRule != PriceMinPickExit && p.PriceRule != PriceAtPick:
		return fmt.Errorf("%w: price_rule %q: leave it out or use pick", ErrInvalid, p.PriceRule)
	case p.CaptureMarginSeconds < 0 || p.SupplementSeconds < 0:
		return fmt.Errorf("%w: policy with a negative time limit", ErrInvalid)
	}
	if p.WeighGrams < 0 || p.WeighGrams > MaxGrams || p.WeighPerMille < 0 || p.WeighPerMille > 1000 {
		return fmt.Errorf("%w: a cart may be off by 0..%d g and 0..1000 thousandths, not by %d and %d",
			ErrInvalid, MaxGrams, p.WeighGrams, p.WeighPerMille)
	}
	for _, m := range []money.Money{p.DebtLimit, p.FraudRefundLimit} {
		if m.Minor < 0 || m.Minor > 0 && m.Currency != p.Hold.Currency {
			return fmt.Errorf("%w: limit of %s beside a hold of %s", ErrInvalid, m, p.Hold)
		}
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

	TareGrams int     `json:"tare_grams,omitzero"` // of the packing, taken off each weighing
	Deposit   Deposit `json:"deposit,omitzero"`    // for each piece
	MinAge    int     `json:"min_age,omitzero"`    // years; 0 is no restriction
	Grams     int     `json:"grams,omitzero"`      // of one piece with its packing; 0 is not known
}

// PriceSet records the price of one piece, or of one kilogram, from an instant
// on.
type PriceSet struct {
	SKU   SKU         `json:"sku"`
	Price money.Money `json:"price"`
	From  time.Time   `json:"from"`
	Per   PriceUnit   `json:"per,omitzero"`
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

	// Basis says whether tax is rounded for each line or for the receipt.
	Basis TaxBasis `json:"basis,omitzero"`
	// Parts are the jurisdictions that Rate is the sum of; empty is Jurisdiction
	// alone.
	Parts TaxParts `json:"parts,omitzero"`
	// Until is when the rate ends without another; for ever if absent. A rate
	// that begins later would leave a gap, which is refused where it is set.
	Until time.Time `json:"until,omitzero"`
}

// DecimalRate returns the rate as a decimal.
func (p TaxSet) DecimalRate() (decimal.Decimal, error) { return parseRate(p.Rate) }

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
	if p.TareGrams < 0 || p.TareGrams > MaxGrams || p.MinAge < 0 || p.MinAge > MaxAge {
		return fmt.Errorf("%w: %s with a tare of %d g and a minimum age of %d", ErrInvalid, p.SKU, p.TareGrams, p.MinAge)
	}
	if p.Grams < 0 || p.Grams > MaxGrams {
		return fmt.Errorf("%w: %s of %d g is outside 0..%d", ErrInvalid, p.SKU, p.Grams, MaxGrams)
	}
	if p.Deposit != (Deposit{}) {
		if err := p.Deposit.Validate(); err != nil {
			return err
		}
	}
	return need("sku", string(p.SKU), "name", p.Name, "category", p.Category, "tax_category", p.TaxCategory)
}

// Validate implements Payload.
func (p PriceSet) Validate() error {
	if p.Price.Minor < 0 {
		return fmt.Errorf("%w: price %s of %s is negative", ErrInvalid, p.Price, p.SKU)
	}
	if p.Per != PerPiece && p.Per != PerKilogram {
		return fmt.Errorf("%w: price of %s per %q: leave it out or use kg", ErrInvalid, p.SKU, p.Per)
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
	if p.Basis != TaxPerLine && p.Basis != TaxPerReceipt {
		return fmt.Errorf("%w: tax basis %q: leave it out or use receipt", ErrInvalid, p.Basis)
	}
	if err := validateParts(p.Parts, p.Rate); err != nil {
		return err
	}
	if err := needTime("from", p.From); err != nil {
		return err
	}
	if !p.Until.IsZero() {
		if err := needTime("until", p.Until); err != nil {
			return err
		}
		if !p.Until.After(p.From) {
			return fmt.Errorf("%w: tax rate of %s ends before it begins", ErrInvalid, p.Category)
		}
	}
	return need("category", p.Category, "jurisdiction", p.Jurisdiction)
}

func (StoreOpened) payload()   {}
func (PolicySet) payload()     {}
func (PlanogramSet) payload()  {}
func (ProductListed) payload() {}
func (PriceSet) payload()      {}
func (TaxSet) payload()        {}

// said reports whether need has nothing against v.
func said(v string) bool { return v != "" && len(v) <= MaxText }

// need takes names and values in turn and refuses an empty or long value.
func need(pairs ...string) error {
	for i := 0; i < len(pairs); i += 2 {
		if said(pairs[i+1]) {
			continue
		}
		if pairs[i+1] == "" {
			return fmt.Errorf("%w: %s is missing", ErrInvalid, pairs[i])
		}
		return fmt.Errorf("%w: %s is longer than %d bytes", ErrInvalid, pairs[i], MaxText)
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
