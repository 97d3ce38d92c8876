package projections

import (
	"fmt"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections/internal/state"
)

// A Status says how far a visit is.
type Status string

// The statuses, in the order a visit goes through them. A refused visit goes
// nowhere else.
const (
	StatusNone      Status = ""          // nothing is known
	StatusPresented Status = "presented" // a credential was shown
	StatusInside    Status = "inside"    // the gate opened
	StatusExited    Status = "exited"    // the last person left
	StatusIssued    Status = "issued"    // the receipt is out
	StatusSettled   Status = "settled"   // the money is settled
	StatusRefused   Status = "refused"   // the gate stayed shut
)

// A PickState says whether a pick counts.
type PickState string

// The states of a pick.
const (
	PickSure    PickState = "sure"    // it is charged
	PickOpen    PickState = "open"    // a question about it is open
	PickDropped PickState = "dropped" // it did not happen, or not here
)

// A Pick is one take: so many pieces of a product, and how many are left of
// it after returns and disputes.
type Pick struct {
	Detection ledger.ID            `json:"detection"`
	SKU       ledger.SKU           `json:"sku"`
	Quantity  int                  `json:"quantity"` // pieces taken
	Left      int                  `json:"left"`     // less what was returned and taken off
	At        time.Time            `json:"at"`       // when the sensor saw it
	Slot      string               `json:"slot"`
	Item      ledger.PerMille      `json:"item"`     // confidence of the best reading; 1000 if attributed
	Action    ledger.PerMille      `json:"action"`   // likewise
	Person    ledger.PerMille      `json:"person"`   // likewise
	Evidence  []ledger.EvidenceRef `json:"evidence"` // of the take, then of what reduced it
	Grams     int                  `json:"grams"`    // of what is left, as weighed; 0 if it was not
	Scale     ledger.DeviceID      `json:"scale"`    // that weighed
	Price     *ledger.ItemPriced   `json:"price"`    // pinned by item.priced, less its detection; shared, never changed
	Repriced  *ledger.ItemRepriced `json:"repriced"` // a lower price at the exit; nil if there is none
	Missing   string               `json:"missing"`  // what pricing.failed missed, while there is no price
	Check     ledger.LineCheck     `json:"check"`
	State     PickState            `json:"state"`
	Causes    []ledger.ID          `json:"causes"` // events that made and reduced it, in order
	Decision  ledger.ID            `json:"decision"`
}

// A Question is a doubt about a detection that concerns this visit, or about
// what the whole cart weighs. While it is open the visit gets no final receipt.
type Question struct {
	Detection    ledger.ID                 `json:"detection"`
	Stream       ledger.StreamID           `json:"stream"` // where the detection is
	SeenAt       time.Time                 `json:"seen_at"`
	Doubts       []ledger.Doubt            `json:"doubts"`
	Claim        *ledger.DetectionRecorded `json:"claim"`          // nil if recorded elsewhere, or
	Weighed      *ledger.CartWeighed       `json:"weighed"`        // the whole cart is in question
	Gate         *ledger.GateDoubted       `json:"gate,omitempty"` // the entry is in question
	Opened       ledger.ID                 `json:"opened"`
	Requested    bool                      `json:"requested"`
	RequestedAt  time.Time                 `json:"requested_at"`
	AtRisk       money.Money               `json:"at_risk"`
	Deadline     time.Time                 `json:"deadline"`
	Decided      *ledger.ReviewDecided     `json:"decided"` // nil while it is open
	DecidedEvent ledger.ID                 `json:"decided_event"`
}

// Open reports whether the question waits for its answer.
func (q Question) Open() bool { return q.Decided == nil }

// A DisputeRef ties a dispute to the line it is about.
type DisputeRef struct {
	Dispute  ledger.ID `json:"dispute"`
	Line     int       `json:"line"`
	Quantity int       `json:"quantity"`
	Decided  bool      `json:"decided"`
}

