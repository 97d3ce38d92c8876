package ledger

import (
	"fmt"
	"time"

	"github.com/vouchledger/vouch/ledger/money"
)

// ItemPriced pins the price of one pick at the moment of the pick. Tax is
// pinned with it. The pick is named by its detection.
type ItemPriced struct {
	Detection ID          `json:"detection"`
	SKU       SKU         `json:"sku"`
	Name      string      `json:"name"`
	Category  string      `json:"category"`
	Unit      money.Money `json:"unit"`
	Tax       TaxRule     `json:"tax"`
	Price     ID          `json:"price"` // the price.set event that was in force

	Per        PriceUnit `json:"per,omitzero"`         // what Unit is for
	TareGrams  int       `json:"tare_grams,omitzero"`  // taken off the weight
	Deposit    Deposit   `json:"deposit,omitzero"`     // for each piece
	DepositTax TaxRule   `json:"deposit_tax,omitzero"` // if deposits are taxed
	MinAge     int       `json:"min_age,omitzero"`
	Grams      int       `json:"grams,omitzero"` // of one piece with its packing; 0 is not known
}

// A TaxRule is the tax that applies to a line, pinned at the pick.
type TaxRule struct {
	Category     string         `json:"category"`
	Jurisdiction string         `json:"jurisdiction"`
	Rate         string         `json:"rate"`
	Inclusive    bool           `json:"inclusive"`
	Rounding     money.Rounding `json:"rounding"`
	Basis        TaxBasis       `json:"basis,omitzero"`
	Parts        TaxParts       `json:"parts,omitzero"`
}

// PricingFailed records that a pick could not be priced: the visit waits until
// the catalogue has the price that was in force at the pick.
type PricingFailed struct {
	Detection ID     `json:"detection"`
	SKU       SKU    `json:"sku"`
	Missing   string `json:"missing"` // product, price, tax
}

// A Doubt says what is uncertain about a detection.
type Doubt string

// The doubts.
const (
	DoubtItem      Doubt = "item"      // which product
	DoubtAction    Doubt = "action"    // taken or put back
	DoubtPerson    Doubt = "person"    // whose
	DoubtUnmatched Doubt = "unmatched" // a return without its take
	DoubtLate      Doubt = "late"      // came after the receipt
	DoubtUnknown   Doubt = "unknown"   // no visit it could belong to
	DoubtWeight    Doubt = "weight"    // the cart weighs what its pieces do not
	DoubtTailgated Doubt = "tailgated" // more persons came in than the code was for
	DoubtConflict  Doubt = "conflict"  // one code opened two gates
)

// ReviewRequested records that a question waits for a person, until Deadline.
type ReviewRequested struct {
	Detection ID          `json:"detection"` // the question is named by its detection, or by its cart.weighed
	Doubts    List[Doubt] `json:"doubts"`
	AtRisk    money.Money `json:"at_risk"` // what the answer may change
	Deadline  time.Time   `json:"deadline"`
}

// A Verdict is the answer to a question about a detection.
type Verdict string

// The verdicts. Confirmed: it was as the sensor's best reading says.
// Corrected: it was as the decision says. Dismissed: nothing happened.
// Disowned, of an entry in doubt: the visit is not its payer's, and nothing of
// it is billed.
const (
	VerdictConfirmed Verdict = "confirmed"
	VerdictCorrected Verdict = "corrected"
	VerdictDismissed Verdict = "dismissed"
	VerdictDisowned  Verdict = "disowned"
)

// ReviewDecided answers the question about a detection. It is appended to
// every stream the question blocks, and replaces what the sensor said there;
// it does not erase it.
type ReviewDecided struct {
	Detection ID      `json:"detection"`
	Verdict   Verdict `json:"verdict"`
	SKU       SKU     `json:"sku"`      // with confirmed and corrected: what it was
	Action    Action  `json:"action"`   // likewise
	Quantity  int     `json:"quantity"` // likewise
	Visit     VisitID `json:"visit"`    // likewise: whose it was; empty means nobody's
	Reviewer  string  `json:"reviewer"` // "reviewer:anna", or "policy" at the deadline
	Reason    string  `json:"reason"`
}

// A LineCheck says who has vouched for a line.
type LineCheck string

