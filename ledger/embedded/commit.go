package embedded

import (
	"encoding/binary"
	"fmt"

	"github.com/vouchledger/vouch/ledger/internal/frame"
)

// Layout of a commit: what one write and one sync put on the disk, the frames
// of all appends that waited. It starts at a multiple of a sector and is filled
// up with zeros to the next, so that writing a commit never touches a sector
// that holds an acknowledged byte.
//
//	 0  4  "VCMT"
//	 4  4  bytes of the frames together
//	 8  8  position of the first frame
//	16  4  number of frames
//	20  4  CRC32C of the frames, seeded with the log's id and the segment's
//	       generation
//	24  4  checksum (at 28) of the commit before; 0 for the first of the log
//	28  4  CRC32C of the bytes 0 to 27, seeded in the same way
//	32     frames
//
// A commit is written only after the one before it is durable. Its presence
// therefore says: everything before me was acknowledged or may have been.
//
// The generation is the position of the segment's first event, which no other
// life of the file has had. What an earlier life has left behind the end of the
// commits is no commit under it.
const (
	commitMagic  = "VCMT"
	commitHeader = 32
	sector       = 512
)

// seeds are what the checksums of a segment start from.
type seeds struct {
	frame  uint32 // of a frame: the log's id
	commit uint32 // of a commit: the log's id and the segment's generation
}

func seedsOf(id frame.LogID, first uint64) seeds {
	return seeds{frame: id.Seed(), commit: id.SeedOf(first)}
}

// offsetsOf appends to offsets where the frames of a commit, which lies at an offset
// of its segment, start there.
func offsetsOf(offsets []uint32, commit []byte, offset int64) []uint32 {
	for at := commitHeader; at < len(commit); at += int(binary.LittleEndian.Uint32(commit[at:])) {
		offsets = append(offsets, uint32(offset)+uint32(at)) //nolint:gosec // below maxSegment
	}
	return offsets
}

// A commitHead is the header of a commit.
type commitHead struct {
	length    uint32 // bytes of the frames
	first     uint64 // position of the first
	count     uint32
	framesCRC uint32
	previous  uint32 // crc of the commit before
	crc       uint32
}

// sealCommit fills in the checksums and the header of the commit in buf, which
// holds room for the header and then count frames, and pads buf to a sector.
// It returns the padded buffer and the header's checksum.
func sealCommit(s seeds, buf []byte, first uint64, count int, previous uint32) ([]byte, uint32) {
	for rest := buf[commitHeader:]; len(rest) > 0; {
		rest = frame.Seal(s.frame, rest)
	}
	return headCommit(s, buf, first, count, previous)
}

// headCommit is sealCommit where the frames have their checksums.
func headCommit(s seeds, buf []byte, first uint64, count int, previous uint32) ([]byte, uint32) {
	frames := buf[commitHeader:]
	le := binary.LittleEndian
	copy(buf, commitMagic)
	le.PutUint32(buf[4:], uint32(len(frames))) //nolint:gosec // bounded by maxCommit
	le.PutUint64(buf[8:], first)
	le.PutUint32(buf[16:], uint32(count)) //nolint:gosec // fewer than the bytes
	le.PutUint32(buf[20:], frame.Checksum(s.commit, frames))
	le.PutUint32(buf[24:], previous)
	crc := frame.Checksum(s.commit, buf[:28])
	le.PutUint32(buf[28:], crc)
	if pad := -len(buf) & (sector - 1); pad > 0 {
		buf = append(buf, zeros[:pad]...)
	}
	return buf, crc
}

// parseCommitHead returns the header that b starts with if its checksum holds.
func parseCommitHead(s seeds, b []byte) (commitHead, error) {
	if len(b) < commitHeader {
		return commitHead{}, fmt.Errorf("%d bytes where a commit header needs %d", len(b), commitHeader)
	}
	if string(b[:4]) != commitMagic {
		return commitHead{}, fmt.Errorf("no commit header: starts with %x", b[:4])
	}
	le := binary.LittleEndian
	h := commitHead{
		length: le.Uint32(b[4:]), first: le.Uint64(b[8:]), count: le.Uint32(b[16:]),
		framesCRC: le.Uint32(b[20:]), previous: le.Uint32(b[24:]), crc: le.Uint32(b[28:]),
	}
	if got := frame.Checksum(s.commit, b[:28]); got != h.crc {
		return commitHead{}, fmt.Errorf("commit header checksum is %08x, the header says %08x", got, h.crc)
	}
	return h, nil
}

// isCommit reports whether b starts with a header whose checksum holds. It is
// parseCommitHead for who looks at every sector and wants no reasons.
func isCommit(s seeds, b []byte) bool {
	return len(b) >= commitHeader && string(b[:4]) == commitMagic &&
		frame.Checksum(s.commit, b[:28]) == binary.LittleEndian.Uint32(b[28:])
}

// size returns the bytes of the commit on disk, padding included.
func (h commitHead) size() int64 { return padded(commitHeader + int64(h.length)) }

func padded(n int64) int64 { return (n + sector - 1) &^ (sector - 1) }

// zeros is written; never change it.
var zeros = make([]byte, 1<<20)
