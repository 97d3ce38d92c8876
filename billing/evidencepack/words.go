package evidencepack

import (
	"fmt"
	"strings"

	"github.com/vouchledger/vouch/ledger"
)

// words says what happened, for somebody who knows cards and not our shop.
// What has no words is machinery and is left out.
func (f *folding) words(e ledger.Event) string {
	switch d := e.Payload.(type) { // the rest is about money or machinery
	case ledger.GatePresented:
		return fmt.Sprintf("%s shown at %s, by a party of %d", credential(d.Credential), d.Gate, d.Party)
	case ledger.GateEntered:
		return fmt.Sprintf("Card authorised for %s; %s opens", d.Hold, d.Gate)
	case ledger.GateExited:
		return fmt.Sprintf("Leaves through %s", d.Gate)
	case ledger.DetectionRecorded:
		return f.sighting(d)
	case ledger.DetectionReverified:
		return f.secondLook(d)
	case ledger.DetectionAttributed:
		return f.action(d.Action, d.Quantity, d.SKU) + ", assigned to this visit by a decision"
	case ledger.ReviewRequested:
		return "A person is asked to look"
	case ledger.ReviewDecided:
		return "Reviewed by " + person(d.Reviewer) + ": " + f.verdict(d)
	case ledger.GateDoubted:
		if d.Doubt == ledger.DoubtTailgated {
			return fmt.Sprintf("%d persons came in at %s on a code for %d", d.Persons, d.Gate, d.Party)
		}
		return "The code opened another gate too"
	case ledger.CartWeighed:
		return weighing(d)
	case ledger.AgeVerified:
		return "Age verified"
	case ledger.ReceiptProvisional:
		return fmt.Sprintf("Provisional receipt over %s", d.Document.Gross)
	case ledger.ReceiptIssued:
		return fmt.Sprintf("Receipt %s over %s", d.Document.Number, d.Document.Gross)
	case ledger.ReceiptCorrected:
		return fmt.Sprintf("Receipt %s corrects %s by %s", d.Document.Number, d.Document.Corrects, d.Change)
	case ledger.DisputeOpened:
		return fmt.Sprintf("Shopper complains about line %d: %s", d.Line, spaced(string(d.Claim)))
	case ledger.DisputeDecided:
		return "Complaint decided by " + person(d.Reviewer) + ": " + spaced(string(d.Outcome))
	}
	return moneyWords(e.Payload)
}

func weighing(d ledger.CartWeighed) string {
	if d.Unknown > 0 {
		return fmt.Sprintf("Cart weighed on %s: %d g, with %d goods of unknown weight", d.Device, d.Measured, d.Unknown)
	}
	return fmt.Sprintf("Cart weighed on %s: %d g, where its goods weigh %d g", d.Device, d.Measured, d.Expected)
}

func moneyWords(p ledger.Payload) string {
	switch d := p.(type) { // all others are machinery
	case ledger.Held:
		return fmt.Sprintf("Bank authorises %s (%s)", d.Amount, d.Object)
	case ledger.Incremented:
		return fmt.Sprintf("Bank raises the authorisation to %s", d.Amount)
	case ledger.Captured:
		return fmt.Sprintf("Charged %s (%s)", d.Amount, d.Object)
	case ledger.Charged:
		return fmt.Sprintf("Charged %s (%s)", d.Amount, d.Object)
	case ledger.Refunded:
		return fmt.Sprintf("Refunded %s (%s)", d.Amount, d.Object)
	case ledger.RefundFailed:
		return fmt.Sprintf("Refund of %s came back (%s)", d.Amount, d.Code)
	case ledger.ExternalObserved:
		return fmt.Sprintf("%s of %s made by staff (%s)", capital(string(d.What)), d.Amount, d.Object)
	case ledger.GoodwillGranted:
		return fmt.Sprintf("Goodwill of %s granted", d.Amount)
	}
	return ""
}

// sighting says what a sensor saw, by its best reading.
func (f *folding) sighting(d ledger.DetectionRecorded) string {
	var sku ledger.SKU
	var what ledger.Action
	if len(d.Items) > 0 {
		sku = d.Items[0].SKU
	}
	if len(d.Actions) > 0 {
		what = d.Actions[0].Action
	}
	s := f.action(what, d.Quantity, sku)
	if d.Slot != "" {
		s += " at " + d.Slot
	}
	if d.Grams != 0 {
		s += fmt.Sprintf(", shelf weight %+d g", d.Grams)
	}
	return s + ", seen by " + string(d.Sensor)
}

// secondLook says what a model found in the stored pictures afterwards. It is
// told whatever it found: a bank that asks gets all of it.
func (f *folding) secondLook(d ledger.DetectionReverified) string {
	name, _, _ := strings.Cut(d.Model, " ")
	s := "The stored pictures were looked at again by " + name
	if len(d.Items) == 0 {
		return s + ", which is not sure what they show"
	}
	what := f.names[d.Items[0].SKU]
	if what == "" {
		what = string(d.Items[0].SKU)
	}
	agrees := map[ledger.Agreement]string{
		ledger.AgreementAgrees: ", which agrees: ", ledger.AgreementDiffers: ", which differs: ", ledger.AgreementUnsure: ", which is not sure: ",
	}
	return s + agrees[d.Agreement] + what
}

func (f *folding) action(a ledger.Action, n int, sku ledger.SKU) string {
	name := f.names[sku]
	if name == "" {
		name = string(sku)
	}
	verb := map[ledger.Action]string{
		ledger.ActionTake: "Takes", ledger.ActionReturn: "Puts back", ledger.ActionMove: "Moves",
	}[a]
	return strings.TrimSpace(fmt.Sprintf("%s %d × %s", verb, n, name))
}

func (f *folding) verdict(d ledger.ReviewDecided) string {
	if d.Verdict == ledger.VerdictDismissed {
		return "not billed"
	}
	return string(d.Verdict) + ": " + strings.ToLower(f.action(d.Action, d.Quantity, d.SKU)[:1]) + f.action(d.Action, d.Quantity, d.SKU)[1:]
}

// why says why money was given back.
func why(d ledger.RefundIntended) string {
	switch d.Purpose {
	case ledger.RefundGoodwill:
		return "goodwill"
	case ledger.RefundFraudWarning:
		return "on the network's fraud warning"
	case ledger.RefundDuplicate:
		return "charged beyond the receipt"
	case ledger.RefundCorrection:
	}
	return "receipt " + d.Receipt
}

func credential(k ledger.CredentialKind) string {
	switch k {
	case ledger.CredentialQR:
		return "Personal one-use QR code"
	case ledger.CredentialPalm:
		return "Palm"
	case ledger.CredentialCard:
		return "Card"
	case ledger.CredentialStaff:
		return "Staff badge"
	case ledger.CredentialNone:
	}
	return "No credential"
}

// person names who it was, without the role that stands before the name.
func person(actor string) string {
	if role, name, ok := strings.Cut(actor, ":"); ok {
		return name + " (" + role + ")"
	}
	return actor
}

func spaced(s string) string { return strings.ReplaceAll(s, "_", " ") }

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
