package words

import (
	"encoding/hex"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/frame"
	"github.com/vouchledger/vouch/ledger/internal/gaps"
)

// A Walker goes through packed events without unpacking them: what an event says
// beside its body becomes a record, and the body is left as it is. It is for one
// goroutine.
type Walker struct {
	dict  *gaps.Dictionary
	names []string // words that were kinds or actors, by number
	last  *frame.Names

	in   []byte
	at   int // of the next event
	rec  ledger.Record
	body gaps.Body
	text []byte

	// Of this block:
	streamed           bool
	position, revision uint64
	recorded           int64
}

// NewWalker returns a walker of blocks of a segment with this dictionary, whose bytes
// must stay as they are. Names are remembered from one segment to the next.
func NewWalker(d *Dictionary, names *frame.Names) *Walker {
	w := &Walker{dict: gaps.NewDictionary(d.words, d.forms), last: names}
	w.names = make([]string, d.words.Len())
	return w
}

// Twin returns a walker of other blocks of segments with this dictionary. What one of the
// two has looked up there is there for the other.
func (w *Walker) Twin() *Walker { return &Walker{dict: w.dict, names: w.names, last: w.last} }

// Begin makes packed the block that is gone through.
func (w *Walker) Begin(packed []byte) {
	w.in, w.at, w.streamed = packed, 0, false
	w.position, w.revision, w.recorded = 0, 0, 0
	w.body = gaps.Body{Dict: w.dict, In: packed, IDs: w.body.IDs[:0]}
}

// More reports whether there is a further event.
func (w *Walker) More() bool { return w.at < len(w.in) }

// Next returns the next event. It is lent until Done. Ok is false if the packed bytes
// do not hold.
func (w *Walker) Next() (l ledger.Lent, ok bool) {
	flags, i := w.in[w.at], w.at+1
	if flags&^flagsKnown != 0 {
		return ledger.Lent{}, false
	}
	move, i := gaps.Number(w.in, i)
	if i < 0 || len(w.in)-i < 16 {
		return ledger.Lent{}, false
	}
	r := &w.rec
	copy(r.ID[:], w.in[i:])
	w.body.IDs = append(w.body.IDs, r.ID)
	later, i := gaps.Number(w.in, i+16)
	before, i := gaps.Number(w.in, i)
	w.position += uint64(gaps.Unfold(move)) //nolint:gosec // wraps and back
	w.recorded += gaps.Unfold(later)
	r.Position = w.position
	r.Recorded, r.Occurred = frame.Micro(w.recorded), frame.Micro(w.recorded+gaps.Unfold(before))
	if i = w.place(flags, i); i < 0 {
		return ledger.Lent{}, false
	}
	if i = w.beside(flags, i); i < 0 {
		return ledger.Lent{}, false
	}
	return w.lend(flags, i)
}

// Done goes on behind the event that Next has returned. It reports whether its body
// holds together.
func (w *Walker) Done() bool {
	if w.body.End == 0 {
		w.body.End = w.body.Skip()
	}
	w.at = w.body.End
	return w.at >= 0
}

// lend returns the event whose body starts at i.
func (w *Walker) lend(flags byte, i int) (l ledger.Lent, ok bool) {
	w.body.At, w.body.End = i, 0
	w.rec.Body, w.rec.Binary = nil, flags&flagBinary != 0
	if i >= len(w.in) || w.in[i] != 0 {
		return ledger.Lend(&w.rec, &w.body), i < len(w.in)
	}
	n, i := gaps.Number(w.in, i+1)        // it is as it was
	if i < 0 || n > uint64(len(w.in)-i) { //nolint:gosec // not negative
		return ledger.Lent{}, false
	}
	w.body.End = i + int(n) //nolint:gosec // compared above
	w.rec.Body = w.in[i:w.body.End:w.body.End]
	return ledger.Lend(&w.rec, nil), true
}

// place reads stream, revision, append and cause.
func (w *Walker) place(flags byte, i int) int {
	if flags&flagMoved != 0 {
		w.text, i = w.value(w.text[:0], i)
		head := len(w.text)
		w.text, i = w.value(w.text, i)
		if len(w.text) > 1<<16-1 {
			return -1
		}
		w.rec.Stream, w.streamed = ledger.StreamID(w.text), true
		w.body.Tail = string(w.rec.Stream[head:])
		w.body.Plain = isID(w.text[head:])
		w.revision, i = gaps.Number(w.in, i)
	} else {
		w.revision++
	}
	w.rec.Revision = w.revision
	if flags&flagSeveral != 0 {
		_, i = gaps.Number(w.in, i)
		_, i = gaps.Number(w.in, i)
	}
	if i < 0 || !w.streamed {
		return -1
	}
	w.rec.Cause = ledger.ID{}
	switch {
	case flags&flagCauseHere != 0:
		var n uint64
		n, i = gaps.Number(w.in, i)
		id := w.body.ID(n)
		if i < 0 || id == nil {
			return -1
		}
		w.rec.Cause = *id
	case flags&flagCause != 0:
		if len(w.in)-i < 16 {
			return -1
		}
		i += copy(w.rec.Cause[:], w.in[i:])
	}
	return i
}

// beside reads kind, actor, trace and metadata.
func (w *Walker) beside(flags byte, i int) int {
	r := &w.rec
	var kind string
	kind, i = w.name(i)
	r.Kind = ledger.Kind(kind)
	if r.Actor, i = w.name(i); i < 0 {
		return -1
	}
	r.Trace, r.Metadata = "", nil
	if flags&flagTrace != 0 {
		if len(w.in)-i < 16 {
			return -1
		}
		r.Trace = hex.EncodeToString(w.in[i : i+16])
		i += 16
	}
	if flags&flagMetadata != 0 {
		var n uint64
		if n, i = gaps.Number(w.in, i); i < 0 || n > uint64(len(w.in)-i) { //nolint:gosec // not negative
			return -1
		}
		end := i + int(n) //nolint:gosec // compared above
		r.Metadata, i = w.in[i:end:end], end
	}
	return i
}

// value appends the text of the value at i, which may be -1.
func (w *Walker) value(text []byte, i int) ([]byte, int) {
	if i < 0 {
		return text, -1
	}
	return w.body.Value(text, i)
}

// name returns the text of the value at i as a string, one that was given before if it
// is a word.
func (w *Walker) name(i int) (string, int) {
	v, next := gaps.Number(w.in, i)
	n := v >> gaps.SortBits
	known := next >= 0 && v&gaps.SortMask == gaps.SortWord && n < uint64(len(w.names))
	if known && w.names[n] != "" {
		return w.names[n], next
	}
	if w.text, i = w.value(w.text[:0], i); i < 0 {
		return "", -1
	}
	s := w.last.Name(w.text)
	if known {
		w.names[n] = s
	}
	return s, i
}
