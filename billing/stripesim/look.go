package stripesim

import (
	"fmt"
	"slices"
)

// Look returns the newest objects of a kind as a client would see them, newest
// first, for people to look at: "payment_intents" (with their charge under
// latest_charge), "setup_intents", "refunds", "disputes", "warnings",
// "payouts", "balance_transactions" and "events" (with what became of the
// webhook under delivery). It is not written down as a request is. A kind that
// is not there has none.
func (s *Sim) Look(kind string, most int) []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &tx{sim: s, now: s.now().Unix()}
	st := &s.state
	switch kind {
	case "payment_intents":
		with := form{"expand[0]": {"latest_charge"}}
		return newest(st.intents, most, func(p intent) wire { return t.intentWire(p, with) })
	case "setup_intents":
		return newest(st.setups, most, t.setupWire)
	case "refunds":
		return newest(st.refunds, most, t.refundWire)
	case "disputes":
		return newest(st.disputes, most, t.disputeWire)
	case "warnings":
		return newest(st.warnings, most, t.warningWire)
	case "payouts":
		return newest(st.payouts, most, t.payoutWire)
	case "balance_transactions":
		return newest(st.balances, most, t.balanceWire)
	case "events":
		return newest(st.events, most, func(e event) wire {
			w := s.eventWire(e, APIVersion)
			w["delivery"] = e.Delivery
			return w
		})
	}
	return nil
}

func newest[T interface{ id() string }](tab table[T], most int, render func(T) wire) []wire {
	var out []wire
	for _, id := range slices.Backward(tab.ids) {
		if len(out) == most {
			break
		}
		out = append(out, render(tab.byID[id]))
	}
	return out
}

// Funds returns what the account has per currency, available and under way.
func (s *Sim) Funds() (available, underWay map[string]int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	available, underWay = map[string]int64{}, map[string]int64{}
	now := s.now().Unix()
	for currency := range s.state.unpaid {
		_, ready := s.state.ready(currency, now)
		_, all := s.state.ready(currency, always)
		available[currency], underWay[currency] = ready, all-ready
	}
	return available, underWay
}

// Resend sends an event to the webhook once more, whatever became of it.
func (s *Sim) Resend(event string) error {
	if !s.hooks.listening() {
		return fmt.Errorf("resend %s: %w: nobody listens", event, ErrState)
	}
	s.mu.Lock()
	e, ok := s.state.events.byID[event]
	s.mu.Unlock()
	if !ok {
		return fmt.Errorf("resend %s: %w", event, ErrNotFound)
	}
	s.hooks.again(e)
	return nil
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
