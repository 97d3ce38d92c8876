package words

import (
	"encoding/hex"

	"github.com/vouchledger/vouch/ledger/internal/frame"
	"github.com/vouchledger/vouch/ledger/internal/gaps"
)

// Pack appends the block of frames to b. It also returns how many bytes of it are
// as they were: what a general compressor may still make smaller.
func (p *Packer) Pack(b []byte, frames []frame.Frame) (packed []byte, plain int) {
	p.stream, p.position, p.revision, p.recorded, p.ids, p.plain = nil, 0, 0, 0, p.ids[:0], 0
	for _, f := range frames {
		b = p.event(b, f)
	}
	p.stream = nil
	p.cutter.forget()
	return b, p.plain
}

func (p *Packer) event(b []byte, f frame.Frame) []byte {
	id := f.ID()
	p.ids = append(p.ids, id)
	flags, at := byte(0), len(b)
	b = append(b, 0)
	b = appendNumber(b, fold(int64(f.Position()-p.position))) //nolint:gosec // wraps and back
	b = append(b, id[:]...)
	b = appendNumber(b, fold(f.Recorded()-p.recorded))
	b = appendNumber(b, fold(f.Occurred()-f.Recorded()))
	if string(f.Stream()) != string(p.stream) || f.Revision() != p.revision+1 || p.stream == nil {
		flags |= flagMoved
		p.stream = f.Stream()
		head, tail := splitName(p.stream)
		b = appendNumber(p.value(p.value(b, head, nil), tail, nil), f.Revision())
	}
	p.position, p.recorded, p.revision = f.Position(), f.Recorded(), f.Revision()
	if index, count := f.Batch(); index != 0 || count != 1 {
		flags |= flagSeveral
		b = appendNumber(appendNumber(b, uint64(index)), uint64(count))
	}
	if cause := f.Cause(); !cause.IsZero() {
		if n := p.back(cause); n >= 0 {
			flags |= flagCauseHere
			b = appendNumber(b, uint64(n))
		} else {
			flags |= flagCause
			b = append(b, cause[:]...)
		}
	}
	b = p.value(p.value(b, f.Kind(), nil), f.Actor(), nil)
	if trace := f.Trace(); len(trace) > 0 {
		flags |= flagTrace
		b = append(b, trace...)
	}
	if m := f.Metadata(); len(m) > 0 {
		flags |= flagMetadata
		b = p.bytes(appendNumber(b, uint64(len(m))), m)
	}
	if f.Binary() {
		flags |= flagBinary
		b = p.rest(b, f.Body())
	} else {
		b = p.body(b, f.Body())
	}
	b[at] = flags
	return b
}

// back returns how many events before the last one has the id, or -1. Only the
// nearest are looked at.
func (p *Packer) back(id [16]byte) int {
	const near = 64
	for n := range min(near, len(p.ids)) {
		if p.ids[len(p.ids)-1-n] == id {
			return n
		}
	}
	return -1
}

// bytes appends m as it is.
func (p *Packer) bytes(b, m []byte) []byte {
	p.plain += len(m)
	return append(b, m...)
}

// rest appends what is left of a body.
func (p *Packer) rest(b, m []byte) []byte {
	return p.bytes(appendNumber(append(b, 0), uint64(len(m))), m)
}

func (p *Packer) body(b, body []byte) []byte {
	_, tail := splitName(p.stream)
	done := 0
	if p.cutter.cut(body, func(last bool) bool {
		pieces := append(p.pieces[:0], p.cutter.pieces...)
		form, values := p.cutter.form(last, p.common)
		n, ok := p.formNo[string(form)]
		if !ok {
			p.cutter.pieces, p.pieces = append(p.cutter.pieces[:0], pieces...), pieces
			form, values = p.cutter.form(last, nil)
			if n, ok = p.formNo[string(form)]; !ok {
				return false
			}
		}
		b = appendNumber(b, n+1)
		for _, v := range values {
			b = p.value(b, v, tail)
		}
		done = p.cutter.end()
		return true
	}) {
		return b
	}
	return p.rest(b, body[done:])
}

// value appends v. Tail is the second part of the stream's name, nil where that
// is not known yet.
func (p *Packer) value(b, v, tail []byte) []byte {
	if len(tail) > 0 && string(v) == string(tail) {
		return append(b, gaps.IDTail<<gaps.SortBits|gaps.SortID)
	}
	if isID(v) {
		return p.id(b, v)
	}
	if n, ok := p.wordNo[string(v)]; ok {
		return appendNumber(b, n<<gaps.SortBits) // gaps.SortWord is 0
	}
	if n, ok := integer(v); ok {
		return appendNumber(b, fold(n)<<gaps.SortBits|gaps.SortInt)
	}
	if isDigest(v) {
		return unhex(append(b, gaps.SortBytes), v[len(digestName):])
	}
	return p.bytes(appendNumber(b, uint64(len(v)+1)<<gaps.SortBits|gaps.SortBytes), v) //nolint:gosec // a length
}

func (p *Packer) id(b, text []byte) []byte {
	var id [16]byte
	raw := unhex(unhex(unhex(unhex(unhex(id[:0], text[:8]), text[9:13]), text[14:18]), text[19:23]), text[24:])
	if n := p.back([16]byte(raw)); n >= 0 {
		return appendNumber(b, uint64(n+gaps.IDThis)<<gaps.SortBits|gaps.SortID) //nolint:gosec // n is not negative
	}
	return append(append(b, gaps.IDFollows<<gaps.SortBits|gaps.SortID), raw...)
}

// unhex appends the bytes of digits.
func unhex(b, digits []byte) []byte {
	b, err := hex.AppendDecode(b, digits)
	if err != nil {
		panic("words: " + err.Error()) // the digits were looked at
	}
	return b
}