// Who has vouched for a line.
const (
	CheckMachine  LineCheck = "machine"  // sensors alone, all above the thresholds
	CheckReviewed LineCheck = "reviewed" // a person answered a question about it
	CheckPolicy   LineCheck = "policy"   // a deadline answered it
)

// A LineKind says what a line is. The zero value is a product.
type LineKind string

// The kinds of lines.
const (
	LineItem    LineKind = ""        // a product
	LineDeposit LineKind = "deposit" // for the containers of another line
)

// A Discount is what one promotion takes off a line, and why.
type Discount struct {
	Promotion string      `json:"promotion"`
	Name      string      `json:"name"`
	Amount    money.Money `json:"amount"` // above zero, off the list price
	Pieces    int         `json:"pieces"` // that took part
	Coupon    string      `json:"coupon,omitzero"`
	Reason    string      `json:"reason"` // in words: "3 for 2: 1 of 3 free"
}

// A ReceiptLine is one product at one price. No is its number in every
// document of the visit. A corrected document keeps the lines it takes away,
// with quantity 0.
type ReceiptLine struct {
	No       int          `json:"no"`
	SKU      SKU          `json:"sku"`
	Name     string       `json:"name"`
	Category string       `json:"category"`
	Quantity int          `json:"quantity"`
	Unit     money.Money  `json:"unit"`
	Net      money.Money  `json:"net"`
	Tax      money.Money  `json:"tax"`
	Gross    money.Money  `json:"gross"` // Net + Tax
	TaxRule  TaxRule      `json:"tax_rule"`
	Check    LineCheck    `json:"check"`
	Causes   List[ID]     `json:"causes"`   // events that made the line, in order
	Evidence List[Digest] `json:"evidence"` // what they show, in order, each once

	LineKind  LineKind       `json:"line_kind,omitzero"`
	Of        int            `json:"of,omitzero"`         // line whose containers a deposit is for
	Per       PriceUnit      `json:"per,omitzero"`        // what Unit is for
	Grams     int            `json:"grams,omitzero"`      // net weight of all pieces
	TareGrams int            `json:"tare_grams,omitzero"` // that was taken off
	Scale     DeviceID       `json:"scale,omitzero"`      // that weighed
	PriceRule PriceRule      `json:"price_rule,omitzero"` // why Unit is what it is, unless min_pick_exit
	Picked    money.Money    `json:"picked,omitzero"`     // price at the pick, where a lower one at the exit counts
	List      money.Money    `json:"list,omitzero"`       // Unit times quantity or weight, where discounts lower it
	Discounts List[Discount] `json:"discounts,omitzero"`
	MinAge    int            `json:"min_age,omitzero"`
}

// A PendingItem is what a provisional receipt does not charge yet.
type PendingItem struct {
	Detection ID          `json:"detection"`
	SKU       SKU         `json:"sku"`
	Quantity  int         `json:"quantity"`
	Doubts    List[Doubt] `json:"doubts"`
	AtRisk    money.Money `json:"at_risk"`
}

// A TaxTotal sums the lines of one tax rule.
type TaxTotal struct {
	Rule TaxRule     `json:"rule"`
	Net  money.Money `json:"net"`
	Tax  money.Money `json:"tax"`
}

// A ReceiptDocument is a receipt as handed to a shopper. It is computed from
// the visit's events alone, so anybody can compute it again.
type ReceiptDocument struct {
	Number   string            `json:"number"`   // empty when provisional
	Corrects string            `json:"corrects"` // number of the document before, or empty
	Visit    VisitID           `json:"visit"`
	Store    StoreID           `json:"store"`
	Seller   Seller            `json:"seller"`
	Entered  time.Time         `json:"entered"`
	Exited   time.Time         `json:"exited"`
	Issued   time.Time         `json:"issued"`
	Lines    List[ReceiptLine] `json:"lines"`
	Pending  List[PendingItem] `json:"pending"`
	Deadline time.Time         `json:"deadline"` // of the pending items; zero time if none
	Taxes    List[TaxTotal]    `json:"taxes"`
	Net      money.Money       `json:"net"`
	Tax      money.Money       `json:"tax"`
	Gross    money.Money       `json:"gross"`
	Events   uint64            `json:"events"` // events of the visit's stream that it was computed from

	Party     int `json:"party,omitzero"`      // persons on this payer, if several
	AgeProven int `json:"age_proven,omitzero"` // years that were verified
}