// A Cart is the fold of one visit's stream: what was taken, what is asked, and
// what was billed. Its fields are for reading; only Apply changes them.
//
// INVARIANT: every pick has 0 <= Left <= Quantity; there is a Latest document
// exactly when there is an Issued one; OpenCount is the number of open
// questions.
type Cart struct {
	Stream      ledger.StreamID          `json:"stream"`
	Visit       ledger.VisitID           `json:"visit"`
	Events      uint64                   `json:"events"` // folded so far; the revision due next
	Status      Status                   `json:"status"`
	Presented   ledger.GatePresented     `json:"presented"`
	PresentedAt time.Time                `json:"presented_at"`
	Hold        money.Money              `json:"hold"` // said by gate.entered
	EnteredAt   time.Time                `json:"entered_at"`
	ExitedAt    time.Time                `json:"exited_at"`
	Refusal     ledger.RefusalReason     `json:"refusal"`
	Picks       []Pick                   `json:"picks"`
	Questions   []Question               `json:"questions"`
	OpenCount   int                      `json:"open_count"`
	Disputes    []DisputeRef             `json:"disputes"`
	Provisional *ledger.ReceiptDocument  `json:"provisional"` // the latest one
	Issued      *ledger.ReceiptDocument  `json:"issued"`
	Latest      *ledger.ReceiptDocument  `json:"latest"` // issued, or the last correction
	Base        []ledger.ReceiptLine     `json:"base"`   // each line as first billed; amounts are reversed as stored here
	Changed     ledger.ID                `json:"changed"`
	Promotions  []ledger.PromotionPinned `json:"promotions"`
	Coupons     []ledger.CouponAccepted  `json:"coupons"`
	Ages        []ledger.AgeVerified     `json:"ages"`               // what was seen of the shopper's age, in order
	Weighings   []Weighing               `json:"weighings"`          // of the whole cart, in order
	Disowned    bool                     `json:"disowned,omitempty"` // a decision found that the visit is not its payer's: nothing is billed
	Settled     *ledger.VisitSettled     `json:"settled"`
	Odd         []Oddity                 `json:"odd"`

	unpriced int                   // picks without a price; counted again after a snapshot is read
	shared   *memory               // of Carts, which folds many; else nil
	lent     *ledger.ReceiptIssued // that Issued is in, if Carts wants it back
}

// OpenQuestions returns the questions that wait for an answer, in order.
func (c *Cart) OpenQuestions() []Question {
	var open []Question
	for _, q := range c.Questions {
		if q.Open() {
			open = append(open, q)
		}
	}
	return open
}

// Unpriced returns the picks that need a price, in order: open ones too,
// because the money at risk is asked for.
func (c *Cart) Unpriced() []Pick {
	var ps []Pick
	for _, p := range c.Picks {
		if p.State != PickDropped && p.Price == nil && p.Left > 0 {
			ps = append(ps, p)
		}
	}
	return ps
}

// Blocked reports whether something keeps the visit from a final receipt: an
// open question, or a sure pick without a price.
func (c *Cart) Blocked() bool {
	return c.OpenCount > 0 || slices.ContainsFunc(c.Picks, Pick.waits)
}

// waits reports whether p is to be charged and cannot be for want of a price.
func (p Pick) waits() bool { return p.State == PickSure && p.Price == nil && p.Left > 0 }

// Finished reports whether the visit was billed, settled or refused: what
// sensors say from then on is late.
func (c *Cart) Finished() bool {
	return c.Issued != nil || c.Status == StatusSettled || c.Status == StatusRefused
}

// Currency returns the seller's currency.
func (c *Cart) Currency() money.Currency { return c.Presented.Seller.Currency }

