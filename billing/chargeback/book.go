package chargeback

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/vouchledger/vouch/ledger"
)

// A Book is the fold of all claims in a ledger: what an operator looks at. The
// zero value is before the first event.
type Book struct {
	position uint64
	cases    map[string]*Case
}

// bookState is the stored form of a book.
type bookState struct {
	Position uint64  `json:"position"`
	Cases    []*Case `json:"cases"` // by name
}

// Name names the book's checkpoint file.
func (b *Book) Name() string { return "chargebacks" }

// MarshalBinary returns the state, the same for the same events.
func (b *Book) MarshalBinary() ([]byte, error) {
	s := bookState{Position: b.position, Cases: []*Case{}}
	for _, name := range slices.Sorted(maps.Keys(b.cases)) {
		s.Cases = append(s.Cases, b.cases[name])
	}
	return json.Marshal(s)
}

// UnmarshalBinary makes a zero book what MarshalBinary has returned.
func (b *Book) UnmarshalBinary(text []byte) error {
	var s bookState
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("chargebacks: %w: %w", ledger.ErrCorrupt, err)
	}
	*b = Book{position: s.Position, cases: map[string]*Case{}}
	for _, c := range s.Cases {
		b.cases[c.Chargeback] = c
	}
	return nil
}

// Apply moves b past e. What is about no claim has no effect.
func (b *Book) Apply(e ledger.Event) error {
	if e.Position <= b.position {
		return fmt.Errorf("chargebacks: position %d after %d: %w", e.Position, b.position, ledger.ErrCorrupt)
	}
	b.position = e.Position
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
