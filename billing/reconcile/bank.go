package reconcile

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// bank compares payouts with what they consist of, and with the bank's lines.
// Without any statement there is no bank to compare with.
func (m *matcher) bank() error {
	for _, id := range slices.Sorted(maps.Keys(m.payouts)) {
		if err := m.parts(m.payouts[id]); err != nil {
			return fmt.Errorf("payout %s: %w", id, err)
		}
	}
	if len(m.lines) == 0 {
		return nil
	}
	p := m.pair()
	for _, id := range slices.Sorted(maps.Keys(m.payouts)) {
		m.arrived(m.payouts[id], p)
	}
	for _, key := range slices.Sorted(maps.Keys(m.lines)) {
		l := m.lines[key]
		if p.lines[key] == 0 && m.looksLike(l) && m.over(l.Booked) {
			m.found = append(m.found, Difference{
				Class: ledger.ExceptionBank, Subject: l.account + "/" + l.Line, Day: l.Booked, Found: l.Amount,
				Detail: "a line of the bank that is of no payout: " + l.Reference,
			})
		}
	}
	return nil
}

// parts compares a payout with the movements that it consists of.
func (m *matcher) parts(po *payout) error {
	if po.More || len(po.Transactions) == 0 { // not all is known, or the provider does not say
		return nil
	}
	total, unknown := money.Zero(po.Amount.Currency), 0
	for _, id := range po.Transactions {
		t := m.txns[id]
		if t == nil {
			unknown++
			continue
		}
		var err error
		if total, err = total.Add(t.Net); err != nil {
			return err
		}
	}
	if total == po.Amount && unknown == 0 || unknown > 0 && m.young(po.at) {
		return nil
	}
	detail := "the payout is not the sum of its parts"
	if unknown > 0 {
		detail = fmt.Sprintf("%d of its %d parts are not in the provider's balance", unknown, len(po.Transactions))
	}
	m.found = append(m.found, Difference{
		Class: ledger.ExceptionPayout, Subject: po.Payout, Day: po.Arrival, Expected: total, Found: po.Amount, Detail: detail,
	})
	return nil
}

// pairs says which lines were found for each payout, and how many payouts for
// each line. Only one and one is a match.
type pairs struct {
	payouts map[string][]*line // by payout
	named   map[string]bool    // payouts that a line names
	lines   map[string]int     // by key
}

// pair looks for the lines of each payout: those that name it, else those of
// the provider with its amount, around its day.
func (m *matcher) pair() pairs {
	p := pairs{payouts: map[string][]*line{}, named: map[string]bool{}, lines: map[string]int{}}
	references := map[string]int{}
	for _, po := range m.payouts {
		references[po.Reference]++
	}
	keys := slices.Sorted(maps.Keys(m.lines))
	taken := map[string]bool{}
	for _, id := range slices.Sorted(maps.Keys(m.payouts)) {
		po := m.payouts[id]
		for _, key := range keys {
			l := m.lines[key]
			if references[po.Reference] == 1 && l.Names(po.Reference) || l.Names(po.Payout) {
				p.payouts[id], p.named[id], taken[key] = append(p.payouts[id], l), true, true
				p.lines[key]++
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(m.payouts)) {
		po := m.payouts[id]
		if p.named[id] {
			continue
		}
		for _, key := range keys {
			l := m.lines[key]
			if !taken[key] && l.Amount == po.Amount && m.looksLike(l) && m.around(l.Booked, po.Arrival) {
				p.payouts[id] = append(p.payouts[id], l)
				p.lines[key]++
			}
		}
	}
	return p
}

// around reports whether a line of this day can be of a payout of that one.
func (m *matcher) around(booked, arrival ledger.Date) bool {
	b, err := time.Parse(time.DateOnly, string(booked))
	if err != nil {
		return false // no valid event holds one
	}
	a, err := time.Parse(time.DateOnly, string(arrival))
	return err == nil && !b.Before(a.AddDate(0, 0, -1)) && !b.After(a.AddDate(0, 0, m.config.BankDays))
}

// over reports whether the bank has had its time since a day.
func (m *matcher) over(day ledger.Date) bool {
	d, err := time.Parse(time.DateOnly, string(day))
	return err == nil && m.now.After(d.AddDate(0, 0, m.config.BankDays))
}

// arrived compares a payout with the bank's lines that were found for it.
func (m *matcher) arrived(po *payout, p pairs) {
	lines := p.payouts[po.Payout]
	d := Difference{Class: ledger.ExceptionBank, Subject: po.Payout, Day: po.Arrival, Expected: po.Amount}
	switch {
	case po.failed && len(lines) == 0:
		return
	case po.failed: // it came and went back, or is counted by a person
		total, mixed, err := sum(amounts(lines))
		if err == nil && !mixed && total.Minor == 0 {
			return
		}
		d.Found, d.Detail = total, "the payout failed, and the bank has not taken it back"
	case len(lines) == 0:
		d.Detail = "no line of the bank is of this payout"
	case len(lines) > 1:
		d.Detail = fmt.Sprintf("%d lines of the bank may be of this payout", len(lines))
	case p.lines[lines[0].account+"/"+lines[0].Line] > 1:
		d.Found, d.Detail = lines[0].Amount, "one line of the bank may be of several payouts"
	case lines[0].Amount == po.Amount:
		return
	default:
		d.Class, d.Found, d.Detail = ledger.ExceptionPayout, lines[0].Amount, "the bank got another amount than the provider sent"
		d.Subject += "/bank"
	}
	if d.Class == ledger.ExceptionPayout || m.over(po.Arrival) {
		m.found = append(m.found, d)
	}
}

func amounts(lines []*line) []money.Money {
	out := make([]money.Money, len(lines))
	for i, l := range lines {
		out[i] = l.Amount
	}
	return out
}
