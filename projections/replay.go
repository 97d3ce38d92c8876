package projections

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/vouchledger/vouch/ledger"
)

// A Step is one event of a visit and the cart after it.
type Step struct {
	Event ledger.Event
	Cart  *Cart // the reader's own copy
}

// Replay tells the story of a visit: each event of its stream with the cart
// after it. It ends with the first error.
func Replay(events iter.Seq2[ledger.Event, error]) iter.Seq2[Step, error] {
	return func(yield func(Step, error) bool) {
		var c Cart
		for e, err := range events {
			if err == nil {
				err = c.Apply(e)
			}
			if err != nil {
				yield(Step{}, err)
				return
			}
			if !yield(Step{Event: e, Cart: c.Clone()}, nil) {
				return
			}
		}
	}
}

// VerifyReceipts rebuilds every receipt in a visit's stream from the events
// before it, and compares the canonical bytes of the whole payload. Only the
// number and the time come from elsewhere: the time must be the event's own
// occurred time. A difference is a [*MismatchError].
//
// It finds every change of an earlier event that a receipt rests on: product,
// quantity, price, tax, seller, times, confidences, evidence, answers, ids.
// That nothing else in the log was changed is for the tree to prove.
func VerifyReceipts(events iter.Seq2[ledger.Event, error]) error {
	var c Cart
	for e, err := range events {
		if err != nil {
			return err
		}
		if err := due(c.Stream, c.Events, &e.Record); err != nil {
			return err
		}
		if err := verifyReceipt(&c, e); err != nil {
			return err
		}
		if err := c.Apply(e); err != nil {
			return err
		}
	}
	return nil
}

// verifyReceipt compares e, if it is a receipt, with what c gives.
func verifyReceipt(c *Cart, e ledger.Event) error {
	var want ledger.Payload
	var err error
	switch p := e.Payload.(type) { // only receipts are compared
	case ledger.ReceiptProvisional:
		var d ledger.ReceiptDocument
		d, err = BuildDocument(c, "", "", e.Occurred)
		d.Party = partyOf(p.Document, d)
		want = ledger.ReceiptProvisional{Document: d}
	case ledger.ReceiptIssued:
		var d ledger.ReceiptDocument
		d, err = BuildDocument(c, p.Document.Number, "", e.Occurred)
		d.Party = partyOf(p.Document, d)
		want = ledger.ReceiptIssued{Document: d}
	case ledger.ReceiptCorrected:
		var ok bool
		var again ledger.ReceiptCorrected
		again, ok, err = BuildCorrection(c, p.Document.Number, e.Occurred)
		again.Document.Party = partyOf(p.Document, again.Document)
		want = again
		if err == nil && !ok {
			err = fmt.Errorf("%w: no correction was due", ErrNotReplayed)
		}
	default:
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s/%d: %w", e.Stream, e.Revision, err)
	}
	if again, ok := e.Payload.(ledger.ReceiptIssued); ok && c.Issued != nil {
		return &MismatchError{
			Stream: e.Stream, Revision: e.Revision, Field: "document.number",
			Stored: again.Document.Number, Replayed: "a correction of " + c.Issued.Number,
		}
	}
	return compare(e, want)
}

// partyOf returns how many persons a replayed receipt names: none if the stored
// one does not, for receipts of before they did are right too.
func partyOf(stored, replayed ledger.ReceiptDocument) int {
	if stored.Party == 0 {
		return 0
	}
	return replayed.Party
}

// compare returns a *MismatchError unless e holds want to the byte.
func compare(e ledger.Event, want ledger.Payload) error {
	stored, err := ledger.Marshal(e.Payload)
	if err != nil {
		return err
	}
	replayed, err := ledger.Marshal(want)
	if err != nil {
		return err
	}
	if bytes.Equal(stored, replayed) {
		return nil
	}
	m := &MismatchError{Stream: e.Stream, Revision: e.Revision}
	m.Field, m.Stored, m.Replayed, err = firstDifference("", stored, replayed)
	return cmp.Or[error](err, m)
}

// firstDifference returns the path of the first value that differs between
// two JSON texts, and both values.
func firstDifference(path string, a, b []byte) (field, stored, replayed string, err error) {
	as, err := children(a)
	if err != nil {
		return "", "", "", err
	}
	bs, err := children(b)
	if err != nil {
		return "", "", "", err
	}
	for i := range max(len(as), len(bs)) {
		var x, y child
		if i < len(as) {
			x = as[i]
		}
		if i < len(bs) {
			y = bs[i]
		}
		if x.name != y.name || !bytes.Equal(x.value, y.value) {
			name := cmp.Or(x.name, y.name)
			return firstDifference(path+name, x.value, y.value)
		}
	}
	return strings.TrimPrefix(path, "."), string(a), string(b), nil
}

// A child is a member of an object or array, in the order of the text.
type child struct {
	name  string // ".name" or "[3]"
	value json.RawMessage
}

// children returns the members of a JSON object or array; a plain value, or
// nothing, has none.
func children(text []byte) ([]child, error) {
	if len(text) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	open, err := d.Token()
	if err != nil {
		return nil, err
	}
	if open != json.Delim('{') && open != json.Delim('[') {
		return nil, nil
	}
	var cs []child
	for d.More() {
		name := fmt.Sprintf("[%d]", len(cs))
		if open == json.Delim('{') {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			name = fmt.Sprintf(".%v", key)
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return nil, err
		}
		cs = append(cs, child{name, slices.Clone(v)})
	}
	return cs, nil
}
