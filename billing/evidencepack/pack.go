package evidencepack

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vouchledger/vouch/billing/chargeback"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/ledger/tree/leaf"
	"github.com/vouchledger/vouch/ledger/tree/tile"
)

// Limits of a pack. A card network takes 19 pages, and no processor more than
// five megabytes.
const (
	MaxPages  = 19
	MaxBytes  = 4 << 20
	MaxFrames = 12
	MaxText   = 20_000
)

// A Pack is what is known of a visit whose payment is claimed back.
type Pack struct {
	Case     chargeback.Case
	Position uint64    // of the last event it shows
	Made     time.Time // when that was recorded

	Visit     ledger.VisitID
	Presented ledger.GatePresented
	At        time.Time // the credential was shown
	Entered   time.Time // the gate opened; zero if it did not
	Hold      money.Money
	Exited    time.Time
	ExitGate  ledger.DeviceID

	Receipts []ledger.ReceiptDocument // the first, then each correction
	Lines    []Line                   // of the last receipt
	Timeline []Entry
	Frames   []Frame // most telling first
	Reviews  []Review
	Refunds  []Refund
	Captures []Capture
	Viewed   []View
}

// A Line is one of the last receipt, with what it rests on.
type Line struct {
	ledger.ReceiptLine
	Seen []time.Time // when its items were taken
}

// An Entry is one event, in words.
type Entry struct {
	Position uint64
	Event    string // stream and revision
	At       time.Time
	Words    string
	Hash     string // of the leaf in the ledger's tree
}

// A Frame is a picture that a sensor took.
type Frame struct {
	Digest  ledger.Digest
	Caption string
	At      time.Time

	of     ledger.ID // detection
	billed bool      // it is of a line that was billed
	after  bool      // it shows the shelf afterwards
}

// A Review is a person's answer to a doubt, or to a shopper's dispute.
type Review struct {
	At     time.Time
	By     string
	Words  string
	Reason string
}

// A Refund is money that was given back.
type Refund struct {
	At     time.Time
	Object string // at the provider
	Amount money.Money
	Why    string
	Failed bool
}

// A Capture is money that was taken.
type Capture struct {
	At     time.Time
	Object string
	Amount money.Money
}

// A View is a person who looked at the pictures.
type View struct {
	At    time.Time
	By    string
	Count int // pieces of evidence on that day
}

// Collect folds the records of a visit, of its payment and of its evidence, in
// any order, up to a position; 0 is all. The case is the claim it answers.
func Collect(c chargeback.Case, records []ledger.Record, until uint64) (Pack, error) {
	p := Pack{Case: c, Visit: c.Visit}
	records = slices.Clone(records)
	slices.SortFunc(records, func(a, b ledger.Record) int { return cmp.Compare(a.Position, b.Position) })
	f := folding{p: &p, claims: map[ledger.ID]ledger.DetectionRecorded{}, intents: map[ledger.ID]string{}, names: map[ledger.SKU]string{}}
	var events []ledger.Event
	for _, r := range records {
		if until > 0 && r.Position > until {
			break
		}
		e, err := ledger.Decode(r)
		if err != nil {
			return p, fmt.Errorf("evidence of %s: %w", c.Chargeback, err)
		}
		if !shown(e.Payload) {
			continue
		}
		f.name(e.Payload)
		events = append(events, e)
	}
	for i, e := range events {
		if err := f.apply(e); err != nil {
			return p, fmt.Errorf("evidence of %s: %w", c.Chargeback, err)
		}
		if i == len(events)-1 {
			p.Position, p.Made = e.Position, e.Recorded
		}
	}
	f.finish()
	return p, nil
}

// shown reports whether a pack shows an event. What we did about the claim
// itself is nothing to the bank, and would make the pack old by being made;
// only what a person says about it goes to the bank.
func shown(p ledger.Payload) bool {
	switch p.(type) { // all others are shown
	case ledger.ChargebackOpened, ledger.ChargebackFundsMoved, ledger.EvidencePackBuilt, ledger.SubmissionIntended,
		ledger.EvidenceSubmitted, ledger.ChargebackClosed, ledger.PaymentNotified,
		ledger.PaymentUnclear, ledger.FraudWarningReceived, ledger.PaymentEscalated:
		return false
	}
	return true
}

