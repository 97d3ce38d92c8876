package ledger

import (
	"fmt"

	"github.com/vouchledger/vouch/ledger/internal/gaps"
)

// A Lent is a record that a log lends: it and its body are written over when the next
// one is asked for. Its body may be still as the log keeps it, in forms and values, for
// a [Decoder] to read without making text of it first.
type Lent struct {
	// Record is the record; its Body is nil if the body is not text yet. See Whole.
	Record *Record

	body *gaps.Body
}

// Lend returns r, whose body is b if it is not nil, as a log of this module lends it.
func Lend(r *Record, b *gaps.Body) Lent { return Lent{Record: r, body: b} }

// Whole returns the record with the text of its body. The body is lent as well where it
// was text.
func (l Lent) Whole() (Record, error) {
	r := *l.Record
	if l.body == nil {
		return r, nil
	}
	text, ok := l.body.Text(nil)
	if !ok {
		return Record{}, inRecord(l.Record, fmt.Errorf("%w: the body cannot be put together", ErrCorrupt))
	}
	r.Body = text
	return r, nil
}
