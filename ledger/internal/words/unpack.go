package words

import (
	"errors"

	"github.com/vouchledger/vouch/ledger/internal/frame"
	"github.com/vouchledger/vouch/ledger/internal/gaps"
)

// errPacked means that packed bytes do not hold.
var errPacked = errors.New("the packed bytes do not hold")

// An Unpacker unpacks blocks. Its zero value is ready; it is for one goroutine.
//
// Its methods take the place in the packed bytes and the place in the frames, and
// return those behind what they have read and written. Where something does not
// hold the first is -1, which no method is given.
type Unpacker struct {
	words, forms gaps.Table
	in, out      []byte

	// Of this block:
	starts             []int  // of the frames in out
	name               []byte // nil before the first
	tail               []byte // second part of the name
	position, revision uint64
	recorded           int64
}

// Unpack fills out, which has the length that all frames of the block have
// together, with them. Their checksums are zero. It checks that they fit and that
// nothing is left over; whether a frame holds is the caller's to see.
func (u *Unpacker) Unpack(d *Dictionary, out, packed []byte) error {
	*u = Unpacker{words: d.words, forms: d.forms, in: packed, out: out, starts: u.starts[:0]}
	i, at := 0, 0
	for i >= 0 && i < len(packed) {
		i, at = u.event(i, at)
	}
	*u = Unpacker{starts: u.starts}
	if i < 0 || at != len(out) {
		return errPacked
	}
	return nil
}

// copied writes the n bytes that b starts with. Where there is room, more is
// written: what comes next writes over it.
func (u *Unpacker) copied(i, at int, b []byte, n uint64) (int, int) {
	if n <= 32 && len(u.out)-at >= 32 && len(b) >= 32 {
		out, b := (*[32]byte)(u.out[at:]), (*[32]byte)(b)
		v, w, x, y := le.Uint64(b[:]), le.Uint64(b[8:]), le.Uint64(b[16:]), le.Uint64(b[24:])
		le.PutUint64(out[:], v)
		le.PutUint64(out[8:], w)
		le.PutUint64(out[16:], x)
		le.PutUint64(out[24:], y)
		return i, at + int(n) //nolint:gosec // small
	}
	if n > uint64(len(b)) || n > uint64(len(u.out)-at) { //nolint:gosec // not negative
		return -1, at
	}
	return i, at + copy(u.out[at:], b[:n])
}

// taken writes the next n bytes as they are.
func (u *Unpacker) taken(i, at int, n uint64) (int, int) {
	if n > uint64(len(u.in)-i) { //nolint:gosec // not negative
		return -1, at
	}
	return u.copied(i+int(n), at, u.in[i:], n) //nolint:gosec // compared above
}

// event reads an event and writes its frame.
func (u *Unpacker) event(i, at int) (int, int) {
	start, flags := at, u.in[i]
	if len(u.out)-at < frame.HeaderBytes || flags&^flagsKnown != 0 {
		return -1, at
	}
	h := (*[frame.HeaderBytes]byte)(u.out[at:])
	*h = [frame.HeaderBytes]byte{}
	u.starts = append(u.starts, at)
	move, i := gaps.Number(u.in, i+1)
	if i < 0 || len(u.in)-i < 16 {
		return -1, at
	}
	copy(h[28:44], u.in[i:])
	later, i := gaps.Number(u.in, i+16)
	before, i := gaps.Number(u.in, i)
	u.position += uint64(gaps.Unfold(move)) //nolint:gosec // wraps and back
	u.recorded += gaps.Unfold(later)
	le.PutUint64(h[8:], u.position)
	le.PutUint64(h[60:], uint64(u.recorded))                     //nolint:gosec // read back as int64
	le.PutUint64(h[68:], uint64(u.recorded+gaps.Unfold(before))) //nolint:gosec // read back as int64
	if i < 0 {
		return -1, at
	}
	if i, at = u.place(h, flags, i, at+frame.HeaderBytes); i < 0 {
		return -1, at
	}
	if i, at = u.text(h, flags, i, at); i < 0 {
		return -1, at
	}
	if i, at = u.body(i, at); i >= 0 {
		le.PutUint32(h[0:], uint32(at-start)) //nolint:gosec // within a block
	}
	return i, at
}

