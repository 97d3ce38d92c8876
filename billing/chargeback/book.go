package chargeback

import (
	"cmp"
	"maps"
	"slices"

	"github.com/vouchledger/vouch/ledger"
)

// A Book is the fold of all claims in a ledger: what an operator looks at. The
// zero value is before the first event.
type Book struct {
	cases map[string]*Case
}

// Apply moves b past e. What is about no claim has no effect; it never fails,
// and has an error only to be a read model like the others.
func (b *Book) Apply(e ledger.Event) error {
	name := Of(e.Payload)
	if name == "" {
		return nil
	}
	c := &Case{}
	if old := b.cases[name]; old != nil {
		*c = *old // readers keep what they were given
	}
	c.Apply(e)
	if b.cases == nil {
		b.cases = map[string]*Case{}
	}
	b.cases[name] = c
	return nil
}

// Get returns a claim by its name at the provider. It must not be changed.
func (b *Book) Get(chargeback string) (*Case, bool) {
	c, ok := b.cases[chargeback]
	return c, ok
}

// All returns the claims: those that are open first, by their deadline, then
// the others, latest first.
func (b *Book) All() []*Case {
	return slices.SortedFunc(maps.Values(b.cases), func(x, y *Case) int {
		if x.Open() != y.Open() {
			if x.Open() {
				return -1
			}
			return 1
		}
		order := x.DueBy.Compare(y.DueBy)
		if !x.Open() {
			order = -x.Closed.Compare(y.Closed)
		}
		return cmp.Or(order, cmp.Compare(x.Chargeback, y.Chargeback))
	})
}

// Open returns how many claims are not decided.
func (b *Book) Open() int {
	n := 0
	for _, c := range b.cases {
		if c.Open() {
			n++
		}
	}
	return n
}
