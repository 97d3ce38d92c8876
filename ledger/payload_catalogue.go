package ledger

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/vouchledger/vouch/ledger/money"
)

// Bounds of what a promotion or a product may say.
const (
	MaxPromotionItems = 500     // products or categories of one promotion
	MaxGrams          = 100_000 // of one weighing: more than a shopper carries
	MaxAge            = 99      // years of an age restriction

	couponKeyDigits = 64 // of an Ed25519 public key
)

// A PriceUnit says what a price is for. The zero value is one piece.
type PriceUnit string

// What a price is for.
const (
	PerPiece    PriceUnit = ""   // one piece
	PerKilogram PriceUnit = "kg" // 1000 grams net
)

// A Deposit is what is paid for a container and given back for it. TaxCategory
// is the key of its TaxSet; empty means that deposits are not taxed (US).
type Deposit struct {
	Name        string      `json:"name"`
	Amount      money.Money `json:"amount"`
	TaxCategory string      `json:"tax_category"`
}

// A PromotionKind says how a promotion lowers what is paid.
type PromotionKind string

// The kinds of promotions.
const (
	PromotionPercent PromotionKind = "percent" // PerMille off each piece
	PromotionAmount  PromotionKind = "amount"  // Amount off each piece, never below zero
	PromotionNForM   PromotionKind = "n_for_m" // of each Take pieces of one product, Pay are paid
	PromotionMix     PromotionKind = "mix"     // any Take pieces of the named products together cost Amount
	PromotionMember  PromotionKind = "member"  // a piece costs Amount for members
)

// A Promotion lowers what is paid for the products it names. Every condition
// that it states must hold.
//
// Promotions apply in the order of Priority, then id. A piece takes part in at
// most one of them, unless the later one says Stacks.
type Promotion struct {
	Promotion  string        `json:"promotion"` // its id
	Name       string        `json:"name"`      // as on the receipt
	Kind       PromotionKind `json:"kind"`
	SKUs       List[SKU]     `json:"skus"`       // any of these,
	Categories List[string]  `json:"categories"` // or of these; both empty: everything
	PerMille   int           `json:"per_mille,omitzero"`
	Amount     money.Money   `json:"amount,omitzero"`
	Take       int           `json:"take,omitzero"`
	Pay        int           `json:"pay,omitzero"`
	Members    bool          `json:"members,omitzero"`    // for members only
	Coupon     bool          `json:"coupon,omitzero"`     // only with a coupon, once for each coupon
	CouponKey  string        `json:"coupon_key,omitzero"` // Ed25519 public key that its coupons are signed with, in hex
	Stacks     bool          `json:"stacks,omitzero"`     // on top of others
	Priority   int           `json:"priority,omitzero"`
	Limit      int           `json:"limit,omitzero"` // times in one visit; 0 is no limit
	From       time.Time     `json:"from"`
	Until      time.Time     `json:"until"` // no longer in force at this instant
}

// PromotionSet records a promotion in a catalogue. A later one of the same id
// replaces it for picks from then on.
type PromotionSet struct {
	Promotion Promotion `json:"promotion"`
}

// PromotionPinned records in a visit's stream the terms of a promotion that
// may apply to its picks, as they were when the first such pick was priced. A
// pick takes part if it was made while the promotion was in force.
type PromotionPinned struct {
	Promotion Promotion `json:"promotion"`
	Set       ID        `json:"set"` // the promotion.set event
}

// CouponRedeemed is the one event of a coupon's stream: the coupon is used up
// for this visit. The stream must not exist before, so a coupon works once.
type CouponRedeemed struct {
	Coupon    string  `json:"coupon"`
	Visit     VisitID `json:"visit"`
	Store     StoreID `json:"store"`
	Promotion string  `json:"promotion"`
}

// CouponAccepted records in a visit's stream that a coupon counts there.
type CouponAccepted struct {
	Coupon    string    `json:"coupon"`
	Redeemed  ID        `json:"redeemed"` // the coupon.redeemed event
	Promotion Promotion `json:"promotion"`
	Set       ID        `json:"set"`
}

// ItemRepriced records that at the exit the price of a pick was lower than at
// the pick. Under the policy min_pick_exit the lower one counts.
type ItemRepriced struct {
	Detection ID          `json:"detection"`
	SKU       SKU         `json:"sku"`
	Unit      money.Money `json:"unit"`
	Price     ID          `json:"price"` // the price.set event in force at the exit
}

// AgeVerified records that somebody or something saw that the shopper is old
// enough. No birth date is kept.
type AgeVerified struct {
	Visit    VisitID `json:"visit"`
	MinAge   int     `json:"min_age"`
	Method   string  `json:"method"` // document, account, known
	Verified bool    `json:"verified"`
	By       string  `json:"by"`
}

// Kind returns the stored name.
func (PromotionSet) Kind() Kind { return KindPromotionSet }

// Kind returns the stored name.
func (PromotionPinned) Kind() Kind { return KindPromotionPinned }

// Kind returns the stored name.
func (CouponRedeemed) Kind() Kind { return KindCouponRedeemed }

// Kind returns the stored name.
func (CouponAccepted) Kind() Kind { return KindCouponAccepted }