// Shown returns the position of the last event that a pack of these records
// would show.
func Shown(records []ledger.Record) (uint64, error) {
	var last uint64
	for _, r := range records {
		e, err := ledger.Decode(r)
		if err != nil {
			return 0, err
		}
		if shown(e.Payload) {
			last = max(last, r.Position)
		}
	}
	return last, nil
}

// folding is a pack that is being collected.
type folding struct {
	p       *Pack
	claims  map[ledger.ID]ledger.DetectionRecorded
	intents map[ledger.ID]string // what a refund is for
	names   map[ledger.SKU]string
	seen    map[ledger.ID]time.Time
	viewed  map[string]int // index in p.Viewed by person and day
}

// name notes what a product is called, before any event is put into words.
func (f *folding) name(p ledger.Payload) {
	switch d := p.(type) { // all others name none
	case ledger.ItemPriced:
		f.names[d.SKU] = d.Name
	case ledger.ReceiptIssued:
		for _, l := range d.Document.Lines {
			f.names[l.SKU] = l.Name
		}
	}
}

func (f *folding) apply(e ledger.Event) error {
	if err := f.entry(e); err != nil {
		return err
	}
	switch d := e.Payload.(type) { // the rest only stands in the timeline
	case ledger.GatePresented:
		f.p.Presented, f.p.At = d, e.Occurred
	case ledger.GateEntered:
		f.p.Entered, f.p.Hold = e.Occurred, d.Hold
	case ledger.GateExited:
		f.p.Exited, f.p.ExitGate = e.Occurred, d.Gate
	case ledger.DetectionRecorded:
		f.claims[e.ID] = d
		f.frames(e.ID, d.Evidence, e.Occurred, f.sighting(d))
	case ledger.DetectionAttributed:
		f.frames(e.ID, d.Evidence, d.SeenAt, f.action(d.Action, d.Quantity, d.SKU)+" "+d.Slot)
	case ledger.CartWeighed:
		if len(d.Evidence) > 0 {
			f.frames(e.ID, d.Evidence, e.Occurred, weighing(d))
		}
	case ledger.ReceiptIssued:
		f.p.Receipts = append(f.p.Receipts, d.Document)
	case ledger.ReceiptCorrected:
		f.p.Receipts = append(f.p.Receipts, d.Document)
	case ledger.ReviewDecided:
		f.p.Reviews = append(f.p.Reviews, Review{e.Occurred, d.Reviewer, f.verdict(d), d.Reason})
	case ledger.DisputeDecided:
		f.p.Reviews = append(f.p.Reviews, Review{
			e.Occurred, d.Reviewer, "the shopper's own complaint: " + spaced(string(d.Outcome)), d.Reason,
		})
	case ledger.RefundIntended:
		f.intents[e.ID] = why(d)
	case ledger.EvidenceViewed:
		f.view(e, d)
	default:
		f.money(e)
	}
	return nil
}

// money notes what was taken and given back.
func (f *folding) money(e ledger.Event) {
	p := f.p
	switch d := e.Payload.(type) { // all others move nothing
	case ledger.Captured:
		p.Captures = append(p.Captures, Capture{e.Occurred, d.Object, d.Amount})
	case ledger.Charged:
		p.Captures = append(p.Captures, Capture{e.Occurred, d.Object, d.Amount})
	case ledger.Refunded:
		p.Refunds = append(p.Refunds, Refund{At: e.Occurred, Object: d.Object, Amount: d.Amount, Why: f.intents[d.Intent]})
	case ledger.ExternalObserved:
		switch d.What {
		case ledger.ExternalCapture:
			p.Captures = append(p.Captures, Capture{e.Occurred, d.Object, d.Amount})
		case ledger.ExternalRefund:
			p.Refunds = append(p.Refunds, Refund{At: e.Occurred, Object: d.Object, Amount: d.Amount, Why: "given back by staff"})
		case ledger.ExternalHold, ledger.ExternalRelease:
		}
	case ledger.RefundFailed:
		if i := slices.IndexFunc(p.Refunds, func(r Refund) bool { return r.Object == d.Refund }); i >= 0 {
			p.Refunds[i].Failed = true
		}
	}
}

