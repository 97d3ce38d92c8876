package story

import (
	"fmt"

	"github.com/vouchledger/vouch/ledger"
)

// laterWords tells what moves money beside the usual way, and the house's
// papers; ok is false for anything else.
func laterWords(e ledger.Event) (text, amount string, ok bool) {
	for _, tell := range []func(ledger.Payload) (string, string){priceWords, chargeWords, claimWords, bookWords, deviceWords} {
		if text, amount = tell(e.Payload); text != "" {
			return text, amount, true
		}
	}
	return "", "", false
}

func priceWords(payload ledger.Payload) (text, amount string) {
	switch p := payload.(type) { // all others are told elsewhere
	case ledger.PromotionSet:
		return "promotion " + p.Promotion.Name + " is set", ""
	case ledger.PromotionPinned:
		return "promotion " + p.Promotion.Name + " may apply", ""
	case ledger.CouponRedeemed:
		return "coupon " + p.Coupon + " is used up", ""
	case ledger.CouponAccepted:
		return "coupon for " + p.Promotion.Name + " is accepted", ""
	case ledger.ItemRepriced:
		return fmt.Sprintf("%s costs less at the exit", p.SKU), p.Unit.String()
	case ledger.AgeVerified:
		if p.Verified {
			return fmt.Sprintf("%s: the shopper is %d or older (%s)", name(p.By), p.MinAge, p.Method), ""
		}
		return fmt.Sprintf("%s: the shopper is not shown to be %d (%s)", name(p.By), p.MinAge, p.Method), ""
	case ledger.GateDoubted:
		if p.Doubt == ledger.DoubtTailgated {
			return fmt.Sprintf("%d persons came in at %s on a code for %d", p.Persons, p.Gate, p.Party), ""
		}
		return fmt.Sprintf("the code opened another gate too: visit %s", p.Other), ""
	case ledger.PalmConsented:
		return fmt.Sprintf("%s agrees to be known by a palm (text %s, %s)", p.Shopper, p.Version, p.Jurisdiction), ""
	case ledger.PalmEnrolled:
		return fmt.Sprintf("a template is made of the palm of %s", p.Shopper), ""
	case ledger.PalmWithdrawn:
		return fmt.Sprintf("%s is not to be known by a palm any more: %s", p.Shopper, p.Reason), ""
	case ledger.PalmRevoked:
		return fmt.Sprintf("the palm of %s is destroyed: %s", p.Shopper, p.Reason), ""
	case ledger.CartWeighed:
		return weighedWords(p), ""
	case ledger.PriceChecked:
		return fmt.Sprintf("%s costs %s on the shelf", p.SKU, p.Shelf), p.Charged.String()
	case ledger.VisitMatched:
		return "the payer is found: " + p.Reason, ""
	}
	return "", ""
}

func weighedWords(p ledger.CartWeighed) string {
	text := fmt.Sprintf("%s weighs the cart: %d g, where %d g are due", p.Device, p.Measured, p.Expected)
	if p.Unknown > 0 {
		text += fmt.Sprintf(" and %d pieces of unknown weight", p.Unknown)
	}
	if p.Passed {
		return text + ", which agrees"
	}
	return text + ", which does not agree"
}

func chargeWords(payload ledger.Payload) (text, amount string) {
	switch p := payload.(type) { // all others are told elsewhere
	case ledger.IncrementIntended:
		return "wants to raise the hold", p.Amount.String()
	case ledger.Incremented:
		return "the bank holds more (" + p.Object + ")", p.Amount.String()
	case ledger.ChargeIntended:
		return "wants to charge without a hold: " + spaced(string(p.Purpose)), p.Amount.String()
	case ledger.Charged:
		return "the card is charged (" + p.Object + ")", p.Amount.String()
	case ledger.HoldLapsed:
		return "the bank let the hold go (" + p.Object + ")", p.Amount.String()
	case ledger.RefundFailed:
		return "the refund came back: " + p.Code, p.Amount.String()
	case ledger.ExternalObserved:
		return "somebody moved money at the bank: " + string(p.What) + " (" + p.Object + ")", p.Amount.String()
	case ledger.PaymentEscalated:
		return "a person must look: " + p.Reason, ""
	case ledger.PaymentResolved:
		return name(p.By) + " found out: " + p.Reason, p.Amount.Decimal()
	case ledger.DebtWrittenOff:
		return name(p.By) + " writes the debt off: " + p.Reason, p.Amount.String()
	case ledger.GoodwillGranted:
		return name(p.By) + " grants goodwill: " + p.Reason, p.Amount.String()
	case ledger.SupplementProposed:
		return "asks whether the shopper pays for what was found later", p.Amount.String()
	case ledger.SupplementAnswered:
		return "supplement " + spaced(string(p.Answer)) + " by " + name(p.By), ""
	case ledger.CashTaken:
		return "paid at " + string(p.Till), p.Amount.String()
	}
	return "", ""
}