// place reads stream, revision, append and cause.
func (u *Unpacker) place(h *[frame.HeaderBytes]byte, flags byte, i, at int) (int, int) {
	if flags&flagMoved != 0 {
		from := at
		if i, at = u.value(i, at); i < 0 {
			return -1, at
		}
		tail := at
		if i, at = u.value(i, at); i < 0 {
			return -1, at
		}
		u.name, u.tail = u.out[from:at:at], u.out[tail:at:at]
		u.revision, i = gaps.Number(u.in, i)
	} else {
		u.revision++
		i, at = u.copied(i, at, u.name, uint64(len(u.name)))
	}
	index, count := uint64(0), uint64(1)
	if flags&flagSeveral != 0 {
		index, i = gaps.Number(u.in, i)
		count, i = gaps.Number(u.in, i)
	}
	if i < 0 || u.name == nil || len(u.name) > 1<<16-1 || index|count > 1<<16-1 {
		return -1, at
	}
	le.PutUint64(h[16:], u.revision)
	le.PutUint16(h[24:], uint16(index))       //nolint:gosec // looked at above
	le.PutUint16(h[26:], uint16(count))       //nolint:gosec // looked at above
	le.PutUint16(h[76:], uint16(len(u.name))) //nolint:gosec // looked at above
	switch {
	case flags&flagCauseHere != 0:
		var n uint64
		n, i = gaps.Number(u.in, i)
		id := u.back(n)
		if i < 0 || id == nil {
			return -1, at
		}
		copy(h[44:60], id[:])
	case flags&flagCause != 0:
		if len(u.in)-i < 16 {
			return -1, at
		}
		i += copy(h[44:60], u.in[i:])
	}
	return i, at
}

// text reads kind, actor, trace and metadata.
func (u *Unpacker) text(h *[frame.HeaderBytes]byte, flags byte, i, at int) (int, int) {
	from := at
	if i, at = u.value(i, at); i < 0 {
		return -1, at
	}
	kind, from := at-from, at
	if i, at = u.value(i, at); i < 0 {
		return -1, at
	}
	actor := at - from
	if kind > 1<<16-1 || actor > 1<<8-1 {
		return -1, at
	}
	le.PutUint16(h[78:], uint16(kind)) //nolint:gosec // looked at above
	h[80] = byte(actor)
	if flags&flagTrace != 0 {
		h[81] = 16
		if i, at = u.taken(i, at, 16); i < 0 {
			return -1, at
		}
	}
	if flags&flagBinary != 0 {
		h[82] = 1
	}
	if flags&flagMetadata != 0 {
		var n uint64
		if n, i = gaps.Number(u.in, i); i < 0 {
			return -1, at
		}
		le.PutUint32(h[84:], uint32(n)) //nolint:gosec // there are not so many bytes
		return u.taken(i, at, n)
	}
	return i, at
}

// back returns the id of the event that is so many before the last, or nil.
func (u *Unpacker) back(n uint64) *[16]byte {
	if n >= uint64(len(u.starts)) {
		return nil
	}
	at := u.starts[len(u.starts)-1-int(n)] //nolint:gosec // compared above
	return (*[16]byte)(u.out[at+28:])
}

// body reads a body and writes it.
func (u *Unpacker) body(i, at int) (int, int) {
	for {
		n, next := gaps.Number(u.in, i)
		if i = next; i < 0 {
			return -1, at
		}
		if n == 0 {
			if n, i = gaps.Number(u.in, i); i < 0 {
				return -1, at
			}
			return u.taken(i, at, n)
		}
		form, size, ok := u.forms.At(n - 1)
		if !ok || size < 3 {
			return -1, at
		}
		if i, at = u.form(form, size, i, at); i < 0 || form[0] == 1 {
			return i, at
		}
	}
}

// brief is how many bytes are copied at once, whatever the length of a text that is
// not longer: most pieces and words are not, and nothing is called for them.
const brief = 32