// Apply moves c past e.
//
// Events are facts, so Apply does not refuse one because it is unlikely: it
// records what is odd and carries on. Its errors all mean that the stream
// itself is broken, or newer than this program, and c is then as it was before.
func (c *Cart) Apply(e ledger.Event) error {
	visit, err := c.place(&e.Record)
	if err != nil {
		return err
	}
	switch p := e.Payload.(type) {
	case ledger.GatePresented, ledger.GateEntered, ledger.GateRefused, ledger.GateExited:
		c.gate(&e.Record, p)
	case ledger.DetectionRecorded:
		if q := c.recorded(&e.Record, visit, &p); q != nil {
			q.Claim = new(p)
		}
	case ledger.DetectionImplicated:
		c.implicated(&e.Record, p)
	case ledger.DetectionAttributed:
		c.attributed(&e.Record, p)
	case ledger.ItemPriced:
		detection := p.Detection
		p.Detection = ledger.ID{}
		c.priced(&e.Record, detection, &p)
	case ledger.PricingFailed:
		c.unpriceable(&e.Record, p)
	case ledger.ReviewRequested:
		c.requested(&e.Record, &p)
	case ledger.ReviewDecided:
		c.decided(&e.Record, visit, &p)
	case ledger.ReceiptProvisional:
		c.Provisional = new(p.Document)
	case ledger.ReceiptIssued:
		c.issued(&e.Record, &p.Document)
	case ledger.ReceiptCorrected:
		c.corrected(&e.Record, &p.Document)
	case ledger.DisputeOpened:
		c.disputed(&e.Record, p)
	case ledger.DisputeDecided:
		c.disputeDecided(&e.Record, p)
	case ledger.VisitSettled:
		c.Settled, c.Status = new(p), StatusSettled
	case ledger.PromotionPinned:
		c.pinned(&e.Record, p)
	case ledger.CouponAccepted:
		c.accepted(&e.Record, p)
	case ledger.ItemRepriced:
		c.repriced(&e.Record, p)
	case ledger.AgeVerified:
		c.Ages = append(c.Ages, p)
	case ledger.CartWeighed:
		c.weighed(&e.Record, p)
	case ledger.GateDoubted:
		c.doubted(&e.Record, p)
	case ledger.DetectionReverified, ledger.SupplementProposed, ledger.SupplementAnswered, ledger.GoodwillGranted, ledger.VisitMatched,
		ledger.FiscalStarted, ledger.FiscalSigned, ledger.FiscalFailed:
	case ledger.StoreOpened, ledger.PolicySet, ledger.PlanogramSet, ledger.ProductListed, ledger.PriceSet,
		ledger.TaxSet, ledger.HoldIntended, ledger.CaptureIntended, ledger.ReleaseIntended, ledger.RefundIntended,
		ledger.Held, ledger.Captured, ledger.Released, ledger.Refunded, ledger.PaymentDeclined,
		ledger.PaymentUnclear, ledger.PaymentNotified, ledger.IncrementIntended, ledger.Incremented, ledger.ChargeIntended, ledger.Charged, ledger.HoldLapsed,
		ledger.RefundFailed, ledger.ExternalObserved, ledger.PaymentEscalated, ledger.PaymentResolved,
		ledger.DebtWrittenOff, ledger.CashTaken, ledger.FraudWarningReceived, ledger.ChargebackOpened,
		ledger.ChargebackFundsMoved, ledger.EvidencePackBuilt, ledger.ChargebackAnswered, ledger.SubmissionIntended,
		ledger.EvidenceSubmitted, ledger.ChargebackClosed, ledger.PromotionSet, ledger.CouponRedeemed,
		ledger.BalanceRecorded, ledger.PayoutRecorded, ledger.PayoutFailed, ledger.BankStatementRecorded,
		ledger.ExceptionOpened, ledger.ExceptionAssigned, ledger.ExceptionClosed, ledger.DayClosed,
		ledger.PriceChecked, ledger.EvidenceViewed, ledger.EvidenceHeld,
		ledger.EvidenceReleased, ledger.EvidenceExpired, ledger.PalmEnrolled, ledger.PalmRevoked, ledger.DeviceConfigured, ledger.DeviceReported, ledger.ShelfChanged,
		ledger.PalmConsented, ledger.PalmWithdrawn, ledger.NoticeQuarantined, ledger.ProviderSwept:
		c.odd(&e.Record, "%s does not belong in a visit's stream", e.Kind)
	default:
		return fmt.Errorf("cart: %w", state.Unknown(e))
	}
	c.count(&e.Record, visit)
	return nil
}

