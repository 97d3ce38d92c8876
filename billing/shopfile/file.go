package shopfile

import (
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// A File is a shop's set-up. Amounts are decimal text in the currency of the
// seller, "1.99".
type File struct {
	Store      ledger.StoreID     `json:"store"`
	Catalogue  ledger.CatalogueID `json:"catalogue"`
	Seller     ledger.Seller      `json:"seller"`
	ValidFrom  time.Time          `json:"valid_from"` // of prices and taxes
	Policy     Policy             `json:"policy"`
	Taxes      []Tax              `json:"taxes"`
	Products   []Product          `json:"products"`
	Promotions []Promotion        `json:"promotions,omitempty"`
	Planograms []Planogram        `json:"planograms"`
}

// A Policy is [ledger.Policy] with its amounts as text.
type Policy struct {
	Hold          string                `json:"hold"`
	ItemMin       ledger.PerMille       `json:"item_min"`
	ActionMin     ledger.PerMille       `json:"action_min"`
	PersonMin     ledger.PerMille       `json:"person_min"`
	ReviewSeconds int                   `json:"review_seconds"`
	OnDeadline    ledger.DeadlinePolicy `json:"on_deadline"`
	GraceMillis   int                   `json:"grace_ms"`
	GateSeconds   int                   `json:"gate_seconds"`
	DisputeDays   int                   `json:"dispute_days"`

	PriceRule            ledger.PriceRule `json:"price_rule,omitempty"`
	DebtLimit            string           `json:"debt_limit,omitempty"`
	AdjustHold           bool             `json:"adjust_hold,omitempty"`
	CaptureMarginSeconds int              `json:"capture_margin_seconds,omitempty"`
	Retries              int              `json:"retries,omitempty"`
	SupplementSeconds    int              `json:"supplement_seconds,omitempty"`
	FraudRefundLimit     string           `json:"fraud_refund_limit,omitempty"`
	Unknown              bool             `json:"unknown,omitempty"`
	WeighGrams           int              `json:"weigh_grams,omitempty"`
	WeighPerMille        int              `json:"weigh_per_mille,omitempty"`
	Rotating             bool             `json:"rotating,omitempty"`
	Palm                 string           `json:"palm,omitempty"`
}

// A Tax is one rate. From is the file's ValidFrom unless it says otherwise; a
// table of several rates of one category leaves no time without one.
type Tax struct {
	Category     string          `json:"category"`
	Jurisdiction string          `json:"jurisdiction"`
	Rate         string          `json:"rate"`
	Inclusive    bool            `json:"inclusive"`
	Rounding     money.Rounding  `json:"rounding"`
	Basis        ledger.TaxBasis `json:"basis,omitempty"` // "receipt" or left out
	Parts        ledger.TaxParts `json:"parts,omitempty"`
	From         time.Time       `json:"from,omitzero"`
	Until        time.Time       `json:"until,omitzero"`
}

// A Product is a product and, unless Price is empty, its price.
type Product struct {
	SKU         ledger.SKU       `json:"sku"`
	GTIN        string           `json:"gtin"`
	Name        string           `json:"name"`
	Category    string           `json:"category"`
	TaxCategory string           `json:"tax_category"`
	Price       string           `json:"price"`
	Per         ledger.PriceUnit `json:"per,omitempty"` // "kg" or left out
	TareGrams   int              `json:"tare_grams,omitempty"`
	Deposit     *Deposit         `json:"deposit,omitempty"`
	MinAge      int              `json:"min_age,omitempty"`
	Grams       int              `json:"grams,omitempty"` // of one piece with its packing
}

// A Deposit is [ledger.Deposit] with its amount as text.
type Deposit struct {
	Name        string `json:"name"`
	Amount      string `json:"amount"`
	TaxCategory string `json:"tax_category,omitempty"`
}

// A Promotion is [ledger.Promotion] with its amount as text.
type Promotion struct {
	Promotion  string               `json:"promotion"`
	Name       string               `json:"name"`
	Kind       ledger.PromotionKind `json:"kind"`
	SKUs       []ledger.SKU         `json:"skus,omitempty"`
	Categories []string             `json:"categories,omitempty"`
	PerMille   int                  `json:"per_mille,omitempty"`
	Amount     string               `json:"amount,omitempty"`
	Take       int                  `json:"take,omitempty"`
	Pay        int                  `json:"pay,omitempty"`
	Members    bool                 `json:"members,omitempty"`
	CouponKey  string               `json:"coupon_key,omitempty"` // then it needs a coupon
	Stacks     bool                 `json:"stacks,omitempty"`
	Priority   int                  `json:"priority,omitempty"`
	Limit      int                  `json:"limit,omitempty"`
	From       time.Time            `json:"from"`
	Until      time.Time            `json:"until"`
}

// A Planogram is what lies before one sensor.
type Planogram struct {
	Sensor ledger.DeviceID   `json:"sensor"`
	Digest ledger.Digest     `json:"digest"`
	Slots  []ledger.SlotPlan `json:"slots"`
}
