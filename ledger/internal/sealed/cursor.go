package sealed

import (
	"encoding/binary"
	"math"

	"github.com/vouchledger/vouch/ledger/internal/frame"
	"github.com/vouchledger/vouch/ledger/internal/words"
)

// A Cursor reads single events, one block in memory at a time. Its zero value
// is ready; it is for one goroutine.
type Cursor struct {
	Cache *Cache // where blocks are looked for and kept; nil for none

	block unpackedBlock
}

// An unpackedBlock is a block in memory. It never changes. Its zero value is none.
type unpackedBlock struct {
	part   *Part
	i      int
	first  uint32 // ordinal of its first event
	events uint32
	frames int    // bytes of its frames
	raw    []byte // its frames, then for each 4 bytes: where it starts
}

// has reports whether an event lies in the block.
func (b *unpackedBlock) has(ordinal uint32) bool { return ordinal-b.first < b.events } // below the first it wraps

// Has reports whether an event lies in the block in memory.
func (c *Cursor) Has(p *Part, ordinal uint32) bool { return c.block.part == p && c.block.has(ordinal) }

// Frame returns the event of an ordinal.
func (c *Cursor) Frame(p *Part, ordinal uint32) (frame.Frame, error) {
	return c.FrameNear(p, ordinal, math.MaxUint32)
}

// FrameNear returns the event of an ordinal, which is likely to lie in a block.
func (c *Cursor) FrameNear(p *Part, ordinal, block uint32) (frame.Frame, error) {
	if !c.Has(p, ordinal) {
		if err := c.load(p, ordinal, int(block)); err != nil {
			return nil, err
		}
	}
	b := &c.block
	f := b.raw[binary.LittleEndian.Uint32(b.raw[b.frames+4*int(ordinal-b.first):]):]
	return frame.Frame(f[:binary.LittleEndian.Uint32(f)]), nil // its shape was looked at when it was loaded
}

// load makes the block that holds an event the one in memory.
func (c *Cursor) load(p *Part, ordinal uint32, near int) error {
	blocks, err := p.section(secBlocks)
	if err != nil {
		return err
	}
	i := near
	if !holds(blocks, i, ordinal) {
		if i = blockOf(blocks, p.Count, ordinal); i < 0 {
			return p.bad(p.trailer.sections[0].offset, p.First, "no block holds ordinal %d", ordinal)
		}
	}
	var ok bool
	if c.block, ok = c.Cache.get(p, i); ok {
		return nil
	}
	b, err := p.blockAt(blocks, i)
	if err != nil {
		return err
	}
	d, err := c.Cache.dictionary(p)
	if err != nil {
		return err
	}
	end, err := p.endOf(blocks, i)
	if err != nil {
		return err
	}
	u, err := p.load(d, b, end)
	if err != nil {
		return err
	}
	if u.i = i; !u.has(ordinal) {
		return p.badBlock(b, "block %d has no event of ordinal %d", i, ordinal)
	}
	c.Cache.put(u)
	c.block = u
	return nil
}

// holds reports whether the tables say that an event lies in block i.
func holds(blocks []byte, i int, ordinal uint32) bool {
	n := len(blocks) / blockEntry
	return i < n && firstOf(blocks, i) <= ordinal && (i+1 == n || ordinal < firstOf(blocks, i+1))
}

// load returns the block, which has the events up to an ordinal, unpacked.
func (p *Part) load(d *words.Dictionary, b block, end uint32) (unpackedBlock, error) {
	if int(end)-int(b.first) > b.raw/frame.HeaderBytes || end <= b.first {
		return unpackedBlock{}, p.badBlock(b, "%d events in a block of %d bytes", int(end)-int(b.first), b.raw)
	}
	u := unpackedBlock{part: p, first: b.first, events: end - b.first, frames: b.raw}
	u.raw = make([]byte, b.raw+4*int(u.events))
	room := unpackers.Get().(*unpacker) //nolint:forcetypeassert // nothing else is put there
	room.part = nil
	err := p.unpack(room, d, b, u.raw[:b.raw:b.raw], 0)
	unpackers.Put(room)
	if err != nil {
		return u, err
	}
	at := 0
	for n := range int(u.events) {
		f, err := frame.Next(u.raw[at:b.raw])
		if err != nil {
			return u, p.badBlock(b, "%v", err)
		}
		binary.LittleEndian.PutUint32(u.raw[b.raw+4*n:], uint32(at)) //nolint:gosec // within a block
		at += len(f)
	}
	if at != b.raw {
		return u, p.badBlock(b, "more than %d events in the block", u.events)
	}
	return u, nil
}
