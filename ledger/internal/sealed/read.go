package sealed

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sort"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/damage"
	"github.com/vouchledger/vouch/ledger/internal/frame"
)

// decoders are shared by all readings; each unpacks one block at a time, into
// no more room than it is given.
var decoders = sync.Pool{New: func() any {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxRaw),
		zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		panic("sealed: " + err.Error()) // the options are constants
	}
	return d
}}

// A block is an entry of the section blocks.
type block struct {
	offset      int64
	packed, raw int
	first       uint32 // ordinal
	crc         uint32
}

func (p *Part) blockAt(blocks []byte, i int) (block, error) {
	e := blocks[i*blockEntry:]
	le := binary.LittleEndian
	b := block{
		offset: int64(le.Uint64(e)), packed: int(le.Uint32(e[8:])), raw: int(le.Uint32(e[12:])), //nolint:gosec // checked below
		first: le.Uint32(e[16:]), crc: le.Uint32(e[20:]),
	}
	if b.offset < headBytes || b.offset > p.trailer.sections[0].offset-int64(b.packed) || b.raw > p.trailer.maxBlock {
		return b, p.bad(p.trailer.sections[0].offset+int64(i)*blockEntry, p.First, "block %d at %d of %d bytes",
			i, b.offset, b.packed)
	}
	return b, nil
}

// blockOf returns the number of the block that holds an ordinal.
func blockOf(blocks []byte, ordinal uint32) int {
	n := len(blocks) / blockEntry
	return sort.Search(n, func(i int) bool {
		return binary.LittleEndian.Uint32(blocks[i*blockEntry+16:]) > ordinal
	}) - 1
}

// unpack appends the content of block b to raw, reading through packed, which
// it returns for the next use.
func (p *Part) unpack(b block, raw, packed []byte) (appended, buf []byte, err error) {
	if cap(packed) < b.packed {
		packed = make([]byte, max(b.packed, blockBytes))
	}
	packed = packed[:b.packed]
	if _, err := p.file.ReadAt(packed, b.offset); err != nil {
		return raw, packed, fmt.Errorf("read %s at %d: %w", p.name, b.offset, err)
	}
	if got := frame.Checksum(p.seed, packed); got != b.crc {
		return raw, packed, p.badBlock(b, "checksum of the block is %08x, the table says %08x", got, b.crc)
	}
	decoder := decoders.Get().(*zstd.Decoder) //nolint:forcetypeassert // nothing else is put there
	n := len(raw)
	raw = slices.Grow(raw, b.raw)
	raw, err = decoder.DecodeAll(packed, raw)
	decoders.Put(decoder)
	if err != nil {
		return raw, packed, p.badBlock(b, "block does not unpack: %v", err)
	}
	if len(raw)-n != b.raw {
		return raw, packed, p.badBlock(b, "block of %d bytes unpacks to %d", b.raw, len(raw)-n)
	}
	return raw, packed, nil
}

// badBlock is damage of a block, with its first event and that event's stream.
func (p *Part) badBlock(b block, format string, args ...any) error {
	d := &damage.Error{File: p.name, Offset: b.offset, Position: p.First, Reason: fmt.Sprintf(format, args...)}
	if order, err := p.section(secOrder); err == nil {
		for i := range p.Count {
			if orderAt(order, orderBits(p.Count), i) == b.first {
				d.Position = p.First + i
				break
			}
		}
	}
	found := errors.New("found")
	err := p.EachStream(func(name []byte, e Extent) error {
		if e.Ordinal+e.Count <= b.first {
			return nil
		}
		d.Stream = ledger.StreamID(name)
		return found
	})
	if err != nil && !errors.Is(err, found) {
		d.Reason += "; nor do its streams' names hold"
	}
	return d
}

// A Cursor reads single events, one block in memory at a time. Its zero value
// is ready; it is for one goroutine.
type Cursor struct {
	part   *Part
	block  int
	first  uint32 // ordinal of the block's first event
	raw    []byte
	packed []byte
	at     []uint32 // where each frame starts
}

// Has reports whether an event lies in the block in memory.
func (c *Cursor) Has(p *Part, ordinal uint32) bool {
	return c.part == p && ordinal >= c.first && ordinal < c.first+uint32(len(c.at)) //nolint:gosec // frames of a block
}