// entry adds an event to the timeline.
func (f *folding) entry(e ledger.Event) error {
	words := f.words(e)
	if words == "" {
		return nil
	}
	body, err := leaf.Append(nil, &e.Record)
	if err != nil {
		return err
	}
	hash := tile.LeafHash(body)
	category, _ := e.Stream.Split()
	f.p.Timeline = append(f.p.Timeline, Entry{
		Position: e.Position, Event: fmt.Sprintf("%s %d", category, e.Revision), At: e.Occurred, Words: words,
		Hash: hex.EncodeToString(hash[:]),
	})
	return nil
}

func (f *folding) frames(id ledger.ID, refs []ledger.EvidenceRef, at time.Time, caption string) {
	if f.seen == nil {
		f.seen = map[ledger.ID]time.Time{}
	}
	f.seen[id] = at
	for _, ref := range refs {
		if ref.MediaType != "image/jpeg" || ref.Of != "" {
			continue
		}
		// A bank needs no bystander's face.
		if blurred, ok := ledger.BlurredOf(refs, ref.Digest); ok {
			ref.Digest = blurred.Digest
		}
		if slices.ContainsFunc(f.p.Frames, func(o Frame) bool { return o.Digest == ref.Digest }) {
			continue
		}
		f.p.Frames = append(f.p.Frames, Frame{
			Digest: ref.Digest, Caption: strings.TrimSpace(caption) + ", " + ref.Role, At: at, of: id, after: ref.Role == "after",
		})
	}
}

func (f *folding) view(e ledger.Event, d ledger.EvidenceViewed) {
	if f.viewed == nil {
		f.viewed = map[string]int{}
	}
	day := d.By + e.Occurred.Format(time.DateOnly)
	if i, ok := f.viewed[day]; ok {
		f.p.Viewed[i].Count++
		return
	}
	f.viewed[day] = len(f.p.Viewed)
	f.p.Viewed = append(f.p.Viewed, View{e.Occurred, d.By, 1})
}

// finish completes the lines of the last receipt, and puts the pictures that
// tell most first: those of what was billed, in the order of the visit, and
// when they are too many the shelf after the item was gone.
func (f *folding) finish() {
	p := f.p
	billed := map[ledger.Digest]bool{}
	if len(p.Receipts) > 0 {
		for _, l := range p.Receipts[len(p.Receipts)-1].Lines {
			line := Line{ReceiptLine: l}
			for _, cause := range l.Causes {
				if at, ok := f.seen[cause]; ok {
					line.Seen = append(line.Seen, at)
				}
			}
			for _, d := range l.Evidence {
				billed[d] = true
			}
			p.Lines = append(p.Lines, line)
		}
	}
	detections := map[ledger.ID]bool{}
	for i := range p.Frames {
		o := &p.Frames[i]
		if o.billed = billed[o.Digest]; o.billed {
			detections[o.of] = true
		}
	}
	pairs := len(detections) <= MaxFrames/2 // before and after beside each other
	rank := func(o Frame) int {
		switch {
		case o.billed && (o.after || pairs):
			return 0
		case o.billed:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(p.Frames, func(a, b Frame) int { return cmp.Compare(rank(a), rank(b)) })
}

// last returns the last receipt, and whether there is one.
func (p *Pack) last() (ledger.ReceiptDocument, bool) {
	if len(p.Receipts) == 0 {
		return ledger.ReceiptDocument{}, false
	}
	return p.Receipts[len(p.Receipts)-1], true
}

// refunded returns what was given back and did not come back to us.
func (p *Pack) refunded() money.Money {
	sum := money.Zero(p.Case.Amount.Currency)
	for _, r := range p.Refunds {
		if !r.Failed && r.Amount.Currency == sum.Currency {
			sum.Minor += r.Amount.Minor
		}
	}
	return sum
}
