package reconcile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// A Difference is a way in which two records of the same money differ.
type Difference struct {
	Class    ledger.ExceptionClass `json:"class"`
	Subject  string                `json:"subject"`
	Store    ledger.StoreID        `json:"store,omitempty"`
	Day      ledger.Date           `json:"day"`
	Expected money.Money           `json:"expected,omitzero"`
	Found    money.Money           `json:"found,omitzero"`
	Detail   string                `json:"detail"`
}

// Key names the difference: the same one has the same key whenever it is found.
func (d Difference) Key() string { return string(d.Class) + "-" + d.Subject }

// A matcher looks at a book at one instant.
type matcher struct {
	*Book
	config Config // complete
	now    time.Time
	found  []Difference
	places map[ledger.StoreID]*time.Location // of shops that were asked about
}

// Differences returns how the records differ at now, by key. What is younger
// than the grace is none yet. Subjects that agree are not looked at again until
// an event names them.
func (b *Book) Differences(now time.Time, c Config) ([]Difference, error) {
	c, err := c.complete()
	if err != nil {
		return nil, err
	}
	return b.differences(now, c)
}

// differences is Differences by complete rules.
func (b *Book) differences(now time.Time, c Config) ([]Difference, error) {
	b.init()
	m := &matcher{Book: b, config: c, now: now, places: map[ledger.StoreID]*time.Location{}}
	var err error
	for s := range b.pending { // in any order: what is found is sorted
		var agree bool
		switch s.kind {
		case "payment":
			agree, err = m.payment(s.id, b.payments[s.id])
		case "refund":
			agree, err = m.refund(s.id, b.refunds[s.id])
		case "claim":
			agree = m.claim(s.id)
		case "transaction":
			agree = m.stale(b.txns[s.id])
		}
		if err != nil {
			return nil, fmt.Errorf("reconcile %s %s: %w", s.kind, s.id, err)
		}
		if agree {
			delete(b.pending, s)
		}
	}
	if err := m.bank(); err != nil {
		return nil, err
	}
	slices.SortFunc(m.found, func(x, y Difference) int { return cmp.Compare(x.Key(), y.Key()) })
	return m.found, nil
}

// differ notes a difference of a visit's money.
func (m *matcher) differ(
	class ledger.ExceptionClass, subject string, visit ledger.VisitID, at time.Time, expected, found money.Money, detail string,
) {
	store := m.visits[visit]
	m.found = append(m.found, Difference{
		Class: class, Subject: subject, Store: store, Day: m.day(store, at), Expected: expected, Found: found, Detail: detail,
	})
}

// day returns the day of an instant where the shop is.
func (m *matcher) day(store ledger.StoreID, at time.Time) ledger.Date {
	zone := m.places[store]
	if zone == nil {
		var err error
		if zone, err = time.LoadLocation(m.zones[store]); err != nil {
			zone = time.UTC
		}
		m.places[store] = zone
	}
	return ledger.Date(at.In(zone).Format(time.DateOnly))
}

// young reports whether an instant is within the grace.
func (m *matcher) young(at time.Time) bool { return m.now.Sub(at) < m.config.grace() }

// sum adds amounts of one currency; mixed says that there are several.
func sum(ms []money.Money) (total money.Money, mixed bool, err error) {
	for i, a := range ms {
		if i == 0 {
			total = money.Zero(a.Currency)
		}
		if a.Currency != total.Currency {
			return total, true, nil
		}
		if total, err = total.Add(a); err != nil {
			return total, false, err
		}
	}
	return total, false, nil
}

// theirs returns the provider's amounts of a movement, and when it last moved.
func (m *matcher) theirs(mv *movement, categories ...string) (amounts []money.Money, last time.Time) {
	for _, id := range mv.theirs {
		if t := m.txns[id]; slices.Contains(categories, t.Category) {
			amounts = append(amounts, t.Amount)
			if t.Created.After(last) {
				last = t.Created
			}
		}
	}
	return amounts, last
}

// payment compares what we captured of a payment with what the provider says.
func (m *matcher) payment(id string, mv *movement) (agree bool, err error) {
	theirs, last := m.theirs(mv, categoryCharge)
	feesAgree, err := m.fees(mv)
	if err != nil {
		return false, err
	}
	ours, _, err := sum(mv.ours)
	if err != nil {
		return false, err
	}
	got, mixed, err := sum(theirs)
	if err != nil {
		return false, err
	}
	at := mv.at
	if last.After(at) {
		at = last
	}
	agree = len(mv.ours) > 0 && len(theirs) > 0 && !mixed && ours == got
	if agree || m.young(at) {
		return agree && feesAgree, nil
	}
	switch {
	case len(theirs) == 0:
		m.differ(ledger.ExceptionMissingAtProvider, id, mv.visit, at, ours, got, "we captured it, and the provider's balance does not show it")
	case len(mv.ours) == 0 && m.takenAlready(mv, got):
		m.differ(ledger.ExceptionDuplicate, id, mv.visit, at, ours, got, "another payment of the same visit took the same amount")
	case len(mv.ours) == 0:
		m.differ(ledger.ExceptionMissingHere, id, mv.visit, at, ours, got, "the provider took it, and no payment of ours says so")
	case mixed || ours.Currency != got.Currency:
		m.differ(ledger.ExceptionCurrency, id, mv.visit, at, ours, got, "captured in one currency, booked by the provider in another")
	case len(theirs) > len(mv.ours) && got.Minor > ours.Minor && slices.Contains(theirs, ours):
		m.differ(ledger.ExceptionDuplicate, id, mv.visit, at, ours, got, "the provider took the same amount more than once")
	default:
		m.differ(ledger.ExceptionAmount, id, mv.visit, at, ours, got, "captured is not what the provider's balance shows")
	}
	return false, nil
}

