// Package story tells events in words that a shop manager understands. It is
// what `vouch replay`, `vouch demo` and the report show.
//
// It only words what is in the events and the fold; it decides nothing.
package story

import (
	"fmt"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
)

// A Line is one event told: when, what, the cart after it, and the money it
// is about.
type Line struct {
	At       time.Time            `json:"at"` // when it happened
	Kind     ledger.Kind          `json:"kind"`
	ID       ledger.ID            `json:"id"`
	Stream   ledger.StreamID      `json:"stream"`
	Revision uint64               `json:"revision"`
	Position uint64               `json:"position"`
	Actor    string               `json:"actor"`
	Text     string               `json:"text"`
	Cart     string               `json:"cart"`
	Money    string               `json:"money"`
	Evidence []ledger.Digest      `json:"evidence"`
	Refs     []ledger.EvidenceRef `json:"-"`
}

// Tell words one event. cart is the visit's cart after it, or nil.
func Tell(e ledger.Event, cart *projections.Cart) Line {
	l := Line{
		At: e.Occurred, Kind: e.Kind, ID: e.ID, Stream: e.Stream, Revision: e.Revision, Position: e.Position, Actor: e.Actor,
	}
	if _, ok := e.Payload.(ledger.PaymentNotified); ok {
		l.At = e.Recorded // the provider's clock is fine to a second only
	}
	l.Text, l.Money = words(e)
	if cart != nil {
		l.Cart = CartText(cart)
	}
	switch p := e.Payload.(type) {
	case ledger.DetectionRecorded:
		l.Refs = p.Evidence
	case ledger.DetectionAttributed:
		l.Refs = p.Evidence
	case ledger.DetectionReverified:
		l.Refs = p.Evidence
	}
	for _, r := range l.Refs {
		l.Evidence = append(l.Evidence, r.Digest)
	}
	return l
}

// CartText says what is in the cart, "2 × cola-330, 1 × chips-90?" with a
// question mark at what is in doubt.
func CartText(c *projections.Cart) string {
	type key struct {
		sku  ledger.SKU
		open bool
	}
	var order []key
	count := map[key]int{}
	for _, p := range c.Picks {
		k := key{p.SKU, p.State == projections.PickOpen}
		if p.State == projections.PickDropped || p.Left == 0 {
			continue
		}
		if _, seen := count[k]; !seen {
			order = append(order, k)
		}
		count[k] += p.Left
	}
	if len(order) == 0 {
		return "empty"
	}
	var parts []string
	for _, k := range order {
		mark := ""
		if k.open {
			mark = "?"
		}
		parts = append(parts, fmt.Sprintf("%d × %s%s", count[k], k.sku, mark))
	}
	return strings.Join(parts, ", ")
}

// words returns what happened and the money in it.
func words(e ledger.Event) (text, amount string) {
	switch p := e.Payload.(type) {
	case ledger.GatePresented, ledger.GateEntered, ledger.GateRefused, ledger.GateExited:
		return gateWords(p), gateMoney(p)
	case ledger.DetectionRecorded, ledger.DetectionImplicated, ledger.DetectionAttributed, ledger.DetectionReverified:
		return detectionWords(p), ""
	case ledger.ItemPriced:
		each := ""
		if p.Per == ledger.PerKilogram {
			each = " a kilogram"
		}
		return fmt.Sprintf("%s costs %s%s, pinned at the pick", p.Name, p.Unit, each), p.Unit.String()
	case ledger.PricingFailed:
		return fmt.Sprintf("no %s for %s at the pick; the visit waits for it", p.Missing, p.SKU), ""
	case ledger.ReviewRequested:
		return fmt.Sprintf("a person is asked: which %s? (until %s)", doubtWords(p.Doubts), p.Deadline.Local().Format("2 Jan 15:04")), p.AtRisk.String()
	case ledger.ReviewDecided:
		return reviewWords(p), ""
	case ledger.DisputeOpened:
		return fmt.Sprintf("shopper disputes line %d: %s × %d, %q", p.Line, spaced(string(p.Claim)), p.Quantity, p.Message), ""
	case ledger.DisputeDecided:
		return fmt.Sprintf("%s decides: %s, %d off: %s", name(p.Reviewer), p.Outcome, p.Quantity, p.Reason), ""
	default:
		return moneyWords(e)
	}
}

func gateWords(p ledger.Payload) string {
	switch p := p.(type) {
	case ledger.GatePresented:
		return fmt.Sprintf("%s shows a %s code at %s", p.Shopper, strings.ToUpper(string(p.Credential)), p.Gate)
	case ledger.GateEntered:
		return fmt.Sprintf("%s opens", p.Gate)
	case ledger.GateRefused:
		return fmt.Sprintf("%s stays shut: %s (%s)", p.Gate, spaced(string(p.Reason)), p.Detail)
	case ledger.GateExited:
		return fmt.Sprintf("leaves by %s", p.Gate)
	}
	return ""
}