func claimWords(payload ledger.Payload) (text, amount string) {
	switch p := payload.(type) { // all others are told elsewhere
	case ledger.FraudWarningReceived:
		return "the card network warns of fraud: " + spaced(p.Type), ""
	case ledger.ChargebackOpened:
		if p.Inquiry {
			return "the card network asks: " + spaced(p.Reason), p.Amount.String()
		}
		return "the card network claims money back: " + spaced(p.Reason), p.Amount.String()
	case ledger.ChargebackFundsMoved:
		if p.Withdrawn {
			return "the bank takes the claimed money", p.Amount.Neg().String()
		}
		return "the bank gives the claimed money back", p.Amount.String()
	case ledger.EvidencePackBuilt:
		return fmt.Sprintf("evidence of %d pages is made", p.Pages), ""
	case ledger.ChargebackAnswered:
		return name(p.By) + " wants to " + string(p.Reply) + " the claim: " + p.Reason, ""
	case ledger.SubmissionIntended:
		return "wants to submit the evidence", ""
	case ledger.EvidenceSubmitted:
		return "the evidence is submitted", ""
	case ledger.EvidenceHeld:
		return name(p.By) + " keeps the evidence of the visit", p.Reason
	case ledger.EvidenceReleased:
		return name(p.By) + " ends a hold on the evidence of the visit", p.Reason
	case ledger.EvidenceExpired:
		return "a piece of evidence is deleted after its time", ""
	case ledger.EvidenceViewed:
		return name(p.By) + " looks at a piece of evidence", ""
	case ledger.ChargebackClosed:
		return "the claim ended: " + spaced(string(p.Outcome)), p.Amount.String()
	}
	return "", ""
}

func bookWords(payload ledger.Payload) (text, amount string) {
	switch p := payload.(type) { // all others are told elsewhere
	case ledger.BalanceRecorded:
		return fmt.Sprintf("%d movements at the bank are noted", len(p.Transactions)), ""
	case ledger.PayoutRecorded:
		return "payout " + p.Payout, p.Amount.String()
	case ledger.PayoutFailed:
		return "payout " + p.Payout + " came back: " + p.Code, p.Amount.String()
	case ledger.BankStatementRecorded:
		return fmt.Sprintf("%d lines of the bank account %s", len(p.Lines), p.Account), ""
	case ledger.ExceptionOpened:
		return "the books differ: " + spaced(string(p.Class)) + " of " + p.Subject, p.Found.Decimal()
	case ledger.ExceptionAssigned:
		return p.Owner + " looks into " + p.Exception, ""
	case ledger.ExceptionClosed:
		return p.Exception + " is explained: " + p.Reason, ""
	case ledger.DayClosed:
		return fmt.Sprintf("day %s is closed, closing %d", p.Day, p.Number), ""
	case ledger.FiscalStarted:
		return "the signing device has begun transaction " + fmt.Sprint(p.Transaction), ""
	case ledger.FiscalSigned:
		return fmt.Sprintf("signed by the device, signature %d", p.Counter), ""
	case ledger.FiscalFailed:
		return "could not be signed: " + p.Detail, ""
	case ledger.NoticeQuarantined:
		return "a notice is kept and not believed: " + p.Reason, ""
	case ledger.ProviderSwept:
		return fmt.Sprintf("%d objects at the bank are compared, %d adopted", p.Objects, p.Adopted), ""
	}
	return "", ""
}
