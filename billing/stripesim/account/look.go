package account

import (
	"slices"
)

// Look returns the newest objects of a kind as a client would see them, newest
// first, for people to look at: "payment_intents" (with their charge under
// latest_charge), "setup_intents", "refunds", "disputes", "warnings",
// "payouts", "balance_transactions" and "events" (with what became of the
// webhook under delivery). It is not written down as a request is. A kind that
// is not there has none.
func (s *Account) Look(kind string, most int, now int64) []Wire {
	t := &tx{acc: s, now: now}
	switch kind {
	case "payment_intents":
		with := Form{"expand[0]": {"latest_charge"}}
		return newest(s.intents, most, func(p intent) Wire { return t.intentWire(p, with) })
	case "setup_intents":
		return newest(s.setups, most, t.setupWire)
	case "refunds":
		return newest(s.refunds, most, t.refundWire)
	case "disputes":
		return newest(s.disputes, most, t.disputeWire)
	case "warnings":
		return newest(s.warnings, most, t.warningWire)
	case "payouts":
		return newest(s.payouts, most, t.payoutWire)
	case "balance_transactions":
		return newest(s.balances, most, t.balanceWire)
	case "events":
		return newest(s.events, most, func(e Event) Wire {
			w := s.EventWire(e, APIVersion)
			w["delivery"] = e.Delivery
			return w
		})
	}
	return nil
}

func newest[T interface{ id() string }](tab table[T], most int, render func(T) Wire) []Wire {
	var out []Wire
	for _, id := range slices.Backward(tab.ids) {
		if len(out) == most {
			break
		}
		out = append(out, render(tab.byID[id]))
	}
	return out
}

// Funds returns what the account has per currency, available and under way.
func (s *Account) Funds(now int64) (available, underWay map[string]int64) {
	available, underWay = map[string]int64{}, map[string]int64{}
	for currency := range s.unpaid {
		_, ready := s.ready(currency, now)
		_, all := s.ready(currency, always)
		available[currency], underWay[currency] = ready, all-ready
	}
	return available, underWay
}

// Reasons returns every reason that a dispute can have.
func Reasons() []string {
	var out []string
	for reason := range reasons {
		out = append(out, reason)
	}
	slices.Sort(out)
	return out
}