// place refuses an event that is not the cart's next, and returns the visit
// that its stream is of.
func (c *Cart) place(e *ledger.Record) (ledger.VisitID, error) {
	if err := due(c.Stream, c.Events, e); err != nil {
		return "", fmt.Errorf("cart: %w", err)
	}
	if c.Events > 0 {
		return c.Visit, nil
	}
	category, visit := e.Stream.Split()
	if category != ledger.CategoryVisit {
		return "", fmt.Errorf("cart: %w: %s is not a visit's stream", ledger.ErrCorrupt, e.Stream)
	}
	return ledger.VisitID(visit), nil
}

// count notes that e, of this visit, has been applied.
func (c *Cart) count(e *ledger.Record, visit ledger.VisitID) {
	if c.Events == 0 {
		c.Stream, c.Visit = e.Stream, visit
	}
	c.Events++
	c.check()
}

// gate applies what gates say.
func (c *Cart) gate(e *ledger.Record, p ledger.Payload) {
	switch p := p.(type) { // called with these four
	case ledger.GatePresented:
		c.presented(e, &p)
	case ledger.GateEntered:
		c.entered(e, &p)
	case ledger.GateRefused:
		if c.Status != StatusNone && c.Status != StatusPresented {
			c.odd(e, "refused when %s", c.Status)
			return
		}
		c.Refusal, c.Status = p.Reason, StatusRefused
	case ledger.GateExited:
		c.exited(e)
	}
}

// presented begins the visit. The cart keeps a copy of p, which holds no list.
func (c *Cart) presented(e *ledger.Record, p *ledger.GatePresented) {
	if c.Presented.Visit != "" {
		c.odd(e, "a second credential was presented")
		return
	}
	c.Presented, c.PresentedAt = *p, e.Occurred
	if c.Status == StatusNone {
		c.Status = StatusPresented
	}
}

func (c *Cart) entered(e *ledger.Record, p *ledger.GateEntered) {
	if c.Status != StatusNone && c.Status != StatusPresented {
		c.odd(e, "entered when %s", c.Status)
		return
	}
	c.Hold, c.EnteredAt, c.Status = p.Hold, e.Occurred, StatusInside
}

func (c *Cart) exited(e *ledger.Record) {
	if c.Status != StatusInside {
		c.odd(e, "exited when %q", string(c.Status))
		return
	}
	c.ExitedAt, c.Status = e.Occurred, StatusExited
}

func (c *Cart) odd(e *ledger.Record, format string, args ...any) {
	c.Odd = append(c.Odd, Oddity{Event: e.ID, Revision: e.Revision, What: fmt.Sprintf(format, args...)})
}

// check panics if Apply has a bug. It looks at counts only, so that a long
// visit stays cheap; a pick's own bounds are checked where it changes.
func (c *Cart) check() {
	switch {
	case c.OpenCount < 0 || c.OpenCount > len(c.Questions):
		panic(fmt.Sprintf("projections: cart %s has %d open of %d questions", c.Stream, c.OpenCount, len(c.Questions)))
	case (c.Issued == nil) != (c.Latest == nil):
		panic(fmt.Sprintf("projections: cart %s has a latest receipt without a first, or the reverse", c.Stream))
	case c.unpriced < 0 || c.unpriced > len(c.Picks):
		panic(fmt.Sprintf("projections: cart %s has %d of %d picks without a price", c.Stream, c.unpriced, len(c.Picks)))
	case c.Events == 0:
		panic(fmt.Sprintf("projections: cart %s has folded an event and counts none", c.Stream))
	}
}

