package api

import (
	"fmt"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// The words of the pages. They are those of docs/terms.md: one word, one
// meaning.

// said is how an event is told: a sentence, what there is to add, the icon and
// the family that gives it its colour.
type said struct {
	title, text, icon, family string
	minor                     bool // machinery; told in small print
}

// names finds what people call things.
type names struct {
	visit   ledger.VisitID
	product func(ledger.SKU) string
	staff   bool
	zone    *time.Location
}

func (n names) whose(v ledger.VisitID) string {
	switch {
	case v == n.visit:
		return "this visit"
	case v == "":
		return "nobody"
	case !n.staff:
		return "another visit"
	}
	return "visit " + shortID(string(v))
}

// shortID is enough of an id to tell two apart in a sentence: the end, because
// ids made in one second begin alike.
func shortID(s string) string {
	if len(s) <= 12 {
		return s
	}
	return "…" + s[len(s)-8:]
}

func (n names) clock(t time.Time) string { return t.In(n.zone).Format("15:04:05") }

func (n names) moment(t time.Time) string { return t.In(n.zone).Format("2 Jan 2006, 15:04") }

// person is how staff is named to the caller.
func (n names) person(actor string) string {
	if actor == "policy" {
		return "the shop's rule"
	}
	role, name, ok := strings.Cut(actor, ":")
	if !ok {
		return actor
	}
	if !n.staff && role != "device" {
		return role
	}
	return role + " " + name
}

// signs are the currencies that people write with a sign before the amount.
var signs = map[money.Currency]string{"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}

func cash(m money.Money) string {
	if m.Currency == "" {
		return ""
	}
	sign, ok := signs[m.Currency]
	if !ok {
		return strings.Replace(m.Decimal(), "-", "−", 1) + " " + string(m.Currency)
	}
	if m.Minor < 0 {
		return "−" + sign + m.Neg().Decimal()
	}
	return sign + m.Decimal()
}

func pieces(n int) string {
	if n == 1 {
		return "1 piece"
	}
	return fmt.Sprintf("%d pieces", n)
}

func times(n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf(" × %d", n)
}

var done = map[ledger.Action]string{
	ledger.ActionTake: "taken", ledger.ActionReturn: "put back", ledger.ActionMove: "put into another slot",
}

var doubtWords = map[ledger.Doubt]string{
	ledger.DoubtItem: "which product", ledger.DoubtAction: "taken or put back", ledger.DoubtPerson: "whose it was",
	ledger.DoubtUnmatched: "put back without having been taken", ledger.DoubtLate: "seen after the receipt",
	ledger.DoubtUnknown: "no visit it could belong to", ledger.DoubtWeight: "what the cart weighs",
	ledger.DoubtTailgated: "more persons came in than the code was for", ledger.DoubtConflict: "one code opened two gates",
}

func doubtsSaid(ds []ledger.Doubt) string {
	var out []string
	for _, d := range ds {
		out = append(out, doubtWords[d])
	}
	return strings.Join(out, ", ")
}

var reasonWords = map[ledger.RefusalReason]string{
	ledger.RefusedForged: "the code is forged", ledger.RefusedExpired: "the code has expired",
	ledger.RefusedNotYet: "the code is from the future", ledger.RefusedReplayed: "the code was used before",
	ledger.RefusedStore: "the code is for another shop", ledger.RefusedUnread: "it is no code of ours",
	ledger.RefusedDeclined: "the card was declined", ledger.RefusedTimeout: "the hold was not decided in time",
	ledger.RefusedInside: "the shopper is inside already", ledger.RefusedDebt: "an earlier visit is owed for",
	ledger.RefusedCopied: "the code is a picture of a code", ledger.RefusedStranger: "nobody is known by it",
}

var claimWords = map[ledger.Claim]string{
	ledger.ClaimNotTaken: "I did not take it", ledger.ClaimQuantity: "It was fewer pieces",
	ledger.ClaimItem: "It was another product", ledger.ClaimNotMe: "It was not me",
	ledger.ClaimPrice: "The price is wrong",
}

var verdictWords = map[ledger.Verdict]string{
	ledger.VerdictConfirmed: "Review: it was as sensed", ledger.VerdictCorrected: "Review: it was something else",
	ledger.VerdictDismissed: "Review: nothing happened", ledger.VerdictDisowned: "Review: not this shopper's visit",
}

var checkWords = map[ledger.LineCheck]string{
	ledger.CheckMachine: "seen by sensors", ledger.CheckReviewed: "checked by a person",
	ledger.CheckPolicy: "by the shop's rule",
}

// tell says what an event means.
func (n names) tell(e ledger.Event) said {
	switch p := e.Payload.(type) { // three groups follow
	case ledger.GatePresented:
		text := "Party of " + fmt.Sprint(p.Party)
		if p.Party == 1 {
			text = "One person"
		}
		return said{
			title: "Code shown at " + string(p.Gate),
			text:  text + ". " + credentialWords(p.Credential), icon: "gate", family: "gate",
		}
	case ledger.GateEntered:
		return said{
			title: "Entered", text: entryWords(p), icon: "gate", family: "gate",
		}
	case ledger.GateRefused:
		return said{
			title: "The gate stayed shut", text: "Because " + reasonWords[p.Reason] + ".", icon: "stop",
			family: "dispute",
		}
	case ledger.GateExited:
		return said{title: "Left by " + string(p.Gate), icon: "exit", family: "gate"}
	}
	if s, ok := n.tellSeen(e); ok {
		return s
	}
	if s, ok := n.tellOffered(e); ok {
		return s
	}
	if s, ok := n.tellBilled(e); ok {
		return s
	}
	if s, ok := n.tellMoney(e); ok {
		return s
	}
	if s, ok := n.tellOwed(e); ok {
		return s
	}
	return said{title: string(e.Kind), icon: "ask", family: "receipt"}
}

func credentialWords(c ledger.CredentialKind) string {
	switch c {
	case ledger.CredentialStaff:
		return "Staff: nothing is held, and nothing is sold."
	case ledger.CredentialNone:
		return "Who pays is not known yet."
	case ledger.CredentialQR, ledger.CredentialPalm, ledger.CredentialCard:
	}
	return "Nobody is inside before the hold stands."
}

func entryWords(p ledger.GateEntered) string {
	if p.Hold.Minor == 0 {
		return "The gate opened without a hold."
	}
	return "A hold of " + cash(p.Hold) + " stands, the gate opened."
}

// tellSeen tells detections, prices and reviews.
func (n names) tellSeen(e ledger.Event) (said, bool) {
	switch p := e.Payload.(type) { // called for its group
	case ledger.DetectionRecorded:
		best, act := p.Items[0], p.Actions[0].Action
		return said{
			title: n.product(best.SKU) + times(p.Quantity) + " " + done[act], icon: actionIcon(act),
			family: "sensor",
		}, true
	case ledger.CartWeighed:
		return n.tellWeighed(p), true
	case ledger.DetectionReverified:
		return n.tellReverified(p), true
	case ledger.GateDoubted:
		return said{title: doubtedTitle(&p), text: doubtedSaid(&p), icon: "ask", family: "review"}, true
	case ledger.DetectionImplicated:
		return said{
			title: "May concern this visit too", text: "A detection elsewhere names this visit as possible.",
			icon: "ask", family: "review",
		}, true
	case ledger.DetectionAttributed:
		return said{
			title: n.product(p.SKU) + times(p.Quantity) + " " + done[p.Action],
			text:  "Recorded elsewhere; a review found that it belongs to this visit.",
			icon:  actionIcon(p.Action), family: "review",
		}, true
	case ledger.ItemPriced:
		return said{
			title: p.Name + " at " + cash(p.Unit), text: "The price in force when it was taken.", icon: "tag",
			family: "receipt", minor: true,
		}, true
	case ledger.PricingFailed:
		return said{
			title: "No price for " + n.product(p.SKU), text: "The visit waits for the catalogue (" + p.Missing + ").",
			icon: "tag", family: "review",
		}, true
	case ledger.ReviewRequested:
		return said{
			title: "Review asked for", icon: "eye", family: "review",
			text: "In doubt: " + doubtsSaid(p.Doubts) + ". " + cash(p.AtRisk) + " at risk, answer by " +
				n.moment(p.Deadline) + ".",
		}, true
	case ledger.ReviewDecided:
		return n.tellReview(p), true
	}
	return said{}, false
}

func actionIcon(a ledger.Action) string {
	if a == ledger.ActionTake {
		return "take"
	}
	return "return"
}

func (n names) tellReview(p ledger.ReviewDecided) said {
	s := said{
		title: verdictWords[p.Verdict], icon: "eye", family: "review",
		text: "Decided by " + n.person(p.Reviewer),
	}
	if p.Verdict != ledger.VerdictDismissed && p.Verdict != ledger.VerdictDisowned {
		s.text += ": " + n.product(p.SKU) + times(p.Quantity) + " " + done[p.Action] + ", " + n.whose(p.Visit)
	}
	s.text += "."
	if p.Reason != "" {
		s.text += " " + p.Reason
	}
	return s
}

// tellBilled tells receipts, disputes and the settlement.
func (n names) tellBilled(e ledger.Event) (said, bool) {
	switch p := e.Payload.(type) { // called for its group
	case ledger.ReceiptProvisional:
		return said{
			title: "Provisional receipt, " + cash(p.Document.Gross), text: "Something is still being looked at.",
			icon: "paper", family: "receipt",
		}, true
	case ledger.ReceiptIssued:
		return said{
			title: "Receipt issued, " + cash(p.Document.Gross), text: "No. " + p.Document.Number,
			icon: "paper", family: "receipt",
		}, true
	case ledger.ReceiptCorrected:
		return said{
			title: "Receipt corrected, " + cash(p.Document.Gross), icon: "paper", family: "receipt",
			text: "No. " + p.Document.Number + " replaces " + p.Document.Corrects + ": " + cash(p.Change) + ".",
		}, true
	case ledger.DisputeOpened:
		s := said{title: "Dispute: “" + claimWords[p.Claim] + "”", icon: "flag", family: "dispute"}
		s.text = fmt.Sprintf("Line %d, %s.", p.Line, pieces(p.Quantity))
		if p.Message != "" {
			s.text += " “" + p.Message + "”"
		}
		return s, true
	case ledger.DisputeDecided:
		return said{
			title: "Dispute " + outcomeWord(p.Outcome), icon: "flag", family: "dispute",
			text: fmt.Sprintf("%s taken off, by %s. %s", pieces(p.Quantity), n.person(p.Reviewer), p.Reason),
		}, true
	case ledger.VisitSettled:
		text := map[ledger.SettledAs]string{
			ledger.SettledCharged: cash(p.Charged) + " was charged.", ledger.SettledNothing: "Nothing is owed.",
			ledger.SettledOwed: cash(p.Owed) + " is owed.",
		}[p.Outcome]
		return said{title: "Settled", text: text, icon: "done", family: "money"}, true
	}
	return said{}, false
}

func outcomeWord(o ledger.DisputeOutcome) string {
	if o == ledger.DisputePartial {
		return "upheld in part"
	}
	return string(o)
}

// tellMoney tells what a payment's stream says.
func (n names) tellMoney(e ledger.Event) (said, bool) {
	s := said{icon: "card", family: "money"}
	switch p := e.Payload.(type) { // called for its group
	case ledger.HoldIntended:
		s.title, s.minor = "Asks for a hold of "+cash(p.Amount), true
	case ledger.CaptureIntended:
		s.title, s.minor = "Asks to charge "+cash(p.Amount), true
	case ledger.ReleaseIntended:
		s.title, s.minor = "Asks to free the hold", true
	case ledger.RefundIntended:
		s.title, s.minor = "Asks to refund "+cash(p.Amount), true
	case ledger.Held:
		s.title = "Hold of " + cash(p.Amount)
	case ledger.Captured:
		s.title, s.text = "Charged "+cash(p.Amount), "What was held beyond that is free again."
	case ledger.Released:
		s.title, s.text = "Hold freed", "Nothing was charged."
	case ledger.Refunded:
		s.title, s.icon = "Refunded "+cash(p.Amount), "back"
	case ledger.PaymentDeclined:
		s.title, s.text, s.icon, s.family = "Declined", "The payment provider said "+p.Code+".", "stop", "dispute"
	case ledger.PaymentUnclear:
		s.title, s.family = "No answer yet", "review"
		s.text = fmt.Sprintf("The payment provider was asked %s; it is asked again under the same key.",
			timesAsked(p.Attempt))
	case ledger.PaymentNotified:
		s.title, s.text, s.minor = "Notice of the payment provider", p.Type+". It moves nothing by itself.", true
	default:
		return said{}, false
	}
	return s, true
}

func timesAsked(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
