package projections

import (
	"math/bits"
	"slices"

	"github.com/vouchledger/vouch/ledger"
)

// memory is what the carts of one Carts take their small parts from, so that the
// collector sees few and large ones. A nil memory allocates each.
type memory struct {
	ids       []ledger.ID
	refs      []ledger.EvidenceRef
	picks     []Pick
	questions []Question

	// desks are lists of picks that visits have grown out of, or that were billed, by
	// the power of two that they have room for.
	desks [maxDesk][][]Pick
}

const (
	// partsAtOnce is how many parts are allocated together, and picksAtOnce how many
	// picks: with more it would be a large allocation, which is dearer.
	partsAtOnce = 128
	picksAtOnce = 120

	questionsAtOnce = 64

	firstDesk = 8
	maxDesk   = 12 // above 2^11 picks a list is allocated each time
)

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
	room := max(firstDesk, 1<<bits.Len(uint(len(*picks)))) //nolint:gosec // positive
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

// settle gives the picks of a visit that was billed as much memory as they take.
func (m *memory) settle(picks *[]Pick) {
	desk := *picks
	n := len(desk)
	if m == nil || n == 0 || n == cap(desk) {
		return
	}
	if len(m.picks) < n {
		m.picks = make([]Pick, max(picksAtOnce, n))
	}
	*picks = append(m.picks[:0:n], desk...)
	m.picks = m.picks[n:]
	m.clear(desk)
}

// ask gives the questions of a cart room for one more, if there are none.
func (m *memory) ask(questions *[]Question) {
	const few = 2
	if m == nil || len(*questions) > 0 {
		return
	}
	if len(m.questions) < few {
		m.questions = make([]Question, questionsAtOnce)
	}
	*questions = m.questions[:0:few]
	m.questions = m.questions[few:]
}

// clear takes a desk back.
func (m *memory) clear(picks []Pick) {
	if c := cap(picks); m != nil && c >= firstDesk && c&(c-1) == 0 {
		if n := bits.Len(uint(c)) - 1; n < maxDesk { //nolint:gosec // positive
			m.desks[n] = append(m.desks[n], picks[:0])
		}
	}
}

// claimOf returns a copy of p that shares no list with it but the evidence.
func claimOf(p *ledger.DetectionRecorded) *ledger.DetectionRecorded {
	if len(p.Items) > 1 || len(p.Actions) > 1 || len(p.Persons) > 1 || len(p.Presence) > 0 {
		c := *p
		c.Items, c.Actions = slices.Clone(p.Items), slices.Clone(p.Actions)
		c.Persons, c.Presence = slices.Clone(p.Persons), slices.Clone(p.Presence)
		return &c
	}
	c := &struct { // one allocation, as most claims are
		ledger.DetectionRecorded

		items   [1]ledger.ItemHypothesis
		actions [1]ledger.ActionHypothesis
		persons [1]ledger.PersonHypothesis
	}{DetectionRecorded: *p}
	c.Items = append(c.items[:0:1], p.Items...)
	c.Actions = append(c.actions[:0:1], p.Actions...)
	if c.Persons = nil; len(p.Persons) > 0 {
		c.Persons = append(c.persons[:0:1], p.Persons...)
	}
	c.Presence = nil
	return &c.DetectionRecorded
}
