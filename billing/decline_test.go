package billing_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/vouchledger/vouch/billing"
)

// TestEveryDeclineHasAClass: the table is in order, so that a code is found,
// and a code that nobody knows is tried again within the schedule.
func TestEveryDeclineHasAClass(t *testing.T) {
	if !slices.IsSortedFunc(billing.Declines, func(a, b billing.Decline) int { return strings.Compare(a.Code, b.Code) }) {
		t.Error("the table of declines is out of order: a code in it is not found")
	}
	for i, d := range billing.Declines {
		if got := billing.DeclineOf(d.Code); got != d || d.Words == "" || d.Class == "" {
			t.Errorf("DeclineOf(%s) = %+v, want row %d: %+v", d.Code, got, i, d)
		}
	}
	for code, want := range map[string]billing.Class{
		"insufficient_funds": billing.Soft, "lost_card": billing.Fraud, "do_not_try_again": billing.Hard,
		"authentication_required": billing.ActionRequired, "charge_expired_for_capture": billing.Gone,
		"a code of tomorrow": billing.Soft,
	} {
		if got := billing.DeclineOf(code).Class; got != want {
			t.Errorf("DeclineOf(%s).Class = %s, want %s", code, got, want)
		}
	}
}

// TestShopperIsNotToldOfFraud: a thief must not learn that the card is known
// as stolen.
func TestShopperIsNotToldOfFraud(t *testing.T) {
	hard := billing.DeclineOf("expired_card").Words
	for _, d := range billing.Declines {
		if d.Class == billing.Fraud && d.Words != hard {
			t.Errorf("%s tells the shopper %q, want what any other card is told", d.Code, d.Words)
		}
	}
}