// ReceiptProvisional records the sure lines at the exit, and what is pending.
type ReceiptProvisional struct {
	Document ReceiptDocument `json:"document"`
}

// ReceiptIssued records the receipt of a visit. There is one for a visit; a
// mistake is mended by a ReceiptCorrected.
type ReceiptIssued struct {
	Document ReceiptDocument `json:"document"`
}

// ReceiptCorrected records a further document that replaces the one it names.
// Change is its gross less the gross of the document before: below zero the
// shopper gets money back.
type ReceiptCorrected struct {
	Document ReceiptDocument `json:"document"`
	Change   money.Money     `json:"change"`
	Because  ID              `json:"because"` // dispute.decided or review.decided
}

// A SettledAs says how a visit's money ended.
type SettledAs string

// How a visit's money ends.
const (
	SettledCharged SettledAs = "charged"
	SettledNothing SettledAs = "nothing_owed"
	SettledOwed    SettledAs = "owed"
)

// VisitSettled records that the visit's money is settled: charged in full,
// nothing owed, or owed in part or whole.
type VisitSettled struct {
	Outcome SettledAs   `json:"outcome"`
	Charged money.Money `json:"charged"`
	Owed    money.Money `json:"owed"`
}

// Kind returns the stored name.
func (ItemPriced) Kind() Kind { return KindItemPriced }

// Kind returns the stored name.
func (PricingFailed) Kind() Kind { return KindPricingFailed }

// Kind returns the stored name.
func (ReviewRequested) Kind() Kind { return KindReviewRequested }

// Kind returns the stored name.
func (ReviewDecided) Kind() Kind { return KindReviewDecided }

// Kind returns the stored name.
func (ReceiptProvisional) Kind() Kind { return KindReceiptProvisional }

// Kind returns the stored name.
func (ReceiptIssued) Kind() Kind { return KindReceiptIssued }

// Kind returns the stored name.
func (ReceiptCorrected) Kind() Kind { return KindReceiptCorrected }

// Kind returns the stored name.
func (VisitSettled) Kind() Kind { return KindVisitSettled }

// Validate implements Payload.
func (p ItemPriced) Validate() error {
	if p.Detection.IsZero() || p.Price.IsZero() {
		return fmt.Errorf("%w: detection or price event is missing", ErrInvalid)
	}
	if p.Unit.Minor < 0 {
		return fmt.Errorf("%w: unit price %s", ErrInvalid, p.Unit)
	}
	if err := p.Unit.Validate(); err != nil {
		return err
	}
	if p.Per != PerPiece && p.Per != PerKilogram || p.TareGrams < 0 || p.MinAge < 0 || p.Grams < 0 {
		return fmt.Errorf("%w: priced per %q, tare %d g, age %d, %d g", ErrInvalid, p.Per, p.TareGrams, p.MinAge, p.Grams)
	}
	if p.Deposit != (Deposit{}) {
		if err := p.Deposit.Validate(); err != nil {
			return err
		}
	}
	if err := validateRate(p.Tax.Rate); err != nil {
		return err
	}
	return need("sku", string(p.SKU), "name", p.Name, "category", p.Category)
}

// Validate implements Payload.
func (p PricingFailed) Validate() error {
	if p.Detection.IsZero() {
		return fmt.Errorf("%w: detection is missing", ErrInvalid)
	}
	if p.Missing != "product" && p.Missing != "price" && p.Missing != "tax" {
		return fmt.Errorf("%w: missing %q", ErrInvalid, p.Missing)
	}
	return need("sku", string(p.SKU))
}

// Validate implements Payload.
func (p ReviewRequested) Validate() error {
	if p.Detection.IsZero() || len(p.Doubts) == 0 {
		return fmt.Errorf("%w: a question needs a detection and a doubt", ErrInvalid)
	}
	if err := p.AtRisk.Validate(); err != nil {
		return err
	}
	return needTime("deadline", p.Deadline)
}

