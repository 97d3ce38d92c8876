package api

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/web"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
)

// maxAgain bounds what a page says of a code that is shown over and over.
const maxAgain = 3

// shownAgain says where somebody showed the visit's code again, or a picture of it:
// the gate stayed shut, and its owner should know. A gate that was cut off tells in
// another way: see [ledger.DoubtConflict].
func (a *API) shownAgain(s *story) (said []string) {
	zone := zoneOf(s.cart.Presented.Seller.Timezone)
	a.s.Visits.View(func(v *projections.Visits) {
		for _, r := range slices.Backward(v.Refusals()) {
			if r.Ticket != s.cart.Presented.Ticket || r.Ticket == "" || r.Reason != ledger.RefusedReplayed && r.Reason != ledger.RefusedCopied {
				continue
			}
			said = append(said, "This code was shown again at "+string(r.Gate)+" on "+r.At.In(zone).Format("2 January, 15:04:05")+
				". The gate stayed shut. If that was not you, somebody has a picture of it; it opens nothing.")
			if len(said) == maxAgain {
				return
			}
		}
	})
	return said
}

// codePage shows a shopper the code that opens a gate. The device itself makes
// what changes in it.
func (a *API) codePage(c echo.Context) error {
	return a.render(c, http.StatusOK, "code", web.CodePage{Frame: frame(c, "Your code", "code"), Palm: a.s.Palms != nil})
}
