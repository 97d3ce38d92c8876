// Package words packs event frames into few bytes and back, by a dictionary that
// is made of the events themselves.
//
// The one idea: the events of a shop say the same few things again and again, in
// the same few forms. A body is cut into forms (its text without its values) and
// values; both are numbers of entries of a dictionary where they repeat, and ids
// are sixteen bytes or the number of an event that has them. What comes out is a
// third of what a general compressor leaves, and is put together again by copying
// alone, several times as fast.
//
// INVARIANT: every frame comes back to the byte, but for its checksum, which is
// zero. Nothing is asked of a body: what is not cut into forms is kept as it is.
//
// # Layout
//
// A number is a varint, the lowest seven bits first, the highest bit set in all
// bytes but the last; a signed number is folded into one: 0, -1, 1, -2, 2 are 0 to 4.
//
// A table, of words or of forms: number of entries 4, little-endian; for each entry
// and for the end the offset of its first byte behind the offsets 4; the entries.
// A word is any bytes. A form is a byte, 1 if a body ends with it and else 0; the
// number of its gaps; and one piece more than gaps, each a number of bytes and
// the bytes.
//
// A value is a number v, whose lower two bits say what it is, and n = v/4:
//
//	0  word n
//	1  the decimal number that n is folded from
//	2  a UUID in its 36 characters: n = 0 for that of the 16 bytes that follow; n = 2
//	   for this event's id, n = 3 for that of the event before it in the block, and so
//	   on; and n = 1 for the second part of the stream's name, whatever it is
//	3  n = 0 for "sha256:" and the 64 hex digits of the 32 bytes that follow; else the
//	   n-1 bytes that follow
//
// A block is events one behind the other. What differs from event to event starts at
// zero with each block. An event is
//
//	 1   flags: 1 another stream, or not the next revision; 2 the cause is an event of
//	     this block; 4 there is another cause; 8 a trace; 16 the body is not JSON;
//	     32 metadata; 64 an append of several events
//	     position, less that of the event before, signed
//	16   event id
//	     recorded, less that of the event before, signed
//	     occurred, less recorded, signed
//	     with 1: two values, which together are the stream's name, and the revision;
//	     otherwise the stream is that of the event before, the revision one more
//	     with 64: place in its append, events in its append
//	     with 2: how many events before this one the cause is; with 4: its 16 bytes
//	     the kind and the actor, each a value
//	16   with 8: the trace
//	     with 32: number of bytes of the metadata, and the bytes
//	     body
//
// A body is forms until one that ends it. Each is the number of the form, then a
// value for each gap; the text is the pieces with the values between them. The number
// is one more than that of the entry: 0 is followed by a number of bytes and the bytes,
// which are the rest of the body.
package words

import (
	"encoding/binary"
	"errors"

	"github.com/vouchledger/vouch/ledger/internal/gaps"
)

// The flags of an event.
const (
	flagMoved = 1 << iota
	flagCauseHere
	flagCause
	flagTrace
	flagBinary
	flagMetadata
	flagSeveral
	flagsKnown = 1<<iota - 1
)

const (
	idText     = 36
	digestName = "sha256:"
	digestText = len(digestName) + 64
)

// errTable means that the bytes of a table do not hold.
var errTable = errors.New("the dictionary does not hold")

var le = binary.LittleEndian

// A Dictionary is the words and forms of a segment.
type Dictionary struct {
	words, forms gaps.Table
}

// Open returns the dictionary in the bytes of its two tables, which it keeps.
func Open(words, forms []byte) (Dictionary, error) {
	w, ok := gaps.OpenTable(words)
	f, too := gaps.OpenTable(forms)
	if !ok || !too {
		return Dictionary{}, errTable
	}
	return Dictionary{words: w, forms: f}, nil
}

// appendTable appends the table of entries to b.
func appendTable(b []byte, entries []string) []byte {
	b = le.AppendUint32(b, uint32(len(entries))) //nolint:gosec // bounded by learning
	at := 0
	for _, e := range entries {
		b = le.AppendUint32(b, uint32(at)) //nolint:gosec // bounded by learning
		at += len(e)
	}
	b = le.AppendUint32(b, uint32(at)) //nolint:gosec // bounded by learning
	for _, e := range entries {
		b = append(b, e...)
	}
	return b
}

// fold makes a signed number one that is small where it is near zero.
func fold(n int64) uint64 { return uint64(n)<<1 ^ uint64(n>>63) } //nolint:gosec // bits
