package sealed

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/damage"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
	"github.com/vouchledger/vouch/ledger/internal/words"
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

// aheadBytes is how much is read at once by who reads block after block.
const aheadBytes = 256 << 10

// An unpacker is the memory that unpacking takes, used again for each block.
type unpacker struct {
	words  words.Unpacker
	part   *Part  // that read is of; nil if of none
	at     int64  // where read lies
	read   []byte // as it is kept
	packed []byte // what zstd has made of it
}

var unpackers = sync.Pool{New: func() any { return new(unpacker) }}

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

// endOf returns the ordinal behind block i.
func (p *Part) endOf(blocks []byte, i int) (uint32, error) {
	if (i+1)*blockEntry == len(blocks) {
		return uint32(p.Count), nil //nolint:gosec // at most maxEvents
	}
	next, err := p.blockAt(blocks, i+1)
	return next.first, err
}

// firstOf returns the ordinal of the first event of block i.
func firstOf(blocks []byte, i int) uint32 {
	return binary.LittleEndian.Uint32(blocks[i*blockEntry+16:])
}

// blockOf returns the number of the block that holds an ordinal of count, or -1.
// It guesses by how far the ordinal is into what is left, which is right at once
// where blocks have about as many events, and halves what is left where it was not.
func blockOf(blocks []byte, count uint64, ordinal uint32) int {
	first := func(i int) uint64 { return uint64(firstOf(blocks, i)) }
	low, high, at := 0, len(blocks)/blockEntry, uint64(ordinal)
	if high == 0 || first(0) > at {
		return -1
	}
	from, to := first(0), count
	for guess := true; high-low > 1; guess = !guess {
		i := low + (high-low)/2
		if guess && from <= at && at < to {
			i = low + int(uint64(high-low)*(at-from)/(to-from)) //nolint:gosec // below high-low
			i = min(max(i, low+1), high-1)
		}
		if f := first(i); f <= at {
			low, from = i, f
		} else {
			high, to = i, f
		}
	}
	return low
}

// dictionaryIn returns the dictionary in the bytes of the two sections.
func (p *Part) dictionaryIn(w, f []byte) (words.Dictionary, error) {
	d, err := words.Open(w, f)
	if err != nil {
		return d, p.bad(p.trailer.sections[secWords].offset, p.First, "%v", err)
	}
	return d, nil
}

// unpack fills raw, which has the length that the block's frames have together, with
// them. Ahead is as in packed.
func (p *Part) unpack(u *unpacker, d *words.Dictionary, b block, raw []byte, ahead int) error {
	packed, err := p.packed(u, b, ahead)
	if err != nil {
		return err
	}
	if err := u.words.Unpack(d, raw, packed); err != nil {
		return p.badBlock(b, "block does not unpack: %v", err)
	}
	return nil
}

// packed returns the events of a block as they are packed. They are u's, until it is
// used again. It reads what lies ahead, up to so many bytes, into u, for the next
// blocks.
func (p *Part) packed(u *unpacker, b block, ahead int) ([]byte, error) {
	if u.part != p || b.offset < u.at || b.offset+int64(b.packed) > u.at+int64(len(u.read)) {
		n := int(min(int64(max(ahead, b.packed)), p.trailer.sections[0].offset-b.offset))
		if u.part = nil; cap(u.read) < n {
			u.read = make([]byte, max(n, blockBytes))
		}
		u.read = u.read[:n]
		if _, err := p.file.ReadAt(u.read, b.offset); err != nil {
			return nil, fmt.Errorf("read %s at %d: %w", p.name, b.offset, err)
		}
		u.part, u.at = p, b.offset
	}
	kept := u.read[b.offset-u.at:][:b.packed]
	if got := frame.Checksum(p.seed, kept); got != b.crc {
		return nil, p.badBlock(b, "checksum of the block is %08x, the table says %08x", got, b.crc)
	}
	packed, err := u.unzip(kept, b.raw)
	if err != nil {
		return nil, p.badBlock(b, "block does not unpack: %v", err)
	}
	return packed, nil
}

// unzip returns what a block has packed for so many bytes of frames.
func (u *unpacker) unzip(kept []byte, raw int) ([]byte, error) {
	switch {
	case len(kept) > 0 && kept[0] == keptPacked:
		return kept[1:], nil
	case len(kept) < 5 || kept[0] != keptZstd:
		return nil, errors.New("it is kept in no way that is known")
	}
	n := int(binary.LittleEndian.Uint32(kept[1:]))
	if n > 2*raw { // an event may take more bytes than before, but hardly
		return nil, fmt.Errorf("%d bytes packed into %d", raw, n)
	}
	if cap(u.packed) < n {
		u.packed = make([]byte, n)
	}
	decoder := decoders.Get().(*zstd.Decoder) //nolint:forcetypeassert // nothing else is put there
	defer decoders.Put(decoder)
	packed, err := decoder.DecodeAll(kept[5:], u.packed[:0:n])
	if err == nil && len(packed) != n {
		err = fmt.Errorf("%d bytes unzip to %d", n, len(packed))
	}
	return packed, err
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
	var t tables
	blocks, _, err := t.of(p)
	if err != nil {
		return err
	}
	var room unpacker
	err = p.eachBlock(blocks, func(b block) error {
		raw := make([]byte, b.raw)
		if err := p.unpack(&room, &t.dict, b, raw, aheadBytes); err != nil {
			return err
		}
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
