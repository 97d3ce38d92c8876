// Package gaps reads bodies as sealed segments keep them: forms, which are text with
// gaps, and the values in the gaps. Package words says how they lie there, and makes
// them.
//
// The one idea: who wants a body's values needs no text of it. The text of a form is
// the same for thousands of events, and most values are words, of which there are few.
//
// The package trusts nothing: what does not hold is told by a place of -1.
package gaps

import (
	"encoding/binary"
	"math"
)

// The sorts of values: the lower two bits of the number that a value starts with.
const (
	SortWord = iota
	SortInt
	SortID
	SortBytes

	SortBits = 2
	SortMask = 1<<SortBits - 1
)

// What the rest of the number says of a value of SortID.
const (
	IDFollows = 0
	IDTail    = 1
	IDThis    = 2 // this event; the ones before it are above
)

const (
	idBytes     = 16
	digestBytes = 32
	digestName  = "sha256:"
)

// Number reads the number at i of b and returns the place behind it, or -1.
func Number(b []byte, i int) (n uint64, end int) {
	if uint(i) < uint(len(b)) && b[i] < 0x80 { //nolint:gosec // -1 becomes large
		return uint64(b[i]), i + 1
	}
	return longNumber(b, i)
}

// longNumber is Number for those of several bytes. It is a call, so that Number is
// none.
//
//go:noinline
func longNumber(b []byte, i int) (n uint64, end int) {
	if i < 0 {
		return 0, -1
	}
	for shift := 0; shift < 64 && i < len(b); shift += 7 {
		c := b[i]
		i++
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return n, i
		}
	}
	return 0, -1
}

// Unfold returns the signed number that u is folded from.
func Unfold(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) } //nolint:gosec // bits

// A Table is entries by number.
type Table struct {
	offsets, bytes []byte
	n              uint64
}

// OpenTable returns the table in b, which it keeps.
func OpenTable(b []byte) (t Table, ok bool) {
	if len(b) < 4 {
		return Table{}, false
	}
	n, b := uint64(binary.LittleEndian.Uint32(b)), b[4:]
	if uint64(len(b))/4 < n+1 {
		return Table{}, false
	}
	return Table{offsets: b[: 4*(n+1) : 4*(n+1)], bytes: b[4*(n+1):], n: n}, true
}

// Len returns how many entries there are.
func (t *Table) Len() uint64 { return t.n }

// At returns the bytes from the start of entry i on, and its length.
func (t *Table) At(i uint64) (b []byte, size int, ok bool) {
	if i >= t.n {
		return nil, 0, false
	}
	o := t.offsets[4*i : 4*i+8]
	from, to := binary.LittleEndian.Uint32(o), binary.LittleEndian.Uint32(o[4:])
	if from > to || uint64(to) > uint64(len(t.bytes)) {
		return nil, 0, false
	}
	return t.bytes[from:], int(to - from), true
}

// NoGap stands behind the places of a form's gaps.
const NoGap = math.MaxInt

// A Form is text with gaps, in which the values are.
type Form struct {
	Text []byte
	Gaps []int // where they are in Text, never falling; then NoGap
	Last bool  // a body ends with it
}

// A Dictionary is the words and forms of a segment, for one goroutine.
type Dictionary struct {
	Words Table
	table Table
	forms []Form
}

// NewDictionary returns the dictionary of the two tables.
func NewDictionary(words, forms Table) *Dictionary {
	return &Dictionary{Words: words, table: forms, forms: make([]Form, forms.Len())}
}

// Forms returns how many forms there are.
func (d *Dictionary) Forms() int { return len(d.forms) }

// Form returns form n, or nil.
func (d *Dictionary) Form(n uint64) *Form {
	if n >= uint64(len(d.forms)) {
		return nil
	}
	f := &d.forms[n]
	if f.Gaps == nil && !d.parse(n, f) {
		return nil
	}
	return f
}

// parse makes f of the entry n.
func (d *Dictionary) parse(n uint64, f *Form) bool {
	b, size, ok := d.table.At(n)
	if !ok || size < 3 {
		return false
	}
	b = b[:size:size]
	gaps, i := Number(b, 1)
	if i < 0 || gaps >= uint64(size) {
		return false
	}
	text, ends := make([]byte, 0, size), make([]int, 0, gaps+1)
	for range gaps + 1 {
		length, at := Number(b, i)
		if at < 0 || length > uint64(size-at) { //nolint:gosec // at is within b
			return false
		}
		i = at + int(length) //nolint:gosec // compared above
		text = append(text, b[at:i]...)
		ends = append(ends, len(text))
	}
	if i != size {
		return false
	}
	ends[gaps] = NoGap
	f.Text, f.Gaps, f.Last = text, ends, b[0] == 1
	return true
}