// Validate implements Payload.
func (p ReviewDecided) Validate() error {
	if p.Detection.IsZero() {
		return fmt.Errorf("%w: detection is missing", ErrInvalid)
	}
	switch p.Verdict {
	case VerdictDismissed, VerdictDisowned:
	case VerdictConfirmed, VerdictCorrected:
		if p.Quantity < 1 || p.Quantity > MaxQuantity {
			return fmt.Errorf("%w: quantity %d is outside 1..%d", ErrInvalid, p.Quantity, MaxQuantity)
		}
		if err := p.Action.validate(); err != nil {
			return err
		}
		if err := need("sku", string(p.SKU)); err != nil {
			return err
		}
	default:
		return fmt.Errorf("%w: verdict %q: use confirmed, corrected, dismissed or disowned", ErrInvalid, p.Verdict)
	}
	if err := short("reason", p.Reason); err != nil {
		return err
	}
	return need("reviewer", p.Reviewer)
}

// Validate refuses a document whose sums are wrong.
func (d ReceiptDocument) Validate() error {
	if err := need("visit", string(d.Visit), "store", string(d.Store)); err != nil {
		return err
	}
	c := d.Seller.Currency
	net, tax := money.Zero(c), money.Zero(c)
	for i := range d.Lines {
		l := &d.Lines[i]
		if l.No < 1 || (i > 0 && l.No <= d.Lines[i-1].No) || l.Quantity < 0 || len(l.Causes) == 0 {
			return fmt.Errorf("%w: line %d is out of order, negative or without cause", ErrInvalid, l.No)
		}
		gross, err := l.Net.Add(l.Tax)
		if err != nil || gross != l.Gross {
			return fmt.Errorf("%w: line %d: net %s and tax %s are not gross %s", ErrInvalid, l.No, l.Net, l.Tax, l.Gross)
		}
		if net, err = net.Add(l.Net); err != nil {
			return err
		}
		if tax, err = tax.Add(l.Tax); err != nil {
			return err
		}
	}
	gross, err := net.Add(tax)
	if err != nil || net != d.Net || tax != d.Tax || gross != d.Gross {
		return fmt.Errorf("%w: the lines sum to %s, %s, %s; the document says %s, %s, %s",
			ErrInvalid, net, tax, gross, d.Net, d.Tax, d.Gross)
	}
	return needTime("issued", d.Issued)
}

// Validate implements Payload.
func (p ReceiptProvisional) Validate() error {
	if p.Document.Number != "" || len(p.Document.Pending) == 0 {
		return fmt.Errorf("%w: a provisional receipt has pending items and no number", ErrInvalid)
	}
	return p.Document.Validate()
}

// Validate implements Payload.
func (p ReceiptIssued) Validate() error {
	if p.Document.Corrects != "" || len(p.Document.Pending) != 0 {
		return fmt.Errorf("%w: an issued receipt corrects nothing and has nothing pending", ErrInvalid)
	}
	if err := need("number", p.Document.Number); err != nil {
		return err
	}
	return p.Document.Validate()
}

// Validate implements Payload.
func (p ReceiptCorrected) Validate() error {
	if p.Because.IsZero() {
		return fmt.Errorf("%w: a correction needs its reason", ErrInvalid)
	}
	if err := need("number", p.Document.Number, "corrects", p.Document.Corrects); err != nil {
		return err
	}
	if err := p.Change.Validate(); err != nil {
		return err
	}
	return p.Document.Validate()
}

// Validate implements Payload.
func (p VisitSettled) Validate() error {
	for _, m := range []money.Money{p.Charged, p.Owed} {
		if err := m.Validate(); err != nil {
			return err
		}
	}
	want := SettledCharged
	if p.Owed.Minor > 0 {
		want = SettledOwed
	} else if p.Charged.Minor == 0 {
		want = SettledNothing
	}
	if p.Outcome != want || p.Owed.Minor < 0 || p.Charged.Minor < 0 {
		return fmt.Errorf("%w: %s with %s charged and %s owed", ErrInvalid, p.Outcome, p.Charged, p.Owed)
	}
	return nil
}

func (ItemPriced) payload()         {}
func (PricingFailed) payload()      {}
func (ReviewRequested) payload()    {}
func (ReviewDecided) payload()      {}
func (ReceiptProvisional) payload() {}
func (ReceiptIssued) payload()      {}
func (ReceiptCorrected) payload()   {}
func (VisitSettled) payload()       {}