// Clone returns a copy that shares nothing that can be changed.
func (c *Cart) Clone() *Cart {
	d := *c
	d.shared, d.lent = nil, nil
	d.Picks = slices.Clone(c.Picks)
	for i, p := range d.Picks {
		d.Picks[i].Evidence, d.Picks[i].Causes = slices.Clone(p.Evidence), slices.Clone(p.Causes)
		d.Picks[i].Price, d.Picks[i].Repriced = clonePtr(p.Price), clonePtr(p.Repriced)
	}
	d.Questions = slices.Clone(c.Questions)
	for i, q := range d.Questions {
		d.Questions[i].Doubts, d.Questions[i].Decided = slices.Clone(q.Doubts), clonePtr(q.Decided)
		d.Questions[i].Claim, d.Questions[i].Weighed, d.Questions[i].Gate = cloneClaim(q.Claim), clonePtr(q.Weighed), clonePtr(q.Gate)
	}
	d.Disputes, d.Odd = slices.Clone(c.Disputes), slices.Clone(c.Odd)
	d.Promotions, d.Coupons, d.Ages = slices.Clone(c.Promotions), slices.Clone(c.Coupons), slices.Clone(c.Ages)
	d.Provisional, d.Issued = cloneDocument(c.Provisional), cloneDocument(c.Issued)
	d.Latest, d.Base = cloneDocument(c.Latest), cloneLines(c.Base)
	d.Weighings, d.Settled = slices.Clone(c.Weighings), clonePtr(c.Settled)
	return &d
}

func clonePtr[T any](p *T) *T {
	if p == nil {
		return nil
	}
	return new(*p)
}

func cloneClaim(p *ledger.DetectionRecorded) *ledger.DetectionRecorded {
	d := clonePtr(p)
	if d != nil {
		d.Items, d.Actions = slices.Clone(p.Items), slices.Clone(p.Actions)
		d.Persons, d.Presence = slices.Clone(p.Persons), slices.Clone(p.Presence)
		d.Evidence = slices.Clone(p.Evidence)
	}
	return d
}

func cloneLines(ls []ledger.ReceiptLine) []ledger.ReceiptLine {
	ls = slices.Clone(ls)
	for i, l := range ls {
		ls[i].Causes, ls[i].Evidence = slices.Clone(l.Causes), slices.Clone(l.Evidence)
		ls[i].Discounts = slices.Clone(l.Discounts)
	}
	return ls
}

func cloneDocument(p *ledger.ReceiptDocument) *ledger.ReceiptDocument {
	d := clonePtr(p)
	if d != nil {
		d.Lines, d.Taxes, d.Pending = cloneLines(p.Lines), slices.Clone(p.Taxes), slices.Clone(p.Pending)
		for i, it := range d.Pending {
			d.Pending[i].Doubts = slices.Clone(it.Doubts)
		}
	}
	return d
}

const cartForm = "cart.v3"

// MarshalBinary returns a snapshot of c: canonical JSON.
func (c *Cart) MarshalBinary() ([]byte, error) { return state.Marshal(cartForm, c) }

// UnmarshalBinary makes c what a snapshot says. A snapshot out of stored form
// is [ledger.ErrCorrupt], and c is then as it was before.
func (c *Cart) UnmarshalBinary(b []byte) error {
	var d Cart
	if err := state.Unmarshal(cartForm, b, &d); err != nil {
		return err
	}
	d.unpriced = d.countUnpriced()
	*c = d
	return nil
}

func (c *Cart) countUnpriced() int {
	n := 0
	for i := range c.Picks {
		if c.Picks[i].Price == nil {
			n++
		}
	}
	return n
}
