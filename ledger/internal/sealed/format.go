// Package sealed keeps a stretch of history that is complete: a file that is
// written once, compressed, and never changed.
//
// The one idea: the frames of a segment are gathered by stream, so that a visit
// lies in one or two packed blocks, and a table of some bits an event gives the
// global order back. Both ways of reading are cheap: one visit unpacks one block, a
// replay unpacks the file. What repeats is packed away by a dictionary of the whole
// segment (package words), so that blocks can be small.
//
// # Layout
//
// All numbers are little-endian. CRC32C without a seed unless said.
//
// Header, 64 bytes:
//
//	 0  8  "VOUCHSLD"
//	 8  4  version of the format: 4
//	12  4  zero
//	16 16  id of the log
//	32  8  position of the first event
//	40  8  number of events
//	48 12  zero
//	60  4  CRC32C of the bytes 0 to 59
//
// Blocks, one behind the other: each is a byte, 0 before whole event frames as
// package words packs them, 1 before the length of that, 4 bytes, and a zstd frame
// of it. The checksums of frames are not kept, since the block's covers them. There
// is at least one frame in a block, otherwise up to 40 KiB of them. Events are in the
// order of their stream's name, then their revision. The place of an event in that
// order, from 0, is its ordinal. Zeros to a multiple of 4096.
//
// Sections, each starting at a multiple of 8, zeros between them:
//
//	blocks   for each block 24 bytes: offset 8, packed length 4, unpacked length
//	         4, first ordinal 4, CRC32C of the packed bytes seeded with the log's
//	         id 4
//	streams  for each stream, rising by hash, 24 bytes: xxHash64 of the log's id
//	         and its name 8, first ordinal 4, number of the block that holds it 4,
//	         then 8 of which the lower 40 bits are the first revision and the upper
//	         24 the number of events
//	names    length 4 of what follows unpacked, then a zstd frame: for each stream,
//	         in the order of ordinals, length of its name 2, name
//	kinds    for each kind, rising by name: length 2, number of events 4, name
//	order    for each position its ordinal, in as many bits as the highest
//	         ordinal takes, at least 1, from the lowest bit of the first byte on;
//	         then zeros to a multiple of 8 and 8 more
//	words    the table of words of the blocks
//	forms    the table of forms of the blocks
//
// Trailer, the last 256 bytes of the file, at a multiple of 8:
//
//	  0  8  "VOUCHEND"
//	  8 112 for each of the seven sections: offset 8, length 4, CRC32C 4
//	120  4  header checksum of the last commit, as in an open segment
//	124  4  unpacked length of the largest block
//	128  8  unpacked length of all blocks together
//	136  8  recorded time of the last event
//	144 32  SHA-256 of all bytes before the trailer
//	176     zero
//	252  4  CRC32C of the bytes 0 to 251, seeded with the log's id
package sealed

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/vouchledger/vouch/ledger/internal/frame"
)

const (
	headMagic     = "VOUCHSLD"
	endMagic      = "VOUCHEND"
	formatVersion = 4
	headBytes     = 64
	trailerBytes  = 256
	blockEntry    = 24
	streamEntry   = 24
	footerAlign   = 4096
	suffix        = ".sealed"

	// A block is unpacked to read a visit, so it ends with a stream once it has
	// visitBytes, and anywhere before it would have more than blockBytes. Of a visit
	// a segment has some events or all of its 20 KiB; what else is in the block is
	// unpacked for nothing.
	visitBytes = 1 << 10
	blockBytes = 40 << 10

	// How a block is kept.
	keptPacked = 0
	keptZstd   = 1

	// maxEvents bounds a segment; ordinals are 32 bits and an index counts 24.
	maxEvents = 1<<24 - 1

	// What a segment can be and no more: so much may be asked of the memory
	// before anything was read.
	maxPosition = 1 << 62
	maxBlock    = max(blockBytes, frame.MaxBytes)
	maxRaw      = 1 << 30
)

// The sections, in the order of the file.
const (
	secBlocks = iota
	secStreams
	secNames
	secKinds
	secOrder
	secWords
	secForms
	sections
)

// orderBits returns how many bits an entry of the section order takes.
func orderBits(count uint64) int { return max(1, bits.Len64(count-1)) }

// orderBytes returns the length of the section order.
func orderBytes(count uint64) int {
	n := (count*uint64(orderBits(count)) + 7) / 8 //nolint:gosec // positive
	return int((n+7)/8*8 + 8)                     //nolint:gosec // bounded by maxEvents
}

// putOrder writes entry i of the section order, which must be zero there.
func putOrder(order []byte, width int, i uint64, ordinal uint32) {
	at := i * uint64(width) //nolint:gosec // positive
	b := order[at/8:]
	binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)|uint64(ordinal)<<(at%8))
}

// orderAt reads entry i of the section order.
func orderAt(order []byte, width int, i uint64) uint32 {
	at := i * uint64(width)                                                              //nolint:gosec // positive
	return uint32(binary.LittleEndian.Uint64(order[at/8:]) >> (at % 8) & (1<<width - 1)) //nolint:gosec // width bits
}

