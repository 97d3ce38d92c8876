package embedded_test

// Like stranger_test.go, this was written from docs/reference/log-format.md alone.

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
)

// A packedBlock is read from its start.
type packedBlock struct {
	words, forms [][]byte
	in           []byte
	frames       [][]byte
	name, tail   []byte
	position     uint64
	revision     uint64
	recorded     int64
}

// tableOf returns the entries of a table.
func tableOf(b []byte) (entries [][]byte) {
	n := le.Uint32(b)
	rest := b[4+4*(n+1):]
	for i := range n {
		entries = append(entries, rest[le.Uint32(b[4+4*i:]):le.Uint32(b[8+4*i:])])
	}
	return entries
}

func numberIn(in *[]byte) (n uint64) {
	for shift := 0; ; shift += 7 {
		c := (*in)[0]
		*in = (*in)[1:]
		if n |= uint64(c&127) << shift; c < 128 {
			return n
		}
	}
}

func (b *packedBlock) number() uint64 { return numberIn(&b.in) }

// signedOf undoes the folding.
func signedOf(n uint64) int64 {
	if n%2 == 1 {
		return -int64(n/2) - 1
	}
	return int64(n / 2)
}

func (b *packedBlock) bytes(n uint64) []byte {
	taken := b.in[:n]
	b.in = b.in[n:]
	return taken
}

func (b *packedBlock) value(id []byte) []byte {
	v := b.number()
	n := v / 4
	switch {
	case v%4 == 0:
		return b.words[n]
	case v%4 == 1:
		return strconv.AppendInt(nil, signedOf(n), 10)
	case v%4 == 3 && n == 0:
		return []byte("sha256:" + hex.EncodeToString(b.bytes(32)))
	case v%4 == 3:
		return b.bytes(n - 1)
	case n == 1:
		return b.tail
	case n == 0:
		id = b.bytes(16)
	case n > 2:
		id = b.frames[uint64(len(b.frames))-(n-2)][28:44]
	}
	return fmt.Appendf(nil, "%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

func (b *packedBlock) body(id []byte) (text []byte) {
	for {
		n := b.number()
		if n == 0 {
			return append(text, b.bytes(b.number())...)
		}
		form := b.forms[n-1]
		last := form[0] == 1
		form = form[1:]
		for gaps := numberIn(&form); ; gaps-- {
			size := numberIn(&form)
			text = append(text, form[:size]...)
			if form = form[size:]; gaps == 0 {
				break
			}
			text = append(text, b.value(id)...)
		}
		if last {
			return text
		}
	}
}

func (b *packedBlock) event() {
	h := make([]byte, 88)
	flags := b.bytes(1)[0]
	b.position += uint64(signedOf(b.number()))
	le.PutUint64(h[8:], b.position)
	copy(h[28:], b.bytes(16))
	b.recorded += signedOf(b.number())
	le.PutUint64(h[60:], uint64(b.recorded))
	le.PutUint64(h[68:], uint64(b.recorded+signedOf(b.number())))
	if b.revision++; flags&1 != 0 {
		head := bytes.Clone(b.value(nil))
		b.tail = bytes.Clone(b.value(nil))
		b.name, b.revision = append(head, b.tail...), b.number()
	}
	le.PutUint64(h[16:], b.revision)
	le.PutUint16(h[26:], 1)
	if flags&64 != 0 {
		le.PutUint16(h[24:], uint16(b.number()))
		le.PutUint16(h[26:], uint16(b.number()))
	}
	switch n := uint64(len(b.frames)); {
	case flags&2 != 0:
		if back := b.number(); back == 0 {
			copy(h[44:60], h[28:44])
		} else {
			copy(h[44:60], b.frames[n-back][28:44])
		}
	case flags&4 != 0:
		copy(h[44:60], b.bytes(16))
	}
	kind := b.value(h[28:44])
	actor := b.value(h[28:44])
	le.PutUint16(h[76:], uint16(len(b.name)))
	le.PutUint16(h[78:], uint16(len(kind)))
	h[80] = byte(len(actor))
	f := bytes.Join([][]byte{h, b.name, kind, actor}, nil)
	if flags&8 != 0 {
		f[81] = 16
		f = append(f, b.bytes(16)...)
	}
	f[82] = flags >> 4 & 1
	if flags&32 != 0 {
		n := b.number()
		le.PutUint32(f[84:], uint32(n))
		f = append(f, b.bytes(n)...)
	}
	f = append(f, b.body(f[28:44])...)
	le.PutUint32(f, uint32(len(f)))
	b.frames = append(b.frames, f)
}

// unpack returns the frames of a block's packed bytes.
func (s *stranger) unpack(words, forms [][]byte, packed []byte) [][]byte {
	b := packedBlock{words: words, forms: forms, in: packed}
	for len(b.in) > 0 {
		b.event()
	}
	return b.frames
}