// form reads the values of a form of that size and writes its text.
func (u *Unpacker) form(form []byte, size, i, at int) (int, int) {
	left, k := gaps.Number(form, 1)
	if k < 0 {
		return -1, at
	}
	for out := u.out; ; left-- {
		var n uint64
		if k < len(form) && form[k] < 0x80 {
			n, k = uint64(form[k]), k+1
		} else if n, k = gaps.Number(form, k); k < 0 {
			return -1, at
		}
		if n <= brief && len(out)-at >= brief && len(form)-k >= brief {
			*(*[brief]byte)(out[at:]) = *(*[brief]byte)(form[k:])
			at += int(n) //nolint:gosec // at most brief
		} else if i, at = u.copied(i, at, form[k:], n); i < 0 {
			return -1, at
		}
		k += int(n) //nolint:gosec // it was copied
		if left == 0 {
			if k != size {
				return -1, at
			}
			return i, at
		}
		if i, at = u.value(i, at); i < 0 {
			return -1, at
		}
	}
}

// value reads a value and writes its text.
func (u *Unpacker) value(i, at int) (int, int) {
	var v uint64
	switch in := u.in; {
	case i < len(in) && in[i] < 0x80:
		v, i = uint64(in[i]), i+1
	case i+1 < len(in) && in[i+1] < 0x80:
		v, i = uint64(in[i]&0x7f)|uint64(in[i+1])<<7, i+2
	default:
		if v, i = gaps.Number(in, i); i < 0 {
			return -1, at
		}
	}
	n := v >> gaps.SortBits
	switch v & gaps.SortMask {
	case gaps.SortWord:
		w, size, ok := u.words.At(n)
		if !ok {
			return -1, at
		}
		if size <= brief && len(w) >= brief && len(u.out)-at >= brief {
			*(*[brief]byte)(u.out[at:]) = *(*[brief]byte)(w)
			return i, at + size
		}
		return u.copied(i, at, w, uint64(size))
	case gaps.SortInt:
		return u.decimal(i, at, gaps.Unfold(n))
	case gaps.SortID:
		return u.id(i, at, n)
	}
	if n > 0 {
		return u.taken(i, at, n-1)
	}
	if len(u.in)-i < 32 || len(u.out)-at < digestText {
		return -1, at
	}
	at += copy(u.out[at:], digestName)
	for _, c := range u.in[i : i+32] {
		le.PutUint16(u.out[at:], hexPairs[c])
		at += 2
	}
	return i + 32, at
}

// decimal writes n.
func (u *Unpacker) decimal(i, at int, n int64) (int, int) {
	var room [40]byte // copied takes 32 of it
	start, m := 20, uint64(n)
	if n < 0 {
		m = -m
	}
	for m >= 10 {
		start--
		room[start] = byte('0' + m%10)
		m /= 10
	}
	start--
	room[start] = byte('0' + m)
	if n < 0 {
		start--
		room[start] = '-'
	}
	return u.copied(i, at, room[start:], uint64(20-start)) //nolint:gosec // not negative
}

// id reads an id, named by n or following, and writes its text.
func (u *Unpacker) id(i, at int, n uint64) (int, int) {
	var id *[16]byte
	switch {
	case n == gaps.IDTail:
		return u.copied(i, at, u.tail, uint64(len(u.tail)))
	case n >= gaps.IDThis:
		id = u.back(n - gaps.IDThis)
	case len(u.in)-i >= 16:
		id = (*[16]byte)(u.in[i:])
		i += 16
	}
	if id == nil || len(u.out)-at < idText {
		return -1, at
	}
	text := (*[idText]byte)(u.out[at:])
	for k, place := range idPlaces {
		le.PutUint16(text[place:], hexPairs[id[k]])
	}
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return i, at + idText
}

// idPlaces are the places of an id's bytes in its text.
var idPlaces = [16]int{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34}

// hexPairs holds the two digits of each byte, the first one in the lower half.
var hexPairs = func() (t [256]uint16) {
	const digits = "0123456789abcdef"
	for i := range t {
		t[i] = uint16(digits[i>>4]) | uint16(digits[i&15])<<8
	}
	return t
}()
