package gaps

import (
	"encoding/hex"
	"strconv"
)

// A Body is an event's body in its block.
type Body struct {
	Dict  *Dictionary
	In    []byte          // the block, packed
	At    int             // where the body starts there
	End   int             // the place behind it; 0 while nobody has been there
	Tail  string          // second part of the stream's name
	Plain bool            // Tail is written in JSON as it is
	IDs   [][idBytes]byte // of the block's events up to this one
}

// ID returns the id of the event that is n before this one, or nil.
func (b *Body) ID(n uint64) *[idBytes]byte {
	if n >= uint64(len(b.IDs)) {
		return nil
	}
	return &b.IDs[uint64(len(b.IDs))-1-n]
}

// Skip returns the end of the body, or -1.
func (b *Body) Skip() int {
	i := b.At
	for {
		n, next := Number(b.In, i)
		if i = next; i < 0 {
			return -1
		}
		if n == 0 {
			n, i = Number(b.In, i)
			return b.past(i, n)
		}
		f := b.Dict.Form(n - 1)
		if f == nil {
			return -1
		}
		for range len(f.Gaps) - 1 {
			v, next := Number(b.In, i)
			if i = next; i < 0 {
				return -1
			}
			if v&SortID != 0 { // of an id or of bytes
				if i = b.past(i, following(v)); i < 0 {
					return -1
				}
			}
		}
		if f.Last {
			return i
		}
	}
}

// Fixed reports whether the values from i to the end of the body, where somebody has
// been, mean the same in any event of the segment: none is an id that another event or
// the stream has.
func (b *Body) Fixed(i int) bool {
	for i >= 0 && i < b.End {
		v, at := Number(b.In, i)
		if v&SortMask == SortID && v>>SortBits != IDFollows {
			return false
		}
		i = b.past(at, following(v))
	}
	return i == b.End
}

// past returns the place n bytes behind i, or -1.
func (b *Body) past(i int, n uint64) int {
	if i < 0 || n > uint64(len(b.In)-i) { //nolint:gosec // not negative
		return -1
	}
	return i + int(n) //nolint:gosec // compared above
}

// following returns how many bytes follow the number v of a value.
func following(v uint64) uint64 {
	switch n := v >> SortBits; {
	case v&SortMask == SortID && n == IDFollows:
		return idBytes
	case v&SortMask == SortBytes && n == 0:
		return digestBytes
	case v&SortMask == SortBytes:
		return n - 1
	}
	return 0
}

// Value appends the text of the value at i of the block to text, and returns the
// place behind it, or -1.
func (b *Body) Value(text []byte, i int) ([]byte, int) {
	v, i := Number(b.In, i)
	if i < 0 {
		return text, -1
	}
	at, n := i, v>>SortBits
	if i = b.past(i, following(v)); i < 0 {
		return text, -1
	}
	switch v & SortMask {
	case SortWord:
		w, size, ok := b.Dict.Words.At(n)
		if !ok {
			return text, -1
		}
		return append(text, w[:size]...), i
	case SortInt:
		return strconv.AppendInt(text, Unfold(n), 10), i
	case SortID:
		if n == IDTail {
			return append(text, b.Tail...), i
		}
		id := b.In[at:i]
		if n >= IDThis {
			there := b.ID(n - IDThis)
			if there == nil {
				return text, -1
			}
			id = there[:]
		}
		return AppendID(text, [idBytes]byte(id)), i
	}
	if n == 0 {
		return hex.AppendEncode(append(text, digestName...), b.In[at:i]), i
	}
	return append(text, b.In[at:i]...), i
}

// AppendID appends the 36 characters of a UUID.
func AppendID(text []byte, id [idBytes]byte) []byte {
	var room [36]byte
	hex.Encode(room[:8], id[:4])
	hex.Encode(room[9:13], id[4:6])
	hex.Encode(room[14:18], id[6:8])
	hex.Encode(room[19:23], id[8:10])
	hex.Encode(room[24:], id[10:])
	room[8], room[13], room[18], room[23] = '-', '-', '-', '-'
	return append(text, room[:]...)
}

// Text appends the whole text of the body and reports whether the body holds.
func (b *Body) Text(text []byte) ([]byte, bool) {
	i := b.At
	for {
		n, next := Number(b.In, i)
		if i = next; i < 0 {
			return text, false
		}
		if n == 0 {
			n, i = Number(b.In, i)
			end := b.past(i, n)
			if end < 0 {
				return text, false
			}
			b.End = end
			return append(text, b.In[i:end]...), true
		}
		f := b.Dict.Form(n - 1)
		if f == nil {
			return text, false
		}
		from := 0
		for _, gap := range f.Gaps[:len(f.Gaps)-1] {
			text = append(text, f.Text[from:gap]...)
			if text, i = b.Value(text, i); i < 0 {
				return text, false
			}
			from = gap
		}
		text = append(text, f.Text[from:]...)
		if f.Last {
			b.End = i
			return text, true
		}
	}
}
