package api

import (
	"fmt"

	"github.com/vouchledger/vouch/ledger"
)

// tellOwed tells what is asked for beyond the hold, given up, given as a gift,
// and found out by people.
func (n names) tellOwed(e ledger.Event) (said, bool) {
	s := said{icon: "card", family: "money"}
	switch p := e.Payload.(type) { // called for its group
	case ledger.IncrementIntended:
		s.title, s.minor = "Asks to raise the hold to "+cash(p.Amount), true
	case ledger.Incremented:
		s.title = "Hold raised to " + cash(p.Amount)
	case ledger.ChargeIntended:
		s.title, s.minor = "Asks to charge "+cash(p.Amount)+chargeWords[p.Purpose], true
	case ledger.Charged:
		s.title, s.text = "Charged "+cash(p.Amount), "Without a hold before."
	case ledger.HoldLapsed:
		s.title, s.text = "The hold is gone", "The bank let "+cash(p.Amount)+" go before it was taken."
	case ledger.RefundFailed:
		s.title, s.icon, s.family = "A refund of "+cash(p.Amount)+" came back", "stop", "dispute"
		s.text = "The shopper has not got it; a person finds another way."
	case ledger.ExternalObserved:
		s.title, s.text = externalWords[p.What]+" "+cash(p.Amount), "Done at the payment provider, without an order of ours."
	case ledger.PaymentEscalated:
		s.title, s.icon, s.family, s.text = "A person must look", "eye", "review", p.Reason+"."
		if !n.staff {
			s.text = "The shop is finding out about a payment."
		}
	case ledger.PaymentResolved:
		s.title, s.icon, s.family = "Found out: it never was", "eye", "review"
		if p.Done {
			s.title = "Found out: " + cash(p.Amount) + " moved"
		}
		s.text = "By " + n.person(p.By) + ". " + p.Reason
	case ledger.DebtWrittenOff:
		s.title, s.text = cash(p.Amount)+" is not asked for any more", "By "+n.person(p.By)+": "+p.Reason+"."
	case ledger.GoodwillGranted:
		s.title, s.icon, s.text = cash(p.Amount)+" as a goodwill", "back", "By "+n.person(p.By)+": "+p.Reason
	case ledger.SupplementProposed:
		s.title, s.icon, s.family = cash(p.Amount)+" more, if the shopper agrees", "ask", "review"
		s.text = "An item was found after the receipt. Nothing is taken for it without consent, until " +
			n.moment(p.Deadline) + "."
	case ledger.SupplementAnswered:
		s.title = answerWords[p.Answer]
	case ledger.VisitMatched:
		s.title, s.icon = "The payer is known", "eye"
		s.text = fmt.Sprintf("Found by %s: %s.", n.person(p.By), p.Reason)
	case ledger.CashTaken:
		s.title, s.text = cash(p.Amount)+" paid in cash", "At "+string(p.Till)+"."
	default:
		return said{}, false
	}
	return s, true
}

var chargeWords = map[ledger.ChargePurpose]string{
	ledger.ChargeVisit: " for the visit", ledger.ChargeRemainder: ", which the hold does not cover",
	ledger.ChargeSupplement: ", as agreed", ledger.ChargeDebt: ", which is owed",
}

var externalWords = map[ledger.ExternalWhat]string{
	ledger.ExternalHold: "Held", ledger.ExternalCapture: "Charged", ledger.ExternalRefund: "Refunded",
	ledger.ExternalRelease: "Freed",
}

var answerWords = map[ledger.SupplementAnswer]string{
	ledger.SupplementConsented: "The shopper agrees to pay", ledger.SupplementRefused: "The shopper does not agree",
	ledger.SupplementWaived: "It is given up",
}