// takenAlready reports whether another payment of the visit took the amount.
func (m *matcher) takenAlready(mv *movement, amount money.Money) bool {
	if mv.visit == "" {
		return false
	}
	for _, other := range m.payments { // in any order: one is enough
		if other != mv && other.visit == mv.visit && slices.Contains(other.ours, amount) {
			return true
		}
	}
	return false
}

// fees holds the fees of a payment against the table.
func (m *matcher) fees(mv *movement) (agree bool, err error) {
	agree = true
	for _, id := range mv.theirs {
		t := m.txns[id]
		if t.Category != categoryCharge {
			continue
		}
		want, ok, err := m.config.fee(t.Amount)
		if err != nil {
			return false, err
		}
		if diff := t.Fee.Minor - want.Minor; ok && max(diff, -diff) > m.config.Tolerance {
			m.differ(ledger.ExceptionFee, id, mv.visit, t.Created, want, t.Fee, "the provider's fee for "+t.Amount.String()+" is not that of the table")
			agree = false
		}
	}
	return agree, nil
}

// refund compares what we gave back with what the provider says.
func (m *matcher) refund(id string, mv *movement) (agree bool, err error) {
	gave, last := m.theirs(mv, categoryRefund)
	back, lastBack := m.theirs(mv, categoryRefundFailure)
	if lastBack.After(last) {
		last = lastBack
	}
	ours, _, err := sum(mv.ours)
	if err != nil {
		return false, err
	}
	failed, _, err := sum(mv.failed)
	if err != nil {
		return false, err
	}
	got, mixed, err := sum(gave)
	if err != nil {
		return false, err
	}
	returned, _, err := sum(back)
	if err != nil {
		return false, err
	}
	at := mv.at
	if last.After(at) {
		at = last
	}
	agree = len(mv.ours) > 0 && len(gave) > 0 && !mixed && ours == got.Neg() && failed.Minor == returned.Minor
	if agree || m.young(at) {
		return agree, nil
	}
	switch {
	case len(mv.ours) == 0 && len(mv.failed) == 0:
		m.differ(ledger.ExceptionRefund, id, mv.visit, at, ours, got, "the provider gave it back, and no dispute or correction of ours asks for it")
	case len(gave) == 0:
		m.differ(ledger.ExceptionMissingAtProvider, id, mv.visit, at, ours.Neg(), got, "we gave it back, and the provider's balance does not show it")
	case mixed || ours.Currency != got.Currency:
		m.differ(ledger.ExceptionCurrency, id, mv.visit, at, ours.Neg(), got, "given back in one currency, booked by the provider in another")
	case len(gave) > len(mv.ours) && slices.Contains(gave, ours.Neg()):
		m.differ(ledger.ExceptionDuplicate, id, mv.visit, at, ours.Neg(), got, "the provider gave the same amount back more than once")
	case ours != got.Neg():
		m.differ(ledger.ExceptionAmount, id, mv.visit, at, ours.Neg(), got, "given back is not what the provider's balance shows")
	case returned.Minor > failed.Minor:
		m.differ(ledger.ExceptionMissingHere, id, mv.visit, at, failed, returned, "a refund came back to the provider, and we do not know it")
	default:
		m.differ(ledger.ExceptionMissingAtProvider, id, mv.visit, at, failed, returned, "we noted a refund as failed, and the provider's balance does not show it")
	}
	return false, nil
}

// claim compares the money of a chargeback, transaction by transaction.
func (m *matcher) claim(id string) (agree bool) {
	ours, theirs := m.claims[id], m.txns[id]
	switch {
	case ours != nil && theirs != nil && ours.amount == theirs.Amount:
		return true
	case ours == nil:
		if !m.young(theirs.Created) {
			m.differ(ledger.ExceptionChargeback, id, m.visitOf(theirs.Payment), theirs.Created, money.Money{}, theirs.Amount,
				"the provider moved money for a chargeback that we do not know")
		}
	case m.young(ours.at):
	case theirs == nil:
		m.differ(ledger.ExceptionMissingAtProvider, id, ours.visit, ours.at, ours.amount, money.Money{},
			"a chargeback moved it, and the provider's balance does not show it")
	default:
		m.differ(ledger.ExceptionAmount, id, ours.visit, ours.at, ours.amount, theirs.Amount, "a chargeback moved another amount")
	}
	return false
}

// visitOf returns the visit that a payment is of, or none.
func (m *matcher) visitOf(payment string) ledger.VisitID {
	if mv := m.payments[payment]; mv != nil {
		return mv.visit
	}
	return ""
}

// stale finds money that has been available for long and is in no payout.
func (m *matcher) stale(t *ledger.BalanceTransaction) (agree bool) {
	if m.paidIn[t.Transaction] != "" || t.Net.Minor == 0 {
		return true
	}
	if !t.Available.IsZero() && m.now.After(t.Available.AddDate(0, 0, m.config.StaleDays)) {
		visit := t.Visit
		if visit == "" {
			visit = m.visitOf(t.Payment)
		}
		m.differ(ledger.ExceptionStale, t.Transaction, visit, t.Created, t.Net, money.Money{},
			"available since "+t.Available.UTC().Format(time.DateOnly)+" and in no payout")
	}
	return false
}

// looksLike reports whether a bank line is of the provider.
func (m *matcher) looksLike(l *line) bool {
	text := strings.ToUpper(l.Reference + " " + l.Party)
	return slices.ContainsFunc(m.config.Labels, func(w string) bool { return strings.Contains(text, strings.ToUpper(w)) })
}