var sectionNames = [sections]string{"blocks", "streams", "names", "kinds", "order", "words", "forms"}

// Name returns the file name for a first position. Names sort as positions do.
func Name(first uint64) string { return frame.FileName(first, suffix) }

// ParseName returns the first position that a file name promises.
func ParseName(name string) (uint64, bool) {
	first, ok := frame.ParseFileName(name, suffix)
	return first, ok && first > 0
}

// A section is a stretch of the file.
type section struct {
	offset int64
	length int
	crc    uint32
}

// A trailer is what the end of the file says.
type trailer struct {
	sections  [sections]section
	commitCRC uint32
	maxBlock  int
	raw       int64
	recorded  int64
	digest    [32]byte
}

func encodeHead(id frame.LogID, first, count uint64) []byte {
	b := make([]byte, headBytes)
	copy(b, headMagic)
	le := binary.LittleEndian
	le.PutUint32(b[8:], formatVersion)
	copy(b[16:], id[:])
	le.PutUint64(b[32:], first)
	le.PutUint64(b[40:], count)
	le.PutUint32(b[60:], frame.Checksum(0, b[:60]))
	return b
}

func parseHead(b []byte) (id frame.LogID, first, count uint64, err error) {
	le := binary.LittleEndian
	switch {
	case string(b[:8]) != headMagic:
		err = fmt.Errorf("not a sealed segment: starts with %x", b[:8])
	case frame.Checksum(0, b[:60]) != le.Uint32(b[60:]):
		err = fmt.Errorf("header checksum is %08x, the header says %08x",
			frame.Checksum(0, b[:60]), le.Uint32(b[60:]))
	case le.Uint32(b[8:]) != formatVersion:
		err = fmt.Errorf("%w: %d, this program reads %d", frame.ErrFormat, le.Uint32(b[8:]), formatVersion)
	case le.Uint64(b[32:]) == 0 || le.Uint64(b[32:]) > maxPosition:
		err = fmt.Errorf("segment of position %d", le.Uint64(b[32:]))
	case le.Uint64(b[40:]) == 0 || le.Uint64(b[40:]) > maxEvents:
		err = fmt.Errorf("segment of %d events", le.Uint64(b[40:]))
	}
	return frame.LogID(b[16:32]), le.Uint64(b[32:]), le.Uint64(b[40:]), err
}

func (t *trailer) encode(seed uint32) []byte {
	b := make([]byte, trailerBytes)
	copy(b, endMagic)
	le := binary.LittleEndian
	for i, s := range t.sections {
		le.PutUint64(b[8+16*i:], uint64(s.offset))  //nolint:gosec // positive
		le.PutUint32(b[16+16*i:], uint32(s.length)) //nolint:gosec // bounded by maxEvents
		le.PutUint32(b[20+16*i:], s.crc)
	}
	le.PutUint32(b[120:], t.commitCRC)
	le.PutUint32(b[124:], uint32(t.maxBlock)) //nolint:gosec // a block
	le.PutUint64(b[128:], uint64(t.raw))      //nolint:gosec // positive
	le.PutUint64(b[136:], uint64(t.recorded)) //nolint:gosec // read back as int64
	copy(b[144:], t.digest[:])
	le.PutUint32(b[252:], frame.Checksum(seed, b[:252]))
	return b
}

// parseTrailer reads the trailer of a file of that size and checks that the
// sections lie where they may.
func parseTrailer(seed uint32, b []byte, size int64) (trailer, error) {
	var t trailer
	le := binary.LittleEndian
	if string(b[:8]) != endMagic {
		return t, fmt.Errorf("no trailer: %x", b[:8])
	}
	if got, want := frame.Checksum(seed, b[:252]), le.Uint32(b[252:]); got != want {
		return t, fmt.Errorf("trailer checksum is %08x, the trailer says %08x", got, want)
	}
	from := int64(headBytes)
	for i := range t.sections {
		s := section{
			offset: int64(le.Uint64(b[8+16*i:])), //nolint:gosec // compared below
			length: int(le.Uint32(b[16+16*i:])), crc: le.Uint32(b[20+16*i:]),
		}
		if s.offset < from || s.offset > size-trailerBytes-int64(s.length) || s.offset%8 != 0 {
			return t, fmt.Errorf("section %s at %d of %d bytes", sectionNames[i], s.offset, s.length)
		}
		t.sections[i] = s
		from = s.offset + int64(s.length)
	}
	if t.sections[0].offset%footerAlign != 0 {
		return t, fmt.Errorf("sections start at %d", t.sections[0].offset)
	}
	t.commitCRC, t.maxBlock = le.Uint32(b[120:]), int(le.Uint32(b[124:]))
	t.raw, t.recorded = int64(le.Uint64(b[128:])), int64(le.Uint64(b[136:])) //nolint:gosec // written from them
	copy(t.digest[:], b[144:176])
	if t.maxBlock > maxBlock || t.raw < 0 || t.raw > maxRaw {
		return t, fmt.Errorf("blocks of up to %d bytes, %d together", t.maxBlock, t.raw)
	}
	return t, nil
}