// Frame returns the event of an ordinal, valid until the next call.
func (c *Cursor) Frame(p *Part, ordinal uint32) (frame.Frame, error) {
	if !c.Has(p, ordinal) {
		if err := c.load(p, ordinal); err != nil {
			return nil, err
		}
	}
	i := int(ordinal - c.first)
	if i >= len(c.at) {
		return nil, p.bad(0, p.First, "block %d has no event of ordinal %d", c.block, ordinal)
	}
	b := c.raw[c.at[i]:]
	return frame.Frame(b[:binary.LittleEndian.Uint32(b)]), nil // its shape was looked at when it was loaded
}

func (c *Cursor) load(p *Part, ordinal uint32) error {
	c.part, c.at = nil, c.at[:0]
	blocks, err := p.section(secBlocks)
	if err != nil {
		return err
	}
	i := blockOf(blocks, ordinal)
	if i < 0 {
		return p.bad(p.trailer.sections[0].offset, p.First, "no block holds ordinal %d", ordinal)
	}
	b, err := p.blockAt(blocks, i)
	if err != nil {
		return err
	}
	if cap(c.raw) < b.raw {
		c.raw = make([]byte, 0, max(b.raw, blockBytes))
	}
	if c.raw, c.packed, err = p.unpack(b, c.raw[:0], c.packed); err != nil {
		return err
	}
	for at := 0; at < len(c.raw); {
		f, err := frame.Next(c.raw[at:])
		if err != nil {
			return p.badBlock(b, "%v", err)
		}
		c.at = append(c.at, uint32(at)) //nolint:gosec // within a block
		at += len(f)
	}
	c.part, c.block, c.first = p, i, b.first
	return nil
}

// An Unpacked is a whole segment in memory.
type Unpacked struct {
	Part *Part
	raw  []byte
	at   []uint32 // where each frame starts, by ordinal
	pos  []uint32 // the same by position
}

// Unpack reads the whole segment into u, which may have held another.
func (p *Part) Unpack(u *Unpacked) error {
	blocks, err := p.section(secBlocks)
	if err != nil {
		return err
	}
	if _, err := p.section(secOrder); err != nil {
		return err
	}
	u.Part = nil
	total := int64(0)
	for i := range len(blocks) / blockEntry {
		b, err := p.blockAt(blocks, i)
		if err != nil {
			return err
		}
		total += int64(b.raw)
	}
	if total != p.trailer.raw {
		return p.bad(p.trailer.sections[0].offset, p.First, "blocks of %d bytes, the trailer says %d", total, p.trailer.raw)
	}
	if int64(cap(u.raw)) < p.trailer.raw {
		u.raw = make([]byte, 0, p.trailer.raw+p.trailer.raw/8)
	}
	u.raw, u.at = u.raw[:0], u.at[:0]
	var packed []byte
	for i := range len(blocks) / blockEntry {
		b, err := p.blockAt(blocks, i)
		if err != nil {
			return err
		}
		if int(b.first) != len(u.at) {
			return p.badBlock(b, "block %d starts with ordinal %d, %d is due", i, b.first, len(u.at))
		}
		from := len(u.raw)
		if u.raw, packed, err = p.unpack(b, u.raw, packed); err != nil {
			return err
		}
		for at := from; at < len(u.raw); {
			f, err := frame.Next(u.raw[at:])
			if err != nil {
				return p.badBlock(b, "%v", err)
			}
			u.at = append(u.at, uint32(at)) //nolint:gosec // a segment is below 4 GiB
			at += len(f)
		}
	}
	if uint64(len(u.at)) != p.Count {
		return p.bad(p.trailer.sections[0].offset, p.First, "%d events where the header says %d", len(u.at), p.Count)
	}
	u.pos = u.pos[:0]
	for position := p.First; position <= p.Last(); position++ {
		o, err := p.Ordinal(position)
		if err != nil {
			return err
		}
		u.pos = append(u.pos, u.at[o])
	}
	u.Part = p
	return nil
}

// Ordinal returns the event of an ordinal.
func (u *Unpacked) Ordinal(o uint32) frame.Frame {
	f := u.raw[u.at[o]:]
	return frame.Frame(f[:binary.LittleEndian.Uint32(f)])
}

// Frame returns the event of a position.
func (u *Unpacked) Frame(position uint64) (frame.Frame, error) {
	b := u.raw[u.pos[position-u.Part.First]:]
	f := frame.Frame(b[:binary.LittleEndian.Uint32(b)])
	if f.Position() != position {
		return nil, u.Part.bad(0, position, "position %d lies where %d is due", f.Position(), position)
	}
	return f, nil
}
