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
}

// A TaxRule is the tax that applies to a line, pinned at the pick.
type TaxRule struct {
	Category     string         `json:"category"`
	Jurisdiction string         `json:"jurisdiction"`
	Rate         string         `json:"rate"`
	Inclusive    bool           `json:"inclusive"`
	Rounding     money.Rounding `json:"rounding"`
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
)

// ReviewRequested records that a question waits for a person, until Deadline.
type ReviewRequested struct {
	Detection ID          `json:"detection"` // the question is named by its detection
	Doubts    List[Doubt] `json:"doubts"`
	AtRisk    money.Money `json:"at_risk"` // what the answer may change
	Deadline  time.Time   `json:"deadline"`
}

// A Verdict is the answer to a question about a detection.
type Verdict string

// The verdicts. Confirmed: it was as the sensor's best reading says.
// Corrected: it was as the decision says. Dismissed: nothing happened.
const (
	VerdictConfirmed Verdict = "confirmed"
	VerdictCorrected Verdict = "corrected"
	VerdictDismissed Verdict = "dismissed"
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
func (DisputeOpened) Kind() Kind { return KindDisputeOpened }

// Kind returns the stored name.
func (DisputeDecided) Kind() Kind { return KindDisputeDecided }

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
	case VerdictDismissed:
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
		return fmt.Errorf("%w: verdict %q: use confirmed, corrected or dismissed", ErrInvalid, p.Verdict)
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
func (DisputeOpened) payload()      {}
func (DisputeDecided) payload()     {}
func (VisitSettled) payload()       {}
