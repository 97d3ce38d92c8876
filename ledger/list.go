package ledger

import "encoding/json"

// A List is a slice with one stored form for nothing: "[]", never "null". A
// nil List and an empty one are the same fact.
type List[T any] []T

// MarshalJSON writes a nil list like an empty one.
func (l List[T]) MarshalJSON() ([]byte, error) {
	if len(l) == 0 {
		return []byte("[]"), nil
	}
	return MarshalCanonical([]T(l))
}

// UnmarshalJSON reads a list; an empty one becomes nil, so that equal facts
// are equal values. ("null" is read too, and then found out of stored form.)
func (l *List[T]) UnmarshalJSON(b []byte) error {
	var s []T
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if len(s) == 0 {
		s = nil
	}
	*l = s
	return nil
}

// IsZero reports whether l is empty: such a list is left out where a field
// says omitzero.
func (l List[T]) IsZero() bool { return len(l) == 0 }
