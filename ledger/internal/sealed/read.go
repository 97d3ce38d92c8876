package sealed

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sort"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/damage"
	"github.com/vouchledger/vouch/ledger/internal/disk"
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

// unpackSlack is room behind what is unpacked: with it the decoder may copy in
// whole words.
const unpackSlack = 64

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
	if b.offset < headBytes || b.offset > p.trailer.sections[0].offset-int64(b.packed) || b.raw > p.trailer.maxBlock ||
		uint64(b.first) >= p.Count {
		return b, p.bad(p.trailer.sections[0].offset+int64(i)*blockEntry, p.First, "block %d at %d of %d bytes from ordinal %d",
			i, b.offset, b.packed, b.first)
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
	if err := disk.Guard(func() error { return p.place(d, b) }); err != nil {
		d.Reason += "; nor do the tables hold that say which event and stream it is"
	}
	return d
}

// place says in d which event a block starts with.
func (p *Part) place(d *damage.Error, b block) error {
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
	if errors.Is(err, found) {
		return nil
	}
	return err
}

// A Cursor reads single events, one block in memory at a time. Its zero value
// is ready; it is for one goroutine.
type Cursor struct {
	Cache *Cache // where blocks are looked for and kept; nil for none

	block  *unpackedBlock
	packed []byte
}

// Has reports whether an event lies in the block in memory.
func (c *Cursor) Has(p *Part, ordinal uint32) bool {
	return c.block != nil && c.block.key.part == p && c.block.has(ordinal)
}

// Frame returns the event of an ordinal.
func (c *Cursor) Frame(p *Part, ordinal uint32) (frame.Frame, error) {
	if !c.Has(p, ordinal) {
		if err := c.load(p, ordinal); err != nil {
			return nil, err
		}
	}
	b := c.block.raw[c.block.at[ordinal-c.block.first]:]
	return frame.Frame(b[:binary.LittleEndian.Uint32(b)]), nil // its shape was looked at when it was loaded
}

func (c *Cursor) load(p *Part, ordinal uint32) error {
	blocks, err := p.section(secBlocks)
	if err != nil {
		return err
	}
	i := blockOf(blocks, ordinal)
	if i < 0 {
		return p.bad(p.trailer.sections[0].offset, p.First, "no block holds ordinal %d", ordinal)
	}
	key := blockKey{part: p, i: i}
	if c.block = c.Cache.get(key); c.block != nil {
		return nil
	}
	b, err := p.blockAt(blocks, i)
	if err != nil {
		return err
	}
	u := &unpackedBlock{key: key, first: b.first, raw: make([]byte, 0, b.raw+unpackSlack)}
	if u.raw, c.packed, err = p.unpack(b, u.raw, c.packed); err != nil {
		return err
	}
	for at := 0; at < len(u.raw); {
		f, err := frame.Next(u.raw[at:])
		if err != nil {
			return p.badBlock(b, "%v", err)
		}
		u.at = append(u.at, uint32(at)) //nolint:gosec // within a block
		at += len(f)
	}
	if !u.has(ordinal) {
		return p.badBlock(b, "block %d has no event of ordinal %d", i, ordinal)
	}
	c.Cache.put(u)
	c.block = u
	return nil
}

// An Unpacked is a whole segment in memory, block by block. What it gives out
// stays as it is when it takes in another segment.
type Unpacked struct {
	Part   *Part
	frames []frame.Frame
	order  []uint32 // ordinals by position
}

// Unpack reads the whole segment into u, which may have held another.
func (p *Part) Unpack(u *Unpacked) error {
	u.Part = nil
	clear(u.frames)
	u.frames, u.order = u.frames[:0], u.order[:0]
	total := int64(0)
	err := p.eachBlock(nil, false, func(b block, raw []byte) error {
		if int(b.first) != len(u.frames) {
			return p.badBlock(b, "the block starts with ordinal %d, %d is due", b.first, len(u.frames))
		}
		total += int64(len(raw))
		return p.framesOf(b, raw, func(f frame.Frame) bool {
			u.frames = append(u.frames, f)
			return true
		})
	})
	if err != nil {
		return err
	}
	if uint64(len(u.frames)) != p.Count {
		return p.bad(p.trailer.sections[0].offset, p.First, "%d events where the header says %d", len(u.frames), p.Count)
	}
	if total != p.trailer.raw {
		return p.bad(p.trailer.sections[0].offset, p.First, "blocks of %d bytes, the trailer says %d", total, p.trailer.raw)
	}
	for position := p.First; position <= p.Last(); position++ {
		o, err := p.Ordinal(position)
		if err != nil {
			return err
		}
		u.order = append(u.order, o)
	}
	u.Part = p
	return nil
}

// Scan calls visit for the events in want, all of them if it is nil, by
// ordinal: stream by stream. A frame is lent: it is written over after visit. It
// ends early when visit returns false, and reports whether it went to the end.
func (p *Part) Scan(want *Set, visit func(frame.Frame) bool) (whole bool, err error) {
	whole = true
	ended := errors.New("ended")
	err = p.eachBlock(want, true, func(b block, raw []byte) error {
		o := b.first
		err := p.framesOf(b, raw, func(f frame.Frame) bool {
			if want == nil || uint64(o) < p.Count && want.Has(o) {
				whole = visit(f)
			}
			o++
			return whole
		})
		if err == nil && !whole {
			err = ended
		}
		return err
	})
	if errors.Is(err, ended) {
		err = nil
	}
	return whole, err
}

// eachBlock unpacks the blocks that have an event in want: with lent all into
// the same memory, which is written again after visit, without each into memory of
// its own.
func (p *Part) eachBlock(want *Set, lent bool, visit func(b block, raw []byte) error) error {
	var blocks []byte
	err := disk.Guard(func() error {
		mapped, err := p.section(secBlocks)
		blocks = bytes.Clone(mapped) // visit is not our code, and no fault of it is one of the disk
		return err
	})
	if err != nil {
		return err
	}
	var packed, raw []byte
	for i, n := 0, len(blocks)/blockEntry; i < n; i++ {
		b, err := p.blockAt(blocks, i)
		if err != nil {
			return err
		}
		end := uint32(p.Count) //nolint:gosec // at most maxEvents
		if i+1 < n {
			next, err := p.blockAt(blocks, i+1)
			if err != nil {
				return err
			}
			end = next.first
		}
		if want != nil && !want.any(b.first, end) {
			continue
		}
		if !lent || cap(raw) < b.raw+unpackSlack {
			raw = make([]byte, 0, b.raw+unpackSlack)
		}
		if raw, packed, err = p.unpack(b, raw[:0], packed); err != nil {
			return err
		}
		if err := visit(b, raw); err != nil {
			return err
		}
	}
	return nil
}

// framesOf calls visit for the frames of a block until it returns false.
func (p *Part) framesOf(b block, raw []byte, visit func(frame.Frame) bool) error {
	for at := 0; at < len(raw); {
		f, err := frame.Next(raw[at:])
		if err != nil {
			return p.badBlock(b, "%v", err)
		}
		if !visit(f) {
			return nil
		}
		at += len(f)
	}
	return nil
}

// Frame returns the event of a position.
func (u *Unpacked) Frame(position uint64) (frame.Frame, error) {
	f := u.frames[u.order[position-u.Part.First]]
	if f.Position() != position {
		return nil, u.Part.bad(0, position, "position %d lies where %d is due", f.Position(), position)
	}
	return f, nil
}