func gateMoney(p ledger.Payload) string {
	if p, ok := p.(ledger.GateEntered); ok {
		return p.Hold.String() + " held"
	}
	return ""
}

func detectionWords(p ledger.Payload) string {
	switch p := p.(type) {
	case ledger.DetectionRecorded:
		who := "nobody it could be"
		if c := p.Candidates(); len(c) == 1 {
			who = fmt.Sprintf("person %d%%", c[0].Confidence/10)
		} else if len(c) > 1 {
			who = fmt.Sprintf("one of %d persons, best %d%%", len(c), c[0].Confidence/10)
		}
		return fmt.Sprintf("%s sees: %s %d × %s, slot %s (item %d%%, action %d%%, %s)", p.Sensor, p.Actions[0].Action, p.Quantity,
			p.Items[0].SKU, p.Slot, p.Items[0].Confidence/10, p.Actions[0].Confidence/10, who)
	case ledger.DetectionImplicated:
		return fmt.Sprintf("may be concerned by a detection of %s", p.Stream)
	case ledger.DetectionReverified:
		return reverifiedWords(p)
	case ledger.DetectionAttributed:
		return fmt.Sprintf("is given %s %d × %s from %s", p.Action, p.Quantity, p.SKU, p.Stream)
	}
	return ""
}

// reverifiedWords tells what a second look found beside the claim.
func reverifiedWords(p ledger.DetectionReverified) string {
	found := "nothing it knows"
	if len(p.Items) > 0 {
		found = fmt.Sprintf("%s %d%%", p.Items[0].SKU, p.Items[0].Confidence/10)
	}
	return fmt.Sprintf("%s looks again and sees %s: %s", p.Model, found, p.Agreement)
}

func reviewWords(p ledger.ReviewDecided) string {
	if p.Verdict == ledger.VerdictDismissed {
		return fmt.Sprintf("%s decides: it did not happen. %s", name(p.Reviewer), p.Reason)
	}
	return fmt.Sprintf("%s decides: %s %d × %s. %s", name(p.Reviewer), p.Action, p.Quantity, p.SKU, p.Reason)
}

// moneyWords tells receipts, settlement and payments, and names the kind of
// anything else.
func moneyWords(e ledger.Event) (text, amount string) {
	switch p := e.Payload.(type) {
	case ledger.ReceiptProvisional:
		return fmt.Sprintf("provisional receipt: %d sure, %d pending", len(p.Document.Lines), len(p.Document.Pending)), p.Document.Gross.String()
	case ledger.ReceiptIssued:
		return "receipt " + p.Document.Number, p.Document.Gross.String()
	case ledger.ReceiptCorrected:
		return fmt.Sprintf("receipt %s corrects %s", p.Document.Number, p.Document.Corrects), p.Change.String()
	case ledger.VisitSettled:
		return "settled: " + spaced(string(p.Outcome)), p.Charged.String()
	case ledger.HoldIntended:
		return "wants to hold", p.Amount.String()
	case ledger.CaptureIntended:
		return "wants to charge", p.Amount.String()
	case ledger.ReleaseIntended:
		return "wants to free the hold", p.Amount.String()
	case ledger.RefundIntended:
		return "wants to refund", p.Amount.String()
	case ledger.Held:
		return "the bank holds (" + p.Object + ")", p.Amount.String()
	case ledger.Captured:
		return "the card is charged (" + p.Object + ")", p.Amount.String()
	case ledger.Released:
		return "the hold is gone (" + p.Object + ")", ""
	case ledger.Refunded:
		return "the money is back (" + p.Object + ")", p.Amount.Neg().String()
	case ledger.PaymentDeclined:
		return "the card was declined: " + p.Code, ""
	case ledger.PaymentUnclear:
		return fmt.Sprintf("no clear answer from the bank (try %d): asks again with the same key", p.Attempt), ""
	case ledger.PaymentNotified:
		return "the bank reports " + p.Type, ""
	}
	if text, amount, ok := laterWords(e); ok {
		return text, amount
	}
	return string(e.Kind), ""
}

func doubtWords(ds []ledger.Doubt) string {
	var s []string
	for _, d := range ds {
		s = append(s, string(d))
	}
	return strings.Join(s, ", ")
}

// name drops the role before an actor's name.
func name(actor string) string {
	if _, n, ok := strings.Cut(actor, ":"); ok {
		return n
	}
	return actor
}

func spaced(s string) string { return strings.ReplaceAll(s, "_", " ") }
