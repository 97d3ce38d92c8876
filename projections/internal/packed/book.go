package packed

import "github.com/vouchledger/vouch/ledger"

// A Book holds what packed bytes say by number. It only grows. Its zero value is
// ready; it is for one goroutine.
type Book struct {
	texts    texts
	rules    table[ledger.TaxRule]
	sellers  table[ledger.Seller]
	policies table[ledger.Policy]
	prices   table[*ledger.ItemPriced]
}

// A table numbers values.
type table[T comparable] struct {
	all    []T
	number map[T]uint32
	recent []uint32 // by a hash that the caller knows
}

// recentPlaces is enough for the prices of a chain of shops.
const recentPlaces = 1 << 14

// of returns the number of v.
func (t *table[T]) of(v *T, hash uint64) uint64 {
	if t.recent == nil {
		t.recent = make([]uint32, recentPlaces)
	}
	place := &t.recent[hash%recentPlaces]
	if n := *place; int(n) < len(t.all) && t.all[n] == *v {
		return uint64(n)
	}
	n, ok := t.number[*v]
	if !ok {
		if t.number == nil {
			t.number = make(map[T]uint32)
		}
		n = uint32(len(t.all)) //nolint:gosec // there are not so many
		t.all, t.number[*v] = append(t.all, *v), n
	}
	*place = n
	return uint64(n)
}

// texts is a table of texts, of which some thousand are found without a map. Number 0 is
// the empty one.
type texts struct {
	all    []string
	number map[string]uint32
	recent [1 << 12]uint32 // by hash
}

// of returns the number of s.
func (t *texts) of(s string) uint64 {
	if s == "" {
		return 0
	}
	at := hash(s) % uint64(len(t.recent))
	place := &t.recent[at]
	if n := *place; n > 0 && t.all[n] == s {
		return uint64(n)
	}
	if *place > 0 { // another one's: there is a second place
		place = &t.recent[at^1]
		if n := *place; n > 0 && t.all[n] == s {
			return uint64(n)
		}
	}
	n, ok := t.number[s]
	if !ok {
		if t.number == nil {
			t.all, t.number = []string{""}, make(map[string]uint32)
		}
		n = uint32(len(t.all)) //nolint:gosec // there are not so many
		t.all, t.number[s] = append(t.all, s), n
	}
	*place = n
	return uint64(n)
}

// text returns the text with this number.
func (t *texts) text(n uint64) string {
	if n == 0 {
		return ""
	}
	return t.all[n]
}

// hash looks at the length, the first and the last eight bytes: texts that differ
// elsewhere share a place.
func hash(s string) uint64 {
	const prime = 0x9e3779b97f4a7c15
	n := len(s)
	h := uint64(n)
	switch {
	case n >= 8:
		h += (four(s)|four(s[4:])<<32)*prime ^ (four(s[n-8:]) | four(s[n-4:])<<32)
	case n >= 4:
		h += four(s)<<32 | four(s[n-4:])
	default:
		for i := range n {
			h = h<<8 | uint64(s[i])
		}
	}
	return h * prime >> 40
}

// four returns the first four bytes of s.
func four(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
}

// An again finds the few values of one cart that come again.
type again[T comparable] struct {
	all  []T
	last [1 << 6]uint8 // one more than the place of a value, by hash; 0 is none
}

func (a *again[T]) clear() {
	a.all = a.all[:0]
	clear(a.last[:])
}

// place returns how far back v was, or 0: then it is there from now on.
func (a *again[T]) place(v *T, hash byte) int {
	at := &a.last[hash%byte(len(a.last))]
	if n := int(*at); n > 0 && a.all[n-1] == *v {
		return len(a.all) + 1 - n
	}
	if len(a.all) < 1<<8-1 {
		*at = uint8(len(a.all) + 1) //nolint:gosec // compared above
	}
	a.all = append(a.all, *v)
	return 0
}

// back returns the value that was so far back.
func (a *again[T]) back(n uint64) T { return a.all[len(a.all)-int(n)] } //nolint:gosec // given by place
