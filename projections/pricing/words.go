package pricing

import (
	"fmt"
	"strconv"

	"github.com/vouchledger/vouch/ledger"
)

// reason says in words what an offer did on a line.
func (o Offer) reason(per ledger.PriceUnit, v saving) string {
	unit := ""
	if per == ledger.PerKilogram {
		unit = " per kg"
	}
	text := ""
	switch o.Kind {
	case ledger.PromotionPercent:
		text = perCent(o.PerMille) + " off"
	case ledger.PromotionAmount:
		if unit == "" {
			unit = " each"
		}
		text = o.Amount.Decimal() + " off" + unit
	case ledger.PromotionMember:
		text = "members pay " + o.Amount.Decimal() + unit
	case ledger.PromotionNForM:
		text = fmt.Sprintf("%d for %d: %d of %d free", o.Take, o.Pay, v.free, v.pieces)
	case ledger.PromotionMix:
		text = fmt.Sprintf("any %d for %s", o.Take, o.Amount.Decimal())
	}
	if o.Coupon != "" {
		text += ", with a coupon"
	}
	return text
}

// perCent writes thousandths as per cent: "12.5 %".
func perCent(perMille int) string {
	text := strconv.Itoa(perMille / 10)
	if tenth := perMille % 10; tenth != 0 {
		text += "." + strconv.Itoa(tenth)
	}
	return text + " %"
}
