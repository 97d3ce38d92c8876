package api

import (
	"fmt"
	"strings"

	"github.com/vouchledger/vouch/ledger"
)

// tellOffered tells what lowered prices, and who is old enough.
func (n names) tellOffered(e ledger.Event) (said, bool) {
	s := said{icon: "tag", family: "receipt"}
	switch p := e.Payload.(type) { // called for its group
	case ledger.PromotionPinned:
		s.title, s.text, s.minor = "Promotion: "+p.Promotion.Name, "It was in force when something here was taken.", true
	case ledger.CouponAccepted:
		s.title, s.text = "Coupon: "+p.Promotion.Name, "No. "+p.Coupon+". It works once."
	case ledger.ItemRepriced:
		s.title, s.text = n.product(p.SKU)+" at "+cash(p.Unit), "The price at the exit is lower than at the pick, and counts."
	case ledger.AgeVerified:
		s.icon, s.family = "eye", "review"
		s.title = fmt.Sprintf("Old enough for %d", p.MinAge)
		if !p.Verified {
			s.title, s.family = fmt.Sprintf("Not shown to be %d", p.MinAge), "dispute"
		}
		s.text = "Seen by " + n.person(p.By) + " (" + p.Method + ")."
	default:
		return said{}, false
	}
	return s, true
}

// unitSaid says what one piece or one kilogram of a line costs.
func unitSaid(l ledger.ReceiptLine) string {
	text := cash(l.Unit) + " each"
	if l.Per == ledger.PerKilogram {
		text = fmt.Sprintf("%s kg at %s a kilogram", kilograms(l.Grams), cash(l.Unit))
		if l.Scale != "" {
			text += " on " + string(l.Scale)
		}
	}
	if l.Picked.Minor != 0 {
		text += ", at the pick " + cash(l.Picked)
	}
	if l.MinAge > 0 {
		text += fmt.Sprintf(", from %d years", l.MinAge)
	}
	return text
}

// kilograms writes grams with three places: "0.735".
func kilograms(grams int) string { return fmt.Sprintf("%d.%03d", grams/1000, grams%1000) }

// discountsSaid says what lowered a line, one text for each.
func discountsSaid(l ledger.ReceiptLine) []string {
	var out []string
	for _, d := range l.Discounts {
		out = append(out, strings.TrimSpace(d.Name+": "+d.Reason)+", "+cash(d.Amount.Neg()))
	}
	return out
}