// Kind returns the stored name.
func (ItemRepriced) Kind() Kind { return KindItemRepriced }

// Kind returns the stored name.
func (AgeVerified) Kind() Kind { return KindAgeVerified }

// Validate refuses a deposit that is nothing or negative.
func (d Deposit) Validate() error {
	if err := d.Amount.Validate(); err != nil {
		return err
	}
	if d.Amount.Minor <= 0 {
		return fmt.Errorf("%w: deposit of %s", ErrInvalid, d.Amount)
	}
	return need("deposit.name", d.Name)
}

// Validate refuses a promotion that could raise a price or never applies.
func (p Promotion) Validate() error {
	if len(p.SKUs) > MaxPromotionItems || len(p.Categories) > MaxPromotionItems {
		return fmt.Errorf("%w: promotion %s names more than %d products", ErrInvalid, p.Promotion, MaxPromotionItems)
	}
	if _, err := hex.DecodeString(p.CouponKey); p.Coupon && len(p.CouponKey) != couponKeyDigits || !p.Coupon && p.CouponKey != "" || err != nil {
		return fmt.Errorf("%w: promotion %s: a coupon needs the key that signs it: %d hex digits", ErrInvalid, p.Promotion, couponKeyDigits)
	}
	if p.Limit < 0 || p.Priority < 0 {
		return fmt.Errorf("%w: promotion %s with a negative limit or priority", ErrInvalid, p.Promotion)
	}
	if err := p.terms(); err != nil {
		return err
	}
	if err := needTime("from", p.From); err != nil {
		return err
	}
	if err := needTime("until", p.Until); err != nil {
		return err
	}
	if !p.Until.After(p.From) {
		return fmt.Errorf("%w: promotion %s ends before it begins", ErrInvalid, p.Promotion)
	}
	return need("promotion", p.Promotion, "name", p.Name)
}

// terms checks the numbers that each kind needs, and that it has no others.
func (p Promotion) terms() error {
	perMille, amount, take, pay := p.PerMille != 0, p.Amount != money.Money{}, p.Take != 0, p.Pay != 0
	ok := false
	switch p.Kind {
	case PromotionPercent:
		ok = p.PerMille > 0 && p.PerMille <= 1000 && !amount && !take && !pay
	case PromotionAmount:
		ok = p.Amount.Minor > 0 && !perMille && !take && !pay
	case PromotionMember:
		ok = p.Amount.Minor > 0 && p.Members && !perMille && !take && !pay
	case PromotionNForM:
		ok = p.Pay > 0 && p.Take > p.Pay && p.Take <= MaxQuantity && !perMille && !amount
	case PromotionMix:
		ok = p.Take > 1 && p.Take <= MaxQuantity && p.Amount.Minor > 0 && !perMille && !pay
	default:
		return fmt.Errorf("%w: promotion kind %q: use percent, amount, n_for_m, mix or member", ErrInvalid, p.Kind)
	}
	if !ok {
		return fmt.Errorf("%w: promotion %s: the numbers do not make a %s", ErrInvalid, p.Promotion, p.Kind)
	}
	if amount {
		return p.Amount.Validate()
	}
	return nil
}

// Validate implements Payload.
func (p PromotionSet) Validate() error { return p.Promotion.Validate() }

// Validate implements Payload.
func (p PromotionPinned) Validate() error {
	if p.Set.IsZero() {
		return fmt.Errorf("%w: the event that set the promotion is missing", ErrInvalid)
	}
	return p.Promotion.Validate()
}

// Validate implements Payload.
func (p CouponRedeemed) Validate() error {
	return need("coupon", p.Coupon, "visit", string(p.Visit), "store", string(p.Store), "promotion", p.Promotion)
}

// Validate implements Payload.
func (p CouponAccepted) Validate() error {
	if p.Redeemed.IsZero() || p.Set.IsZero() || !p.Promotion.Coupon {
		return fmt.Errorf("%w: a coupon needs its redemption and a promotion for coupons", ErrInvalid)
	}
	if err := need("coupon", p.Coupon); err != nil {
		return err
	}
	return p.Promotion.Validate()
}

// Validate implements Payload.
func (p ItemRepriced) Validate() error {
	if p.Detection.IsZero() || p.Price.IsZero() || p.Unit.Minor < 0 {
		return fmt.Errorf("%w: detection or price event is missing, or the price %s is negative", ErrInvalid, p.Unit)
	}
	if err := p.Unit.Validate(); err != nil {
		return err
	}
	return need("sku", string(p.SKU))
}

// Validate implements Payload.
func (p AgeVerified) Validate() error {
	if p.MinAge < 1 || p.MinAge > MaxAge {
		return fmt.Errorf("%w: age %d is outside 1..%d", ErrInvalid, p.MinAge, MaxAge)
	}
	return need("visit", string(p.Visit), "method", p.Method, "by", p.By)
}

func (PromotionSet) payload()    {}
func (PromotionPinned) payload() {}
func (CouponRedeemed) payload()  {}
func (CouponAccepted) payload()  {}
func (ItemRepriced) payload()    {}
func (AgeVerified) payload()     {}
