package projections

import (
	"math/bits"

	"github.com/vouchledger/vouch/ledger"
)

// memory is what the carts of one Carts take their small parts from, so that the
// collector sees few and large ones. What packed carts were made of comes back to it
// for the next ones. A nil memory allocates each.
type memory struct {
	ids  []ledger.ID
	refs []ledger.EvidenceRef

	// desks are lists of picks that visits have grown out of, or that are packed, by the
	// power of two that they have room for.
	desks [maxDesk][][]Pick

	// Of packed carts:
	questions [][]Question
	claims    []*ledger.DetectionRecorded
	decisions []*ledger.ReviewDecided
	settled   []*ledger.VisitSettled
	receipts  []*ledger.ReceiptIssued
}

const (
	partsAtOnce = 128 // that are allocated together

	firstDesk = 16
	maxDesk   = 12 // above 2^11 picks a list is allocated each time
)

// takeBack takes back what c, which nobody has any more, was made of.
func (m *memory) takeBack(c *Cart) {
	m.clear(c.Picks)
	for _, q := range c.Questions {
		if q.Claim != nil {
			m.claims = append(m.claims, q.Claim)
		}
		if q.Decided != nil {
			m.decisions = append(m.decisions, q.Decided)
		}
	}
	if cap(c.Questions) > 0 {
		m.questions = append(m.questions, c.Questions[:0])
	}
	if c.Settled != nil {
		m.settled = append(m.settled, c.Settled)
	}
	if c.lent != nil {
		m.receipts = append(m.receipts, c.lent)
	}
	*c = Cart{}
}

// kept returns a copy of v, where one of the spare values was if there are any.
func kept[T any](spare *[]*T, v T) *T {
	p := last(spare)
	*p = v
	return p
}

// last takes the last of the spare values, or makes one.
func last[T any](spare *[]*T) *T {
	n := len(*spare)
	if n == 0 {
		return new(T)
	}
	p := (*spare)[n-1]
	*spare = (*spare)[:n-1]
	return p
}

// id returns a list of one id.
func (m *memory) id(id ledger.ID) []ledger.ID {
	if m == nil {
		return []ledger.ID{id}
	}
	if len(m.ids) == 0 {
		m.ids = make([]ledger.ID, partsAtOnce)
	}
	l := m.ids[:1:1]
	l[0], m.ids = id, m.ids[1:]
	return l
}

// evidence returns a copy of refs.
func (m *memory) evidence(refs []ledger.EvidenceRef) []ledger.EvidenceRef {
	n := len(refs)
	if n == 0 {
		return nil
	}
	if len(m.refs) < n {
		m.refs = make([]ledger.EvidenceRef, max(partsAtOnce, n))
	}
	l := m.refs[:n:n]
	copy(l, refs)
	m.refs = m.refs[n:]
	return l
}

// roomier gives the picks of a cart room for more. While a visit goes on they lie on a
// desk, which the next visit uses again: picks are large, and a log of visits is many.
func (m *memory) roomier(picks *[]Pick) {
	room := max(firstDesk, 1<<bits.Len(uint(len(*picks))))
	var desk []Pick
	if k := bits.Len(uint(room)) - 1; m != nil && k < maxDesk && len(m.desks[k]) > 0 { //nolint:gosec // positive
		last := len(m.desks[k]) - 1
		desk, m.desks[k] = m.desks[k][last], m.desks[k][:last]
	} else {
		desk = make([]Pick, 0, room)
	}
	desk = append(desk, *picks...)
	m.clear(*picks)
	*picks = desk
}

// ask gives the questions of a cart room, if there are none.
func (m *memory) ask(questions *[]Question) {
	if m == nil || cap(*questions) > 0 {
		return
	}
	if n := len(m.questions); n > 0 {
		*questions, m.questions = m.questions[n-1], m.questions[:n-1]
	}
}

// clear takes a desk back.
func (m *memory) clear(picks []Pick) {
	if c := cap(picks); m != nil && c >= firstDesk && c&(c-1) == 0 {
		if n := bits.Len(uint(c)) - 1; n < maxDesk {
			m.desks[n] = append(m.desks[n], picks[:0])
		}
	}
}

// claim returns a copy of p that shares no list with it but the evidence.
func (m *memory) claim(p *ledger.DetectionRecorded) *ledger.DetectionRecorded {
	c := last(&m.claims)
	items, actions, persons, presence := c.Items[:0], c.Actions[:0], c.Persons[:0], c.Presence[:0]
	*c = *p
	c.Items, c.Actions = append(items, p.Items...), append(actions, p.Actions...)
	c.Persons, c.Presence = append(persons, p.Persons...), append(presence, p.Presence...)
	return c
}
